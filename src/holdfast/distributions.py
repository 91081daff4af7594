"""How far two distributions of one column are apart, from exact counts.

Counts of two partitions add up to the counts of both, so that a distribution of any size is counted one partition
after the other. A distance goes from 0, the same, to 1, nothing in common:

- numbers: the Kolmogorov-Smirnov distance, the largest difference of the cumulative shares;
- words, and the hours of the day of times: the total variation distance, the share of rows that would have to change.
"""

from collections.abc import Iterable
from typing import Literal

import numpy as np
import pandas as pd

Kind = Literal["number", "category", "time"]
DISTANCES: dict[Kind, str] = {"number": "Kolmogorov-Smirnov", "category": "total variation", "time": "total variation"}


def counts(values: pd.Series, kind: Kind) -> pd.Series:
    """Count values that are there: numbers, words, or the hours of times."""
    known = values.dropna()
    if kind == "number":
        known = known.astype("float64")
    elif kind == "time":
        known = pd.to_datetime(known).dt.hour
    else:
        known = known.map(str) if known.dtype == object else known.astype("str")
    return known.value_counts().sort_index()


def total(parts: Iterable[pd.Series]) -> pd.Series:
    """Add up counts."""
    every = [part for part in parts if len(part)]
    return pd.concat(every).groupby(level=0).sum() if every else pd.Series(dtype="int64")


def distance(before: pd.Series, after: pd.Series, kind: Kind) -> float | None:
    """Return how far the distributions behind two counts are apart; None where one has no value."""
    if before.empty or after.empty:
        return None
    first, second = before.align(after, join="outer", fill_value=0)
    difference = first.sort_index() / before.sum() - second.sort_index() / after.sum()
    if kind == "number":
        return float(np.abs(difference.cumsum()).max())
    return float(np.abs(difference).sum() / 2)
