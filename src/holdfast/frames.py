"""The square that curves are drawn in: its ends, its ticks and its axes, and where a point lies in it.

The colours are those of the page, light or dark. Whoever does not tell them apart has the second curve dashed.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import NamedTuple

from holdfast.markdown import cut
from holdfast.pages import Html, element

SIDE = 300
LEFT, TOP, BELOW = 46, 10, 42
DASHES = "6 3"
QUARTERS = (0.0, 0.25, 0.5, 0.75, 1.0)


class Frame(NamedTuple):
    """The ticks of both axes, of which the first and the last are the ends."""

    across: tuple[float, ...] = QUARTERS
    up: tuple[float, ...] = QUARTERS

    def at(self, across: float, up: float) -> tuple[float, float]:
        """Return where a point lies."""
        return LEFT + _part(across, self.across) * SIDE, TOP + (1 - _part(up, self.up)) * SIDE

    def line(self, points: Iterable[tuple[float, float]], **attributes: str | float | None) -> Html:
        """Draw a line through points."""
        path = "L".join(f"{short(across)} {short(up)}" for across, up in (self.at(*point) for point in points))
        return element("path", d=f"M{path}", **attributes)

    def diagonal(self) -> Html:
        """Draw where both axes have the same value."""
        low, high = max(self.across[0], self.up[0]), min(self.across[-1], self.up[-1])
        style = "stroke: var(--soft); fill: none"
        return self.line([(low, low), (high, high)], style=style, stroke_dasharray="2 4")

    def drawn(self, axes: tuple[str, str]) -> Iterable[Html]:
        """Draw the square, its ticks, and what its axes are."""
        yield element("path", d=f"M{LEFT} {TOP}h{SIDE}v{SIDE}h-{SIDE}z", class_="grid")
        for x, y in zip_longest(self.across, self.up):
            yield from self._ticks(x, y)
        middle = TOP + SIDE / 2
        yield element("text", axes[0], x=LEFT + SIDE / 2, y=TOP + SIDE + 36, text_anchor="middle")
        yield element(
            "text", axes[1], x=12, y=middle, text_anchor="middle", transform=f"rotate(-90 12 {short(middle)})"
        )

    def _ticks(self, x: float | None, y: float | None) -> Iterable[Html]:
        level = "" if y is None or y in {self.up[0], self.up[-1]} else f"M{LEFT} {short(self.at(0, y)[1])}h{SIDE}"
        upright = (
            "" if x is None or x in {self.across[0], self.across[-1]} else f"M{short(self.at(x, 0)[0])} {TOP}v{SIDE}"
        )
        if level or upright:
            yield element("path", d=level + upright, class_="grid")
        if y is not None:
            yield element("text", _said(y), x=LEFT - 6, y=short(self.at(0, y)[1]), dy=4, text_anchor="end")
        if x is not None:
            yield element("text", _said(x), x=short(self.at(x, 0)[0]), y=TOP + SIDE + 16, text_anchor="middle")


def around(across: Sequence[float], up: Sequence[float]) -> Frame:
    """Return a frame with round ends and ticks that holds all values."""
    return Frame(_ticks_of(across), _ticks_of(up))


def round_range(values: Sequence[float]) -> tuple[float, float, float]:
    """Return ends that hold all values, and the step between ticks; all are round."""
    values = values if max(values) > min(values) else [min(values) - 0.01, max(values) + 0.01]
    spread = max(values) - min(values)
    rough = spread / 6
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough)
    return math.floor(min(values) / step) * step, math.ceil(max(values) / step) * step, step


def legend(names: Sequence[str], *, low: bool, left: bool = False) -> Iterable[Html]:
    """Name the curves in the corner that they leave free: the lower right, or an upper one."""
    start = LEFT + 10 if left else LEFT + SIDE - 168
    for place, name in enumerate(names):
        up = TOP + SIDE - 36 + 20 * place if low else TOP + 20 + 20 * place
        dashes = DASHES if place else None
        yield element(
            "path", d=f"M{start} {up}h24", class_="stroke second" if place else "stroke", stroke_dasharray=dashes
        )
        yield element("text", cut(name, 22), x=start + 30, y=up, dy=4)


def picture(summary: str, drawn: Iterable[Html], size: tuple[int, int], style: str | None = None) -> Html:
    """Make a picture, with words for those who do not see it."""
    box = f"0 0 {size[0]} {size[1]}"
    return element("svg", element("title", summary), *drawn, viewBox=box, role="img", style=style)


def square(summary: str, drawn: Iterable[Html]) -> Html:
    """Make a picture of a frame and what is in it."""
    return picture(summary, drawn, (LEFT + SIDE + 10, TOP + SIDE + BELOW))


def short(value: float) -> str:
    """Write a coordinate with one digit after the point."""
    return f"{value:.1f}".removesuffix(".0")


def _part(value: float, ticks: Sequence[float]) -> float:
    return (value - ticks[0]) / (ticks[-1] - ticks[0])


def _ticks_of(values: Sequence[float]) -> tuple[float, ...]:
    low, high, step = round_range(values)
    return tuple(low + place * step for place in range(round((high - low) / step) + 1))


def _said(tick: float) -> str:
    for scale, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(tick) >= scale:
            return f"{tick / (1e3 if letter == 'k' else scale):g}{letter}"
    return f"{tick:.6g}"
