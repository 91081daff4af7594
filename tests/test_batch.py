"""Whole files are scored as the evaluation scores rows, bit for bit; what cannot be scored is said and harms nothing else."""

import csv
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.requests import Reader
from app.words import checked
from conftest import ENVIRONMENT, ROOT, MakeRows, Project, made
from holdfast import batch, files, intake, manifest, named, streams
from holdfast.batch import Batch, Progress
from holdfast.bundle import Bundle
from holdfast.commands import score as command
from holdfast.errors import DONE, MISTAKE, REFUSED, UserError
from holdfast.files import Workspace
from holdfast.inputs import Partition, partitions
from holdfast.manifest import Entry, Manifest, ScoredBy
from holdfast.named import Named
from holdfast.streams import Block

NOON = datetime(2013, 9, 30, 12, tzinfo=UTC)


class Score(Protocol):
    """Score some files into a folder, by the small model, at noon."""

    def __call__(self, *inputs: Path, into: str = ..., by: ScoredBy | None = ...) -> Manifest: ...


@pytest.fixture(scope="session")
def small(finished_project: Project) -> Bundle:
    return Bundle.load(finished_project.workspace.evaluate / "bundle")


@pytest.fixture
def begin(small: Bundle, tmp_path: Path) -> Callable[..., Batch]:
    """Begin a batch by the small model, at noon."""

    def made_by(into: str = "scores", by: ScoredBy | None = None) -> Batch:
        by = by or ScoredBy(version="7", sha256=small.sha256, data_format=1)
        return Batch(small.model, by, "7", tmp_path / into, NOON, Progress(terminal=False))

    return made_by


@pytest.fixture
def score(begin: Callable[..., Batch]) -> Score:
    def run(*inputs: Path, into: str = "scores", by: ScoredBy | None = None) -> Manifest:
        made_by = begin(into, by)
        return batch.score(made_by, partitions([str(path) for path in inputs], made_by.into))

    return run


@pytest.fixture
def rows(small: Bundle, make_rows: MakeRows) -> pd.DataFrame:
    return make_rows(small.model.facts.data)


@pytest.fixture
def months(small: Bundle, make_rows: MakeRows, tmp_path: Path) -> Path:
    """A folder with three partitions."""
    folder = tmp_path / "months"
    folder.mkdir()
    for month in ("2013-01", "2013-02", "2013-03"):
        files.write(folder / f"{month}.parquet", make_rows(small.model.facts.data, month))
    return folder


def written(path: Path, rows: pd.DataFrame, row_group: int = 1 << 20) -> Path:
    """Write rows as Parquet or CSV."""
    if path.suffix == ".csv":
        rows.to_csv(path, index=False)
    else:
        pq.write_table(pa.Table.from_pandas(rows, preserve_index=False), path, row_group, write_page_checksum=True)
    return path


def scores(folder: Path, name: str = "rows") -> pd.DataFrame:
    return pd.read_parquet(folder / f"{name}.parquet")


def refusals(folder: Path, name: str = "rows") -> list[dict[str, str]]:
    with (folder / "refused" / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


# Parity


def test_every_row_has_its_score_its_label_and_where_they_come_from(
    score: Score, rows: pd.DataFrame, small: Bundle, tmp_path: Path
) -> None:
    found = score(written(tmp_path / "rows.parquet", rows))

    table = scores(tmp_path / "scores")
    expected = small.model.score(rows)
    assert list(table) == ["flight_id", "score", "label", "model_version", "model_sha256", "data_format", "scored_at"]
    assert table["flight_id"].tolist() == rows["flight_id"].tolist()
    assert table["score"].to_numpy().tobytes() == expected.tobytes()
    assert table["label"].tolist() == small.model.label(expected).tolist()
    assert {name: set(table[name]) for name in list(table)[3:]} == {
        "model_version": {"7"}, "model_sha256": {small.sha256}, "data_format": {1}, "scored_at": {pd.Timestamp(NOON)},
    }  # fmt: skip
    entry = found.partitions["rows"]
    assert (entry.state, entry.rows, entry.refused) == ("scored", 300, 0)


@pytest.mark.parametrize("at_once", [pytest.param(1, marks=pytest.mark.slow), 23, 1 << 15])
@pytest.mark.parametrize(("name", "row_group"), [("rows.parquet", 300), ("rows.parquet", 11), ("rows.csv", 0)])
def test_the_same_rows_are_the_same_bytes_however_they_are_cut(
    score: Score,
    rows: pd.DataFrame,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    row_group: int,
    at_once: int,
) -> None:
    score(written(tmp_path / "rows.parquet", rows), into="expected")
    monkeypatch.setattr(streams, "AT_ONCE", at_once)

    score(written(tmp_path / name, rows, row_group))

    assert (tmp_path / "scores/rows.parquet").read_bytes() == (tmp_path / "expected/rows.parquet").read_bytes()


def test_a_long_file_has_row_groups_of_one_size(
    score: Score, rows: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "ROW_GROUP", 100)
    monkeypatch.setattr(streams, "AT_ONCE", 30)

    score(written(tmp_path / "rows.parquet", rows.head(290)))

    made = pq.read_metadata(tmp_path / "scores/rows.parquet")
    assert [made.row_group(number).num_rows for number in range(made.num_row_groups)] == [100, 100, 90]
    assert scores(tmp_path / "scores")["flight_id"].tolist() == rows["flight_id"].head(290).tolist()


def test_the_target_and_what_else_is_there_change_nothing(score: Score, rows: pd.DataFrame, tmp_path: Path) -> None:
    score(written(tmp_path / "rows.parquet", rows), into="with")
    others = rows.drop(columns="arrival").assign(colour="red", score=1.0)

    score(written(tmp_path / "rows.parquet", others[list(others)[::-1]]), into="without")

    assert (tmp_path / "without/rows.parquet").read_bytes() == (tmp_path / "with/rows.parquet").read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows.assign(carrier=rows["carrier"].astype("category")),
        lambda rows: rows.assign(scheduled_departure=rows["scheduled_departure"].dt.as_unit("ns")),
        lambda rows: rows.assign(scheduled_departure=rows["scheduled_departure"].dt.as_unit("s")),
        lambda rows: rows.assign(humidity=None),
        lambda rows: rows.assign(humidity=rows["humidity"].astype("float32")),
        lambda rows: rows.assign(humidity=rows["humidity"].round().astype("Int64")),
        lambda rows: rows.assign(distance=rows["distance"].round().astype("int16")),
        lambda rows: rows.assign(distance=rows["distance"] > 3000),
        lambda rows: rows.head(0),
    ],
)  # fmt: skip
def test_other_types_are_read_as_the_model_reads_them(
    score: Score, rows: pd.DataFrame, small: Bundle, tmp_path: Path, change: Callable[[pd.DataFrame], pd.DataFrame]
) -> None:
    path = written(tmp_path / "rows.parquet", change(rows))

    score(path)

    found = scores(tmp_path / "scores")["score"].to_numpy()
    assert found.tobytes() == small.model.score(files.read(path)).tobytes()


