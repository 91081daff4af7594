"""All four stages, on data sets that differ only in params.yaml and files."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from conftest import MONTHS, MakeRows, Project
from holdfast import files
from holdfast.errors import UserError
from holdfast.model import Model
from holdfast.split import SIDES


def holdout_scores(project: Project) -> np.ndarray:
    return files.read(project.workspace.evaluate / "scores.parquet")["score"].to_numpy()


@pytest.mark.slow
def test_running_everything_again_writes_the_same_bytes(project: Project) -> None:
    before = project.artifacts()

    project.run()

    assert project.artifacts() == before


def test_logistic_regression_by_one_word(project: Project) -> None:
    boosting = holdout_scores(project)
    project.change(lambda content: content["train"].update(estimator="logistic"))

    project.run("train", "evaluate")

    model = Model.load(project.workspace.train / "model")
    assert model.facts.estimator == "logistic"
    holdout, together = files.read(project.workspace.prepare / "holdout.parquet"), holdout_scores(project)
    alone = np.concatenate([model.score(holdout.iloc[[place]]) for place in range(0, len(holdout), 10)])
    assert alone.tobytes() == together[::10].tobytes()
    assert np.corrcoef(boosting, together)[0, 1] > 0.5  # another model of the same thing


def test_the_holdout_plays_no_part_in_training(project: Project) -> None:
    model = (project.workspace.train / "model" / "model.skops").read_bytes()
    rows = files.read(project.partition())
    files.write(project.partition(), rows.assign(distance=0.0, arrival=np.roll(rows["arrival"], 7)))

    project.run("prepare", "featurize", "train")

    assert (project.workspace.train / "model" / "model.skops").read_bytes() == model


@pytest.mark.slow
def test_validation_rows_are_fitted_in_the_end(project: Project) -> None:
    facts = Model.load(project.workspace.train / "model").facts
    counted = [len(files.read(project.workspace.prepare / f"{side}.parquet")) for side in SIDES]

    assert facts.fitted_rows == counted[0] + counted[1]


def test_outcomes_are_counted_by_reason(project: Project) -> None:
    rows = files.read(project.partition())
    outcomes = ["cancelled"] * 5 + ["diverted"] * 3 + [None] * 2
    rows.loc[: len(outcomes) - 1, "arrival"] = outcomes
    files.write(project.partition(), rows)

    project.run("prepare")

    table = pd.read_csv(project.workspace.prepare / "outcomes.csv", keep_default_na=False)
    counts = table[table["side"] == "holdout"].set_index("outcome")["rows"]
    assert (counts["cancelled"], counts["diverted"], counts[""]) == (5, 3, 2)
    assert counts.sum() == len(rows)
    assert len(files.read(project.workspace.prepare / "holdout.parquet")) == len(rows) - len(outcomes)


OWN_DATA: dict[str, Any] = {
    "id": "patient",
    "target": {"column": "outcome", "negative": "well", "positive": "ill"},
    "columns": {
        "dose": {"kind": "number", "label": "Dose", "unit": "mg", "min": 0},
        "ward": {"kind": "category", "label": "Ward", "nullable": True},
    },
}


@pytest.fixture
def own_data(project: Project, make_rows: MakeRows) -> Project:
    """A data set without a time: other files and another params.yaml, the same Python."""

    def edit(content: dict[str, Any]) -> None:
        content["data"] = OWN_DATA
        content["split"] = {"by": "id", "validation_share": 0.2, "holdout_share": 0.2}
        content["evaluate"]["slices"] = [{"column": "ward"}]

    project.change(edit)
    for month in MONTHS:
        project.partition(month).unlink()
    files.write(project.workspace.data / "patients.parquet", make_rows(project.params.data, rows=900))
    return project


def test_a_side_whose_numbers_are_not_known_yet_is_refused_with_a_remedy_for_numbers(own_data: Project) -> None:
    target = {"column": OWN_DATA["target"]["column"], "kind": "number"}

    def edit(content: dict[str, Any]) -> None:
        content["data"] = OWN_DATA | {"target": target}
        content["contract"].pop("target_share", None)
        content["gates"]["floor"], content["gates"]["margin"] = {"rmse": 1}, {"rmse": 1}
        content["gates"]["slices"]["margin"] = {"rmse": 1}

    own_data.change(edit)
    path = own_data.workspace.data / "patients.parquet"
    files.write(path, files.read(path).assign(**{target["column"]: np.nan}))

    with pytest.raises(UserError, match="found no number in the 0 train rows, expected two different num") as refused:
        own_data.run("prepare")

    assert refused.value.fix.startswith("add rows with an answer, or give this side more rows under `split:`")


def test_own_data_needs_no_python(own_data: Project) -> None:
    own_data.run()

    scores = files.read(own_data.workspace.evaluate / "scores.parquet")
    assert list(scores) == ["patient", "target", "score"]
    assert 100 < len(scores) < 260
    slices = pd.read_csv(own_data.workspace.evaluate / "plots" / "slices.csv")
    assert slices["value"].tolist() == ["blue", "green", "missing", "red"]
    assert slices["rows"].sum() == len(scores)


@pytest.mark.slow
@pytest.mark.parametrize("estimator", ["gradient_boosting", "logistic"])
@pytest.mark.parametrize("left", [("dose",), ("ward",), ("dose", "ward")], ids=" and ".join)
def test_columns_that_no_training_row_has_harm_nothing(
    own_data: Project, estimator: str, left: tuple[str, ...]
) -> None:
    def edit(content: dict[str, Any]) -> None:
        content["train"]["estimator"] = estimator
        content["data"]["columns"]["dose"]["nullable"] = True
        content["data"]["columns"] = {name: value for name, value in content["data"]["columns"].items() if name in left}
        content["evaluate"]["slices"] = []

    own_data.change(edit)
    path = own_data.workspace.data / "patients.parquet"
    rows = files.read(path).drop(columns=[name for name in ("dose", "ward") if name not in left])
    for emptied in left if len(left) == 2 else [None]:
        files.write(path, rows if emptied is None else rows.assign(**{emptied: None}))

        own_data.run("prepare", "featurize", "train")

        model = Model.load(own_data.workspace.train / "model")
        holdout = files.read(own_data.workspace.prepare / "holdout.parquet")
        assert np.isfinite(model.score(holdout)).all()
        assert model.score(rows.head(0)).tolist() == []


@pytest.mark.slow
def test_an_inserted_row_moves_no_other_row_when_the_split_is_by_id(own_data: Project, make_rows: MakeRows) -> None:
    def sides() -> dict[str, str]:
        own_data.run("prepare")
        parts = {side: files.read(own_data.workspace.prepare / f"{side}.parquet")["patient"] for side in SIDES}
        return {name: side for side, names in parts.items() for name in names}

    before, path = sides(), own_data.workspace.data / "patients.parquet"
    rows = files.read(path)
    files.write(path, pd.concat([rows.head(1).assign(patient="new"), rows], ignore_index=True))

    after = sides()

    assert len(after) == len(before) + 1
    assert all(after[name] == side for name, side in before.items())


def test_the_split_of_a_model_is_saved_with_it(own_data: Project) -> None:
    own_data.run("prepare", "featurize", "train")

    split = Model.load(own_data.workspace.train / "model").facts.split
    train = files.read(own_data.workspace.prepare / "train.parquet")
    assert set(split.sides(train, own_data.params.data)) == {"train"}


def test_a_time_split_needs_a_time(project: Project) -> None:
    project.change(lambda content: content.update(data=OWN_DATA))

    with pytest.raises(UserError, match=r"split\.by is 'time', but data\.time is not declared"):
        project.run()
