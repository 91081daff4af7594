"""What the profile of a data version counts, and that its page can be shown."""

import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import MONTHS, ROOT, MakeRows
from holdfast import files, pages, profile_page, svg
from holdfast.params import Params
from holdfast.profiling import (
    BINS,
    KEPT,
    CategoryProfile,
    Histogram,
    NumberProfile,
    PartitionProfile,
    TimeProfile,
    figure,
    profile,
)
from holdfast.schema import Schema

WHOLE_NUMBERS = st.integers(-(2**40), 2**40).map(float)
SMALL = {
    "id": "id",
    "time": "at",
    "target": {"column": "outcome", "negative": "no", "positive": "yes", "excluded": ["void"]},
    "columns": {
        "at": {"kind": "time", "label": "At"},
        "size": {"kind": "number", "label": "Size", "unit": "m", "nullable": True},
        "colour": {"kind": "category", "label": "Colour", "nullable": True},
    },
}


@pytest.fixture
def schema() -> Schema:
    return Schema.model_validate(SMALL)


@pytest.fixture
def rows(schema: Schema) -> pd.DataFrame:
    found = {
        "id": ["a", "b", "c", "d", "e"],
        "outcome": ["yes", "no", "no", "void", None],
        "at": pd.to_datetime([f"2013-01-01 {hour}:30" for hour in ("05", "05", "06", "23", "00")]),
        "size": [1.0, 2.0, 3.0, 4.0, None],
        "colour": ["red", "blue", "red", None, "<i>green</i>"],
    }
    return schema.rows(pd.DataFrame(found), "rows")


def test_a_profile_counts_rows_outcomes_and_missing_values(rows: pd.DataFrame, schema: Schema) -> None:
    found = profile(rows, schema)

    assert (found.rows, found.outcomes, found.unknown_outcomes) == (5, {"no": 2, "yes": 1, "void": 1}, 1)
    assert found.summary(schema) == pytest.approx(1 / 3)
    assert {name: column.missing for name, column in found.columns.items()} == {"at": 0, "size": 1, "colour": 1}


def test_a_profile_describes_numbers_words_and_times(rows: pd.DataFrame, schema: Schema) -> None:
    columns = profile(rows, schema).columns

    assert isinstance(columns["size"], NumberProfile)
    assert isinstance(columns["colour"], CategoryProfile)
    assert isinstance(columns["at"], TimeProfile)
    spread = columns["size"].spread
    assert spread is not None
    assert (spread.min, spread.lower_quartile, spread.median, spread.upper_quartile) == (1.0, 1.75, 2.5, 3.25)
    assert (spread.mean, spread.max) == (2.5, 4.0)
    assert list(columns["colour"].words.items()) == [("red", 2), ("<i>green</i>", 1), ("blue", 1)]
    assert (columns["at"].first, columns["at"].last) == ("2013-01-01T00:30:00", "2013-01-01T23:30:00")
    assert [hour for hour, count in enumerate(columns["at"].hours) for _ in range(count)] == [0, 5, 5, 6, 23]


def test_a_profile_does_not_depend_on_the_order_of_the_rows(params: Params, make_rows: MakeRows) -> None:
    rows = params.data.rows(make_rows(), "rows")

    shuffled = profile(rows.sample(frac=1, random_state=1), params.data)

    assert shuffled.model_dump_json() == profile(rows, params.data).model_dump_json()


def test_a_mean_is_exact_where_large_numbers_cancel(rows: pd.DataFrame, schema: Schema) -> None:
    column = profile(rows.head(3).assign(size=[3.0, 3e16, -3e16]), schema).columns["size"]

    assert isinstance(column, NumberProfile)
    assert column.spread is not None
    assert column.spread.mean == 1.0


def test_a_profile_comes_back_from_its_json(params: Params, make_rows: MakeRows) -> None:
    found = profile(params.data.rows(make_rows(), "rows"), params.data)

    assert PartitionProfile.model_validate_json(found.model_dump_json()) == found


