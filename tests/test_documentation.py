"""The documentation says what is so: every command on every page is run, and prints what is shown."""

import argparse
import re
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

import documentation
from conftest import ROOT
from documentation import Block, Page, differences
from holdfast.command_line import parser
from page_runs import Run, update
from stand_ins import STAND_INS

PAGES = documentation.pages()
CHAINS = [chain for chain in documentation.chains(PAGES) if any(page.blocks for page in chain)]
NOT_RUN = 7  # blocks: this may only fall


def write(folder: Path, text: str) -> Page:
    path = folder / "page.md"
    path.write_text(text)
    return documentation.read(path)


def console(*lines: str) -> str:
    return "\n".join(["```console", *lines, "```", ""])


@pytest.mark.slow
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("chain", CHAINS, ids=lambda chain: chain[0].name)
def test_every_command_prints_what_its_page_shows(chain: list[Page]) -> None:
    with TemporaryDirectory() as place:  # a short one, for lines are cut at 120 characters
        failures = Run(chain, Path(place))()

    assert not failures, "\n\n".join(map(str, failures))


def test_the_blocks_that_are_not_run_are_counted_and_may_only_become_fewer() -> None:
    marked = [block for page in PAGES for block in page.blocks if block.not_run]

    assert len(marked) == NOT_RUN, "fewer: lower NOT_RUN; more: let the new ones run"


def test_what_is_typed_stands_in_a_console() -> None:
    other = [f"{page.name}:{block.line}: {block.language}" for page in PAGES for block in page.blocks
             if block.language in documentation.FORBIDDEN]  # fmt: skip

    assert other == []


def options() -> dict[str, set[str]]:
    """Return the options of every command."""
    (commands,) = (action for action in parser()._actions if isinstance(action, argparse._SubParsersAction))
    return {name: set(command._option_string_actions) for name, command in commands.choices.items()}


