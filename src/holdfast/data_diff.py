"""What changed between two data versions: partitions, rows, columns, the target, and the distributions.

Columns are compared as the files have them, by the kind of their type; today's schema says which of them are the
id, the time and the target. All is counted exactly, one column of one partition at a time, and bytes that
both versions share are read once.

A new month is diluted in a whole version, so the rows of added and changed partitions, the new rows, are held against
all rows of the version before as well.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Generic, NamedTuple, TypeVar

import numpy as np
import pandas as pd

from holdfast.distributions import Kind, counts, distance, total
from holdfast.schema import Number, Schema
from holdfast.targets import NumberTarget
from holdfast.versions import Version

T = TypeVar("T")
S = TypeVar("S")


@dataclass(frozen=True)
class Sides(Generic[T]):
    """The same of the version before, of the one after, and of the new rows."""

    before: T
    after: T
    new: T

    def each(self, function: Callable[[T], S]) -> "Sides[S]":
        """Return what a function makes of each."""
        return Sides(function(self.before), function(self.after), function(self.new))


class Counted(NamedTuple):
    """Rows, and the counts of the values that are there."""

    rows: int
    counts: pd.Series

    @property
    def missing_share(self) -> float:
        """The share of rows without a value."""
        return 1 - int(self.counts.sum()) / self.rows if self.rows else 0.0


class Edits(NamedTuple):
    """Rows of a changed partition that came, went or have other values, told apart by their ids."""

    added: int
    removed: int
    edited: int
    columns: dict[str, int]


class Partition(NamedTuple):
    """A partition that is not the same in both versions; None stands where it is not there."""

    name: str
    rows: tuple[int | None, int | None]
    answers: tuple[float | None, float | None]
    edits: Edits | None


class Moved(NamedTuple):
    """A column of both versions, how far its distribution moved, and what shows it best.

    `what` is the mean of numbers, or the word or hour whose share changed most; it has `values` on both sides.
    A distance is None where a side has no value, or values of another kind.
    """

    column: str
    kind: Kind | None
    distance: float | None
    distance_of_new: float | None
    what: str
    values: tuple[float, float] | None
    unit: str
    missing: Sides[float]

    @property
    def rank(self) -> float:
        """How far the column moved: its distance, or the change of its missing share if that is larger."""
        return max(self.distance or 0.0, abs(self.missing.after - self.missing.before))


@dataclass(frozen=True)
class DataDiff:
    """All that is different; without a partition that is, the versions are the same, byte for byte."""

    names: tuple[str, str]
    partitions: tuple[Partition, ...]
    unchanged: int
    rows: Sides[int]
    months: Sides[dict[str, int]]
    answer: str  # what is told of the target: the share of a label, or the mean
    answers: Sides[float | None]
    unit: str | None  # of a mean
    types: tuple[dict[str, str], dict[str, str]]
    moved: tuple[Moved, ...]


def compare(before: Version, after: Version, schema: Schema) -> DataDiff:
    """Compare two versions.

    Raises: UserError where a partition cannot be read.
    """
    pair = _Pair(before, after)
    target = schema.target
    outcomes = pair.count(target.column, "number" if target.kind == "number" else "category")
    types = _types(before), _types(after)
    columns = [name for name in types[1] if name in types[0] and name != schema.id] if pair.differing else []
    moved = [_move(name, types, pair, schema) for name in columns]
    return DataDiff(
        names=(before.name, after.name),
        partitions=tuple(_partition(name, pair, outcomes, schema) for name in pair.differing),
        unchanged=len(after.hashes) - len(pair.new),
        rows=pair.tally(Version.rows).each(lambda found: sum(found.values())),
        months=pair.months(schema.time),
        answer=target.summarised,
        answers=outcomes.each(lambda found: target.summary(_together(found).counts.to_dict())),
        unit=target.unit if isinstance(target, NumberTarget) else None,
        types=types,
        moved=tuple(sorted(moved, key=lambda column: (-column.rank, column.column))),
    )


class _Pair:
    """Two versions, whose common bytes are read once."""

    def __init__(self, before: Version, after: Version) -> None:
        self.before, self.after = before, after
        self.new = [name for name, md5 in after.hashes.items() if before.hashes.get(name) != md5]
        removed = before.hashes.keys() - after.hashes.keys()
        self.differing = sorted({*self.new, *removed})

    def tally(self, function: Callable[[Version, str], T]) -> Sides[dict[str, T]]:
        """Return what a function finds in each partition of each side."""
        done: dict[str, T] = {}
        for version in (self.before, self.after):
            for partition, md5 in version.hashes.items():
                if md5 not in done:
                    done[md5] = function(version, partition)
        before, after = ({name: done[md5] for name, md5 in v.hashes.items()} for v in (self.before, self.after))
        return Sides(before, after, {name: after[name] for name in self.new})

    def count(self, column: str, kind: Kind) -> Sides[dict[str, Counted]]:
        """Count the values of a column; a partition without it counts for nothing."""
        return self.tally(partial(_count, column=column, kind=kind))

    def months(self, column: str | None) -> Sides[dict[str, int]]:
        """Count the rows of each month, by the clock of the column's zone."""
        found = self.tally(partial(_months, column=column))
        return found.each(lambda parts: {str(month): int(rows) for month, rows in total(parts.values()).items()})


