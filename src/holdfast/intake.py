"""Rows as a file brings them: those that the model takes, in canonical form, and why it does not take the others.

A row is taken here if and only if the web app would take it. A column that is not there, or of another kind, is no
mistake of a row: then none is taken. Columns that the schema does not name, the target too, are not looked at.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from holdfast import cells
from holdfast.schema import EDIT, Category, Number, Schema, Time, few
from holdfast.streams import Block, PartitionError, Wanted

LARGEST = float(np.finfo("float64").max)
FIRST, LAST = (np.datetime64(str(year), "us") for year in cells.YEARS)


class Refusal(NamedTuple):
    """What is wrong with one value of a row; `row` is its number in the file, from 1."""

    row: int
    id: str
    field: str
    found: str
    expected: str


class Values(NamedTuple):
    """The values of a column as the model takes them, which of them are wrong, and what to say of one of those."""

    taken: Any
    wrong: np.ndarray
    said: Callable[[int], tuple[str, str]]


class Taken(NamedTuple):
    """The ids and columns of the rows that the model takes; how many others there are, and what is wrong with them."""

    ids: pd.Series
    columns: dict[str, Any]
    refused: int
    refusals: Iterator[Refusal]


def wanted(schema: Schema) -> Wanted:
    """Return the columns that are read of a file: all that the model sees, and the id."""
    return Wanted(schema.id, schema.named(Number), schema.named(Category), schema.named(Time))


def check_header(names: list[str], schema: Schema, where: str) -> None:
    """Refuse a file that has not every column of the schema, once.

    Raises: PartitionError that names the columns.
    """
    needed = [schema.id, *schema.columns]
    absent = [name for name in needed if name not in names]
    if absent:
        problem = f"{where}: missing column '{absent[0]}'."
        raise PartitionError(problem, fix=f"add {few(absent)} to the rows (empty, where all values are missing)")
    twin = next((name for name in needed if names.count(name) > 1), None)
    if twin:
        raise PartitionError(f"{where}: found two columns named '{twin}', expected every name once.", fix="rename one")


def take(block: Block, schema: Schema, where: str) -> Taken:
    """Return the rows of a block that the model takes.

    Raises: PartitionError where a column is of another kind.
    """
    found: dict[str, Values] = {}
    for name in [schema.id, *schema.columns]:
        try:
            found[name] = _values(name, block, schema)
        except TypeError as error:
            raise PartitionError(f"{where}: {name}: {error}.", fix=EDIT) from error
    wrong = np.logical_or.reduce([values.wrong for values in found.values()])
    ids, columns = found[schema.id].taken, {name: found[name].taken for name in schema.columns}
    if not wrong.any():
        return Taken(ids, columns, 0, iter(()))
    refusals = _refusals(np.flatnonzero(wrong), found, ids, block.first)
    good = {name: values[~wrong] for name, values in columns.items()}
    return Taken(ids[~wrong], good, int(np.count_nonzero(wrong)), refusals)


def _refusals(places: np.ndarray, found: dict[str, Values], ids: pd.Series, first: int) -> Iterator[Refusal]:
    for place in places.tolist():
        own = ids.iloc[place]
        for name, values in found.items():
            if values.wrong[place]:
                yield Refusal(first + place, "" if pd.isna(own) else own, name, *values.said(place))


def _ids(values: pd.Series, schema: Schema) -> Values:
    ids = schema.canonical(schema.id, values)
    wrong = (ids.isna() | (ids == "")).to_numpy(bool)
    return Values(ids, wrong, lambda place: (_shown(ids.iloc[place]), "an id, to find the row again"))


def _shown(value: Any) -> str:
    return cells.shown(None if pd.isna(value) else value if isinstance(value, float | str) else str(value))


def _values(name: str, block: Block, schema: Schema) -> Values:
    """Return the values of a column.

    Raises: TypeError where they are of another kind.
    """
    values = block.columns[name]
    match schema.columns.get(name):
        case Number() as column:
            return _numbers(column, values, block.typed)
        case Category() as column:
            return _words(column, values)
        case Time() as column:
            return _times(column, values) if block.typed else _moments(column, values)
        case None:
            return _ids(values, schema)


def _numbers(column: Number, values: pd.Series, typed: bool) -> Values:
    unread: dict[int, tuple[str, str]] = {}
    if typed or values.dtype == np.float64:
        numbers = column.canonical(values).to_numpy()
    else:
        numbers = np.array([_number(word, place, unread) for place, word in enumerate(values)])
    low, high = (-LARGEST if column.min is None else column.min), (LARGEST if column.max is None else column.max)
    fine = (numbers >= low) & (numbers <= high)
    if column.nullable:
        fine |= np.isnan(numbers)
    fine[list(unread)] = False

    def said(place: int) -> tuple[str, str]:
        return unread.get(place) or (_shown(float(numbers[place])), cells.expected(column))

    return Values(numbers, ~fine, said)


def _number(word: str, place: int, unread: dict[int, tuple[str, str]]) -> float:
    """Return the number that a cell says; what cannot be read is noted by its place."""
    if word.lower() in cells.MISSING:
        return np.nan
    try:
        return cells.number(word)
    except ValueError as error:
        unread[place] = (cells.shown(word), str(error))
        return np.nan


def _words(column: Category, values: pd.Series) -> Values:
    if not isinstance(values.dtype, pd.CategoricalDtype):
        values = column.canonical(values).astype("category")
    words = column.canonical(pd.Series(values.cat.categories))
    taken, codes = np.array([*words, None], dtype=object), values.cat.codes.to_numpy()  # what is missing is the last
    wrong = ~np.array([*map(cells.is_word, words), column.nullable])
    return Values(taken[codes], wrong[codes], lambda place: (cells.shown(taken[codes[place]]), cells.expected(column)))


def _times(column: Time, values: pd.Series) -> Values:
    if not pd.api.types.is_datetime64_any_dtype(values):
        column.canonical(values)  # says what it is instead
    column.canonical(values.head(0))
    try:
        clock = values.dt.as_unit("us").dt.tz_localize(None)
    except (OverflowError, pd.errors.OutOfBoundsDatetime):
        clock = column.canonical(values)
    return _clocks(column, clock, lambda place: _shown(values.iloc[place]))


def _moments(column: Time, values: pd.Series) -> Values:
    """Read the times of a CSV file, each that is written alike once."""
    unread: dict[int, tuple[str, str]] = {}
    words = values.cat.categories.tolist()
    clocks = [_moment(column, word, place, unread) for place, word in enumerate(words)]
    codes = values.cat.codes.to_numpy()
    read = np.array([*clocks, None], dtype="datetime64[us]")[codes]
    made = _clocks(column, pd.Series(read), lambda place: cells.shown([*words, None][codes[place]]))
    spoilt = np.isin(codes, list(unread))
    return Values(made.taken, made.wrong | spoilt, lambda place: unread.get(int(codes[place])) or made.said(place))


def _moment(column: Time, word: str, place: int, unread: dict[int, tuple[str, str]]) -> datetime | None:
    """Return what the clock of the column's zone shows at the moment that a cell says."""
    if word.lower() in cells.MISSING:
        return None
    try:
        time = cells.moment(column, word)
        if column.zone is None and time.tzinfo is not None:
            raise ValueError(cells.expected(column))
        return column.clock(time)
    except OverflowError:
        unread[place] = (cells.shown(word), cells.expected(column))
    except ValueError as error:
        unread[place] = (cells.shown(word), str(error))
    return None


def _clocks(column: Time, clock: pd.Series, found: Callable[[int], str]) -> Values:
    times = clock.to_numpy()
    missing = np.isnat(times)
    fine = ((times >= FIRST) & (times < LAST)) | (missing & column.nullable)
    return Values(clock, ~fine, lambda place: (found(place), cells.expected(column)))
