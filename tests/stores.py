"""A store in a folder of its own, at once: its database is made once a session, and copied."""

import shutil
from pathlib import Path

from holdfast import moves, registry, store
from holdfast.moves import Move
from holdfast.registry import Version
from holdfast.store import Store


def open_in(root: Path, empty_store: Path) -> Store:
    """Open a new store in a folder."""
    shutil.copyfile(empty_store, root / store.DATABASE)
    return store.connect(root)


def register(opened: Store, name: str, folder: Path, **tags: str) -> Version:
    """Register a folder as `publish` does, in a run of its own."""
    experiment = opened.client.get_experiment_by_name(name)
    made = experiment.experiment_id if experiment else opened.client.create_experiment(
        name, artifact_location=str(opened.artifacts / name) if opened.artifacts else None
    )  # fmt: skip
    run = opened.client.create_run(made).info.run_id
    opened.client.log_artifacts(run, str(folder), f"{registry.MODEL}/data/bundle")
    return registry.register(opened, name, run, {registry.FILES: registry.digest(folder), **tags})


def crown(opened: Store, version: Version) -> None:
    """Let a version be the first champion, as `promote` does once the judge has spoken."""
    moves.append(opened, version.name, Move("promote", version.number, None, 0, "ann", verdict="promote"), version)


def forget() -> None:
    """Let MLflow forget where the files of runs lie: in a copy of a store, the same run has them in another place."""
    from mlflow.tracking._tracking_service import utils

    utils._artifact_repos_cache.clear()
