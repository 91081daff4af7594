import json
import logging
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from conftest import MakeRows
from holdfast import contract as promises
from holdfast.errors import UserError
from holdfast.expectations import Result, check, check_in_detail, suite
from holdfast.params import Params
from holdfast.terms import Contract

NOTHING_MORE = Contract()


@pytest.fixture
def rows(make_rows: MakeRows) -> pd.DataFrame:
    return make_rows()


def broken(result: Result) -> dict[str, str]:
    return {one.expectation: one.found for one in result.broken}


def test_what_breaks_is_counted_and_the_first_five_rows_are_named(rows: pd.DataFrame, params: Params) -> None:
    rows["humidity"] = rows["humidity"].where(rows.index < 293, 400.0)

    result = check(rows, "some partition", params.data, NOTHING_MORE, None)

    (one,) = result.broken
    assert (one.expectation, one.severity, one.rows, one.share) == ("range.humidity", "error", 7, round(7 / 300, 6))
    assert one.found == "7 of 300 rows (2.3%)"
    assert one.expected == "finite numbers from 0 to 100 %"
    assert one.examples == tuple({"flight_id": f"row-2013-01-0-{row}", "humidity": 400.0} for row in range(293, 298))
    assert (result.partition, result.rows, result.refused) == ("some partition", 300, True)


def test_a_promise_between_columns_shows_both(rows: pd.DataFrame, params: Params) -> None:
    contract = Contract.model_validate({"rules": {"dew": {"column": "dew_point", "at_most": "temperature"}}})
    rows = rows.assign(dew_point=10.0, temperature=20.0)
    rows.loc[[3, 8], "temperature"] = [9.0, np.nan]

    (one,) = check(rows, "x", params.data, contract, None).broken

    assert one.examples == ({"flight_id": "row-2013-01-0-3", "dew_point": 10.0, "temperature": 9.0},)


@pytest.mark.parametrize(
    ("rule", "left", "right", "count"),
    [
        ("below", [1.0, 2.0, 3.0, np.nan], [2.0, 2.0, 1.0, 0.0], 2),
        ("at_most", [1.0, 2.0, 3.0, np.nan], [2.0, 2.0, 1.0, 0.0], 1),
        ("differs_from", [1.0, 2.0, np.nan, np.nan], [2.0, 2.0, 1.0, np.nan], 1),
        ("missing_with", [1.0, np.nan, np.nan, 4.0], [1.0, 2.0, np.nan, np.nan], 2),
    ],
)
def test_each_kind_of_rule_counts_the_rows_that_break_it(
    rows: pd.DataFrame, params: Params, rule: str, left: list[float], right: list[float], count: int
) -> None:
    contract = Contract.model_validate({"rules": {"r": {"column": "temperature", rule: "dew_point"}}})

    result = check(rows.head(4).assign(temperature=left, dew_point=right), "x", params.data, contract, None)

    assert [(one.expectation, one.rows) for one in result.broken] == [("rule.r", count)]


def test_a_warning_is_reported_and_refuses_nothing(rows: pd.DataFrame, params: Params) -> None:
    contract = Contract.model_validate({"rows": {"min": 500}, "warnings": ["rows"]})

    result = check(rows, "x", params.data, contract, None)

    assert [(one.expectation, one.severity) for one in result.broken] == [("rows", "warning")]
    assert not result.refused


def test_a_warning_that_names_nothing_is_a_mistake(rows: pd.DataFrame, params: Params) -> None:
    contract = Contract.model_validate({"warnings": ["range.humidty"]})

    with pytest.raises(
        UserError, match=r"contract\.warnings: no expectation 'range\.humidty', did you mean 'range\.hum"
    ):
        check(rows, "x", params.data, contract, None)


def test_what_follows_from_an_absent_column_is_not_judged(rows: pd.DataFrame, params: Params) -> None:
    contract = Contract.model_validate({"rules": {"dew": {"column": "dew_point", "at_most": "temperature"}}})

    result = check(rows.drop(columns="dew_point"), "x", params.data, contract, None)

    assert list(broken(result)) == ["columns"]
    assert result.not_judged == ("type.dew_point", "range.dew_point", "rule.dew")


def test_what_follows_from_another_kind_is_not_judged(rows: pd.DataFrame, params: Params) -> None:
    result = check(rows.assign(distance="far"), "x", params.data, NOTHING_MORE, None)

    assert broken(result) == {"type.distance": "string values such as 'far'"}
    assert result.not_judged == ("missing.distance", "range.distance")


