"""A model is raw rows in, scores out.

Featurizer and estimator are frozen together with the schema, the split and the threshold that they
were trained with. `evaluate`, batch scoring and the web app all call `Model.score`: there is no
second transform that could drift away from this one.

On disk a model is a folder: `model.skops` holds what was fitted; `model.json` holds the format, the
facts and the hash of the former, so that a damaged file is refused. (The hash lies beside the file: it shows
that the file is whole, not who made it.)
"""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from pydantic import Field, model_validator
from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor
from sklearn.pipeline import Pipeline

from holdfast import files, persistence
from holdfast.errors import UserError
from holdfast.estimators import CodedBoosting, CodedRegression, RowLocalLinear, RowLocalLogistic
from holdfast.features import Featurizer
from holdfast.forest import Forest
from holdfast.schema import Schema
from holdfast.split import Boundaries
from holdfast.strict import Strict

FORMAT = 2  # from 2 on a target says of which kind it is
READABLE = (1, FORMAT)
FILES = ("model.json", "model.skops")
DECIMALS = 9
# Skops asks about the tree because its node indices are not checked when it is loaded.
TRUSTED: list[type] = [
    Featurizer, CodedBoosting, CodedRegression, RowLocalLinear, RowLocalLogistic, TreePredictor, np.dtype
]  # fmt: skip


class Facts(Strict):
    """What is true of a model for as long as it exists."""

    data: Schema
    split: Boundaries
    threshold: float | None = Field(ge=0, le=1, description="a row is positive if its score is at least this")
    estimator: str
    settings: dict[str, float | int]
    fitted_rows: int = Field(description="training and validation rows")
    positive_share: float | None = Field(description="among them")

    @model_validator(mode="after")
    def _two_labels_have_a_threshold(self) -> Self:
        if (self.data.target.kind == "binary") != (self.threshold is not None):
            raise ValueError("a threshold is for two labels, and two labels have a threshold")
        return self


class Model:
    """Featurizer and estimator together, with what they were trained with."""

    def __init__(self, pipeline: Pipeline, facts: Facts, data_format: int = FORMAT) -> None:
        self.pipeline = pipeline
        self.facts = facts
        self.data_format = data_format  # of the folder that it was read from

    def score(self, rows: pd.DataFrame) -> np.ndarray:
        """Return the scores of raw rows: probabilities of the positive label or of each class, or predicted numbers.

        Rounded to nine decimals, because the last bits of `exp` differ between processors; beyond nine decimals a
        score says nothing.

        Shapes: rows (n, at least the columns of the schema) → (n,) float64, for classes (n, classes).
        Raises: UserError where a column is missing or of another kind.
        """
        inputs = self.facts.data.inputs(rows, "rows")
        return self._none() if inputs.empty else self._scores(inputs)

    def score_columns(self, columns: Mapping[str, Sequence[Any] | np.ndarray]) -> np.ndarray:
        """Return the same scores for rows that are no table yet, column by column, and already in canonical form.

        A missing number is NaN, a missing word is None, and a time is a `datetime` without a zone, as the clock of its
        zone shows it.

        Shapes: a sequence (n,) for each column of the schema → (n,) float64, for classes (n, classes).
        """
        return self._scores(columns)

    def _scores(self, inputs: Any) -> np.ndarray:
        features = self.pipeline.named_steps["featurizer"].features(inputs)
        if self._forest is not None:
            return np.round(self._forest.positive(features), DECIMALS)
        estimator, kind = self.pipeline.named_steps["estimator"], self.facts.data.target.kind
        if kind == "number":
            return np.round(estimator.predict(features), DECIMALS)
        scores = np.round(estimator.predict_proba(features), DECIMALS)
        return scores if kind == "classes" else scores[:, 1]

    def _none(self) -> np.ndarray:
        classes = len(self.facts.data.target.score_names)
        return np.empty((0, classes) if self.facts.data.target.kind == "classes" else 0)

    @cached_property
    def _forest(self) -> Forest | None:
        return Forest.of(self.pipeline.named_steps["estimator"])

    def label(self, scores: np.ndarray) -> np.ndarray:
        """Return the answer that follows from the scores of each row: its label, or the predicted number."""
        return self.facts.data.target.predicted(scores, self.facts.threshold)

    def save(self, folder: Path) -> None:
        """Write the model; the same model gives the same bytes."""
        fitted = persistence.dumps(self.pipeline)
        folder.mkdir(parents=True, exist_ok=True)
        files.write_bytes(folder / "model.skops", fitted)
        files.write_json(
            folder / "model.json",
            {"format": FORMAT, "sha256": _sha256(fitted), "facts": self.facts.model_dump(mode="json")},
        )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a model.

        Raises: UserError where a file is missing or damaged, the two do not belong together, or the format is newer.
        """
        about, fitted = files.read_bytes(folder / "model.json"), files.read_bytes(folder / "model.skops")
        try:
            content = json.loads(about)
            check_format(content["format"], READABLE, f"{files.shown(folder)}: found model format")
            facts = Facts.model_validate(content["facts"])
            recorded = content["sha256"]
        except (ValueError, KeyError, TypeError) as error:
            raise _damaged(folder / "model.json", str(error).splitlines()[0]) from error
        if _sha256(fitted) != recorded:
            raise _damaged(folder / "model.skops", "its hash is not the one in model.json")
        return cls(persistence.loads(fitted, TRUSTED, where=folder / "model.skops"), facts, content["format"])


def check_format(found: object, readable: Collection[int], where: str) -> None:
    """Refuse a format that this version of Holdfast cannot read.

    Raises: UserError.
    """
    if found not in readable:
        raise UserError(
            f"{where} {found}, expected {' or '.join(map(str, readable))}.",
            fix="use the version of Holdfast that made it, or make it again with `dvc repro`",
        )


def identity(folder: Path) -> str:
    """Return the hash that names the model in a folder: that of its facts, which hold the hash of what was fitted.

    Raises: UserError where it is missing.
    """
    return _sha256(files.read_bytes(folder / "model.json"))


def _damaged(path: Path, problem: str) -> UserError:
    return UserError(
        f"{files.shown(path)}: not the file that was saved: {problem}.", fix="`dvc checkout --force` or `dvc repro`"
    )


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
