"""The pieces that a card is made of, before it is known whether it becomes markdown or a page."""

from typing import NamedTuple

from holdfast.markdown import Table


class Code(str):
    """A name or a hash, to be shown as it is typed."""

    __slots__ = ()


class Said(NamedTuple):
    """A paragraph."""

    text: str


class Items(NamedTuple):
    """A list of sentences."""

    lines: tuple[str, ...]


class Pairs(NamedTuple):
    """What is what."""

    entries: tuple[tuple[str, str], ...]


class Grid(NamedTuple):
    """A table; `numbers` are its columns that are flushed right."""

    table: Table
    numbers: tuple[int, ...]


class Commands(NamedTuple):
    """Lines to type."""

    lines: tuple[str, ...]


Block = Said | Items | Pairs | Grid | Commands


class Part(NamedTuple):
    """A part of the card."""

    title: str
    blocks: tuple[Block, ...]