def test_ids_that_are_numbers_are_written_as_words(score: Score, rows: pd.DataFrame, tmp_path: Path) -> None:
    score(written(tmp_path / "rows.parquet", rows.assign(flight_id=np.arange(300))))

    assert scores(tmp_path / "scores")["flight_id"].tolist() == [str(number) for number in range(300)]


@pytest.mark.no_cover
@pytest.mark.parametrize("name", ["rows.parquet", pytest.param("rows.csv", marks=pytest.mark.slow)])
def test_the_whole_holdout_has_the_scores_of_the_evaluation(holdout: pd.DataFrame, tmp_path: Path, name: str) -> None:
    evaluated = files.read(made(Workspace(ROOT).evaluate / "scores.parquet"))
    real, by = named.load(ROOT, str(made(Workspace(ROOT).evaluate / "bundle")))
    into = tmp_path / "scores"
    inputs = partitions([str(written(tmp_path / name, holdout))], into)

    batch.score(Batch(real.model, by, None, into, NOON, Progress(terminal=False)), inputs)

    assert scores(into)["score"].to_numpy().tobytes() == evaluated["score"].to_numpy().tobytes()
    assert scores(into)["flight_id"].tolist() == evaluated["flight_id"].tolist()


# Rows that break the schema


def spoilt(rows: pd.DataFrame) -> pd.DataFrame:
    rows = rows.astype({"flight_id": object})
    rows.loc[2, "distance"] = np.nan
    rows.loc[4, "humidity"] = 101.0
    rows.loc[4, "distance"] = -3.0
    rows.loc[6, "carrier"] = None
    rows.loc[8, "flight_id"] = None
    rows.loc[10, "scheduled_departure"] = pd.Timestamp("2250-01-01", tz="America/New_York")
    rows.loc[12, "flight_id"] = "=HYPERLINK()"
    rows.loc[12, "distance"] = np.inf
    return rows


@pytest.mark.parametrize("name", ["rows.parquet", "rows.csv"])
@pytest.mark.parametrize("at_once", [50, 1 << 15])
def test_rows_that_break_the_schema_are_set_aside_with_the_reason(
    score: Score,
    rows: pd.DataFrame,
    small: Bundle,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    at_once: int,
) -> None:
    monkeypatch.setattr(streams, "AT_ONCE", at_once)

    found = score(written(tmp_path / name, spoilt(rows)))

    aside = refusals(tmp_path / "scores")
    assert [(one["row"], one["field"], one["found"].split(" ")[0].strip('"')) for one in aside] == [
        ("3", "distance", "null"), ("5", "distance", "-3.0"), ("5", "humidity", "101.0"), ("7", "carrier", "null"),
        ("9", "flight_id", "null"), ("11", "scheduled_departure", "2250-01-01"), ("13", "distance", "inf"),
    ]  # fmt: skip
    assert aside[1]["expected"] == "a number from 0 to 6000 miles"
    assert [aside[0]["id"], aside[4]["id"], aside[6]["id"]] == ["row-2013-01-0-2", "", "'=HYPERLINK()"]
    good = rows.drop(index=[2, 4, 6, 8, 10, 12])
    assert scores(tmp_path / "scores")["score"].to_numpy().tobytes() == small.model.score(good).tobytes()
    assert (found.partitions["rows"].rows, found.partitions["rows"].refused) == (300, 6)


def test_a_word_that_the_model_never_met_is_scored(score: Score, rows: pd.DataFrame, tmp_path: Path) -> None:
    found = score(written(tmp_path / "rows.parquet", rows.assign(carrier="ZZ")))

    assert found.partitions["rows"].refused == 0


def test_cells_are_read_as_the_app_reads_them(score: Score, rows: pd.DataFrame, small: Bundle, tmp_path: Path) -> None:
    few = rows.head(8).assign(carrier="UA", origin="JFK")
    text = few.astype("str").assign(
        distance=[" 12 ", "+7.", ".25", "1e3", "1,000", "12 km", "1e999", "x"],
        humidity=["", "NA", "nan", "None", "5", "5", "5", "5"],
        scheduled_departure=[
            "2013-09-30 14:05",
            "2013-09-30T18:05:00Z",
            "2013-11-03T01:30",
            *["2013-09-30T14:05-04:00"] * 5,
        ],
    )

    score(written(tmp_path / "rows.csv", text))

    aside = {one["row"]: (one["found"], one["expected"]) for one in refusals(tmp_path / "scores")}
    number = "a number, such as 12 or 0.5"
    assert aside == {
        "5": ('"1,000"', number), "6": ('"12 km"', number), "7": ('"1e999"', "a number that is not that large"), "8": ('"x"', number),
    }  # fmt: skip
    zone = "America/New_York"
    times = pd.to_datetime(["2013-09-30 14:05"] * 2 + ["2013-11-03 01:30", "2013-09-30 14:05"]).as_unit("us")
    read = few.head(4).assign(
        distance=[12.0, 7.0, 0.25, 1000.0], humidity=np.nan, scheduled_departure=times.tz_localize(zone, ambiguous=True)
    )
    assert scores(tmp_path / "scores")["score"].to_numpy().tobytes() == small.model.score(read).tobytes()


