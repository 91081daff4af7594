"""The queue between the requests and the database, and the thread that empties it.

A request leaves its records and goes on: `put` never waits for the database, and never fails. One
thread a process writes them, a batch at a time. While the database is down, slow or full, the
records wait, and the thread tries again and again, ever more seldom. When the queue is full, the
newest records are dropped: the oldest may be on their way at that moment, and an outage leaves one
gap with an end instead of holes. A record that no database takes is dropped alone, found by halving
the batch. Each of them is counted, so that at any moment: put = written + dropped + waiting.
"""

import atexit
import logging
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from typing import NamedTuple

from sqlalchemy.exc import DBAPIError, ProgrammingError, SQLAlchemyError

from app.prediction_log import retention, tables
from app.prediction_log.writing import Record, RefusedRecordsError, insert
from holdfast.errors import UserError

# Long enough to gather records, so that a busy process writes a few long statements and not many short ones.
EVERY_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
PRUNE_EVERY_SECONDS = 3600.0
AT_EXIT_SECONDS = 2.0

logger = logging.getLogger(__name__)


class Counts(NamedTuple):
    """What became of the records so far: `put` is the sum of the other three."""

    put: int
    written: int
    dropped: int
    waiting: int


class Recorder:
    """Write records to the database at `url` behind the back of the requests; hold at most `capacity` of them.

    One a process. It may be made before a fork, but not started: a child begins with an empty queue,
    and starts its own thread with its first record, or with `start`. With `retention_days` it also
    deletes what is older, now and then, so that nobody needs a scheduler.
    """

    def __init__(
        self, url: str, *, capacity: int = 20_000, batch: int = 500, retention_days: float | None = None
    ) -> None:
        self.engine = tables.engine(url)
        self._capacity = capacity
        self._batch = batch
        self._retention_days = retention_days
        self._begin()
        begin_in_child = weakref.WeakMethod(self._begin_in_child)
        os.register_at_fork(after_in_child=lambda: (begin := begin_in_child()) and begin())

    def _begin(self) -> None:
        self._lock = threading.Lock()  # held for microseconds, and never while the database is asked
        self._queue: deque[Record] = deque()
        self._put = self._written = self._dropped = 0
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._closed = False
        self._has_tables = False
        self._prune_at = 0.0
        self._failures = 0

    def _begin_in_child(self) -> None:
        """Leave the records to the parent, and its connections too: to close them would close them for both."""
        self._inherited = self.engine.pool
        self.engine.dispose(close=False)
        self._begin()

    def start(self) -> None:
        """Start the thread that writes, unless this process has it already; a mistake of ours may have ended it."""
        with self._lock:
            if not (self._thread and self._thread.is_alive()) and not self._closing.is_set():
                thread = threading.Thread(target=self._work, name="prediction-log", daemon=True)
                thread.start()
                self._thread = thread
                atexit.register(self.close, AT_EXIT_SECONDS)

    def put(self, records: Sequence[Record]) -> None:
        """Leave records to be written; those for which there is no room are dropped and counted."""
        if not (self._thread and self._thread.is_alive()):
            with suppress(RuntimeError):  # no more threads for this process: the next record tries again
                self.start()
        with self._lock:
            room = 0 if self._closed else self._capacity - len(self._queue)
            self._queue.extend(records[:room])
            self._put += len(records)
            self._dropped += max(len(records) - room, 0)

    def counts(self) -> Counts:
        """Return all the counts of one moment."""
        with self._lock:
            return Counts(self._put, self._written, self._dropped, len(self._queue))

    @property
    def written(self) -> int:
        """How many records are in the database."""
        return self._written

    @property
    def dropped(self) -> int:
        """How many records will never be."""
        return self._dropped

    @property
    def waiting(self) -> int:
        """How many records are still to be written."""
        return len(self._queue)

    def close(self, seconds: float) -> None:
        """Write what can be written within so many seconds, and count the rest as dropped.

        What is on its way when the time is over counts as dropped, although it may still arrive.
        """
        atexit.unregister(self.close)
        self._closing.set()
        if self._thread:
            self._thread.join(seconds)
        with self._lock:
            self._closed = True
            self._dropped += len(self._queue)
            self._queue.clear()
        if not self._thread or not self._thread.is_alive():  # else it does so itself when it ends
            self.engine.dispose()

    def _work(self) -> None:
        """Write until the queue is closed and empty."""
        while True:
            closing = self._closing.is_set()
            self._attempt()
            if closing and not self._queue:
                self.engine.dispose()
                return
            if closing:
                time.sleep(EVERY_SECONDS / 4)
            else:
                self._closing.wait(self._pause())

    def _pause(self) -> float:
        if self._failures:
            return min(EVERY_SECONDS * 2.0 ** min(self._failures, 10), LONGEST_PAUSE_SECONDS)
        return 0.0 if len(self._queue) >= self._batch else EVERY_SECONDS

    def _attempt(self) -> None:
        """Write what waits; when the database does not let us, keep it for the next time."""
        try:
            self._make_tables()
            self._write(len(self._queue))
            self._prune()
        except (SQLAlchemyError, OSError) as error:
            self._failures += 1
            if self._failures == 1:
                logger.warning("prediction log: %s is not available: %s", tables.shown(self.engine), _reason(error))
        else:
            if self._failures:
                logger.warning("prediction log: %s is available again", tables.shown(self.engine))
            self._failures = 0

    def _make_tables(self) -> None:
        """Make the tables of an SQLite file, so that nothing needs to be set up at home."""
        if not self._has_tables and self.engine.dialect.name == "sqlite" and not tables.are_current(self.engine):
            from app.prediction_log.migrating import migrate  # Alembic: a quarter of a second, most often for nothing

            try:
                migrate(self.engine)
            except UserError as error:  # newer tables; migrations only add, so we can write to them
                logger.warning("prediction log: %s", error.problem)
        self._has_tables = True

    def _write(self, rows: int) -> None:
        """Write the oldest records, a batch at a time; halve a batch that is refused until one record is left."""
        size, refused = self._batch, 0
        while rows > 0 and (records := self._oldest(min(size, rows))):
            try:
                insert(self.engine, records)
            except RefusedRecordsError as error:
                if len(records) > 1:
                    size = len(records) // 2
                    continue
                if not refused:  # the others in this turn are counted, not told
                    logger.warning("prediction log: %s is refused: %s", records[0].prediction_id, error)
                self._settle(dropped=1)
                size, refused = self._batch, refused + 1
            else:
                self._settle(written=len(records))
            rows -= len(records)

    def _oldest(self, size: int) -> list[Record]:
        with self._lock:
            return list(islice(self._queue, size))

    def _settle(self, *, written: int = 0, dropped: int = 0) -> None:
        """Take the oldest records out of the queue and count them, unless `close` has done so."""
        with self._lock:
            if self._closed:
                return
            for _ in range(written + dropped):
                self._queue.popleft()
            self._written += written
            self._dropped += dropped

    def _prune(self) -> None:
        """Delete some of what is too old: a little each time, for the records behind it wait."""
        now = time.monotonic()
        if self._retention_days is None or now < self._prune_at or self._closing.is_set():
            return
        self._prune_at = now + PRUNE_EVERY_SECONDS  # also after an error: what is too old can wait, records cannot
        if retention.prune_some(self.engine, self._retention_days) == retention.AT_ONCE:
            self._prune_at = now


def _reason(error: Exception) -> str:
    """Say what is wrong in one line, without the statement."""
    said = str(error.orig if isinstance(error, DBAPIError) else error).partition("\n")[0]
    missing = isinstance(error, ProgrammingError)
    return f"{said} (are its tables there? `python -m app migrate` makes them)" if missing else said
