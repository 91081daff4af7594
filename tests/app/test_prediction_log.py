"""Nothing that happens to the database reaches a prediction, and every record is accounted for."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import random
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from sqlalchemy import event, func, select, text

from app.prediction_log import Counts, Record, Recorder, migrating, recorder, tables
from app.prediction_log.writing import RefusedRecordsError, insert
from conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from postgres import Database, Server

pytest_plugins = ["postgres"]

INPUTS = {"carrier": "UA", "distance": 1400.25, "humidity": None, "departure": "2013-09-01T10:00:00-04:00"}


def records(rows: int = 1, **changes: Any) -> list[Record]:
    request = uuid4().hex
    made = Record("", time.time(), "7", "ab" * 32, "api", 0.25, "late", INPUTS)
    return [made._replace(prediction_id=f"{request}-{row}", **changes) for row in range(rows)]


def logged(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(tables.predictions)) or 0


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "EVERY_SECONDS", 0.02)
    monkeypatch.setattr(recorder, "LONGEST_PAUSE_SECONDS", 0.1)
    monkeypatch.setattr(tables, "STATEMENT_SECONDS", 1)
    monkeypatch.setitem(tables.SQLITE, "timeout", 0.2)


@pytest.fixture
def make(database: Database) -> Iterator[Callable[..., Recorder]]:
    """Make recorders of a database that has its tables."""
    migrating.migrate(database.engine)
    made: list[Recorder] = []

    def make(**choices: Any) -> Recorder:
        made.append(Recorder(database.url, **choices))
        return made[-1]

    yield make
    for each in made:
        each.close(5)


@contextmanager
def locked(database: Database) -> Iterator[None]:
    """Let nobody else write predictions."""
    with tables.writing(database.engine) as connection:
        if not database.is_sqlite:
            connection.exec_driver_sql("LOCK TABLE predictions IN ACCESS EXCLUSIVE MODE")
        yield


def test_a_record_arrives_as_it_was(database: Database, make: Callable[..., Recorder]) -> None:
    score = 0.1 + 0.2  # to the last bit
    [record] = records(at=1_700_000_000.123456, score=score, source="page", inputs=INPUTS | {"name": "Zoë 'x' 日本 \0"})
    recorder = make()

    recorder.put([record])
    recorder.close(10)

    with database.engine.connect() as connection:
        row = connection.execute(select(tables.predictions)).one()._asdict()
    assert row == record._asdict() | {"at": datetime.fromtimestamp(record.at, UTC)}
    assert row["at"].utcoffset().total_seconds() == 0


def test_whatever_is_put_in_order_is_written_in_batches(database: Database, make: Callable[..., Recorder]) -> None:
    recorder = make(batch=100)

    for rows in (1, 0, 250, 99):
        recorder.put(records(rows))
    recorder.close(10)

    assert recorder.counts() == Counts(put=350, written=350, dropped=0, waiting=0)
    assert logged(database.engine) == 350


def test_to_put_a_record_does_not_wait_for_a_locked_database(database: Database, make: Callable[..., Recorder]) -> None:
    recorder = make(capacity=1_000)

    with locked(database):
        for _ in range(5_000):
            recorder.put(records())
        counts = recorder.counts()

    assert counts == Counts(put=5_000, written=0, dropped=4_000, waiting=1_000)
    recorder.close(0)


def test_when_the_queue_is_full_the_newest_are_dropped_and_counted(
    database: Database, make: Callable[..., Recorder]
) -> None:
    recorder = make(capacity=10)
    first, second = records(8), records(7)
    with locked(database):
        recorder.put(first)
        recorder.put(second)
        recorder.put(records(1))
        assert recorder.counts() == Counts(put=16, written=0, dropped=6, waiting=10)
        assert (recorder.written, recorder.dropped, recorder.waiting) == (0, 6, 10)

    recorder.close(10)

    with database.engine.connect() as connection:
        there = set(connection.scalars(select(tables.predictions.c.prediction_id)))
    assert there == {record.prediction_id for record in [*first, *second[:2]]}


@pytest.mark.slow
def test_a_slow_database_slows_nobody_and_loses_nothing(
    database: Database, make: Callable[..., Recorder], caplog: pytest.LogCaptureFixture
) -> None:
    recorder = make()
    with locked(database):
        recorder.put(records(20))
        wait_until(lambda: "is not available" in caplog.text)  # a statement was given up
        recorder.put(records(20))

    wait_until(lambda: recorder.written == 40)

    assert recorder.counts() == Counts(put=40, written=40, dropped=0, waiting=0)
    assert logged(database.engine) == 40


def test_a_server_that_goes_down_and_comes_back_loses_nothing(
    postgres_server: Server, postgres: str, caplog: pytest.LogCaptureFixture
) -> None:
    engine = tables.engine(postgres)
    migrating.migrate(engine)
    recorder = Recorder(postgres)
    recorder.put(records(5))
    wait_until(lambda: recorder.written == 5)

    postgres_server.stop()
    try:
        recorder.put(records(7))
        wait_until(lambda: "is not available" in caplog.text)
        assert recorder.waiting == 7
    finally:
        postgres_server.start()

    wait_until(lambda: recorder.written == 12)
    recorder.close(10)
    assert logged(engine) == 12
    assert len([line for line in caplog.messages if "is not available" in line]) == 1  # once an outage, not once a try
    assert "is available again" in caplog.text
    engine.dispose()


def test_a_process_that_starts_before_its_server_writes_when_it_is_there(
    postgres_server: Server, postgres: str
) -> None:
    engine = tables.engine(postgres)
    migrating.migrate(engine)
    engine.dispose()
    postgres_server.stop()
    try:
        recorder = Recorder(postgres)
        recorder.start()
        recorder.put(records(3))
        time.sleep(0.1)
    finally:
        postgres_server.start()

    recorder.close(20)
    assert recorder.counts() == Counts(put=3, written=3, dropped=0, waiting=0)


def test_a_server_without_tables_is_said_with_its_remedy_and_records_wait_for_them(
    postgres: str, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = Recorder(postgres)
    recorder.put(records(3))
    wait_until(lambda: "`python -m app migrate` makes them" in caplog.text)
    engine = tables.engine(postgres)

    migrating.migrate(engine)

    recorder.close(20)
    assert recorder.counts() == Counts(put=3, written=3, dropped=0, waiting=0)
    engine.dispose()


def test_a_full_disk_loses_nothing_that_the_queue_can_hold(
    database: Database, make: Callable[..., Recorder], caplog: pytest.LogCaptureFixture
) -> None:
    recorder = make(capacity=5_000)
    fill(database, recorder)
    recorder.put(records(4_000))
    wait_until(lambda: "full" in caplog.text)
    assert recorder.waiting > 0

    make_room(database, recorder)

    wait_until(lambda: recorder.written == 4_000)
    recorder.close(10)
    assert recorder.counts() == Counts(put=4_000, written=4_000, dropped=0, waiting=0)
    assert logged(database.engine) == 4_000


def fill(database: Database, recorder: Recorder) -> None:
    """Let SQLite, or a trigger in the server, say that the disk is full."""
    if database.is_sqlite:
        event.listen(recorder.engine, "connect", lambda connection, _: connection.execute("PRAGMA max_page_count = 60"))
        return
    with database.engine.begin() as connection:
        connection.execute(
            text(
                "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE EXCEPTION 'no space: disk full' USING ERRCODE = 'disk_full'; END $$"
            )
        )
        connection.execute(text("CREATE TRIGGER no_space BEFORE INSERT ON predictions EXECUTE FUNCTION full_disk()"))


def make_room(database: Database, recorder: Recorder) -> None:
    if database.is_sqlite:
        with recorder.engine.connect() as connection:
            connection.execute(text("PRAGMA max_page_count = 1000000"))
    else:
        with database.engine.begin() as connection:
            connection.execute(text("DROP TRIGGER no_space ON predictions"))


# Of each kind one that no database takes: SQLite holds a NUL, so there it is no fault.
POISON: dict[str, dict[str, Any]] = {
    "a NUL": {"label": "la\0te"},
    "half a character": {"label": "\ud800"},
    "no number": {"score": float("nan")},
    "no JSON": {"inputs": {"column": object()}},
    "nothing": {"version": None},
    "a moment out of this world": {"at": 1e30},
    "a thing": {"sha256": threading.Lock()},
}


@pytest.mark.parametrize("kind", POISON)
def test_a_record_that_no_database_takes_is_dropped_alone(
    kind: str, database: Database, make: Callable[..., Recorder]
) -> None:
    recorder = make()
    some = [*records(333), *records(1, **POISON[kind]), *records(166)]
    takes = kind == "a NUL" and database.is_sqlite

    recorder.put(some)
    recorder.close(10)

    assert recorder.counts() == Counts(put=500, written=500 if takes else 499, dropped=0 if takes else 1, waiting=0)
    assert logged(database.engine) == recorder.written


def test_many_poisonous_records_are_all_found(database: Database, make: Callable[..., Recorder]) -> None:
    recorder = make()
    some = records(60) + records(5, version=None) + records(60) + records(1, version=None)

    recorder.put(some)
    recorder.close(10)

    assert recorder.counts() == Counts(put=126, written=120, dropped=6, waiting=0)


def test_a_batch_is_written_whole_or_not_at_all(database: Database, make: Callable[..., Recorder]) -> None:
    recorder = make()

    with pytest.raises(RefusedRecordsError, match="IntegrityError"):
        insert(recorder.engine, [*records(3), *records(1, version=None)])

    assert logged(database.engine) == 0


def test_a_batch_written_again_after_a_lost_answer_is_there_once(
    database: Database, make: Callable[..., Recorder]
) -> None:
    recorder, some = make(), records(30)
    insert(database.engine, some[:20])  # committed, but the writer never heard of it

    recorder.put(some)
    recorder.close(10)

    assert recorder.counts() == Counts(put=30, written=30, dropped=0, waiting=0)
    assert logged(database.engine) == 30


@pytest.mark.slow
def test_every_record_is_accounted_for_at_any_moment_whatever_happens(
    database: Database, make: Callable[..., Recorder]
) -> None:
    recorder = make(capacity=300, batch=50)
    puts, over, seen = [0] * 4, threading.Event(), []

    def put(number: int) -> None:
        draw = random.Random(number)
        while not over.is_set():
            some = records(draw.randrange(40)) + records(draw.random() < 0.05, version=None)
            recorder.put(some)
            puts[number] += len(some)
            time.sleep(draw.random() / 500)

    def watch() -> None:
        while not over.is_set():
            seen.append(recorder.counts())
            time.sleep(0.0001)

    threads = [threading.Thread(target=put, args=[number]) for number in range(4)] + [threading.Thread(target=watch)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        time.sleep(0.3)
        with locked(database):
            time.sleep(0.4)
    over.set()
    for thread in threads:
        thread.join()
    recorder.close(10)

    assert all(counts.put == counts.written + counts.dropped + counts.waiting for counts in seen)
    assert all(before.put <= after.put for before, after in pairwise(seen))
    assert max(counts.waiting for counts in seen) == 300
    assert recorder.counts().put == sum(puts)
    assert recorder.written == logged(database.engine)
    assert recorder.waiting == 0
    assert recorder.dropped > 0


def test_close_gives_up_after_its_time_and_counts_the_rest(database: Database, make: Callable[..., Recorder]) -> None:
    recorder = make()
    with locked(database):
        recorder.put(records(10))
        start = time.monotonic()
        recorder.close(0.2)
        assert 0.2 <= time.monotonic() - start < 4  # a locked database is given up after 5
        recorder.put(records(1))
        assert recorder.counts() == Counts(put=11, written=0, dropped=11, waiting=0)


def test_close_waits_for_a_database_that_comes_back_in_time(database: Database, make: Callable[..., Recorder]) -> None:
    recorder = make()
    closing = threading.Thread(target=recorder.close, args=[10])
    with locked(database):
        recorder.put(records(10))
        closing.start()
        time.sleep(0.3)
    closing.join()

    assert recorder.counts() == Counts(put=10, written=10, dropped=0, waiting=0)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_after_a_mistake_of_ours_the_next_record_starts_the_log_again(
    database: Database, make: Callable[..., Recorder], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = make()
    monkeypatch.setattr(log.engine.dialect, "name", "unheard-of")  # nobody expects the error that this makes
    log.put(records(2))
    wait_until(lambda: log._thread is not None and not log._thread.is_alive())
    monkeypatch.undo()

    log.put(records(1))
    wait_until(lambda: log.written == 3)

    assert logged(database.engine) == 3


def test_starting_and_closing_twice_is_once(make: Callable[..., Recorder]) -> None:
    recorder = make()
    before = threading.active_count()

    recorder.start()
    recorder.start()
    assert threading.active_count() == before + 1

    recorder.close(5)
    recorder.close(5)
    recorder.start()
    assert threading.active_count() == before


@pytest.mark.slow
def test_what_is_put_just_before_the_end_of_a_process_is_written(database: Database) -> None:
    migrating.migrate(database.engine)
    script = f"""
        import time
        from app.prediction_log import Record, Recorder
        Recorder({database.url!r}).put([Record("a-0", time.time(), "1", "ab", "api", 0.5, "late", {{}})])
    """

    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], env={"PYTHONPATH": f"{ROOT}:{ROOT}/src"}, check=True
    )

    assert logged(database.engine) == 1


@pytest.mark.slow
def test_a_child_begins_empty_and_writes_for_itself(database: Database) -> None:
    """As gunicorn does with `preload_app`: made before the fork, started after it; here even with records waiting."""
    migrating.migrate(database.engine)
    script = f"""
        import os, time, warnings
        from app.prediction_log import Counts, Record, Recorder, recorder
        warnings.simplefilter("ignore")  # Python 3.12 says that a fork beside threads is risky
        recorder.EVERY_SECONDS = 0.5
        record = Record("", time.time(), "1", "ab", "api", 0.5, "late", {{}})
        log = Recorder({database.url!r})
        log.put([record._replace(prediction_id="first-0")])
        while not log.written:
            time.sleep(0.01)
        log.put([record._replace(prediction_id="parent-0")])
        if child := os.fork():
            assert os.waitpid(child, 0)[1] == 0
            log.put([record._replace(prediction_id="parent-1")])
            log.close(10)
            assert log.counts() == Counts(3, 3, 0, 0), log.counts()
        else:
            assert log.counts() == Counts(0, 0, 0, 0), log.counts()
            log.put([record._replace(prediction_id="child-0")])
            log.close(10)
            assert log.counts() == Counts(1, 1, 0, 0), log.counts()
    """

    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], env={"PYTHONPATH": f"{ROOT}:{ROOT}/src"}, check=True
    )

    with database.engine.connect() as connection:
        there = set(connection.scalars(select(tables.predictions.c.prediction_id)))
    assert there == {"first-0", "parent-0", "parent-1", "child-0"}


def write_many(url: str, rows: int) -> None:
    log = Recorder(url, batch=50)
    for _ in range(rows // 100):
        log.put(records(100))
        time.sleep(0.01)
    log.close(30)
    os._exit(0 if log.counts() == Counts(rows, rows, 0, 0) else 1)


@pytest.mark.slow
def test_processes_write_at_the_same_time(database: Database) -> None:
    """Into a new file of SQLite even, of which each of them finds that its tables are missing."""
    if not database.is_sqlite:
        migrating.migrate(database.engine)
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=write_many, args=[database.url, 3_000]) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert logged(database.engine) == 9_000


def test_at_home_the_file_is_made_without_being_asked(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/predictions.db"
    recorder = Recorder(url)

    recorder.start()
    wait_until((tmp_path / "predictions.db").exists)
    recorder.put(records(2))
    recorder.close(10)

    engine = tables.engine(url)
    assert logged(engine) == 2
    with engine.connect() as connection:
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(text("PRAGMA synchronous")) == 1  # NORMAL
    engine.dispose()


def test_a_folder_where_no_file_can_be_made_costs_the_log_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = Recorder(f"sqlite:///{tmp_path}/no/such/folder/log.db", capacity=10)

    recorder.put(records(15))
    wait_until(lambda: "no/such/folder/log.db is not available: unable to open database file" in caplog.text)
    recorder.close(0)

    assert recorder.counts() == Counts(put=15, written=0, dropped=15, waiting=0)


def test_code_that_was_rolled_back_writes_on_into_newer_tables(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    engine = tables.engine(f"sqlite:///{tmp_path}/log.db")
    migrating.migrate(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        connection.execute(text("ALTER TABLE predictions ADD COLUMN newer TEXT"))

    recorder = Recorder(f"sqlite:///{tmp_path}/log.db")
    recorder.put(records(2))
    recorder.close(10)

    assert "found tables of revision '9999'" in caplog.text
    assert logged(engine) == 2
    engine.dispose()


def test_what_is_too_old_is_deleted_without_a_scheduler(database: Database, make: Callable[..., Recorder]) -> None:
    insert(database.engine, records(1_500, at=time.time() - 8 * 24 * 3600) + records(5))
    recorder = make(retention_days=7)

    recorder.start()

    wait_until(lambda: logged(database.engine) == 5)


@pytest.mark.slow
def test_what_people_asked_about_does_not_get_into_the_logs(
    database: Database, make: Callable[..., Recorder], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    recorder = make()
    with locked(database):
        recorder.put(records(2, inputs={"name": "secret"}) + records(1, version=None, inputs={"name": "secret"}))
        wait_until(lambda: "is not available" in caplog.text)
    recorder.close(10)

    assert recorder.dropped == 1
    assert "is refused: IntegrityError" in caplog.text
    assert "secret" not in caplog.text
    assert json.dumps(INPUTS) not in caplog.text
