from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import ROOT, Project
from holdfast import params
from holdfast.errors import UserError


def test_the_committed_params_are_read(tmp_path: Path) -> None:
    choices = params.load(ROOT / "params.yaml")

    assert choices.split.by == "time"
    assert choices.data.target.answers == ("on_time", "late")


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        (lambda p: p.update(sed=1), r"params.yaml: sed: unknown key, did you mean 'seed'\?"),
        (lambda p: p["train"].update(estimater="x"), r"train\.estimater: unknown key, did you mean 'estimator'\?"),
        (lambda p: p["train"].update(estimator="forest"), r"train\.estimator: found 'forest', expected 'gradient_boosting', 'logistic' or 'linear'"),
        (lambda p: p["train"]["gradient_boosting"].update(learning_rate=["fast"]),
         r"train\.gradient_boosting\.learning_rate\.0: found 'fast', expected a valid number"),
        (lambda p: p["train"]["gradient_boosting"].update(learning_rate=[0]),
         r"train\.gradient_boosting\.learning_rate\.0: found 0, expected greater than 0"),
        (lambda p: p["train"]["gradient_boosting"].update(max_leaf_nodes=[]), r"max_leaf_nodes: found \[\], expected"),
        (lambda p: p.update(threads=0), r"threads: found 0, expected greater than or equal to 1"),
        (lambda p: p.update(threads=True), r"threads: found True, expected a valid integer"),
        (lambda p: p.update(seed="2013"), r"seed: found '2013', expected a valid integer"),
        (lambda p: p["data"]["columns"]["distance"].update(nullable="yes"), r"nullable: found 'yes', expected a valid boolean"),
        (lambda p: p["ingest"].update(horizon_hours=float("inf")), r"horizon_hours: found inf, expected a finite number"),
        (lambda p: p["data"]["columns"]["scheduled_departure"].update(nullable=True), r"data: time .* is nullable"),
        (lambda p: p["data"].update(id="score"), r"data: id 'score' is a name that the table of scores uses"),
        (lambda p: p["data"]["columns"]["scheduled_departure"].update(zone="America"), r"zone: expected an IANA time zone"),
        (lambda p: p.pop("seed"), r"params.yaml: seed: missing, expected a value"),
        (lambda p: p["data"].pop("time"), r"split\.by is 'time', but data\.time is not declared"),
        (lambda p: p["data"]["columns"]["distance"].update(mini=3),
         r"data\.columns\.distance\.mini: unknown key, did you mean 'min'\?"),
        (lambda p: p["data"]["columns"]["distance"].update(kind="money"), r"data\.columns\.distance: found 'kind' 'money', expected 'number', 'category', 'time'"),
        (lambda p: p["data"]["columns"]["distance"].pop("kind"), r"data\.columns\.distance: found no 'kind'"),
        (lambda p: p["split"].update(validation_months=0), r"split\.validation_months: found 0, expected greater"),
        (lambda p: p.update(split={"by": "id", "validation_share": 0.5, "holdout_share": 0.5}), "leave nothing to train on"),
        (lambda p: p["evaluate"]["slices"].append({"column": "carier"}), r"no column 'carier', did you mean 'carrier'\?"),
        (lambda p: p["evaluate"]["slices"].append({"column": "distance"}), r"'distance' must be a category, or a time"),
        (lambda p: p["evaluate"]["slices"].append({"column": "scheduled_departure", "hours": [9, 9]}), r"hours must grow"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_by_its_path(tmp_path: Path, edit: Callable[[dict[str, Any]], None], problem: str) -> None:
    content = yaml.safe_load((ROOT / "params.yaml").read_text())
    edit(content)
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(content))

    with pytest.raises(UserError, match=problem) as raised:
        params.load(path)

    assert "params.yaml, then run `dvc repro`" in raised.value.fix


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("seed: [1", "not readable as YAML"),
        ("seed: 1\nseed: 2\n", "found the key 'seed' twice"),
        ("seed: 2013-13-45\n", "not readable as YAML: month must be in 1..12"),
        ("2013-01-01: 1\n", "not readable as YAML"),
        ("seed: &a [*a]\n", "not readable as YAML"),
        ("seed: " + "[" * 1000, "not readable as YAML"),
        ("", "params.yaml: found None, expected an object"),
    ],
)
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(text)

    with pytest.raises(UserError, match=problem):
        params.load(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"params\.yaml: not found or not readable in"):
        params.load(tmp_path / "params.yaml")


def test_a_folder_in_its_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").mkdir()

    with pytest.raises(UserError, match=r"params\.yaml: not found or not readable"):
        params.load(tmp_path / "params.yaml")


def test_a_merged_key_is_no_key_given_twice(tmp_path: Path) -> None:
    text = (ROOT / "params.yaml").read_text()
    text = text.replace("    aircraft_age:\n      kind: number", "    aircraft_age: &age\n      kind: number")
    text = text.replace(
        "    aircraft_seats:\n      kind: number", "    aircraft_seats:\n      <<: *age\n      kind: number"
    )
    (tmp_path / "params.yaml").write_text(text)

    assert params.load(tmp_path / "params.yaml").data.columns["aircraft_seats"].nullable


@pytest.mark.parametrize(
    ("contract", "problem"),
    [
        ({"rows": {"min": 5, "max": 3}}, r"contract\.rows: min 5 is above max 3"),
        ({"rows": {"max": 0}}, r"contract\.rows\.max: found 0, expected greater"),
        ({"target_share": {"min": 0.5, "max": 0.3}}, r"contract\.target_share: min 0\.5 is above max 0\.3"),
        ({"partition": "month", "freshness_days": 800_000}, r"freshness_days: found 800000, expected less"),
        ({"freshness_days": 1}, "freshness_days is counted from the end of a month"),
        ({"missing": {"distance": 0.1}}, r"contract\.missing: no column that may be missing 'distance'"),
        ({"missing": {"humidty": 0.1}}, r"'humidty', did you mean 'humidity'"),
        ({"patterns": {"distance": "a"}}, r"contract\.patterns: no column of words 'distance'"),
        ({"patterns": {"carrier": "("}}, r"carrier: not a regular expression that can be used"),
        ({"patterns": {"carrier": r"\w++-.*"}}, r"carrier: not a regular expression that can be used"),
        ({"patterns": {"carrier": r"\w{5000}"}}, r"carrier: not a regular expression that can be used"),
        ({"rules": {"r": {"column": "origin", "below": "distance"}}}, r"rules\.r: only two numbers, or two times"),
        ({"rules": {"r": {"column": "origin", "at_most": "carrier"}}}, r"rules\.r: only two numbers, or two times"),
        ({"rules": {"r": {"column": "origin"}}}, "expected one of below, at_most, differs_from and missing_with, found 0"),
        ({"rules": {"r": {"column": "origins", "differs_from": "carrier"}}}, r"'origins', did you mean 'origin'"),
    ],
)  # fmt: skip
def test_a_contract_that_cannot_be_meant_is_a_mistake(project: Project, contract: dict[str, Any], problem: str) -> None:
    project.change(lambda content: content.update(contract=contract))

    with pytest.raises(UserError, match=rf"params\.yaml: .*{problem}"):
        project.params  # noqa: B018 (it is read anew each time)
