"""Names for models: the MLflow registry, which `MLFLOW_TRACKING_URI` and `MLFLOW_REGISTRY_URI` point at.

DVC owns the bytes, MLflow the names. This is the only module that imports mlflow.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from holdfast.errors import UserError

SCHEME = "models:/"


@contextmanager
def _asked(name: str) -> Iterator[Any]:
    """Give mlflow, and turn what can go wrong with a name into a `UserError`."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    try:
        import mlflow
        from mlflow.exceptions import MlflowException
    except ImportError as error:
        problem = f"{name}: a name of the MLflow registry, but mlflow is not installed here."
        remedy = f"where it is installed, run `python -m holdfast export FOLDER --model {name}`, and serve that folder"
        raise UserError(problem, fix=remedy) from error
    try:
        yield mlflow
    except (MlflowException, OSError) as error:
        said = " ".join(str(error).split())
        remedy = "check the name, and that MLFLOW_TRACKING_URI points at the registry"
        raise UserError(f"{name}: not fetched from the registry: {said}.", fix=remedy) from error


def fetch(name: str, into: Path) -> Path:
    """Return the model folder that a name of the registry stands for, say `models:/flight-delay@champion`.

    Raises: UserError where the registry is not reached, knows no such name, or holds no model of ours under it.
    """
    with _asked(name) as mlflow:
        folder = Path(mlflow.artifacts.download_artifacts(artifact_uri=name, dst_path=str(into)))
    found = next((path.parent for path in sorted(folder.rglob("model.json"))), None)
    if found is None:
        raise UserError(f"{name}: found no model.json in it, expected a model of Holdfast.", fix="name another version")
    return found


def pinned(name: str) -> str:
    """Return the name by its number, which stands for the same version for ever, of an alias, which may be moved.

    Raises: UserError as `fetch`.
    """
    registered, _, alias = name.removeprefix(SCHEME).partition("@")
    if not alias:
        return name
    with _asked(name) as mlflow:
        return f"{SCHEME}{registered}/{mlflow.MlflowClient().get_model_version_by_alias(registered, alias).version}"


def version(name: str) -> str:
    """Return the number of the version that a pinned name stands for.

    Raises: UserError where it has none, as `models:/flight-delay/latest`.
    """
    number = name.rpartition("/")[2]
    if not number.isdecimal():
        problem = f"{name}: found neither an alias nor a number, expected {SCHEME}NAME@ALIAS or {SCHEME}NAME/NUMBER."
        raise UserError(problem, fix="name the version by one of them")
    return number
