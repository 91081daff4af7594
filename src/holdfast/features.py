"""Rows to features: one featurizer, made from the schema, fitted on training rows only.

Every feature of a row follows from that row and from what was fitted, never from the rows beside it.
So one row, a chunk and a whole file get the same features to the last bit.

- A number is itself; one that no training row has is 0 for all, for nothing was learned of it.
- A category is its place among the words met in training; an unknown or missing one is missing.
- A time is its minute of the day and its day of the week, by the clock of its zone. Month and day of
  the month are left out on purpose: the months to come are ones that no model has seen, and
  with these features the scores of such months were worse calibrated.
"""

from typing import Self

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
        columns = [self._codes(name, rows[name]) for name in self.categories]
        columns += [self._number(name, rows[name]) for name in self.numbers]
        for name in self.times:
            clock = rows[name].dt
            columns.append((clock.hour * 60 + clock.minute).to_numpy("float64"))
            columns.append(clock.day_of_week.to_numpy("float64"))
        return np.column_stack(columns)

    def _number(self, name: str, values: pd.Series) -> np.ndarray:
        return np.zeros(len(values)) if name in self.absent_ else values.to_numpy("float64")

    def _words(self, values: pd.Series) -> list[str]:
        counts = values.value_counts().sort_index().sort_values(ascending=False, kind="stable")
        return sorted(str(word) for word in counts.index[: self.max_categories])

    def _codes(self, name: str, values: pd.Series) -> np.ndarray:
        codes = pd.Index(self.words_[name], dtype="str").get_indexer(pd.Index(values)).astype("float64")
        codes[codes < 0] = np.nan
        return codes
