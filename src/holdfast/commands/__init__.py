"""The commands of `python -m holdfast`: one module each, whose `run` takes the root of the repository."""
