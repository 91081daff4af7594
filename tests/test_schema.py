import pandas as pd
import pytest

from conftest import MakeRows
from holdfast.errors import UserError
from holdfast.params import Params
from holdfast.schema import Schema


def test_rows_have_the_columns_of_the_schema_in_its_order(params: Params, make_rows: MakeRows) -> None:
    rows = make_rows()

    checked = params.data.rows(rows, "rows")

    assert list(checked) == [params.data.id, params.data.target.column, *params.data.columns]
    assert len(checked) == len(rows)


def test_integers_become_floats_and_nanoseconds_become_microseconds(params: Params, make_rows: MakeRows) -> None:
    rows = make_rows()
    rows["distance"] = rows["distance"].astype("int64")
    rows["scheduled_departure"] = rows["scheduled_departure"].dt.as_unit("ns")

    checked = params.data.rows(rows, "rows")

    assert checked["distance"].dtype == "float64"
    assert str(checked["scheduled_departure"].dtype) == "datetime64[us, America/New_York]"


def test_inputs_do_not_need_the_id_or_the_target(params: Params, make_rows: MakeRows) -> None:
    rows = make_rows().drop(columns=[params.data.id, params.data.target.column])

    assert list(params.data.inputs(rows, "rows")) == list(params.data.columns)


def test_inputs_take_values_that_training_would_refuse(params: Params, make_rows: MakeRows) -> None:
    rows = make_rows().assign(carrier="unheard of", distance=-1.0)

    inputs = params.data.inputs(rows, "rows")

    assert (inputs["carrier"] == "unheard of").all()


def test_inputs_name_a_missing_column(params: Params, make_rows: MakeRows) -> None:
    with pytest.raises(UserError, match="request: missing column 'carrier'"):
        params.data.inputs(make_rows().drop(columns="carrier"), "request")


def test_an_entirely_missing_column_is_fine_where_it_may_be_missing(params: Params, make_rows: MakeRows) -> None:
    checked = params.data.rows(make_rows().assign(wind_gust=None), "rows")

    assert checked["wind_gust"].isna().all()
    assert checked["wind_gust"].dtype == "float64"


def test_a_clock_in_another_zone_is_refused(params: Params, make_rows: MakeRows) -> None:
    rows = make_rows()
    rows["scheduled_departure"] = rows["scheduled_departure"].dt.tz_convert("UTC")

    with pytest.raises(UserError, match="found time zone UTC, expected America/New_York"):
        params.data.rows(rows, "rows")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"time": "carrier"}, "time 'carrier' is not a column of kind time"),
        ({"id": "distance"}, "id 'distance' is also listed under columns"),
        ({"columns": {}}, "at least 1 item"),
        ({"group": "arrival"}, "group 'arrival' is the id or the target"),
        ({"target": {"column": "y", "negative": "no", "positive": "no"}}, "labels must all differ"),
        ({"columns": {"x": {"kind": "number", "label": "x", "min": 2, "max": 1}}}, "min 2 is above max 1"),
        ({"columns": {"x": {"kind": "category", "label": "x", "values": ["a", "a"]}}}, "values must be distinct"),
        ({"columns": {"x": {"kind": "time", "label": "x", "zone": "Mars/Base"}}}, "expected an IANA time zone"),
    ],
)
def test_a_schema_that_contradicts_itself_is_refused(params: Params, change: dict[str, object], problem: str) -> None:
    content = params.data.model_dump(mode="json") | change

    with pytest.raises(ValueError, match=problem):
        Schema.model_validate(content)


def test_missing_words_stay_missing(params: Params, make_rows: MakeRows) -> None:
    schema = params.data.model_copy(
        update={
            "columns": {
                **params.data.columns,
                "carrier": params.data.columns["carrier"].model_copy(update={"nullable": True}),
            }
        }
    )
    rows = make_rows()
    rows["carrier"] = rows["carrier"].where(rows.index != 3, None)

    assert pd.isna(schema.rows(rows, "rows")["carrier"][3])
