"""Which small sets of columns tell two groups of rows apart, almost perfectly.

How well is measured, not modelled. On half of the rows, the share of each group is counted in every
cell of a table; on the other half, these shares are judged by ROC AUC. The lower of both directions
counts, so that no column looks good because its values were remembered.

The cells are a column's words, or its numbers in bins of a few dozen rows; what is missing has a cell of
its own. Two columns make the cells of both together. A sum (each column once, plus or minus) is a
number like any other: every sum of two is tried, and of three where the numbers are not too many, and
of any size those to which a linear fit points, if there are rows enough for one. In sums, times and
durations count in minutes.

What is hidden in digits, such as a label in the parity of a number, is not found: bins do not see it.

A set of columns is found only if no part of it is, and if each of its columns is needed: without it, the
rest errs at least twice as much.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

import numpy as np
import pandas as pd

from holdfast.schema import Number, Schema, Time

ROWS_A_BIN, FEWEST_BINS, MOST_BINS = 25, 8, 256
ROWS_A_CELL = 10
# Sums are tried on so few rows of each group first, and looked at closely if their AUC comes so near.
FEW_ROWS = 500
NEAR = 0.03
# Sums of three grow with the cube of the columns: 17 numbers make 2,720, and 40 make 39,520.
MOST_IN_THREES = 40
# What is found multiplies the fits; whoever has this many sums has enough to mend.
MOST_FITS = 25
NEWTON_STEPS = 15
HUGE = 1e30  # so that sums and squares of numbers stay finite
# A part of a sum may go if the rest keeps this share of the errors that are allowed.
SLACK = 0.25
MINUTES = {"seconds": 1 / 60, "minutes": 1.0, "hours": 60.0, "days": 1440.0}

Signs = dict[str, int]


@dataclass(frozen=True)
class Separator:
    """Columns that tell the groups apart: as one number, a sum that is written out, or by their values together."""

    columns: tuple[str, ...]
    auc: float
    sum: str = ""


def separators(
    rows: pd.DataFrame, group: np.ndarray, schema: Schema, least: float, known: Sequence[Separator] = ()
) -> list[Separator]:
    """Return the smallest sets of columns that reach a ROC AUC of `least`, small sets first.

    What contains a known separator is no news. The order of the rows decides on their half.

    Shapes: group (rows,) of booleans.
    """
    search = _Search(_Sample(rows, group, schema), least, known)
    search.try_columns()
    search.try_sums(2)
    search.try_tables()
    search.try_sums(3)
    search.try_fits()
    return search.found


class _Sample:
    """Rows of two groups, each cut in halves, with every column as numbers or as the cells of its words."""

    def __init__(self, rows: pd.DataFrame, group: np.ndarray, schema: Schema) -> None:
        self.names = list(schema.columns)
        self.group = group
        self.place = np.where(group, np.cumsum(group), np.cumsum(~group))
        self.bins = min(max(len(group) // ROWS_A_BIN, FEWEST_BINS), MOST_BINS)
        columns = [(name, column, rows[name]) for name, column in schema.columns.items()]
        self.numbers = {
            name: _number(values, column) for name, column, values in columns if isinstance(column, Number | Time)
        }
        self.words = {name: pd.factorize(rows[name])[0] + 1 for name in schema.columns if name not in self.numbers}
        coarse = max(round((len(group) / ROWS_A_CELL) ** 0.5), FEWEST_BINS // 2)
        self.cells = self.words | {name: _bins(values, coarse) for name, values in self.numbers.items()}

    def few(self) -> np.ndarray:
        """Return the places of a few rows of each group, evenly mixed: among equal values, none comes first."""
        size = np.minimum(np.where(self.group, self.group.sum(), (~self.group).sum()), FEW_ROWS)
        order = np.argsort((self.place - 0.5) / size, kind="stable")
        return order[self.place[order] <= FEW_ROWS]

    def of_column(self, name: str) -> float:
        return self._of_cells(self.words[name]) if name in self.words else self.of_number(self.numbers[name])

    def of_table(self, names: Sequence[str]) -> float:
        """Return the AUC of the cells that two columns make together."""
        one, other = (self.cells[name] for name in names)
        return self._of_cells(pd.factorize(one * (other.max() + 1) + other)[0])

    def of_sum(self, signs: Signs) -> float:
        return self.of_number(np.sum([sign * self.numbers[name] for name, sign in signs.items()], axis=0))

    def of_number(self, values: np.ndarray) -> float:
        return self._of_cells(_bins(values, self.bins))

    def _of_cells(self, cells: np.ndarray) -> float:
        half = self.place % 2 == 0
        return min(self._judged(cells, half), self._judged(cells, ~half))

    def _judged(self, cells: np.ndarray, half: np.ndarray) -> float:
        hits = np.bincount(cells[half], self.group[half], minlength=cells.max() + 1)
        share = (hits + self.group.mean()) / (np.bincount(cells[half], minlength=len(hits)) + 1)
        _, rank = np.unique(share, return_inverse=True)
        other, group = rank[cells[~half]], self.group[~half]
        yes, no = (np.bincount(other[side], minlength=len(share)) for side in (group, ~group))
        return _auc(yes, no)


class _Search:
    """What was found in a sample so far, by ever larger sets of columns."""

    def __init__(self, sample: _Sample, least: float, known: Sequence[Separator]) -> None:
        self.sample = sample
        self.least = least
        self.known = known
        self.found: list[Separator] = []

    def try_columns(self) -> None:
        for name in self.sample.names:
            self._add((name,), self.sample.of_column(name), [])

    def try_tables(self) -> None:
        for pair in combinations(self.sample.names, 2):
            auc = self.sample.of_table(pair)
            if auc >= self.least:
                self._add(pair, auc, map(self.sample.of_column, pair))

    def try_sums(self, size: int) -> None:
        """Try every sum of so many columns that comes near on a few rows."""
        names = self._unnamed(self.sample.numbers)
        if size == 2 or len(names) <= MOST_IN_THREES:
            for signs in self._near(names, size):
                self._try_sum(signs)

    def try_fits(self) -> None:
        """Try the sum to which a linear fit of all numbers points; then of all but one of the found; and so on.

        With fewer rows a column than a cell has, a fit tells any rows apart, and points at nothing.
        """
        names = self._unnamed(self.sample.numbers)
        todo, seen = [names] if len(names) * ROWS_A_CELL <= len(self.sample.group) else [], list[list[str]]()
        while todo and len(seen) < MOST_FITS:
            names = todo.pop(0)
            if names in seen:
                continue
            seen.append(names)
            signs = self._pointed_at(names) if self._is_news(names) else {}
            if not any(set(signs) < set(one.columns) for one in self.found):
                self._try_sum(signs)
            inside = next((one.columns for one in (*self.known, *self.found) if set(names).issuperset(one.columns)), ())
            todo += [[name for name in names if name != without] for without in inside]

    def _unnamed(self, names: Iterable[str]) -> list[str]:
        return [name for name in names if self._is_news([name])]

    def _is_news(self, names: Iterable[str]) -> bool:
        return not any(set(names).issuperset(one.columns) for one in (*self.known, *self.found))

    def _add(self, names: tuple[str, ...], auc: float, without: Iterable[float], written: str = "") -> None:
        """Add a set of columns if it is good enough, news, and needs each of its columns."""
        if auc >= self.least and self._is_news(names) and all(1 - rest >= 2 * (1 - auc) for rest in without):
            self.found.append(Separator(names, auc, written))

    def _try_sum(self, signs: Signs) -> None:
        if len(signs) > 1:
            rests = [{name: sign for name, sign in signs.items() if name != without} for without in signs]
            self._add(tuple(signs), self.sample.of_sum(signs), map(self.sample.of_sum, rests), _written(signs))

    def _near(self, names: list[str], size: int) -> Iterator[Signs]:
        few = self.sample.few()
        group = self.sample.group[few]
        numbers = np.array([self.sample.numbers[name][few] for name in names])
        for places in combinations(range(len(names) - 1), size - 1):
            for signs in product((1,), *[(1, -1)] * (size - 2)):
                start, later = np.array(signs) @ numbers[list(places)], places[-1] + 1
                for sign in (1, -1):
                    near = _tried(start + sign * numbers[later:], group) >= self.least - NEAR
                    for last in np.flatnonzero(near).tolist():
                        summed = [names[place] for place in (*places, later + last)]
                        yield dict(zip(summed, (*signs, sign), strict=True))

    def _pointed_at(self, names: list[str]) -> Signs:
        """Return the columns that a separating linear fit cannot do without, with the signs of their weights.

        The last bits of a fit depend on the processor. It only points; what it points at is measured as a sum.
        """
        weights, auc = self._fit(names)
        if auc < self.least:
            return {}
        enough = max(self.least, auc - (1 - self.least) * SLACK)
        for name in sorted(weights, key=lambda name: abs(weights[name])):
            fewer, auc = self._fit([other for other in weights if other != name])
            weights = fewer if auc >= enough else weights
        plus = next(iter(weights.values())) > 0  # a sum and its opposite are the same: the first column gets a plus
        return {name: 1 if (weight > 0) == plus else -1 for name, weight in weights.items()}

    def _fit(self, names: list[str]) -> tuple[dict[str, float], float]:
        """Return the weight of each column in a linear fit, and how well the fit separates."""
        if not names:
            return {}, 0.5
        matrix = _standardised(np.column_stack([self.sample.numbers[name] for name in names]))
        weights = _logistic(matrix, self.sample.group)
        return dict(zip(names, weights.tolist(), strict=True)), self.sample.of_number(matrix @ weights)


def _number(values: pd.Series, column: Number | Time) -> np.ndarray:
    """Return values as numbers: times as minutes since 1970, durations as minutes; none is beyond `HUGE`."""
    if isinstance(column, Time):
        return ((values - pd.Timestamp(0, tz=column.zone)) / pd.Timedelta(minutes=1)).to_numpy("float64")
    return np.clip(values.to_numpy("float64"), -HUGE, HUGE) * MINUTES.get(column.unit, 1.0)


def _bins(values: np.ndarray, most: int) -> np.ndarray:
    """Return the bin of each value: its own if there are few values, else one of about equal size; 0 is missing."""
    there = np.sort(values[~np.isnan(values)])
    edges = np.unique(there)
    if len(edges) > most:
        edges = np.unique(there[len(there) * np.arange(most) // most])
    return np.where(np.isnan(values), 0, np.searchsorted(edges, values, side="right"))


def _auc(yes: np.ndarray, no: np.ndarray) -> Any:
    """Return the ROC AUC of cells in the order of their rank, by the rows of either group in them."""
    below = np.cumsum(no, axis=-1) - no / 2
    return (yes * below).sum(axis=-1) / (yes.sum(axis=-1) * no.sum(axis=-1))


def _tried(values: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Return about the AUC of each line of values, on the rows that it is learned from: quick, and too good.

    Shapes: values (lines, rows) and group (rows,) → (lines,).
    """
    whole = len(group) // ROWS_A_CELL * ROWS_A_CELL
    order = np.argsort(values, axis=1, kind="stable")[:, :whole]
    yes = np.sort(group[order].reshape(len(values), -1, ROWS_A_CELL).sum(axis=2), axis=1)
    return _auc(yes, ROWS_A_CELL - yes)


