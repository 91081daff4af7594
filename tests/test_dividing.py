"""How a strange table is split."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast import dividing
from holdfast.dividing import Division
from holdfast.errors import UserError
from holdfast.params import IdSplit, TimeSplit
from holdfast.schema import Schema
from holdfast.split import SIDES


def schema(time: bool = False) -> Schema:
    columns = {"x": {"kind": "number", "label": "X"}} | ({"day": {"kind": "time", "label": "Day"}} if time else {})
    target = {"column": "y", "negative": "a", "positive": "b"}
    return Schema.model_validate(
        {"id": "id", "target": target, "columns": columns} | ({"time": "day"} if time else {})
    )  # fmt: skip


def divided(labels: list[str] | None, rows: int, days: pd.DatetimeIndex | None = None) -> Division:
    table = pd.DataFrame({"id": [f"row {n}" for n in range(rows)]})
    if days is not None:
        table["day"] = days
    answers = pd.Series(np.arange(rows) / 2) if labels is None else pd.Series(labels, dtype="str")
    return dividing.divide(table, schema(days is not None), answers)


@given(st.lists(st.integers(3, 12), min_size=2, max_size=3))
def test_every_label_is_on_every_side_or_dropped_and_told(counts: list[int]) -> None:
    labels = [str(label) for label, count in enumerate(counts) for _ in range(count)]

    division = divided(labels, len(labels))

    kept = set(labels) - set(division.dropped)
    assert len(kept) >= 2
    for side in SIDES:
        assert kept <= {label for label, where in zip(labels, division.sides, strict=True) if where == side}


def test_five_rows_of_a_label_are_on_all_sides_and_always_alike() -> None:
    labels = ["good"] * 1_995 + ["broken"] * 5

    first, second = divided(labels, 2_000), divided(labels, 2_000)

    assert first.split == second.split
    assert {side for side, label in zip(first.sides, labels, strict=True) if label == "broken"} == set(SIDES)
    assert np.isclose((first.sides == "holdout").mean(), 0.2, atol=0.03)


def test_a_class_with_two_rows_is_dropped_where_others_are_left() -> None:
    division = divided(["a"] * 30 + ["b"] * 30 + ["rare"] * 2, 62)

    assert division.dropped == ("rare",)


def test_fifty_rows_have_a_holdout_of_at_least_five() -> None:
    division = divided(None, 50)

    assert min((division.sides == side).sum() for side in SIDES) >= 5


def test_labels_too_rare_for_any_split_are_refused_with_a_remedy() -> None:
    labels = [str(n % 12) for n in range(36)]

    with pytest.raises(UserError, match="y: found 12 labels in 36 rows, expected enough to train, to validate"):
        divided(labels, 36)


def test_months_enough_make_a_split_by_time() -> None:
    division = divided(["a", "b"] * 100, 200, pd.date_range("2024-01-01", periods=200))

    assert isinstance(division.split, TimeSplit)
    assert (division.split.holdout_months, division.split.validation_months) == (2, 2)
    assert [(division.sides == side).sum() for side in SIDES] == [91, 61, 48]  # January to March, to May, to 18 July


@pytest.mark.parametrize(
    ("days", "labels", "why"),
    [
        (pd.date_range("2024-01-01", periods=60), ["a", "b"] * 30, "day spans 2 months, too few to split by"),
        (
            pd.date_range("2024-01-01", periods=60).append(pd.date_range("2024-08-01", periods=60)),
            ["a", "b"] * 60,
            "day has months without rows, such as 2024-03",
        ),
        (
            pd.date_range("2024-01-01", periods=200),
            ["b"] * 60 + ["a"] * 140,
            "the newest months by day have too few rows with an answer, too few days, or not every label",
        ),
    ],
)  # fmt: skip
def test_where_months_do_not_do_the_id_decides_and_it_is_said_why(
    days: pd.DatetimeIndex, labels: list[str], why: str
) -> None:
    division = divided(labels, len(days), days)

    assert isinstance(division.split, IdSplit)
    assert division.why.startswith(why)


def test_without_a_time_the_id_decides() -> None:
    division = divided(["a", "b"] * 500, 1_000)

    assert division.split == IdSplit(by="id", validation_share=0.2, holdout_share=0.2)
    assert division.why.startswith("no column says when a row happened")


def visits(rows: int, patients: int) -> tuple[pd.DataFrame, Schema]:
    """Return visits of patients in turn, and their schema."""
    table = pd.DataFrame(
        {"id": [f"row {n}" for n in range(rows)], "patient": [f"P{n % patients}" for n in range(rows)]}
    )
    return table, schema().model_copy(update={"group": "patient"})


@pytest.mark.parametrize(("rows", "patients"), [(2_000, 300), (120, 12), (60, 5)])
def test_rows_of_one_group_are_on_one_side_and_each_side_has_enough(rows: int, patients: int) -> None:
    table, described = visits(rows, patients)
    labels = pd.Series(np.where(np.arange(rows) // patients % 2, "a", "b"), dtype="str")

    division = dividing.divide(table, described, labels)

    assert table["patient"].groupby(division.sides).nunique().sum() == patients
    assert dividing.groups(table[division.holdout], described) >= (2 if patients > 5 else 1)
    assert min((division.sides == side).mean() for side in SIDES) >= dividing.LEAST
    assert "a hash of the patient holds out" in division.why


def test_a_label_that_two_groups_alone_have_is_too_rare() -> None:
    table, described = visits(2_000, 100)
    labels = pd.Series(np.where(table["patient"].isin(["P1", "P2"]), "rare", np.where(np.arange(2_000) % 3, "a", "b")))

    division = dividing.divide(table, described, labels.astype("str"))

    assert division.dropped == ("rare",)
    assert (division.answered == (labels != "rare")).all()


def test_what_too_few_groups_share_is_refused_with_a_remedy() -> None:
    table, described = visits(40, 2)

    with pytest.raises(
        UserError, match="y: found 2 labels in 40 rows of 2 different patient, expected enough"
    ) as refused:
        dividing.divide(table, described, pd.Series(["a", "b"] * 20, dtype="str"))

    assert "name a file without the column 'patient'" in str(refused.value.fix)


def test_a_row_without_a_group_is_on_its_own() -> None:
    table, described = visits(1_000, 200)
    table.loc[table.index % 5 == 0, "patient"] = None

    division = dividing.divide(table, described, pd.Series(["a", "b"] * 500, dtype="str"))

    assert table["patient"].groupby(division.sides).nunique().sum() == table["patient"].nunique()
    assert set(division.sides[table["patient"].isna()]) == set(SIDES)
    assert dividing.groups(table, described) == table["patient"].nunique() + 200


@pytest.mark.parametrize("by_time", [True, False])
def test_each_side_has_rows_whose_number_is_known(by_time: bool) -> None:
    days = pd.date_range("2024-01-01", "2024-12-31")
    table = pd.DataFrame({"id": [f"row {n}" for n in range(len(days))], "day": days})
    numbers = pd.Series(np.arange(len(days)) / 3).where(days.month <= 9 if by_time else np.arange(len(days)) % 30 == 0)

    division = dividing.divide(table, schema(time=by_time), numbers)

    known = numbers.notna().to_numpy(bool)
    assert isinstance(division.split, TimeSplit if by_time else IdSplit)
    assert (division.answered == known).all()
    assert min((division.sides[known] == side).mean() for side in SIDES) >= dividing.LEAST


def test_a_holdout_of_one_day_is_none_to_judge_by() -> None:
    days = pd.to_datetime(np.repeat(["2024-01-01", "2024-02-01", "2024-03-01", "2024-04-01", "2024-05-01"], 40))

    division = divided(["a", "b"] * 100, 200, pd.DatetimeIndex(days))

    assert isinstance(division.split, IdSplit)
    assert "too few days" in division.why
