"""How sure the figures of one model are: each metric with what it could as well have been, had other days been drawn.

Whole days (or groups) are drawn again, as the judge does, always in the same order, so that the same scores give the
same interval. Where days are few, or a draw leaves a metric undefined, there is no interval: a wrong one is worse.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from holdfast import bootstrap, differences, measuring, metrics
from holdfast.card import CONFIDENCE, FEW
from holdfast.differences import Mask, Rows, Slice
from holdfast.measures import measures
from holdfast.measuring import DECIMALS
from holdfast.metrics import COMPARED, LOWER_IS_BETTER, Metric
from holdfast.params import Gates

RESAMPLES = 1_000


class Interval(NamedTuple):
    """A figure and the ends of its interval; None where it is not defined, or nothing can be said of it."""

    value: float | None
    low: float | None = None
    high: float | None = None


class SliceInterval(NamedTuple):
    """The first of the metrics on a slice, and how far it is from that of all rows on the same draws.

    `weak` says that it is shown to be worse, all slices looked at together (Holm). One that the judge would call too
    small has no intervals.
    """

    label: str
    value: str
    rows: int
    positives: int | None
    found: Interval
    gap: Interval
    weak: bool
    metric: Metric = "roc_auc"

    @property
    def behind(self) -> float:
        """How much worse it is than all rows, whatever the metric; 0 where that is not known."""
        return -_sign(self.metric) * (self.gap.value or 0.0)


class Intervals(NamedTuple):
    """What was measured of all rows and of each slice, and by how many days (or groups) it is known how surely.

    `answers` is what was to be predicted: of two labels the share of the positive one, of classes the share of each,
    of numbers the mean. `bias` is by how much predicted numbers are too high on average.
    """

    metrics: Mapping[Metric, Interval]
    answers: tuple[Interval, ...]
    slices: tuple[SliceInterval, ...]
    groups: int
    unit: str
    resamples: int
    confidence: float = CONFIDENCE
    bias: Interval = Interval(None)

    @property
    def main(self) -> Interval:
        """The first of the metrics."""
        return next(iter(self.metrics.values()))

    @property
    def extent(self) -> str:
        """Say what was drawn anew: so many days, or groups, or rows."""
        return f"{self.groups:,} {self.unit}"


def measure(
    rows: Rows,
    scores: np.ndarray,
    gates: Gates,
    *,
    threshold: float | None,
    bins: int,
    seed: int,
    resamples: int = RESAMPLES,
) -> Intervals:
    """Measure all metrics on all rows, and the first of them on each slice.

    Shapes: scores (n,), for classes (n, classes), of the rows.
    """
    main = metrics.main(rows.kind)
    large = [piece for piece in rows.slices if differences.is_large(rows, piece, gates)]
    small = [piece for piece in rows.slices if not differences.is_large(rows, piece, gates)]
    whole = _Part(rows, scores, np.ones(len(scores), dtype=bool), COMPARED[rows.kind], threshold, bins)
    parts = [_Part(rows, scores, piece.mask, (main,), threshold, bins) for piece in large]
    count, means = int(rows.groups.max()) + 1, _Means(rows, scores)
    for drawn in bootstrap.draws(count, len(scores), resamples, seed):
        means.add(drawn)
        for part in (whole, *parts):
            part.add(drawn)
    found = whole.found()
    slices = _sliced(rows, large, [part.found()[main] for part in parts], found[main])
    slices += [_small(rows, piece, scores, found[main]) for piece in small]
    order = [piece[:2] for piece in rows.slices]
    answers = [_interval(drawn, count) for drawn in means.found()]
    return Intervals(
        {name: _interval(drawn, count) for name, drawn in found.items()},
        tuple(answers[:1] if rows.kind == "number" else answers),
        tuple(sorted(slices, key=lambda one: order.index(one[:2]))),
        count,
        rows.unit,
        resamples,
        bias=answers[-1] if rows.kind == "number" else Interval(None),
    )


class _Part:
    """Some of the rows, measured draw by draw."""

    def __init__(
        self, rows: Rows, scores: np.ndarray, mask: Mask, names: Collection[Metric], threshold: float | None, bins: int
    ) -> None:
        self._groups, groups = np.unique(rows.groups[mask], return_inverse=True)
        self._measures = measures(rows.kind, rows.target[mask], scores[mask], groups, threshold=threshold, bins=bins)
        self._kept: dict[Metric, list[np.ndarray]] = {name: [] for name in names}

    def add(self, drawn: np.ndarray) -> None:
        for name, values in self._measures.of(drawn.take(self._groups, axis=1), self._kept).items():
            self._kept[name].append(values)

    def found(self) -> dict[Metric, np.ndarray]:
        return {name: np.concatenate(blocks) for name, blocks in self._kept.items()}


class _Means:
    """What was to be predicted, on average, draw by draw: the share of each label, or numbers and their errors."""

    def __init__(self, rows: Rows, scores: np.ndarray) -> None:
        if rows.kind == "number":
            columns = [rows.target, scores - rows.target]
        elif rows.kind == "classes":
            columns = list(np.eye(scores.shape[1])[rows.target].T)
        else:
            columns = [rows.target]
        self._sums = np.column_stack([np.bincount(rows.groups, one) for one in [*columns, np.ones(len(rows.target))]])
        self._kept: list[np.ndarray] = []

    def add(self, drawn: np.ndarray) -> None:
        *sums, rows = (drawn.astype("float64") @ self._sums).T
        self._kept.append(np.column_stack(sums) / rows[:, None])

    def found(self) -> np.ndarray:
        return np.concatenate(self._kept).T


def _sliced(rows: Rows, pieces: Sequence[Slice], drawn: Sequence[np.ndarray], whole: np.ndarray) -> list[SliceInterval]:
    """Return the slices that are large enough, each beside all rows."""
    groups = [len(np.unique(rows.groups[piece.mask])) for piece in pieces]
    gaps, metric = [one - whole for one in drawn], metrics.main(rows.kind)
    gains = [_sign(metric) * gap for gap in gaps]
    tails = bootstrap.holm(
        np.array([bootstrap.tail(float(gain[0]), gain[1:], count) for gain, count in zip(gains, groups, strict=True)])
    )
    return [
        SliceInterval(
            *_counted(rows, piece), _interval(one, count), _interval(gap, count), bool(tail < 1 - CONFIDENCE), metric
        )
        for piece, count, one, gap, tail in zip(pieces, groups, drawn, gaps, tails, strict=True)
    ]


def _small(rows: Rows, piece: Slice, scores: np.ndarray, whole: np.ndarray) -> SliceInterval:
    """Return a slice of which only the figure itself can be said."""
    counted, metric, target = _counted(rows, piece), metrics.main(rows.kind), rows.target[piece.mask]
    if rows.kind != "number" and len(np.unique(target)) < 2:
        return SliceInterval(*counted, Interval(None), Interval(None), weak=False, metric=metric)
    value = measuring.main(target, scores[piece.mask], rows.kind)
    gap = Interval(round(value - float(whole[0]), DECIMALS)) if np.isfinite(whole[0]) else Interval(None)
    return SliceInterval(*counted, Interval(round(value, DECIMALS)), gap, weak=False, metric=metric)


def _counted(rows: Rows, piece: Slice) -> tuple[str, str, int, int | None]:
    return piece.label, piece.value, int(piece.mask.sum()), rows.positives(piece)


def _sign(metric: Metric) -> int:
    return -1 if metric in LOWER_IS_BETTER else 1


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
