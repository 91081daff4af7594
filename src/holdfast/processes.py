"""Git, DVC and the stages as processes: found beside the Python that they are for, and ended when we are."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from holdfast.errors import UserError

Done = subprocess.CompletedProcess[str]
# Where our code is, and that coverage.py counts its lines: in DVC and in the stages of another tree that would find
# nothing of ours, and take half as long again.
OURS = {"PYTHONPATH", "COVERAGE_PROCESS_CONFIG"}


def run(command: list[str], folder: Path, *, python: Path = Path(sys.executable), shown: bool = False) -> Done:
    """Run a command with the tools beside a Python first on the path, so that no activation is needed.

    What it says on standard error is kept, or shown as it comes. If we are ended, so is all that it started.
    Raises: UserError where it is not installed.
    """
    try:
        process = subprocess.Popen(
            command, cwd=folder, env=environment(python), encoding="utf-8", errors="replace",
            stdout=subprocess.PIPE, stderr=None if shown else subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
    except FileNotFoundError as error:
        remedy = "make setup, and install Git"
        raise UserError(f"{command[0]}: not found, expected it on the path.", fix=remedy) from error
    with process:
        try:
            out, err = process.communicate()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
    return Done(command, process.returncode, out, err)


def environment(python: Path) -> dict[str, str]:
    """Return our environment with the tools beside a Python first on the path, without what is for our code alone."""
    kept = {name: value for name, value in os.environ.items() if name not in OURS}
    return kept | {"PATH": os.pathsep.join([str(python.parent), os.environ.get("PATH", "")])}


def checked(done: Done) -> Done:
    """Return what a process did.

    Raises: UserError where it failed.
    """
    if done.returncode:
        said = "what it said stands above"
        if done.stderr is not None:
            said = " ".join(done.stderr.split()) or "it said nothing"
        raise UserError(f"{' '.join(done.args)}: {said}", fix="mend that, then run the command again")
    return done
