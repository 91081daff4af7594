import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from conftest import MONTHS, ROOT, Project
from holdfast import data_docs, files, twins, validation
from holdfast.commands import validate
from holdfast.errors import DONE, REFUSED, UserError
from holdfast.expectations import Broken, Result


@pytest.fixture
def place(project: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Project:
    """A project that one stands in, whose partitions are months."""
    monkeypatch.chdir(project.workspace.root)
    caplog.set_level("INFO", logger="holdfast")
    return project


def pages(project: Project) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(project.workspace.data_docs.iterdir())}


def validate_here(*before: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(ROOT / "dvc.yaml", ".")
    return subprocess.run([*before, sys.executable, "-m", "holdfast", "validate"], text=True, capture_output=True)


def spoil(path: Path, **values: Any) -> None:
    files.write(path, files.read(path).assign(**values))


def test_partitions_that_keep_the_contract_pass(place: Project, caplog: pytest.LogCaptureFixture) -> None:
    assert validate.run(place.workspace.root, [], names=False) == DONE

    assert sum(line.endswith("expectations  kept") for line in caplog.messages) == len(MONTHS)
    assert list(pages(place)) == ["001.html", "002.html", "003.html", "004.html", "index.html"]


def test_what_is_broken_is_said_with_rows_and_a_page(place: Project, caplog: pytest.LogCaptureFixture) -> None:
    spoil(place.partition(MONTHS[1]), humidity=101.0)

    assert validate.run(place.workspace.root, [], names=False) == REFUSED

    said = "\n".join(caplog.messages)
    assert "data/flights/2013-02.parquet\n  error: range.humidity: found 300 of 300 rows (100.0%), expected" in said
    assert "    row-2013-02-0-0: 101; row-2013-02-0-1: 101;" in said
    assert "row-2013-02-0-4" in pages(place)["002.html"]
    assert "row-2013-02-0-5" not in pages(place)["002.html"]


@pytest.mark.slow
def test_a_file_is_judged_before_it_is_below_data(place: Project, tmp_path: Path) -> None:
    incoming = tmp_path / "incoming"
    incoming.mkdir()
    shutil.copy(place.partition(), incoming)

    assert validate.run(place.workspace.root, [str(incoming / place.partition().name)], names=False) == DONE
    assert validate.run(place.workspace.root, [str(incoming)], names=False) == DONE
    spoil(incoming / place.partition().name, carrier="?")
    assert validate.run(place.workspace.root, [str(incoming)], names=False) == REFUSED


@pytest.mark.slow
def test_an_id_that_another_partition_has_is_refused(place: Project, caplog: pytest.LogCaptureFixture) -> None:
    path = place.workspace.root / "2013-05.parquet"
    rows = pd.concat([files.read(place.partition("2013-03")).tail(2), files.read(place.partition("2013-01")).head(1)])
    files.write(path, rows)

    assert validate.run(place.workspace.root, [path.name], names=False) == REFUSED

    said = "\n".join(caplog.messages)
    assert "unique_among_partitions: found 3 of 1,203 rows (0.2%) with the id of an earlier partition" in said
    assert "row-2013-03-0-298: 2013-05.parquet; row-2013-03-0-299: 2013-05.parquet; row-2013-01-0-0: 2013-05" in said
    assert "row-2013-03-0-298" in pages(place)["index.html"]


@pytest.mark.slow
def test_a_new_version_of_a_partition_may_have_its_ids(place: Project, tmp_path: Path) -> None:
    shutil.copy(place.partition("2013-02"), tmp_path / "2013-02.parquet")

    assert validate.run(place.workspace.root, [str(tmp_path / "2013-02.parquet")], names=False) == DONE


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "problem", "fix"),
    [
        ("nothing.parquet", r"nothing\.parquet: found nothing there, expected a partition", "name a file"),
        ("empty", r"empty: found no Parquet file there, expected a partition", "or a folder of files"),
        (
            "text.parquet",
            r"text\.parquet: found 4 bytes that are not a whole Parquet file",
            "get it again from its source",
        ),
        ("cut.parquet", r"cut\.parquet: found [\d,]+ bytes that are not a whole Parquet file", "get it again"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_remedy(place: Project, name: str, problem: str, fix: str) -> None:
    root = place.workspace.root
    (root / "empty").mkdir()
    (root / "text.parquet").write_text("a,b\n")
    (root / "cut.parquet").write_bytes(place.partition().read_bytes()[:5000])
    validate.run(root, [str(place.partition())], names=False)
    before = pages(place)

    with pytest.raises(UserError, match=problem) as raised:
        validate.run(root, [str(place.partition()), name], names=False)

    assert fix in raised.value.fix
    assert pages(place) == before


@pytest.mark.slow
def test_a_file_that_may_not_be_read_is_named_and_the_exit_code_is_2(place: Project) -> None:
    place.partition().chmod(0)
    rights = "-dac_override,-dac_read_search"  # with which the superuser reads every file
    as_others = ["setpriv", "--bounding-set", rights, "--inh-caps", rights] if os.geteuid() == 0 else []

    done = validate_here(*as_others)

    assert done.returncode == 2
    assert (
        done.stderr
        == "error: data/flights/2013-04.parquet: not readable.\n  fix: chmod u+r data/flights/2013-04.parquet\n"
    )


def test_a_partition_that_is_no_month_is_a_mistake_where_partitions_are_months(place: Project) -> None:
    place.change(lambda content: content.update(contract={"partition": "month"}))
    place.partition().rename(place.partition("april"))

    with pytest.raises(UserError, match=r"found the name 'april\.parquet', expected a month such as 2013-09\.parquet"):
        validate.run(place.workspace.root, [], names=False)


def test_the_names_of_what_is_promised_can_be_listed(place: Project, caplog: pytest.LogCaptureFixture) -> None:
    assert validate.run(place.workspace.root, [], names=True) == DONE

    assert re.search(
        r"^range\.humidity +error +finite numbers from 0 to 100 %$", "\n".join(caplog.messages), re.MULTILINE
    )
    assert not place.workspace.data_docs.exists()


def test_the_pages_load_nothing_and_take_no_value_for_markup(place: Project) -> None:
    spoil(place.partition(), carrier="<script>alert(1)</script>")

    validate.run(place.workspace.root, [], names=False)

    text = "".join(pages(place).values())
    assert "&lt;script&gt;alert(1)" in text
    assert not re.search(r"<script|<link|<img|https?://|url\(|@import", text)


@pytest.mark.slow
def test_the_pages_are_the_same_bytes_each_time(place: Project) -> None:
    spoil(place.partition(), carrier="?", humidity=-1.0)
    validate.run(place.workspace.root, [], names=False)
    first = pages(place)

    validate.run(place.workspace.root, [], names=False)

    assert pages(place) == first


@pytest.mark.slow
def test_the_command_exits_with_1_and_says_it_on_one_screen(place: Project) -> None:
    for month in MONTHS:
        spoil(place.partition(month), carrier="?", humidity=-1.0, distance=-1.0, visibility=-1.0, origin="?")

    done = validate_here()

    assert done.returncode == 1
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) <= 40
    assert done.stdout.count("  and 3 more\n") == len(MONTHS)
    assert done.stdout.endswith("Data Docs: reports/data-docs/index.html\n")


def result(partition: str, broken: int, severity: str = "error") -> Result:
    one = Broken("range.x", severity, "from 0 to 1", "2 of 3 rows", 2, 0.67, ({"id": "a", "x": 3.0},))  # type: ignore[arg-type]
    return Result(partition, 3, judged=9, not_judged=(), broken=(one,) * broken)


def test_a_hundred_broken_partitions_fit_on_a_screen() -> None:
    lines = list(validation.told([result(str(number), broken=50) for number in range(100)], "error"))

    assert len(lines) <= 40
    assert lines[-1] == "and 91 more partitions"


def test_only_errors_refuse() -> None:
    validation.refuse([result("a", 1, "warning"), result("b", 0)])

    with pytest.raises(
        UserError, match=r"1 of 2 partitions: the contract is broken\.\nb\n  error: range\.x: found 2 of 3"
    ):
        validation.refuse([result("a", 1, "warning"), result("b", 1)])


@pytest.mark.parametrize(
    ("errors", "warnings", "said"),
    [(0, 0, "kept"), (2, 0, "2 broken"), (0, 1, "1 warning"), (1, 2, "1 broken, 2 warnings")],
)
def test_a_verdict_is_a_few_words(errors: int, warnings: int, said: str) -> None:
    broken = result("a", errors).broken + result("a", warnings, "warning").broken

    assert data_docs.verdict(Result("a", 3, 9, (), broken)) == said


def test_twins_are_found_where_they_come_again() -> None:
    parts = [
        pd.Series(names, dtype="str") for names in (["a", "b", "b", "c"], [], ["d", None, "b", "e"], ["a", None, "e"])
    ]

    found = twins.find(parts)

    assert found.tolist() == [(2, 2), (3, 0), (3, 2)]


def test_twins_are_those_that_a_set_would_find() -> None:
    random = np.random.default_rng(7)
    parts = [pd.Series(random.integers(0, 3_000, 500)).drop_duplicates(ignore_index=True) for _ in range(12)]
    seen: set[int] = set()
    expected = []
    for number, ids in enumerate(parts):
        expected += [(number, row) for row, name in enumerate(ids) if name in seen]
        seen |= set(ids)

    assert twins.find(parts).tolist() == expected
