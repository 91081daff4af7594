"""What people see who watch: colour, and after two seconds of silence what is being done and for how long.

Where nobody watches, in a file, a pipe or CI, there are plain lines and nothing else. NO_COLOR switches colour off
(https://no-color.org), and TERM=dumb all of it.
"""

import logging
import os
import re
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

PATIENCE = 2.0  # seconds of silence
BOLD, RED, GREEN, YELLOW = "1", "31", "32", "33"
WORDS = (
    (re.compile(r"^verdict: promote$"), f"{BOLD};{GREEN}"),
    (re.compile(r"^verdict: .*"), f"{BOLD};{RED}"),
    (re.compile(r"(?<=^G\d .{18} )passed"), GREEN),
    (re.compile(r"(?<=^G\d .{18} )refused"), RED),
    (re.compile(r"(?<=^G\d .{18} )unknown"), YELLOW),
    (re.compile(r"^error:(?= )"), f"{BOLD};{RED}"),
    (re.compile(r"^  fix:(?= )", re.MULTILINE), f"{BOLD};{GREEN}"),
)


def is_watched(stream: TextIO) -> bool:
    """Tell whether a person reads a stream as it is written."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def painted(text: str, stream: TextIO) -> str:
    """Return a text as a stream shows it: with the words that matter in colour, if it is a terminal that may."""
    if not is_watched(stream) or os.environ.get("NO_COLOR"):
        return text
    for pattern, colour in WORDS:
        text = pattern.sub(f"\x1b[{colour}m\\g<0>\x1b[0m", text)
    return text


_others = threading.Event()


@contextmanager
def handed_over() -> Iterator[None]:
    """Leave the terminal to another process or to somebody who is asked, for as long as the block lasts."""
    _others.set()
    try:
        yield
    finally:
        _others.clear()


class Lines(logging.StreamHandler[TextIO]):
    """Writes what is logged line by line; while nothing is, a terminal shows the last of it and the seconds since."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._said = ""
        self._since = time.monotonic()
        self._is_waiting = False

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, in place of what was shown while nothing was said."""
        self._said, self._since = record.getMessage().strip().rpartition("\n")[2], time.monotonic()
        self.wipe()
        super().emit(record)

    def format(self, record: logging.LogRecord) -> str:
        """Return the line in colour, where there is colour."""
        return painted(super().format(record), self.stream)

    def wipe(self) -> None:
        """Remove what was shown while nothing was said."""
        if self._is_waiting:
            self.stream.write("\r\x1b[K")
            self._is_waiting = False

    def tick(self) -> None:
        """Show what is being done and for how long, if nothing was said for a while."""
        if _others.is_set():
            self._since = time.monotonic()
        silent = time.monotonic() - self._since
        if silent < PATIENCE:
            return
        self.acquire()
        try:
            seconds = f" … {silent:.0f} s"
            room = shutil.get_terminal_size().columns - len(seconds) - 1
            self.stream.write(f"\r\x1b[K{(self._said or 'starting')[:room]}{seconds}")
            self.stream.flush()
            self._is_waiting = True
        finally:
            self.release()


@contextmanager
def lines(stream: TextIO) -> Iterator[None]:
    """Write what the package logs to a stream, for as long as the block lasts."""
    handler, done = Lines(stream), threading.Event()
    logger = logging.getLogger("holdfast")
    logging.getLogger().addHandler(handler)
    logger.setLevel(logging.INFO)
    if is_watched(stream):
        threading.Thread(target=_tick, args=(handler, done), daemon=True).start()
    try:
        yield
    finally:
        done.set()
        handler.wipe()
        logging.getLogger().removeHandler(handler)


def _tick(handler: Lines, done: threading.Event) -> None:
    while not done.wait(1):
        handler.tick()
