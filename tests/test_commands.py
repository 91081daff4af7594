import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from conftest import ROOT, Project
from holdfast import files
from holdfast.commands import ingest, metrics
from holdfast.errors import DONE, REFUSED, UserError


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("repository")
    shutil.copy(ROOT / "params.yaml", root)
    shutil.copy(ROOT / "dvc.yaml", root)
    assert ingest.run(root, "2013-02", replace=False) == DONE
    return root


@pytest.fixture
def repository(ingested: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(ingested, tmp_path / "repository"))


def partitions(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((root / "data").rglob("*")) if path.is_file()}


@pytest.mark.slow
def test_ingest_writes_every_month_up_to_the_one_asked_for(repository: Path) -> None:
    assert list(partitions(repository)) == ["2013-01.parquet", "2013-02.parquet"]


@pytest.mark.slow
def test_ingest_writes_the_bytes_of_the_committed_data(repository: Path) -> None:
    for name, content in partitions(repository).items():
        assert content == (ROOT / "data" / "flights" / name).read_bytes()


@pytest.mark.slow
def test_a_second_ingest_leaves_the_months_alone(repository: Path) -> None:
    before, path = partitions(repository), repository / "data" / "flights" / "2013-01.parquet"
    touched = path.stat().st_mtime_ns

    assert ingest.run(repository, "2013-02", replace=False) == DONE

    assert partitions(repository) == before
    assert path.stat().st_mtime_ns == touched


@pytest.mark.slow
def test_a_month_that_differs_is_only_replaced_on_request(repository: Path) -> None:
    before, path = partitions(repository), repository / "data" / "flights" / "2013-01.parquet"
    files.write(path, files.read(path).iloc[1:])
    changed = partitions(repository)

    with pytest.raises(UserError, match="2013-01.parquet: differs from what upstream gives now; nothing was written"):
        ingest.run(repository, "2013-03", replace=False)
    assert partitions(repository) == changed

    assert ingest.run(repository, "2013-02", replace=True) == DONE
    assert partitions(repository) == before


@pytest.mark.slow
def test_the_next_month_is_the_one_after_the_newest(repository: Path) -> None:
    assert ingest.run(repository, "next", replace=False) == DONE

    assert list(partitions(repository)) == ["2013-01.parquet", "2013-02.parquet", "2013-03.parquet"]


@pytest.mark.slow
def test_the_next_month_of_nothing_is_the_first(repository: Path) -> None:
    shutil.rmtree(repository / "data")

    assert ingest.run(repository, "next", replace=False) == DONE

    assert list(partitions(repository)) == ["2013-01.parquet"]


@pytest.mark.slow
def test_where_there_is_no_next_month_nothing_is_done(repository: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="holdfast")
    folder = repository / "data" / "flights"
    (folder / "2013-02.parquet").rename(folder / "2013-12.parquet")
    before = partitions(repository)

    assert ingest.run(repository, "next", replace=False) == DONE

    assert partitions(repository) == before
    assert caplog.messages[-1] == "2013-12 is there already, and upstream has no month after it: nothing to do"


@pytest.mark.slow
def test_a_damaged_month_can_be_replaced(repository: Path) -> None:
    before, path = partitions(repository), repository / "data" / "flights" / "2013-01.parquet"
    path.write_bytes(before["2013-01.parquet"][:1000])

    with pytest.raises(UserError, match="not a whole Parquet file"):
        ingest.run(repository, "2013-02", replace=False)
    assert ingest.run(repository, "2013-02", replace=True) == DONE

    assert partitions(repository) == before


@pytest.mark.slow
@pytest.mark.parametrize("through", ["2014-01", "2013-13", "June", ""])
def test_a_month_that_upstream_does_not_have_is_refused(repository: Path, through: str) -> None:
    with pytest.raises(UserError, match=f"--through: found '{through}', expected a month"):
        ingest.run(repository, through, replace=False)


@pytest.mark.slow
def test_a_month_that_breaks_its_contract_goes_to_quarantine_with_its_report(
    repository: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="holdfast")
    path = repository / "params.yaml"
    path.write_text(re.sub("max: 6000", "max: 4980", path.read_text()))
    before = partitions(repository)

    assert ingest.run(repository, "2013-04", replace=False) == REFUSED

    assert partitions(repository) == before
    (folder,) = (repository / "quarantine" / "flights").glob("2013-03-*")
    assert sorted(path.name for path in folder.iterdir()) == ["2013-03.parquet", "report.html", "report.json"]
    report = files.read_json(folder / "report.json", dict[str, Any])
    assert [(one["expectation"], one["rows"]) for one in report["broken"]] == [("range.distance", 31)]
    assert "range.distance" in (folder / "report.html").read_text()
    assert f"quarantine/flights/{folder.name}/2013-03.parquet: written, 28,834 rows" in caplog.messages
    assert any("HA51-JFK-20130301: 4983" in line for line in caplog.messages)


