"""What a column is taken for, by how its cells are written or by its type."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast import guessing
from holdfast.guessing import Guess


def guess(cells: list[Any], name: str = "x", delimiter: str = ",", **others: list[Any]) -> Guess:
    """Guess what the cells of a CSV file are."""
    rows = pd.DataFrame({name: cells, **others}, dtype="str")
    return guessing.table(rows, delimiter)[0]


def typed(values: Any, name: str = "x") -> Guess:
    """Guess what the values of a Parquet file are."""
    return guessing.table(pd.DataFrame({name: values}), "")[0]


@pytest.mark.parametrize(
    ("cells", "others", "expected"),
    [
        (["1", "2.5", "-3e2"], [], [1, 2.5, -300]),
        (["1,5", "2", "1.234,5"], [], [1.5, 2, 1234.5]),
        (["1.234", "2.345", "3.456"], ["1,5", "2,5", "3"], [1234, 2345, 3456]),
        (["1.234", "2.345", "3.456"], ["1.5", "2.5", "3"], [1.234, 2.345, 3.456]),
        (["1,234", "2,345,678", "5"], ["1.5", "2.5", "3"], [1234, 2345678, 5]),
        (["$1,200.50", "$3", "$4"], [], [1200.5, 3, 4]),
        (["12 %", "13%", "14.5%"], [], [12, 13, 14.5]),
        (["\N{MINUS SIGN}5", "6", "7"], [], [-5, 6, 7]),
    ],
)  # fmt: skip
def test_numbers_are_read_as_they_are_written(cells: list[str], others: list[str], expected: list[float]) -> None:
    besides: dict[str, Any] = {"other": others} if others else {}
    found = guess(cells, **besides)

    assert (found.kind, found.values.tolist(), found.out) == ("number", expected, "")


def test_a_sign_behind_all_numbers_is_their_unit_and_so_is_one_in_the_name() -> None:
    assert guess(["12%", "13%"]).unit == "%"
    assert guess(["1", "2"], "length (cm)").unit == "cm"
    assert guess(["1", "2"], "length").unit == ""


def test_a_lone_comma_is_a_decimal_comma_only_where_semicolons_part_the_cells() -> None:
    assert guess(["1,234", "2,345"], delimiter=";").values.tolist() == [1.234, 2.345]
    assert guess(["1,234", "2,345"], delimiter=",").values.tolist() == [1234, 2345]


def test_zeros_in_front_make_a_code_not_a_number() -> None:
    found = guess(["01067", "80331", "01067"])

    assert (found.kind, found.values.tolist()) == ("category", ["01067", "80331", "01067"])


def test_numbers_beyond_what_a_float_tells_apart_are_words() -> None:
    assert guess(["9007199254740993", "9007199254740995"]).kind == "category"


def test_a_few_cells_that_are_no_numbers_are_missing_and_told() -> None:
    found = guess([*map(str, range(40)), "broken", "n/a", ""])

    assert (found.kind, int(found.values.isna().sum())) == ("number", 3)
    assert found.notes == ("1 cell is no number and counts as missing: 'broken'",)


def test_numbers_and_words_in_equal_parts_are_words() -> None:
    found = guess(["1", "low", "2", "high"] * 5)

    assert (found.kind, found.different) == ("category", 4)


@pytest.mark.parametrize(
    ("cells", "kind", "missing"),
    [
        (["1", "2", "3", "4", "5"] * 199 + ["k.A."] * 3, "number", 3),
        (["<0.1"] * 800 + [f"{n / 7:.3f}" for n in range(200)], "category", 0),
        (["2024-01-31"] * 400 + ["2024-02-01"] * 500 + [f"unknown {n}" for n in "abcdefgh"], "time", 8),
        (["closed"] * 800 + [f"2024-01-{n:02}" for n in range(1, 32)] * 6, "category", 0),
    ],
    ids=["ratings", "below a limit", "days", "hardly a day"],
)
def test_what_most_cells_are_counts_not_what_most_different_words_are(
    cells: list[str], kind: str, missing: int
) -> None:
    found = guess(cells)

    assert (found.kind, int(found.values.isna().sum())) == (kind, missing)


@pytest.mark.parametrize(
    "counts",
    [
        {"0": 345, "1": 102, "2": 101, "3+": 51},
        {"0": 970, "a": 15, "b": 10, "c": 5},
        {"0": 990, "x": 1, "y": 1},
        {"2024-01-31": 500, "2024-02-29": 480, "withdrawn": 20},
    ],
    ids=["dependents", "holidays", "one number", "days"],
)
def test_words_that_mean_something_among_few_numbers_are_not_lost(counts: dict[str, int]) -> None:
    found = guess([word for word, count in counts.items() for _ in range(count)])

    assert (found.kind, found.values.value_counts().to_dict(), found.out) == ("category", counts, "")


def test_a_word_that_comes_again_among_many_numbers_is_missing_and_told() -> None:
    found = guess([*map(str, range(100)), *["unknown"] * 10])

    assert (found.kind, int(found.values.isna().sum())) == ("number", 10)
    assert found.notes == ("10 cells are no numbers and count as missing: 'unknown'",)


@pytest.mark.parametrize(
    ("numbers", "expected"), [(["1,5", "2,5"], [1.5, 2.5]), (["1,234", "2,345,678"], [1234, 2345678])]
)
def test_the_decimal_mark_is_what_most_cells_say(numbers: list[str], expected: list[float]) -> None:
    found = guess(numbers * 500 + ["k.A.", "?!", "none, of it"])

    assert found.values.dropna().unique().tolist() == expected


@pytest.mark.parametrize("word", ["", "NA", "n/a", "NaN", "NULL", "?", "-", "."])
def test_what_other_programs_write_for_nothing_is_missing(word: str) -> None:
    assert guess(["1", word]).missing == 0.5
    assert guess(["red", word]).missing == 0.5


def test_none_is_a_word_among_words_and_nothing_among_numbers() -> None:
    assert guess(["none", "some"]).missing == 0
    assert guess(["none", "3"]).missing == 0.5


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["2024-02-01", "2024-02-13"], "2024-02-01"),
        (["2024-02-01T08:30", "2024-02-13 09:00:05"], "2024-02-01T08:30"),
        (["01.02.2024", "13.02.2024"], "2024-02-01"),
        (["01.02.24 08:30", "13.02.24 09:00"], "2024-02-01T08:30"),
        (["02/01/2024", "02/13/2024"], "2024-02-01"),
        (["01/02/2024", "13/02/2024"], "2024-02-01"),
        (["1 Feb 2024", "13 Feb 2024"], "2024-02-01"),
        (["Feb 1, 2024", "Feb 13, 2024"], "2024-02-01"),
        (["2/1/2024 8:30 AM", "2/13/2024 9:00 PM"], "2024-02-01T08:30"),
    ],
)  # fmt: skip
def test_times_are_read_in_the_one_way_that_fits_all(cells: list[str], expected: str) -> None:
    found = guess(cells)

    assert (found.kind, found.zone, found.values[0]) == ("time", None, pd.Timestamp(expected))
    assert found.values.dtype == "datetime64[us]"


def test_where_no_row_tells_the_day_from_the_month_that_is_told() -> None:
    assert any("no row tells the day from the month" in note for note in guess(["01/02/2024", "03/04/2024"]).notes)
    assert not any("no row tells" in note for note in guess(["01/02/2024", "03/14/2024"]).notes)


def test_times_with_offsets_are_in_utc() -> None:
    found = guess(["2024-02-01T08:30+02:00", "2024-02-01T08:30Z"])

    assert (found.zone, found.values[0]) == ("UTC", pd.Timestamp("2024-02-01T06:30Z"))


def test_times_in_several_ways_are_left_out_with_an_example_of_each() -> None:
    found = guess(["2024-01-31", "31.01.2024", "01/31/2024"] * 10)

    assert found.out == (
        "times written in 3 ways (2024-01-31, 31.01.2024, 01/31/2024): write them in one, such as 2024-12-31T23:59"
    )


def test_days_without_separators_are_days_by_their_name_only() -> None:
    assert guess(["20240131", "20240201"], "order_date").kind == "time"
    assert guess(["20240131", "20240201"], "amount").kind == "number"
    assert guess(["20240131", "20241301"], "order_date").kind == "number"


def test_a_year_is_a_number() -> None:
    assert guess(["1999", "2024", "2013"]).kind == "number"


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ([""] * 3, "it is empty in every row"),
        (["5"] * 3, "it is the same in every row: 5"),
        (["x"] * 3, "it is the same in every row: x"),
        ([f"name {n}" for n in range(50)], "50 different words in 50 rows: an id or a text, no category"),
        (["x" * 201, "y"], "free text: a cell has 201 characters, or lines of its own"),
        (["two\nlines", "y"], "free text: a cell has 9 characters, or lines of its own"),
    ],
)  # fmt: skip
def test_what_tells_nothing_is_left_out_with_the_reason(cells: list[str], reason: str) -> None:
    assert guess(cells).out == reason


def test_a_constant_that_may_be_missing_tells_something() -> None:
    assert guess(["yes", "", "yes"]).out == ""


@pytest.mark.parametrize(
    ("values", "kind", "words"),
    [
        ([True, False], "category", ["true", "false"]),
        ([True, None], "category", ["true", None]),
        (pd.Categorical(["a", "b"]), "category", ["a", "b"]),
        ([1, 2], "number", ["1", "2"]),
        ([1.5, 2.0], "number", ["1.5", "2"]),
        ([Decimal("1.5"), Decimal(2)], "number", ["1.5", "2"]),
        ([date(2024, 1, 31), date(2024, 2, 1)], "time", ["2024-01-31T00:00:00", "2024-02-01T00:00:00"]),
        ([date(2024, 1, 31), None], "time", ["2024-01-31T00:00:00", None]),
        ([timedelta(hours=1), timedelta(hours=2)], "number", ["3600", "7200"]),
        (["1", "2"], "number", ["1", "2"]),
    ],
)  # fmt: skip
def test_the_types_of_parquet_are_taken_at_their_word(values: Any, kind: str, words: list[Any]) -> None:
    found = typed(values)

    assert (found.kind, found.as_words().astype("object").where(found.values.notna(), None).tolist()) == (kind, words)


LARGE = [2**60 + 3 * n for n in range(2_000)]


@pytest.mark.parametrize(
    "values",
    [
        LARGE,
        pd.array(LARGE, dtype="Int64"),
        np.array(LARGE, dtype="uint64"),
        [Decimal(value) for value in LARGE],
        [10**30 + value for value in LARGE],
        [Decimal(10**30 + value) for value in LARGE],
        [-value for value in LARGE],
    ],
    ids=["int64", "nullable", "unsigned", "decimal", "huge", "huge decimal", "negative"],
)
def test_whole_numbers_beyond_what_a_float_tells_apart_are_words_in_parquet_too(values: Any) -> None:
    found = typed(values, "user_id")

    assert (found.kind, found.different) == ("category", 2_000)
    assert found.values.tolist() == [str(value) for value in values]


def test_large_whole_numbers_some_of_which_are_missing_are_words() -> None:
    found = typed(pd.array([2**60 + 1, None, 2**60 + 2], dtype="Int64"))

    assert found.values.dropna().tolist() == ["1152921504606846977", "1152921504606846978"]
    assert found.missing == 1 / 3
    assert typed(pd.array([2**53, None, -(2**53)], dtype="Int64")).kind == "number"


def test_durations_are_seconds() -> None:
    assert typed(pd.to_timedelta(["1h", "2h"])).unit == "seconds"


def test_lists_are_left_out_and_infinite_numbers_are_missing() -> None:
    assert typed([[1], [2]]).out == "values of the type list"
    assert typed([1.0, np.inf, 2.0]).notes == ("1 infinite values count as missing",)


def test_a_declared_zone_stays_and_an_offset_becomes_utc() -> None:
    times = pd.to_datetime(["2024-02-01T08:30", "2024-02-02T08:30"])

    assert typed(times.tz_localize("Europe/Vienna")).zone == "Europe/Vienna"
    assert typed(times.tz_localize("+02:00")).zone == "UTC"
    assert typed(pd.to_datetime(["1066-10-14", "2024-01-01"]).as_unit("s")).out == "years before 1700 or after 2199"


@pytest.mark.parametrize(
    ("name", "words"),
    [("customerId", ["customer", "id"]), ("Customer ID", ["customer", "id"]), ("größe_cm", ["größe", "cm"])],
)
def test_names_are_taken_apart(name: str, words: list[str]) -> None:
    assert guessing.tokens(name) == words


@given(st.lists(st.floats(-1e9, 1e9).map(lambda value: round(value, 3)), min_size=2, unique=True))
def test_numbers_come_back_however_a_program_writes_them(numbers: list[float]) -> None:
    values = pd.Series(numbers)
    fractions = values + 0.5  # so that the column tells which mark is the decimal one
    text = pd.DataFrame({"x": values, "y": fractions}).to_csv(sep=";", decimal=",", index=False)
    cells = [line.split(";") for line in text.splitlines()[1:]]

    found = guessing.table(pd.DataFrame(cells, columns=["x", "y"], dtype="str"), ";")

    assert found[0].kind == "number"
    assert np.allclose(found[0].values, values)


@given(st.lists(st.text(max_size=30), min_size=1, max_size=40))
def test_any_cells_at_all_get_a_guess(cells: list[str]) -> None:
    found = guess(cells)

    assert found.kind in {"number", "category", "time"}
    assert len(found.values) == len(cells)
    assert found.out or found.different
