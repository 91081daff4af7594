"""Rows to columns, as the model takes them; and many rows at once checked column by column.

Of some rows each is checked by itself, for that can say what is wrong with it. Of many the most are right: here whole
columns are looked at, which takes half the time, and tells only whether all is right. A number is compared with the
bounds of its column; each word and each time goes through the very check of its field, but only once, however many
rows have it. Rows of which a single one is not right go the slow way: see `requests`.
"""

import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import nan
from operator import itemgetter
from types import NoneType
from typing import Any, NamedTuple, NotRequired, get_args, get_origin

import numpy as np
from pydantic import TypeAdapter, ValidationError

from holdfast.schema import Number, Schema, Time

Row = dict[str, Any]


class Table(NamedTuple):
    """The columns of rows, in canonical form, and which of them are missing in which row, by its place."""

    columns: dict[str, Any]
    missing: Mapping[int, list[str]]


class Bounds(NamedTuple):
    """What a number may be, and of which types."""

    kinds: set[type]
    low: float
    high: float


class WrongError(ValueError):
    """Tell that something is not right, but not what."""


class Columns:
    """Makes columns of rows, by the schema of the model; `kinds` are the types of the fields of a row."""

    def __init__(self, schema: Schema, kinds: Mapping[str, Any]) -> None:
        self._schema = schema
        self._clocks = {name: column.clock for name, column in schema.columns.items() if isinstance(column, Time)}
        self._bounds = {name: _bounds(column) for name, column in schema.columns.items() if isinstance(column, Number)}
        names = list(schema.columns)
        self._all = itemgetter(*names, names[0])  # one more, for of a single one it would make no tuple
        plain = {name: get_args(kind)[0] if get_origin(kind) is NotRequired else kind for name, kind in kinds.items()}
        self._fields = {name: _list_of(kind) for name, kind in plain.items() if name not in self._bounds}

    def of(self, rows: Sequence[Row]) -> Table:
        """Return the columns of rows that have been checked."""
        columns, missing = dict[str, Any](), defaultdict[int, list[str]](list)
        for name in self._schema.columns:
            values = columns[name] = [row.get(name) for row in rows]
            if None in values:
                for place, value in enumerate(values):
                    if value is None:
                        missing[place].append(name)
        for name in self._bounds:
            if None in columns[name]:
                columns[name] = [nan if value is None else value for value in columns[name]]
        for name, clock in self._clocks.items():
            columns[name] = [clock(value) for value in columns[name]]
        return Table(columns, missing)

    def checked(self, rows: list[Row]) -> tuple[Table, int]:
        """Return the columns of rows as a parser of JSON left them, and how many words those have, keys among them.

        Numbers and times of the rows become what the check of a single row makes of them.

        Raises: WrongError where anything is wrong.
        """
        if set(map(type, rows)) != {dict}:
            raise WrongError
        columns, keys = self._taken(rows)
        ids = words = self._ids(rows)
        absent = dict[str, Any]()
        for name in self._schema.columns:
            columns[name], absent[name] = self._checked(name, columns[name], rows)
            words += 0 if name in self._bounds else len(rows) - int(np.count_nonzero(absent[name]))
        if ids + keys != sum(map(len, rows)):  # there is one that nobody knows
            raise WrongError
        return Table(columns, _missing(absent)), ids + keys + words

    def _taken(self, rows: list[Row]) -> tuple[dict[str, Any], int]:
        """Return the values of each column, None for those that rows leave out, and how many keys those have."""
        names = list(self._schema.columns)
        try:
            taken = zip(*map(self._all, rows), strict=True)
            return dict(zip(names, taken, strict=False)), len(names) * len(rows)
        except KeyError:
            columns = {name: [row.get(name) for row in rows] for name in names}
            return columns, sum(name in row for row in rows for name in names)

    def _checked(self, name: str, values: Sequence[Any], rows: list[Row]) -> tuple[Any, Any]:
        """Return the values of a column in canonical form, and of each whether it is missing; or False for all."""
        if name in self._bounds:
            numbers = self._bounded(name, values, rows)
            return numbers, np.isnan(numbers)
        met = self._met(name, values)
        absent = [value is None for value in values] if None in met else False
        if name in self._clocks:
            _put(name, [met[text] for text in values], rows)
            clocks = {text: self._clocks[name](moment) for text, moment in met.items()}
            values = [clocks[text] for text in values]
        return values, absent

    def _ids(self, rows: list[Row]) -> int:
        """Return how many rows have an id."""
        name = self._schema.id
        ids = [row[name] for row in rows if name in row]
        self._met(name, ids)
        return len(ids)

    def _met(self, name: str, values: Sequence[Any]) -> dict[Any, Any]:
        """Return what the check of a field makes of each of some values."""
        try:
            distinct = list(set(values))
            return dict(zip(distinct, self._fields[name].validate_python(distinct), strict=True))
        except (ValidationError, TypeError) as error:  # of a type that is in no set, a list say
            raise WrongError from error

    def _bounded(self, name: str, values: Sequence[Any], rows: list[Row]) -> np.ndarray:
        """Return numbers that are within the bounds of a column; NaN for those that are missing."""
        kinds, column = set(map(type, values)), self._bounds[name]
        if not kinds <= column.kinds:
            raise WrongError
        numbers = np.array(values, dtype="float64")  # NaN for None, and only for that: JSON has none
        there = numbers[~np.isnan(numbers)] if NoneType in kinds else numbers
        if there.size and not (column.low <= there.min() and there.max() <= column.high):
            raise WrongError
        if int in kinds:
            _put(name, [None if value is None else float(value) for value in values], rows)
        return numbers


def _list_of(kind: Any) -> TypeAdapter[list[Any]]:
    return TypeAdapter(list[kind])  # known only once there is a model


def _bounds(column: Number) -> Bounds:
    most = sys.float_info.max
    kinds = {float, int, NoneType} if column.nullable else {float, int}
    return Bounds(kinds, -most if column.min is None else column.min, most if column.max is None else column.max)


def _missing(absent: Mapping[str, Any]) -> dict[int, list[str]]:
    """Return which columns are missing in which row; rows that lack the same share a list."""
    names = [name for name, places in absent.items() if np.any(places)]
    if not names:
        return {}
    lacks = np.column_stack([absent[name] for name in names])
    kinds = np.ascontiguousarray(lacks).view(f"V{len(names)}").ravel().tolist()  # a byte for each of the names
    lists = {kind: [name for name, lack in zip(names, kind, strict=True) if lack] for kind in set(kinds)}
    return {place: lists[kind] for place, kind in enumerate(kinds) if lists[kind]}


def _put(name: str, values: Sequence[Any], rows: list[Row]) -> None:
    """Put values into rows that have them."""
    for row, value in zip(rows, values, strict=True):
        if value is not None:
            row[name] = value
