"""Bodies become rows: the quick way and the slow way agree, and what is wrong is said to the field."""

import json
import time
from math import pi
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.problems import Problem
from app.requests import Reader, Row
from holdfast.bundle import Bundle
from holdfast.cells import expected
from holdfast.schema import Number, Schema


@pytest.fixture
def reader(bundle: Bundle, row: Row) -> Reader:
    return Reader(bundle.model.facts.data, {}, max_rows=50, example=row)


def read(reader: Reader, **content: Any) -> Any:
    return reader.read(json.dumps(content).encode())


def errors(reader: Reader, **content: Any) -> list[tuple[int | None, str | None, str, str]]:
    with pytest.raises(Problem, match=r"expected|schema") as caught:
        read(reader, **content)
    return [(error.row, error.field, error.found, error.expected) for error in caught.value.errors]


def test_rows_keep_their_order_and_their_values(reader: Reader, row: Row) -> None:
    request = read(reader, rows=[row | {"distance": float(number)} for number in range(20)])

    assert [one["distance"] for one in request.rows] == [float(number) for number in range(20)]
    assert list(request.numbers) == list(range(20))
    assert not request.refused


def test_escaped_text_takes_the_slow_way_to_the_same_rows(reader: Reader, row: Row) -> None:
    plain = reader.read(json.dumps({"rows": [row | {"carrier": "Ü"}]}, ensure_ascii=False).encode())
    escaped = reader.read(json.dumps({"rows": [row | {"carrier": "Ü"}]}).encode())

    assert plain.rows == escaped.rows


@given(number=st.floats(0, 6_000))
def test_a_number_arrives_to_the_last_bit_on_both_ways(number: float) -> None:
    schema = Schema.model_validate_json(
        '{"id": "i", "target": {"column": "t", "negative": "n", "positive": "p"},'
        ' "columns": {"x": {"kind": "number", "label": "X"}, "w": {"kind": "category", "label": "W"}}}'
    )
    reader = Reader(schema, {}, max_rows=1, example={})

    for word in ('"a"', '"\\u0061"'):
        (found,) = reader.read(f'{{"rows": [{{"x": {number!r}, "w": {word}}}]}}'.encode()).rows
        assert found == {"x": number, "w": "a"}


