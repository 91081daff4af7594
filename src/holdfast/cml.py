"""CML, the first choice for posting, and when it may be trusted with it.

`cml comment create --update` changes the last comment that bears its watermark among the first 30 of a pull request,
whoever wrote it, and makes a new one where it sees none. So it is asked only where that is the comment that is ours;
and it gets a home of its own (it writes to Git's configuration), no images to publish, no one to report to, a time
limit, and of the environment only what it needs.
"""

import logging
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple, Protocol

from holdfast.report_body import WATERMARK

logger = logging.getLogger(__name__)

SEEN = 30
TIME_LIMIT = 120.0
NETWORK = ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE")


class _Comment(Protocol):
    @property
    def id(self) -> int: ...
    @property
    def body(self) -> str: ...


class Cml(NamedTuple):
    """How CML is called: where the repository is, with which token, for how long."""

    server: str
    repository: str
    token: str
    time_limit: float = TIME_LIMIT

    def asks(self) -> str:
        """Return the address of the API that CML asks, whatever GITHUB_API_URL says."""
        return "https://api.github.com" if self.server == "https://github.com" else f"{self.server}/api/v3"

    def run(self, number: int, head: str, body: str) -> bool:
        """Let CML post; tell whether it says that it did."""
        found = shutil.which("cml")
        if found is None:
            logger.info("CML is not here")
            return False
        with TemporaryDirectory() as home:
            (Path(home) / "report.md").write_text(body, encoding="utf-8")
            command = [found, "comment", "create", "--update", "--no-publish", "--driver", "github"]
            command += ["--repo", f"{self.server}/{self.repository}", "--target", f"pr/{number}", "report.md"]
            return _ended_well(command, Path(home), self._environment(home, head), self.time_limit)

    def _environment(self, home: str, head: str) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", *NETWORK) if name in os.environ}
        return kept | {
            "GITHUB_SHA": head,  # stands in the watermark; without one, CML does not find its comment again
            "HOME": home,
            "ITERATIVE_DO_NOT_TRACK": "1",
            "REPO_TOKEN": self.token,
        }


def would_take(comments: Sequence[_Comment], own: _Comment | None) -> bool:
    """Tell whether CML would change our comment, or make one where there is none, and touch no other."""
    marked = [comment.id for comment in comments if WATERMARK.search(comment.body)]
    expected = [] if own is None else [own.id]
    return len(comments) <= SEEN and marked[-1:] == expected


def _ended_well(command: list[str], folder: Path, environment: dict[str, str], time_limit: float) -> bool:
    """Run a command and all that it starts, no longer than the limit; what it says may hold the token."""
    try:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    except OSError as error:
        logger.info("CML does not start: %s", error.strerror)
        return False
    try:
        code = process.wait(time_limit)
    except subprocess.TimeoutExpired:
        logger.info("CML did not end within %g seconds", time_limit)
        return False
    finally:
        _end(process)
    if code:
        logger.info("CML ended with exit code %d", code)
    return code == 0


def _end(process: subprocess.Popen[bytes]) -> None:
    """End what is left of a command and of what it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait()
