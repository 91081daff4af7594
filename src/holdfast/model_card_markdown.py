"""The card as markdown: to be read beside the model, in the registry and in a repository.

The same card gives the same bytes. Words of others are escaped, as in every report; only an address that is nothing but
an address stays one.
"""

import re

from holdfast.markdown import GAP, Markdown, Table, code, few, grid, plain, printable, strong
from holdfast.model_card import About
from holdfast.model_card_blocks import Block, Code, Commands, Grid, Items, Pairs, Part, Said
from holdfast.model_card_parts import lead, parts, title

LINES = 200  # of a table
ADDRESS = re.compile(r"https://[A-Za-z0-9./?=&%+-]+|[A-Za-z0-9.+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")


def markdown(about: About) -> str:
    """Write the card."""
    head = Markdown(f"# {plain(title(about))}")
    return "\n\n".join([head, plain(lead(about)), *(_part(part) for part in parts(about))]) + "\n"


def _part(part: Part) -> str:
    return "\n\n".join([f"## {part.title}", *map(_block, part.blocks)])


def _block(block: Block) -> str:
    match block:
        case Said(text):
            return plain(text)
        case Items(lines):
            return "\n".join(f"- {plain(line)}" for line in lines)
        case Pairs(entries):
            return "\n".join(f"- {strong(what)}: {_word(words)}" for what, words in entries)
        case Grid(table, numbers):
            return grid(few(_unbroken(table, numbers), LINES), numbers)
        case Commands(lines):
            return "\n".join(["```console", *(f"$ {printable(line)}" for line in lines), "```"])


def _unbroken(table: Table, numbers: tuple[int, ...]) -> Table:
    """Keep figures on one line."""
    return [[cell.replace(" ", GAP) if place in numbers else cell for place, cell in enumerate(row)] for row in table]


def _word(words: str) -> Markdown:
    if isinstance(words, Code):
        return code(words)
    return Markdown(f"<{words}>") if ADDRESS.fullmatch(words) else plain(words)
