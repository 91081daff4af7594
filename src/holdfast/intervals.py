"""How sure the figures of one model are: each metric with what it could as well have been, had other days been drawn.

Whole days (or groups) are drawn again, as the judge does, always in the same order, so that the same scores give the
same interval. Where days are few, or a draw leaves a metric undefined, there is no interval: a wrong one is worse.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, get_args

import numpy as np
from sklearn.metrics import roc_auc_score

from holdfast import bootstrap, differences
from holdfast.bootstrap import Measures
from holdfast.card import CONFIDENCE, FEW
from holdfast.differences import Mask, Rows, Slice
from holdfast.evaluation import DECIMALS
from holdfast.params import Gates, Metric

RESAMPLES = 1_000
METRICS: tuple[Metric, ...] = get_args(Metric)
OF_SLICES: tuple[Metric, ...] = ("roc_auc",)


class Interval(NamedTuple):
    """A figure and the ends of its interval; None where it is not defined, or nothing can be said of it."""

    value: float | None
    low: float | None = None
    high: float | None = None


class SliceInterval(NamedTuple):
    """The ROC AUC of a slice, and how far it is from that of all rows on the same draws.

    `weak` says that it is shown to be lower, all slices looked at together (Holm). One that the judge would call too
    small has no intervals.
    """

    label: str
    value: str
    rows: int
    positives: int
    roc_auc: Interval
    gap: Interval
    weak: bool


class Intervals(NamedTuple):
    """What was measured of all rows and of each slice, and by how many days (or groups) it is known how surely."""

    metrics: Mapping[Metric, Interval]
    positive_share: Interval
    slices: tuple[SliceInterval, ...]
    groups: int
    unit: str
    resamples: int
    confidence: float = CONFIDENCE


def measure(
    rows: Rows, scores: np.ndarray, gates: Gates, *, threshold: float, bins: int, seed: int, resamples: int = RESAMPLES
) -> Intervals:
    """Measure all metrics on all rows, and the ROC AUC of each slice.

    Shapes: scores (n,), from 0 to 1, of the rows.
    """
    is_large = [differences.is_large(rows, piece, gates) for piece in rows.slices]
    large, small = (
        [piece for piece, one in zip(rows.slices, is_large, strict=True) if one is which] for which in (True, False)
    )
    every = np.ones(len(scores), dtype=bool)
    whole = _Part(rows, scores, every, METRICS, threshold, bins)
    parts = [_Part(rows, scores, piece.mask, OF_SLICES, threshold, bins) for piece in large]
    count, shares = int(rows.groups.max()) + 1, _Shares(rows)
    for drawn in bootstrap.draws(count, len(scores), resamples, seed):
        shares.add(drawn)
        for part in (whole, *parts):
            part.add(drawn)
    found = whole.found()
    slices = _sliced(rows, large, [part.found()["roc_auc"] for part in parts], found["roc_auc"])
    slices += [_small(rows, piece, scores, found["roc_auc"]) for piece in small]
    order = [piece[:2] for piece in rows.slices]
    return Intervals(
        {name: _interval(drawn, count) for name, drawn in found.items()},
        _interval(shares.found(), count),
        tuple(sorted(slices, key=lambda one: order.index(one[:2]))),
        count,
        rows.unit,
        resamples,
    )


class _Part:
    """Some of the rows, measured draw by draw."""

    def __init__(
        self, rows: Rows, scores: np.ndarray, mask: Mask, names: Collection[Metric], threshold: float, bins: int
    ) -> None:
        self._groups, groups = np.unique(rows.groups[mask], return_inverse=True)
        self._measures = Measures(rows.target[mask], scores[mask], groups, threshold=threshold, bins=bins)
        self._kept: dict[Metric, list[np.ndarray]] = {name: [] for name in names}

    def add(self, drawn: np.ndarray) -> None:
        for name, values in self._measures.of(drawn.take(self._groups, axis=1), self._kept).items():
            self._kept[name].append(values)

    def found(self) -> dict[Metric, np.ndarray]:
        return {name: np.concatenate(blocks) for name, blocks in self._kept.items()}


class _Shares:
    """The share of positive rows, draw by draw."""

    def __init__(self, rows: Rows) -> None:
        self._sums = np.column_stack([np.bincount(rows.groups, rows.target), np.bincount(rows.groups)]).astype(float)
        self._kept: list[np.ndarray] = []

    def add(self, drawn: np.ndarray) -> None:
        positives, rows = (drawn.astype("float64") @ self._sums).T
        self._kept.append(positives / rows)

    def found(self) -> np.ndarray:
        return np.concatenate(self._kept)


def _sliced(rows: Rows, pieces: Sequence[Slice], drawn: Sequence[np.ndarray], whole: np.ndarray) -> list[SliceInterval]:
    """Return the slices that are large enough, each beside all rows."""
    groups = [len(np.unique(rows.groups[piece.mask])) for piece in pieces]
    gaps = [one - whole for one in drawn]
    tails = bootstrap.holm(
        np.array([bootstrap.tail(float(gap[0]), gap[1:], count) for gap, count in zip(gaps, groups, strict=True)])
    )
    return [
        SliceInterval(*_counted(rows, piece), _interval(one, count), _interval(gap, count), bool(tail < 1 - CONFIDENCE))
        for piece, count, one, gap, tail in zip(pieces, groups, drawn, gaps, tails, strict=True)
    ]


def _small(rows: Rows, piece: Slice, scores: np.ndarray, whole: np.ndarray) -> SliceInterval:
    """Return a slice of which only the figure itself can be said."""
    label, value, count, positives = _counted(rows, piece)
    if not 0 < positives < count:
        return SliceInterval(label, value, count, positives, Interval(None), Interval(None), weak=False)
    auc = float(roc_auc_score(rows.target[piece.mask], scores[piece.mask]))
    gap = Interval(round(auc - float(whole[0]), DECIMALS)) if np.isfinite(whole[0]) else Interval(None)
    return SliceInterval(label, value, count, positives, Interval(round(auc, DECIMALS)), gap, weak=False)


def _counted(rows: Rows, piece: Slice) -> tuple[str, str, int, int]:
    return piece.label, piece.value, int(piece.mask.sum()), int(rows.target[piece.mask].sum())


def _interval(drawn: np.ndarray, groups: int) -> Interval:
    """Return the first value, which is the one that was found, and the interval of the others."""
    found, resampled = float(drawn[0]), drawn[1:]
    if not np.isfinite(found):
        return Interval(None)
    value = round(found, DECIMALS)
    if groups < FEW or not np.isfinite(resampled).all():
        return Interval(value)
    low, high = bootstrap.interval(resampled, groups, CONFIDENCE)
    return Interval(value, round(low, DECIMALS), round(high, DECIMALS))
