"""What the columns of a table are for."""

from typing import Any

import pandas as pd
import pytest

from holdfast import guessing, proposing, roles
from holdfast.errors import UserError
from holdfast.roles import Roles

ROWS = 40
NO_GROUP = "an input of the model, no group (30% at most)"
SIZE = [round(0.37 * n % 7, 2) for n in range(ROWS)]


def roles_of(**columns: Any) -> Roles:
    rows = max((len(values) for values in columns.values()), default=ROWS)
    size = [round(0.37 * n % 7, 2) for n in range(rows)]
    target = ["a", "b"] * (rows // 2)
    return roles.give(guessing.table(pd.DataFrame({"size": size, **columns, "target": target}), ","), None, None)


def reasons(given: Roles) -> dict[str, str]:
    return {guess.name: guess.out for guess in given.out}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("id", [n * 7 for n in range(ROWS)]),
        ("PassengerId", list(range(1, ROWS + 1))),
        ("order_key", [f"A{n}" for n in range(ROWS)]),
        ("No", [n * 7 for n in range(ROWS)]),
    ],
)
def test_a_column_that_names_every_row_once_is_the_id(name: str, values: list[Any]) -> None:
    given = roles_of(**{name: values})

    assert (given.id.name, given.id.tolist()) == (name, [str(value) for value in values])
    assert [guess.name for guess in given.columns] == ["size"]


def test_a_number_that_happens_to_differ_in_every_row_is_no_id() -> None:
    assert roles_of(price=[n * 7 for n in range(ROWS)]).id.name == "id"


def test_an_id_is_made_of_what_stands_in_a_row_whatever_its_place() -> None:
    one = roles_of(colour=["red", "blue"] * 20)
    rows = pd.DataFrame({"target": ["a", "b"] * 20, "colour": ["red", "blue"] * 20, "size": SIZE}).iloc[::-1]

    other = roles.give(guessing.table(rows.reset_index(drop=True), ","), None, None)

    assert sorted(one.id) == sorted(other.id)
    assert one.id.is_unique


def test_a_made_id_is_the_same_whatever_hour_another_row_has() -> None:
    days = ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04"] * 10

    ids = [roles_of(day=[*days[:-1], last]).id.iloc[:-1].tolist() for last in ("2024-01-04", "2024-01-04 14:30")]

    assert ids[0] == ids[1]


def test_equal_rows_are_told_apart_by_their_number_and_told() -> None:
    rows = pd.DataFrame({"size": [1.5, 2.5, 1.5, 1.5], "target": [1.25, 2.25, 1.25, 1.25]})

    given = roles.give(guessing.table(rows, ","), None, None)

    assert given.id[2:].tolist() == [f"{given.id[0]}-2", f"{given.id[0]}-3"]
    assert given.notes == ("2 rows equal an earlier one: remove them if they are copies",)


def test_ids_that_repeat_are_told_and_others_are_made() -> None:
    given = roles_of(id=[*range(38), 5, 5])

    assert given.id.name == "row_id"
    assert reasons(given) == {"id": "an id by its name: 38 different numbers"}
    assert given.notes[0].startswith("'id' repeats, in 3 rows (such as '5'), so that it is no id")


def test_an_id_that_many_rows_share_is_the_group() -> None:
    given = roles_of(patient_id=[n // 4 for n in range(120)], visit_id=range(120))

    assert given.group is not None
    assert (given.group.name, given.id.name) == ("patient_id", "visit_id")
    assert "patient_id" not in [guess.name for guess in given.columns]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("no_of_week_nights", [n % 40 for n in range(400)]),
        ("key", [n % 37 for n in range(400)]),
        ("device", [f"D{n % 6}" for n in range(400)]),
        ("group", ["A", "B", "C", "D", "E"] * 80),
        ("family", [n % 29 for n in range(400)]),
        ("season_id", [n % 12 for n in range(400)]),
    ],
)
def test_an_ordinary_column_whose_name_only_sounds_like_an_id_is_seen_by_the_model(
    name: str, values: list[Any]
) -> None:
    given = roles_of(**{name: values})

    assert given.group is None
    assert [guess.name for guess in given.columns] == ["size", name]


def test_an_id_with_too_few_values_for_a_group_is_an_input_and_told() -> None:
    assert roles_of(device=["phone", "tablet"] * 20).notes == (
        "'device' may name what rows share, but has 2 values: an input of the model, no group (30 at least)",
    )
    assert roles_of(colour=["red", "blue"] * 20).notes == ()


def test_a_group_may_be_missing_in_some_rows() -> None:
    patients = [f"P{n % 200}" for n in range(999)]

    given = roles_of(patient_id=[*patients, None], visit_id=range(1_000))

    assert given.group is not None
    assert (given.group.name, [guess.name for guess in given.columns]) == ("patient_id", ["size"])
    assert proposing.contract(given, by_month=False)["missing"] == {"patient_id": 0.03}


@pytest.mark.parametrize(
    ("ids", "reason"),
    [
        ([f"C{n // 5 % 60}" if n % 5 == 0 else "guest" for n in range(600)], "'guest' stands in 80% of the rows"),
        ([f"C{n // 5 % 60}" if n % 5 == 0 else None for n in range(600)], "nothing stands in 80% of the rows"),
    ],
)
def test_what_would_put_most_rows_on_one_side_is_no_group_and_told(ids: list[Any], reason: str) -> None:
    given = roles_of(customer_id=ids)

    assert given.group is None
    assert given.notes == (f"'customer_id' may name what rows share, but {reason}: {NO_GROUP}",)


def test_of_two_groups_the_second_is_an_input_and_told() -> None:
    given = roles_of(patient_id=[n % 200 for n in range(1_000)], device_id=[f"D{n % 77}" for n in range(1_000)])

    assert given.group is not None
    assert given.group.name == "patient_id"
    assert given.notes == (
        "'device_id' may name what rows share, but 'patient_id' is the group, and only one can be: "
        "an input of the model",
    )


def test_a_column_that_counts_the_rows_is_left_out() -> None:
    assert reasons(roles_of(column_1=range(ROWS))) == {"column_1": "it counts the rows"}


def test_the_time_is_the_first_that_every_row_has_and_no_day_of_birth() -> None:
    days = pd.date_range("2024-01-01", periods=ROWS)

    given = roles_of(birth_date=days, left=[None, *days[1:]], arrived=days, paid=days)

    assert given.time is not None
    assert given.time.name == "arrived"


def test_an_id_that_is_called_like_the_scores_of_a_class_gets_another_name() -> None:
    ids = [f"A{n}" for n in range(ROWS)]
    rows = pd.DataFrame({"score_no": ids, "row_id": SIZE, "size": SIZE, "target": ["no", "yes", "late", "yes"] * 10})

    given = roles.give(guessing.table(rows, ","), None, None)

    assert (given.id.name, given.id.tolist()) == ("id", ids)
    assert (
        given.id_why == "'score_no' is known of every row, and differs; renamed, for the scores of 'no' are called so"
    )


def test_a_table_with_nothing_to_predict_from_is_refused() -> None:
    rows = pd.DataFrame({"nothing": [None] * 4, "target": [1.5, 2.5, 3.5, 4.5]})

    with pytest.raises(UserError, match="found no column from which target could be predicted"):
        roles.give(guessing.table(rows, ","), None, None)
