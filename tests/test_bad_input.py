"""Every mistake of the table gives a clear error with its remedy, and leaves the last good artifacts untouched.

What cannot be one row of a table is elsewhere: a full disk in `test_files.py`; damaged objects in DVC's cache and
remote, killed stages and two `dvc repro` at once in `test_dvc.py`.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import MONTHS, ROOT, Project
from holdfast import files
from holdfast.errors import RefusedError, UserError
from holdfast.stages import prepare

HOLDOUT, VALIDATION, MIDDLE = MONTHS[-1], MONTHS[-2], MONTHS[-3]


@dataclass(frozen=True)
class Case:
    """How a project is broken, and what is said then."""

    name: str
    mistake: Callable[[Project], object]
    problem: str
    fix: str = r"^correct the rows, or what is promised of them under `data:` and `contract:` in params\.yaml"


def rows(change: Callable[[pd.DataFrame], pd.DataFrame], month: str = MIDDLE) -> Callable[[Project], None]:
    """Break the rows of one partition."""

    def break_rows(project: Project) -> None:
        changed = change(files.read(project.partition(month)))
        pq.write_table(pa.Table.from_pandas(changed, preserve_index=False), project.partition(month))

    return break_rows


def cut(project: Project) -> None:
    path = project.partition(MIDDLE)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(project: Project) -> None:
    path = project.partition(MIDDLE)
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 4
    path.write_bytes(content)


def twin_columns(project: Project) -> None:
    table = pq.read_table(project.partition(MIDDLE))
    pq.write_table(table.append_column("humidity", table["humidity"]), project.partition(MIDDLE))


def no_text(project: Project) -> None:
    table = pq.read_table(project.partition(MIDDLE))
    broken = pa.array([b"\xff\xfe"] * len(table)).cast(pa.binary()).view(pa.binary())
    words = pa.Array.from_buffers(pa.string(), len(broken), broken.buffers())
    place = table.column_names.index("carrier")
    pq.write_table(table.set_column(place, "carrier", words), project.partition(MIDDLE))


def two_months_only(project: Project) -> None:
    for month in MONTHS[:2]:
        project.partition(month).unlink()


def text(old: str, new: str) -> Callable[[Project], None]:
    """Edit params.yaml as a person would."""

    def edit(project: Project) -> None:
        content = project.workspace.params.read_text()
        assert old in content
        project.workspace.params.write_text(content.replace(old, new, 1))

    return edit


def mixed(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(distance=frame["distance"].round().astype("int64").astype("str").replace("5", "five"))


def at(column: str, value: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return lambda frame: frame.assign(**{column: frame[column].where(frame.index != 9, value)})


RESTORE = r"`git checkout -- data\.dvc && dvc checkout data\.dvc`"
PARAMS = r"^edit .*params\.yaml, then run `dvc repro`$"
IN_MIDDLE = rf"data/flights/{MIDDLE}\.parquet: "


def broken(name: str, found: str) -> str:
    return rf"^error: 1 of 4 partitions: the contract is broken\.\ndata/flights/{MIDDLE}\.parquet\n  error: {name}: found {found}"


CASES = [
    Case("a partition is missing", lambda p: p.partition(MIDDLE).unlink(), rf"data/: found no rows in {MIDDLE}", fix=RESTORE),
    Case("every partition is missing", lambda p: shutil.rmtree(p.workspace.data), "data/: found no partition", fix="dvc pull data.dvc"),
    Case("an empty file", lambda p: p.partition(MIDDLE).write_bytes(b""), "found 0 bytes that are not a whole Parquet", fix=RESTORE),
    Case("a truncated file", cut, IN_MIDDLE + r"found [\d,]+ bytes that are not a whole Parquet file", fix=RESTORE),
    Case("a flipped bit", flip, IN_MIDDLE + r"found [\d,]+ bytes that are not a whole Parquet file .*CRC", fix=RESTORE),
    Case("text called Parquet", lambda p: p.partition(MIDDLE).write_text("a,b\n"), "4 bytes that are not a whole Parquet", fix=RESTORE),
    Case("a CSV among the partitions", lambda p: (p.workspace.data / "x.csv").write_text("a"),
         r"data/x\.csv: found a file of type '\.csv', expected only Parquet", fix=r"move data/x\.csv out of data/"),
    Case("a partition without rows", rows(lambda f: f.head(0)), broken("rows", "0 rows, expected at least 1 row")),
    Case("a month whose rows are in another", rows(lambda f: f.assign(scheduled_departure=f["scheduled_departure"]
         + pd.Timedelta(days=31))), rf"data/: found no rows in {MIDDLE}, expected every month", fix=RESTORE),
    Case("a missing column", rows(lambda f: f.drop(columns="distance")), broken("columns", "'distance' missing")),
    Case("an extra column", rows(lambda f: f.assign(colour="red")), broken("columns", "'colour' not expected")),
    Case("a renamed column", rows(lambda f: f.rename(columns={"distance": "distanze"})),
         broken("columns", "'distance' missing and 'distanze' not expected")),
    Case("two columns of one name", twin_columns, broken("columns", r"'humidity \(again\)' not expected")),
    Case("bytes that are no text", no_text, IN_MIDDLE + ".*not a whole Parquet file", fix=RESTORE),
    Case("a number column with text", rows(mixed), broken("type.distance", "string values such as '.*', expected numbers")),
    Case("a word column with numbers", rows(lambda f: f.assign(carrier=7)),
         broken("type.carrier", "integer values such as .*7.*, expected words")),
    Case("a time column with text", rows(lambda f: f.assign(scheduled_departure="2013-01-01")),
         broken("type.scheduled_departure", "string values such as '2013-01-01', expected times")),
    Case("an infinite value", rows(at("humidity", np.inf)), broken("range.humidity", r"1 of 300 rows \(0\.3%\), .*\n    row-2013-02-0-9: inf")),
    Case("a value out of range", rows(at("humidity", 101.0)), broken("range.humidity", r"1 of 300 rows .* from 0 to 100 %\n    row-2013-02-0-9: 101")),
    Case("a missing value", rows(at("distance", np.nan)), broken("missing.distance", "1 of 300 rows .*, expected none missing")),
    Case("an unknown category", rows(at("carrier", "ZZ")), broken("values.carrier", r"1 of 300 rows .*, expected one of '9E', .*\n    row-2013-02-0-9: ZZ")),
    Case("an id twice in a partition", rows(lambda f: pd.concat([f, f.tail(1)])),
         broken("unique.flight_id", r"2 of 301 rows .*\n    row-2013-02-0-299; row-2013-02-0-299")),
    Case("an id in two partitions", lambda p: shutil.copy(p.partition(MIDDLE), p.partition(VALIDATION).with_name("copy.parquet")),
         r"^error: all partitions: the contract is broken\.\nall partitions\n  error: unique_among_partitions: found 300 of 1,500 rows \(20\.0%\).*\n"
         r"    row-2013-02-0-0: data/flights/copy\.parquet;"),
    Case("a missing id", rows(at("flight_id", None)), broken("missing.flight_id", "1 of 300 rows")),
    Case("a third label", rows(at("arrival", "early")), broken("values.arrival", r"1 of 300 rows .*, expected one of 'on_time', 'late', .*\n    row-2013-02-0-9: early")),
    Case("a holdout with one label", rows(lambda f: f.assign(arrival="late"), HOLDOUT),
         "arrival: found late in the 300 holdout rows, expected both on_time and late", fix="under `split:` in params.yaml"),
    Case("validation rows with no label", rows(lambda f: f.assign(arrival="cancelled"), VALIDATION),
         "arrival: found no label in the 0 validation rows", fix="under `split:` in params.yaml"),
    Case("a missing time", rows(at("scheduled_departure", None)), broken("missing.scheduled_departure", "1 of 300 rows")),
    Case("another time zone", rows(lambda f: f.assign(scheduled_departure=f["scheduled_departure"].dt.tz_convert("UTC"))),
         broken("type.scheduled_departure", "time zone UTC, expected times, zone America/New_York")),
    Case("no time zone", rows(lambda f: f.assign(scheduled_departure=f["scheduled_departure"].dt.tz_localize(None))),
         broken("type.scheduled_departure", "time zone none, expected times, zone America/New_York")),
    Case("too few months", two_months_only,
         "data/: found 2 months, expected more than the 2 that are set aside", fix="under `split:` in params.yaml"),
    Case("an unknown key", text("seed: 2013", "seeed: 2013\nseed: 2013"), r"params\.yaml: seeed: unknown key, did you mean 'seed'", fix=PARAMS),
    Case("a key given twice", text("seed: 2013", "seed: 2013\nseed: 2014"), r"params\.yaml: not readable .* 'seed' twice", fix=r"^correct params\.yaml"),
    Case("a value of another type", text("learning_rate:\n    - 0.1", "learning_rate:\n    - fast"),
         r"params\.yaml: train\.gradient_boosting\.learning_rate\.0: found 'fast', expected a valid number", fix=PARAMS),
    Case("a value out of its range", text("threads: 1", "threads: 0"), r"params\.yaml: threads: found 0, expected greater", fix=PARAMS),
    Case("no YAML", text("seed: 2013", "seed: [2013"), r"params\.yaml: not readable as YAML", fix=r"^correct params\.yaml"),
    Case("no params.yaml", lambda p: p.workspace.params.unlink(), r"params\.yaml: not found", "git checkout"),
]  # fmt: skip


# tests/data/ asks each expectation by itself. Here it is enough to see two of them stop the stage, to be quick.
BROKEN = "the contract is broken"
BOTH = ("a missing column", "a value out of range")
MARKED = [
    pytest.param(
        case, id=case.name, marks=[pytest.mark.slow] if BROKEN in case.problem and case.name not in BOTH else []
    )
    for case in CASES
]


@pytest.mark.parametrize("case", MARKED)
def test_a_mistake_is_named_with_its_remedy(case: Case, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.workspace.root)
    before = project.artifacts()
    case.mistake(project)

    with pytest.raises(UserError, match=case.problem) as raised:
        prepare.main(project.params, project.workspace)

    assert re.search(case.fix, raised.value.fix)
    assert isinstance(raised.value, RefusedError) == case.problem.startswith("^error: ")
    assert project.artifacts() == before


def test_the_stage_of_dvc_says_it_without_a_traceback_and_exits_with_2(project: Project) -> None:
    project.partition(MONTHS[0]).write_text("a,b\n")

    done = subprocess.run(
        [sys.executable, str(ROOT / "src" / "holdfast" / "stages"), "prepare"],
        cwd=project.workspace.root, text=True, capture_output=True,
    )  # fmt: skip

    assert done.returncode == 2
    assert re.fullmatch(r"error: data/flights/2013-01\.parquet: found 4 bytes .*\n  fix: .*\n", done.stderr)


@pytest.mark.parametrize("arguments", [[], ["prepair"], ["prepare", "train"]])
def test_a_stage_that_does_not_exist_is_refused(arguments: list[str], project: Project) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "src" / "holdfast" / "stages"), *arguments],
        cwd=project.workspace.root, text=True, capture_output=True,
    )  # fmt: skip

    assert done.returncode == 2
    assert "expected one of prepare, featurize, train, evaluate" in done.stderr


def test_every_stage_names_an_artifact_that_is_missing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.workspace.root)
    for stage, missing in {"featurize": "prepare/train.parquet", "train": "featurize/featurizer.skops",
                           "evaluate": "train/model/model.json"}.items():  # fmt: skip
        (project.workspace.root / "artifacts" / missing).unlink()

        with pytest.raises(UserError, match=rf"^error: artifacts/{missing}: not found\.\n  fix: dvc repro"):
            project.run(stage)
