"""The script by which every commit's code scores."""

import json
from pathlib import Path

import numpy as np
import pytest

from conftest import Project
from holdfast import files, scorer
from holdfast.model import Model
from holdfast.split import IdBoundaries


def test_it_writes_the_scores_of_the_model_and_which_rows_it_has_seen(
    finished_project: Project, tmp_path: Path
) -> None:
    folder, prepared = finished_project.workspace.train / "model", finished_project.workspace.prepare
    rows = files.read(prepared / "holdout.parquet").head(40)
    path = tmp_path / "rows.parquet"
    files.write(path, rows.assign(note="another column"))

    scorer.main(folder, path)

    found = np.load(tmp_path / "rows.npz")
    model = Model.load(folder)
    assert list(found["scores"]) == list(model.score(rows))
    assert not found["seen"].any()
    facts = json.loads((tmp_path / "facts.json").read_text())
    assert facts["threshold"] == model.facts.threshold
    assert 0 < facts["latency"] < 10_000


def test_rows_that_trained_or_tuned_are_seen(finished_project: Project, tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    for side in ("train", "validation"):
        files.write(path, files.read(finished_project.workspace.prepare / f"{side}.parquet").head(3))

        scorer.main(finished_project.workspace.train / "model", path)

        assert list(np.load(tmp_path / "rows.npz")["seen"]) == [True] * 3


def test_rows_without_the_id_are_refused_in_words(finished_project: Project, tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    rows = files.read(finished_project.workspace.prepare / "holdout.parquet").rename(columns={"flight_id": "key"})
    files.write(path, rows)

    with pytest.raises(SystemExit, match="error: the rows have no column 'flight_id', its id"):
        scorer.main(finished_project.workspace.train / "model", path)


@pytest.fixture
def grouped(finished_project: Project, tmp_path: Path) -> Path:
    """The folder of a model that was split by a group that is no input."""
    model = Model.load(finished_project.workspace.train / "model")
    split = IdBoundaries(holdout_below=0.5, validation_below=0.6, salt="", group="crew")
    data = model.facts.data.model_copy(update={"group": "crew"})
    Model(model.pipeline, model.facts.model_copy(update={"split": split, "data": data})).save(tmp_path / "model")
    return tmp_path / "model"


def test_of_rows_that_share_a_group_a_model_has_seen_all_or_none(
    finished_project: Project, grouped: Path, tmp_path: Path
) -> None:
    rows = files.read(finished_project.workspace.prepare / "holdout.parquet").head(40)
    crew = np.arange(40) // 4
    files.write(tmp_path / "rows.parquet", rows.assign(crew=crew))

    scorer.main(grouped, tmp_path / "rows.parquet")

    seen = np.load(tmp_path / "rows.npz")["seen"]
    assert {len(set(seen[crew == one])) for one in crew} == {1}
    facts = Model.load(grouped).facts
    canonical = facts.data.rows(rows.assign(crew=crew), "rows")
    assert list(seen) == list(facts.split.sides(canonical, facts.data) != "holdout")


def test_rows_without_the_group_are_refused_in_words(finished_project: Project, grouped: Path, tmp_path: Path) -> None:
    files.write(tmp_path / "rows.parquet", files.read(finished_project.workspace.prepare / "holdout.parquet").head(3))

    with pytest.raises(SystemExit, match="error: the rows have no column 'crew', its group"):
        scorer.main(grouped, tmp_path / "rows.parquet")
