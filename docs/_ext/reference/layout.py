"""What all reference pages are made of: plain markdown that GitHub and the site show alike."""

import inspect
import re
from collections.abc import Iterable

MADE = "<!-- Made from the code by `make docs`; edit the code instead. -->"
WIDEST = 70


def page(title: str, introduction: str, *parts: str) -> str:
    """Put a page together."""
    return "\n\n".join([f"# {title}", MADE, introduction, *parts]) + "\n"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Write a table, whose columns are left out where no row has anything in them."""
    names, cells = list(head), [list(row) for row in rows]
    filled = [place for place in range(len(names)) if any(row[place] for row in cells)]
    lines = [names, ["---"] * len(names), *cells]
    return "\n".join(f"| {' | '.join(cell(line[place]) for place in filled)} |" for line in lines)


def cell(words: str) -> str:
    """Write words so that they stay in their cell."""
    return re.sub(r"(?<!\\)\|", r"\\|", " ".join(words.split()))


def code(words: object) -> str:
    """Write a name or a value as code, shortened where it is long."""
    text = str(words)
    return f"`{text if len(text) <= WIDEST else text[: WIDEST - 1] + '…'}`"


def listed(words: Iterable[str], last: str = "or") -> str:
    """Enumerate words as a sentence does."""
    words = list(words)
    return f" {last} ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def sentence(words: str) -> str:
    """Begin with a capital and end with a full stop."""
    ends = not words or re.search(r"[.?!][)'\"]?$", words)
    return f"{words[:1].upper()}{words[1:]}{'' if ends else '.'}"


def docstring(thing: object) -> str:
    """Return what a docstring says, in markdown."""
    return inspect.getdoc(thing) or ""


def source(path: str) -> str:
    """Link to a file of the repository, from a page of this folder."""
    return f"[`{path}`](../../{path})"


def anchor(heading: str) -> str:
    """Return the link to a heading of the same page, as GitHub names it."""
    return "#" + re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