@pytest.mark.slow
def test_nothing_is_lost_in_quarantine_and_nothing_is_doubled(repository: Path) -> None:
    path = repository / "params.yaml"
    path.write_text(re.sub("max: 6000", "max: 4980", path.read_text()))
    for horizon in ("2", "2", "3"):
        path.write_text(re.sub(r"horizon_hours: \d", f"horizon_hours: {horizon}", path.read_text()))
        assert ingest.run(repository, "2013-03", replace=True) == REFUSED

    kept = list((repository / "quarantine" / "flights").glob("2013-03-*/2013-03.parquet"))
    assert len(kept) == 2
    rows = [files.read(entry) for entry in kept]
    assert all(len(part) == 28_834 for part in rows)
    assert not rows[0].equals(rows[1])


@pytest.mark.slow
def test_months_that_keep_the_contract_are_written_beside_one_that_does_not(repository: Path) -> None:
    path = repository / "params.yaml"
    path.write_text(re.sub("rows: {min: 20000, max: 40000}", "rows: {min: 20000, max: 28500}", path.read_text()))

    assert ingest.run(repository, "2013-04", replace=False) == REFUSED

    assert list(partitions(repository)) == ["2013-01.parquet", "2013-02.parquet", "2013-04.parquet"]
    assert len(list((repository / "quarantine" / "flights").glob("2013-03-*/2013-03.parquet"))) == 1


def run(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "holdfast", *arguments], cwd=cwd, text=True, capture_output=True)


def test_help_lists_the_commands_with_an_example() -> None:
    assert "ingest" in run("--help").stdout
    assert "example: python -m holdfast ingest --through 2013-10" in run("ingest", "--help").stdout


@pytest.mark.parametrize("arguments", [[], ["--next", "--through", "2013-10"]], ids=["neither", "both"])
def test_ingest_is_told_one_way_how_far_to_go(arguments: list[str]) -> None:
    done = run("ingest", *arguments)

    assert done.returncode == 2
    assert re.search("arguments --through --next is required|--through: not allowed with argument --next", done.stderr)


def test_a_mistake_gives_exit_code_2_and_no_traceback(tmp_path: Path) -> None:
    done = run("lock-check", cwd=tmp_path)

    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert "\n  fix: cd into the repository" in done.stderr


def test_commands_work_from_a_folder_below(tmp_path: Path) -> None:
    done = run("ingest", "--through", "never", cwd=ROOT / "src")

    assert (done.returncode, "expected a month such as 2013-06" in done.stderr) == (2, True)


@pytest.mark.slow
def test_a_partition_that_comes_back_holds_the_rows_that_went_in(repository: Path) -> None:
    rows = files.read(repository / "data" / "flights" / "2013-01.parquet")

    assert len(rows) == 27_004
    assert isinstance(rows["scheduled_departure"].dtype, pd.DatetimeTZDtype)


def test_metrics_say_on_which_rows_they_were_measured(project: Project, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="holdfast")

    assert metrics.run(project.workspace.root) == DONE

    lines = caplog.messages
    assert re.match(r"holdout 2013-04: 300 rows, \d\d\.\d% late \(\d\d\.\d% in training\)", lines[0])
    assert any(re.match(r"  roc_auc            0\.\d{3}$", line) for line in lines)


def test_the_figures_stand_below_each_other_whatever_they_are_called(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="holdfast")
    path = project.workspace.evaluate / "metrics.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "median_absolute_error": 0.5}))

    metrics.run(project.workspace.root)

    assert {line.rindex(" ") for line in caplog.messages[1:] if "not defined" not in line} == {23}


@pytest.mark.slow
def test_a_reader_that_stops_listening_is_no_error() -> None:
    command = f"{sys.executable} -m holdfast metrics | head -n 1"

    done = subprocess.run(["sh", "-c", command], cwd=ROOT, text=True, capture_output=True)

    assert done.stdout.startswith("holdout 20")
    assert done.stderr == ""
