"""Proposals and alarms: real Git and a real remote; in place of `gh`, a program that notes how it is called."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ENVIRONMENT, ROOT, run
from holdfast import proposals
from holdfast.commands import alarm, propose
from holdfast.errors import DONE, UserError

GH = """#!{python}
import os, sys
folder = os.path.dirname(__file__)
with open(os.path.join(folder, "calls"), "a") as calls:
    calls.write(" ".join(sys.argv[1:]) + "\\n")
if sys.argv[1] == os.environ.get("GH_REFUSES"):
    sys.exit("HTTP 403: Resource not accessible by integration")
if "-" in sys.argv:
    with open(os.path.join(folder, "body"), "w") as body:
        body.write(sys.stdin.read())
if sys.argv[1:3] == ["issue", "list"]:
    print(os.environ.get("OPEN_ISSUES", ""))
else:
    print("https://github.com/holdfast/holdfast/1")
"""


class Gh:
    """What `gh` was asked to do."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def calls(self) -> list[str]:
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def body(self) -> str:
        return (self.folder / "body").read_text()


@pytest.fixture
def gh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gh:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "gh").write_text(GH.format(python=sys.executable))
    (folder / "gh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return Gh(folder)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone of a bare repository, whose `data.dvc` names September, and the report on October."""
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        monkeypatch.setenv(name, ENVIRONMENT[name])
    root = tmp_path / "clone"
    run(f"git init --quiet --bare --initial-branch main {tmp_path / 'origin'}", tmp_path)
    run(f"git clone --quiet {tmp_path / 'origin'} {root}", tmp_path)
    contents = {"data.dvc": "september", "dvc.lock": "old", "artifacts/evaluate/metrics.json": "old",
                "dvc-remote/a": "a", "README.md": "read me", ".gitignore": "/data\n/reports\n"}  # fmt: skip
    write(root, contents)
    run("git switch --quiet --create main", root)
    run("git add --all", root)
    run("git commit --quiet --message first", root)
    run("git push --quiet origin main", root)
    write(root, {"data/flights/2013-09.parquet": "", "data/flights/2013-10.parquet": "",
                 "reports/comparison/report.md": "# The report\n"})  # fmt: skip
    return root


def write(root: Path, contents: dict[str, str]) -> None:
    for name, content in contents.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)


@pytest.fixture
def retrained(repository: Path) -> Path:
    write(repository, {"data.dvc": "october", "dvc.lock": "new", "artifacts/evaluate/metrics.json": "new",
                       "dvc-remote/b": "b", "tests/model/golden.csv": "new",
                       "README.md": "an edit that has nothing to do with it"})  # fmt: skip
    return repository


def branches(root: Path) -> list[str]:
    listed = run("git ls-remote --heads origin", root)
    return [line.partition("refs/heads/")[2] for line in listed.splitlines()]


def test_a_new_month_becomes_one_commit_on_main_and_a_pull_request_with_the_report(retrained: Path, gh: Gh) -> None:
    assert propose.run(retrained, start_checks=True) == DONE

    assert branches(retrained) == ["main", "retrain/2013-10"]
    assert run("git log --format=%s origin/retrain/2013-10", retrained).splitlines() == ["data: 2013-10", "first"]
    changed = run("git diff --name-only main origin/retrain/2013-10", retrained).splitlines()
    assert changed == ["artifacts/evaluate/metrics.json", "data.dvc", "dvc-remote/b", "dvc.lock",
                       "tests/model/golden.csv"]  # fmt: skip
    assert gh.calls == [
        "pr create --base main --head retrain/2013-10 --title data: 2013-10 --body-file -",
        "workflow run ci.yml --ref retrain/2013-10",
    ]
    assert gh.body == "# The report\n"


def test_checks_start_by_themselves_for_what_a_person_proposes(retrained: Path, gh: Gh) -> None:
    propose.run(retrained, start_checks=False)

    assert [call.split()[0] for call in gh.calls] == ["pr"]