@pytest.mark.parametrize(
    "word",
    ["2013-03-10T02:30", "2013-09-30", "soon", "0001-01-01T00:00Z", "NA", "9999-12-31T23:59Z", "1690-01-01T00:00"],
)
def test_a_time_that_is_none_is_refused(score: Score, rows: pd.DataFrame, tmp_path: Path, word: str) -> None:
    text = rows.head(2).astype("str")
    text.loc[1, "scheduled_departure"] = word

    score(written(tmp_path / "rows.csv", text))

    assert [(one["row"], one["field"], one["found"]) for one in refusals(tmp_path / "scores")] == [
        ("2", "scheduled_departure", json.dumps(word))
    ]


ODD_NUMBERS = st.one_of(st.none(), st.floats(), st.sampled_from([0.0, 6000.0, 6000.0000000001, 100.0, -0.0, 1e308]))
ODD_WORDS = st.one_of(
    st.none(), st.sampled_from(["", " ", "UA", "ZZ", "a\x00b", "a\nb", "b\n", "x" * 200, "x" * 201]), st.text()
)


@given(st.lists(st.tuples(ODD_NUMBERS, ODD_NUMBERS, ODD_WORDS), min_size=1, max_size=20))
def test_a_row_is_taken_if_and_only_if_the_app_takes_it(small: Bundle, odd: list[tuple[Any, Any, Any]]) -> None:
    schema = small.model.facts.data
    reader = Reader(schema, {}, 100, {})
    moment = "2013-09-30T14:05:00-04:00"
    drawn = [
        {"distance": one, "humidity": two, "carrier": three, "origin": "JFK", "scheduled_departure": moment}
        for one, two, three in odd
    ]
    expected = [isinstance(reader.check({**row, "humidity": None if two != two else two}), dict)
                for row, (_, two, _) in zip(drawn, odd, strict=True)]  # fmt: skip
    frame = pd.DataFrame(drawn).astype({"distance": "float64", "humidity": "float64", "carrier": "str"})
    frame["flight_id"] = "x"
    frame["scheduled_departure"] = pd.to_datetime(frame["scheduled_departure"]).dt.tz_convert("America/New_York")

    taken = intake.take(
        Block(1, {name: frame[name] for name in drawn[0] | {"flight_id": ""}}, typed=True), schema, "rows"
    )

    refused = {one.row - 1 for one in taken.refusals}
    assert [place not in refused for place in range(len(odd))] == expected
    assert len(taken.ids) == sum(expected)


@given(
    st.lists(
        st.tuples(
            st.text(max_size=6),
            st.sampled_from(["7", " 7", "NaN", "nAn", "-nan", "NA", "", "1_0", "inf", "\N{MINUS SIGN}4"]),
        ),
        min_size=1,
        max_size=9,
    )
)
@example([("UA", "-nan")])
@example([("UA", "+NaN"), ("UA", "nan"), ("UA", "7")])
@example([("UA", "nan(12)")])
def test_cells_are_taken_if_and_only_if_the_app_takes_them(small: Bundle, odd: list[tuple[str, str]]) -> None:
    schema = small.model.facts.data
    reader = Reader(schema, {}, 100, {})
    drawn = [
        {"distance": "5", "humidity": two, "carrier": one, "origin": "JFK", "scheduled_departure": "2013-09-30T14:05"}
        for one, two in odd
    ]
    expected = [isinstance(checked(row, reader), dict) for row in drawn]
    columns = {name: pa.array([row[name] for row in drawn]) for name in drawn[0]} | {
        "flight_id": pa.array(["x"] * len(odd))
    }
    wanted = intake.wanted(schema)
    block = Block(1, {name: streams._cells(column, name, wanted) for name, column in columns.items()}, typed=False)

    refused = {one.row - 1 for one in intake.take(block, schema, "rows").refusals}

    assert [place not in refused for place in range(len(odd))] == expected


# Partitions that cannot be scored


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    """Spoil a page of the last row group, when others have been scored already."""
    written(path, files.read(path), row_group=50)
    place = pq.read_metadata(path).row_group(5).column(3).data_page_offset + 60
    content = bytearray(path.read_bytes())
    content[place] ^= 4
    path.write_bytes(content)


def changed(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[Path], None]:
    return lambda path: pq.write_table(pa.Table.from_pandas(change(files.read(path)), preserve_index=False), path)


def twins(path: Path) -> None:
    table = pq.read_table(path)
    pq.write_table(table.append_column("humidity", table["humidity"]), path)


def beyond(path: Path) -> None:
    table = pq.read_table(path)
    seconds = pa.array([1 << 50] * len(table), pa.timestamp("s", "America/New_York"))
    pq.write_table(
        table.set_column(table.column_names.index("scheduled_departure"), "scheduled_departure", seconds), path
    )