def test_of_very_many_words_the_most_frequent_are_kept(rows: pd.DataFrame, schema: Schema) -> None:
    words = [f"word {number:04d}" for number in range(KEPT + 50)] + ["often", "often"]
    many = pd.concat([rows.head(1)] * len(words), ignore_index=True).assign(colour=words)

    found = profile(many, schema).columns["colour"]

    assert isinstance(found, CategoryProfile)
    assert (found.distinct, len(found.words), next(iter(found.words.items()))) == (KEPT + 51, KEPT, ("often", 2))


@given(st.lists(WHOLE_NUMBERS, min_size=1, max_size=50), st.lists(WHOLE_NUMBERS, min_size=1, max_size=50))
def test_histograms_add_up_to_that_of_all_numbers(first: list[float], second: list[float]) -> None:
    parts = [Histogram.of(np.array(values)) for values in (first, second)]

    whole = Histogram.total(parts)

    assert len(whole.counts) <= BINS
    edges = whole.start + whole.width * np.arange(len(whole.counts) + 1)
    places = np.searchsorted(edges, [*first, *second], side="right") - 1
    assert np.bincount(places, minlength=len(whole.counts)).tolist() == list(whole.counts)


@pytest.mark.parametrize(
    "values", [[0.1], [7.0] * 9, [-1e300, 1e300], [5e-324, 1e-320], [1e15, 1e15 + 0.125], [-0.5, 0.5]], ids=str
)
def test_a_histogram_covers_its_numbers_however_small_or_large(values: list[float]) -> None:
    found = Histogram.of(np.array(values))

    assert found.start <= min(values)
    assert max(values) < found.end
    assert (sum(found.counts), len(found.counts) <= BINS) == (len(values), True)


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.0, "0"), (1034.6, "1,035"), (12.3456, "12.35"), (-0.00012345, "-0.0001234"), (252484.0, "252,484"), (9.5e-7, "9.5e-07"), (1e15, "1e+15"), (100.0, "100")],
)  # fmt: skip
def test_a_figure_has_four_digits(value: float, said: str) -> None:
    assert figure(value) == said


