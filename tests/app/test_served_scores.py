"""The score that the evaluation saw is the score that the service answers, bit for bit, for every row of the holdout."""

import json

import numpy as np
import pandas as pd
import pytest
from flask.testing import FlaskClient

from app import create_app
from app.config import Config
from conftest import ROOT, made
from holdfast import files
from holdfast.bundle import Golden
from holdfast.files import Workspace
from holdfast.schema import Schema

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]


@pytest.fixture(scope="module")
def real() -> FlaskClient:
    bundle = made(Workspace(ROOT).evaluate / "bundle")
    return create_app(Config(model_uri=str(bundle), prediction_log=False, rate_limit="off")).test_client()


@pytest.fixture(scope="module")
def evaluated(holdout: pd.DataFrame) -> Golden:
    """Every row of the holdout as a request brings it, with its score."""
    scores = files.read(made(Workspace(ROOT).evaluate / "scores.parquet"))["score"].to_numpy()
    schema = files.read_json(Workspace(ROOT).prepare / "schema.json", Schema)
    return Golden.of(holdout, scores, schema, count=len(holdout))


def answered(client: FlaskClient, rows: object) -> list[float]:
    answer = client.post("/predict", data=json.dumps({"rows": rows}), content_type="application/json")
    assert answer.status_code == 200, answer.text[:500]
    return [one["score"] for one in answer.json["predictions"]]  # type: ignore[index]


@pytest.mark.parametrize("size", [10_000, 100, 1])
def test_every_row_of_the_holdout(real: FlaskClient, evaluated: Golden, size: int) -> None:
    rows = evaluated.rows

    scores = [score for first in range(0, len(rows), size) for score in answered(real, rows[first : first + size])]

    assert np.array(scores).tobytes() == np.array(evaluated.scores).tobytes()
