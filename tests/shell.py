"""A shell that lives as long as a page: folders, variables and servers stay from one command to the next."""

import os
import signal
import subprocess
import time
from pathlib import Path
from select import select
from types import TracebackType
from typing import NamedTuple, Self
from urllib.error import HTTPError
from urllib.request import urlopen

# The command reads nothing, and cannot answer for us: its number and its code come by a pipe of their own.
ASK = '{{ . "{script}"; }} >"{said}" 2>&1 </dev/null {pipe}>&-; echo "{number} $?" >&{pipe}\n'


class Done(NamedTuple):
    """What a command printed, on both streams, and how it ended."""

    said: str
    code: int


class Shell:
    """A shell in a folder of its own; all that it started ends with it."""

    def __init__(self, place: Path, folder: Path, environment: dict[str, str], patience: float = 400) -> None:
        self.place, self.patience = place, patience
        self._number = 0
        self._read, write = os.pipe()
        self._pipe = write
        self._process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"], cwd=folder, env=environment, text=True, stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, pass_fds=[write], start_new_session=True,
        )  # fmt: skip
        os.close(write)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.end()

    def run(self, command: str) -> Done:
        """Run a command to its end, or to where it is left running, and return what it printed until then."""
        self._number += 1
        script, said = (self.place / f".{name}-{self._number}" for name in ("command", "output"))
        script.write_text(f"{command}\n")
        asked = ASK.format(script=script, said=said, pipe=self._pipe, number=self._number)
        assert self._process.stdin
        self._process.stdin.write(asked)
        self._process.stdin.flush()
        code = self._answer()
        return Done(said.read_text(errors="replace").replace("\r\n", "\n"), code)

    def wait_for(self, address: str) -> None:
        """Wait until something answers at an address, whatever it says."""
        end = time.monotonic() + 120
        while time.monotonic() < end:
            try:
                urlopen(address, timeout=5).close()
            except HTTPError:
                return
            except OSError:
                time.sleep(0.2)
            else:
                return
        raise AssertionError(f"nothing answers at {address}: {self.latest()}")

    def latest(self) -> str:
        """Return what the last command has printed by now."""
        return (self.place / f".output-{self._number}").read_text(errors="replace")

    def _answer(self) -> int:
        ready, _, _ = select([self._read], [], [], self.patience)
        line = os.read(self._read, 100).decode() if ready else ""
        if not line:
            why = "ended the shell" if self._process.poll() is not None else f"did not end within {self.patience:.0f} s"
            raise AssertionError(f"the command {why}; it said: {self.latest()}")
        return int(line.split()[1])

    def end(self) -> None:
        """End the shell and all that it left running."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._process.pid, number)
            except ProcessLookupError:
                break
            if number == signal.SIGTERM:
                time.sleep(0.3)
        self._process.communicate()
        os.close(self._read)
