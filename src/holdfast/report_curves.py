"""The curves of a report: those of both models over one another, as the target has them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd

from holdfast import curves_svg, pages
from holdfast.curves_svg import Band, Curve
from holdfast.figures import counting, number
from holdfast.frames import around
from holdfast.pages import Html
from holdfast.report import Report


class Square(NamedTuple):
    """A curve of shares: its title, its axes, and whether chance or perfection is on the diagonal."""

    title: str
    axes: tuple[str, str]
    diagonal: bool = True
    low: bool = True  # room for names, on the right


BINARY = {
    "roc": Square("ROC", ("false positive rate", "true positive rate")),
    "precision_recall": Square("Precision and recall", ("recall", "precision"), diagonal=False, low=False),
    "calibration": Square("Calibration", ("mean score", "share of positives")),
}
CLASSES = {"calibration": Square("Calibration", ("mean of the highest scores", "share of right answers"))}


def drawn(report: Report) -> list[Html]:
    """Draw them all, each under its caption."""
    if not report.curves:
        return []
    if report.comparison.kind == "number":
        return [_predictions(report, report.curves), _errors(report, report.curves)]
    known = CLASSES if report.comparison.kind == "classes" else BINARY
    return [_square(report, name, how) for name, how in known.items() if name in report.curves[0]]


def bands(table: pd.DataFrame, unit: str) -> list[Band]:
    """Return what came of similar predictions, each with its words."""
    return [band(line, unit) for line in table.to_dict("records")]


def band(line: dict[Any, Any], unit: str) -> Band:
    """Return what came of similar predictions, with its words."""
    mean, ends = line["mean_target"], None if pd.isna(line["low"]) else (line["low"], line["high"])
    places = max(counting(mean, *(ends or ())) - 1, 0)
    score, came, *between = (number(value, places) for value in (line["mean_score"], mean, *(ends or ())))
    said = (
        f"of {line['rows']:,} rows with predictions of {score} on average, {came}{f' {unit}' if unit else ''} came, "
        + (f"and of 80 in 100 {' to '.join(between)}" if ends else "too few to tell how far apart")
    )
    return Band(line["mean_score"], mean, ends, said)


def _predictions(report: Report, both: Sequence[dict[str, pd.DataFrame]]) -> Html:
    names = report.champion.name, report.challenger.name
    found = [(name, bands(one["predictions"], report.unit)) for name, one in zip(names, both, strict=True)]
    unit = f", {report.unit}" if report.unit else ""
    summary = f"What came of the predictions of {names[0]} and of {names[1]}"
    drawing = curves_svg.bands(found, summary, (f"predicted{unit}", f"what came{unit}"))
    caption = "What came of the predictions: the mean of similar ones, and the band in which 80 of 100 rows lay"
    return pages.chart(caption, drawing)


def _errors(report: Report, both: Sequence[dict[str, pd.DataFrame]]) -> Html:
    names = report.champion.name, report.challenger.name
    lines = [Curve(name, one["errors"][["error", "share"]]) for name, one in zip(names, both, strict=True)]
    frame = around([0.0, *(float(one["errors"]["error"].max()) for one in both)], [0.0, 1.0])
    axes = f"missed by at most{f', {report.unit}' if report.unit else ''}", "share of the rows"
    summary = f"Errors of {names[0]} and of {names[1]}"
    return pages.chart(
        "Errors: the higher the curve, the closer", curves_svg.curves((lines[0], lines[1]), summary, axes, frame=frame)
    )


def _square(report: Report, name: str, how: Square) -> Html:
    names = report.champion.name, report.challenger.name
    dots, summary = name == "calibration", f"{how.title} of {names[0]} and of {names[1]}"
    both = tuple(Curve(which, one[name], dots) for which, one in zip(names, report.curves or (), strict=True))
    drawing = curves_svg.curves(both, summary, how.axes, diagonal=how.diagonal, low=how.low)
    return pages.chart(how.title, drawing)
