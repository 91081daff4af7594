"""Pictures from Mermaid blocks: GitHub draws them with its script, the site as SVG that is part of the page.

So a picture is there without scripts and without a network, and has the colours of the page, by day and by night.
"""

import itertools
import re
import textwrap
from html import escape

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from docs._ext.flowchart import Edge, Flowchart, parse
from docs._ext.layers import Layout, arrange

LINE, LETTER, PADDING, MARGIN = 18.0, 7.0, 11.0, 12.0
LABEL = 16  # letters on a line of a label
BESIDE = (LABEL * LETTER, 2 * LINE)  # room for the label of an edge that passes by
WIDEST = 900.0
DIAMONDS, POINTED = ("{", "{{"), 16.0
ROUND = {"(": 10, "([": 99, "((": 99, "[(": 8}
ARROWHEAD = (
    '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
    'orient="auto-start-reverse"><path d="M0,0 L8,4 L0,8 z"/></marker></defs>'
)


class Mermaid(SphinxDirective):
    """A block of the language `mermaid`; what is no flowchart is shown as it is written."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the picture."""
        text = "\n".join(self.content)
        if not re.match(r"\s*(flowchart|graph)\b", text):
            return [nodes.literal_block(text, text, language="none")]
        try:
            drawn = draw(parse(text))
        except ValueError as error:
            raise self.error(f"mermaid: {error}") from error
        return [nodes.raw("", f'<div class="picture">{drawn}</div>', format="html")]


def draw(chart: Flowchart) -> str:
    """Return a flowchart as SVG; one that is too wide for a page goes downwards instead."""
    drawn, width = _drawn(chart, downwards=chart.downwards)
    return drawn if chart.downwards or width <= WIDEST else _drawn(chart, downwards=True)[0]


def _drawn(chart: Flowchart, *, downwards: bool) -> tuple[str, float]:
    """Return a flowchart as SVG, and its width."""
    sizes = {name: _size(_lines(words), chart.shapes.get(name, "[")) for name, words in chart.words.items()}
    flipped = {name: size[::-1] for name, size in sizes.items()} if downwards else sizes
    gaps = [_size(textwrap.wrap(edge.label, LABEL))[downwards] + 4 if edge.label else 0.0 for edge in chart.edges]
    layout = arrange(flipped, [(one.start, one.end) for one in chart.edges], list(chart.frames.values()), gaps)
    at = {name: _point(layout, name, downwards=downwards) for name in layout.along}
    frames = [_frame(title, names, at, sizes) for title, names in chart.frames.items() if names]
    edges = [_edge(*one, at, sizes, downwards=downwards) for one in zip(chart.edges, layout.routes, strict=True)]
    boxes = [_node(at[name], sizes[name], chart.words[name], chart.shapes.get(name, "[")) for name in chart.words]
    extent = _extent(at, sizes, frames=bool(frames))
    return _svg([*frames, *edges, *boxes], extent, ", ".join(map(_plain, chart.words.values()))), extent[2]


def _lines(words: str) -> list[str]:
    return re.split(r"<br\s*/?>|\\n", words)


def _plain(words: str) -> str:
    return re.sub(r"</?(?:b|br|code|em|i|small|strong)\s*/?>", " ", words)


def _size(lines: list[str], shape: str = "[") -> tuple[float, float]:
    more = POINTED if shape in DIAMONDS else 0.0
    return max(len(_plain(line)) for line in lines) * LETTER + 2 * PADDING + more, len(lines) * LINE + PADDING + more


def _point(layout: Layout, name: str, *, downwards: bool) -> tuple[float, float]:
    along, across = layout.along[name], layout.across[name]
    return (across, along) if downwards else (along, across)


def _extent(
    at: dict[str, tuple[float, float]], sizes: dict[str, tuple[float, float]], *, frames: bool
) -> tuple[float, float, float, float]:
    """Return left, top, width and height of all that is drawn."""
    margin = MARGIN + (26 if frames else 0)
    edges = [(x, y, *sizes.get(name, BESIDE)) for name, (x, y) in at.items()]
    left, top = (min(one[axis] - one[axis + 2] / 2 for one in edges) - margin for axis in (0, 1))
    right, bottom = (max(one[axis] + one[axis + 2] / 2 for one in edges) + margin for axis in (0, 1))
    return left, top, right - left, bottom - top


