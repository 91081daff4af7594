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

from holdfast.params import Metric

BLOCK = 1 << 22  # numbers in one array, so that memory does not grow with the resamples


def draws(groups: int, rows: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Give how often each group was drawn, in blocks; the first draw has every group once: it is what was found.

    Shapes: (block, groups) int32, `resamples` + 1 lines in all.
    """
    random = np.random.default_rng(seed)
    left, height = resamples, max(1, BLOCK // max(groups, rows))
    yield np.ones((1, groups), dtype="int32")
    while left:
        lines = min(height, left)
        drawn = random.integers(0, groups, (lines, groups)) + groups * np.arange(lines)[:, None]
        yield np.bincount(drawn.ravel(), minlength=lines * groups).astype("int32").reshape(lines, groups)
        left -= lines


class Measures:
    """The metrics of one model on some rows, for any draw of their groups; NaN where a draw leaves one undefined.

    Shapes: target (n,) of 0 and 1, scores (n,) from 0 to 1, groups (n,) from 0, each number at least once.
    """

    def __init__(
        self, target: np.ndarray, scores: np.ndarray, groups: np.ndarray, *, threshold: float, bins: int
    ) -> None:
        self._curves = _Curves(target, scores, groups)
        flagged, hit = scores >= threshold, target == 1
        sure = np.clip(scores, np.finfo(float).eps, 1 - np.finfo(float).eps)  # as scikit-learn does
        columns = {
            "rows": np.ones(len(target)),
            "positives": target,
            "alarms": flagged,
            "hits": flagged & hit,
            "log_loss": -np.log(np.where(hit, sure, 1 - sure)),
            "brier": (scores - target) ** 2,
        }
        self._names = list(columns)
        self._sums = _by_group(np.column_stack(list(columns.values())), groups)
        place = np.minimum((scores * bins).astype("int64"), bins - 1)
        self._gaps = _by_group(np.equal.outer(place, np.arange(bins)) * (scores - target)[:, None], groups)

    def of(self, drawn: np.ndarray, names: Collection[Metric]) -> dict[Metric, np.ndarray]:
        """Return some metrics of some draws.

        Shapes: drawn (draws, groups) → (draws,) for each name.
        """
        times = drawn.astype("float64")
        sums = dict(zip(self._names, (times @ self._sums).T, strict=True))
        rows, positives, alarms, hits = (sums[name] for name in ("rows", "positives", "alarms", "hits"))
        with np.errstate(divide="ignore", invalid="ignore"):  # 0 / 0 is NaN: not defined
            found = {
                "log_loss": sums["log_loss"] / rows,
                "brier": sums["brier"] / rows,
                "precision": hits / alarms,
                "recall": hits / positives,
                "f1": 2 * hits / (alarms + positives),
            }
            if "calibration_error" in names:
                found["calibration_error"] = np.abs(times @ self._gaps).sum(axis=1) / rows
            if {"roc_auc", "pr_auc"} & set(names):
                found["roc_auc"], found["pr_auc"] = self._curves.areas(drawn, both="pr_auc" in names)
        return {name: found[name] for name in names}


class _Curves:
    """The rows in the order of their scores, the highest first, and where each positive row stands among them."""

    def __init__(self, target: np.ndarray, scores: np.ndarray, groups: np.ndarray) -> None:
        order = np.argsort(-scores, kind="stable")
        ranked = scores[order]
        ends = np.flatnonzero(np.diff(ranked, append=np.nan))  # the last row of each run of equal scores
        runs = np.searchsorted(ends, np.arange(len(ranked)))
        self._groups = groups[order]
        self._positive = np.flatnonzero(target[order])
        run = runs[self._positive]
        self._last, self._before = ends[run], np.concatenate([[-1], ends])[run]
        # The same places, counted among the positive rows.
        self._last_positive = np.searchsorted(self._positive, self._last, side="right") - 1
        self._before_positive = np.searchsorted(self._positive, self._before, side="right") - 1

    def areas(self, drawn: np.ndarray, *, both: bool) -> tuple[np.ndarray, np.ndarray]:
        """Return the area under the ROC curve, and the average precision (or nothing of worth) of each draw."""
        weights = drawn[:, self._groups]
        own = weights[:, self._positive]
        flagged, hits = _cumulated(weights), _cumulated(own)
        positives, total = hits[:, -1], flagged[:, -1]
        flagged_here, hits_here = flagged[:, self._last + 1], hits[:, self._last_positive + 1]
        # Negative rows that score higher, and half of those that score the same.
        above = flagged_here - hits_here + flagged[:, self._before + 1] - hits[:, self._before_positive + 1]
        lost = np.einsum("ij,ij->i", own, above, dtype="float64") / 2
        roc = 1 - lost / (positives.astype("float64") * (total - positives))
        if not both:
            return roc, roc
        return roc, np.einsum("ij,ij->i", own, hits_here / np.maximum(flagged_here, 1)) / positives


def _cumulated(weights: np.ndarray) -> np.ndarray:
    """Return the sums of the first 0, 1, 2, ... numbers of each line."""
    sums = np.zeros((weights.shape[0], weights.shape[1] + 1), dtype="int32")
    np.cumsum(weights, axis=1, out=sums[:, 1:])
    return sums


def _by_group(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Add up the lines of a table that belong to one group."""
    return pd.DataFrame(values.astype("float64")).groupby(groups).sum().to_numpy()


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
