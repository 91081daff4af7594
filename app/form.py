"""The form, as the schema asks for it: which fields there are, in which order, with what in them.

Most people look at a few inputs. So the form opens with those that matter most to the model, by the importance that
was measured on the holdout, and with those that say in which slices a row is; the others wait, filled in, behind a
summary that opens by itself where one of them has a mistake. Nothing starts empty: the form holds a real row, whose
score is the middle one of the golden rows.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from app.problems import FieldError
from app.words import words_of
from holdfast.bundle import Bundle
from holdfast.schema import Category, Column, Number, Time

FIRST = 7  # inputs that matter most
PREFIX = "in."  # of the fields' names: a column may be called as a field of ours is
EXAMPLES = {"typical": 0.5, "lowest": 0.0, "highest": 1.0}


class Choice(NamedTuple):
    """A word that can be chosen, and what it stands for."""

    value: str
    text: str


class Field(NamedTuple):
    """One input; `choices` are offered, and with kind `choice` there are no others."""

    key: str
    name: str
    kind: str
    label: str
    help: str
    unit: str
    optional: bool
    signed: bool
    choices: tuple[Choice, ...]
    value: str
    error: FieldError | None


class Form(NamedTuple):
    """All inputs: those that matter most, and the others."""

    first: list[Field]
    more: list[Field]

    @property
    def faulty(self) -> list[Field]:
        """The inputs with a mistake, from top to bottom."""
        return [field for field in (*self.first, *self.more) if field.error]

    @property
    def is_open(self) -> bool:
        """Whether the others must be seen."""
        return any(field.error for field in self.more)


def example(bundle: Bundle, name: str) -> dict[str, Any]:
    """Return the golden row with the lowest, the middle or the highest score; of classes it is the one of the label."""
    scores = [max(one) if isinstance(one, tuple) else one for one in bundle.golden.scores]
    order = sorted(range(len(scores)), key=scores.__getitem__)
    return bundle.golden.rows[order[round(EXAMPLES[name] * (len(order) - 1))]]


def filled(bundle: Bundle, row: Mapping[str, Any]) -> Form:
    """Return the form with a valid row in it."""
    return form_of(bundle, words_of(row, bundle.model.facts.data), ())


def form_of(bundle: Bundle, words: Mapping[str, str], errors: Sequence[FieldError]) -> Form:
    """Return the form with the words that someone typed, and what is wrong with them."""
    found = {error.field: error for error in reversed(errors)}
    known = bundle.model.pipeline.named_steps["featurizer"].words_
    columns = bundle.model.facts.data.columns
    fields = {
        name: _field(f"input-{place}", name, column, known.get(name, ()), words.get(name, ""), found.get(name))
        for place, (name, column) in enumerate(columns.items())
    }
    first = matter_most(bundle) | {one.column for one in bundle.card.slices}
    return Form(
        [fields[name] for name in columns if name in first], [fields[name] for name in columns if name not in first]
    )


def matter_most(bundle: Bundle, count: int = FIRST) -> set[str]:
    """Return the names of the columns that the model's scores depend on most."""
    columns = bundle.model.facts.data.columns
    falls = {one.column: one.fall for one in bundle.card.importance}
    return set(sorted(columns, key=lambda name: -falls.get(name, 0.0))[:count])


def spoken(column: Column, value: Any) -> str:
    """Say a value for people: with its unit, by its name, as a date; a missing one is unknown."""
    if value is None:
        return "unknown"
    if isinstance(column, Number):
        return f"{figure(value)} {column.unit}".strip()
    if isinstance(column, Time):
        clock = column.clock(value)
        return f"{clock:%A}, {clock.day} {clock:%B %Y, %H:%M}" if clock else "unknown"
    return f"{column.names[value]} ({value})" if value in column.names else str(value)


def figure(value: float) -> str:
    """Say a number with four digits, or as many as stand before its point."""
    text = f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.1f}".removesuffix(".0")
    return text.replace("-", "\N{MINUS SIGN}") if "e" not in text else text


def _field(key: str, name: str, column: Column, known: Sequence[str], value: str, error: FieldError | None) -> Field:
    kind = "number" if isinstance(column, Number) else "time"
    words: Sequence[str] = ()
    if isinstance(column, Category):
        kind, words = ("choice", column.values) if column.values else ("word", known)
    choices = tuple(Choice(word, spoken(column, word)) for word in words)
    return Field(
        key, name, kind, column.label, _help(column), getattr(column, "unit", ""), column.nullable, _signed(column),
        tuple(sorted(choices, key=lambda choice: choice.text)), value, error,
    )  # fmt: skip


def _help(column: Column) -> str:
    """Return the help of a column, and the range or the clock that its values are on."""
    more = ""
    if isinstance(column, Number):
        low, high = ("" if bound is None else figure(bound) for bound in (column.min, column.max))
        more = (
            f"{low} to {high}." if low and high else f"At least {low}." if low else f"At most {high}." if high else ""
        )
    if isinstance(column, Time) and column.zone:
        more = f"On the clock of {column.zone.replace('_', ' ')}."
    return f"{column.help} {more}".strip()


def _signed(column: Column) -> bool:
    """Tell whether a minus may be needed, which the number pads of some phones lack."""
    return not isinstance(column, Number) or column.min is None or column.min < 0