def _count(version: Version, partition: str, column: str, kind: Kind) -> Counted:
    values = _values(version, partition, column)
    return Counted(len(values), counts(values, kind))


def _months(version: Version, partition: str, column: str | None) -> pd.Series:
    if column is None or _kind(version.types(partition).get(column, "")) != "time":
        return total([])
    return counts(pd.to_datetime(_values(version, partition, column)).dt.strftime("%Y-%m"), "category")


def _values(version: Version, partition: str, column: str) -> pd.Series:
    if column not in version.types(partition):
        return pd.Series(dtype="object")
    return version.read(partition, [column]).iloc[:, 0]


def _together(parts: Mapping[str, Counted]) -> Counted:
    return Counted(sum(part.rows for part in parts.values()), total(part.counts for part in parts.values()))


def _types(version: Version) -> dict[str, str]:
    """Return the type of each column; several where partitions differ."""
    found: dict[str, list[str]] = {}
    for partition in version.hashes:
        for name, kind in version.types(partition).items():
            known = found.setdefault(name, [])
            known += [] if kind in known else [kind]
    return {name: " or ".join(kinds) for name, kinds in found.items()}


def _kind(types: str) -> Kind:
    """Return the kind of values that types hold."""
    if types.startswith(("timestamp", "date")):
        return "time"
    numbers = ("int", "uint", "float", "double", "half", "decimal", "bool")
    return "number" if types.startswith(numbers) else "category"


def _common_kind(before: str, after: str) -> Kind | None:
    """Return the kind of a column, if it is the same in every partition of both versions."""
    kinds = {_kind(one) for types in (before, after) for one in types.split(" or ")}
    return kinds.pop() if len(kinds) == 1 else None


def _partition(name: str, pair: _Pair, outcomes: Sides[dict[str, Counted]], schema: Schema) -> Partition:
    sides = (pair.before, outcomes.before), (pair.after, outcomes.after)
    rows = [version.rows(name) if name in version.hashes else None for version, _ in sides]
    answers = [schema.target.summary(found[name].counts.to_dict()) if name in found else None for _, found in sides]
    edits = _edits(pair.before.read(name), pair.after.read(name), schema.id) if None not in rows else None
    return Partition(name, (rows[0], rows[1]), (answers[0], answers[1]), edits)


def _edits(before: pd.DataFrame, after: pd.DataFrame, key: str) -> Edits | None:
    """Tell rows apart by their ids; None where these do not say."""
    if not all(_tells_rows_apart(rows, key) for rows in (before, after)):
        return None
    before, after = before.set_index(key), after.set_index(key)
    both = before.index.intersection(after.index)
    edited = pd.DataFrame(index=both)
    for name in [name for name in after if name in before]:
        old, new = (_comparable(rows[name].loc[both]) for rows in (before, after))
        edited[name] = (old != new) & ~(old.isna() & new.isna())
    columns = {str(name): int(count) for name, count in edited.sum().items() if count}
    return Edits(len(after) - len(both), len(before) - len(both), int(edited.any(axis=1).sum()), columns)


def _tells_rows_apart(rows: pd.DataFrame, key: str) -> bool:
    if key not in rows or not rows.columns.is_unique or rows[key].dtype == object:
        return False
    return bool(rows[key].notna().all() and rows[key].is_unique)


def _comparable(values: pd.Series) -> pd.Series:
    """Return values that can be compared one by one: lists and the like in words."""
    return values.map(str) if values.dtype == object else values.astype(object)


def _move(name: str, types: tuple[dict[str, str], dict[str, str]], pair: _Pair, schema: Schema) -> Moved:
    """Measure how far a column moved."""
    kind = _common_kind(types[0][name], types[1][name])
    sides = pair.count(name, kind or "category").each(_together)
    column, missing = schema.columns.get(name), sides.each(lambda found: found.missing_share)
    if kind is None or sides.before.counts.empty or sides.after.counts.empty:
        return Moved(name, kind, None, None, "", None, "", missing)
    before, after = sides.before.counts, sides.after.counts
    what, values = _shown(before, after, kind)
    return Moved(
        column=name,
        kind=kind,
        distance=distance(before, after, kind),
        distance_of_new=distance(before, sides.new.counts, kind),
        what=what,
        values=values,
        unit=column.unit if isinstance(column, Number) else "",
        missing=missing,
    )


def _shown(before: pd.Series, after: pd.Series, kind: Kind) -> tuple[str, tuple[float, float]]:
    """Return what shows a move best: the mean of numbers, the share of the word or hour that changed most."""
    if kind == "number":
        first, second = (float(np.average(found.index, weights=found)) for found in (before, after))
        return "mean", (first, second)
    was, is_now = (before / before.sum()).align(after / after.sum(), fill_value=0.0)
    place = int(np.abs(is_now - was).argmax())
    word = was.index[place]
    return f"{word:02d} h" if kind == "time" else str(word), (float(was.iloc[place]), float(is_now.iloc[place]))
