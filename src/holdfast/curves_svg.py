"""Large plots of two models as SVG: their curves over one another, and a forest of differences with their intervals.

What a predicted number was like is drawn with a band, in which the outcomes of most rows lay.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np
import pandas as pd

from holdfast.frames import DASHES, Frame, around, legend, picture, round_range, short, square
from holdfast.markdown import cut
from holdfast.pages import Html, element

TOP = 10
NAMES, ACROSS, LINE = 190, 470, 24  # of a forest


class Curve(NamedTuple):
    """A line in a frame."""

    name: str
    points: pd.DataFrame  # of two columns: across, and up
    dots: bool = False


class Row(NamedTuple):
    """A difference in a forest; `margin` is how far below 0 it may lie, if that is limited.

    One that lies below 0 is worse, or where `worse_above` says so one that lies above.
    """

    name: str
    low: float
    value: float
    high: float
    said: str
    margin: float | None = None
    worse_above: bool = False


class Dot(NamedTuple):
    """A point in the unit square; where its height could as well lie, and how large it is beside the largest."""

    across: float
    up: float
    ends: tuple[float, float] | None
    size: float
    said: str


class Band(NamedTuple):
    """Rows with similar predictions: where they lie across, the mean of what came, and the ends of most if known."""

    across: float
    up: float
    ends: tuple[float, float] | None
    said: str


UNIT = Frame()


def curves(
    both: tuple[Curve, ...],
    summary: str,
    axes: tuple[str, str],
    *,
    diagonal: bool = False,
    low: bool = True,
    frame: Frame = UNIT,
) -> Html:
    """Draw the curves of two models over one another, or that of one; `low` says where they leave room for names."""
    drawn = [*frame.drawn(axes)]
    if diagonal:
        drawn.append(frame.diagonal())
    for place, one in enumerate(both):
        drawn += _curve(one, frame, second=place == 1)
    if len(both) > 1:
        drawn += legend([one.name for one in both], low=low)
    return square(summary, drawn)


def dots(found: Sequence[Dot], summary: str, axes: tuple[str, str]) -> Html:
    """Draw points beside the diagonal, each with its interval."""
    drawn = [*UNIT.drawn(axes), UNIT.diagonal()]
    drawn.append(UNIT.line([(one.across, one.up) for one in found], style="stroke: var(--band); fill: none"))
    for one in found:
        across, up = UNIT.at(one.across, one.up)
        whole = [element("title", one.said)]
        if one.ends:
            whole.append(UNIT.line([(one.across, end) for end in one.ends], class_="stroke"))
        whole.append(element("circle", cx=short(across), cy=short(up), r=short(2.5 + 6 * one.size**0.5), class_="main"))
        drawn.append(element("g", *whole))
    return square(summary, drawn)


def bands(both: Sequence[tuple[str, Sequence[Band]]], summary: str, axes: tuple[str, str]) -> Html:
    """Draw what came of predicted numbers beside the diagonal, with a band for each model."""
    every = [end for _, found in both for one in found for end in (one.across, one.up, *(one.ends or ()))]
    frame = around(every, every)
    drawn = [*frame.drawn(axes), frame.diagonal()]
    for place, (name, found) in enumerate(both):
        drawn += _band(name, found, frame, second=place == 1)
    if len(both) > 1:
        drawn += legend([name for name, _ in both], low=False, left=True)
    return square(summary, drawn)


def forest(rows: Sequence[Row], summary: str) -> Html:
    """Draw each difference with its interval, and where no difference lies."""
    known = [row for row in rows if np.isfinite([row.low, row.value, row.high]).all()]
    ends = [end for row in known for end in (row.low, row.high, -(row.margin or 0))]
    low, high, step = round_range([0.0, *ends])
    bottom = TOP + LINE * len(known)

    def across(value: float) -> float:
        return NAMES + (value - low) / (high - low) * ACROSS

    drawn = []
    for tick in range(round((high - low) / step) + 1):
        value = low + tick * step
        at = short(across(value))
        drawn.append(element("path", d=f"M{at} {TOP}V{bottom}", class_="grid"))
        drawn.append(
            element(
                "text", f"{value:+.6g}" if round(tick + low / step) else "0", x=at, y=bottom + 18, text_anchor="middle"
            )
        )
    drawn.append(element("path", d=f"M{short(across(0))} {TOP}V{bottom}", style="stroke: var(--ink); fill: none"))
    for place, row in enumerate(known):
        drawn.append(_interval(row, TOP + LINE * (place + 0.5), across))
    return picture(summary, drawn, (NAMES + ACROSS + 24, bottom + 26), style="max-width: 760px; margin: 8px 0 24px")


def _interval(row: Row, height: float, across: Callable[[float], float]) -> Html:
    above, below = ("var(--second)", "var(--main)") if row.worse_above else ("var(--main)", "var(--second)")
    colour = above if row.low > 0 else below if row.high < 0 else "var(--soft)"
    at = short(height)
    parts = [
        element("title", f"{row.name}: {row.said}"),
        element("text", cut(row.name, 27), x=NAMES - 12, y=at, dy=4, text_anchor="end"),
        element(
            "path",
            d=f"M{short(across(row.low))} {at}H{short(across(row.high))}",
            style=f"stroke: {colour}; stroke-width: 2.5",
        ),
        element("circle", cx=short(across(row.value)), cy=at, r=4.5, style=f"fill: {colour}"),
    ]
    if row.margin is not None:
        limit = f"M{short(across(-row.margin))} {short(height - 9)}v18"
        parts.append(element("path", d=limit, style="stroke: var(--second); stroke-dasharray: 3 2"))
    return element("g", *parts)


def _curve(one: Curve, frame: Frame, *, second: bool) -> Iterable[Html]:
    points = [(float(x), float(y)) for x, y in one.points.iloc[:, :2].to_numpy() if np.isfinite([x, y]).all()]
    if not points:
        return
    yield frame.line(
        points, class_="stroke second" if second else "stroke", stroke_dasharray=DASHES if second else None
    )
    for x, y in points if one.dots else []:
        yield _dot(f"{one.name}: {y:.3f} at {x:.3f}", frame.at(x, y), second=second)


def _band(name: str, found: Sequence[Band], frame: Frame, *, second: bool) -> Iterable[Html]:
    if not found:
        return
    colour = "var(--second)" if second else "var(--main)"
    style = f"fill: {colour}; stroke: {colour}; stroke-width: 2; opacity: .2"  # one on its own is a line
    for is_known, run in groupby(found, lambda one: one.ends is not None):
        whole = [(one.across, *one.ends) for one in run if one.ends]
        if is_known:
            around_it = [(x, high) for x, _, high in whole] + [(x, low) for x, low, _ in reversed(whole)]
            yield frame.line([*around_it, around_it[0]], style=style)
    line = [(one.across, one.up) for one in found]
    yield frame.line(line, class_="stroke second" if second else "stroke", stroke_dasharray=DASHES if second else None)
    for one in found:
        yield _dot(f"{name}: {one.said}" if name else one.said, frame.at(one.across, one.up), second=second)


def _dot(said: str, at: tuple[float, float], *, second: bool) -> Html:
    title = element("title", said)
    return element("circle", title, cx=short(at[0]), cy=short(at[1]), r=3.5, class_="second" if second else "main")
