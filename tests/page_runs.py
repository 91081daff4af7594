"""Runs pages: each block in order, in one shell; what is printed is compared with what is shown.

    PYTHONPATH=src:tests python tests/page_runs.py docs/registry.md            # says what differs
    PYTHONPATH=src:tests python tests/page_runs.py --update docs/registry.md   # writes what is printed into the page

An update writes all that a command prints in place of what differs: shorten it with `...` then, by hand.
"""

import fcntl
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

import documentation
from documentation import Block, Command, Page
from holdfast.playground.chapters import CHAPTERS
from shell import Shell
from stand_ins import HOME, page_environment


@dataclass
class Failure:
    """Where a page says what is not so, and what is so."""

    page: Page
    command: Command
    problem: str
    said: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.command.line}: $ {self.command.text}\n{self.problem}"


@contextmanager
def alone_with_ports() -> Iterator[None]:
    """Wait until no other page has servers: each has its own ports, but they are the ports that people use."""
    with (Path(gettempdir()) / "holdfast-pages.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@dataclass
class Run:
    """A page, or some that go on where the one before ended, in a place of their own."""

    pages: list[Page]
    place: Path
    failures: list[Failure] = field(default_factory=list)

    def __call__(self) -> list[Failure]:
        names = tuple(dict.fromkeys(name for page in self.pages for name in page.stand_ins))
        with (
            alone_with_ports() if any(block.ready for page in self.pages for block in page.blocks) else nullcontext(),
            page_environment(self.place, names) as (clone, environment),
            Shell(self.place, clone, environment) as shell,
        ):
            for page, block in [(one, block) for one in self.pages for block in one.blocks]:
                try:
                    self._block(shell, page, block)
                except AssertionError as error:  # nothing more can be asked of this shell
                    self.failures.append(Failure(page, Command(block.line, "(this block)", (), 0), str(error), ""))
                    break
        return self.failures

    def alone(self, chapter: int) -> list[Failure]:
        """Run a chapter alone, from the start that `tutorial reset` makes."""
        begin = "python -m holdfast tutorial start ../practice && cd ../practice/holdfast && . .venv/bin/activate"
        go = f" && python -m holdfast tutorial reset {chapter}" if chapter else ""
        commands = Block("console", 0, f"$ {{ {begin}{go}; }} >/dev/null\n")
        self.pages = [Page(self.pages[0].path, [commands], self.pages[0].stand_ins), *self.pages]
        return self()

    def _block(self, shell: Shell, page: Page, block: Block) -> None:
        if block.not_run:
            return
        if block.language == "python":
            script = (
                f"{'python -m doctest ' if block.source.startswith('>>>') else 'python '}{_script(self.place, block)}"
            )
            self._command(shell, page, Command(block.line, script, (), 0))
            return
        for command in block.commands():
            self._command(shell, page, command)
            if command.is_left_running and block.ready:
                shell.wait_for(block.ready)

    def _command(self, shell: Shell, page: Page, command: Command) -> None:
        done = shell.run(command.text)
        if ended := re.match(r"kill (%\d)", command.text):  # people are slower than the next command
            shell.run(f"wait {ended[1]}")
        said = done.said.replace(str(self.place), HOME)
        problem = ""
        if done.code != command.code:
            problem = f"exits with {done.code}, shown is {command.code}; it said:\n{said}"
        elif not command.is_left_running and (diff := documentation.differences(command.shown, said)):
            problem = "\n".join(diff)
        if problem:
            self.failures.append(Failure(page, command, problem, said))


def _script(place: Path, block: Block) -> Path:
    """Write a block of Python into a file, so that its errors name its lines."""
    path = place / f".block-{block.line}{'.txt' if block.source.startswith('>>>') else '.py'}"
    path.write_text(f"{block.source}\n")
    return path


def update(page: Page, failures: list[Failure]) -> None:
    """Write what was printed in place of what a page shows."""
    lines = page.path.read_text().split("\n")
    for failure in sorted(failures, key=lambda one: one.command.line, reverse=True):
        first = failure.command.line - 1 + len(failure.command.text.splitlines())
        lines[first : first + len(failure.command.shown)] = (
            failure.said.rstrip("\n").split("\n") if failure.said.strip() else []
        )
    page.path.write_text("\n".join(lines))


def _with_those_before(path: Path) -> list[Page]:
    """Return a page after those that it goes on from."""
    page = documentation.read(path)
    return [*(_with_those_before(path.parent / page.continues) if page.continues else []), page]


def _run(path: Path, place: Path) -> list[Failure]:
    """Run a page after those before it; a chapter of the tutorial alone, from the start that `tutorial reset` makes."""
    chapter = next((one.number for one in CHAPTERS if path.match(one.page)), None)
    return (
        Run(_with_those_before(path), place)()
        if chapter is None
        else Run([documentation.read(path)], place).alone(chapter)
    )


def main(arguments: list[str]) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
    paths = [Path(name).resolve() for name in arguments if name != "--update"]
    with TemporaryDirectory() as place:
        for number, path in enumerate(paths):
            failures = _run(path, Path(place) / str(number))
            for failure in failures:
                sys.stdout.write(f"{failure}\n\n")
            sys.stdout.write(f"{path.name}: {len(failures)} differ\n")
            for page in {failure.page.path: failure.page for failure in failures if "--update" in arguments}.values():
                update(page, [one for one in failures if one.page is page and one.command.line])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
