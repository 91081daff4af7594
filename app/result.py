"""What a score means to a person: in words, beside what really happened, and with what is not known.

The score alone is half of an answer. Beside it stands what became of the holdout's rows with such a score, and where
the model promised too much or too little there, that is said and not smoothed over. The same goes for the slices that
the row is in: what was measured of them, and which are too small to say much.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from app.explanation import Effect, Explainer
from app.form import spoken
from holdfast.bundle import Bin, Bundle, Card, Slice
from holdfast.schema import Schema

# A slice that is smaller says little; the judge, too, does not judge such slices unless it is told to.
FEW_ROWS, FEW_LABELS = 500, 50
# "1 in 7" is easier to picture than 14%, "14 in 97" is not.
FRACTIONS = [(1, n) for n in (2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 25, 30, 40, 50, 75, 100)]
FRACTIONS += [(2, 3), (3, 4), (2, 5), (3, 5), (4, 5), (3, 10), (7, 10), (9, 10), (19, 20), (99, 100)]


class Move(NamedTuple):
    """How far one input moved the score, for the eye and in words."""

    label: str
    value: str
    effect: float
    error: float


class Line(NamedTuple):
    """A line of the table of slices; `warning` says why not to rely on it."""

    name: str
    rows: int
    share: float | None
    auc: float | None
    off: float | None
    warning: str


class Result(NamedTuple):
    """All that is said of one prediction."""

    score: float
    chance: str
    flagged: bool
    happened: Bin | None
    trust: str
    base: float
    moves: Sequence[Move]
    rest: float
    slices: Sequence[Line]
    missing: Sequence[str]
    unknown: Sequence[str]
    prediction_id: str


def result_of(bundle: Bundle, explainer: Explainer, row: Mapping[str, Any], prediction: Mapping[str, Any]) -> Result:
    """Return what is said of a prediction."""
    schema, score = bundle.model.facts.data, prediction["score"]
    effects = explainer.moved(dict(row), None)
    bin_ = bin_of(bundle.card, score)
    return Result(
        score,
        chance(score),
        score >= bundle.model.facts.threshold,
        bin_,
        trust(bundle, score, bin_),
        explainer.base,
        [_move(schema, row, effect) for effect in effects[:3]],
        sum(effect["effect"] for effect in effects[3:]),
        list(slices_of(bundle, row)),
        [schema.columns[name].label for name in prediction["missing"]],
        [f"{schema.columns[name].label}: {row[name]}" for name in prediction["unknown"]],
        prediction["prediction_id"],
    )


def question(schema: Schema) -> str:
    """Return what the model answers, as a person would ask it."""
    target = schema.target
    return target.question or f"{target.label or target.column}: {label_words(target.positive)}?"


def percent(share: float) -> str:
    """Say a share, with a decimal only where it would be 0% or 100% without."""
    if 0 < share < 0.001 or 0.999 < share < 1:
        return "less than 0.1%" if share < 0.5 else "more than 99.9%"
    return f"{share:.1%}" if 0 < share < 0.01 or 0.99 < share < 1 else f"{share:.0%}"


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


def period(card: Card) -> str:
    """Say when the rows of the holdout are from: a month by its name; without times, "the holdout"."""
    first, last = card.holdout_first, card.holdout_last
    if first is None or last is None:
        return "the holdout"
    if (first.year, first.month) == (last.year, last.month):
        return f"{first:%B %Y}"
    return f"{_day(first)} to {_day(last)}"


def bin_of(card: Card, score: float) -> Bin | None:
    """Return the rows of the holdout with such a score, if there are any."""
    within = (one for one in card.calibration if one.from_score <= score and (score < one.to_score or score == 1))
    return next((one for one in reversed(list(within)) if one.rows), None)


def trust(bundle: Bundle, score: float, bin_: Bin | None) -> str:
    """Say whether scores like this one came true on the holdout."""
    schema = bundle.model.facts.data
    if bin_ is None:
        return f"No {schema.noun[1]} of the holdout had such a score: nobody has seen how far it can be trusted."
    if bin_.low is None or bin_.high is None:
        few = {"days": "on too few days", "groups": "in too few groups"}.get(drawn(schema), "too few")
        return f"They are {few} to say how sure that is."
    if bin_.low <= bin_.mean_score <= bin_.high:
        return f"That agrees with their scores, which were {percent(bin_.mean_score)} on average."
    much, than = ("much", "less") if bin_.mean_score > bin_.high else ("little", "more")
    points = 100 * abs(bin_.mean_score - bin_.positive_share)
    return (
        f"Their scores were {percent(bin_.mean_score)} on average: the model promised too {much} there, "
        f"by {points:.1f} percentage points. So reckon with {than} than {percent(score)}."
    )


def drawn(schema: Schema) -> str:
    """Say what is drawn again for an interval, as `holdfast.bootstrap` does it."""
    return "groups" if schema.group else "days" if schema.time else schema.noun[1]


def slices_of(bundle: Bundle, row: Mapping[str, Any]) -> Iterator[Line]:
    """Give a line for all rows, and one for each slice that the row is in, or would be in if it had been judged."""
    card, schema = bundle.card, bundle.model.facts.data
    yield _line(f"All {schema.noun[1]}", card.metrics)
    for column, label in {one.column: one.label for one in card.slices}.items():
        mine = next((one for one in card.slices if one.column == column and _is_in(one, schema, row)), None)
        value = spoken(schema.columns[column], row.get(column)) if mine is None else slice_value(mine, schema)
        name = f"{label.capitalize()}: {value}"
        yield _line(name, mine.metrics) if mine else Line(name, 0, None, None, None, "none in the holdout: not judged")


def slice_lines(bundle: Bundle) -> Iterator[tuple[str, list[Line]]]:
    """Give the name of each kind of slice, and its lines."""
    schema, slices = bundle.model.facts.data, bundle.card.slices
    for label in dict.fromkeys(one.label for one in slices):
        lines = [_line(slice_value(one, schema), one.metrics) for one in slices if one.label == label]
        yield label.capitalize(), lines


def slice_value(one: Slice, schema: Schema) -> str:
    """Say which rows are in a slice."""
    if one.hours:
        return f"{one.hours[0]:02d}:00 to {one.hours[1]:02d}:00"
    return "unknown" if one.value == "missing" else spoken(schema.columns[one.column], one.value)


def _is_in(one: Slice, schema: Schema, row: Mapping[str, Any]) -> bool:
    value = row.get(one.column)
    if value is None:
        return one.value == "missing"
    if one.hours is None:
        return str(value) == one.value
    clock = schema.columns[one.column].clock(value)  # type: ignore[union-attr]  # only times have hours
    return clock is not None and one.hours[0] <= clock.hour < one.hours[1]


def _line(name: str, metrics: Mapping[str, float | int | None]) -> Line:
    rows, share = int(metrics["rows"] or 0), metrics["positive_share"] or 0.0
    warning = ""
    if metrics["roc_auc"] is None:
        warning = "only one outcome: not judged"
    elif rows < FEW_ROWS or min(share, 1 - share) * rows < FEW_LABELS:
        warning = "few: read with care"
    return Line(name, rows, share, metrics["roc_auc"], metrics["calibration_error"], warning)


def _move(schema: Schema, row: Mapping[str, Any], effect: Effect) -> Move:
    column = schema.columns[effect["column"]]
    return Move(column.label, spoken(column, row.get(effect["column"])), effect["effect"], effect["error"])


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
