"""The stages of `dvc.yaml`: each is read, one pure call, write."""
