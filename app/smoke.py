"""Try the app before it is released: every address answers, and every golden row gets its score.

It runs as the platform's release step, with the environment and the packages that will serve. No socket is opened and
nothing is written: requests go straight into the application, whose prediction log and rate limit are off.
"""

import json
from collections.abc import Iterator
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr
from sqlalchemy import Engine

from app import create_app, service
from app.config import Config
from app.prediction_log import tables
from holdfast.errors import UserError

FIX = "see the log above; what is deployed now goes on serving"


def answers(config: Config) -> Iterator[str]:
    """Ask for everything once, and say what was answered.

    Raises: UserError for the first answer that is wrong.
    """
    app = create_app(config.model_copy(update={"prediction_log": False, "rate_limit": None}))
    client = app.test_client()
    headers = _bearer(config.metrics_token)
    for path in _paths(app):
        status = client.get(path, headers=headers, follow_redirects=True).status_code
        _require(f"GET {path}", status, 200)
        yield f"{status} GET {path}"
    yield _predict(client, config, service.of(app))
    refusal = client.post("/outcomes", json={"outcomes": []}).status_code
    _require("POST /outcomes without its token", refusal, 401 if config.outcomes_token else 503)
    yield f"{refusal} POST /outcomes, without its token"


def require_tables(engine: Engine) -> str:
    """Look whether the prediction log can be written.

    Raises: UserError where its tables are not those of this code.
    """
    if not tables.are_current(engine):
        raise UserError(
            f"{tables.shown(engine)}: found no tables of revision {tables.REVISION}, expected the prediction log.",
            fix="run `python -m app migrate`",
        )
    return f"{tables.shown(engine)}: revision {tables.REVISION}"


def _paths(app: Flask) -> list[str]:
    """Return every address that can be asked for without knowing more."""
    rules = (rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ()) and not rule.arguments)
    return sorted({rule.rule for rule in rules})


def _scores(prediction: dict[str, Any]) -> Any:
    return tuple(prediction["scores"].values()) if "scores" in prediction else prediction["score"]


def _predict(client: FlaskClient, config: Config, parts: service.Service) -> str:
    golden = parts.bundle.golden
    headers = _bearer(config.api_keys[0] if config.api_keys else None)
    scores: list[Any] = []
    for start in range(0, len(golden.rows), config.max_rows):
        rows = golden.rows[start : start + config.max_rows]
        answer = client.post("/predict", json={"rows": rows}, headers=headers)
        _require("POST /predict with golden rows", answer.status_code, 200)
        scores += map(_scores, json.loads(answer.data)["predictions"])
    _require("POST /predict: scores of the golden rows", scores, list(golden.scores))
    return f"200 POST /predict, model {parts.bundle.version}: {len(scores)} golden rows, each with its score"


def _bearer(token: SecretStr | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}


def _require(where: str, found: object, expected: object) -> None:
    if found != expected:
        raise UserError(f"{where}: found {found!s:.200}, expected {expected!s:.200}.", fix=FIX)
