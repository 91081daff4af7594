"""Who may ask, how often and with what; and what no answer ever gives away."""

import time
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr

from app import create_app
from app.config import Config
from app.limiter import QuietMemory
from app.requests import Row

KEY = "a key of a program"
TOKEN = "a token of a monitor"


def served(config: Config, **changes: Any) -> FlaskClient:
    return create_app(config.model_copy(update=changes)).test_client()


@pytest.mark.parametrize("path", ["/healthz", "/model", "/docs", "/nowhere", "/predict"])
def test_every_answer_has_the_security_headers(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers

    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert len(headers.get_all("Cache-Control")) == 1
    assert "Strict-Transport-Security" not in headers


def test_browsers_that_came_by_https_stay_with_it(config: Config) -> None:
    direct, behind_a_proxy = served(config), served(config, trusted_proxies=1)

    came_by_https = {"X-Forwarded-Proto": "https"}

    assert "Strict-Transport-Security" in behind_a_proxy.get("/healthz", headers=came_by_https).headers
    assert "Strict-Transport-Security" not in direct.get("/healthz", headers=came_by_https).headers


def test_a_request_id_is_taken_if_it_is_one(client: FlaskClient) -> None:
    good, bad = "0123-abcd-EFGH", 'x"; DROP TABLE'

    assert client.get("/healthz", headers={"X-Request-Id": good}).headers["X-Request-Id"] == good
    assert client.get("/healthz", headers={"X-Request-Id": bad}).headers["X-Request-Id"] != bad
    assert (client.get("/nowhere", headers={"X-Request-Id": good}).json or {})["request_id"] == good


def test_predictions_need_a_key_where_there_are_keys(config: Config, row: Row) -> None:
    client = served(config, api_keys=(SecretStr("another key of theirs"), SecretStr(KEY)))

    def status(**headers: str) -> int:
        return client.post("/predict", json={"rows": [row]}, headers=headers).status_code

    assert status() == 401
    assert status(Authorization=f"Bearer {KEY[:-1]}") == 401
    assert status(Authorization=f"Basic {KEY}") == 401
    assert status(Authorization=f"Bearer {KEY}") == 200
    assert client.post("/predict", json={"rows": [row]}, headers={"X-Api-Key": KEY}).status_code == 200
    assert client.get("/model").status_code == 200


def test_metrics_need_the_token_where_there_is_one(config: Config) -> None:
    client = served(config, metrics_token=SecretStr(TOKEN))

    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200


def test_who_asks_too_often_is_told_when_to_come_back(config: Config) -> None:
    client = served(config, rate_limit="3/minute")

    answers = [client.get("/model") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert client.get("/healthz").status_code == 200
    assert client.get("/model", environ_overrides={"REMOTE_ADDR": "10.0.0.9"}).status_code == 200


def test_one_caller_cannot_pose_as_many_unless_a_proxy_is_trusted(config: Config) -> None:
    direct, behind_a_proxy = (
        served(config, rate_limit="1/minute"),
        served(config, rate_limit="1/minute", trusted_proxies=1),
    )

    def statuses(client: FlaskClient) -> list[int]:
        return [client.get("/model", headers={"X-Forwarded-For": f"10.0.0.{host}"}).status_code for host in (1, 2)]

    assert statuses(direct) == [200, 429]
    assert statuses(behind_a_proxy) == [200, 200]


@pytest.mark.parametrize(
    ("one", "another", "status"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", 429),
        ("2001:db8::1", "2001:db8:0:1::1", 200),
        ("::ffff:10.0.0.1", "::ffff:10.0.0.2", 200),
        ("::ffff:10.0.0.1", "10.0.0.1", 429),
        ("no address: 1", "no address: 2", 200),
    ],
)
def test_the_addresses_of_one_network_of_ipv6_are_one_caller(
    config: Config, one: str, another: str, status: int
) -> None:
    client = served(config, rate_limit="1/minute")

    client.get("/model", environ_overrides={"REMOTE_ADDR": one})

    assert client.get("/model", environ_overrides={"REMOTE_ADDR": another}).status_code == status


def test_requests_pass_and_are_counted_while_redis_is_not_reached(config: Config) -> None:
    client = served(config, rate_limit="1/minute", redis_url="redis://127.0.0.1:1/0")

    started = time.monotonic()
    statuses = [client.get("/model").status_code for _ in range(20)]

    assert statuses == [200] * 20
    assert "holdfast_rate_limit_failures_total 20.0" in client.get("/metrics").text
    assert time.monotonic() - started < 2


def test_expired_counts_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = QuietMemory()
    now = time.time()
    for caller in range(100):
        memory.incr(f"caller {caller}", 60)
    assert (memory.incr("caller 0", 60), len(memory.storage)) == (2, 100)

    monkeypatch.setattr("app.limiter.time.time", lambda: now + 120)

    assert (memory.incr("caller 0", 60), len(memory.storage)) == (1, 1)


def test_a_mistake_of_ours_gives_nothing_away_and_is_logged(
    app: Flask, row: Row, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the password is swordfish")

    app.extensions["holdfast"].predictor.predict = fail
    headers = {"X-Request-Id": "0123-abcd-EFGH"}

    answer = app.test_client().post("/predict", json={"rows": [row]}, headers=headers)

    assert (answer.status_code, answer.content_type) == (500, "application/problem+json")
    assert "swordfish" not in answer.text
    assert "Traceback" not in answer.text
    (record,) = [record for record in caplog.records if record.exc_info]
    assert "swordfish" in str(record.exc_info[1])  # type: ignore[index]
    assert record.about["request_id"] == "0123-abcd-EFGH"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("method", "path", "accept", "status", "kind"),
    [
        ("GET", "/nowhere", "*/*", 404, "application/problem+json"),
        ("GET", "/nowhere", "text/html,*/*;q=0.8", 404, "text/html; charset=utf-8"),
        ("GET", "/predict", "text/html", 405, "application/problem+json"),
        ("DELETE", "/model", "*/*", 405, "application/problem+json"),
        ("GET", "/static/../app.py", "*/*", 404, "application/problem+json"),
        ("GET", "/<script>alert(1)</script>", "text/html", 404, "text/html; charset=utf-8"),
    ],
)
def test_mistakes_are_said_as_a_problem_or_as_a_page(
    client: FlaskClient, method: str, path: str, accept: str, status: int, kind: str
) -> None:
    answer = client.open(path, method=method, headers={"Accept": accept})

    assert (answer.status_code, answer.content_type) == (status, kind)
    assert "<script>" not in answer.text
    if status == 405:
        assert "OPTIONS" in answer.headers["Allow"]


def test_programs_get_no_cookie(client: FlaskClient, row: Row) -> None:
    assert "Set-Cookie" not in client.post("/predict", json={"rows": [row]}).headers
