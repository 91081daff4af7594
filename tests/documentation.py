"""The commands of README.md and docs/, as they stand there: read by Sybil, with the output that they are said to print.

What a page looks like:

    <!-- with: reproduced, s3 -->           at the top: what the page needs besides a clone (tests/stand_ins.py)
    <!-- continues: 2-pipeline.md -->       at the top: it goes on where that page ended, in the same shell

    <!-- ready: http://127.0.0.1:8000/health -->    before a block: wait for this address after a command with `&`
    ```console
    $ command \\
    >   --option                            goes on; so does a heredoc
    what it prints
    ...                                     any number of lines
    flights: … rows                         … is any text within a line
    $ other command  # exits with 2
    ```

    <!-- not run: reason -->                before a block that cannot run; how many there are is in a test
"""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sybil import Document, Region
from sybil.parsers.markdown.lexers import FencedCodeBlockLexer

from conftest import ROOT

FORBIDDEN = {"bash", "sh", "shell", "zsh"}
RUN = {"console", "python"}
MARK = re.compile(r"<!-- (?P<what>not run|ready): (?P<value>.+?) -->\n\Z")
TOP = re.compile(r"^<!-- (?P<what>with|continues): (?P<value>.+?) -->$", re.MULTILINE)
EXITS = re.compile(r"\s+# exits with (\d+)\Z")


@dataclass(frozen=True)
class Command:
    """A command, the line it stands on, what it is said to print, and the code it is said to exit with."""

    line: int
    text: str
    shown: tuple[str, ...]
    code: int

    @property
    def is_left_running(self) -> bool:
        return self.text.endswith("&")


@dataclass(frozen=True)
class Block:
    """A fenced block that is to run; `source` begins on `line`."""

    language: str
    line: int
    source: str
    not_run: str = ""
    ready: str = ""

    def commands(self) -> list[Command]:
        """Return the commands of a console, one after the other."""
        lines = self.source.splitlines()
        starts = [number for number, line in enumerate(lines) if line.startswith("$ ")]
        if not starts or starts[0]:
            found = lines[0] if lines else "nothing"
            raise AssertionError(f"line {self.line}: a console begins with `$ ` and a command, found: {found}")
        ends = [*starts[1:], len(lines)]
        return [self._command(lines[start:end], self.line + start) for start, end in zip(starts, ends, strict=True)]

    def _command(self, lines: list[str], line: int) -> Command:
        typed = [lines[0].removeprefix("$ ")]
        for following in lines[1:]:
            if following != ">" and not following.startswith("> "):
                break
            typed.append(following[2:])
        text = "\n".join(typed)
        exits = EXITS.search(text)
        code = int(exits[1]) if exits else 0
        return Command(line, text[: exits.start()] if exits else text, tuple(lines[len(typed) :]), code)


@dataclass
class Page:
    """A page, with all that it runs, in order."""

    path: Path
    blocks: list[Block] = field(default_factory=list)
    stand_ins: tuple[str, ...] = ()
    continues: str = ""

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix() if self.path.is_relative_to(ROOT) else self.path.name


def read(path: Path) -> Page:
    """Read a page."""
    document = Document.parse(str(path), _fences)
    page = Page(path)
    for found in TOP.finditer(document.text):
        if found["what"] == "with":
            page.stand_ins = tuple(re.split(r",\s*", found["value"]))
        else:
            page.continues = found["value"]
    for example in document:
        language, source = example.region.lexemes["language"], example.region.lexemes["source"]
        marks = dict(_marks(document.text[: example.region.start]))
        if language in RUN | FORBIDDEN:
            page.blocks.append(
                Block(language, example.line + 1, source, marks.get("not run", ""), marks.get("ready", ""))
            )
    return page


def pages(root: Path = ROOT) -> list[Page]:
    """Read every page, in the order in which they are run."""
    return [read(path) for path in (root / "README.md", *sorted((root / "docs").rglob("*.md")))]


