"""The pieces of GitHub's markdown that reports are made of.

No word of the data, of a parameter or of a file name is taken for markup, links anywhere, or calls anybody: whatever
comes from outside goes through `plain`.
"""

from collections.abc import Collection, Iterable
from html import escape

Table = list[list[str]]

GAP = "\u00a0"  # a space at which no line is broken
WIDEST = 160  # characters of a cell


class Markdown(str):
    """Markup, all of whose words are escaped."""

    __slots__ = ()


def plain(words: str) -> Markdown:
    """Write words so that GitHub takes none of them for markup; what is markup already stays."""
    if isinstance(words, Markdown):
        return words
    escaped = escape(printable(words), quote=False)
    for mark in "\\`*_[]|~#":
        escaped = escaped.replace(mark, f"\\{mark}")
    # A mention, a reference to an issue, a link, a formula.
    for sign, harmless in {"@": "@\u200b", "#": "#\u200b", "://": "\\:\u200b//", "www.": "www\u200b."}.items():
        escaped = escaped.replace(sign, harmless)
    return Markdown(escaped.replace("$", "<span>$</span>"))


def together(*parts: str) -> Markdown:
    """Put markup and words one after the other."""
    return Markdown("".join(map(plain, parts)))


def strong(words: str) -> Markdown:
    """Write words in bold."""
    return Markdown(f"<b>{plain(words)}</b>")


def code(words: str) -> Markdown:
    """Write a name as code."""
    return Markdown(f"<code>{plain(words)}</code>") if words else Markdown("")


def grid(table: Iterable[Iterable[str]], numbers: Collection[int] = ()) -> Markdown:
    """Write a table, whose first line is its header; `numbers` are the columns that are flushed right."""
    head, *rows = [list(map(_cell, row)) for row in table]
    rule = [Markdown("---:" if place in numbers else "---") for place in range(len(head))]
    return Markdown("\n".join(f"| {' | '.join(row)} |" for row in [head, rule, *rows]))


def _cell(words: str) -> Markdown:
    return words if isinstance(words, Markdown) else plain(cut(words, WIDEST))


def folded(summary: str, block: str) -> Markdown:
    """Hide markup until its summary is clicked."""
    return Markdown(f"<details><summary>{plain(summary)}</summary>\n\n{block}\n\n</details>")


def alert(kind: str, lines: Iterable[str]) -> Markdown:
    """Write paragraphs in a coloured box: a NOTE, a WARNING."""
    paragraphs = "\n>\n".join(f"> {plain(line)}" for line in lines)
    return Markdown(f"> [!{kind}]\n{paragraphs}")


def few(table: Table, limit: int) -> Table:
    """Keep the first rows below the header, and say how many more there are."""
    more = len(table) - 1 - limit
    if more <= 0:
        return table
    return [*table[: limit + 1], [f"and {more:,} more", *[""] * (len(table[0]) - 1)]]


def printable(words: str) -> str:
    """Replace what a terminal would obey, and what turns the direction of writing around."""
    return "".join(character if character.isprintable() or character == GAP else "?" for character in words)


def cut(words: str, limit: int) -> str:
    """Shorten words to a number of characters."""
    return words if len(words) <= limit else f"{words[: limit - 1]}…"


def listed(words: list[str], limit: int = 3) -> str:
    """Name the first of some things, and say how many more there are."""
    return ", ".join(words[:limit]) + (f" and {len(words) - limit} more" if len(words) > limit else "")