BROKEN = {
    "cut off": (cut, "found [0-9,]+ bytes that are not a whole Parquet file"),
    "a flipped bit": (flip, "not a whole Parquet file .*CRC"),
    "no Parquet": (lambda path: path.write_text("a,b\n"), "found 4 bytes that are not a whole Parquet file"),
    "a missing column": (changed(lambda rows: rows.drop(columns=["humidity", "origin"])), "missing column 'origin'|missing column 'humidity'"),
    "a missing id": (changed(lambda rows: rows.drop(columns="flight_id")), "missing column 'flight_id'"),
    "two columns of a name": (twins, "found two columns named 'humidity'"),
    "words for numbers": (changed(lambda rows: rows.assign(distance="far")), "distance: found string values such as 'far', expected numbers"),
    "numbers for words": (changed(lambda rows: rows.assign(carrier=7)), "carrier: found integer values such as .*7.*, expected words"),
    "words for times": (changed(lambda rows: rows.assign(scheduled_departure="now")), "scheduled_departure: found string values such as 'now', expected times"),
    "another zone": (changed(lambda rows: rows.assign(scheduled_departure=rows["scheduled_departure"].dt.tz_convert("UTC"))),
                     "found time zone UTC, expected America/New_York"),
    "times beyond all calendars": (beyond, "found years before 1700 or after 2199, expected times"),
    "fractions for ids": (changed(lambda rows: rows.assign(flight_id=0.5)), "flight_id: found floating values"),
    "no good row": (changed(lambda rows: rows.assign(distance=-1.0)), "no row that keeps the schema; the first: distance: found -1.0, expected a number"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_partition_that_cannot_be_scored_leaves_nothing_and_the_others_are_scored(
    score: Score, months: Path, case: str
) -> None:
    spoil, problem = BROKEN[case]
    spoil(months / "2013-02.parquet")

    found = score(months)

    into = months.parent / "scores"
    states = {name: entry.state for name, entry in found.partitions.items()}
    assert states == {"2013-01": "scored", "2013-02": "failed", "2013-03": "scored"}
    assert re.search(problem, found.partitions["2013-02"].problem or "")
    assert found.partitions["2013-02"].fix
    assert sorted(path.name for path in into.rglob("*") if path.is_file()) == [
        ".lock", "2013-01.parquet", "2013-03.parquet", "manifest.json",
    ]  # fmt: skip


def test_a_partition_that_goes_away_or_grows_while_it_is_scored_fails(
    begin: Callable[..., Batch], months: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = partitions([str(months)], months.parent / "scores")
    (months / "2013-01.parquet").unlink()
    monkeypatch.setattr(batch, "_write", grown(batch._write, months / "2013-02.parquet"))

    kept = batch.score(begin(), found)

    problems = [entry.problem for entry in kept.partitions.values()]
    assert [bool(problem) for problem in problems] == [True, True, False]
    assert "2013-01.parquet: not found" in str(problems[0])
    assert "2013-02.parquet: changed while it was scored" in str(problems[1])
    assert [path.name for path in (months.parent / "scores").glob("*.parquet")] == ["2013-03.parquet"]


def grown(write: Callable[..., int], path: Path) -> Callable[..., int]:
    """Let somebody add to a file after it was read."""

    def write_and_grow(made_by: Batch, one: Partition, *others: Any) -> int:
        rows = write(made_by, one, *others)
        if one.path == path:
            with path.open("ab") as file:
                file.write(b"more")
        return rows

    return write_and_grow


CSV = {
    "cut off in a row": (b"flight_id,a\nx,1\ny", "no line break at its end"),
    "too few cells": (b"HEAD\nrow,1\n", "Expected 6 columns, got 2"),
    "an open quote": (b'HEAD\n"x,1,2\n', "Expected 6 columns, got|quote|CSV parse error"),
    "not UTF-8": (b"HEAD\nr\xff,2013-09-30T14:05,UA,JFK,1,2\n", "invalid UTF8 data"),
    "a header that is not UTF-8": (b"\xff\xfea\n", "can't decode byte 0xff"),
    "empty": (b"", "no header"),
    "no header of ours": (b"a,b\n1,2\n", "missing column 'flight_id'"),
    "semicolons": (b"flight_id;distance\nx;1\n", "missing column 'flight_id'"),
}


@pytest.mark.parametrize("case", CSV)
def test_a_csv_file_that_is_not_whole_is_refused(score: Score, small: Bundle, tmp_path: Path, case: str) -> None:
    content, problem = CSV[case]
    head = ",".join(["flight_id", *small.model.facts.data.columns]).encode()
    (tmp_path / "rows.csv").write_bytes(content.replace(b"HEAD", head))

    entry = score(tmp_path / "rows.csv").partitions["rows"]

    assert entry.state == "failed"
    assert re.search(problem, entry.problem or ""), entry.problem
    assert not (tmp_path / "scores/rows.parquet").exists()


def test_a_byte_order_mark_and_other_line_breaks_are_read(score: Score, rows: pd.DataFrame, tmp_path: Path) -> None:
    score(written(tmp_path / "rows.csv", rows), into="expected")
    content = (tmp_path / "rows.csv").read_bytes()
    (tmp_path / "rows.csv").write_bytes(b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n"))

    score(tmp_path / "rows.csv")

    assert (tmp_path / "scores/rows.parquet").read_bytes() == (tmp_path / "expected/rows.parquet").read_bytes()


@pytest.mark.parametrize("name", ["rows.parquet", "rows.csv"])
@pytest.mark.parametrize("harm", [cut, Path.unlink])
def test_a_file_that_is_damaged_or_gone_is_to_be_got_again_from_where_it_came(
    begin: Callable[..., Batch], rows: pd.DataFrame, tmp_path: Path, name: str, harm: Callable[[Path], None]
) -> None:
    folder = tmp_path / "data"  # of somebody else, whatever it is called
    folder.mkdir()
    found = partitions([str(written(folder / name, rows))], tmp_path / "scores")
    harm(folder / name)

    entry = batch.score(begin(), found).partitions["rows"]

    assert entry.state == "failed"
    assert (entry.fix or "").startswith("get it again from its source")


def test_a_partition_that_cannot_be_read_any_more_keeps_no_other_from_being_scored(
    score: Score, months: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    score(months / "2013-01.parquet", months / "2013-02.parquet")
    hashed = streams.sha256

    def locked(path: Path) -> str:  # root can read everything, so that no mode would keep it from that
        if path == months / "2013-01.parquet":
            raise PermissionError
        return hashed(path)

    monkeypatch.setattr(streams, "sha256", locked)

    found = score(months)

    states = {name: entry.state for name, entry in found.partitions.items()}
    assert states == {"2013-01": "failed", "2013-02": "scored", "2013-03": "scored"}
    assert "2013-01.parquet: not readable" in str(found.partitions["2013-01"].problem)
    assert str(found.partitions["2013-01"].fix).startswith("chmod u+r")


def test_scores_of_before_go_when_their_partition_fails(score: Score, months: Path) -> None:
    score(months)
    cut(months / "2013-02.parquet")

    found = score(months)

    assert found.partitions["2013-02"].state == "failed"
    assert not (months.parent / "scores/2013-02.parquet").exists()


# Again, and again


def stamps(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("*.parquet")}


ALL = ["2013-01.parquet", "2013-02.parquet", "2013-03.parquet"]
SPOILT: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "nothing": (Path.exists, []),
    "scores removed": (lambda at: (at / "scores/2013-02.parquet").unlink(), ["2013-02.parquet"]),
    "scores damaged": (lambda at: (at / "scores/2013-02.parquet").write_bytes(b"PAR1"), ["2013-02.parquet"]),
    "rows changed": (lambda at: shutil.copy(at / "months/2013-01.parquet", at / "months/2013-03.parquet"), ["2013-03.parquet"]),
    "no manifest": (lambda at: (at / "scores/manifest.json").unlink(), ALL),
}  # fmt: skip


@pytest.mark.parametrize("case", SPOILT)
def test_only_what_is_missing_or_made_of_other_bytes_is_scored_again(score: Score, months: Path, case: str) -> None:
    spoil, anew = SPOILT[case]
    score(months)
    folder = months.parent / "scores"
    before = stamps(folder)
    spoil(months.parent)

    found = score(months)

    after = stamps(folder)
    assert sorted(name for name in after if after[name] != before[name]) == anew
    assert {entry.state for entry in found.partitions.values()} == {"scored"}


def test_rows_that_changed_in_as_many_bytes_are_scored_again(score: Score, rows: pd.DataFrame, tmp_path: Path) -> None:
    path = written(tmp_path / "rows.csv", rows.assign(distance=100.0))
    score(path)
    path.write_bytes(path.read_bytes().replace(b"100.0", b"200.0"))

    found = score(path)

    assert found.partitions["rows"].sha256 == streams.sha256(path)


def test_another_model_scores_everything_again(score: Score, months: Path, small: Bundle) -> None:
    score(months)
    other = ScoredBy(version="8", sha256=small.sha256, data_format=1)

    found = score(months, by=other)

    assert found.model == other
    assert set(scores(months.parent / "scores", "2013-02")["model_version"]) == {"8"}


def test_two_models_do_not_score_into_one_folder(score: Score, months: Path, small: Bundle) -> None:
    score(months)

    with pytest.raises(
        UserError, match=r"found scores of 2013-02 by version 7 .*, expected those of one model in one folder"
    ):
        score(months / "2013-01.parquet", by=ScoredBy(version="8", sha256=small.sha256, data_format=1))


def test_what_failed_and_is_not_named_any_more_is_forgotten(score: Score, months: Path, small: Bundle) -> None:
    folder, bad = months.parent / "scores", months / "2013-02.parquet"
    shutil.copy(bad, bad.with_name("bad.parquet"))
    cut(bad.with_name("bad.parquet"))
    score(months)
    bad.with_name("bad.parquet").unlink()

    found = score(months)

    assert sorted(found.partitions) == ["2013-01", "2013-02", "2013-03"]
    assert not list(manifest.problems(folder, found, None))
    other = ScoredBy(version="8", sha256=small.sha256, data_format=1)
    assert score(months, by=other).model == other


def test_what_waited_and_is_not_named_any_more_leaves_nothing(score: Score, months: Path) -> None:
    folder = months.parent / "scores"
    found = score(months)
    found.having("2013-02", Entry(input="2013-02.parquet")).write(folder)

    found = score(months / "2013-01.parquet", months / "2013-03.parquet")

    assert sorted(found.partitions) == ["2013-01", "2013-03"]
    assert not list(manifest.problems(folder, found, None))


def test_scores_by_another_model_go_before_the_first_is_scored_anew(
    score: Score, months: Path, rows: pd.DataFrame, small: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(months / "2013-03.parquet", spoilt(rows))
    score(months)
    folder = months.parent / "scores"
    monkeypatch.setattr(batch, "_scored", killed)

    with pytest.raises(KeyboardInterrupt):
        score(months, by=ScoredBy(version="8", sha256=small.sha256, data_format=1))

    assert sorted(path.name for path in folder.rglob("*") if path.is_file()) == [".lock", "manifest.json"]
    kept = Manifest.read(folder)
    assert kept is not None
    assert {entry.state for entry in kept.partitions.values()} == {"waiting"}


def killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_scores_of_another_model_are_not_counted_even_if_they_cannot_be_removed(
    score: Score, months: Path, small: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    score(months)
    monkeypatch.setattr(batch, "_remove", killed)

    with pytest.raises(KeyboardInterrupt):
        score(months, by=ScoredBy(version="8", sha256=small.sha256, data_format=1))

    kept = Manifest.read(months.parent / "scores")
    assert kept is not None
    assert (kept.model.version, {entry.state for entry in kept.partitions.values()}) == ("8", {"waiting"})


def test_refused_rows_of_before_go_when_their_partition_fails(score: Score, rows: pd.DataFrame, tmp_path: Path) -> None:
    path = written(tmp_path / "rows.parquet", spoilt(rows))
    score(path)
    cut(path)

    score(path)

    assert not (tmp_path / "scores/refused/rows.csv").exists()


def test_partitions_can_come_one_after_the_other(score: Score, months: Path) -> None:
    score(months / "2013-01.parquet")

    found = score(months / "2013-02.parquet")

    assert [(name, entry.state) for name, entry in found.partitions.items()] == [
        ("2013-01", "scored"),
        ("2013-02", "scored"),
    ]


def test_refused_rows_of_before_go_when_there_are_none_any_more(
    score: Score, rows: pd.DataFrame, tmp_path: Path
) -> None:
    score(written(tmp_path / "rows.parquet", spoilt(rows)))

    score(written(tmp_path / "rows.parquet", rows))

    assert not (tmp_path / "scores/refused/rows.csv").exists()


def test_a_second_command_is_told_to_wait(score: Score, months: Path) -> None:
    with (
        batch._alone(months.parent / "scores"),
        pytest.raises(UserError, match="another command is scoring into this folder"),
    ):
        score(months)


def test_a_manifest_that_cannot_be_read_is_not_written_over(score: Score, months: Path) -> None:
    score(months)
    path = months.parent / "scores/manifest.json"
    for content, problem in (("{", "not the file that was written"), (path.read_text().replace('"format": 1,', '"format": 2,', 1), "found format 2, expected 1")):  # fmt: skip
        path.write_text(content)
        with pytest.raises(UserError, match=problem):
            score(months)


# What is named


def test_files_that_would_be_scored_into_one_are_refused(tmp_path: Path, rows: pd.DataFrame) -> None:
    inputs = [str(written(tmp_path / name, rows)) for name in ("rows.parquet", "rows.csv")]

    with pytest.raises(UserError, match=r"rows\.csv: its scores would take the place of those of .*rows\.parquet"):
        partitions(inputs, tmp_path / "scores")


def test_scores_do_not_go_where_the_rows_are(months: Path) -> None:
    with pytest.raises(UserError, match="where the scores go"):
        partitions([str(months)], months.parent)


def test_scores_do_not_go_below_a_folder_of_rows_where_they_would_be_taken_for_rows(months: Path) -> None:
    for into in (months, months / "scores", months / "../months/deep/scores"):
        with pytest.raises(UserError, match=r"--out: .*: found it below .*months, where files are looked for"):
            partitions([str(months)], into)


def test_scores_may_go_beside_a_file_that_is_named(months: Path) -> None:
    assert partitions([str(months / "2013-01.parquet")], months / "scores")


def test_scores_do_not_go_where_a_file_is(months: Path, tmp_path: Path) -> None:
    (tmp_path / "scores").touch()
    (tmp_path / "link").symlink_to("nowhere")

    for into in ("scores", "scores/of/september", "link"):
        with pytest.raises(UserError, match=r"(scores|link): found no folder, expected one") as raised:
            partitions([str(months)], tmp_path / into)
        assert raised.value.fix == "name another folder with --out"


def test_a_folder_is_searched_and_a_file_that_is_named_twice_is_scored_once(
    months: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (months / "sub").mkdir()
    shutil.move(months / "2013-03.parquet", months / "sub/2013-03.parquet")
    (months / "notes.txt").write_text("x")
    (months / ".hidden.csv").write_text("x")

    found = partitions([str(months), str(months / "2013-01.parquet")], months.parent / "scores")

    assert [one.name for one in found] == ["2013-01", "2013-02", "sub/2013-03"]
    assert "notes.txt: left out, for it is neither Parquet nor CSV" in caplog.text


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("nowhere", "found nothing there"),
        ("", "no Parquet or CSV file there"),
        ("a.txt", r"type '\.txt', expected \.parquet or \.csv"),
    ],
)
def test_what_is_not_there_is_named(tmp_path: Path, name: str, problem: str) -> None:
    (tmp_path / "a.txt").touch()
    (tmp_path / "a.txt").unlink() if not name else None

    with pytest.raises(UserError, match=problem):
        partitions([str(tmp_path / name)], tmp_path / "scores")


# The command, and the check


def run_command(
    project: Project, *inputs: Path, out: Path | None = None, model: str | None = None, check: Path | None = None
) -> int:
    bundle = str(project.workspace.evaluate / "bundle")
    return command.run(
        project.workspace.root, [str(path) for path in inputs], str(out) if out else None, model or bundle, str(check) if check else None
    )  # fmt: skip


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level("INFO", "holdfast")
    return caplog


def test_the_command_says_what_was_scored_refused_and_failed(
    finished_project: Project, months: Path, rows: pd.DataFrame, told: pytest.LogCaptureFixture
) -> None:
    written(months / "2013-02.parquet", spoilt(rows))
    cut(months / "2013-03.parquet")

    code = run_command(finished_project, months, out=months.parent / "scores")

    assert code == MISTAKE
    assert "scores: 2 of 3 partitions, 594 rows" in told.text
    assert "6 rows break the schema: " in told.text
    assert re.search(
        r"error: .*2013-03\.parquet: found [\d,]+ bytes that are not a whole Parquet file .*\n  fix: ", told.text
    )


def test_what_was_scored_passes_the_check(
    finished_project: Project, months: Path, told: pytest.LogCaptureFixture
) -> None:
    folder = months.parent / "scores"

    assert run_command(finished_project, months, out=folder) == DONE
    assert run_command(finished_project, check=folder) == DONE
    assert "3 partitions, 900 rows, all by version " in told.text


def other_model(folder: Path) -> None:
    """Change the model that the rows name, and the hash in the manifest, so that only the rows tell."""
    path = folder / "2013-02.parquet"
    table = pq.read_table(path)
    column = pa.array(["0" * 64] * len(table))
    pq.write_table(table.set_column(table.column_names.index("model_sha256"), "model_sha256", column), path)
    fake(folder, output_sha256=streams.sha256(path))


def fake(folder: Path, **entry: object) -> None:
    content = json.loads((folder / "manifest.json").read_text())
    content["partitions"]["2013-02"] |= entry
    (folder / "manifest.json").write_text(json.dumps(content))


def asked(folder: Path, model: str) -> None:
    content = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(content | {"asked": model}))


def files_at(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.touch()


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "gone": (lambda folder: (folder / "2013-02.parquet").unlink(), r"2013-02\.parquet: not there"),
    "other bytes": (lambda folder: (folder / "2013-02.parquet").write_bytes(b"x"), "other bytes than were written"),
    "one too many": (
        lambda folder: shutil.copy(folder / "2013-02.parquet", folder / "x.parquet"),
        r"x\.parquet: not in the manifest",
    ),
    "refused rows of nobody": (
        lambda folder: files_at(folder / "refused/sub/x.csv"),
        r"refused/sub/x\.csv: not in the manifest",
    ),
    "another version than asked for": (
        lambda folder: asked(folder, "7"),
        "scored by version .*, asked for was version 7",
    ),
    "another version, in full": (lambda folder: asked(folder, "models:/m/7"), "scored by .*, asked for was version 7"),
    "another model": (other_model, r"2013-02\.parquet: rows by another model than version"),
    "other rows": (lambda folder: fake(folder, rows=301), "300 rows, expected those that came in"),
    "not yet": (lambda folder: fake(folder, state="waiting"), "2013-02: not scored yet"),
    "failed": (lambda folder: fake(folder, state="failed", problem="it broke"), "2013-02: not scored: it broke"),
}


@pytest.fixture(scope="module")
def scored(finished_project: Project, make_rows: MakeRows, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of scores; for reading only."""
    folder = tmp_path_factory.mktemp("scored")
    for month in ("2013-01", "2013-02", "2013-03"):
        files.write(folder / f"{month}.parquet", make_rows(finished_project.params.data, month))
    run_command(finished_project, folder, out=folder.with_name("scores-of-it"))
    return folder.with_name("scores-of-it")


@pytest.mark.parametrize("case", CHANGES)
def test_the_check_finds_what_is_not_as_the_manifest_says(
    finished_project: Project, scored: Path, tmp_path: Path, told: pytest.LogCaptureFixture, case: str
) -> None:
    change, problem = CHANGES[case]
    folder = Path(shutil.copytree(scored, tmp_path / "scores"))
    change(folder)

    assert run_command(finished_project, check=folder) == REFUSED
    assert re.search(problem, told.text)


def test_the_check_knows_whether_the_version_that_was_asked_for_was_used(
    finished_project: Project, months: Path, told: pytest.LogCaptureFixture
) -> None:
    folder, other = months.parent / "scores", months.parent / "other"
    run_command(finished_project, months, out=folder)
    shutil.copytree(finished_project.workspace.evaluate / "bundle", other)
    content = json.loads((other / "model.json").read_text())
    (other / "model.json").write_text(json.dumps(content))  # the same model, in other bytes

    assert run_command(finished_project, check=folder, model=str(other)) == REFUSED
    assert re.search(r"scored by version \w+ \(\w+\), asked for was version \w+", told.text)


@pytest.mark.parametrize(("digits", "code"), [(7, DONE), (64, DONE), (0, REFUSED)])
def test_a_hash_is_compared_as_a_hash_whichever_version_has_it(
    finished_project: Project, scored: Path, monkeypatch: pytest.MonkeyPatch, digits: int, code: int
) -> None:
    bundle = Bundle.load(finished_project.workspace.evaluate / "bundle")
    twin = Named(
        bundle, ScoredBy(version="8", sha256=bundle.sha256, data_format=bundle.model.data_format)
    )  # the last of these
    monkeypatch.setattr(named, "load", lambda *_: twin)

    assert run_command(finished_project, check=scored, model=bundle.sha256[:digits] or "8") == code


@pytest.mark.parametrize(
    ("inputs", "out", "check"),
    [([], "scores", None), (["x"], None, None), (["x"], None, "scores"), ([], "x", "scores")],
)
def test_a_command_that_says_too_little_or_too_much_is_refused(
    finished_project: Project, inputs: list[str], out: str | None, check: str | None
) -> None:
    with pytest.raises(UserError, match="expected files or folders, and with --out where their scores go; or --check"):
        command.run(finished_project.workspace.root, inputs, out, None, check)


def test_a_folder_without_a_manifest_cannot_be_checked(finished_project: Project, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"found no manifest\.json, expected a folder of scores"):
        run_command(finished_project, check=tmp_path)


def test_an_id_that_is_called_like_a_column_of_the_scores_is_refused(
    small: Bundle, tmp_path: Path, months: Path
) -> None:
    facts = small.model.facts.model_copy(update={"data": small.model.facts.data.model_copy(update={"id": "label"})})
    model = type(small.model)(small.model.pipeline, facts)
    by = ScoredBy(version="7", sha256=small.sha256, data_format=1)

    with pytest.raises(UserError, match="id: found the name 'label', which a column of the scores has"):
        batch.score(
            Batch(model, by, None, tmp_path / "scores", NOON, Progress(terminal=False)),
            partitions([str(months)], tmp_path / "scores"),
        )


def test_people_at_a_terminal_see_how_far_it_has_come(told: pytest.LogCaptureFixture) -> None:
    for terminal in (False, True):
        Progress(terminal=terminal, every=0).add(1_000, "x.parquet")

    assert len(re.findall(r"1,000 rows so far, [\d,]+ a second \(x\.parquet\)", told.text)) == 1


# Kill, full disks, memory


def command_line(project: Project, *arguments: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        "holdfast",
        "score",
        *arguments,
        "--model",
        str(project.workspace.evaluate / "bundle"),
    ]


@pytest.mark.slow
def test_after_a_kill_only_what_is_missing_is_scored(
    project: Project, small: Bundle, make_rows: MakeRows, tmp_path: Path
) -> None:
    folder, into = tmp_path / "many", tmp_path / "scores"
    folder.mkdir()
    for number in range(40):
        files.write(folder / f"{number:02}.parquet", make_rows(small.model.facts.data, rows=5_000, seed=number))
    shutil.copy(ROOT / "dvc.yaml", project.workspace.root)
    process = subprocess.Popen(
        command_line(project, str(folder), "--out", str(into)), cwd=project.workspace.root, env=ENVIRONMENT, stdout=subprocess.DEVNULL
    )  # fmt: skip
    while len(list(into.glob("[0-9]*.parquet"))) < 5:
        time.sleep(0.002)
    process.kill()
    process.wait()
    killed = Manifest.read(into)
    before = stamps(into)
    assert killed is not None
    done = {name for name, entry in killed.partitions.items() if entry.state == "scored"}
    assert 4 <= len(done) < 40
    assert all(pq.read_metadata(path).num_rows == 5_000 for path in into.glob("[0-9]*.parquet"))

    again = subprocess.run(
        command_line(project, str(folder), "--out", str(into)), cwd=project.workspace.root, env=ENVIRONMENT, text=True, capture_output=True
    )  # fmt: skip

    assert again.returncode == 0, again.stdout + again.stderr
    assert again.stdout.count("there already") == len(done)
    assert {name for name, stamp in stamps(into).items() if before.get(name) == stamp} == {
        f"{name}.parquet" for name in done
    }
    assert run_command(project, check=into) == DONE
    assert not list(into.rglob(".*.partial"))


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let no file grow beyond a size."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_scores_that_cannot_be_written_end_the_batch_and_leave_no_half_of_a_file(
    score: Score, months: Path, small: Bundle, make_rows: MakeRows
) -> None:
    files.write(months / "2013-02.parquet", make_rows(small.model.facts.data, rows=20_000))
    into = months.parent / "scores"

    with (
        files_of_at_most(30_000),
        pytest.raises(UserError, match=r"2013-02\.parquet: not written: File too large") as raised,
    ):
        score(months)

    assert raised.value.fix.startswith("make room on the disk")
    assert sorted(path.name for path in into.rglob("*")) == [".lock", "2013-01.parquet", "manifest.json"]
    kept = Manifest.read(into)
    assert kept is not None
    assert [entry.state for entry in kept.partitions.values()] == ["scored", "waiting", "waiting"]


def test_refused_rows_that_cannot_be_written_leave_no_scores(score: Score, rows: pd.DataFrame, tmp_path: Path) -> None:
    many = written(tmp_path / "rows.csv", pd.concat([rows.assign(distance=-1.0)] * 4 + [rows], ignore_index=True))

    with files_of_at_most(30_000), pytest.raises(UserError, match=r"rows\.csv: not written: File too large"):
        score(many)

    assert sorted(path.name for path in (tmp_path / "scores").rglob("*") if path.is_file()) == [
        ".lock",
        "manifest.json",
    ]


@pytest.mark.slow
def test_a_full_disk_leaves_no_half_of_a_file(
    project: Project, small: Bundle, make_rows: MakeRows, tmp_path: Path
) -> None:
    unshare = ["unshare", "-m" if os.geteuid() == 0 else "-rm"]
    if shutil.which("unshare") is None or subprocess.run([*unshare, "true"], capture_output=True).returncode:
        pytest.skip("needs unshare(1) and the right to mount a small disk in a namespace")
    (tmp_path / "disk").mkdir()
    files.write(tmp_path / "rows.parquet", make_rows(small.model.facts.data, rows=30_000))
    shutil.copy(ROOT / "dvc.yaml", project.workspace.root)
    scored = " ".join(command_line(project, str(tmp_path / "rows.parquet"), "--out", "scores"))
    script = f"mount -t tmpfs -o size=60k none disk && cp {project.workspace.root}/*.yaml disk && cd disk && {scored}; code=$?; ls -A scores > ../left; exit $code"

    done = subprocess.run([*unshare, "sh", "-c", script], cwd=tmp_path, env=ENVIRONMENT, text=True, capture_output=True)

    assert done.returncode == 2, done.stdout + done.stderr
    assert "not written: No space left on device" in done.stderr
    assert (tmp_path / "left").read_text().split() == [".lock", "manifest.json"]


# The peak memory of a process counts from that of the one that started it, so that has to be a small one.
LAUNCHER = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:])
_, status, usage = os.wait4(process.pid, 0)
print(usage.ru_maxrss, flush=True)
sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(
    project: Project, small: Bundle, make_rows: MakeRows, tmp_path: Path
) -> None:
    part = make_rows(small.model.facts.data, rows=50_000)
    shutil.copy(ROOT / "dvc.yaml", project.workspace.root)
    peaks = []
    for times in (1, 20):
        path = written(tmp_path / f"{times}.parquet", pd.concat([part] * times, ignore_index=True), row_group=1 << 20)
        command = command_line(project, str(path), "--out", str(tmp_path / f"scores-{times}"))
        done = subprocess.run(
            [sys.executable, "-c", LAUNCHER, *command], cwd=project.workspace.root, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        peaks.append(int(done.stdout.splitlines()[-1]) / 1024)

    assert peaks[1] - peaks[0] < 100, peaks  # MiB, for twenty times the rows in one row group
    assert peaks[1] < 1024
