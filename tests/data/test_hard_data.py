"""Data as it really comes: what is fine passes, what is not is refused in words, and nothing ends in a traceback."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import MONTHS, MakeRows, Project
from holdfast import files, quarantine
from holdfast.commands import validate
from holdfast.errors import UserError
from holdfast.expectations import check
from holdfast.params import Params
from holdfast.terms import Contract

pytestmark = pytest.mark.slow  # not one by one, but all together

NEW_YORK = "America/New_York"


def broken(rows: pd.DataFrame, params: Params, contract: dict[str, Any] | None = None) -> dict[str, str]:
    result = check(rows, "x", params.data, Contract.model_validate(contract or {}), None)
    return {one.expectation: one.found for one in result.broken}


GOOD: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "categories": lambda rows: rows.assign(
        **{name: rows[name].astype("category") for name in ("flight_id", "carrier", "arrival")}
    ),
    "objects": lambda rows: rows.assign(carrier=rows["carrier"].astype(object)),
    "small integers": lambda rows: rows.assign(distance=rows["distance"].round().astype("int16")),
    "nullable integers": lambda rows: rows.assign(wind_gust=rows["wind_gust"].round().astype("Int64")),
    "small floats": lambda rows: rows.assign(temperature=rows["temperature"].astype("float32")),
    "Arrow": lambda rows: rows.convert_dtypes(dtype_backend="pyarrow"),
    "seconds": lambda rows: rows.assign(scheduled_departure=rows["scheduled_departure"].dt.as_unit("s")),
    "numbers as ids": lambda rows: rows.assign(flight_id=range(len(rows))),
    "an index": lambda rows: rows[::-1],
    "the id as index": lambda rows: rows.set_index("flight_id"),
}


@pytest.mark.parametrize("change", GOOD.values(), ids=GOOD)
def test_good_data_passes_however_pandas_wrote_it(
    change: Callable[[pd.DataFrame], pd.DataFrame], make_rows: MakeRows, params: Params, tmp_path: Path
) -> None:
    change(make_rows()).to_parquet(tmp_path / "rows.parquet")

    rows = files.read(tmp_path / "rows.parquet")

    assert broken(rows, params) == {}
    assert len(params.data.rows(rows, "x")) == 300


@pytest.mark.parametrize(
    ("times", "found"),
    [
        (pa.array([2**62] * 300, pa.timestamp("ms", NEW_YORK)), "years before 1700 or after 2199"),
        (pa.array([1357034400_000_000_000] * 300, pa.timestamp("us", NEW_YORK)), "years before 1700 or after 2199"),
        (pa.array([-62135596800_000_000] * 300, pa.timestamp("us", NEW_YORK)), "years before 1700 or after 2199"),
        (pa.array([15_000] * 300, pa.date32()), "date values such as datetime.date"),
    ],
    ids=["beyond pandas", "nanoseconds for microseconds", "year 1", "dates"],
)
def test_times_out_of_all_bounds_are_of_another_kind(
    times: pa.Array, found: str, make_rows: MakeRows, params: Params, tmp_path: Path
) -> None:
    table = pa.Table.from_pandas(make_rows(), preserve_index=False)
    place = table.column_names.index("scheduled_departure")
    pq.write_table(table.set_column(place, "scheduled_departure", times), tmp_path / "rows.parquet")

    said = broken(files.read(tmp_path / "rows.parquet"), params)

    assert list(said) == ["type.scheduled_departure"]
    assert said["type.scheduled_departure"].startswith(found)


@pytest.mark.parametrize("name", ["distance", "arrival", "flight_id", "carrier", "scheduled_departure"])
@pytest.mark.parametrize("value", [[1.5, 2.0], {"a": 1}, b"\xff\xfe", True, 1 + 2j], ids=str)
def test_values_of_any_other_kind_are_named(name: str, value: Any, make_rows: MakeRows, params: Params) -> None:
    expected = [] if name == "distance" and value is True else [f"type.{name}"]  # booleans are numbers

    assert list(broken(make_rows().assign(**{name: [value] * 300}), params)) == expected


def test_a_column_that_nobody_promised_may_hold_anything(make_rows: MakeRows, params: Params) -> None:
    odd: dict[str, Any] = {"notes": [[1]] * 300, "more": [{"a": {1}}] * 300}
    rows = make_rows().assign(**odd)

    assert broken(rows, params) == {"columns": "'more', 'notes' not expected"}


def test_a_column_with_the_name_of_a_computed_one_is_seen(make_rows: MakeRows, params: Params) -> None:
    rows = make_rows()
    rows["arrival is late"] = (rows["arrival"] == "late").astype("float64")

    assert broken(rows, params) == {"columns": "'arrival is late (again)' not expected"}


@pytest.mark.parametrize("missing", [58, 113, 290])
def test_a_share_that_is_just_tolerated_is_tolerated(missing: int, make_rows: MakeRows, params: Params) -> None:
    rows = make_rows().assign(wind_gust=np.where(np.arange(300) < missing, np.nan, 5.0))

    assert broken(rows, params, {"missing": {"wind_gust": missing / 300}}) == {}
    assert list(broken(rows, params, {"missing": {"wind_gust": (missing - 1) / 300}})) == ["missing.wind_gust"]


def test_rows_without_an_id_are_named_by_their_place(make_rows: MakeRows, params: Params) -> None:
    rows = make_rows().drop(columns="flight_id")
    rows.loc[7, "humidity"] = 101.0

    one = check(rows, "x", params.data, Contract(), None).broken[-1]

    assert one.examples == ({"row": "7", "humidity": 101.0},)


@pytest.mark.parametrize("name", ["columns", "type.humidity", "unique.flight_id", "missing.scheduled_departure"])
def test_what_no_stage_can_go_on_without_is_no_warning(name: str, make_rows: MakeRows, params: Params) -> None:
    with pytest.raises(UserError, match=rf"contract\.warnings: '{name}' cannot be a warning"):
        broken(make_rows(), params, {"warnings": [name]})


def test_an_infinite_number_is_refused_even_where_its_range_is_a_warning(project: Project) -> None:
    path = project.partition()
    files.write(path, files.read(path).assign(humidity=np.inf))
    project.change(lambda content: content.update(contract={"warnings": ["range.humidity"]}))

    with pytest.raises(UserError, match="humidity: found an infinite value, expected a number"):
        project.run()


def test_huge_numbers_go_through_every_stage(project: Project) -> None:
    for month in MONTHS:
        rows = files.read(project.partition(month))
        files.write(project.partition(month), rows.assign(distance=np.where(rows.index % 7 == 0, 1e308, -1e308)))
    project.change(lambda content: content["data"]["columns"]["distance"].update(min=None, max=None))

    project.run()


@pytest.mark.parametrize("name", ["0000-01", "9999-12", "2013-13"])
def test_a_month_out_of_all_bounds_is_a_mistake(name: str, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.workspace.root)
    project.change(lambda content: content.update(contract={"partition": "month"}))
    project.partition().rename(project.partition(name))

    with pytest.raises(UserError, match=rf"found the name '{name}\.parquet', expected a month"):
        validate.run(project.workspace.root, [], names=False)


def test_a_month_may_begin_where_the_clock_skips_midnight(make_rows: MakeRows, params: Params) -> None:
    zone = "America/Asuncion"  # on 1 October 2017, after 23:59 came 1:00
    content = params.data.model_dump(mode="json")
    content["columns"]["scheduled_departure"]["zone"] = zone
    schema, contract = params.data.model_validate(content), Contract(partition="month", warnings=("target_share",)[:0])
    rows = make_rows(schema, "2017-10").sort_values("scheduled_departure")

    result = check(rows, "x", schema, contract, "2017-10")

    assert result.broken == ()


def test_one_file_named_twice_is_judged_once(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.workspace.root)
    path = project.partition()
    Path("link.parquet").symlink_to(path)

    assert validate.run(project.workspace.root, [str(path), str(path), "data", "link.parquet"], names=False) == 0


def test_partitions_of_one_name_in_two_folders_are_compared(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.workspace.root)
    other = project.workspace.data / "more" / project.partition().name
    other.parent.mkdir()
    shutil.copy(project.partition(), other)

    assert validate.run(project.workspace.root, [str(other)], names=False) == 1


def test_a_neighbour_without_ids_stops_no_validation(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.workspace.root)
    path = project.partition(MONTHS[0])
    files.write(path, files.read(path).drop(columns="flight_id"))

    assert validate.run(project.workspace.root, [str(project.partition())], names=False) == 0


def test_a_month_with_the_ids_of_another_is_not_admitted(project: Project) -> None:
    rows = files.read(project.partition()).head(5)
    path = project.partition("2013-05")

    result, place = quarantine.admit(path, rows, project.workspace, project.params.data, Contract())

    assert [one.expectation for one in result.broken] == ["unique_among_partitions"]
    assert not path.exists()
    assert len(files.read(place)) == 5


def test_what_lies_in_quarantine_can_be_judged_again(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.workspace.root)
    path = project.partition("2013-05")
    rows = files.read(project.partition()).assign(carrier="?", flight_id=[f"new-{row}" for row in range(300)])
    _, place = quarantine.admit(path, rows, project.workspace, project.params.data, Contract())

    assert validate.run(project.workspace.root, [str(place)], names=False) == 1

    project.change(lambda content: content["data"]["columns"]["carrier"].update(values=None))
    assert validate.run(project.workspace.root, [str(place)], names=False) == 0


def test_words_cannot_command_a_terminal(
    project: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(project.workspace.root)
    caplog.set_level("INFO", logger="holdfast")
    path = project.partition()
    files.write(path, files.read(path).assign(carrier="\x1b[31m\nkept" + "x" * 300_000))

    validate.run(project.workspace.root, [str(path)], names=False)

    said = "".join(caplog.messages)
    assert "\x1b" not in said
    assert len(said) < 3_000
