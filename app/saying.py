"""How figures are said to people: shares, chances, quantities with their unit, and when the holdout was."""

from datetime import date

from app.form import figure
from holdfast.bundle import Card
from holdfast.schema import Schema
from holdfast.targets import ClassesTarget, NumberTarget, Target

# "1 in 7" is easier to picture than 14%, "14 in 97" is not.
FRACTIONS = [(1, n) for n in (2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 25, 30, 40, 50, 75, 100)]
FRACTIONS += [(2, 3), (3, 4), (2, 5), (3, 5), (4, 5), (3, 10), (7, 10), (9, 10), (19, 20), (99, 100)]


def percent(share: float) -> str:
    """Say a share, with a decimal only where it would be 0% or 100% without."""
    if 0 < share < 0.001 or 0.999 < share < 1:
        return "less than 0.1%" if share < 0.5 else "more than 99.9%"
    return f"{share:.1%}" if 0 < share < 0.01 or 0.99 < share < 1 else f"{share:.0%}"


def quantity(value: float, schema: Schema) -> str:
    """Say a predicted number, or a difference of two, with its unit."""
    unit = schema.target.unit if isinstance(schema.target, NumberTarget) else ""
    return f"{figure(value)} {unit}".rstrip()


def moved_by(value: float, schema: Schema) -> str:
    """Say how far an input moved a score: in percentage points, or in the unit of a number."""
    sign = "+" if value >= 0 else "\N{MINUS SIGN}"
    return f"{sign}{figure(abs(value))}" if schema.target.kind == "number" else f"{sign}{100 * abs(value):.1f}"


def give_or_take(error: float, schema: Schema) -> str:
    """Say the standard error of that; nothing where it is too small to be seen."""
    if schema.target.kind == "number":
        return figure(float(f"{error:.2g}")) if error else ""
    return f"{100 * error:.1f}" if error >= 0.0005 else ""


def chance(score: float) -> str:
    """Say a probability as a fraction that people can picture."""
    if score < 0.0075:
        return "fewer than 1 in 100"
    if score > 0.9925:
        return "more than 99 in 100"
    part, whole = min(FRACTIONS, key=lambda fraction: abs(fraction[0] / fraction[1] - score))
    return f"about {part} in {whole}"


def label_words(label: str) -> str:
    """Say a label as people write it."""
    return label.replace("_", " ")


def called(label: str, target: Target) -> str:
    """Say a label by its name, where it has one."""
    return label_words(target.names.get(label, label) if isinstance(target, ClassesTarget) else label)


def period(card: Card) -> str:
    """Say when the rows of the holdout are from: a month by its name; without times, "the holdout"."""
    first, last = card.holdout_first, card.holdout_last
    if first is None or last is None:
        return "the holdout"
    if (first.year, first.month) == (last.year, last.month):
        return f"{first:%B %Y}"
    return f"{_day(first)} to {_day(last)}"


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
