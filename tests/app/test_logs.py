"""Each request leaves one line of JSON, with its id and without anything private."""

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app import logs
from app.requests import Row

ID = "0123-abcd-EFGH"


Configure = Callable[[], None]


@pytest.fixture
def configure() -> Iterator[Configure]:
    """Let a test log as a server does; afterwards all is as it was before."""
    root = logging.getLogger()
    handlers, level, lines, threads = root.handlers, root.level, logs._lines, logging.logThreads
    yield logs.configure
    root.handlers, logs._lines = handlers, lines
    root.setLevel(level)
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = threads


def test_a_request_leaves_one_line_with_its_id(
    client: FlaskClient, configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    configure()
    client.get('/now"here?key=secret', headers={"X-Request-Id": ID, "Authorization": "Bearer secret"})

    (line,) = capsys.readouterr().out.splitlines()
    said = json.loads(line)
    assert (said["request_id"], said["method"], said["path"], said["status"]) == (ID, "GET", '/now"here', 404)
    assert said["milliseconds"] >= 0
    assert "secret" not in line


def test_nothing_of_a_body_is_logged(
    client: FlaskClient, row: Row, configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    configure()
    client.post("/predict", json={"rows": [row | {"flight_id": "private"}]})
    client.post("/predict", json={"rows": [row | {"private": "private"}]})

    assert "private" not in capsys.readouterr().out


def test_a_mistake_of_ours_is_one_line_too(configure: Configure, capsys: pytest.CaptureFixture[str]) -> None:
    configure()
    try:
        raise RuntimeError("of ours")
    except RuntimeError as error:
        logging.getLogger("app").error("a request failed", exc_info=error, extra={"about": {"request_id": ID}})

    (line,) = capsys.readouterr().out.splitlines()
    said = json.loads(line)
    assert (said["level"], said["request_id"]) == ("error", ID)
    assert "RuntimeError: of ours" in said["traceback"]


def test_a_line_that_cannot_be_written_spoils_no_answer(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    full = Path("/dev/full").open("w")  # noqa: SIM115 (to close it fails too)
    monkeypatch.setattr(logs, "_lines", full)

    assert client.get("/healthz").status_code == 200
    with pytest.raises(OSError, match="No space left"):
        full.close()
