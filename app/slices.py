"""What was measured of the slices that a row is in, and which are too small to say much."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from app.form import spoken
from app.saying import label_words, percent, quantity
from holdfast.bundle import Bundle, Slice
from holdfast.schema import Schema
from holdfast.targets import BinaryTarget

# A slice that is smaller says little; the judge, too, does not judge such slices unless it is told to.
FEW_ROWS, FEW_LABELS = 500, 50


NOTHING = "\N{EN DASH}"


class Line(NamedTuple):
    """A line of the table of slices; `warning` says why not to rely on it."""

    name: str
    rows: int
    figures: Sequence[str]  # one below each of `columns`
    warning: str


def slices_of(bundle: Bundle, row: Mapping[str, Any]) -> Iterator[Line]:
    """Give a line for all rows, and one for each slice that the row is in, or would be in if it had been judged."""
    card, schema = bundle.card, bundle.model.facts.data
    yield _line(f"All {schema.noun[1]}", card.metrics, schema)
    for column, label in {one.column: one.label for one in card.slices}.items():
        mine = next((one for one in card.slices if one.column == column and _is_in(one, schema, row)), None)
        value = spoken(schema.columns[column], row.get(column)) if mine is None else slice_value(mine, schema)
        name = f"{label.capitalize()}: {value}"
        nothing = Line(name, 0, [NOTHING] * len(columns(schema)), "none in the holdout: not judged")
        yield _line(name, mine.metrics, schema) if mine else nothing


def slice_lines(bundle: Bundle) -> Iterator[tuple[str, list[Line]]]:
    """Give the name of each kind of slice, and its lines."""
    schema, slices = bundle.model.facts.data, bundle.card.slices
    for label in dict.fromkeys(one.label for one in slices):
        lines = [_line(slice_value(one, schema), one.metrics, schema) for one in slices if one.label == label]
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


def columns(schema: Schema) -> list[str]:
    """Return what is said of each slice, beside how many rows it has."""
    target = schema.target
    if isinstance(target, BinaryTarget):
        return [f"Were {label_words(target.positive)}", "ROC AUC", "Scores off by"]
    return ["Right", "Mean of the classes", "Scores off by"] if target.answers else ["RMSE", "Mean error", "R²"]


def note(schema: Schema) -> str:
    """Explain what is said of each slice."""
    one, target = schema.noun[0], schema.target
    if isinstance(target, BinaryTarget):
        was = label_words(target.positive)
        return (
            f"ROC AUC: how often it scores a {one} that was {was} above one that was not; guessing gets 0.50. "
            f"Scores off by: how far scores are from the shares that really were {was}, on average, in percentage "
            "points."
        )
    if target.answers:
        return (
            "Right: the share that got the right class. Mean of the classes: the same for each class alone, averaged. "
            "Scores off by: how far its highest scores are from how often they are right, on average, in "
            "percentage points."
        )
    return (
        "RMSE: root of the mean squared error. Mean error: how far it is off on average, whichever way. R²: the share "
        "of the variance that it explains; to say the mean each time gets 0."
    )


def _figures(metrics: Mapping[str, float | int | None], schema: Schema) -> list[str]:
    def said(name: str, written: Callable[[float], str]) -> str:
        value = metrics.get(name)
        return NOTHING if value is None else written(value)

    if schema.target.kind == "number":
        return [
            *(said(name, lambda value: quantity(value, schema)) for name in ("rmse", "mae")),
            said("r2", "{:.2f}".format),
        ]
    first = "positive_share" if schema.target.kind == "binary" else "accuracy"
    off = said("calibration_error", lambda value: f"{100 * value:.1f}")
    if schema.target.kind == "classes":
        return [said(first, percent), said("balanced_accuracy", percent), off]
    return [said(first, percent), said("roc_auc", "{:.2f}".format), off]


def _line(name: str, metrics: Mapping[str, float | int | None], schema: Schema) -> Line:
    rows, warning = int(metrics["rows"] or 0), ""
    share = metrics.get("positive_share")
    fewest = rows if share is None else min(share, 1 - share) * rows
    if metrics.get("roc_auc", 0) is None:
        warning = "only one outcome: not judged"
    elif rows < FEW_ROWS or fewest < FEW_LABELS:
        warning = "few: read with care"
    return Line(name, rows, _figures(metrics, schema), warning)
