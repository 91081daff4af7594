"""How two models differ on the same rows, metric by metric and slice by slice, with uncertainty.

Nothing is judged here. A difference is the challenger's value less the champion's; its `gain` has the sign that makes
more of it better, whatever the metric.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from holdfast import bootstrap
from holdfast.figures import DECIMALS, decimals
from holdfast.measures import measures
from holdfast.metrics import COMPARED, LOWER_IS_BETTER, Metric
from holdfast.params import Gates
from holdfast.targets import Kind

RARELY = 0.02  # how often a judgement is without something that counts as always drawn
Word = Literal["better", "worse", "same", "unclear", "undefined"]
Mask = np.ndarray


class Slice(NamedTuple):
    """A named subset of the rows."""

    label: str
    value: str
    mask: Mask


@dataclass(frozen=True)
class Rows:
    """What both models are held against.

    Shapes: target (n,) as the target encodes it; groups (n,) from 0, what is drawn together; masks of slices (n,).
    """

    target: np.ndarray
    groups: np.ndarray
    unit: str  # what a group is: days, rows, or the name of a column
    slices: tuple[Slice, ...] = ()
    kind: Kind = "binary"

    def only(self, mask: Mask) -> "Rows":
        """Return some of the rows; their groups are counted anew."""
        slices = tuple(Slice(label, value, inside[mask]) for label, value, inside in self.slices)
        groups = np.unique(self.groups[mask], return_inverse=True)[1]
        return Rows(self.target[mask], groups, self.unit, slices, self.kind)

    def positives(self, piece: Slice) -> int | None:
        """Return how many rows of a slice have the positive label, where there is one."""
        return int(self.target[piece.mask].sum()) if self.kind == "binary" else None


@dataclass(frozen=True)
class Scored:
    """What a model made of the rows, and what it takes to run it.

    Shapes: scores (n,) or (n, classes), seen (n,): whether the model was fitted or tuned on the row.
    Units: size in bytes, latency of one row in milliseconds.
    """

    scores: np.ndarray
    seen: Mask
    threshold: float | None  # of two labels
    size: int
    latency: float


class Difference(NamedTuple):
    """A metric of both models, and the interval of its difference."""

    metric: Metric
    champion: float
    challenger: float
    low: float
    high: float
    word: Word

    @property
    def difference(self) -> float:
        """The challenger's value less the champion's."""
        return self.challenger - self.champion

    @property
    def sign(self) -> int:
        """1 where more is better, else -1."""
        return -1 if self.metric in LOWER_IS_BETTER else 1

    def decimals(self, otherwise: int = DECIMALS) -> int:
        """Return with how many decimals it is said."""
        return decimals(self.metric, self.champion, self.challenger, otherwise=otherwise)

    @property
    def gain(self) -> float:
        """The difference, above 0 where the challenger is better."""
        return self.sign * self.difference

    @property
    def least_gain(self) -> float:
        """The end of the interval that is worse for the challenger, as a gain."""
        return min(self.sign * self.low, self.sign * self.high)


class SliceDifference(NamedTuple):
    """A metric of both models on one slice; the tail is corrected for all that were looked at."""

    label: str
    value: str
    rows: int
    positives: int | None
    difference: Difference
    tail: float


class TooSmall(NamedTuple):
    """A slice that is not judged."""

    label: str
    value: str
    rows: int
    positives: int | None


class _Resampled(NamedTuple):
    """A metric of both models on every draw; the first is what was found."""

    metric: Metric
    champion: np.ndarray
    challenger: np.ndarray


def differences(
    rows: Rows, champion: Scored, challenger: Scored, gates: Gates, bins: int, seed: int
) -> tuple[tuple[Difference, ...], tuple[SliceDifference, ...]]:
    """Measure every metric on all rows, and those of the gate on every slice that is large enough."""
    large = [piece for piece in rows.slices if is_large(rows, piece, gates)]
    subsets: list[tuple[Mask, Collection[Metric]]] = [
        (np.ones(len(rows.target), dtype=bool), COMPARED[rows.kind]),
        *((piece.mask, gates.slices.margin) for piece in large),
    ]
    overall, *parts = _resample(rows, (champion, challenger), subsets, gates.resamples, bins, seed)
    groups = len(np.unique(rows.groups))
    found = tuple(_difference(one, groups, gates.confidence) for one in overall)
    return found, _sliced(rows, large, parts, gates)


def is_large(rows: Rows, piece: Slice, gates: Gates) -> bool:
    """Tell whether a slice is to be judged: it has rows enough, and enough of two labels, on enough groups.

    Where a label is found on few groups only, some resamples would be without it, and nothing would be known.
    """
    labels = [0] if rows.kind == "number" else np.unique(rows.target[piece.mask])
    known = np.zeros(len(rows.target)) if rows.kind == "number" else rows.target
    inside = [rows.groups[piece.mask & (known == label)] for label in labels]
    enough = [
        one
        for one in inside
        if len(one) >= gates.slices.labels
        and len(np.unique(one)) >= gates.groups
        and is_always_drawn(len(np.unique(one)), int(rows.groups.max()) + 1, gates.resamples)
    ]
    return len(enough) >= (1 if rows.kind == "number" else 2) and int(piece.mask.sum()) >= gates.slices.rows


def is_always_drawn(some: int, groups: int, resamples: int) -> bool:
    """Tell whether every resample has one of some groups at least, but for very bad luck."""
    return resamples * (1 - some / groups) ** groups <= RARELY


def too_small(rows: Rows, gates: Gates) -> tuple[TooSmall, ...]:
    """Return the slices that are not judged."""
    small = [piece for piece in rows.slices if not is_large(rows, piece, gates)]
    return tuple(TooSmall(piece.label, piece.value, int(piece.mask.sum()), rows.positives(piece)) for piece in small)


def _resample(
    rows: Rows,
    models: tuple[Scored, Scored],
    subsets: Iterable[tuple[Mask, Collection[Metric]]],
    resamples: int,
    bins: int,
    seed: int,
) -> list[list[_Resampled]]:
    """Measure both models on each subset of every draw."""
    measured = [_Subset(rows, models, mask, names, bins) for mask, names in subsets]
    for drawn in bootstrap.draws(int(rows.groups.max()) + 1, len(rows.target), resamples, seed):
        for subset in measured:
            subset.measure(drawn)
    return [subset.found() for subset in measured]


class _Subset:
    """Some of the rows, on which both models are measured draw by draw."""

    def __init__(
        self, rows: Rows, models: tuple[Scored, Scored], mask: Mask, names: Collection[Metric], bins: int
    ) -> None:
        self._groups, groups = np.unique(rows.groups[mask], return_inverse=True)
        self._measures = [
            measures(rows.kind, rows.target[mask], model.scores[mask], groups, threshold=model.threshold, bins=bins)
            for model in models
        ]
        self._kept: dict[Metric, tuple[list[np.ndarray], list[np.ndarray]]] = {name: ([], []) for name in names}

    def measure(self, drawn: np.ndarray) -> None:
        inside = drawn.take(self._groups, axis=1)
        for side, measured in enumerate(self._measures):
            for name, values in measured.of(inside, self._kept).items():
                self._kept[name][side].append(values)

    def found(self) -> list[_Resampled]:
        return [_Resampled(name, *map(np.concatenate, sides)) for name, sides in self._kept.items()]


def _difference(found: _Resampled, groups: int, confidence: float) -> Difference:
    """Return the difference that was found, its interval, and what they say."""
    champion, challenger = float(found.champion[0]), float(found.challenger[0])
    resampled = found.challenger[1:] - found.champion[1:]
    if not np.isfinite([champion, challenger]).all() or not np.isfinite(resampled).all():
        return Difference(found.metric, champion, challenger, np.nan, np.nan, "undefined")
    low, high = bootstrap.interval(resampled, groups, confidence)
    known = Difference(found.metric, champion, challenger, low, high, "unclear")
    return known._replace(word=_word(known))


def _word(found: Difference) -> Word:
    if found.low == found.high == 0 == found.difference:
        return "same"
    if found.least_gain > 0:
        return "better"
    return "worse" if max(found.sign * found.low, found.sign * found.high) < 0 else "unclear"


def _sliced(
    rows: Rows, pieces: list[Slice], parts: list[list[_Resampled]], gates: Gates
) -> tuple[SliceDifference, ...]:
    """Return the differences on the slices, with their tails corrected together."""
    found, tails = [], []
    for piece, resampled in zip(pieces, parts, strict=True):
        groups = len(np.unique(rows.groups[piece.mask]))
        for one in resampled:
            difference = _difference(one, groups, gates.confidence)
            found.append((piece, difference))
            beyond = difference.gain + gates.slices.margin[one.metric]
            tails.append(bootstrap.tail(beyond, one.challenger[1:] - one.champion[1:], groups))
    adjusted = bootstrap.holm(np.array(tails))
    return tuple(
        SliceDifference(piece.label, piece.value, int(piece.mask.sum()), rows.positives(piece), difference, float(tail))
        for (piece, difference), tail in zip(found, adjusted, strict=True)
    )
