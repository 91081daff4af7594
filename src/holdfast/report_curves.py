"""The curves of a report: those of both models over one another, as the target has them."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from holdfast import curves_svg, pages
from holdfast.curves_svg import Band, Curve
from holdfast.figures import counting, number
from holdfast.frames import around
from holdfast.pages import Html
from holdfast.report import Report

BINARY: dict[str, tuple[str, tuple[str, str], dict[str, bool]]] = {
    "roc": ("ROC", ("false positive rate", "true positive rate"), {"diagonal": True}),
    "precision_recall": ("Precision and recall", ("recall", "precision"), {"low": False}),
    "calibration": ("Calibration", ("mean score", "share of positives"), {"diagonal": True}),
}
CLASSES = {"calibration": ("Calibration", ("mean of the highest scores", "share of right answers"), {"diagonal": True})}


def drawn(report: Report) -> list[Html]:
    """Draw them all, each under its caption."""
    if not report.curves:
        return []
    if report.comparison.kind == "number":
        return [_predictions(report, report.curves), _errors(report, report.curves)]
    known = CLASSES if report.comparison.kind == "classes" else BINARY
    return [_square(report, name, *how) for name, how in known.items() if name in report.curves[0]]


def bands(table: pd.DataFrame, unit: str) -> list[Band]:
    """Return what came of similar predictions, each with its words."""
    return [_band(line, f" {unit}" if unit else "") for line in table.to_dict("records")]


def _band(line: dict[Any, Any], unit: str) -> Band:
    places = counting(line["mean_target"], line["high"])
    mean, low, high = (number(line[name], max(places - 1, 0)) for name in ("mean_target", "low", "high"))
    said = (
        f"of {line['rows']:,} rows with predictions of {number(line['mean_score'], max(places - 1, 0))} on average, "
        f"{mean}{unit} came, and of 80 in 100 {low} to {high}"
    )
    return Band(line["mean_score"], line["mean_target"], (line["low"], line["high"]), said)


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


def _square(report: Report, name: str, title: str, axes: tuple[str, str], how: dict[str, bool]) -> Html:
    names = report.champion.name, report.challenger.name
    dots = name == "calibration"
    both = tuple(Curve(which, one[name], dots) for which, one in zip(names, report.curves or (), strict=True))
    return pages.chart(title, curves_svg.curves(both, f"{title} of {names[0]} and of {names[1]}", axes, **how))
