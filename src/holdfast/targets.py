"""What is predicted: one of two labels, one of several classes, or a number.

All that the rest needs to know of a target's kind is asked here: which rows have an answer, what the answer is to an
estimator, how many scores a row gets, and which answer follows from them.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

import numpy as np
import pandas as pd
from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from holdfast.errors import nearest
from holdfast.strict import Strict

Kind = Literal["binary", "classes", "number"]
SCORE, LABEL = "score", "label"  # what they are called in tables


class Asked(Strict):
    """What every target has: its column, and what it is to people."""

    column: str
    label: str = ""
    help: str = ""
    question: str = Field(default="", description="what a person asks: 'Will it be late?'")

    @property
    def title(self) -> str:
        """What people call it."""
        return self.label or self.column

    @property
    def score_names(self) -> tuple[str, ...]:
        """What the scores of a row are called in a table."""
        return (SCORE,)

    def scores_in(self, table: pd.DataFrame) -> np.ndarray:
        """Return the scores in a table, as a model gives them.

        Shapes: (n,), for classes (n, classes).
        """
        return table[SCORE].to_numpy()


class _Labelled(Asked):
    """A target of words."""

    excluded: tuple[str, ...] = Field(default=(), description="outcomes that are no answer: dropped, and counted")

    @property
    def answers(self) -> tuple[str, ...]:
        """The labels that can be predicted."""
        raise NotImplementedError

    @property
    def labels(self) -> tuple[str, ...]:
        """Every label that may stand in the target column."""
        return (*self.answers, *self.excluded)

    def answered(self, outcomes: pd.Series) -> np.ndarray:
        """Tell which rows have an answer.

        Shapes: (n,) → (n,) bool.
        """
        return outcomes.isin(self.answers).to_numpy(bool)

    @property
    def followed(self) -> str:
        """The label whose share is followed from one partition to the next."""
        return self.answers[0]

    @property
    def summarised(self) -> str:
        """What `summary` is of."""
        return f"share of {self.followed}"

    def summary(self, counts: Mapping[Any, int]) -> float | None:
        """Return one figure of what many rows were: the share of one label in those that have an answer.

        `counts` are the rows of each outcome.
        """
        rows = sum(counts.get(label, 0) for label in self.answers)
        return counts.get(self.followed, 0) / rows if rows else None


class BinaryTarget(_Labelled):
    """One of two labels. Both are declared, so that a typing error is never a silent negative."""

    kind: Literal["binary"] = "binary"
    negative: str
    positive: str

    @model_validator(mode="after")
    def _labels_are_distinct(self) -> Self:
        if len({self.negative, self.positive, *self.excluded}) < 2 + len(self.excluded):
            raise ValueError("negative, positive and excluded labels must all differ")
        return self

    @property
    def answers(self) -> tuple[str, ...]:
        """Both labels, the negative one first: its place is its code."""
        return (self.negative, self.positive)

    @property
    def followed(self) -> str:
        """The label whose share is followed from one partition to the next."""
        return self.positive

    def encoded(self, outcomes: pd.Series) -> np.ndarray:
        """Return 1 for the positive label, else 0.

        Shapes: (n,) → (n,) int8.
        """
        return (outcomes == self.positive).to_numpy("int8")

    def places(self, scores: np.ndarray, threshold: float | None) -> np.ndarray:
        """Return the place of each row's label among the answers: that of the positive one from the threshold on.

        Shapes: (n,) → (n,).
        """
        return scores >= threshold

    def predicted(self, scores: np.ndarray, threshold: float | None) -> np.ndarray:
        """Return the label of each row.

        Shapes: (n,) → (n,).
        """
        return np.where(scores >= threshold, self.positive, self.negative)


class ClassesTarget(_Labelled):
    """One of several labels, in the order in which they are declared; a row has a score for each."""

    kind: Literal["classes"]
    values: tuple[str, ...] = Field(min_length=2)
    names: dict[str, str] = Field(default={}, description="what some of the labels stand for, for people")

    @model_validator(mode="after")
    def _labels_are_distinct(self) -> Self:
        if len({*self.values, *self.excluded}) < len(self.values) + len(self.excluded):
            raise ValueError("values and excluded labels must all differ")
        stray = [word for word in self.names if word not in self.values]
        if stray:
            raise ValueError(f"names: '{stray[0]}' is not among the values{nearest(stray[0], self.values)}")
        return self

    @property
    def answers(self) -> tuple[str, ...]:
        """The labels that can be predicted: the place of each is its code."""
        return self.values

    @property
    def score_names(self) -> tuple[str, ...]:
        """What the scores of a row are called in a table: one for each label."""
        return tuple(f"{SCORE}_{value}" for value in self.values)

    def scores_in(self, table: pd.DataFrame) -> np.ndarray:
        """Return the scores in a table, as a model gives them.

        Shapes: (n, classes).
        """
        return table[[*self.score_names]].to_numpy()

    def encoded(self, outcomes: pd.Series) -> np.ndarray:
        """Return the place of each label among the values.

        Shapes: (n,) → (n,) int64.
        """
        return pd.Categorical(outcomes, categories=self.values).codes.astype("int64")

    def places(self, scores: np.ndarray, _threshold: float | None) -> np.ndarray:
        """Return the place of each row's label among the answers: that of its highest score, of equal ones the first.

        Shapes: (n, classes) → (n,).
        """
        return scores.argmax(axis=1)

    def predicted(self, scores: np.ndarray, threshold: float | None) -> np.ndarray:
        """Return the label of each row.

        Shapes: (n, classes) → (n,).
        """
        return np.array(self.values)[self.places(scores, threshold)]


class NumberTarget(Asked):
    """A quantity, in `unit`, between `min` and `max`."""

    kind: Literal["number"]
    unit: str = ""
    min: float | None = None
    max: float | None = None
    excluded: tuple[str, ...] = Field(default=(), max_length=0)

    @field_validator("max")
    @classmethod
    def _range_is_not_empty(cls, high: float | None, info: Any) -> float | None:
        low = info.data.get("min")
        if low is not None and high is not None and low >= high:
            raise ValueError(f"min {low:g} is not below max {high:g}")
        return high

    @property
    def answers(self) -> tuple[str, ...]:
        """There is no list of numbers."""
        return ()

    @property
    def labels(self) -> tuple[str, ...]:
        """No words stand in the target column."""
        return ()

    def answered(self, outcomes: pd.Series) -> np.ndarray:
        """Tell which rows have an answer.

        Shapes: (n,) → (n,) bool.
        """
        return outcomes.notna().to_numpy(bool)

    @property
    def summarised(self) -> str:
        """What `summary` is of."""
        return f"mean of {self.column}"

    def summary(self, counts: Mapping[Any, int]) -> float | None:
        """Return the mean of many rows; `counts` are the rows of each number."""
        rows = sum(counts.values())
        return sum(value * count for value, count in counts.items()) / rows if rows else None

    def encoded(self, outcomes: pd.Series) -> np.ndarray:
        """Return the numbers.

        Shapes: (n,) → (n,) float64.
        """
        return outcomes.to_numpy("float64")

    def places(self, scores: np.ndarray, _threshold: float | None) -> np.ndarray:
        """Return nothing but zeros: there are no labels to be placed among.

        Shapes: (n,) → (n,).
        """
        return np.zeros(len(scores), dtype="int64")

    def predicted(self, scores: np.ndarray, _threshold: float | None) -> np.ndarray:
        """Return the scores, which are what is predicted.

        Shapes: (n,) → (n,).
        """
        return scores


def _kind_of(content: Any) -> str:
    """Return the kind that is declared; where nothing is said there are two labels."""
    return str(content.get("kind", "binary") if isinstance(content, dict) else getattr(content, "kind", "binary"))


Target = Annotated[
    Annotated[BinaryTarget, Tag("binary")]
    | Annotated[ClassesTarget, Tag("classes")]
    | Annotated[NumberTarget, Tag("number")],
    Discriminator(_kind_of),
]
