"""A prediction leads back to the model that gave it, from SQLite and from PostgreSQL, and nothing is changed."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from app.prediction_log import Record, migrating
from app.prediction_log.writing import insert
from holdfast import ancestry, environments, logged, registry
from holdfast.errors import UserError
from stores import register

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.params import Params
    from holdfast.store import Store
    from postgres import Database

pytest_plugins = ["postgres"]

ID = f"{'0123abcd' * 4}-17"
AT = datetime(2026, 11, 21, 16, 0, 5, tzinfo=UTC)


@pytest.fixture
def filled(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A log with one prediction, and its address in the environment as the service has it."""
    migrating.migrate(database.engine)
    insert(database.engine, [Record(ID, AT.timestamp(), "1", "ab" * 32, "api", 0.3125, "late", {"carrier": "UA"})])
    monkeypatch.setenv("DATABASE_URL", database.url)
    return database


def test_a_prediction_is_found_with_its_model_score_and_moment(filled: Database, tmp_path: Path) -> None:
    found = logged.find(tmp_path, ID)

    assert found == logged.Prediction(
        prediction_id=ID, at=AT, source="api", score=0.3125, label="late", version="1", sha256="ab" * 32
    )
    assert found.line() == f"{ID}: late, 0.3125, 2026-11-21 16:00:05 UTC (api)"


def test_a_predicted_number_is_said_once(filled: Database, tmp_path: Path) -> None:
    number = logged.find(tmp_path, ID).model_copy(update={"score": 151.25, "label": "151.25"})

    assert number.line() == f"{ID}: 151.25, 2026-11-21 16:00:05 UTC (api)"


def test_one_that_the_log_does_not_know_is_told(filled: Database, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=rf"found no prediction {ID[:-1]}\.\n  fix: see that DATABASE_URL"):
        logged.find(tmp_path, ID[:-1])


def test_a_database_without_a_log_is_told(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database.url)
    database.engine.connect().close()  # SQLite makes the file

    with pytest.raises(UserError, match="the prediction log is not read: .*predictions"):
        logged.find(tmp_path, ID)


def test_the_log_is_only_read_and_a_file_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)

    with pytest.raises(UserError, match=r"predictions\.db: found no prediction log\.\n  fix: set DATABASE_URL"):
        logged.find(tmp_path, ID)

    assert [*tmp_path.iterdir()] == []


def test_the_file_in_the_folder_of_the_project_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    columns = ", ".join(logged.Prediction.model_fields)
    with sqlite3.connect(tmp_path / "predictions.db") as database:
        database.execute(f"CREATE TABLE predictions ({columns})")
        values = (ID, AT.isoformat(), "form", 0.5, "late", "1", "ab" * 32)
        database.execute("INSERT INTO predictions VALUES (?, ?, ?, ?, ?, ?, ?)", values)
    database.close()

    assert logged.find(tmp_path, ID).source == "form"


@pytest.mark.parametrize("url", ["postgres", "postgresql", "postgresql+psycopg"])
def test_a_server_that_is_not_reached_is_told_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"{url}://ann:secret@127.0.0.1:1/log")

    with pytest.raises(UserError, match=r"127\.0\.0\.1/log: the prediction log is not read: .*refused") as caught:
        logged.find(tmp_path, ID)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["nonsense secret", "mysql://ann:secret@host/log", "sqlite://", "://"])
def test_an_address_of_another_kind_is_told_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)

    with pytest.raises(UserError, match="DATABASE_URL: found something else, expected sqlite:///FILE") as caught:
        logged.find(tmp_path, ID)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("given", ["", "12", ID.upper(), f"{ID}'; DROP TABLE predictions", ID[:32]])
def test_what_is_no_prediction_id_is_told(tmp_path: Path, given: str) -> None:
    with pytest.raises(UserError, match="--prediction: found .* expected 32 digits of a hash, a hyphen and a number"):
        logged.find(tmp_path, given)


def test_a_prediction_by_a_model_that_nobody_registered_says_what_the_log_knows(
    opened: Store, params: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    test_the_file_in_the_folder_of_the_project_is_the_default(tmp_path, monkeypatch)
    monkeypatch.delenv("HOLDFAST_ENV", raising=False)
    (tmp_path / "bundle").mkdir()
    register(opened, "flight-delay-dev", tmp_path / "bundle", **{registry.SHA256: "cd" * 32})

    said = rf"no version has the model (ab){{32}}; the log says of {ID}: late, 0\.5, .* UTC \(form\), by version 1\."
    with pytest.raises(UserError, match=f"flight-delay-dev: {said}"):
        ancestry.of_prediction(tmp_path, environments.current(params), ID)
