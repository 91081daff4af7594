"""Charts in words that GitHub draws itself, so that a comment needs no host for its pictures.

No chart is better than a broken one: without two finite values there is none, and a name becomes letters, digits
and a few harmless marks.
"""

import math
from collections.abc import Sequence
from itertools import chain, count

import numpy as np

from holdfast import metrics
from holdfast.differences import SliceDifference
from holdfast.figures import DECIMALS, WITH_UNIT, counting, decimals, named
from holdfast.markdown import Markdown, cut
from holdfast.metrics import Metric
from holdfast.report import Curves, Report
from holdfast.report_tables import name

BARS = 12
HARMLESS = " -+_.:/"
GREY, GREEN, RED, BLUE, ORANGE = "#8c959f", "#2da44e", "#cf222e", "#3b82c4", "#e0701f"
STEP = 10  # points of a curve
MOST_ROWS = 0.95  # of the rows; the few that are missed by most would hide the others


def of_slices(report: Report) -> Markdown | None:
    """Draw what both models reach on the slices that differ most, and the rest of the better one."""
    found = _most_different(report.comparison.slices, metrics.main(report.comparison.kind))
    if len(found) < 2:
        return None
    both = np.array([[one.difference.champion, one.difference.challenger] for one in found])
    least, most = both.min(axis=1), both.max(axis=1)
    better = np.array([one.difference.gain > 0 for one in found])
    start, end = _ends(least, most, found[0].difference.metric)
    return _chart(
        f"{named(found[0].difference.metric, harmless(report.unit))} by slice",
        [("bar", np.where(better, most, least)), ("bar", np.where(better, least, most)), ("bar", least)],
        (GREEN, RED, GREY),
        axes=(f"x-axis [{', '.join(labels([name(one) for one in found]))}]", f"y-axis {start} --> {end}"),
        height=110 + 30 * len(found),
        horizontal=True,
        places=decimals(found[0].difference.metric, float(most.max())),
    )


def of_curves(curves: tuple[Curves, Curves] | None, unit: str = "") -> Markdown | None:
    """Draw the curves of both models: of two labels the ROC, of numbers how many rows are missed by how much."""
    if curves and "roc" in curves[0]:
        return _roc(curves)
    return _errors(curves, harmless(unit)) if curves and "errors" in curves[0] else None


def _roc(curves: tuple[Curves, Curves]) -> Markdown | None:
    lines = [one["roc"]["true_positive_rate"].to_numpy()[::STEP] for one in curves]
    if not _is_drawable(lines):
        return None
    axes = 'x-axis "false positive rate" 0 --> 1', 'y-axis "true positive rate" 0 --> 1'
    chance = np.linspace(0, 1, len(lines[0]))
    return _chart(
        "ROC", [("line", chance), *(("line", line) for line in lines)], (GREY, BLUE, ORANGE), axes=axes, height=420
    )


def _errors(curves: tuple[Curves, Curves], unit: str) -> Markdown | None:
    tables = [one["errors"][one["errors"]["share"] <= MOST_ROWS] for one in curves]
    lines = [table["error"].to_numpy()[::STEP] for table in tables]
    if not _is_drawable(lines):
        return None
    start, end = _ends(np.zeros(1), np.concatenate(lines), "mae")
    what = f"missed by at most, {unit}" if unit else "missed by at most"
    axes = f'x-axis "share of the rows" 0 --> {MOST_ROWS}', f'y-axis "{what}" {start} --> {end}'
    return _chart(
        "Errors",
        [("line", line) for line in lines],
        (BLUE, ORANGE),
        axes=axes,
        height=420,
        places=counting(lines[0][-1]),
    )


def _is_drawable(lines: Sequence[np.ndarray]) -> bool:
    return all(len(line) > 1 and np.isfinite(line).all() for line in lines)


def _ends(least: np.ndarray, most: np.ndarray, metric: Metric) -> tuple[str, str]:
    """Return where an axis begins and ends: at round values, and with room below, but never below zero."""
    low, high = float(least.min()), float(most.max())
    grain = 10.0 ** (2 - math.floor(math.log10(high)) if metric in WITH_UNIT and high > 0 else 2)
    padding = max((high - low) / 5, 1 / grain)
    ends = math.floor(grain * max(low - padding, 0)) / grain, math.ceil(grain * high + 1) / grain
    return f"{ends[0]:.10g}", f"{ends[1]:.10g}"


def labels(names: Sequence[str]) -> list[str]:
    """Write names so that they break no chart; of equal ones only one bar would be drawn."""
    known: list[str] = []
    for words in names:
        short = cut(harmless(words), 26) or "unnamed"
        numbered = (f"{short} {turn}" for turn in count(2))
        known.append(next(said for said in chain([short], numbered) if said not in known))
    return [f'"{words}"' for words in known]


def harmless(words: str) -> str:
    """Write words so that they break no chart."""
    return " ".join("".join(sign if sign.isalnum() or sign in HARMLESS else " " for sign in words).split())


def _most_different(slices: Sequence[SliceDifference], main: Metric) -> list[SliceDifference]:
    """Return the slices that differ most in one metric, the first of all if it was judged; the most gained first."""
    judged = {one.difference.metric for one in slices}
    metric = main if main in judged else min(judged, default="")
    known = [one for one in slices if one.difference.metric == metric and np.isfinite(one.difference.difference)]
    apart = [one for one in known if one.difference.difference]
    most = sorted(apart, key=lambda one: (-abs(one.difference.difference), name(one)))[:BARS]
    return sorted(most, key=lambda one: (-one.difference.gain, name(one)))


def _chart(
    title: str,
    series: Sequence[tuple[str, np.ndarray]],
    colours: Sequence[str],
    *,
    axes: Sequence[str],
    height: int,
    horizontal: bool = False,
    places: int = DECIMALS,
) -> Markdown:
    config = [
        "---",
        "config:",
        "  xyChart:",
        f"    height: {height}",
        "  themeVariables:",
        "    xyChart:",
        f'      plotColorPalette: "{", ".join(colours)}"',
        "---",
    ]
    drawn = [f"{kind} [{', '.join(f'{value:.{places}f}' for value in values)}]" for kind, values in series]
    head = f"xychart-beta{' horizontal' if horizontal else ''}"
    lines = [*config, head, f'  title "{title}"', *(f"  {line}" for line in (*axes, *drawn))]
    return Markdown("\n".join(["```mermaid", *lines, "```"]))