def test_of_no_rows_only_their_number_and_the_columns_are_judged(rows: pd.DataFrame, params: Params) -> None:
    result = check(rows.head(0), "x", params.data, NOTHING_MORE, None)

    assert broken(result) == {"rows": "0 rows"}
    assert result.judged == 2 + 2 + len(params.data.columns)  # rows, columns, and the type of each column


def test_several_columns_at_once_are_all_named_in_the_order_of_the_schema(rows: pd.DataFrame, params: Params) -> None:
    result = check(rows.assign(visibility=-1.0, carrier="?", distance=-1.0), "x", params.data, NOTHING_MORE, None)

    assert list(broken(result)) == ["values.carrier", "range.distance", "range.visibility"]


def test_details_say_the_same_as_the_quick_check_and_more(rows: pd.DataFrame, params: Params) -> None:
    rows = rows.assign(visibility=-1.0)

    result, found = check_in_detail(rows, "x", params.data, NOTHING_MORE, None)

    assert result == check(rows, "x", params.data, NOTHING_MORE, None)
    said = {one.name: what for one, what in found}
    assert len(said) == result.judged
    assert (said["rows"], said["range.visibility"], said["type.carrier"]) == (
        "300 rows",
        "300 of 300 rows (100.0%)",
        "words",
    )


def test_a_result_is_the_same_json_whatever_the_order_of_the_columns(rows: pd.DataFrame, params: Params) -> None:
    rows = rows.assign(visibility=-1.0, humidity=np.inf)

    results = [check(rows[names], "x", params.data, NOTHING_MORE, None) for names in (list(rows), list(rows)[::-1])]

    first, second = (json.dumps(result.as_json(), allow_nan=False) for result in results)
    assert first == second
    assert '"humidity": "inf"' in first


def test_rows_are_left_as_they_were(rows: pd.DataFrame, params: Params) -> None:
    rows = rows.assign(distance=rows["distance"].astype("int64"))
    before = rows.copy(deep=True)

    check(rows, "x", params.data, params.contract, "2013-01")

    pd.testing.assert_frame_equal(rows, before)


def test_the_index_of_the_rows_does_not_matter(rows: pd.DataFrame, params: Params) -> None:
    rows["humidity"] = rows["humidity"].where(rows.index != 7, 400.0)

    (one,) = check(rows.set_index(rows.index * 0), "x", params.data, NOTHING_MORE, None).broken

    assert one.examples == ({"flight_id": "row-2013-01-0-7", "humidity": 400.0},)


def test_a_table_without_a_time_and_without_bounds_has_a_contract(make_rows: MakeRows, params: Params) -> None:
    columns = {"dose": {"kind": "number", "label": "Dose"}, "ward": {"kind": "category", "label": "Ward"}}
    target: Any = {"column": "outcome", "negative": "well", "positive": "ill"}
    schema = params.data.model_validate({"id": "patient", "target": target, "columns": columns})
    rows = make_rows(schema)

    assert check(rows, "x", schema, NOTHING_MORE, None).broken == ()
    infinite = rows.assign(dose=rows["dose"].where(rows.index != 1, np.inf))
    assert broken(check(infinite, "x", schema, NOTHING_MORE, None)) == {"range.dose": "1 of 300 rows (0.3%)"}


def test_the_suite_is_one_of_great_expectations_with_our_names(params: Params) -> None:
    made = suite(promises.expectations(params.data, params.contract, "2013-02"))

    named = [((one.meta or {})["name"], one) for one in made.expectations]
    kinds = {name: (one.expectation_type, str(one.severity.value)) for name, one in named}
    assert len(kinds) == len(named) > 70
    assert kinds["missing.carrier"] == ("expect_column_values_to_not_be_null", "critical")
    assert kinds["target_share"] == ("expect_column_mean_to_be_between", "warning")
    json.dumps(made.to_json_dict())


def test_judging_leaves_nothing_behind_and_shows_no_bars(
    rows: pd.DataFrame, params: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    caplog.set_level(logging.WARNING)

    check_in_detail(rows.assign(humidity=-1.0), "x", params.data, NOTHING_MORE, None)

    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")
    assert caplog.messages == []
    assert os.environ["GX_ANALYTICS_ENABLED"].lower() == "false"
