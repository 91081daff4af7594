"""Charts as SVG, drawn by hand: large ones with names and ticks, small ones for the cells of a table.

They take their colours from the style of the page, and so are at home in light and dark. A summary in words is
the title of each: screen readers say it, and a pointer shows it.
"""

import math
from collections.abc import Sequence

from holdfast.pages import Html, element, together

WIDE, TALL = 160, 40  # of a small chart


def bars(names: Sequence[str], values: Sequence[float], shown: Sequence[str], summary: str) -> Html:
    """Draw one bar for each name, on a scale that starts at zero."""
    scale = _Scale(values)
    slot = scale.across / max(len(names), 1)
    drawn = []
    for place, (name, value, said) in enumerate(zip(names, values, shown, strict=True)):
        left, top = scale.left + place * slot + slot * 0.12, scale.height(value)
        path = f"M{_n(left)} {scale.bottom}V{_n(top)}h{_n(slot * 0.76)}V{scale.bottom}z"
        drawn.append(element("path", element("title", f"{name}: {said}"), d=path, class_="main"))
    return scale.draw(names, drawn, summary)


def line(names: Sequence[str], values: Sequence[float | None], shown: Sequence[str], summary: str) -> Html:
    """Draw a line with a dot for each name, on a scale that starts at zero; None leaves a gap."""
    scale = _Scale([value for value in values if value is not None])
    slot = scale.across / max(len(names), 1)
    points = [
        None if value is None else (scale.left + (place + 0.5) * slot, scale.height(value))
        for place, value in enumerate(values)
    ]
    dots = [
        element("circle", element("title", f"{name}: {said}"), cx=_n(point[0]), cy=_n(point[1]), r=3.5, class_="second")
        for name, said, point in zip(names, shown, points, strict=True)
        if point
    ]
    return scale.draw(names, [element("path", d=_path(points), class_="stroke second"), *dots], summary, percent=True)


def histogram(counts: Sequence[float], summary: str) -> Html:
    """Draw a small histogram."""
    return _small(element("path", d=_columns(counts, max([*counts, 0])), class_="main"), summary)


def sparkline(values: Sequence[float], summary: str, *, top: float) -> Html:
    """Draw small bars, on a scale from zero to `top`."""
    return _small(element("path", d=_columns(values, top), class_="second"), summary)


def band(triples: Sequence[tuple[float, float, float] | None], summary: str) -> Html:
    """Draw a small line in a band, from low, middle and high values; None leaves a gap in the line."""
    known = [value for triple in triples if triple for value in triple]
    floor, spread = min(known, default=0.0), (max(known, default=0.0) - min(known, default=0.0)) or 1.0
    step = WIDE / max(len(triples) - 1, 1)
    low, middle, high = (
        [
            (place * step, TALL - 2 - (triple[which] - floor) / spread * (TALL - 4)) if triple else None
            for place, triple in enumerate(triples)
        ]
        for which in range(3)
    )
    around = _path([point for point in (*high, *reversed(low)) if point])
    area = element("path", d=f"{around}z", class_="band")
    return _small(together([area, element("path", d=_path(middle), class_="stroke")]), summary)


def _small(drawing: Html, summary: str) -> Html:
    return _svg(summary, drawing, size=(WIDE, TALL))


def _svg(summary: str, *drawn: Html, size: tuple[int, int]) -> Html:
    return element("svg", element("title", summary), *drawn, viewBox=f"0 0 {size[0]} {size[1]}", role="img")


def _columns(values: Sequence[float], top: float) -> str:
    """Return the path of touching bars; a value above zero is always to be seen."""
    slot = min(WIDE / max(len(values), 1), 16)
    path = [f"M0 {TALL}h{_n(slot * len(values))}v.5H0z"]
    for place, value in enumerate(values):
        if value > 0:
            tall = max(value / top * (TALL - 2), 1)
            path.append(f"M{_n(place * slot)} {TALL}v-{_n(tall)}h{_n(slot * 0.88)}v{_n(tall)}z")
    return "".join(path)


def _path(points: Sequence[tuple[float, float] | None]) -> str:
    """Return a line through points that starts anew after a gap; a point on its own is a dot."""
    path, goes_on = [], False
    for point in points:
        if point:
            at = f"{_n(point[0])} {_n(point[1])}"
            path.append(f"L{at}" if goes_on else f"M{at}h0")
        goes_on = point is not None
    return "".join(path)


class _Scale:
    """A large chart: its frame, its ticks, and where a value stands."""

    left, across, top, bottom = 44, 386, 10, 170

    def __init__(self, values: Sequence[float]) -> None:
        highest = max([*values, 0]) or 1.0
        rough = highest / 3
        unit = 10.0 ** math.floor(math.log10(rough))
        self.step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough)
        self.ticks = math.ceil(highest / self.step)

    def height(self, value: float) -> float:
        return self.bottom - value / (self.step * self.ticks) * (self.bottom - self.top)

    def draw(self, names: Sequence[str], drawn: Sequence[Html], summary: str, *, percent: bool = False) -> Html:
        """Draw ticks, names (as many as there is room for) and what is between them."""
        parts = []
        for tick in range(self.ticks + 1):
            height = _n(self.height(tick * self.step))
            parts.append(element("path", d=f"M{self.left} {height}h{self.across}", class_="grid"))
            said = f"{tick * self.step * 100:.6g}%" if percent else f"{tick * self.step:,.6g}"
            parts.append(element("text", said, x=self.left - 6, y=height, dy=4, text_anchor="end"))
        slot, room = self.across / max(len(names), 1), max([len(name) for name in names], default=1) * 7 + 8
        for place in range(0, len(names), math.ceil(room / slot)):
            middle = _n(self.left + (place + 0.5) * slot)
            parts.append(element("text", names[place], x=middle, y=self.bottom + 18, text_anchor="middle"))
        return _svg(summary, *parts, *drawn, size=(self.left + self.across + 6, self.bottom + 24))


def _n(value: float) -> str:
    """Write a coordinate with one digit after the point."""
    return f"{value:.1f}".removesuffix(".0")
