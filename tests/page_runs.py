"""Runs pages: each block in order, in one shell; what is printed is compared with what is shown.

    PYTHONPATH=src:tests python tests/page_runs.py docs/registry.md            # says what differs
    PYTHONPATH=src:tests python tests/page_runs.py --update docs/registry.md   # writes what is printed into the page

An update writes all that a command prints in place of what differs: shorten it with `...` then, by hand.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

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


@dataclass
class Run:
    """A page, or some that go on where the one before ended, in a place of their own."""

    pages: list[Page]
    place: Path
    failures: list[Failure] = field(default_factory=list)

    def __call__(self) -> list[Failure]:
        names = tuple(dict.fromkeys(name for page in self.pages for name in page.stand_ins))
        with (
            page_environment(self.place, names) as (clone, environment),
            Shell(self.place, clone, environment) as shell,
        ):
            for page in self.pages:
                for block in page.blocks:
                    self._block(shell, page, block)
        return self.failures

    def alone(self, chapter: int) -> list[Failure]:
        """Run a chapter alone, from the start that `tutorial reset` makes."""
        begin = "python -m holdfast tutorial start ../practice && cd ../practice/holdfast && . .venv/bin/activate"
        go = f" && python -m holdfast tutorial reset {chapter}" if chapter else ""
        commands = Block("console", 0, f"$ {begin}{go} >/dev/null\n")
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
    path = place / f".block-{block.line}.py"
    quote = "'''" if block.source.startswith(">>>") else ""
    path.write_text(f"{quote}{block.source}{quote}\n")
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


def _runs(paths: list[Path], place: Path) -> Iterator[tuple[Page, list[Failure]]]:
    for number, path in enumerate(paths):
        page = documentation.read(path)
        where = place / str(number)
        chapter = next(
            (one.number for one in CHAPTERS if page.continues and path.name.startswith(f"{one.number}-")), None
        )
        run = Run([page], where)
        yield page, run() if chapter is None else run.alone(chapter)


def main(arguments: list[str]) -> int:
    paths = [Path(name).resolve() for name in arguments if name != "--update"]
    with TemporaryDirectory() as place:
        for page, failures in _runs(paths, Path(place)):
            for failure in failures:
                sys.stdout.write(f"{failure}\n\n")
            sys.stdout.write(f"{page.name}: {len(failures)} differ\n")
            if "--update" in arguments:
                update(page, [one for one in failures if one.command.line > 0])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
