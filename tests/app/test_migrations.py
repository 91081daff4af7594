"""The tables are what the code says they are, however often and by however many they were made."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import insert, inspect, text
from sqlalchemy.exc import DBAPIError

from app import __main__ as door
from app.prediction_log import migrating, tables
from conftest import ROOT
from holdfast.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from postgres import Database

pytest_plugins = ["postgres"]


def test_migrations_make_what_the_code_expects(database: Database) -> None:
    migrating.migrate(database.engine)

    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, tables.metadata) == []


def test_an_index_finds_what_is_too_old(database: Database) -> None:
    migrating.migrate(database.engine)

    assert [index["column_names"] for index in inspect(database.engine).get_indexes("predictions")] == [["at"]]


def test_migrating_again_does_nothing(database: Database) -> None:
    assert not tables.are_current(database.engine)

    assert migrating.migrate(database.engine) == ["0001: Make the tables of predictions and outcomes."]
    assert migrating.migrate(database.engine) == []

    assert tables.are_current(database.engine)


def test_a_migration_waits_for_another(database: Database) -> None:
    with tables.writing(database.engine) as another:
        if another.dialect.name == "postgresql":
            another.exec_driver_sql(f"SELECT pg_advisory_xact_lock({migrating.LOCK})")
        migration = threading.Thread(target=migrating.migrate, args=[database.engine])
        migration.start()
        time.sleep(0.2)
        assert inspect(another).get_table_names() == []
    migration.join(10)

    assert tables.are_current(database.engine)


@pytest.mark.slow
def test_many_that_migrate_at_once_do_not_collide(database: Database) -> None:
    command = [sys.executable, "-m", "app", "migrate"]
    environment = {"DATABASE_URL": database.url, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"}
    running = [
        subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(6)
    ]

    said = [process.communicate()[0] for process in running]

    assert [process.returncode for process in running] == [0] * 6, said
    assert sum("0001: Make the tables" in text for text in said) == 1
    assert sum("is up to date, revision 0001" in text for text in said) == 5


def test_a_database_newer_than_the_code_is_left_alone(database: Database) -> None:
    migrating.migrate(database.engine)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(UserError, match=r"found tables of revision '9999', expected 0001 or older\."):
        migrating.migrate(database.engine)


def test_a_migration_that_fails_leaves_nothing_behind(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("CREATE TABLE outcomes (already_there INTEGER)"))  # the second table to be made

    with pytest.raises(Exception, match="outcomes.* already exists"):
        migrating.migrate(database.engine)

    assert inspect(database.engine).get_table_names() == ["outcomes"]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("no url, but secret", "found something that is no URL"),
        ("postgres://me:pass@word:secret@db/x", "found something that is no URL"),
        ("postgres://me:pass@secret@db/x", "found more than one @"),
        ("mysql://u:secret@localhost/log", r"found 'mysql://\.\.\.'"),
        ("sqlite://", "found no file after 'sqlite://'"),
        ("sqlite:///:memory:", "found no file after 'sqlite://'"),
    ],
)
def test_a_url_that_leads_nowhere_is_refused_without_its_password(url: str, message: str) -> None:
    with pytest.raises(UserError, match=f"^error: DATABASE_URL: {message}, expected sqlite:///FILE or ") as caught:
        tables.engine(url)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgresql_is_reached_through_psycopg_however_it_is_spelled(scheme: str) -> None:
    engine = tables.engine(f"{scheme}://u:secret@db.example.org/log?sslmode=require&connect_timeout=2")

    assert engine.url.drivername == "postgresql+psycopg"
    assert engine.url.query == {"sslmode": "require", "connect_timeout": "2"}
    assert tables.shown(engine) == "db.example.org/log"


def test_the_door_migrates(
    database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", database.url)

    assert [door.main(["migrate"]), door.main(["migrate"])] == [0, 0]

    name = tables.shown(database.engine)
    assert capsys.readouterr().out.splitlines() == [
        f"{name}: 0001: Make the tables of predictions and outcomes.",
        f"{name}: is up to date, revision 0001",
    ]


def test_the_door_leaves_a_database_alone_where_the_log_is_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/log.db")
    monkeypatch.setenv("PREDICTION_LOG", "off")

    assert door.main(["migrate"]) == 0

    assert capsys.readouterr().out == "PREDICTION_LOG is off: there are no tables to bring up to date\n"
    assert not (tmp_path / "log.db").exists()


def test_an_error_of_the_database_does_not_show_what_people_asked_about(database: Database) -> None:
    row = {"prediction_id": "a-0", "at": datetime.now(UTC), "version": "1", "sha256": "ab", "source": "api"}
    row |= {"score": 0.5, "label": "late", "inputs": {"name": "secret"}}

    with pytest.raises(DBAPIError, match="predictions") as caught, database.engine.begin() as connection:
        connection.execute(insert(tables.predictions), row)  # into a table that is not there

    assert "secret" not in str(caught.value)


def test_a_database_that_is_not_there_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/no/such/folder/log.db")

    assert door.main(["migrate"]) == 2

    assert "/no/such/folder/log.db says: unable to open database file; expected" in capsys.readouterr().err
