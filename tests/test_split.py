import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import MakeRows
from holdfast.errors import UserError
from holdfast.params import IdSplit, Params, TimeSplit
from holdfast.schema import Schema
from holdfast.split import IdBoundaries, boundaries

BY_TIME = TimeSplit(by="time", validation_months=1, holdout_months=1)
BY_ID = IdSplit(by="id", validation_share=0.2, holdout_share=0.2)


@pytest.fixture(scope="module")
def months(params: Params, make_rows: MakeRows) -> pd.DataFrame:
    parts = [make_rows(month=f"2013-{month:02d}", rows=50) for month in range(1, 7)]
    return pd.concat(parts, ignore_index=True)


def month_of(rows: pd.DataFrame) -> pd.Series:
    return rows["scheduled_departure"].dt.strftime("%Y-%m")


def test_the_newest_month_is_the_holdout_and_the_one_before_it_validates(params: Params, months: pd.DataFrame) -> None:
    sides = boundaries(months, BY_TIME, params.data).sides(months, params.data)

    by_month = pd.Series(sides).groupby(month_of(months).to_numpy()).unique().map(list).to_dict()
    assert by_month == {
        "2013-01": ["train"], "2013-02": ["train"], "2013-03": ["train"], "2013-04": ["train"],
        "2013-05": ["validation"], "2013-06": ["holdout"],
    }  # fmt: skip


@pytest.mark.parametrize("split", [BY_TIME, BY_ID], ids=["time", "id"])
@given(seed=st.integers(0, 2**32 - 1), share=st.floats(0.05, 0.95))
def test_removing_rows_moves_no_other_row(
    params: Params, months: pd.DataFrame, split: TimeSplit | IdSplit, seed: int, share: float
) -> None:
    before = pd.Series(boundaries(months, split, params.data).sides(months, params.data), index=months.index)
    keep = np.random.default_rng(seed).random(len(months)) < share
    keep[::50] = True  # one row of each month stays: only a new month may move the boundaries
    left = months[keep]

    after = boundaries(left, split, params.data).sides(left, params.data)

    assert (before[keep].to_numpy() == after).all()


def test_a_new_month_moves_the_boundaries_by_one_month(params: Params, months: pd.DataFrame) -> None:
    older = months[month_of(months) < "2013-06"]

    assert boundaries(older, BY_TIME, params.data).model_dump() == {
        "by": "time", "validation_from": "2013-04", "holdout_from": "2013-05", "holdout_through": "2013-05",
    }  # fmt: skip
    assert boundaries(months, BY_TIME, params.data).model_dump() == {
        "by": "time", "validation_from": "2013-05", "holdout_from": "2013-06", "holdout_through": "2013-06",
    }  # fmt: skip


def test_saved_boundaries_tell_the_side_of_rows_that_came_later(params: Params, months: pd.DataFrame) -> None:
    seen = boundaries(months[month_of(months) < "2013-06"], BY_TIME, params.data)

    assert set(seen.sides(months[month_of(months) == "2013-06"], params.data)) == {"holdout"}
    assert set(seen.sides(months[month_of(months) == "2013-04"], params.data)) == {"validation"}


def test_a_month_is_a_month_by_the_local_clock(params: Params, make_rows: MakeRows) -> None:
    rows = make_rows(rows=1)
    rows["scheduled_departure"] = (
        pd.Timestamp("2013-02-01 03:30", tz="UTC").tz_convert("America/New_York").as_unit("us")
    )

    with pytest.raises(UserError, match="found 1 months"):
        boundaries(rows, BY_TIME, params.data)
    assert boundaries(
        pd.concat([rows, make_rows(month="2013-02", rows=5), make_rows(month="2013-03", rows=5)]), BY_TIME, params.data
    ).model_dump()["validation_from"] == "2013-02"  # fmt: skip


def test_a_month_without_rows_is_named(params: Params, months: pd.DataFrame) -> None:
    gap = months[~month_of(months).isin(["2013-02", "2013-03"])]

    with pytest.raises(
        UserError, match=r"found no rows in 2013-02, 2013-03, expected every month from 2013-01 to 2013-06"
    ):
        boundaries(gap, BY_TIME, params.data)


def test_sides_by_id_have_about_their_shares(params: Params) -> None:
    rows = pd.DataFrame({params.data.id: [f"id-{number}" for number in range(20_000)]})

    sides = pd.Series(boundaries(rows, BY_ID, params.data).sides(rows, params.data)).value_counts(normalize=True)

    assert sides["holdout"] == pytest.approx(0.2, abs=0.01)
    assert sides["validation"] == pytest.approx(0.2, abs=0.01)


def test_another_salt_gives_another_split(params: Params, months: pd.DataFrame) -> None:
    plain = IdBoundaries(holdout_below=0.5, validation_below=0.6, salt="").sides(months, params.data)
    salted = IdBoundaries(holdout_below=0.5, validation_below=0.6, salt="pepper").sides(months, params.data)

    assert (plain != salted).any()


def visits(params: Params) -> tuple[pd.DataFrame, Schema]:
    """Return 2,000 visits of 300 patients, and their schema."""
    rows = pd.DataFrame({params.data.id: [f"visit-{n}" for n in range(2_000)]})
    rows["patient"] = [f"P{n % 300}" for n in range(2_000)]
    return rows, params.data.model_copy(update={"group": "patient"})


def test_rows_of_one_group_are_all_on_one_side(params: Params) -> None:
    rows, schema = visits(params)

    sides = pd.Series(boundaries(rows, BY_ID, schema).sides(rows, schema))

    assert sides.groupby(rows["patient"]).nunique().eq(1).all()
    assert set(sides) == {"train", "validation", "holdout"}


def test_a_row_whose_group_is_not_known_is_placed_by_its_id(params: Params) -> None:
    rows, schema = visits(params)
    unknown = rows.assign(patient=pd.Series([None] * len(rows), dtype="str"))

    alone = boundaries(rows, BY_ID, params.data).sides(rows, params.data)

    assert list(boundaries(rows, BY_ID, schema).sides(unknown, schema)) == list(alone)


def test_what_was_saved_before_groups_decided_keeps_its_sides(params: Params) -> None:
    rows, schema = visits(params)
    saved = {"by": "id", "holdout_below": 0.2, "validation_below": 0.4, "salt": ""}

    sides = IdBoundaries.model_validate(saved).sides(rows, schema)

    assert list(sides) == list(boundaries(rows, BY_ID, params.data).sides(rows, params.data))
