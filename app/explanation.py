"""Which inputs moved a score: Shapley values, estimated from the golden rows of the bundle.

A row is reached from a golden row by changing its columns one after the other; what the score does at each change is
the effect of that column, in that order, from that golden row. The effects of one order add up to the difference of
the two scores. So their means, over all golden rows and some orders, add up to the row's score less the mean score of
the golden rows, whatever the model is: nothing is left over, and no effect is claimed twice.

Every golden row is taken once with a drawn order and once with its reverse, for what the one puts too early the other
puts too late. The orders are drawn once, from a fixed seed: the same row has the same explanation in every process.

Columns that go together share what they do, and a mixture of two rows may be one that never occurs (summer weather
in January): an effect says what the model does with its inputs, not what causes what.

Source: Štrumbelj and Kononenko, "Explaining prediction models and individual predictions with feature contributions",
Knowledge and Information Systems 41 (2014); the pairs of orders are antithetic sampling.
"""

from collections.abc import Sequence
from typing import Any, TypedDict

import numpy as np

from holdfast.bundle import Bundle
from holdfast.schema import Column

SEED = 2013
MIXTURES = 4_000  # rows scored for one explanation: about 30 ms with gradient boosting


class Effect(TypedDict):
    """How far a column moved the score, and the standard error of that, for only some orders were tried."""

    column: str
    effect: float
    error: float


class Explainer:
    """Explain scores of one model; made once, and then the same for every row and every thread."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._columns = bundle.model.facts.data.columns
        golden = len(bundle.golden.rows)
        count = min(golden, max(1, MIXTURES // (2 * max(1, len(self._columns) - 1))))
        places = np.linspace(0, golden - 1, count).astype("int64")
        self._background = {name: values[places] for name, values in self._arrays(bundle.golden.rows).items()}
        self._scores = np.asarray(bundle.golden.scores)[places]  # (count,), for classes (count, classes)
        self._turns = _turns(count, len(self._columns))

    def base(self, place: int | None = None) -> float:
        """Return the score that explanations start from: the mean of the golden rows that they are made with.

        Of classes it is the score of the one at a place.
        """
        return float((self._scores if place is None else self._scores[:, place]).mean())

    def moved(self, row: dict[str, Any], top: int | None = 3) -> list[Effect]:
        """Return the columns that moved the score of a valid row most, the strongest first; all for `top=None`.

        Of classes it is the score of the one that is predicted.

        Units: effects are differences of scores; all together they are the row's score less `base`.
        """
        walks = self._walks(row)
        if walks.ndim > 3:
            walks = walks[..., walks[0, 0, -1].argmax()]
        steps = np.diff(walks, axis=-1)
        taken = np.take_along_axis(steps, self._turns, axis=-1)  # (2, golden rows, columns)
        effects = taken.mean(axis=(0, 1))
        # The orders of a pair differ by chance alone, and lean against each other: this is too wide, if anything.
        errors = np.sqrt(np.square((taken[0] - taken[1]) / 2).sum(axis=0)) / taken.shape[1]
        names = list(self._columns)
        strongest = np.argsort(-np.abs(effects), kind="stable")[:top]
        return [
            Effect(column=names[place], effect=float(effects[place]), error=float(errors[place])) for place in strongest
        ]

    def _walks(self, row: dict[str, Any]) -> np.ndarray:
        """Return the scores on the way from each golden row to the row.

        Shapes: (2 orders, golden rows, columns + 1), for classes (2 orders, golden rows, columns + 1, classes).
        """
        orders, count, width = self._turns.shape
        changed = self._turns[..., None, :] < np.arange(1, width)[:, None]  # after one change, after two, …
        mine = self._arrays([row])
        mixtures = {
            name: np.append(np.where(changed[..., place], mine[name], self._background[name][:, None]), mine[name])
            for place, name in enumerate(self._columns)
        }
        scores = self._bundle.model.score_columns(mixtures)
        classes = scores.shape[1:]
        walks = np.empty((orders, count, width + 1, *classes))
        walks[:, :, 0], walks[:, :, -1] = self._scores, scores[-1]
        walks[:, :, 1:-1] = scores[:-1].reshape(orders, count, width - 1, *classes)
        return walks

    def _arrays(self, rows: Sequence[dict[str, Any]]) -> dict[str, np.ndarray]:
        columns = self._bundle.columns(rows)
        return {name: _array(column, columns[name]) for name, column in self._columns.items()}


def _turns(count: int, width: int) -> np.ndarray:
    """Return when each column changes, in drawn orders and in their reverse.

    Shapes: (2, count, width).
    """
    random = np.random.default_rng(SEED)
    turns = random.permuted(np.tile(np.arange(width), (count, 1)), axis=1)
    return np.stack([turns, width - 1 - turns])


def _array(column: Column, values: list[Any]) -> np.ndarray:
    """Return the values of a column as an array: numbers as floats, times and words as they are."""
    kinds: dict[str, Any] = {"number": "float64", "category": object, "time": object}
    return np.array(values, dtype=kinds[column.kind])
