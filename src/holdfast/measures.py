"""The metrics of one model for any draw of the groups of rows, for each kind of target.

Two labels are measured by `bootstrap.Measures`, with its two curves. Classes and numbers are measured here, by sums
over groups alone.
"""

from collections.abc import Collection
from typing import Protocol

import numpy as np

from holdfast.bootstrap import Areas, Measures
from holdfast.measuring import sureness
from holdfast.metrics import Metric
from holdfast.targets import Kind


class Drawn(Protocol):
    """What can be asked of any of them."""

    def of(self, drawn: np.ndarray, names: Collection[Metric]) -> dict[Metric, np.ndarray]:
        """Return some metrics of some draws.

        Shapes: drawn (draws, groups) → (draws,) for each name; NaN where a draw leaves one undefined.
        """


def measures(
    kind: Kind, target: np.ndarray, scores: np.ndarray, groups: np.ndarray, *, threshold: float | None, bins: int
) -> Drawn:
    """Return what measures some scores of a kind of target, draw by draw.

    Shapes: target (n,) as the target encodes it, scores (n,) or (n, classes), groups (n,) from 0, each at least once.
    """
    if kind == "number":
        return NumberMeasures(target, scores, groups)
    if kind == "classes":
        return ClassMeasures(target, scores, groups, bins=bins)
    assert threshold is not None
    return Measures(target, scores, groups, threshold=threshold, bins=bins)


class ClassMeasures:
    """The metrics of classes. An average over classes is one over those that a draw has, each as much as another."""

    def __init__(self, target: np.ndarray, scores: np.ndarray, groups: np.ndarray, *, bins: int) -> None:
        count, classes = int(groups.max()) + 1, scores.shape[1]
        right, sure = sureness(target, scores)
        true, said = np.eye(classes)[target], np.eye(classes)[scores.argmax(axis=1)]
        mine = np.clip(scores[np.arange(len(target)), target], np.finfo(float).eps, 1)
        place = np.minimum((sure * bins).astype("int64"), bins - 1)
        self._true, self._said, self._hits, self._sums, self._gaps = (
            _by_group(values, groups, count)
            for values in (
                true,
                said,
                true * said,
                np.column_stack([np.ones(len(target)), -np.log(mine), ((scores - true) ** 2).sum(axis=1)]),
                np.eye(bins)[place] * (sure - right)[:, None],
            )
        )
        self._areas = {
            one: Areas((target == one).astype("int8"), scores[:, one], groups) for one in np.unique(target).tolist()
        }

    def of(self, drawn: np.ndarray, names: Collection[Metric]) -> dict[Metric, np.ndarray]:
        """Return some metrics of some draws.

        Shapes: drawn (draws, groups) → (draws,) for each name.
        """
        times = drawn.astype("float64")
        true, said, hits = times @ self._true, times @ self._said, times @ self._hits
        rows, log_loss, brier = (times @ self._sums).T
        with np.errstate(divide="ignore", invalid="ignore"):  # 0 / 0 is NaN: such a class is not there
            found: dict[Metric, np.ndarray] = {
                "accuracy": hits.sum(axis=1) / rows,
                "balanced_accuracy": _over_classes(hits / true),
                "macro_f1": _over_classes(2 * hits / (true + said)),
                "log_loss": log_loss / rows,
                "brier": brier / rows,
                "calibration_error": np.abs(times @ self._gaps).sum(axis=1) / rows,
            }
            if "roc_auc" in names:
                found["roc_auc"] = self._auc(drawn, true, rows)
        return {name: found[name] for name in names}

    def _auc(self, drawn: np.ndarray, true: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return the mean over classes of the ROC AUC of one against the others; NaN where a draw has one class."""
        alone = [
            1 - areas.areas(drawn, both=False)[0] / (true[:, one] * (rows - true[:, one]))
            for one, areas in self._areas.items()
        ]
        return _over_classes(np.column_stack(alone))


def _over_classes(values: np.ndarray) -> np.ndarray:
    """Return the mean of each line over the classes that are there; NaN where none is.

    Shapes: (draws, classes) → (draws,).
    """
    present = np.isfinite(values)
    return np.where(present, values, 0).sum(axis=1) / present.sum(axis=1)


class NumberMeasures:
    """The metrics of predicted numbers."""

    def __init__(self, target: np.ndarray, scores: np.ndarray, groups: np.ndarray) -> None:
        missed, known = scores - target, target - target.mean()  # about the mean, so that squares keep their digits
        columns = [np.ones(len(target)), missed**2, np.abs(missed), known, known**2]
        self._sums = _by_group(np.column_stack(columns), groups, int(groups.max()) + 1)

    def of(self, drawn: np.ndarray, names: Collection[Metric]) -> dict[Metric, np.ndarray]:
        """Return some metrics of some draws.

        Shapes: drawn (draws, groups) → (draws,) for each name.
        """
        rows, squares, sizes, known, known_squares = (drawn.astype("float64") @ self._sums).T
        spread = known_squares - known**2 / rows
        with np.errstate(divide="ignore", invalid="ignore"):
            found: dict[Metric, np.ndarray] = {
                "rmse": np.sqrt(squares / rows),
                "mae": sizes / rows,
                "r2": np.where(spread > 0, 1 - squares / spread, np.nan),
            }
        return {name: found[name] for name in names}


def _by_group(values: np.ndarray, groups: np.ndarray, count: int) -> np.ndarray:
    """Add up the rows of each group.

    Shapes: values (n, columns), groups (n,) → (groups, columns).
    """
    return np.column_stack([np.bincount(groups, column, minlength=count) for column in values.T])
