"""The twin of our service on FastAPI and uvicorn: the same model, rows checked by pydantic, nothing else."""

import os
from datetime import datetime
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, create_model

from holdfast.bundle import Bundle
from holdfast.schema import Number, Time

BUNDLE = Bundle.load(Path(os.environ["MODEL_URI"]))
KINDS: dict[type, type] = {Number: float, Time: datetime}
FIELDS: dict[str, Any] = {
    name: (KINDS.get(type(column), str) | None, None) for name, column in BUNDLE.model.facts.data.columns.items()
}
Row = create_model("Row", **FIELDS)


class Rows(BaseModel):
    """What is asked."""

    rows: list[Row]


app = FastAPI()


@app.post("/predict")
def predict(asked: Rows) -> dict[str, list[dict[str, float]]]:
    """Score."""
    rows = [row.__dict__ for row in asked.rows]
    return {"predictions": [{"score": score} for score in BUNDLE.model.score_columns(BUNDLE.columns(rows)).tolist()]}


@app.get("/readyz")
def ready() -> str:
    """Say that the model is loaded."""
    return "ready"
