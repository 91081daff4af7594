"""The true label, told later: once is enough, twice does no harm, and a contradiction is said."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from app import __main__ as door
from app.prediction_log import Record, Recorder, migrating, outcomes, retention, tables
from app.prediction_log.writing import insert

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from postgres import Database

pytest_plugins = ["postgres"]

DAY = 24 * 3600


@pytest.fixture
def engine(database: Database) -> Engine:
    migrating.migrate(database.engine)
    return database.engine


def predict(engine: Engine, rows: int = 1, days_ago: float = 0) -> list[str]:
    """Write predictions, and return their ids."""
    ids = [f"{uuid4().hex}-{row}" for row in range(rows)]
    at = time.time() - days_ago * DAY
    insert(engine, [Record(name, at, "1", "ab", "api", 0.5, "late", {}) for name in ids])
    return ids


def stored(engine: Engine) -> dict[str, str]:
    table = tables.outcomes.c
    with engine.connect() as connection:
        return {row.prediction_id: row.label for row in connection.execute(select(table.prediction_id, table.label))}


def test_a_label_is_stored_with_the_moment_it_was_told(engine: Engine) -> None:
    [late, punctual] = predict(engine, rows=2)

    assert outcomes.store(engine, [(late, "late"), (punctual, "on time")]) == ["stored", "stored"]

    assert stored(engine) == {late: "late", punctual: "on time"}
    with engine.connect() as connection:
        told = connection.scalar(select(tables.outcomes.c.at).limit(1))
    assert told is not None
    assert told.tzinfo is UTC
    assert timedelta(0) <= datetime.now(UTC) - told < timedelta(minutes=1)


def test_a_label_told_again_changes_nothing(engine: Engine) -> None:
    [known] = predict(engine)
    outcomes.store(engine, [(known, "late")])

    assert outcomes.store(engine, [(known, "late")]) == ["already_known"]

    assert stored(engine) == {known: "late"}


def test_another_label_for_the_same_prediction_is_a_contradiction_and_the_first_one_stays(engine: Engine) -> None:
    [known] = predict(engine)
    outcomes.store(engine, [(known, "late")])

    assert outcomes.store(engine, [(known, "on time")]) == ["contradicts"]

    assert stored(engine) == {known: "late"}


@pytest.mark.parametrize("strange", ["never-0", "", "\0", "'; DROP TABLE outcomes; --", "\ud800", "x" * 10_000])
def test_a_prediction_that_is_not_in_the_log_is_unknown_and_others_are_stored(engine: Engine, strange: str) -> None:
    [known] = predict(engine)

    assert outcomes.store(engine, [(strange, "late"), (known, "late")]) == ["unknown", "stored"]

    assert stored(engine) == {known: "late"}


def test_a_prediction_on_its_way_is_unknown_until_it_is_written(database: Database) -> None:
    migrating.migrate(database.engine)
    recorder = Recorder(database.url)
    with tables.writing(database.engine) as connection:  # keeps the recorder from writing
        if not database.is_sqlite:
            connection.exec_driver_sql("LOCK TABLE predictions IN SHARE MODE")
        recorder.put([Record("a-0", time.time(), "1", "ab", "api", 0.5, "late", {})])
        with database.engine.connect() as other:
            assert other.scalar(select(func.count()).select_from(tables.predictions)) == 0
    recorder.close(10)

    assert outcomes.store(database.engine, [("a-0", "late")]) == ["stored"]


def test_one_call_may_tell_the_same_prediction_several_times(engine: Engine) -> None:
    [known] = predict(engine)

    verdicts = outcomes.store(engine, [(known, "late"), (known, "late"), (known, "on time")])

    assert verdicts == ["stored", "already_known", "contradicts"]
    assert stored(engine) == {known: "late"}


def test_nothing_told_is_nothing_stored(engine: Engine) -> None:
    assert outcomes.store(engine, []) == []


def test_verdicts_come_in_the_order_given_however_many_they_are(engine: Engine) -> None:
    known = predict(engine, rows=1_200)
    told = [(name, "late") for pair in zip(known, (f"no-{row}" for row in range(1_200)), strict=True) for name in pair]

    assert outcomes.store(engine, told) == ["stored", "unknown"] * 1_200
    assert outcomes.store(engine, told[::-1]) == ["unknown", "already_known"] * 1_200


def test_each_label_is_stored_by_one_of_many_callers_at_once(engine: Engine) -> None:
    known = predict(engine, rows=300)
    orders = [known, known[::-1], known[150:] + known[:150], known[::2] + known[1::2]]

    with ThreadPoolExecutor(4) as pool:
        verdicts = list(pool.map(lambda order: outcomes.store(engine, [(name, "late") for name in order]), orders))

    said = [verdict for some in verdicts for verdict in some]
    assert said.count("stored") == 300
    assert said.count("already_known") == 900
    assert stored(engine) == dict.fromkeys(known, "late")


def test_pruning_takes_what_is_too_old_with_its_outcomes_and_nothing_else(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 10)
    old, new = predict(engine, rows=25, days_ago=30.1), predict(engine, rows=5, days_ago=29.9)
    outcomes.store(engine, [(old[0], "late"), (new[0], "late")])

    assert retention.prune(engine, days=30) == 25
    assert retention.prune(engine, days=30) == 0

    assert stored(engine) == {new[0]: "late"}
    assert outcomes.store(engine, [(old[1], "late"), (new[1], "late")]) == ["unknown", "stored"]


def test_in_postgresql_one_process_prunes_at_a_time(postgres: str) -> None:
    engine = tables.engine(postgres)
    migrating.migrate(engine)
    predict(engine, rows=3, days_ago=9)

    with engine.begin() as another:
        another.exec_driver_sql(f"SELECT pg_advisory_xact_lock({retention.LOCK})")
        assert retention.prune(engine, days=1) == 0
    assert retention.prune(engine, days=1) == 3
    engine.dispose()


def test_the_door_prunes(
    database: Database, engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    predict(engine, rows=1_001, days_ago=8)
    monkeypatch.setenv("DATABASE_URL", database.url)
    monkeypatch.setenv("LOG_RETENTION_DAYS", "7")

    assert door.main(["prune"]) == 0

    assert capsys.readouterr().out == f"{tables.shown(engine)}: deleted 1,001 predictions older than 7 days\n"


def test_the_door_says_that_tables_are_missing(
    database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", database.url)
    monkeypatch.setenv("LOG_RETENTION_DAYS", "7")

    assert door.main(["prune"]) == 2

    assert "`python -m app migrate` makes the tables." in capsys.readouterr().err


def test_the_door_prunes_nothing_where_the_age_is_a_mistake(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOG_RETENTION_DAYS", "0")

    assert door.main(["prune"]) == 2

    assert "LOG_RETENTION_DAYS: found '0', expected a whole number of days" in capsys.readouterr().err
