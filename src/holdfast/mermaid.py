"""Charts in words that GitHub draws itself, so that a comment needs no host for its pictures.

No chart is better than a broken one: without two finite values there is none, and a name becomes letters, digits
and a few harmless marks.
"""

import math
from collections.abc import Sequence
from itertools import chain, count

import numpy as np

from holdfast.comparison import LABELS
from holdfast.differences import SliceDifference
from holdfast.markdown import Markdown, cut
from holdfast.report import Curves, Report
from holdfast.report_tables import name

BARS = 12
HARMLESS = " -+_.:/"
GREY, GREEN, RED, BLUE, ORANGE = "#8c959f", "#2da44e", "#cf222e", "#3b82c4", "#e0701f"
STEP = 10  # points of a curve


def of_slices(report: Report) -> Markdown | None:
    """Draw what both models reach on the slices that differ most, and the rest of the better one."""
    found = _most_different(report.comparison.slices)
    if len(found) < 2:
        return None
    both = np.array([[one.difference.champion, one.difference.challenger] for one in found])
    least, most = both.min(axis=1), both.max(axis=1)
    better = np.array([one.difference.gain > 0 for one in found])
    padding = max(float(most.max() - least.min()) / 5, 0.01)
    ends = math.floor(100 * max(float(least.min()) - padding, 0)) / 100, math.ceil(100 * float(most.max()) + 1) / 100
    return _chart(
        f"{LABELS[found[0].difference.metric]} by slice",
        [("bar", np.where(better, most, least)), ("bar", np.where(better, least, most)), ("bar", least)],
        (GREEN, RED, GREY),
        axes=(f"x-axis [{', '.join(labels([name(one) for one in found]))}]", f"y-axis {ends[0]:g} --> {ends[1]:g}"),
        height=110 + 30 * len(found),
        horizontal=True,
    )


def of_curves(curves: tuple[Curves, Curves] | None) -> Markdown | None:
    """Draw the ROC curves of both models, and that of chance."""
    if not curves:
        return None
    lines = [one.roc["true_positive_rate"].to_numpy()[::STEP] for one in curves]
    if any(len(line) < 2 or not np.isfinite(line).all() for line in lines):
        return None
    axes = 'x-axis "false positive rate" 0 --> 1', 'y-axis "true positive rate" 0 --> 1'
    chance = np.linspace(0, 1, len(lines[0]))
    return _chart(
        "ROC", [("line", chance), *(("line", line) for line in lines)], (GREY, BLUE, ORANGE), axes=axes, height=420
    )


def labels(names: Sequence[str]) -> list[str]:
    """Write names so that they break no chart; of equal ones only one bar would be drawn."""
    known: list[str] = []
    for words in names:
        harmless = "".join(sign if sign.isalnum() or sign in HARMLESS else " " for sign in words)
        short = cut(" ".join(harmless.split()), 26) or "unnamed"
        numbered = (f"{short} {turn}" for turn in count(2))
        known.append(next(said for said in chain([short], numbered) if said not in known))
    return [f'"{words}"' for words in known]


def _most_different(slices: Sequence[SliceDifference]) -> list[SliceDifference]:
    """Return the slices that differ most in one metric, the most gained first."""
    metrics = {one.difference.metric for one in slices}
    metric = "roc_auc" if "roc_auc" in metrics else min(metrics, default="")
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
    drawn = [f"{kind} [{', '.join(f'{value:.4f}' for value in values)}]" for kind, values in series]
    head = f"xychart-beta{' horizontal' if horizontal else ''}"
    lines = [*config, head, f'  title "{title}"', *(f"  {line}" for line in (*axes, *drawn))]
    return Markdown("\n".join(["```mermaid", *lines, "```"]))
