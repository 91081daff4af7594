"""Rows of the holdout as requests bring them, in files for `serving.py`; and the model as mlflow wants it.

python bodies.py BUNDLE FOLDER SIZE ...
"""

import json
import sys
from pathlib import Path

import mlflow
import pandas as pd
from frame_model import FrameModel
from mlflow.models import ModelSignature
from mlflow.types.schema import ColSpec
from mlflow.types.schema import Schema as MlflowSchema

from holdfast import files
from holdfast.bundle import Bundle, Golden
from holdfast.schema import Number, Schema

ROOT = Path(__file__).resolve().parent.parent.parent


def main(bundle: Path, folder: Path, sizes: list[int]) -> None:
    """Write the bodies and the scores that are expected, and save the model."""
    schema = Bundle.load(bundle).model.facts.data
    holdout = files.read(ROOT / "artifacts" / "prepare" / "holdout.parquet")
    scores = files.read(ROOT / "artifacts" / "evaluate" / "scores.parquet")["score"].to_numpy()
    for size in sizes:
        rows = Golden.of(holdout.iloc[:size], scores[:size], schema, count=size).rows
        write(folder / f"rows-{size}.json", {"rows": rows})
        write(folder / f"frame-{size}.json", {"dataframe_split": pd.DataFrame(rows).to_dict("split", index=False)})
        write(folder / f"scores-{size}.json", scores[:size].tolist())
    mlflow.pyfunc.save_model(
        folder / "mlflow",
        python_model=FrameModel(),
        artifacts={"bundle": str(bundle)},
        pip_requirements=[],
        signature=ModelSignature(inputs=columns(schema)),
    )


def columns(schema: Schema) -> MlflowSchema:
    """Return what mlflow is to check of the rows, for the others check them too."""
    return MlflowSchema(
        [
            ColSpec("double" if isinstance(column, Number) else "string", name, required=not column.nullable)
            for name, column in schema.columns.items()
        ]
    )


def write(path: Path, content: object) -> None:
    """Write JSON as programs do: without spaces, and null for what is missing."""
    text = json.dumps(content, separators=(",", ":"), default=list).replace("NaN", "null")
    path.write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), [int(size) for size in sys.argv[3:]])
