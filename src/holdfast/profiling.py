"""The profile of a data version: what its rows look like, partition by partition.

A partition's profile is made from its rows alone and holds no row, so that memory does not grow with
the number of partitions. What profiles hold can be added up: counts are counts, and a histogram's bins are
a power of two wide and start at a multiple of it, so that bins of different partitions nest.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Annotated, Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field

from holdfast.schema import Category, Column, Number, Schema
from holdfast.strict import Strict
from holdfast.targets import NumberTarget

BINS = 32
KEPT = 200  # words of one partition that are kept with their counts


class Histogram(Strict):
    """Counts of numbers in bins of equal width, the first of which begins at `start`."""

    start: float
    width: float
    counts: tuple[int, ...]

    @property
    def end(self) -> float:
        """Where the last bin ends."""
        return self.start + len(self.counts) * self.width

    @classmethod
    def of(cls, values: np.ndarray) -> Self:
        """Count finite values, at least one, in bins of the smallest width that gives no more than `BINS`."""
        spread = float(values.max() / BINS - values.min() / BINS)
        width = 2.0 ** math.ceil(math.log2(spread)) if spread > 0 else 1.0
        width = max(width, float(np.spacing(np.abs(values).max())))  # as fine as these numbers can differ
        while np.floor(values.max() / width) - np.floor(values.min() / width) >= BINS:
            width *= 2
        places = np.floor(values / width)
        counts = np.bincount((places - places.min()).astype("int64"))
        return cls(start=float(places.min() * width), width=width, counts=tuple(counts.tolist()))

    @classmethod
    def total(cls, parts: Sequence[Self]) -> Self:
        """Add histograms up, in bins as wide as the widest, or wider where there would be too many."""
        width = max(part.width for part in parts)
        while True:
            added = Counter[int]()
            for part in parts:
                first = part.start / part.width
                for place, count in enumerate(part.counts):
                    added[math.floor((first + place) * part.width / width)] += count
            low, high = min(added), max(added)
            if high - low < BINS:
                return cls(start=low * width, width=width, counts=tuple(added[at] for at in range(low, high + 1)))
            width *= 2


class Spread(Strict):
    """How the numbers that are there lie."""

    min: float
    lower_quartile: float
    median: float
    upper_quartile: float
    max: float
    mean: float
    histogram: Histogram


class NumberProfile(Strict):
    """The spread of a column of numbers, if any is there."""

    kind: Literal["number"] = "number"
    missing: int
    spread: Spread | None


class CategoryProfile(Strict):
    """How many different words there are, and the most frequent with their counts."""

    kind: Literal["category"] = "category"
    missing: int
    distinct: int
    words: dict[str, int]


class TimeProfile(Strict):
    """The first and the last time, and how many fall into each hour of the day."""

    kind: Literal["time"] = "time"
    missing: int
    first: str | None = None
    last: str | None = None
    hours: tuple[int, ...]


ColumnProfile = Annotated[NumberProfile | CategoryProfile | TimeProfile, Field(discriminator="kind")]


class PartitionProfile(Strict):
    """What the rows of one partition look like."""

    rows: int
    outcomes: dict[str, int] = Field(description="rows of each label of the target, also those that are excluded")
    unknown_outcomes: int
    answers: NumberProfile | None = Field(default=None, description="of a target that is a number")
    columns: dict[str, ColumnProfile]

    def summary(self, schema: Schema) -> float | None:
        """Return the share of the label that is followed, or the mean of a target that is a number."""
        if self.answers is not None:
            return self.answers.spread.mean if self.answers.spread else None
        return schema.target.summary(self.outcomes)


def profile(part: pd.DataFrame, schema: Schema) -> PartitionProfile:
    """Describe the rows of a partition, in the canonical form that `Schema.rows` returns."""
    outcomes, is_number = part[schema.target.column], isinstance(schema.target, NumberTarget)
    return PartitionProfile(
        rows=len(part),
        outcomes={label: int((outcomes == label).sum()) for label in schema.target.labels},
        unknown_outcomes=int(outcomes.isna().sum()),
        answers=_numbers(outcomes) if is_number else None,
        columns={name: _column(part[name], column) for name, column in schema.columns.items()},
    )


def most_frequent(counts: Iterable[dict[str, int]]) -> list[tuple[str, int]]:
    """Add up the counts of words; the most frequent comes first, and equals in the order of the alphabet."""
    added = Counter[str]()
    for words in counts:
        added.update(words)
    return sorted(added.items(), key=lambda item: (-item[1], item[0]))


def figure(value: float) -> str:
    """Say a number with four digits, or as many as stand before its point."""
    if value and not 1e-4 <= abs(value) < 1e12:
        return f"{value:.3g}"
    digits = f"{float(f'{value:.4g}') if abs(value) < 1000 else round(value):,.7f}"
    return digits.rstrip("0").rstrip(".")


def _column(values: pd.Series, column: Column) -> ColumnProfile:
    if isinstance(column, Number):
        return _numbers(values)
    missing, known = int(values.isna().sum()), values.dropna()
    if isinstance(column, Category):
        counts = {str(word): int(count) for word, count in known.value_counts().items()}
        return CategoryProfile(missing=missing, distinct=len(counts), words=dict(most_frequent([counts])[:KEPT]))
    hours = tuple(np.bincount(known.dt.hour, minlength=24).tolist())
    if known.empty:
        return TimeProfile(missing=missing, hours=hours)
    return TimeProfile(missing=missing, first=known.min().isoformat(), last=known.max().isoformat(), hours=hours)


def _numbers(values: pd.Series) -> NumberProfile:
    known = values.dropna()
    return NumberProfile(missing=len(values) - len(known), spread=_spread(known.to_numpy()) if len(known) else None)


def _spread(values: np.ndarray) -> Spread:
    low, lower, median, upper, high = (_rounded(value) for value in np.quantile(values, [0, 0.25, 0.5, 0.75, 1]))
    return Spread(
        min=low,
        lower_quartile=lower,
        median=median,
        upper_quartile=upper,
        max=high,
        mean=_rounded(math.fsum(values / len(values))),
        histogram=Histogram.of(values),
    )


def _rounded(value: float) -> float:
    """Keep six digits, which every processor agrees on."""
    return float(f"{value:.6g}") + 0.0
