"""Rows to features: one featurizer, made from the schema, fitted on training rows only.

Every feature of a row follows from that row and from what was fitted, never from the rows beside it.
So one row, a chunk and a whole file get the same features to the last bit. And there is one transform for all who
bring rows: columns of a table and lists of what a request said go through the same lines.

- A number is itself; one that no training row has is 0 for all, for nothing was learned of it.
- A category is its place among the words met in training; an unknown or missing one is missing.
- A time is its minute of the day and its day of the week, by the clock of its zone. Month and day of
  the month are left out on purpose: the months to come are ones that no model has seen, and
  with these features the scores of such months were worse calibrated.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from holdfast.schema import Category, Number, Schema, Time


class Featurizer(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Turn canonical rows into a float64 matrix.

    Shapes: rows (n, columns of the schema) → features (n, features of `names`).
    Units: numbers as in the schema; minutes since midnight, Monday is 0.
    """

    def __init__(self, numbers: list[str], categories: list[str], times: list[str], max_categories: int) -> None:
        self.numbers = numbers
        self.categories = categories
        self.times = times
        self.max_categories = max_categories

    @classmethod
    def of(cls, schema: Schema, max_categories: int) -> Self:
        """Make an unfitted featurizer for a schema."""
        return cls(schema.named(Number), schema.named(Category), schema.named(Time), max_categories)

    @property
    def names(self) -> list[str]:
        """The features' names, in the order of the matrix: categories come first."""
        parts = [f"{time}.{part}" for time in self.times for part in ("minute_of_day", "day_of_week")]
        return [*self.categories, *self.numbers, *parts]

    def fit(self, rows: pd.DataFrame, _target: object = None) -> Self:
        """Learn the words of each category, and which numbers are there at all.

        Beyond `max_categories` the rarest words are left out.
        """
        self.words_ = {name: self._words(rows[name]) for name in self.categories}
        self.absent_ = [name for name in self.numbers if rows[name].isna().all()]
        return self

    def transform(self, rows: pd.DataFrame) -> np.ndarray:
        """Return the features of canonical rows."""
        return self.features(rows)

    def features(self, rows: pd.DataFrame | Mapping[str, Any]) -> np.ndarray:
        """Return the features of canonical rows: a table, or a sequence for each column.

        In sequences a missing number is NaN, a missing word is None, and a time is a `datetime` without a zone, as
        the clock of its zone shows it.
        """
        columns: list[Any] = [_codes(self.words_[name], rows[name]) for name in self.categories]
        columns += [0.0 if name in self.absent_ else rows[name] for name in self.numbers]
        for name in self.times:
            columns += _parts(rows[name])
        features = np.empty((len(rows[self.columns[0]]), len(columns)))
        for place, column in enumerate(columns):
            features[:, place] = column
        return features

    @property
    def columns(self) -> list[str]:
        """The columns that it reads."""
        return [*self.categories, *self.numbers, *self.times]

    def _words(self, values: pd.Series) -> list[str]:
        counts = values.value_counts().sort_index().sort_values(ascending=False, kind="stable")
        return sorted(str(word) for word in counts.index[: self.max_categories])


def _codes(words: list[str], values: Iterable[Any]) -> list[float]:
    """Return the place of each value among the words; NaN for one that is missing or not among them."""
    places = _places(tuple(words))
    return [places.get(value, np.nan) for value in values]


@lru_cache(maxsize=256)
def _places(words: tuple[str, ...]) -> dict[str, int]:
    return {word: place for place, word in enumerate(words)}


def _parts(times: Any) -> tuple[Any, Any]:
    """Return the minute of the day and the day of the week of each time, by its own clock."""
    if isinstance(times, pd.Series):
        return times.dt.hour * 60 + times.dt.minute, times.dt.day_of_week
    minutes = [np.nan if time is None else time.hour * 60 + time.minute for time in times]
    return minutes, [np.nan if time is None else time.weekday() for time in times]