class Reader(HTMLParser):
    """Checks that elements are closed in the order in which they were opened."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.addresses: list[str | None] = []
        self.words: list[str] = []
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.open += [] if tag == "meta" else [tag]
        self.addresses += [value for name, value in attrs if name in {"href", "src", "action", "data"}]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(content: str) -> Reader:
    reader = Reader(content)
    assert reader.open == []
    return reader


def test_the_page_loads_nothing_and_runs_nothing(params: Params, make_rows: MakeRows) -> None:
    profiles = {month: profile(params.data.rows(make_rows(month=month), month), params.data) for month in MONTHS}

    content = profile_page.page(profiles, params.data)

    page = read(content)
    assert (page.addresses, {"script", "link", "img", "iframe"} & set(page.tags)) == ([], set())
    assert not any(word in content for word in ("://", "url(", "@import"))
    assert "default-src 'none'" in content


def test_the_page_shows_every_column_with_its_label_unit_and_help(params: Params, make_rows: MakeRows) -> None:
    profiles = {month: profile(params.data.rows(make_rows(month=month), month), params.data) for month in MONTHS}

    words = read(profile_page.page(profiles, params.data)).words

    for name, column in params.data.columns.items():
        assert {name, column.label} <= set(words)
        assert not column.help or column.help in words
    assert {"number, °F", "1,200", "in 4 partitions"} <= set(words)


def test_twelve_months_of_the_example_make_a_small_page(params: Params, make_rows: MakeRows) -> None:
    months = [f"2014-{number:02d}" for number in range(1, 13)]
    parts = [profile(params.data.rows(make_rows(rows=3000, seed=seed), "rows"), params.data) for seed in range(12)]

    content = profile_page.page(dict(zip(months, parts, strict=True)), params.data)

    assert len(content.encode()) < 100_000


def test_what_the_data_says_never_becomes_markup(rows: pd.DataFrame) -> None:
    evil = "<script>alert('x')</script>\"&"
    columns = {**SMALL["columns"], "colour": {"kind": "category", "label": evil, "help": evil, "nullable": True}}  # type: ignore[dict-item]
    target = {"column": "outcome", "negative": "no", "positive": evil, "excluded": ["void", "yes"], "label": evil}
    schema = Schema.model_validate({**SMALL, "columns": columns, "target": target})
    part = profile(rows.assign(colour=evil, outcome=evil), schema)

    page = read(profile_page.page({f"data/{evil}": part, "data/b": part}, schema))

    assert "script" not in page.tags
    assert evil in page.words


@pytest.mark.parametrize("several", [False, True], ids=["one partition", "two partitions"])
def test_a_table_without_time_label_or_values_has_a_page(rows: pd.DataFrame, several: bool) -> None:
    columns = {name: column for name, column in SMALL["columns"].items() if name != "at"}  # type: ignore[attr-defined]
    schema = Schema.model_validate({**SMALL, "columns": columns, "time": None})
    empty = rows.drop(columns="at").assign(size=np.nan, outcome=None, colour=None)
    part = profile(empty.astype({"colour": "str", "outcome": "str"}), schema)

    words = read(
        profile_page.page({"data/a.parquet": part, **({"data/b.parquet": part} if several else {})}, schema)
    ).words

    assert "no value" in words
    assert ("Partitions" in words, "Data profile: a" in words) == (several, not several)


def test_a_few_missing_values_are_not_said_to_be_none(rows: pd.DataFrame, schema: Schema) -> None:
    many = pd.concat([rows.head(3)] * 1000, ignore_index=True)
    many.loc[0, "size"] = np.nan

    words = read(profile_page.page({"data/a.parquet": profile(many, schema)}, schema)).words

    assert "under 0.1%" in words


def test_a_partition_without_rows_has_a_page(rows: pd.DataFrame, schema: Schema) -> None:
    found = profile(rows.head(0), schema)

    assert found.rows == 0
    assert "0" in read(profile_page.page({"empty": found}, schema)).words


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (["data/flights/2013-01.parquet", "data/flights/2013-02.parquet"], ["2013-01", "2013-02"]),
        (["data/all.parquet"], ["all"]),
        (["data/a/1.parquet", "data/b/1.parquet"], ["a/1", "b/1"]),
        (["data/v1.5.parquet", "data/v1.6.parquet"], ["v1.5", "v1.6"]),
    ],
)
def test_names_are_shown_without_what_they_share(names: list[str], shown: list[str]) -> None:
    assert profile_page.short(names) == shown


@pytest.mark.slow
def test_the_bytes_do_not_depend_on_the_hash_seed(tmp_path: Path, make_rows: MakeRows) -> None:
    files.write(tmp_path / "rows.parquet", make_rows())
    script = (
        "from pathlib import Path\n"
        "from holdfast import files, params, profile_page, profiling\n"
        f"schema = params.load(Path({str(ROOT / 'params.yaml')!r})).data\n"
        f"rows = files.read(Path({str(tmp_path / 'rows.parquet')!r}))\n"
        "part = profiling.profile(schema.rows(rows, 'rows'), schema)\n"
        "print(part.model_dump_json(), profile_page.page({'a': part, 'b': part}, schema))\n"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", script], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    ]

    assert said[0] == said[1]
    assert len(said[0]) > 10_000


def test_charts_of_nothing_and_of_one_value_are_drawn() -> None:
    drawn = [
        svg.bars([], [], [], "none"),
        svg.bars(["a"], [0], ["0"], "zero"),
        svg.line(["a", "b", "c"], [0.5, None, 0.25], ["50%", "no label", "25%"], "gap"),
        svg.histogram([0, 0], "zero"),
        svg.band([None, None], "none"),
        svg.band([(1.0, 1.0, 1.0)], "one"),
        svg.sparkline([0.0], "zero", top=1.0),
    ]

    for picture in drawn:
        assert read(picture).tags[:2] == ["svg", "title"]
        assert "nan" not in picture
        assert "inf" not in picture


def test_a_gap_in_a_line_is_not_bridged() -> None:
    picture = svg.line(["a", "b", "c"], [0.5, None, 0.25], ["50%", "no label", "25%"], "gap")

    assert picture.count("<circle") == 2
    assert "L" not in picture.split('class="stroke second"')[0].split('<path d="')[-1]


def test_words_are_escaped_and_markup_is_kept() -> None:
    made = pages.element("p", "a < b & ", pages.element("b", "c"), title='"quoted"')

    assert made == '<p title="&quot;quoted&quot;">a &lt; b &amp; <b>c</b></p>'