def test_without_a_new_month_nothing_is_proposed(repository: Path, gh: Gh, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="holdfast")
    write(repository, {"README.md": "an edit"})

    assert propose.run(repository, start_checks=True) == DONE

    assert (branches(repository), gh.calls) == (["main"], [])
    assert caplog.messages == ["data.dvc is as committed: nothing to propose"]


def test_a_month_is_proposed_once_and_nothing_is_pushed_over_it(
    retrained: Path, gh: Gh, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="holdfast")
    run("git push --quiet origin main:retrain/2013-10", retrained)
    before = run("git ls-remote origin", retrained)

    assert propose.run(retrained, start_checks=True) == DONE

    assert (run("git ls-remote origin", retrained), gh.calls) == (before, [])
    assert "to propose it anew: git push origin --delete retrain/2013-10" in caplog.text


def test_data_that_moved_to_another_remote_is_proposed_too(retrained: Path, gh: Gh) -> None:
    run("git rm -r --quiet --cached dvc-remote", retrained)
    run("git commit --quiet --message moved", retrained)
    (retrained / "dvc-remote" / "a").unlink()
    (retrained / "dvc-remote" / "b").unlink()
    (retrained / "dvc-remote").rmdir()

    propose.run(retrained, start_checks=False)

    assert branches(retrained) == ["main", "retrain/2013-10"]


def test_a_report_that_is_longer_than_a_pull_request_is_cut_at_the_end_of_a_line(retrained: Path, gh: Gh) -> None:
    write(retrained, {"reports/comparison/report.md": "a line of the report\n" * 10_000})

    propose.run(retrained, start_checks=False)

    assert 50_000 < len(gh.body) < 65_536
    assert gh.body.endswith("a line of the report\n\nCut here: the whole report is the artifact of `ci`.\n")


def test_no_month_is_proposed_without_a_report(retrained: Path, gh: Gh) -> None:
    (retrained / "reports" / "comparison" / "report.md").unlink()

    with pytest.raises(UserError, match="reports/comparison/report.md: not found"):
        propose.run(retrained, start_checks=False)


def test_what_github_refuses_is_said(retrained: Path, gh: Gh, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GH_REFUSES", "pr")

    with pytest.raises(UserError, match="gh pr create: HTTP 403: Resource not accessible by integration"):
        propose.run(retrained, start_checks=False)


def test_a_refusal_is_said_by_the_door_although_nobody_read_the_report(
    retrained: Path, gh: Gh, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GH_REFUSES", "pr")
    write(retrained, {"params.yaml": "", "dvc.yaml": "", "reports/comparison/report.md": "é\n" * 30_000})

    done = subprocess.run([sys.executable, "-m", "holdfast", "propose"], cwd=retrained, text=True, capture_output=True)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: gh pr create: HTTP 403")


def test_without_gh_the_error_says_where_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(UserError, match="gh: not found, expected it on the path") as caught:
        alarm.run(ROOT, "https://example.org/1")

    assert "https://cli.github.com" in caught.value.fix


def test_the_first_broken_week_opens_an_issue(gh: Gh) -> None:
    assert alarm.run(ROOT, "https://example.org/1") == DONE

    assert gh.calls[-1] == f"issue create --title {proposals.BROKEN} --body-file -"
    assert "https://example.org/1" in gh.body


def test_further_broken_weeks_add_to_the_open_issue(gh: Gh, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPEN_ISSUES", "12\n34")

    alarm.run(ROOT, "https://example.org/2")

    assert gh.calls[-1] == "issue comment 12 --body-file -"
    assert "https://example.org/2" in gh.body


def test_the_alarm_needs_nothing_that_could_be_broken(gh: Gh) -> None:
    command = [sys.executable, "-S", "-m", "holdfast", "alarm", "https://example.org/3"]  # -S: nothing is installed

    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT / "src")}, text=True, capture_output=True
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert [call.split()[:2] for call in gh.calls] == [["issue", "list"], ["issue", "create"]]