def _standardised(matrix: np.ndarray) -> np.ndarray:
    """Return columns with mean 0 and deviation 1; what is missing is in the middle, and what never varies is 0."""
    there = ~np.isnan(matrix)
    mean = matrix.sum(axis=0, where=there) / np.maximum(there.sum(axis=0), 1)
    centred = np.where(there, matrix - mean, 0)
    deviation = centred.std(axis=0)
    return centred / np.where(deviation > 0, deviation, 1)


def _logistic(matrix: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Return the weights of a logistic regression, by Newton's method.

    In the directions in which the rows spread, so that columns may be as alike as two clocks.
    """
    spread, lengths, back = np.linalg.svd(matrix, full_matrices=False)
    kept = lengths > lengths[0] * 1e-7
    inputs = np.column_stack([spread[:, kept] * len(group) ** 0.5, np.ones(len(group))])
    weights = np.zeros(inputs.shape[1])
    for _ in range(NEWTON_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(inputs @ weights, -30, 30)))
        curve = inputs.T @ (inputs * (chance * (1 - chance))[:, None]) + np.eye(len(weights))
        weights -= np.linalg.solve(curve, inputs.T @ (chance - group) + weights)
    return back[kept].T @ (weights[:-1] / lengths[kept])


def _written(signs: Signs) -> str:
    """Write a sum whose first sign is a plus, such as "a - b + c"."""
    first, *others = signs
    return " ".join([first, *(f"{'+' if signs[name] > 0 else '-'} {name}" for name in others)])
