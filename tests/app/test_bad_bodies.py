"""No body makes the service fail or work for long: each is refused with a problem that says why."""

import http.client
import io
import time
from collections.abc import Iterator
from threading import Thread

import pytest
from bad_bodies import BODIES, JSON, REQUEST, Bad
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from app import create_app
from app.config import Config
from app.problems import TYPE, ProblemDocument
from conftest import Project

MOST_SECONDS = 0.1
LISTED = [pytest.param(bad, id=bad.name) for bad in BODIES]


@pytest.fixture(scope="module")
def shared(finished_project: Project) -> FlaskClient:
    folder = str(finished_project.workspace.evaluate / "bundle")
    return create_app(Config(model_uri=folder, prediction_log=False, rate_limit=None)).test_client()


def send(client: FlaskClient, bad: Bad) -> tuple[TestResponse, float]:
    """Send a body, and return the answer and the seconds of work that it took."""
    started = time.process_time()
    answer = client.post("/predict", data=bad.body, headers=bad.headers)
    return answer, time.process_time() - started


def test_there_are_many_and_no_two_are_called_the_same() -> None:
    assert len(BODIES) >= 200
    assert len({bad.name for bad in BODIES}) == len(BODIES)


def test_the_body_that_they_are_made_from_is_good(shared: FlaskClient) -> None:
    assert shared.post("/predict", data=REQUEST, content_type=JSON).status_code == 200


@pytest.mark.parametrize("bad", LISTED)
def test_a_bad_body_is_refused_at_once_and_with_a_reason(bad: Bad, shared: FlaskClient) -> None:
    answer, seconds = send(shared, bad)
    if seconds >= MOST_SECONDS:  # another process may have been in the way
        answer, seconds = send(shared, bad)

    assert 400 <= answer.status_code < 500
    assert answer.content_type == TYPE
    problem = ProblemDocument.model_validate_json(answer.data)
    assert problem.status == answer.status_code
    assert problem.request_id == answer.headers["X-Request-Id"]
    assert len(answer.data) < 1_000_000
    assert seconds < MOST_SECONDS


@pytest.fixture(scope="module")
def port(shared: FlaskClient) -> Iterator[int]:
    """The service behind a real socket."""
    app: Flask = shared.application
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server.port
    server.shutdown()
    thread.join()


def test_a_body_of_50_mb_is_refused_by_its_announced_length(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest("POST", "/predict")
    connection.putheader("Content-Type", JSON)
    connection.putheader("Content-Length", "50000000")
    connection.endheaders()

    answer = connection.getresponse()  # before a byte of the body is sent

    assert (answer.status, answer.getheader("Content-Type")) == (413, TYPE)
    connection.close()


def test_a_body_that_comes_in_chunks_is_refused_when_it_grows_too_long(shared: FlaskClient) -> None:
    endless = io.BytesIO(b" " * 50_000_000)  # as gunicorn gives it: it ends, but nobody said where

    started = time.process_time()
    answer = shared.post(
        "/predict",
        headers={"Transfer-Encoding": "chunked", "Content-Type": JSON},
        environ_overrides={"wsgi.input": endless, "wsgi.input_terminated": True},
    )

    assert (answer.status_code, answer.content_type) == (413, TYPE)
    assert endless.tell() < 7_000_000
    assert time.process_time() - started < MOST_SECONDS
