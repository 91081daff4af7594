"""Large plots of two models as SVG: their curves over one another, and a forest of differences with their intervals.

The colours are those of the page, light or dark. Whoever does not tell them apart has the second curve dashed.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from holdfast.markdown import cut
from holdfast.pages import Html, element

SIDE = 300  # of the square that curves are drawn in
LEFT, TOP, BELOW = 46, 10, 42
NAMES, ACROSS, LINE = 190, 470, 24  # of a forest
DASHES = "6 3"


class Curve(NamedTuple):
    """A line in the unit square."""

    name: str
    points: pd.DataFrame  # of two columns: across, and up
    dots: bool = False


class Row(NamedTuple):
    """A difference in a forest; `margin` is how far below 0 it may lie, if that is limited."""

    name: str
    low: float
    value: float
    high: float
    said: str
    margin: float | None = None


class Dot(NamedTuple):
    """A point in the unit square; where its height could as well lie, and how large it is beside the largest."""

    across: float
    up: float
    ends: tuple[float, float] | None
    size: float
    said: str


def curves(both: tuple[Curve, Curve], summary: str, axes: tuple[str, str], *, diagonal: bool = False) -> Html:
    """Draw the curves of two models over one another."""
    drawn = [_frame(), *_axes(axes)]
    if diagonal:
        drawn.append(_line([(0, 0), (1, 1)], style="stroke: var(--soft); fill: none", stroke_dasharray="2 4"))
    for place, one in enumerate(both):
        drawn += _curve(one, second=place == 1)
    drawn += _legend([one.name for one in both], low=axes[0] != "recall")
    return _svg(summary, drawn, (LEFT + SIDE + 10, TOP + SIDE + BELOW))


def dots(found: Sequence[Dot], summary: str, axes: tuple[str, str]) -> Html:
    """Draw points beside the diagonal, each with its interval."""
    drawn = [_frame(), *_axes(axes)]
    drawn.append(_line([(0, 0), (1, 1)], style="stroke: var(--soft); fill: none", stroke_dasharray="2 4"))
    drawn.append(_line([(one.across, one.up) for one in found], style="stroke: var(--band); fill: none"))
    for one in found:
        across, up = _at(one.across, one.up)
        whole = [element("title", one.said)]
        if one.ends:
            whole.append(_line([(one.across, end) for end in one.ends], class_="stroke"))
        whole.append(element("circle", cx=_n(across), cy=_n(up), r=_n(2.5 + 6 * one.size**0.5), class_="main"))
        drawn.append(element("g", *whole))
    return _svg(summary, drawn, (LEFT + SIDE + 10, TOP + SIDE + BELOW))


def forest(rows: Sequence[Row], summary: str) -> Html:
    """Draw each difference with its interval, and where no difference lies."""
    known = [row for row in rows if np.isfinite([row.low, row.value, row.high]).all()]
    ends = [end for row in known for end in (row.low, row.high, -(row.margin or 0))]
    low, high, step = _range([0.0, *ends])
    bottom = TOP + LINE * len(known)

    def across(value: float) -> float:
        return NAMES + (value - low) / (high - low) * ACROSS

    drawn = []
    for tick in range(round((high - low) / step) + 1):
        value = low + tick * step
        at = _n(across(value))
        drawn.append(element("path", d=f"M{at} {TOP}V{bottom}", class_="grid"))
        drawn.append(
            element(
                "text", f"{value:+.6g}" if round(tick + low / step) else "0", x=at, y=bottom + 18, text_anchor="middle"
            )
        )
    drawn.append(element("path", d=f"M{_n(across(0))} {TOP}V{bottom}", style="stroke: var(--ink); fill: none"))
    for place, row in enumerate(known):
        drawn.append(_interval(row, TOP + LINE * (place + 0.5), across))
    return _svg(summary, drawn, (NAMES + ACROSS + 24, bottom + 26), style="max-width: 760px; margin: 8px 0 24px")


def _interval(row: Row, height: float, across: Callable[[float], float]) -> Html:
    colour = "var(--main)" if row.low > 0 else "var(--second)" if row.high < 0 else "var(--soft)"
    at = _n(height)
    parts = [
        element("title", f"{row.name}: {row.said}"),
        element("text", cut(row.name, 27), x=NAMES - 12, y=at, dy=4, text_anchor="end"),
        element(
            "path",
            d=f"M{_n(across(row.low))} {at}H{_n(across(row.high))}",
            style=f"stroke: {colour}; stroke-width: 2.5",
        ),
        element("circle", cx=_n(across(row.value)), cy=at, r=4.5, style=f"fill: {colour}"),
    ]
    if row.margin is not None:
        limit = f"M{_n(across(-row.margin))} {_n(height - 9)}v18"
        parts.append(element("path", d=limit, style="stroke: var(--second); stroke-dasharray: 3 2"))
    return element("g", *parts)


def _range(values: Sequence[float]) -> tuple[float, float, float]:
    """Return ends that hold all values, and the step between ticks; all are round."""
    values = values if max(values) > min(values) else [-0.01, 0.01]
    spread = max(values) - min(values)
    rough = spread / 6
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough)
    return math.floor(min(values) / step) * step, math.ceil(max(values) / step) * step, step


def _frame() -> Html:
    return element("path", d=f"M{LEFT} {TOP}h{SIDE}v{SIDE}h-{SIDE}z", class_="grid")


def _axes(axes: tuple[str, str]) -> Iterable[Html]:
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        across, up = _at(tick, tick)
        if 0 < tick < 1:
            yield element("path", d=f"M{LEFT} {_n(up)}h{SIDE}M{_n(across)} {TOP}v{SIDE}", class_="grid")
        yield element("text", f"{tick:g}", x=LEFT - 6, y=_n(up), dy=4, text_anchor="end")
        yield element("text", f"{tick:g}", x=_n(across), y=TOP + SIDE + 16, text_anchor="middle")
    middle = TOP + SIDE / 2
    yield element("text", axes[0], x=LEFT + SIDE / 2, y=TOP + SIDE + 36, text_anchor="middle")
    yield element("text", axes[1], x=12, y=middle, text_anchor="middle", transform=f"rotate(-90 12 {_n(middle)})")


def _curve(one: Curve, *, second: bool) -> Iterable[Html]:
    points = [(float(x), float(y)) for x, y in one.points.iloc[:, :2].to_numpy() if np.isfinite([x, y]).all()]
    if not points:
        return
    yield _line(points, class_="stroke second" if second else "stroke", stroke_dasharray=DASHES if second else None)
    for x, y in points if one.dots else []:
        across, up = _at(x, y)
        said = element("title", f"{one.name}: {y:.3f} at {x:.3f}")
        yield element("circle", said, cx=_n(across), cy=_n(up), r=3.5, class_="second" if second else "main")


def _legend(names: Sequence[str], *, low: bool) -> Iterable[Html]:
    """Name the curves in the corner that they leave free: the lower right, or the upper one."""
    for place, name in enumerate(names):
        up = TOP + SIDE - 36 + 20 * place if low else TOP + 20 + 20 * place
        swatch = f"M{LEFT + SIDE - 168} {up}h24"
        dashes = DASHES if place else None
        yield element("path", d=swatch, class_="stroke second" if place else "stroke", stroke_dasharray=dashes)
        yield element("text", cut(name, 22), x=LEFT + SIDE - 138, y=up, dy=4)


def _line(points: Iterable[tuple[float, float]], **attributes: str | float | None) -> Html:
    path = "L".join(f"{_n(across)} {_n(up)}" for across, up in (_at(*point) for point in points))
    return element("path", d=f"M{path}", **attributes)


def _at(across: float, up: float) -> tuple[float, float]:
    return LEFT + across * SIDE, TOP + (1 - up) * SIDE


def _svg(summary: str, drawn: Iterable[Html], size: tuple[int, int], style: str | None = None) -> Html:
    box = f"0 0 {size[0]} {size[1]}"
    return element("svg", element("title", summary), *drawn, viewBox=box, role="img", style=style)


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
