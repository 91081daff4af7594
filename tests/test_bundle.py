"""A bundle is whole, is of this format, and scores its golden rows as the evaluation did, or it is refused."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from conftest import MakeRows, Project
from holdfast import files
from holdfast.bundle import Bundle, Golden, Release
from holdfast.card import card
from holdfast.errors import UserError
from holdfast.evaluation import evaluate
from holdfast.model import FILES, Model


@pytest.fixture
def folder(finished_project: Project, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished_project.workspace.evaluate / "bundle", tmp_path / "bundle"))


def edited(path: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))


def test_a_bundle_holds_the_very_bytes_of_the_model_that_was_measured(finished_project: Project) -> None:
    workspace = finished_project.workspace

    for name in FILES:
        assert (workspace.evaluate / "bundle" / name).read_bytes() == (workspace.train / "model" / name).read_bytes()


def test_golden_rows_are_rows_of_the_holdout_with_the_scores_of_the_evaluation(
    finished_project: Project, folder: Path
) -> None:
    holdout = files.read(finished_project.workspace.prepare / "holdout.parquet")
    scores = files.read(finished_project.workspace.evaluate / "scores.parquet")["score"]
    bundle = Bundle.load(folder)

    columns = bundle.columns(bundle.golden.rows)

    places = np.unique(np.linspace(0, len(holdout) - 1, 100).astype(int))
    assert list(bundle.golden.scores) == scores.iloc[places].tolist()
    assert columns["carrier"] == holdout["carrier"].iloc[places].tolist()
    assert columns["scheduled_departure"] == [
        time.tz_localize(None).to_pydatetime() for time in holdout["scheduled_departure"].iloc[places]
    ]
    assert np.array_equal(columns["humidity"], holdout["humidity"].iloc[places], equal_nan=True)


def test_a_bundle_proves_itself_and_is_named_by_its_hash(folder: Path) -> None:
    bundle = Bundle.load(folder)

    bundle.prove()

    assert bundle.version == bundle.sha256[:12]
    assert bundle.release is None


def test_a_bundle_that_scores_otherwise_is_refused(folder: Path) -> None:
    edited(folder / "golden.json", lambda golden: golden["scores"].__setitem__(7, np.nextafter(golden["scores"][7], 1)))

    with pytest.raises(UserError, match=r"^error: golden row 7: found the scores .* expected .*\n  fix: install"):
        Bundle.load(folder).prove()


@pytest.mark.parametrize(
    ("rows", "scores", "found"),
    [(0, 0, "at least 1 item"), (2, 3, "found 2 rows and 3 scores"), (3, 2, "found 3 rows and 2 scores")],
)
def test_a_bundle_that_could_not_prove_itself_is_refused(folder: Path, rows: int, scores: int, found: str) -> None:
    edited(folder / "golden.json", lambda golden: golden.update(rows=golden["rows"][:rows], scores=[0.5] * scores))

    with pytest.raises(UserError, match=rf"golden\.json: .*{found}"):
        Bundle.load(folder)


def test_a_released_bundle_is_called_by_its_name(folder: Path) -> None:
    release = Release(version="7", commit="a" * 40, verdict="promote")
    files.write_json(folder / "release.json", release.model_dump(mode="json"))

    assert Bundle.load(folder).version == "7"


@pytest.mark.parametrize("name", ["model.json", "model.skops", "card.json", "golden.json"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()

    with pytest.raises(UserError, match=rf"{re.escape(name)}: not found\."):
        Bundle.load(folder)


def test_a_newer_format_is_refused(folder: Path) -> None:
    edited(folder / "card.json", lambda content: content.update(format=3))

    with pytest.raises(UserError, match="found bundle format 3, expected 1 or 2"):
        Bundle.load(folder)


def test_a_bundle_of_the_first_format_is_read_and_scores_as_it_did(folder: Path) -> None:
    def model(content: dict[str, Any]) -> None:
        content["format"] = 1
        del content["facts"]["data"]["target"]["kind"]

    def card(content: dict[str, Any]) -> None:
        content["format"] = 1
        del content["predictions"]
        for one in content["importance"]:
            one["auc_fall"] = one.pop("fall")

    expected = Bundle.load(folder)
    edited(folder / "model.json", model)
    edited(folder / "card.json", card)

    found = Bundle.load(folder)

    found.prove()
    assert (found.model.facts, found.model.data_format) == (expected.model.facts, 1)
    assert found.card.importance == expected.card.importance


def test_the_card_tells_what_scores_have_meant(finished_project: Project, make_rows: MakeRows) -> None:
    workspace, params = finished_project.workspace, finished_project.params
    model, holdout = Model.load(workspace.train / "model"), files.read(workspace.prepare / "holdout.parquet")

    made = card(
        evaluate(model, holdout, params.evaluate, 0), holdout, params.data, params.evaluate, {"owner": "us"}, seed=0
    )

    assert sum(found.rows for found in made.calibration) == made.holdout_rows == len(holdout)
    assert made.tags == {"owner": "us"}
    assert [str(made.holdout_first)[:7], str(made.holdout_last)[:7]] == ["2013-04", "2013-04"]
    for found in made.calibration:
        inside = holdout[model.score(holdout).clip(0, 1 - 1e-12) // 0.1 == round(found.from_score * 10)]
        assert found.positive_share == pytest.approx((inside["arrival"] == "late").mean(), abs=1e-6)
        if found.low is not None and found.high is not None:
            assert found.low <= found.positive_share <= found.high
    assert any(found.low is not None for found in made.calibration)


def test_days_that_differ_make_the_interval_wider_than_rows_would(finished_project: Project) -> None:
    workspace, params = finished_project.workspace, finished_project.params
    model, holdout = Model.load(workspace.train / "model"), files.read(workspace.prepare / "holdout.parquet")
    late = holdout["scheduled_departure"].dt.day % 2 == 0
    alike = holdout.assign(arrival=np.where(late, "late", "on_time"))  # all flights of a day are late, or none
    by_rows = params.data.model_copy(update={"time": None})
    settings, evaluation = params.evaluate, evaluate(model, alike, params.evaluate, 0)

    days = card(evaluation, alike, params.data, settings, {}, 0).calibration
    rows = card(evaluation, alike, by_rows, settings, {}, 0).calibration

    wider = [(a.high or 1) - (a.low or 0) > (b.high or 1) - (b.low or 0) for a, b in zip(days, rows, strict=True)]
    assert sum(wider) > len(wider) / 2


def test_each_slice_of_the_card_says_which_rows_it_has(finished_project: Project, folder: Path) -> None:
    holdout = files.read(finished_project.workspace.prepare / "holdout.parquet")
    slices = Bundle.load(folder).card.slices

    for found in slices:
        if found.hours is None:
            mask = holdout[found.column] == found.value
        else:
            mask = holdout[found.column].dt.hour.between(found.hours[0], found.hours[1] - 1)
        assert found.metrics["rows"] == mask.sum()
    assert {found.hours is None for found in slices} == {True, False}


def test_golden_rows_of_a_small_holdout_are_all_of_it(finished_project: Project) -> None:
    rows = files.read(finished_project.workspace.prepare / "holdout.parquet").head(3)

    golden = Golden.of(rows, np.array([0.1, 0.2, 0.3]), finished_project.params.data)

    assert golden.scores == (0.1, 0.2, 0.3)
    assert [row["carrier"] for row in golden.rows] == rows["carrier"].tolist()


def test_missing_values_are_null_and_come_back_as_missing(folder: Path) -> None:
    bundle = Bundle.load(folder)
    row = dict.fromkeys(bundle.model.facts.data.columns) | {"scheduled_departure": "2013-07-01T12:30:00Z"}

    columns = bundle.columns([row])

    assert columns["carrier"] == [None]
    assert np.isnan(columns["humidity"]).all()
    assert pd.Timestamp(columns["scheduled_departure"][0]) == pd.Timestamp("2013-07-01 08:30")