def _svg(parts: list[str], extent: tuple[float, float, float, float], said: str) -> str:
    left, top, width, height = (round(one, 1) for one in extent)
    return (
        f'<svg role="img" aria-label="{escape(" ".join(said.split()))}" viewBox="{left} {top} {width} {height}" '
        f'width="{width}" height="{height}" style="min-width: {0.6 * width:.0f}px">{ARROWHEAD}{"".join(parts)}</svg>'
    )


def _node(middle: tuple[float, float], size: tuple[float, float], words: str, shape: str) -> str:
    (x, y), (width, height) = middle, size
    left, top, right, bottom = x - width / 2, y - height / 2, x + width / 2, y + height / 2
    if shape in DIAMONDS:
        outline = f'<path d="M{left},{y} L{x},{top} L{right},{y} L{x},{bottom} z"/>'
    elif shape == "[/":
        outline = f'<path d="M{left + 6},{top} L{right + 6},{top} L{right - 6},{bottom} L{left - 6},{bottom} z"/>'
    else:
        outline = f'<rect x="{left}" y="{top}" width="{width}" height="{height}" rx="{ROUND.get(shape, 3)}"/>'
    if shape == "[(":
        outline += f'<path class="rim" d="M{left},{top + 5} Q{x},{top + 11} {right},{top + 5}"/>'
    return f'<g class="node">{outline}{_text(x, y, words)}</g>'


def _text(x: float, y: float, words: str) -> str:
    lines = _lines(words)
    first = y - (len(lines) - 1) * LINE / 2 + 5
    return "".join(_line(x, first + number * LINE, line) for number, line in enumerate(lines))


def _line(x: float, y: float, words: str) -> str:
    kind = ' class="strong"' if "<b>" in words else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{kind}>{escape(_plain(words).strip(), quote=False)}</text>'


def _edge(
    edge: Edge,
    route: list[str],
    at: dict[str, tuple[float, float]],
    sizes: dict[str, tuple[float, float]],
    *,
    downwards: bool,
) -> str:
    """Draw a line through the points of an edge, from border to border."""
    axis = int(downwards)
    points = [list(at[name]) for name in route]
    sign = 1 if points[-1][axis] >= points[0][axis] else -1
    points[0][axis] += sign * sizes[route[0]][axis] / 2
    points[-1][axis] -= sign * sizes[route[-1]][axis] / 2
    path = f"M{points[0][0]:.1f},{points[0][1]:.1f}"
    for (x, y), (u, v) in itertools.pairwise(points):
        bend = (f"{x:.1f},{(y + v) / 2:.1f}", f"{u:.1f},{(y + v) / 2:.1f}")
        if not downwards:
            bend = (f"{(x + u) / 2:.1f},{y:.1f}", f"{(x + u) / 2:.1f},{v:.1f}")
        path += f" C{bend[0]} {bend[1]} {u:.1f},{v:.1f}"
    kind = "edge dotted" if edge.dotted else "edge"
    head = ' marker-end="url(#head)"' if edge.headed else ""
    return f'<path class="{kind}" d="{path}"{head}/>' + _label(edge.label, points)


def _label(words: str, points: list[list[float]]) -> str:
    """Write what stands at an edge at its middle."""
    if not words:
        return ""
    middle = len(points) // 2
    (x, y), (u, v) = points[middle - 1], points[middle]
    if len(points) % 2:
        x, y = u, v
    return f'<g class="label">{_text((x + u) / 2, (y + v) / 2, "<br>".join(textwrap.wrap(words, LABEL)))}</g>'


def _frame(
    title: str, names: list[str], at: dict[str, tuple[float, float]], sizes: dict[str, tuple[float, float]]
) -> str:
    left, top = (min(at[name][axis] - sizes[name][axis] / 2 for name in names) - 12 for axis in (0, 1))
    right, bottom = (max(at[name][axis] + sizes[name][axis] / 2 for name in names) + 12 for axis in (0, 1))
    box = f'<rect x="{left}" y="{top - 18}" width="{right - left}" height="{bottom - top + 18}" rx="6"/>'
    words = escape(_plain(title), quote=False)
    return f'<g class="frame">{box}<text x="{(left + right) / 2:.1f}" y="{top - 3:.1f}">{words}</text></g>'


def setup(app: Sphinx) -> dict[str, bool]:
    """Take part in the build."""
    app.add_directive("mermaid", Mermaid)
    return {"parallel_read_safe": True}
