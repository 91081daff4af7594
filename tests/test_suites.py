"""What guards the tests themselves: nothing is left out in silence, and coverage does not sink."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from conftest import ROOT, made

TESTS = ROOT / "tests"
SUITES = sorted({path.parent.name for path in TESTS.glob("*/test_*.py")})


def run_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pytest here, with coverage data of its own if it measures any."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("COV_", "COVERAGE_", "PYTEST_"))
    }
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=ROOT, env={**environment, "COVERAGE_FILE": str(folder / ".coverage")}, text=True, capture_output=True,
    )  # fmt: skip


def test_what_judges_artifacts_is_skipped_where_there_are_none_but_never_in_ci(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="train/model is not there yet: `make repro` makes it"):
        made(tmp_path / "train" / "model")

    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="train/model is not there yet: `make repro` makes it"):
        made(tmp_path / "train" / "model")


@pytest.mark.slow
@pytest.mark.parametrize("suite", SUITES)
def test_each_suite_can_be_run_alone(suite: str, tmp_path: Path) -> None:
    done = run_pytest(tmp_path, "--collect-only", f"tests/{suite}")

    assert done.returncode == 0, done.stdout
    assert f"tests/{suite}/test_" in done.stdout


def test_ci_runs_everything_and_says_that_it_is_ci() -> None:
    lines = (ROOT / ".ci" / "run").read_text().splitlines()

    assert [line.partition("  #")[0] for line in lines if line.startswith(("export", "make"))] == [
        "export CI=true", "make repro", "make test",
    ]  # fmt: skip


def test_make_test_runs_all_tests_and_measures_the_quick_ones_against_the_floor() -> None:
    done = subprocess.run(["make", "--dry-run", "test"], cwd=ROOT, text=True, capture_output=True, check=True)

    quick, slow = (shlex.split(line) for line in done.stdout.splitlines() if line.startswith("pytest"))

    assert [command[command.index("-m") + 1] for command in (quick, slow)] == ["not slow", "slow"]
    assert "--cov" in quick
    assert not {"--no-cov", "--cov-fail-under"} & set(quick)  # the floor is that of pyproject.toml
    assert not {"-k", "--deselect", "--ignore"} & {*quick, *slow}


def test_the_floor_holds_for_all_of_the_code() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["coverage"]

    assert 90 < settings["report"]["fail_under"] <= 100
    assert settings["run"]["source"] == ["src/holdfast", "app"]
    assert not {"omit", "include", "exclude_lines", "exclude_also"} & {*settings["run"], *settings["report"]}


@pytest.mark.slow
def test_coverage_below_the_floor_fails_although_every_test_passes(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, "tests/test_schema.py", "--cov")

    assert done.returncode == 1
    assert re.search(r"FAIL Required test coverage of \d\d\.\d+% not reached\. Total coverage: \d+\.\d+%", done.stdout)
    assert "failed" not in done.stdout
