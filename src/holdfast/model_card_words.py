"""How a card says figures, days and labels: in the words of the schema, and the same on every page."""

from collections.abc import Callable, Sequence
from datetime import date

from holdfast.headline import number, signed
from holdfast.intervals import Interval
from holdfast.schema import Schema

UNDEFINED = "not defined"


def share(value: float | None) -> str:
    """Say a share so that a few are never none, nor nearly all of them all."""
    if value is None:
        return UNDEFINED
    if 0 < value < 0.001:
        return "under 0.1%"
    return "over 99.9%" if 0.999 < value < 1 else f"{value:.1%}"


def figure(one: Interval) -> str:
    """Say a metric."""
    return UNDEFINED if one.value is None else number(one.value)


def ends(one: Interval, write: Callable[[float], str] = number) -> str:
    """Say an interval; nothing where none is known."""
    return "" if one.low is None or one.high is None else f"{write(one.low)} to {write(one.high)}"


def gap(one: Interval) -> str:
    """Say a difference, with its interval where it is known."""
    if one.value is None:
        return UNDEFINED
    return signed(one.value) + (f" ({ends(one, signed)})" if one.low is not None else "")


def worded(label: str) -> str:
    """Write a label of the target, or the name of a tag, as people would."""
    return label.replace("_", " ")


def heading(words: str) -> str:
    """Write words as the name of something: with a capital, and nothing else changed."""
    return words[:1].upper() + words[1:]


def label(schema: Schema, column: str) -> str:
    """Name a column as people do."""
    return schema.columns[column].label if column in schema.columns else column


def span(first: date | None, last: date | None) -> str:
    """Say from which day to which; nothing where they are not known."""
    if first is None or last is None:
        return ""
    if first == last:
        return _day(first)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day} to {_day(last)}"
    return f"{first.day} {first:%B} to {_day(last)}" if first.year == last.year else f"{_day(first)} to {_day(last)}"


def together(words: Sequence[str], limit: int = 8) -> str:
    """Name some things, and say how many more there are."""
    if len(words) > limit:
        return f"{', '.join(words[:limit])} and {len(words) - limit:,} more"
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
