"""What people type → rows as a program would send them.

Fields of a form and cells of a table are words. Here a word becomes the number, the word or the time that the API
takes, and what is empty is left out; whether the row is allowed is for the one check that all rows go through. What
cannot be read is said with what was found and what is expected.

How a number and a time are read is `holdfast.cells`' to say. In a table whose cells are parted by semicolons, as some
spreadsheets write it, a decimal comma is read too.
"""

from collections.abc import Mapping
from typing import Any

from app.problems import FieldError
from app.requests import Reader, Row
from holdfast.cells import MISSING, moment, number, shown
from holdfast.schema import Category, Column, Number, Schema, Time


def checked(words: Mapping[str, str], reader: Reader, *, decimal: str = ".") -> Row | list[FieldError]:
    """Return the row that some words say, as the model takes it, or everything that is wrong with it."""
    schema = reader.schema
    row, problems = row_of(words, schema, decimal=decimal)
    own = words.get(schema.id, "").strip()
    found = reader.check(row | ({schema.id: own} if own else {}))
    if isinstance(found, dict) and not problems:
        return found
    unread = {problem.field for problem in problems}
    refused = [] if isinstance(found, dict) else [_as_typed(error, words) for error in found]
    problems += [error for error in refused if error.field not in unread]
    order = [schema.id, *schema.columns]
    return sorted(problems, key=lambda problem: order.index(problem.field or schema.id))


def row_of(words: Mapping[str, str], schema: Schema, *, decimal: str = ".") -> tuple[Row, list[FieldError]]:
    """Return the row that some words say, by column, and what of them could not be read."""
    row: Row = {}
    problems: list[FieldError] = []
    for name, column in schema.columns.items():
        word = words.get(name, "").strip()
        try:
            value = _value(column, word, decimal)
        except ValueError as error:
            problems.append(FieldError(field=name, found=shown(word), expected=str(error)))
        else:
            row |= {} if value is None else {name: value}
    return row, problems


def words_of(row: Mapping[str, Any], schema: Schema) -> dict[str, str]:
    """Return the words for a valid row, as the fields of a form hold them; missing values are empty.

    Numbers keep all their digits: one that is cut off may fall on the other side of a split of the model.
    """
    return {name: _word(column, row.get(name)) for name, column in schema.columns.items()}


def _as_typed(error: FieldError, words: Mapping[str, str]) -> FieldError:
    """Return an error that shows what was found as it was typed, which is not always how it was read."""
    word = words.get(error.field or "", "").strip()
    return error.model_copy(update={"found": shown(word)}) if word else error


def _value(column: Column, word: str, decimal: str) -> Any:
    if isinstance(column, Category):
        return word or None
    if word.lower() in MISSING:
        return None
    if isinstance(column, Number):
        return number(word.replace(decimal, ".", 1))
    return moment(column, word).isoformat()


def _word(column: Column, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(column, Number):
        return repr(float(value)).removesuffix(".0")
    if isinstance(column, Time):
        clock = column.clock(value)
        return "" if clock is None else clock.isoformat(timespec="seconds" if clock.second else "minutes")
    return str(value)
