"""Keep a text under a limit: what matters least gives way first, and nothing is cut in its middle.

A block has forms, from all that it has to say down to nothing. Each gets its shortest form in the order of importance,
then they grow in turns, as long as there is room: one endless table does not push out the others.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

BETWEEN = "\n\n"


class Block(NamedTuple):
    """A part of a text; the lower its rank, the more it matters."""

    name: str
    rank: int
    forms: tuple[str, ...]


class Fitted(NamedTuple):
    """The text, and the names of the blocks that say less than they could, or nothing."""

    text: str
    shortened: list[str]
    dropped: list[str]


def fit(blocks: Sequence[Block], limit: int) -> Fitted:
    """Put blocks one after the other, each in the longest form for which there is room."""
    chosen = [len(block.forms) for block in blocks]  # past the last form: nothing
    room = limit
    turns = max((len(block.forms) for block in blocks), default=0)
    by_rank = sorted(range(len(blocks)), key=lambda place: blocks[place].rank)
    for _ in range(turns):
        for place in by_rank:
            more = _growth(blocks[place], chosen[place])
            if more is not None and more <= room:
                chosen[place] -= 1
                room -= more
    pairs = list(zip(blocks, chosen, strict=True))
    return Fitted(
        BETWEEN.join(block.forms[form] for block, form in pairs if form < len(block.forms)),
        [block.name for block, form in pairs if 0 < form < len(block.forms)],
        [block.name for block, form in pairs if form == len(block.forms)],
    )


def shorter(forms: Sequence[str]) -> tuple[str, ...]:
    """Return forms without those that are no shorter than the next."""
    kept = [first for first, second in pairwise(forms) if length(first) > length(second)]
    return (*kept, forms[-1])


def length(text: str) -> int:
    """Count characters as the strictest reader does, for whom an emoji is two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _growth(block: Block, form: int) -> int | None:
    """Return how many characters the next longer form needs more, if there is one."""
    if form == 0:
        return None
    now = length(block.forms[form]) if form < len(block.forms) else -len(BETWEEN)
    return length(block.forms[form - 1]) - now
