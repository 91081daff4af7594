"""What people type becomes the row that a program would send, or is said to be unreadable."""

import time
from typing import Any

import pytest

from app.problems import FieldError
from app.words import row_of, words_of
from holdfast.schema import Schema

NUMBER: dict[str, Any] = {"kind": "number", "label": "Weight", "nullable": True}
WORD: dict[str, Any] = {"kind": "category", "label": "Colour", "nullable": True}
MOMENT: dict[str, Any] = {"kind": "time", "label": "Moment", "nullable": True, "zone": "America/New_York"}
TARGET = {"column": "outcome", "negative": "no", "positive": "yes"}


def schema_of(**columns: dict[str, Any]) -> Schema:
    return Schema.model_validate({"id": "key", "target": TARGET, "columns": columns})


@pytest.mark.parametrize(
    ("word", "number"),
    [
        ("12", 12.0),
        (" 0.5 ", 0.5),
        ("-3", -3.0),
        ("+7.", 7.0),
        (".25", 0.25),
        ("1e3", 1000.0),
        ("\N{MINUS SIGN}4", -4.0),
    ],
)
def test_a_number_is_read_as_people_write_it(word: str, number: float) -> None:
    assert row_of({"weight": word}, schema_of(weight=NUMBER)) == ({"weight": number}, [])


@pytest.mark.parametrize(
    "word", ["1,000", "1_000", "inf", "Infinity", "0x10", "12 kg", "--1", ".", "e5", "1e999", "١٢", "1.2.3"]
)
def test_what_two_readers_could_read_differently_is_no_number(word: str) -> None:
    row, problems = row_of({"weight": word}, schema_of(weight=NUMBER))

    assert row == {}
    assert [problem.field for problem in problems] == ["weight"]
    assert problems[0].found == f'"{word}"'
    assert problems[0].expected.startswith("a number")


@pytest.mark.parametrize("word", ["1" * 20_000 + "x", "1" * 20_000 + ".x"])
def test_a_long_word_that_is_no_number_is_refused_at_once(word: str) -> None:
    start = time.process_time()

    row, problems = row_of({"weight": word}, schema_of(weight=NUMBER))

    assert (row, len(problems)) == ({}, 1)
    assert time.process_time() - start < 0.1


@pytest.mark.parametrize("word", ["", "   ", "NA", "NaN", "null", "None"])
def test_an_empty_field_and_what_programs_write_for_it_leave_the_number_out(word: str) -> None:
    assert row_of({"weight": word}, schema_of(weight=NUMBER)) == ({}, [])


def test_a_field_that_was_not_sent_is_left_out() -> None:
    assert row_of({}, schema_of(weight=NUMBER, colour=WORD)) == ({}, [])


def test_na_is_a_word_like_any_other_where_words_are_expected() -> None:
    assert row_of({"country": "NA"}, schema_of(country=WORD)) == ({"country": "NA"}, [])


def test_a_decimal_comma_is_read_where_the_table_uses_it_and_only_in_numbers() -> None:
    row, problems = row_of({"weight": "3,5", "colour": "red,ish"}, schema_of(weight=NUMBER, colour=WORD), decimal=",")

    assert (row, problems) == ({"weight": 3.5, "colour": "red,ish"}, [])


@pytest.mark.parametrize(
    ("word", "moment"),
    [
        ("2013-09-30T14:05", "2013-09-30T14:05:00-04:00"),
        ("2013-12-24 06:30:15", "2013-12-24T06:30:15-05:00"),
        ("2013-09-30T14:05:00Z", "2013-09-30T14:05:00+00:00"),
        ("2013-11-03T01:30", "2013-11-03T01:30:00-04:00"),  # happens twice: the first
    ],
)
def test_a_time_without_an_offset_is_on_the_clock_of_its_zone(word: str, moment: str) -> None:
    assert row_of({"moment": word}, schema_of(moment=MOMENT)) == ({"moment": moment}, [])


def test_a_clock_that_knows_no_zone_gets_none() -> None:
    assert row_of({"moment": "2013-09-30T14:05"}, schema_of(moment=MOMENT | {"zone": None})) == (
        {"moment": "2013-09-30T14:05:00"},
        [],
    )


@pytest.mark.parametrize("word", ["2013-09-30", "noon", "30.09.2013 14:05", "2013-02-30T10:00", "20130930"])
def test_what_is_no_date_with_a_time_is_said(word: str) -> None:
    _, problems = row_of({"moment": word}, schema_of(moment=MOMENT))

    assert problems == [
        FieldError(field="moment", found=f'"{word}"', expected="a date and a time, such as 2013-09-30T14:05")
    ]


def test_an_hour_that_the_clocks_skipped_is_said() -> None:
    _, problems = row_of({"moment": "2013-03-10T02:30"}, schema_of(moment=MOMENT))

    assert "clocks in America/New_York were put forward" in problems[0].expected


def test_the_ends_of_the_calendar_do_no_harm() -> None:
    row, problems = row_of({"moment": "0001-01-01T00:00"}, schema_of(moment=MOMENT | {"zone": "Asia/Tokyo"}))

    assert (list(row), problems) == (["moment"], [])


def test_what_was_found_is_shown_in_part_when_it_is_long() -> None:
    _, problems = row_of({"weight": "x" * 10_000}, schema_of(weight=NUMBER))

    assert len(problems[0].found) < 90


def test_every_problem_of_a_row_is_said_at_once() -> None:
    _, problems = row_of({"weight": "heavy", "moment": "noon"}, schema_of(weight=NUMBER, moment=MOMENT))

    assert [problem.field for problem in problems] == ["weight", "moment"]


def test_a_row_goes_into_the_fields_and_comes_back() -> None:
    schema = schema_of(weight=NUMBER, colour=WORD, moment=MOMENT, other=WORD)
    row = {"weight": 6.9, "colour": "red", "moment": "2013-09-30T14:05:00-04:00"}

    words = words_of(row, schema)

    assert words == {"weight": "6.9", "colour": "red", "moment": "2013-09-30T14:05", "other": ""}
    assert row_of(words, schema) == (row, [])


def test_fields_show_every_digit_and_every_second() -> None:
    row = {"weight": 6.904679999999999, "moment": "2013-09-30T18:05:07+00:00"}

    assert words_of(row, schema_of(weight=NUMBER, moment=MOMENT)) == {
        "weight": "6.904679999999999",
        "moment": "2013-09-30T14:05:07",
    }