def chains(all_pages: list[Page]) -> list[list[Page]]:
    """Return pages together with those that go on where they end."""
    chained: dict[Path, list[Page]] = {}
    waiting = sorted(all_pages, key=lambda page: bool(page.continues))
    while waiting:
        page = waiting.pop(0)
        before = page.path.parent / page.continues
        if page.continues and before not in chained:
            assert any(other.path == before for other in waiting), f"{page.name} continues {page.continues}: not found"
            waiting.append(page)
            continue
        chain = chained[before] if page.continues else []
        chain.append(page)
        chained[page.path] = chain
    return list({id(chain): chain for chain in chained.values()}.values())


def _fences(document: Document) -> Iterator[Region]:
    for region in FencedCodeBlockLexer(r"[\w-]+")(document):
        region.parsed = region.lexemes["source"]
        region.evaluator = lambda _: None
        yield region


def _marks(before: str) -> Iterator[tuple[str, str]]:
    """Return the marks that stand right before a block, the nearest first."""
    while mark := MARK.search(before):
        yield mark["what"], mark["value"]
        before = before[: mark.start()]


# What differs from run to run, or from machine to machine. Both what is shown and what is found are written like this.
VARYING = [
    (r"\x1b\[[0-9;]*[A-Za-z]", ""),  # colours and movements of a terminal
    (r"\u00a0", " "),  # a space at which no line is broken looks like any other
    (r"[ \t]+$", ""),  # spaces that nobody sees
    (r"/tmp/[\w./+-]+", "<path>"),  # temporary files
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<uuid>"),  # ids of requests
    (r"(?:(?<![\w.])|(?<=\.\.))[0-9a-f]{7,64}\b", "<hash>"),  # of Git, DVC, MLflow and SHA-256; decimals are none
    (
        r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun),? (\w{3} +\d+|\d+ \w{3}) [\d: ]+\d{4}( \d\d:\d\d:\d\d)?( [+-]\d{4}| GMT)?",
        "<time>",
    ),
    # Dates of today, not of the data: its flights left in 2013.
    (
        r"\b20(?:2[4-9]|[3-9]\d)-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?(?:Z|[+-]\d\d:?\d\d| \+0000)?\b",
        "<time>",
    ),
    (r"\b\d\d:\d\d:\d\d\b", "<clock>"),
    (r" *\b\d+(?:\.\d+)? ?(?:µs|ms|s|sec|min|h|seconds?|minutes?)\b", " <duration>"),  # with the spaces that align it
    (r"\b\d[\d,.]* ?(?:[kMG]i?B?|bytes|B)\b(?!/)", "<size>"),  # of files and of memory
    (r"\b(127\.0\.0\.1|localhost):\d{2,5}\b", r"\1:<port>"),
    (r"\[\d{3,7}\]", "[<process>]"),  # in the log of a server
    (r"\b[Pp]ython ?3\.\d+(\.\d+)?", "<python>"),  # the tests run on three of them
    (r"-{4,}|={4,}|─{4,}", "<line>"),  # as wide as what stands below or beside it
]
_VARYING = [(re.compile(pattern, re.MULTILINE), name) for pattern, name in VARYING]


def stable(text: str) -> str:
    """Return a text without what differs from run to run."""
    for pattern, name in _VARYING:
        text = pattern.sub(name, text)
    return text


def differences(shown: tuple[str, ...], found: str) -> list[str]:
    """Return nothing if a command has printed what the page shows, else both as a diff."""
    expected, printed = _lines(stable("\n".join(shown))), _lines(stable(found))
    if re.fullmatch(_pattern(expected), "".join(f"{line}\n" for line in printed)):
        return []
    return list(difflib.unified_diff(expected, printed, "shown on the page", "printed", n=3, lineterm=""))


def _lines(text: str) -> list[str]:
    return text.strip("\n").split("\n") if text.strip() else []


def _pattern(lines: list[str]) -> str:
    parts = (
        r"(?:[^\n]*\n)*?" if line.strip() == "..." else re.escape(line).replace("…", r"[^\n]*?") + r"\n"
        for line in lines
    )  # fmt: skip
    return "".join(parts)
