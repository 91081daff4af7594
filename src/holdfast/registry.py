"""Names for models: the MLflow registry, which `MLFLOW_TRACKING_URI` and `MLFLOW_REGISTRY_URI` point at.

DVC owns the bytes, MLflow the names. This is the only module that imports mlflow.
"""

import os
from pathlib import Path

from holdfast.errors import UserError

SCHEME = "models:/"


def fetch(name: str, into: Path) -> Path:
    """Return the model folder that a name of the registry stands for, say `models:/flight-delay@champion`.

    Raises: UserError where the registry is not reached, knows no such name, or holds no model of ours under it.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    import mlflow
    from mlflow.exceptions import MlflowException

    try:
        folder = Path(mlflow.artifacts.download_artifacts(artifact_uri=name, dst_path=str(into)))
    except (MlflowException, OSError) as error:
        said = " ".join(str(error).split())
        remedy = "check the name, and that MLFLOW_TRACKING_URI points at the registry"
        raise UserError(f"{name}: not fetched from the registry: {said}.", fix=remedy) from error
    found = next((path.parent for path in sorted(folder.rglob("model.json"))), None)
    if found is None:
        raise UserError(f"{name}: found no model.json in it, expected a model of Holdfast.", fix="name another version")
    return found
