"""Whoever watches sees colour and how long it takes; whoever does not gets plain lines."""

import io
import os
import pty
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import ugly
from conftest import ROOT
from holdfast import terminal
from holdfast.command_line import parser

WAITS = """
import logging, sys, time
from holdfast import terminal
with terminal.lines(sys.stdout):
    logging.getLogger("holdfast.x").info("judging by 2,000 resamples")
    time.sleep(3.5)
    logging.getLogger("holdfast.x").info("verdict: promote")
"""
ASKS = """
import sys
from pathlib import Path
from holdfast import drafting, explaining, terminal
from holdfast.commands import init_data
from holdfast.files import Workspace
workspace = Workspace(Path.cwd())
with terminal.lines(sys.stdout):
    draft = drafting.draft(workspace, [Path(sys.argv[1])], None, None)
    agreed = init_data._agreed(workspace, explaining.move(draft))
print("agreed" if agreed else "refused")
"""
MISTAKE = ["-m", "holdfast", "rebuild-check", "no-such-commit"]


def watched(arguments: list[str], question: bytes = b"", answer: bytes = b"", **environment: str) -> str:
    """Return what a process of Python shows on a terminal, where a question is answered after a while."""
    outer, inner = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "40", **environment},
        stdin=inner,
        stdout=inner,
        stderr=inner,
    )
    os.close(inner)
    shown = b""
    try:
        while block := os.read(outer, 4096):
            shown += block
            if question and question in shown:
                time.sleep(3.5)
                os.write(outer, answer)
                question = b""
    except OSError:  # the other end is closed
        pass
    os.close(outer)
    process.wait()
    return shown.decode()


@pytest.mark.slow
def test_while_nothing_is_said_a_terminal_shows_what_is_done_and_for_how_long() -> None:
    shown = watched(["-c", WAITS])

    assert re.search(r"judging by 2,000 resamples … [23] s", shown)
    assert shown.endswith("\r\x1b[K\x1b[1;32mverdict: promote\x1b[0m\r\n")  # in place of it


@pytest.mark.slow
def test_a_question_stays_until_it_is_answered(tmp_path: Path) -> None:
    table = str(ugly.fifty_rows(tmp_path / "table.csv"))

    shown = watched(["-c", ASKS, table], question=b"[y/N] ", answer=b"y\n")

    assert shown.endswith("+data/table.parquet (50 rows)\r\nwrite this? [y/N] y\r\nagreed\r\n")


def test_while_others_have_the_terminal_nothing_is_shown_and_the_seconds_begin_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(terminal, "PATIENCE", 0.2)
    shown = io.StringIO()
    lines = terminal.Lines(shown)

    with terminal.handed_over():
        time.sleep(0.25)
        lines.tick()
    lines.tick()
    assert shown.getvalue() == ""

    time.sleep(0.25)
    lines.tick()
    assert "starting … 0 s" in shown.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize("dumb", [{"TERM": "dumb"}, {"NO_COLOR": "1"}], ids=str)
def test_a_terminal_that_wants_no_colour_gets_none(dumb: dict[str, Any]) -> None:
    shown = watched(["-c", WAITS], **dumb)

    assert "\x1b[1" not in shown
    assert shown.endswith("verdict: promote\r\n")
    assert ("resamples … " in shown) is ("NO_COLOR" in dumb)


def test_where_nobody_watches_there_are_plain_lines() -> None:
    done = subprocess.run([sys.executable, "-c", WAITS], capture_output=True, text=True, check=True)

    assert done.stdout == "judging by 2,000 resamples\nverdict: promote\n"


def test_an_error_and_its_remedy_are_told_apart_by_colour() -> None:
    shown = watched(MISTAKE)

    assert shown.startswith("\x1b[1;31merror:\x1b[0m git rev-parse")
    assert "\x1b[1;32m  fix:\x1b[0m " in shown
    assert "\x1b" not in watched(MISTAKE, NO_COLOR="1")


def test_every_command_shows_an_example() -> None:
    top: Any = parser()
    commands = top._subparsers._group_actions[0].choices

    without = [
        name
        for name, command in commands.items()
        if not re.match(rf"examples?: .*(holdfast {name}|make retrain)\b", command.epilog or "")
    ]

    assert without == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_a_shell_can_complete_commands_and_options(shell: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "holdfast", "completion", shell], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert "rebuild-check" in done.stdout
    assert "approved-by" in done.stdout
    if shell == "bash":
        (tmp_path / "completion").write_text(done.stdout)
        asked = "source completion; COMP_WORDS=(holdfast promote --dr); COMP_CWORD=2; _shtab_holdfast; echo $COMPREPLY"
        said = subprocess.run(["bash", "-c", asked], cwd=tmp_path, capture_output=True, text=True, check=True)
        assert said.stdout.strip() == "--dry-run"
