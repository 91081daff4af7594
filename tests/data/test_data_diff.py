"""What two data versions are said to differ in."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

from holdfast import distributions, files, versions
from holdfast.data_diff import DataDiff, Edits, Moved, compare
from holdfast.data_diff_report import markdown, text
from holdfast.distributions import Kind
from holdfast.files import Workspace
from holdfast.schema import Schema
from holdfast.versions import Version

Parts = dict[str, pd.DataFrame]

SCHEMA = Schema.model_validate(
    {
        "id": "id",
        "time": "at",
        "target": {"column": "outcome", "negative": "no", "positive": "yes", "excluded": ["void"]},
        "columns": {
            "at": {"kind": "time", "label": "At", "zone": "America/New_York"},
            "size": {"kind": "number", "label": "Size", "unit": "m", "nullable": True},
            "weight": {"kind": "number", "label": "Weight"},
            "colour": {"kind": "category", "label": "Colour"},
        },
    }
)


def make_rows(month: str, rows: int = 400) -> pd.DataFrame:
    random = np.random.default_rng([*month.encode()])
    start = pd.Timestamp(f"{month}-02", tz="America/New_York")
    return pd.DataFrame(
        {
            "id": [f"{month}-{number}" for number in range(rows)],
            "at": start + pd.to_timedelta(random.integers(0, 20 * 24 * 60, rows), unit="min"),
            "size": random.normal(10, 2, rows).round(2),
            "weight": random.normal(70, 9, rows).round(1),
            "colour": random.choice(["blue", "green", "red"], rows),
            "outcome": random.choice(["no", "no", "no", "yes"], rows),
        }
    )


@pytest.fixture
def months() -> Parts:
    return {f"{month}.parquet": make_rows(month) for month in ("2013-01", "2013-02", "2013-03")}


@pytest.fixture
def version(tmp_path: Path) -> Callable[[Parts, str], Version]:
    """Write partitions, and return the version that they make."""

    def make(parts: Parts, name: str) -> Version:
        for partition, rows in parts.items():
            path = tmp_path / name / "data" / partition
            path.parent.mkdir(parents=True, exist_ok=True)
            files.write(path, rows)
        return replace(versions.here(Workspace(tmp_path / name)), name=name)

    return make


@pytest.fixture
def diff(version: Callable[[Parts, str], Version]) -> Callable[[Parts, Parts], DataDiff]:
    def compared(before: Parts, after: Parts) -> DataDiff:
        return compare(version(before, "before"), version(after, "after"), SCHEMA)

    return compared


Diff = Callable[[Parts, Parts], DataDiff]


def distance(before: pd.Series, after: pd.Series, kind: Kind) -> float | None:
    return distributions.distance(distributions.counts(before, kind), distributions.counts(after, kind), kind)


def moved(found: DataDiff, column: str) -> Moved:
    return next(moved for moved in found.moved if moved.column == column)


def test_the_distance_of_numbers_is_that_of_kolmogorov_and_smirnov() -> None:
    random = np.random.default_rng(1)
    before, after = pd.Series(random.normal(0, 1, 500).round(1)), pd.Series(random.normal(0.3, 1, 300).round(1))

    assert distance(before, after, "number") == pytest.approx(ks_2samp(before, after).statistic)


def test_the_distance_of_words_is_the_share_of_rows_that_would_have_to_change() -> None:
    before, after = pd.Series(["a"] * 6 + ["b"] * 4), pd.Series(["a"] * 3 + ["b"] * 4 + ["c"] * 3)

    assert distance(before, after, "category") == pytest.approx(0.3)


def test_times_are_compared_by_their_hours_in_their_zone() -> None:
    times = pd.Series(pd.to_datetime(["2013-01-01 05:59", "2013-07-01 05:00", "NaT"])).dt.tz_localize(
        "America/New_York"
    )

    assert distributions.counts(times, "time").to_dict() == {5: 2}


def test_counts_of_parts_add_up_to_those_of_the_whole(months: Parts) -> None:
    whole = pd.concat(months.values())["size"]

    parts = distributions.total(distributions.counts(rows["size"], "number") for rows in months.values())

    pd.testing.assert_series_equal(parts, distributions.counts(whole, "number"), check_names=False)


def test_nothing_to_compare_has_no_distance() -> None:
    assert distance(pd.Series([None], dtype="float64"), pd.Series([1.0]), "number") is None
    assert distributions.total([]).empty


def test_the_same_bytes_are_said_to_be_the_same(months: Parts, diff: Diff) -> None:
    found = diff(months, months)

    said = "before and after have the same data, byte for byte: 3 partitions, 1,200 rows."
    assert text(found) == said
    assert markdown(found) == f"**Data**: {said}\n"
    assert found.moved == ()


def test_partitions_that_came_went_and_changed_are_told_with_their_rows(months: Parts, diff: Diff) -> None:
    first, second, third = months.values()

    found = diff({"a.parquet": first, "b.parquet": second}, {"b.parquet": second.head(300), "c.parquet": third})

    rows = {part.name: part.rows for part in found.partitions}
    assert rows == {"a.parquet": (400, None), "b.parquet": (400, 300), "c.parquet": (None, 400)}
    assert (found.rows.before, found.rows.after, found.rows.new, found.unchanged) == (800, 700, 700, 0)
    assert "2 → 2" not in text(found)
    assert re.search(r"^partitions +2 +2 +1 added, 1 removed, 1 changed$", text(found), re.MULTILINE)


def test_rows_of_a_changed_partition_are_told_apart_by_their_ids(months: Parts, diff: Diff) -> None:
    before = months["2013-01.parquet"]
    after = pd.concat([before.iloc[3:], make_rows("2013-09", 2)], ignore_index=True)
    after.loc[:4, "size"] += 1
    after.loc[4, "colour"] = "pink"
    after = after.sample(frac=1, random_state=1)

    found = diff({"a.parquet": before}, {"a.parquet": after})

    assert found.partitions[0].edits == Edits(2, 3, 5, {"size": 5, "colour": 1})
    assert "2 added, 3 removed, 5 edited in size, colour" in text(found)


def test_values_that_are_missing_on_both_sides_are_no_edit(months: Parts, diff: Diff) -> None:
    before = months["2013-01.parquet"].assign(size=np.nan)

    found = diff({"a.parquet": before}, {"a.parquet": before.iloc[::-1]})

    assert found.partitions[0].edits == Edits(0, 0, 0, {})
    assert "no row is another" in text(found)


def test_rows_without_usable_ids_are_not_told_apart(months: Parts, diff: Diff) -> None:
    before = months["2013-01.parquet"].assign(id="same")

    assert diff({"a.parquet": before}, {"a.parquet": before.head(9)}).partitions[0].edits is None


def test_the_share_of_the_target_leaves_out_what_has_no_label(months: Parts, diff: Diff) -> None:
    rows = months["2013-01.parquet"]
    before = rows.assign(outcome=["yes"] * 100 + ["no"] * 100 + ["void"] * 200)
    after = rows.assign(outcome=np.repeat(np.array(["yes", "no", None]), [30, 90, 280]))

    found = diff({"a.parquet": before}, {"a.parquet": after})

    assert (found.answers.before, found.answers.after) == (0.5, 0.25)
    assert "the share of yes went from 50.0% to 25.0%" in text(found)


def test_new_rows_are_held_against_all_rows_before(months: Parts, diff: Diff) -> None:
    names = list(months)
    late = months[names[2]].assign(weight=lambda rows: rows["weight"] + 20)

    found = diff({name: months[name] for name in names[:2]}, {**months, names[2]: late})

    old = pd.concat([months[name] for name in names[:2]])["weight"]
    column = moved(found, "weight")
    assert column.distance == pytest.approx(ks_2samp(old, pd.concat([old, late["weight"]])).statistic)
    assert column.distance_of_new == pytest.approx(ks_2samp(old, late["weight"]).statistic)
    means = old.mean(), pd.concat([old, late["weight"]]).mean()
    assert column.what == "mean"
    assert list(column.values or ()) == pytest.approx(means)
    assert found.moved[0] is column


@pytest.mark.parametrize(
    ("column", "change", "what"),
    [
        ("size", lambda values: values * 1.5, "mean"),
        ("colour", lambda values: values.where(values == "red", "red"), "red"),
        ("at", lambda values: values.dt.floor("D"), "00 h"),
        ("outcome", lambda values: values.replace("no", "yes"), "no"),
    ],
)
def test_the_column_that_moved_most_comes_first(
    months: Parts, diff: Diff, column: str, change: Callable[[pd.Series], pd.Series], what: str
) -> None:
    changed = {name: rows.assign(**{column: change(rows[column])}) for name, rows in months.items()}

    found = diff(months, changed)

    assert (found.moved[0].column, found.moved[0].what) == (column, what)
    assert [other.distance for other in found.moved[1:]] == [0.0] * 4


def test_values_that_went_missing_count_as_a_move(months: Parts, diff: Diff) -> None:
    changed = {name: rows.assign(size=rows["size"].where(rows.index % 2 == 0)) for name, rows in months.items()}

    found = diff(months, changed)

    assert (found.moved[0].column, found.moved[0].rank) == ("size", 0.5)
    assert re.search(r"^size .* m +0\.0% → 50\.0%$", text(found), re.MULTILINE)


def test_columns_that_came_went_or_changed_their_type_are_named(months: Parts, diff: Diff) -> None:
    def later(rows: pd.DataFrame) -> pd.DataFrame:
        return rows.drop(columns="size").assign(
            speed=1, weight=rows["weight"].round().astype("int32"), colour=rows["colour"].map(len)
        )

    said = text(diff(months, {name: later(rows) for name, rows in months.items()}))

    assert re.search(r"^columns +6 +6 +2 of another type, 1 removed, 1 added$", said, re.MULTILINE)
    assert re.search(r"^size +removed +double$", said, re.MULTILINE)
    assert re.search(r"^speed +added +int64$", said, re.MULTILINE)
    assert re.search(r"^weight +of another type +double → int32$", said, re.MULTILINE)
    assert re.search(r"^colour +of another type +string → int64$", said, re.MULTILINE)
    assert re.search(r"^colour +of another type$", said.split("before → after")[1], re.MULTILINE)
    assert re.search(r"^weight +KS 0\.0", said, re.MULTILINE)


def test_versions_without_id_time_and_target_are_compared_all_the_same(months: Parts, diff: Diff) -> None:
    bare = {name: rows.drop(columns=["id", "at", "outcome"]) for name, rows in months.items()}
    changed = {name: rows.assign(colour="red") for name, rows in bare.items()}

    found = diff(bare, changed)

    assert (found.moved[0].column, found.months.after, found.answers.after) == ("colour", {}, None)
    assert "the share of yes is unknown, as before" in text(found)


def test_partitions_of_different_columns_are_compared_by_what_they_have(months: Parts, diff: Diff) -> None:
    first, second, third = months
    mixed = {first: months[first].drop(columns="size"), second: months[second].assign(size=5)}

    found = diff(mixed, {**mixed, third: months[third]})

    assert found.types[0]["size"] == "int64"
    assert found.types[1]["size"] == "int64 or double"
    assert moved(found, "size").missing.before == 0


def test_months_are_counted_where_all_rows_are_in_one_file(months: Parts, diff: Diff) -> None:
    before, after = pd.concat(list(months.values())[:2]), pd.concat(months.values()).iloc[5:]

    said = text(diff({"all.parquet": before}, {"all.parquet": after}))

    assert "2013-01 to 2013-02  2013-01 to 2013-03  2013-01 -5, 2013-03 +400" in said


def test_one_screen_says_it(months: Parts, diff: Diff) -> None:
    wide = {f"column_{number:02d}": np.arange(400.0) for number in range(30)}
    before = {f"{name}-{copy:02d}": rows.assign(**wide) for copy in range(6) for name, rows in months.items()}
    before = {name.replace(".parquet", "") + ".parquet": rows for name, rows in before.items()}
    after = {
        name: rows.assign(**{column: values * 2 for column, values in wide.items()}) for name, rows in before.items()
    }

    lines = text(diff(before, after)).splitlines()

    assert len(lines) <= 45
    assert max(map(len, lines)) <= 120
    assert lines.count("and 8 more") == 1
    assert lines.count("and 20 more") == 1


def test_the_table_says_it_in_words(months: Parts, diff: Diff) -> None:
    names = list(months)
    fewer = {name: months[name] for name in names[:2]}
    late = months[names[2]].assign(weight=80.0)

    said = text(diff(fewer, {**fewer, names[2]: late}))

    assert said == dedent("""\
        400 rows more; the share of yes went from 24.6% to 24.2%.
        Most moved: weight, at, size.

        data          before              after
        rows          800                 1,200               +400 (+50.0%)
        partitions    2                   3                   1 added, 2 the same
        months        2013-01 to 2013-02  2013-01 to 2013-03  2013-03 +400
        share of yes  24.6%               24.2%               23.2% of new rows
        columns       6                   6                   the same, of the same types

        partition        change  rows  share of yes
        2013-03.parquet  added   400   23.2%

        column   moved     new rows  before → after        missing
        weight   KS 0.293  0.877     mean 69.77 → 73.18
        at       TV 0.027  0.081     02 h 4.5% → 3.8%
        size     KS 0.015  0.045     mean 10.04 → 10.06 m
        outcome  TV 0.005  0.014     yes 24.6% → 24.2%
        colour   TV 0.002  0.005     green 32.8% → 32.9%

        KS: Kolmogorov-Smirnov distance, of numbers. TV: total variation distance, of words and hours.
        0: the same, 1: nothing in common. New rows: of added and changed partitions, against all before.""")


def test_markdown_says_the_same_and_folds_it(months: Parts, diff: Diff) -> None:
    names = list(months)

    said = markdown(diff({name: months[name] for name in names[:2]}, months))

    assert "| rows | 800 | 1,200 | +400 (+50.0%) |" in said
    assert said.count("<details>") == said.count("</details>") == 2
    assert "<summary>Partitions that differ: 1</summary>\n\n| partition |" in said


def test_what_the_data_says_is_no_markup_and_no_command(months: Parts, diff: Diff) -> None:
    evil = "<b>|@all\x1b[31m" + "long" * 20
    changed = {name: rows.assign(colour=evil).rename(columns={"size": "a|*b*"}) for name, rows in months.items()}

    found = diff(months, changed)

    assert "\x1b" not in text(found)
    for forbidden in ("<b>", "@all", "\x1b", "a|*b*", "longlonglong"):
        assert forbidden not in markdown(found)
    assert re.search(r"^\| a\\\|\\\*b\\\* \| added \| double \|$", markdown(found), re.MULTILINE)
