"""What a flowchart in Mermaid's language says: nodes, edges, and which nodes are framed together.

GitHub draws all of Mermaid, with a script of three megabytes. The site draws flowcharts only, by the parts of the
language that the pages use. A flowchart that is not understood fails the build.
"""

import re
from dataclasses import dataclass, field

SHAPES = {"[(": ")]", "([": "])", "[[": "]]", "[/": "/]", "((": "))", "{{": "}}", "[": "]", "(": ")", "{": "}"}
ARROW = re.compile(r"\s*(<?(?:--+|==+|-\.+-?)[>ox]?)\s*(?:\|([^|]*)\|)?\s*")
LONG_ARROW = re.compile(r"\s*(--|==|-\.)\s+([^->=|][^|]*?)\s+(--+>?|==+>?|\.+->?)\s*")
NAME = re.compile(r"\s*([A-Za-z0-9_]+(?:-[A-Za-z0-9_]+)*)")
IGNORED = re.compile(r"(classDef|class|style|linkStyle|click|direction)\b|%%")


@dataclass(frozen=True)
class Edge:
    """An arrow, or a line without a head, from one node to another."""

    start: str
    end: str
    label: str
    dotted: bool
    headed: bool


@dataclass
class Flowchart:
    """A flowchart as it is written: the words of each node, its opening bracket, edges, and frames by their titles."""

    downwards: bool
    words: dict[str, str] = field(default_factory=dict)
    shapes: dict[str, str] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
    frames: dict[str, list[str]] = field(default_factory=dict)


def parse(text: str) -> Flowchart:
    """Read a flowchart.

    Raises: ValueError where something is not understood.
    """
    lines = [line.strip().rstrip(";") for line in text.strip().splitlines()]
    head = re.fullmatch(r"(?:flowchart|graph)\s+(LR|TD|TB)", lines[0])
    if head is None:
        raise ValueError(f"only flowcharts LR, TD and TB are drawn, found '{lines[0]}'")
    chart, open_frames = Flowchart(downwards=head[1] != "LR"), list[str]()
    for line in lines[1:]:
        frame = re.fullmatch(r"subgraph\s+(?:\w+\s*\[)?\"?(.*?)\"?\]?", line)
        if frame:
            open_frames.append(frame[1])
            chart.frames[frame[1]] = []
        elif line == "end" and open_frames:
            open_frames.pop()
        elif line and not IGNORED.match(line):
            _chain(line, chart, open_frames)
    return chart


def _chain(line: str, chart: Flowchart, frames: list[str]) -> None:
    """Read `a & b -->|label| c --> d`."""
    place, left, arrow = 0, list[str](), None
    while place < len(line):
        nodes, place = _nodes(line, place, chart, frames)
        if arrow:
            kind, label = arrow
            chart.edges += [Edge(a, b, label, "." in kind, kind.endswith(">")) for a in left for b in nodes]
        left, arrow = nodes, None
        found = LONG_ARROW.match(line, place)
        if found:
            arrow, place = (found[1] + found[3], found[2].strip('" ')), found.end()
        elif found := ARROW.match(line, place):
            arrow, place = (found[1], (found[2] or "").strip('" ')), found.end()
        elif place < len(line):
            raise ValueError(f"not understood: '{line[place:]}' in '{line}'")
    if arrow:
        raise ValueError(f"expected a node after '{line}'")


def _nodes(line: str, place: int, chart: Flowchart, frames: list[str]) -> tuple[list[str], int]:
    names = []
    while True:
        name, place = _node(line, place, chart)
        names.append(name)
        for frame in frames:
            if name not in chart.frames[frame]:
                chart.frames[frame].append(name)
        also = re.compile(r"\s*&").match(line, place)
        if also is None:
            return names, place
        place = also.end()


def _node(line: str, place: int, chart: Flowchart) -> tuple[str, int]:
    found = NAME.match(line, place)
    if found is None:
        raise ValueError(f"expected a node, found '{line[place:]}' in '{line}'")
    name, place = found[1], found.end()
    opening = next((one for one in SHAPES if line.startswith(one, place)), None)
    if opening is None:
        chart.words.setdefault(name, name)
    else:
        end = line.find(SHAPES[opening], place + len(opening))
        if end < 0:
            raise ValueError(f"no '{SHAPES[opening]}' in '{line}'")
        chart.words[name] = line[place + len(opening) : end].strip().strip('"')
        chart.shapes[name] = opening
        place = end + len(SHAPES[opening])
    return name, re.compile(r"(:::\w+)?").match(line, place).end()  # type: ignore[union-attr]
