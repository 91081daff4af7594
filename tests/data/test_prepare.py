"""What stage `prepare` makes of its checks: what stops it, and what is reported and written."""

from typing import Any

import numpy as np
import pytest

from conftest import MONTHS, Project
from holdfast import files
from holdfast.errors import RefusedError
from holdfast.stages import prepare


def give_away(project: Project) -> None:
    """Let the distance tell whether a flight was late."""
    for month in MONTHS:
        rows = files.read(project.partition(month))
        told = np.where(rows["arrival"] == "late", 4_000.0, 1_000.0)
        files.write(project.partition(month), rows.assign(distance=told + rows["humidity"].fillna(0)))


def written(project: Project, name: str) -> list[dict[str, Any]]:
    return list(files.read_json(project.workspace.prepare / name, list[dict[str, Any]]))


def test_data_that_keeps_its_contract_leaves_a_record(project: Project) -> None:
    results = written(project, "contract.json")

    assert [result["partition"] for result in results] == [f"data/flights/{month}.parquet" for month in MONTHS]
    assert all(result["judged"] > 15 and result["broken"] == [] for result in results)
    assert written(project, "leaks.json") == []


def test_what_is_only_a_warning_is_reported_and_written(project: Project, caplog: pytest.LogCaptureFixture) -> None:
    project.change(lambda content: content.update(contract={"rows": {"min": 301}, "warnings": ["rows"]}))

    prepare.main(project.params, project.workspace)

    assert "  warning: rows: found 300 rows, expected at least 301 rows" in caplog.messages
    assert [result["broken"][0]["expectation"] for result in written(project, "contract.json")] == ["rows"] * 4


def test_every_broken_partition_is_named_before_prepare_gives_up(project: Project) -> None:
    for month in MONTHS[1:3]:
        path = project.partition(month)
        files.write(path, files.read(path).assign(humidity=101.0))
    before = project.artifacts()

    with pytest.raises(RefusedError, match=r"2 of 4 partitions: the contract is broken") as raised:
        prepare.main(project.params, project.workspace)

    assert all(f"data/flights/{month}.parquet\n  error: range.humidity" in str(raised.value) for month in MONTHS[1:3])
    assert project.artifacts() == before


def test_a_leak_is_a_warning_and_is_written(project: Project, caplog: pytest.LogCaptureFixture) -> None:
    give_away(project)

    prepare.main(project.params, project.workspace)

    assert [(leak["code"], leak["columns"]) for leak in written(project, "leaks.json")] == [("L1", ["distance"])]
    assert any(line.startswith("leak L1: `distance` alone tells late from on_time") for line in caplog.messages)


def test_a_leak_stops_the_run_where_the_contract_says_so(project: Project) -> None:
    give_away(project)
    project.change(lambda content: content.update(contract={"leaks": {"severity": "error"}}))
    before = project.artifacts()

    with pytest.raises(RefusedError, match=r"data/: the answer is given away\.\nleak L1: `distance` alone tells"):
        prepare.main(project.params, project.workspace)

    assert project.artifacts() == before


def test_the_profile_is_made_of_every_row_and_shown(project: Project) -> None:
    profiles = files.read_json(project.workspace.prepare / "profile.json", dict[str, dict[str, Any]])

    assert [part["rows"] for part in profiles.values()] == [300] * len(MONTHS)
    assert "1,200" in (project.workspace.prepare / "profile.html").read_text()


def test_a_column_that_no_one_declared_is_refused_unless_it_may_stand_beside(project: Project) -> None:
    for month in MONTHS:
        path = project.partition(month)
        files.write(path, files.read(path).assign(note="seen"))

    with pytest.raises(RefusedError, match="columns: found 'note' not expected"):
        prepare.main(project.params, project.workspace)
    project.change(lambda content: content["contract"].update(besides=["note"]))
    prepare.main(project.params, project.workspace)

    assert "note" not in files.read(project.workspace.prepare / "train.parquet")


def test_the_group_of_rows_travels_with_them_and_no_model_sees_it(project: Project) -> None:
    for month in MONTHS:
        path = project.partition(month)
        rows = files.read(path)
        files.write(path, rows.assign(crew=np.where(rows.index % 7 > 0, "day", "night")))
    project.change(lambda content: content["data"].update(group="crew"))

    project.run()

    assert set(files.read(project.workspace.prepare / "train.parquet")["crew"]) == {"day", "night"}
    features = files.read(project.workspace.featurize / "train.parquet")
    assert not [name for name in features if "crew" in str(name)]


def test_a_row_without_its_group_is_refused_unless_the_contract_allows_for_it(project: Project) -> None:
    path = project.partition(MONTHS[0])
    for month in MONTHS:
        files.write(project.partition(month), files.read(project.partition(month)).assign(crew="day"))
    rows = files.read(path)
    files.write(path, rows.assign(crew=rows["crew"].where(rows.index > 0)))
    project.change(lambda content: content["data"].update(group="crew"))

    with pytest.raises(RefusedError, match="missing.crew"):
        prepare.main(project.params, project.workspace)
    project.change(lambda content: content["contract"].setdefault("missing", {}).update(crew=0.5))
    prepare.main(project.params, project.workspace)
