"""A server that a test starts: it is there once it answers, and gone after the test."""

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen


@contextmanager
def running(command: Sequence[str], folder: Path, environment: dict[str, str], answers: str) -> Iterator[None]:
    """Start a server in a folder, and wait until an address of it answers."""
    # MLflow's runners of background jobs are processes more, for what nobody here asks for.
    quiet = {**environment, "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    log = folder / "server.log"
    with (
        log.open("wb") as said,
        subprocess.Popen(command, cwd=folder, env=quiet, stdout=said, stderr=said) as server,
    ):
        try:
            _wait(answers, server, log)
            yield
        finally:
            server.terminate()


def _wait(answers: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + 180
    while time.monotonic() < end and server.poll() is None:
        try:
            urlopen(answers, timeout=5).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise AssertionError(f"the server does not answer at {answers}:\n{log.read_text()}")
