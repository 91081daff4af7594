"""Ready means proven: the golden rows have exactly the scores that the evaluation saw."""

import dataclasses
import json
import logging
import shutil
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from app.config import Config
from app.metrics import Metrics
from app.predictor import Predictor
from app.requests import Row
from holdfast.bundle import Bundle
from holdfast.errors import UserError


def test_a_proven_model_is_ready(client: FlaskClient, bundle: Bundle) -> None:
    answer: Any = client.get("/readyz")

    assert (answer.status_code, answer.json["model"]["sha256"]) == (200, bundle.sha256)


@pytest.fixture
def unproven(config: Config, tmp_path: Path) -> Config:
    """A service of a bundle whose first golden score is off by the smallest bit."""
    folder = tmp_path / "bundle"
    shutil.copytree(config.model_uri, folder)
    golden = json.loads((folder / "golden.json").read_text())
    golden["scores"][0] += 1e-9
    (folder / "golden.json").write_text(json.dumps(golden))
    return config.model_copy(update={"model_uri": str(folder)})


def test_a_model_that_scores_otherwise_is_never_ready_and_predicts_nothing(
    unproven: Config, row: Row, caplog: pytest.LogCaptureFixture
) -> None:
    client = create_app(unproven).test_client()

    ready, predicted = client.get("/readyz"), client.post("/predict", json={"rows": [row]})

    assert (ready.status_code, predicted.status_code, client.get("/healthz").status_code) == (503, 503, 200)
    assert ready.content_type == "application/problem+json"
    assert "not ready: golden row 0: found" in caplog.text


def test_rows_that_are_read_otherwise_than_the_evaluation_read_them_are_found_out(app: Flask, bundle: Bundle) -> None:
    service = app.extensions["holdfast"]
    predictor = Predictor(bundle, Metrics(), None)
    read = service.reader.read

    class Shifting:
        max_rows = service.reader.max_rows

        def read(self, body: bytes) -> Any:
            request = read(body)
            rows = [row | {"distance": 6_000 - row["distance"]} for row in request.rows]
            return dataclasses.replace(request, rows=rows)

    predictor.rehearse(Shifting())  # type: ignore[arg-type]

    assert not predictor.ready


def test_a_model_whose_golden_rows_no_request_may_bring_is_not_ready_and_says_why(
    config: Config, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(config.model_uri, folder)
    bundle = Bundle.load(folder)
    rows = [row | {"carrier": ""} for row in bundle.golden.rows]
    scores = bundle.model.score_columns(bundle.columns(rows)).tolist()
    (folder / "golden.json").write_text(json.dumps({"rows": rows, "scores": scores}))

    client = create_app(config.model_copy(update={"model_uri": str(folder)})).test_client()

    assert client.get("/readyz").status_code == 503
    assert "not ready: golden rows: 100 rows are not as the schema says" in caplog.text
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    about = record.about  # type: ignore[attr-defined]
    assert (about["row"], about["field"], "found" in about) == (0, "carrier", False)


def test_a_damaged_model_is_not_started(config: Config, tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(config.model_uri, folder)
    content = bytearray((folder / "model.skops").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "model.skops").write_bytes(content)

    with pytest.raises(UserError, match="not the file that was saved"):
        create_app(config.model_copy(update={"model_uri": str(folder)}))


def test_a_missing_secret_key_is_warned_of(config: Config, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        create_app(config.model_copy(update={"secret_key": None}))

    assert "SECRET_KEY is not set" in caplog.text
