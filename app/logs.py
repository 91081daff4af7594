"""What the service says while it runs: one JSON object a line, on standard output, each with its request id.

Nothing of a body, no header and no query string is logged: they may hold what is private or secret.
"""

import json
import logging
import sys
from datetime import UTC, datetime

ACCESS = logging.getLogger("app.access")


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
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    # What every log record looks up and no line shows.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
