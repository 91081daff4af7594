"""What the service says while it runs: one JSON object a line, on standard output, each with its request id.

Nothing of a body, no header and no query string is logged: they may hold what is private or secret. The line of a
request is written here and not by `logging`, which would take three times as long for it.
"""

import json
import logging
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import TextIO

# Where `configure` sends the lines of requests; nowhere before.
_lines: TextIO | None = None


class JsonLines(logging.Formatter):
    """Write a log record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= getattr(record, "about", {})
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)


def configure(level: int = logging.INFO) -> None:
    """Send everything that this process logs to standard output."""
    global _lines  # noqa: PLW0603 (as global as logging itself)
    _lines = sys.stdout
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    # What every log record looks up and no line shows.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def access(request_id: str, method: str, path: str, endpoint: str, status: str, seconds: float, address: str) -> None:
    """Write the line of a request."""
    if _lines is None:
        return
    now = time.time()
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
    quote = json.dumps
    line = (
        f'{{"time": "{moment}.{int(now % 1 * 1_000):03}+00:00", "level": "info", "logger": "app.access", '
        f'"request_id": "{request_id}", "method": {quote(method[:20])}, "path": {quote(path[:200])}, '
        f'"endpoint": "{endpoint}", "status": {status}, "milliseconds": {seconds * 1_000:.3f}, '
        f'"address": {quote(address)}}}\n'
    )
    with suppress(OSError):  # a disk that is full, a pipe that nobody reads: the answer is worth more than its line
        _lines.write(line)
        _lines.flush()
