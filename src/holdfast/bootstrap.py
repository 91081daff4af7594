"""Uncertainty: what a metric could as well have been, had other days been drawn.

Whole groups of rows are drawn with replacement, as many as there are: rows of one group are not independent of each
other. Both models are measured on the same draws, so that what is easy or hard about a day cancels in their difference.

A draw is how often each group was drawn. Every metric is computed from that, for many draws at once, and no row is
ever copied: sums are sums over groups, and the two curves need the cumulated weights at the positive rows alone.
"""

from collections.abc import Collection, Iterator

import numpy as np
import pandas as pd
from scipy import stats

from holdfast.metrics import Metric
from holdfast.schema import Schema, deciding

BLOCK = 1 << 21  # numbers in one array, so that memory does not grow with the resamples
FEW = 100  # groups for which a table is faster than counting: the days of three months


def groups_of(rows: pd.DataFrame, schema: Schema) -> tuple[np.ndarray, str]:
    """Return which rows are drawn together, and what to call them: declared groups, else days, else single rows.

    A row without a group is one of its own.

    Shapes: (n,) from 0.
    """
    if schema.group:
        return pd.factorize(deciding(rows, schema.id, schema.group))[0], f"values of {schema.group}"
    if schema.time:
        return pd.factorize(rows[schema.time].dt.date, sort=True)[0], "days"
    return np.arange(len(rows)), "rows"


