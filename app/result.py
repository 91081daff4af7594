"""What a score means to a person: in words, beside what really happened, and with what is not known.

The score alone is half of an answer. Beside it stands what became of the holdout's rows with such a score, and where
the model promised too much or too little there, that is said and not smoothed over.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from app.explanation import Effect, Explainer
from app.form import figure, spoken
from app.ranges import is_beyond, spread_of
from app.saying import called, label_words, percent, quantity
from app.slices import Line, slices_of
from holdfast.bundle import Bin, Bundle, Card, Spread
from holdfast.schema import Schema
from holdfast.targets import BinaryTarget, NumberTarget, Target


class Move(NamedTuple):
    """How far one input moved the score, for the eye and in words."""

    label: str
    value: str
    effect: float
    error: float


class Result(NamedTuple):
    """All that is said of one prediction."""

    score: float  # of the positive label, of the predicted class, or the predicted number
    label: str
    classes: Sequence[tuple[str, float]]  # the likeliest first
    happened: Bin | None
    spread: Spread | None
    is_beyond: bool  # higher or lower than any number that was predicted of the holdout
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
    target, label = schema.target, prediction.get("label", "")
    effects = explainer.moved(dict(row), None)
    happened = None if target.kind == "number" else bin_of(bundle.card, score)
    return Result(
        score,
        label,
        sorted(prediction.get("scores", {}).items(), key=lambda one: -one[1]),
        happened,
        spread_of(bundle.card, score) if target.kind == "number" else None,
        target.kind == "number" and is_beyond(bundle.card, score),
        trust(bundle, score, happened),
        explainer.base(target.answers.index(label) if target.kind == "classes" else None),
        [_move(schema, row, effect) for effect in effects[:3]],
        sum(effect["effect"] for effect in effects[3:]),
        list(slices_of(bundle, row)),
        [schema.columns[name].label for name in prediction["missing"]],
        [f"{schema.columns[name].label}: {row[name]}" for name in prediction["unknown"]],
        prediction["prediction_id"],
    )


def title(found: Result, target: Target) -> str:
    """Say a prediction in two or three words, for the title of the page."""
    if isinstance(target, NumberTarget):
        return f"{figure(found.score)} {target.unit}".rstrip()
    return f"{percent(found.score)} likely" if target.kind == "binary" else called(found.label, target)


def question(schema: Schema) -> str:
    """Return what the model answers, as a person would ask it."""
    target = schema.target
    of = f"{label_words(target.positive)}?" if isinstance(target, BinaryTarget) else "which?"
    return target.question or (f"{target.title}?" if target.kind == "number" else f"{target.title}: {of}")


def bin_of(card: Card, score: float) -> Bin | None:
    """Return the rows of the holdout with such a score, if there are any."""
    within = (one for one in card.calibration if one.from_score <= score and (score < one.to_score or score == 1))
    return next((one for one in reversed(list(within)) if one.rows), None)


def trust(bundle: Bundle, score: float, bin_: Bin | None) -> str:
    """Say whether scores like this one came true on the holdout."""
    schema = bundle.model.facts.data
    if schema.target.kind == "number":
        rmse, noun = bundle.card.metrics["rmse"] or 0.0, schema.noun[1]
        far = "None of them had such a prediction: these are the nearest. " if is_beyond(bundle.card, score) else ""
        return (
            f"{far}On all {noun} of the holdout it missed by {quantity(rmse, schema)} (root of the mean squared error)."
        )
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


def _move(schema: Schema, row: Mapping[str, Any], effect: Effect) -> Move:
    column = schema.columns[effect["column"]]
    return Move(column.label, spoken(column, row.get(effect["column"])), effect["effect"], effect["error"])
