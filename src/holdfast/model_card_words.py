"""How a card says figures, days and labels: in the words of the schema, and the same on every page."""

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial

from holdfast.confusions import called
from holdfast.figures import DECIMALS, counting, decimals, number, signed
from holdfast.intervals import Interval, SliceInterval
from holdfast.metrics import Metric
from holdfast.schema import Schema
from holdfast.targets import BinaryTarget, ClassesTarget, NumberTarget

UNDEFINED = "not defined"
MOVED = 0.05  # so far apart, two shares are not the same


def share(value: float | None) -> str:
    """Say a share so that a few are never none, nor nearly all of them all."""
    if value is None:
        return UNDEFINED
    if 0 < value < 0.001:
        return "under 0.1%"
    return "over 99.9%" if 0.999 < value < 1 else f"{value:.1%}"


def figure(one: Interval, places: int = DECIMALS) -> str:
    """Say a metric."""
    return UNDEFINED if one.value is None else number(one.value, places)


def ends(one: Interval, write: Callable[[float], str] = number) -> str:
    """Say an interval; nothing where none is known."""
    return "" if one.low is None or one.high is None else f"{write(one.low)} to {write(one.high)}"


def gap(one: Interval, places: int = DECIMALS) -> str:
    """Say a difference, with its interval where it is known."""
    if one.value is None:
        return UNDEFINED
    write = partial(signed, decimals=places)
    return write(one.value) + (f" ({ends(one, write)})" if one.low is not None else "")


def places(metric: Metric, one: Interval) -> int:
    """Return with how many decimals a metric is said."""
    return decimals(metric, one.value or 0.0)


def places_of(one: SliceInterval) -> int:
    """Return with how many decimals a slice is said."""
    return places(one.metric, one.found)


def amount(value: float, unit: str = "", digits: int = 4) -> str:
    """Say what has the unit of the target, in a sentence: by four digits that count, if the last are no zeros."""
    said = number(value, max(counting(value) - 5 + digits, 0))
    short = said.rstrip("0").removesuffix(".") if "." in said else said
    return f"{short} {unit}" if unit else short


def within(words: str) -> str:
    """Write the name of something as it stands within a sentence; one in capitals keeps them."""
    return words if words[:2].isupper() else words[:1].lower() + words[1:]


def unit_of(schema: Schema) -> str:
    """Return the unit of a number that is predicted."""
    return schema.target.unit if isinstance(schema.target, NumberTarget) else ""


def positive_of(schema: Schema) -> str:
    """Name the label that a score of two labels is the probability of."""
    return worded(schema.target.positive) if isinstance(schema.target, BinaryTarget) else ""


def answers_of(schema: Schema) -> list[str]:
    """Name the answers whose shares are told: of two labels the positive one, of classes each."""
    if isinstance(schema.target, ClassesTarget):
        return [called(schema.target, value) for value in schema.target.values]
    return [positive_of(schema)] if isinstance(schema.target, BinaryTarget) else []


def worded(label: str) -> str:
    """Write a label of the target, or the name of a tag, as people would."""
    return label.replace("_", " ")


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