def draws(groups: int, rows: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Give how often each group was drawn, in blocks; the first draw has every group once: it is what was found.

    Shapes: (block, groups) uint8, `resamples` + 1 lines in all; that one of many groups is drawn 256 times does not
    happen in the age of the universe.
    """
    random = np.random.default_rng(seed)
    left, height = resamples, max(1, BLOCK // max(groups, rows))
    yield np.ones((1, groups), dtype="uint8")
    while left:
        lines = min(height, left)
        drawn = random.integers(0, groups, (lines, groups)) + groups * np.arange(lines)[:, None]
        yield np.bincount(drawn.ravel(), minlength=lines * groups).astype("uint8").reshape(lines, groups)
        left -= lines


class Measures:
    """The metrics of one model on some rows, for any draw of their groups; NaN where a draw leaves one undefined.

    Shapes: target (n,) of 0 and 1, scores (n,) from 0 to 1, groups (n,) from 0, each number at least once.
    """

    def __init__(
        self, target: np.ndarray, scores: np.ndarray, groups: np.ndarray, *, threshold: float, bins: int
    ) -> None:
        self._areas = Areas(target, scores, groups)
        flagged, hit = scores >= threshold, target == 1
        sure = np.clip(scores, np.finfo(float).eps, 1 - np.finfo(float).eps)  # as scikit-learn does
        columns = {
            "rows": np.ones(len(target)),
            "positives": hit,
            "alarms": flagged,
            "hits": flagged & hit,
            "log_loss": -np.log(np.where(hit, sure, 1 - sure)),
            "brier": (scores - hit) ** 2,
        }
        self._names = list(columns)
        self._sums = np.column_stack([np.bincount(groups, values) for values in columns.values()])
        place = np.minimum((scores * bins).astype("int64"), bins - 1)
        cells = len(self._sums) * bins
        self._gaps = np.bincount(groups * bins + place, scores - hit, minlength=cells).reshape(-1, bins)

    def of(self, drawn: np.ndarray, names: Collection[Metric]) -> dict[Metric, np.ndarray]:
        """Return some metrics of some draws.

        Shapes: drawn (draws, groups) → (draws,) for each name.
        """
        times = drawn.astype("float64")
        sums = dict(zip(self._names, (times @ self._sums).T, strict=True))
        rows, positives, alarms, hits = (sums[name] for name in ("rows", "positives", "alarms", "hits"))
        with np.errstate(divide="ignore", invalid="ignore"):  # 0 / 0 is NaN: not defined
            found: dict[Metric, np.ndarray] = {
                "log_loss": sums["log_loss"] / rows,
                "brier": sums["brier"] / rows,
                "precision": hits / alarms,
                "recall": hits / positives,
                "f1": 2 * hits / (alarms + positives),
            }
            if "calibration_error" in names:
                found["calibration_error"] = np.abs(times @ self._gaps).sum(axis=1) / rows
            if {"roc_auc", "pr_auc"} & set(names):
                lost, precisions = self._areas.areas(drawn, both="pr_auc" in names)
                found["roc_auc"] = 1 - lost / (positives * (rows - positives))
                found["pr_auc"] = precisions / positives
        return {name: found[name] for name in names}


class Areas:
    """How many rows, and how many positive ones, score more than each positive row, or as much.

    Such a count is a sum over groups. Where groups are few, each is counted once, alone, and a draw is a product with
    those small tables; where they are many, as when every row is one, the rows are counted draw by draw.
    """

    def __init__(self, target: np.ndarray, scores: np.ndarray, groups: np.ndarray) -> None:
        order = np.argsort(-scores, kind="stable")
        falling, self._groups = -scores[order], groups[order]
        self._positive = np.flatnonzero(target[order])
        self._own = self._groups[self._positive]
        own = falling[self._positive]
        self._more, self._least = np.searchsorted(falling, own), np.searchsorted(falling, own, side="right")
        self._more_hits, self._least_hits = np.searchsorted(own, own), np.searchsorted(own, own, side="right")
        count = int(groups.max()) + 1
        self._few = count <= FEW
        if self._few:
            flagged, hits, wrong = self._counted(np.eye(count, dtype="uint8"))
            self._tables = flagged.astype("float64"), hits.astype("float64")
            self._pairs = np.array([np.bincount(self._own, line, minlength=count) for line in wrong])

    def areas(self, drawn: np.ndarray, *, both: bool) -> tuple[np.ndarray, np.ndarray]:
        """Count the pairs in the wrong order (a tie is half a pair), and, if asked for both, add up the precisions.

        Shapes: drawn (draws, groups) → (draws,) each.
        """
        if self._few:
            times = drawn.astype("float64")
            pairs = np.einsum("ij,ij->i", times @ self._pairs, times) / 2
            if not both:
                return pairs, pairs
            flagged, hits = (times @ table for table in self._tables)
            return pairs, self._added(drawn, hits / np.maximum(flagged, 1))
        flagged, hits, wrong = self._counted(drawn)
        pairs = self._added(drawn, wrong) / 2
        return pairs, self._added(drawn, hits / np.maximum(flagged, 1)) if both else pairs

    def _added(self, drawn: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Add up a value of each positive row, as often as it was drawn."""
        return np.einsum("ij,ij->i", drawn.take(self._own, axis=1), values, dtype="float64")

    def _counted(self, drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Count, for each positive row, what scores at least as much: all rows, and the positive ones.

        Last come the negative ones that score more, and again those that score as much or more: twice the mistakes.
        """
        weights = drawn.take(self._groups, axis=1)
        rows, positives = _cumulated(weights), _cumulated(weights.take(self._positive, axis=1))
        flagged, hits = rows.take(self._least, axis=1), positives.take(self._least_hits, axis=1)
        above = rows.take(self._more, axis=1) - positives.take(self._more_hits, axis=1)
        return flagged, hits, flagged - hits + above


def _cumulated(weights: np.ndarray) -> np.ndarray:
    """Return the sums of the first 0, 1, 2, ... numbers of each line."""
    sums = np.zeros((weights.shape[0], weights.shape[1] + 1), dtype="int32")
    np.cumsum(weights, axis=1, dtype="int32", out=sums[:, 1:])
    return sums


def interval(resampled: np.ndarray, groups: int, confidence: float) -> tuple[float, float]:
    """Return the expanded percentile interval: a little wider than the percentiles, for there are few groups.

    Shapes: resampled (resamples,).
    Source: Hesterberg, What teachers should know about the bootstrap (2015), section 3.3.
    """
    tail = stats.norm.cdf(np.sqrt(groups / (groups - 1)) * stats.t.ppf((1 - confidence) / 2, groups - 1))
    low, high = np.quantile(resampled, [tail, 1 - tail])
    return float(low), float(high)


def tail(gain: float, resampled: np.ndarray, groups: int) -> float:
    """Return the probability of so small a gain, or a smaller one, where none is true; by Student's t."""
    error = float(np.std(resampled, ddof=1)) * np.sqrt(groups / (groups - 1))
    if error == 0:
        return 0.0 if gain < 0 else 1.0
    return float(stats.t.cdf(gain / error, groups - 1))


def holm(tails: np.ndarray) -> np.ndarray:
    """Return probabilities that can be held against one limit although many were looked at.

    Source: Holm, A simple sequentially rejective multiple test procedure (1979).
    """
    order = np.argsort(tails)
    steps = tails[order] * np.arange(len(tails), 0, -1)
    adjusted = np.empty(len(tails))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted
