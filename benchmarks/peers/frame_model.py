"""The model as `mlflow models serve` takes one: a table into the scikit-learn pipeline, scores out."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow.pyfunc import PythonModel

from holdfast.model import DECIMALS, Model
from holdfast.schema import Number, Time


class FrameModel(PythonModel):
    """The pipeline behind mlflow's interface."""

    def load_context(self, context: Any) -> None:
        """Load the model."""
        self.model = Model.load(Path(context.artifacts["bundle"]))
        self.schema = self.model.facts.data

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> list[float]:  # noqa: ARG002
        """Return the scores of a table whose times are words."""
        times = {
            name: pd.to_datetime(model_input[name], utc=True).dt.tz_convert(column.zone)
            for name, column in self.schema.columns.items()
            if isinstance(column, Time)
        }
        numbers = {name: model_input[name].astype("float64") for name in self.schema.named(Number)}
        rows = self.schema.inputs(model_input.assign(**times, **numbers), "rows")
        scores: list[float] = np.round(self.model.pipeline.predict_proba(rows)[:, 1], DECIMALS).tolist()
        return scores
