"""The score that the evaluation saw is the score that everyone else gets, bit for bit."""

import numpy as np
import pandas as pd
import pytest

from conftest import ROOT, made
from holdfast import files
from holdfast.files import Workspace
from holdfast.model import Model

pytestmark = pytest.mark.no_cover  # to measure would take as long again, on lines that other tests cover


@pytest.fixture(scope="module")
def evaluated(holdout: pd.DataFrame) -> pd.DataFrame:
    scores = files.read(made(Workspace(ROOT).evaluate / "scores.parquet"))
    assert scores["flight_id"].tolist() == holdout["flight_id"].tolist()
    return scores


def test_the_whole_holdout(real_model: Model, holdout: pd.DataFrame, evaluated: pd.DataFrame) -> None:
    assert real_model.score(holdout).tobytes() == evaluated["score"].to_numpy().tobytes()


@pytest.mark.parametrize("size", [pytest.param(70, marks=pytest.mark.slow), 1_000])
def test_chunks(real_model: Model, holdout: pd.DataFrame, evaluated: pd.DataFrame, size: int) -> None:
    scores = [real_model.score(holdout.iloc[start : start + size]) for start in range(0, len(holdout), size)]

    assert np.concatenate(scores).tobytes() == evaluated["score"].to_numpy().tobytes()


@pytest.mark.slow
def test_each_row_on_its_own(real_model: Model, holdout: pd.DataFrame, evaluated: pd.DataFrame) -> None:
    """Some rows, as a table; the web app's tests take every one, by a request of its own (app/test_served_scores.py)."""
    places = np.arange(0, len(holdout), 31)

    scores = [real_model.score(holdout.iloc[place : place + 1]) for place in places]

    assert np.concatenate(scores).tobytes() == evaluated["score"].to_numpy()[places].tobytes()


def test_rows_as_a_request_would_bring_them(real_model: Model, holdout: pd.DataFrame, evaluated: pd.DataFrame) -> None:
    rows = holdout.head(500)
    brought = pd.DataFrame(rows.drop(columns=["flight_id", "arrival"]).to_dict("records"))

    assert real_model.score(brought).tobytes() == evaluated["score"].head(500).to_numpy().tobytes()