MANY = 40  # rows of such a request are checked column by column
WRONG: list[dict[str, Any]] = [
    {"distance": -1},
    {"distance": 6_001.0},
    {"distance": True},
    {"distance": "12"},
    {"distance": None},
    {"distance": [1]},
    {"humidity": {}},
    {"carrier": ""},
    {"carrier": None},
    {"carrier": 7},
    {"carrier": ["UA"]},
    {"carrier": "a\x7fb"},
    {"scheduled_departure": "2013-09-01"},
    {"scheduled_departure": "2013-09-01T08:00:00"},
    {"scheduled_departure": "2200-01-01T08:00:00Z"},
    {"scheduled_departure": 5},
    {"flight_id": None},
    {"flight_id": 5},
    {"nobody_knows": 1},
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_mistake_among_many_rows_is_found_as_in_one(reader: Reader, row: Row, wrong: dict[str, Any]) -> None:
    alone = errors(reader, rows=[row | wrong])

    among = errors(reader, rows=[row] * MANY + [row | wrong])

    assert among == [(MANY, *rest) for _, *rest in alone]


def test_a_column_that_one_of_many_rows_lacks_is_named(reader: Reader, row: Row) -> None:
    short = {name: value for name, value in row.items() if name != "carrier"}

    assert errors(reader, rows=[row] * MANY + [short])[0][:3] == (MANY, "carrier", "nothing")


def test_a_key_that_stands_twice_among_many_rows_is_named(reader: Reader, row: Row) -> None:
    body = json.dumps({"rows": [row] * MANY}).replace('"carrier"', '"distance": 1.0, "carrier"', 1).encode()

    with pytest.raises(Problem, match="distance"):
        reader.read(body)


def test_many_rows_become_what_each_of_them_becomes(reader: Reader, row: Row) -> None:
    short = {name: value for name, value in row.items() if name != "humidity"}
    various = [
        row,
        short,
        row | {"humidity": None},
        row | {"distance": 5, "flight_id": "mine"},
        row | {"scheduled_departure": "2013-09-01 08:00:00Z", "carrier": "unheard of"},
    ]
    many = read(reader, rows=various * 8, bad_rows="refuse", explain=False)
    alone = [read(reader, rows=[one]).rows[0] for one in various]

    assert many.rows == alone * 8
    kinds = [[{name: type(value) for name, value in one.items()} for one in rows] for rows in (many.rows, alone * 8)]
    assert kinds[0] == kinds[1]
    table = reader.columns.of(alone * 8)
    assert many.table.missing == table.missing
    for name, values in table.columns.items():
        np.testing.assert_array_equal(np.array(many.table.columns[name]), np.array(values))


def test_whole_numbers_are_numbers(reader: Reader, row: Row) -> None:
    assert read(reader, rows=[row | {"distance": 5}]).rows[0]["distance"] == 5.0


def test_a_bad_row_is_named_with_field_found_and_expected(reader: Reader, row: Row) -> None:
    assert errors(reader, rows=[row, row | {"distance": -1}]) == [
        (1, "distance", "-1", "a number from 0 to 6000 miles")
    ]
    assert errors(reader, rows=[row | {"humidity": "wet"}]) == [
        (0, "humidity", '"wet"', "a number from 0 to 100 %, or null")
    ]
    assert errors(reader, rows=[{key: value for key, value in row.items() if key != "origin"}]) == [
        (0, "origin", "nothing", "text of 1 to 200 characters such as 'EWR'")
    ]


def test_a_mistyped_key_is_guessed(reader: Reader, row: Row) -> None:
    (found,) = errors(reader, rows=[row | {"distanse": 1}])

    assert found == (0, "distanse", "an unknown key", "a key of the schema, did you mean 'distance'?")


def test_a_key_that_stands_twice_is_named(reader: Reader, row: Row) -> None:
    body = json.dumps({"rows": [row]}).replace('"distance"', '"distance": 1, "distance"')

    with pytest.raises(Problem, match="distance: found the key twice, expected each key once"):
        reader.read(body.encode())


def test_of_many_bad_rows_only_the_first_hundred_are_looked_into(bundle: Bundle, row: Row) -> None:
    reader = Reader(bundle.model.facts.data, {}, max_rows=2_000, example=row)

    with pytest.raises(
        Problem, match=r"100 rows are not as the schema says; nothing was scored\. There may be more"
    ) as caught:
        read(reader, rows=[row | {"distance": -1}] * 500)

    assert len(caught.value.errors) == 100


def test_good_rows_are_kept_when_bad_ones_are_skipped(reader: Reader, row: Row) -> None:
    request = read(reader, rows=[{}, row, row | {"distance": pi}, 5], bad_rows="skip")

    assert list(request.numbers) == [1, 2]
    assert [refused.row for refused in request.refused] == [0, 3]


def test_too_many_bad_rows_are_not_skipped(bundle: Bundle, row: Row) -> None:
    reader = Reader(bundle.model.facts.data, {}, max_rows=2_000, example=row)

    with pytest.raises(Problem, match="There may be more"):
        read(reader, rows=[{}] * 1_000 + [row], bad_rows="skip")


def test_many_rows_with_many_mistakes_are_little_work() -> None:
    columns = {f"number {number}": {"kind": "number", "label": "N"} for number in range(40)}
    target = {"column": "t", "negative": "n", "positive": "p"}
    reader = Reader(Schema.model_validate({"id": "i", "target": target, "columns": columns}), {}, 2_000, {})
    seconds = []

    for _ in range(3):
        started = time.process_time()
        with pytest.raises(Problem, match="There may be more") as caught:
            read(reader, rows=[{}] * 1_000, bad_rows="skip")
        seconds.append(time.process_time() - started)

    assert len(caught.value.errors) == 100 * 40
    assert min(seconds) < 0.1


def test_explanations_are_for_few_rows(bundle: Bundle, row: Row) -> None:
    reader = Reader(bundle.model.facts.data, {}, max_rows=200, example=row)

    assert read(reader, rows=[row] * 100, explain=True).explain
    with pytest.raises(Problem, match="found 101 rows, expected at most 100 rows with explain"):
        read(reader, rows=[row] * 101, explain=True)


def test_more_rows_than_allowed_are_refused(reader: Reader, row: Row) -> None:
    with pytest.raises(Problem, match="rows: found a list of 51, expected a list of 1 to 50 rows"):
        read(reader, rows=[row] * 51)


def test_a_row_of_a_page_is_checked_by_the_same_rules(reader: Reader, row: Row) -> None:
    checked = reader.check(row | {"distance": 5})
    wrong = reader.check(row | {"distance": 7_000})

    assert isinstance(checked, dict)
    assert checked["distance"] == 5.0
    assert isinstance(wrong, list)
    assert [error.field for error in wrong] == ["distance"]


def test_a_time_without_a_zone_has_no_offset() -> None:
    schema = Schema.model_validate_json(
        '{"id": "i", "target": {"column": "t", "negative": "n", "positive": "p"},'
        ' "columns": {"at": {"kind": "time", "label": "At", "nullable": true}}}'
    )
    reader = Reader(schema, {}, max_rows=5, example={})

    assert isinstance(reader.check({"at": "2013-09-01T08:00"}), dict)
    assert isinstance(reader.check({}), dict)
    assert isinstance(reader.check({"at": "2013-09-01T08:00Z"}), list)


def test_a_row_of_very_many_columns_is_none_too_long() -> None:
    names = [f"a number with a name that is as long as a sentence, {number}" for number in range(2_000)]
    columns = ", ".join(f'"{name}": {{"kind": "number", "label": "N"}}' for name in names)
    schema = Schema.model_validate_json(
        f'{{"id": "i", "target": {{"column": "t", "negative": "n", "positive": "p"}}, "columns": {{{columns}}}}}'
    )
    row = dict.fromkeys(names, 0.1)

    assert read(Reader(schema, {}, max_rows=5, example={}), rows=[row] * 2).rows == [row] * 2


def test_bounds_are_told_with_all_their_digits() -> None:
    column = Number(kind="number", label="Price", min=0.1, max=12_345_678)

    assert expected(column) == "a number from 0.1 to 12345678"
