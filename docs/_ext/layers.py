"""Where the nodes of a picture stand: in layers, so that edges lead onwards and cross little (Sugiyama's way).

An edge that passes over layers gets a point in each of them, so that it runs around what stands there.
"""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field

SWEEPS = 8
BETWEEN_LAYERS, BETWEEN_NODES, BETWEEN_FRAMES = 40.0, 22.0, 30.0


@dataclass
class Layout:
    """The middle of each node and point, along and across the way; and the points that each edge runs through."""

    along: dict[str, float] = field(default_factory=dict)
    across: dict[str, float] = field(default_factory=dict)
    routes: list[list[str]] = field(default_factory=list)


def arrange(
    sizes: dict[str, tuple[float, float]], edges: list[tuple[str, str]], frames: list[list[str]], gaps: list[float]
) -> Layout:
    """Place nodes by their sizes (along, across); `gaps` is the room that the label of each edge needs."""
    ranks = _ranks(list(sizes), edges)
    sizes = dict(sizes)
    routes = [_route(number, one, ranks, sizes) for number, one in enumerate(edges)]
    layers: list[list[str]] = [[] for _ in range(max(ranks.values()) + 1)]
    for name, rank in ranks.items():
        layers[rank].append(name)
    steps = [(a, b) for route in routes for a, b in itertools.pairwise(route)]
    frame_of = {name: number for number, names in enumerate(frames) for name in names}
    _untangle(layers, steps, frame_of)
    across = _across(layers, steps, sizes, frame_of)
    layout = Layout(across=across, routes=routes)
    place = 0.0
    for rank, layer in enumerate(layers):
        wide = max(sizes[name][0] for name in layer)
        layout.along |= dict.fromkeys(layer, place + wide / 2)
        leaving = [gap for gap, (a, b) in zip(gaps, edges, strict=True) if {ranks[a], ranks[b]} == {rank, rank + 1}]
        place += wide + max([BETWEEN_LAYERS, *leaving])
    return layout


def _ranks(names: list[str], edges: list[tuple[str, str]]) -> dict[str, int]:
    """Return the layer of each node: one beyond the last of those that lead to it."""
    ranks, onwards = dict.fromkeys(names, 0), _onwards(names, edges)
    for _ in names:
        for start, end in onwards:
            ranks[end] = max(ranks[end], ranks[start] + 1)
    return ranks


def _onwards(names: list[str], edges: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the edges without those that lead back to where one came from."""
    kept, seen, way = list[tuple[str, str]](), set[str](), list[str]()

    def visit(name: str) -> None:
        seen.add(name)
        way.append(name)
        for edge in [edge for edge in edges if edge[0] == name and edge[1] not in way]:
            kept.append(edge)
            if edge[1] not in seen:
                visit(edge[1])
        way.pop()

    for name in names:
        if name not in seen:
            visit(name)
    return kept


def _route(
    number: int, edge: tuple[str, str], ranks: dict[str, int], sizes: dict[str, tuple[float, float]]
) -> list[str]:
    """Return the nodes of an edge, with a new point in each layer between them."""
    start, end = ranks[edge[0]], ranks[edge[1]]
    step = 1 if end > start else -1
    points = []
    for rank in range(start + step, end, step):
        point = f"{number}@{rank}"
        ranks[point], sizes[point] = rank, (0.0, 0.0)
        points.append(point)
    return [edge[0], *points, edge[1]]


def _untangle(layers: list[list[str]], steps: list[tuple[str, str]], frame_of: dict[str, int]) -> None:
    """Order each layer by where its neighbours stand, to and fro; what is framed together stays together."""
    for sweep in range(SWEEPS):
        order = layers if sweep % 2 == 0 else layers[::-1]
        for before, layer in itertools.pairwise(order):
            place = {name: number for number, name in enumerate(before)}
            middle = {name: _mean([place[other] for other in _next(name, steps) if other in place]) for name in layer}
            now = {name: float(number) for number, name in enumerate(layer)}
            key = {name: now[name] if middle[name] is None else middle[name] for name in layer}
            layer.sort(key=lambda name: (frame_of.get(name, -1), key[name]))


def _across(
    layers: list[list[str]],
    steps: list[tuple[str, str]],
    sizes: dict[str, tuple[float, float]],
    frame_of: dict[str, int],
) -> dict[str, float]:
    """Return where each node stands across the way: near its neighbours, and clear of those beside it."""
    across = dict[str, float]()
    for layer in layers:
        place = 0.0
        for name in layer:
            across[name] = place + sizes[name][1] / 2
            place += sizes[name][1] + BETWEEN_NODES
        for name in layer:
            across[name] -= (place - BETWEEN_NODES) / 2
    for sweep in range(SWEEPS):
        for layer in layers if sweep % 2 else layers[::-1]:
            wanted = [_mean([across[other] for other in _next(name, steps)]) for name in layer]
            wished = [across[name] if wish is None else wish for name, wish in zip(layer, wanted, strict=True)]
            across |= dict(zip(layer, _apart(layer, wished, sizes, frame_of), strict=True))
    return across


def _apart(
    layer: list[str], wished: list[float], sizes: dict[str, tuple[float, float]], frame_of: dict[str, int]
) -> list[float]:
    """Move nodes of one layer apart, as little as keeps their order, and keep their mean where it was wished."""
    places = list[float]()
    for name, wish in zip(layer, wished, strict=True):
        if places:
            last = layer[len(places) - 1]
            gap = BETWEEN_NODES if frame_of.get(last) == frame_of.get(name) else BETWEEN_NODES + BETWEEN_FRAMES
            places.append(max(wish, places[-1] + (sizes[last][1] + sizes[name][1]) / 2 + gap))
        else:
            places.append(wish)
    shift = (sum(wished) - sum(places)) / len(places)
    return [place + shift for place in places]


def _next(name: str, steps: list[tuple[str, str]]) -> list[str]:
    return [b if a == name else a for a, b in steps if name in (a, b)]


def _mean(values: Iterable[float]) -> float | None:
    values = list(values)
    return sum(values) / len(values) if values else None
