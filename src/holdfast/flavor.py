"""A bundle as an MLflow model, which `mlflow.pyfunc.load_model`, `mlflow models serve` and Databricks can load.

The folder holds the very bytes of the bundle, and this package beside them; nothing in it is a pickle. Whoever loads
it, it first gives its golden rows exactly the scores that the evaluation saw. A time is text, ISO 8601 with its offset:
JSON has no times, and MLflow's own would lose the zone.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from holdfast.bundle import Bundle
from holdfast.schema import Category, Number, Schema, Time
from holdfast.targets import LABEL

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

EXAMPLES = 2  # rows that show how to ask
DATA = "data"  # where MLflow puts the bundle


class Scorer:
    """What MLflow asks for predictions."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle

    def predict(self, rows: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:  # noqa: ARG002
        """Return the scores and the label of raw rows; a nullable column may be left out.

        Raises: UserError where a column is missing or of another kind.
        """
        model = self.bundle.model
        scores = model.score(_typed(rows, model.facts.data))
        target = model.facts.data.target
        columns = dict(zip(target.score_names, scores.reshape(-1, len(target.score_names)).T, strict=True))
        return pd.DataFrame(columns | ({LABEL: model.label(scores)} if target.answers else {}))


def _load_pyfunc(path: str) -> Scorer:
    """Load a bundle for MLflow, which calls this by its name."""
    bundle = Bundle.load(Path(path))
    bundle.prove()
    return Scorer(bundle)


def save(into: Path, folder: Path, requirements: list[str]) -> None:
    """Write the bundle of a folder as an MLflow model; the requirements are those of scoring, each pinned."""
    import mlflow.pyfunc

    bundle = Bundle.load(folder)
    schema = bundle.model.facts.data
    example = pd.DataFrame(bundle.golden.rows[:EXAMPLES], columns=list(schema.columns)).astype(
        dict.fromkeys(schema.named(Number), "float64")
    )
    mlflow.pyfunc.save_model(
        into,
        loader_module="holdfast.flavor",
        data_path=folder,
        code_paths=[str(Path(__file__).parent)],
        signature=_signature(schema),
        input_example=example,
        pip_requirements=requirements,
    )


def _signature(schema: Schema) -> "ModelSignature":
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec
    from mlflow.types import Schema as Columns

    kinds = {Number: "double", Category: "string", Time: "string"}
    inputs: list[Any] = [
        ColSpec(kinds[type(column)], name, required=not column.nullable) for name, column in schema.columns.items()
    ]
    outputs: list[Any] = [ColSpec("double", name) for name in schema.target.score_names]
    outputs += [ColSpec("string", LABEL)] if schema.target.answers else []
    return ModelSignature(Columns(inputs), Columns(outputs))


def _typed(rows: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Return rows with all columns of the schema, and with times that are times."""
    absent = [name for name, column in schema.columns.items() if column.nullable and name not in rows]
    typed = rows.assign(**dict.fromkeys(absent))
    for name in (name for name in schema.named(Time) if name in rows):
        if pd.api.types.is_datetime64_any_dtype(rows[name]):
            continue
        zone = schema.columns[name].zone  # type: ignore[union-attr]
        times = pd.to_datetime(rows[name], format="ISO8601", utc=zone is not None)
        typed[name] = times.dt.tz_convert(zone) if zone else times
    return typed
