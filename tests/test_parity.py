"""The score that the evaluation saw is the score that everyone else gets, bit for bit."""

import numpy as np
import pandas as pd
import pytest

from conftest import ROOT
from holdfast import files
from holdfast.files import Workspace
from holdfast.model import Model

WORKSPACE = Workspace(ROOT)


@pytest.fixture(scope="module")
def model() -> Model:
    return Model.load(WORKSPACE.train / "model")


@pytest.fixture(scope="module")
def holdout() -> pd.DataFrame:
    return files.read(WORKSPACE.prepare / "holdout.parquet")


@pytest.fixture(scope="module")
def evaluated(holdout: pd.DataFrame) -> pd.DataFrame:
    scores = files.read(WORKSPACE.evaluate / "scores.parquet")
    assert scores["flight_id"].tolist() == holdout["flight_id"].tolist()
    return scores


def test_the_whole_holdout(model: Model, holdout: pd.DataFrame, evaluated: pd.DataFrame) -> None:
    assert model.score(holdout).tobytes() == evaluated["score"].to_numpy().tobytes()


@pytest.mark.parametrize("size", [70, 1_000])
def test_chunks(model: Model, holdout: pd.DataFrame, evaluated: pd.DataFrame, size: int) -> None:
    scores = [model.score(holdout.iloc[start : start + size]) for start in range(0, len(holdout), size)]

    assert np.concatenate(scores).tobytes() == evaluated["score"].to_numpy().tobytes()


@pytest.mark.slow
def test_every_row_on_its_own(model: Model, holdout: pd.DataFrame, evaluated: pd.DataFrame) -> None:
    scores = [model.score(holdout.iloc[place : place + 1]) for place in range(len(holdout))]

    assert np.concatenate(scores).tobytes() == evaluated["score"].to_numpy().tobytes()


def test_rows_as_a_request_would_bring_them(model: Model, holdout: pd.DataFrame, evaluated: pd.DataFrame) -> None:
    rows = holdout.head(500)
    brought = pd.DataFrame(rows.drop(columns=["flight_id", "arrival"]).to_dict("records"))

    assert model.score(brought).tobytes() == evaluated["score"].head(500).to_numpy().tobytes()