def test_commands_in_running_text_exist_with_their_options() -> None:
    known, targets = options(), set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    texts = {page.name: page.path.read_text() for page in PAGES}

    unknown = [
        f"{name}: {command}{given}"
        for name, text in texts.items()
        for command, given in re.findall(r"python3? -m holdfast ([a-z][\w-]*)([^`|\n]*)", text)
        if not set(re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", given.partition(" && ")[0])) <= known.get(command, set())
        or command not in known
    ]

    assert unknown == []
    assert {target for text in texts.values() for target in re.findall(r"`make ([a-z-]+)", text)} <= targets


def unreadable(page: Page) -> str:
    """Return what a shell has against the commands of a page, which it reads without running them."""
    commands = [command for block in page.blocks if block.language == "console" for command in block.commands()]
    typed = "\n".join(command.text for command in commands)
    return subprocess.run(["bash", "-n"], input=typed, text=True, capture_output=True).stderr


def test_every_console_is_one_that_a_shell_can_read(tmp_path: Path) -> None:
    assert {page.name: said for page in PAGES if (said := unreadable(page))} == {}
    assert "unexpected EOF" in unreadable(write(tmp_path, console("$ echo 'one")))


def test_what_a_page_is_run_with_there_is() -> None:
    assert {name for page in PAGES for name in page.stand_ins} <= set(STAND_INS)


def test_where_a_block_is_waited_for_something_is_left_running() -> None:
    idle = [f"{page.name}:{block.line}" for page in PAGES for block in page.blocks
            if block.ready and not any(command.is_left_running for command in block.commands())]  # fmt: skip

    assert idle == []


@pytest.mark.slow
def test_a_page_with_an_option_that_was_renamed_fails_and_names_its_line(tmp_path: Path) -> None:
    text = "# Page\n\n" + console(
        "$ echo one", "one", "$ python -m holdfast gate --against HEAD~1  # exits with 1", "..."
    )

    (failure,) = Run([write(tmp_path, text)], tmp_path / "run")()

    assert str(failure).startswith("page.md:6: $ python -m holdfast gate --against HEAD~1\nexits with 2, shown is 1")
    assert "unrecognized arguments: --against HEAD~1" in str(failure)


@pytest.mark.slow
def test_a_page_is_run_in_one_shell_and_updated_with_what_it_printed(tmp_path: Path) -> None:
    text = console(
        "$ cd src && NAME=flights", "$ echo $NAME \\", ">   and planes", "flights and trains",
        "$ cat <<END", "> a", ">", "> b", "> END", "a", "...", "$ pwd", "/home/you/holdfast/src",
        "$ sleep 300 &", "$ false  # exits with 1", "$ ls /home/you",
    )  # fmt: skip
    text += "\n<!-- not run: it would be a pity -->\n" + console("$ rm -rf .") + "\n```python\nassert 1 + 1 == 3\n```\n"
    page = write(tmp_path, text)

    failures = Run([page], tmp_path / "run")()
    update(page, failures[:1])

    assert [failure.command.line for failure in failures] == [3, 17, 26]
    assert "-flights and trains\n+flights and planes" in failures[0].problem
    assert "assert 1 + 1 == 3" in failures[2].problem
    assert "flights and planes" in page.path.read_text()
    assert "flights and trains" not in page.path.read_text()


@pytest.mark.parametrize(
    ("shown", "found"),
    [
        ("[main 1234567] data", "[main fedcba9] data"),
        ("index 2f3c56e..62096c2", "index 1111111..2222222"),
        ("took 1.23 s", "took 45.6 s"),
        ("3 files, 1.2 MB", "3 files, 14.7 MB"),
        ("at 2026-03-04 05:06:07", "at 2031-12-24 20:30:00"),
        ("http://127.0.0.1:8000/health", "http://127.0.0.1:43210/health"),
        ("in /tmp/tmpabc/served", "in /tmp/other-1/x"),
        ("a\n...\nd", "a\nb\nc\nd"),
        ("a\n...", "a"),
        ("flights: … rows", "flights: 27,004 rows"),
        ("red", "\x1b[31mred\x1b[0m   "),
        ("ROC AUC", "ROC\u00a0AUC"),
        ("", "\n"),
    ],
)
def test_what_differs_from_run_to_run_is_no_difference(shown: str, found: str) -> None:
    assert differences(tuple(shown.split("\n")) if shown else (), found) == []


@pytest.mark.parametrize(
    ("shown", "found"),
    [
        ("roc_auc 0.734", "roc_auc 0.735"),
        ("score 0.074700169", "score 0.074700168"),
        ("max_leaf_nodes: [63]", "max_leaf_nodes: [31]"),
        ("9 partitions, 252,484 rows", "9 partitions, 252,485 rows"),
        ("2013-09-06T18:29:00-04:00", "2013-09-06T18:30:00-04:00"),
        ("a\n...\nd", "a\nb"),
        ("", "something"),
        ("something", ""),
        ("a … b", "a\nb"),
    ],
)
def test_everything_else_is_a_difference(shown: str, found: str) -> None:
    assert differences(tuple(shown.split("\n")) if shown else (), found)


def test_a_console_that_does_not_begin_with_a_command_is_refused() -> None:
    for source, found in (("ls\n", "ls"), ("", "nothing")):
        with pytest.raises(AssertionError, match=rf"line 3: a console begins with `\$ ` and a command, found: {found}"):
            Block("console", 3, source).commands()


def test_marks_are_read_where_they_stand_before_a_block(tmp_path: Path) -> None:
    marks = "<!-- ready: http://127.0.0.1:1/ -->\n<!-- not run: no reason -->\n"
    page = write(
        tmp_path, "<!-- with: reproduced, s3 -->\n\n" + marks + console("$ ls") + "\n" + marks + "\n" + console("$ ls")
    )

    assert page.stand_ins == ("reproduced", "s3")
    assert [(block.not_run, block.ready) for block in page.blocks] == [("no reason", "http://127.0.0.1:1/"), ("", "")]


def test_pages_that_go_on_where_others_ended_are_run_after_them(tmp_path: Path) -> None:
    for name, before in (("1-a.md", "2-b.md"), ("2-b.md", ""), ("3-c.md", "1-a.md"), ("4-d.md", "")):
        (tmp_path / name).write_text(f"<!-- continues: {before} -->\n" if before else "# first\n")
    read = [documentation.read(path) for path in sorted(tmp_path.iterdir())]

    chains = [[page.path.name for page in chain] for chain in documentation.chains(read)]

    assert chains == [["2-b.md", "1-a.md", "3-c.md"], ["4-d.md"]]
    with pytest.raises(AssertionError, match=re.escape("1-a.md continues 2-b.md: not found")):
        documentation.chains(read[:1])
