"""One value on its own: what a column lets it be, how that is said, and how a word that was typed is read.

The web app and batch scoring take the same values and refuse the same, in the same words. A word that the model never
met is a value like any other: it is scored as an unknown one.

- A number has digits and at most one decimal point, and nothing else: `1_000`, `1,000` and infinity are refused,
  because two readers could read them differently.
- A time without an offset is what the clock of the column's zone shows. An hour that happens twice, when clocks are put
  back, is the first of the two; one that is skipped is refused.
"""

import json
import math
import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from holdfast.schema import Category, Column, Number, Time

LONGEST_WORD = 200
# Control characters are in no word, and some databases cannot hold them.
WORD = r"^[^\x00-\x1f\x7f]*$"
YEARS = (1700, 2200)  # as rows of tables are bounded: outside of it a time is a mistake
MISSING = {"", "na", "nan", "none", "null"}  # what other programs write where a number or a time is missing
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
DATE = len("2013-09-30")  # which is no time: midnight must be said
LONGEST_SHOWN = 80
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def expected(column: Column) -> str:
    """Say what a column may hold, for an error."""
    match column:
        case Number():
            text = _range(column)
        case Category():
            text = f"text of 1 to {LONGEST_WORD} characters"
            text += f" such as {column.values[0]!r}" if column.values else ""
        case Time():
            text = f"a time such as 2013-09-01T08:00:00{'' if column.zone is None else '-04:00'}"
            text += " without an offset" if column.zone is None else ""
    return f"{text}, or null" if column.nullable else text


def shown(value: object) -> str:
    """Show a value, short, as it would stand in JSON."""
    match value:
        case dict():
            return "an object"
        case list():
            return "a list"
        case str():
            return json.dumps(value[:LONGEST_SHOWN], ensure_ascii=False) + ("…" if len(value) > LONGEST_SHOWN else "")
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case _:
            return f"{value!r:.{LONGEST_SHOWN}}"


def harmless(cell: str) -> str:
    """Return a cell on one line, that no spreadsheet takes for a formula."""
    cell = " ".join(cell.splitlines())
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def is_word(word: str) -> bool:
    """Tell whether a word may stand in a category."""
    return 0 < len(word) <= LONGEST_WORD and re.search(WORD, word) is not None and not word.endswith("\n")


def number(word: str) -> float:
    """Return the number that a word says.

    Raises: ValueError that says what is expected.
    """
    word = word.replace("\N{MINUS SIGN}", "-")
    if not NUMBER.fullmatch(word):
        raise ValueError("a number, such as 12 or 0.5")
    read = float(word)
    if math.isinf(read):
        raise ValueError("a number that is not that large")
    return read


def moment(column: Time, word: str) -> datetime:
    """Return the moment that a word says, with an offset if the column has a zone and the word has none.

    Raises: ValueError that says what is expected.
    """
    try:
        time = datetime.fromisoformat(word if len(word) > DATE else "")
    except ValueError:
        raise ValueError("a date and a time, such as 2013-09-30T14:05") from None
    if time.tzinfo is None and column.zone is not None:
        time = time.replace(tzinfo=ZoneInfo(column.zone))
        if _skipped(time):
            raise ValueError(f"a time that exists: clocks in {column.zone} were put forward over it")
    return time


def _skipped(time: datetime) -> bool:
    """Tell whether the clock of the time's zone never showed it."""
    try:
        return time.astimezone(UTC).astimezone(time.tzinfo).replace(tzinfo=None) != time.replace(tzinfo=None)
    except OverflowError:  # the first and the last day of all calendars
        return False


def _range(column: Number) -> str:
    unit = f" {column.unit}" if column.unit else ""
    match column.min, column.max:
        case None, None:
            return f"a number{f' of{unit}' if unit else ''}"
        case low, None:
            return f"a number of at least {low:.15g}{unit}"
        case None, high:
            return f"a number of at most {high:.15g}{unit}"
        case low, high:
            return f"a number from {low:.15g} to {high:.15g}{unit}"
