"""The last word of a pull request: promote, or no exit code of success."""

from pathlib import Path

import pytest

from conftest import run
from holdfast import commits, files, provenance, report
from holdfast.commands import gate
from holdfast.comparison import Comparison, Gate, impossible
from holdfast.errors import DONE, REFUSED, UserError
from holdfast.files import Workspace
from holdfast.report import Report


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with two commits and a dvc.lock, and no report yet."""
    run("git init --quiet --initial-branch main", tmp_path)
    (tmp_path / "dvc.lock").write_text("stages: {}\n")
    (tmp_path / "params.yaml").write_text("seed: 1\n")
    for command in ("git add --all", "git commit --quiet --message one", "git commit --quiet --allow-empty -m two"):
        run(command, tmp_path)
    return tmp_path


def write(root: Path, comparison: Comparison) -> None:
    """Write the report of this state of the tree, against the commit before it."""
    side = provenance.side(root, None, "this branch")
    before = commits.of_change(root)
    assert before is not None
    champion = provenance.side(root, before, "base")
    path = Workspace(root).comparison / "report.json"
    path.parent.mkdir(parents=True)
    files.write_json(path, report.as_json(Report(champion, side, comparison)))


@pytest.mark.parametrize(
    ("gates", "code"),
    [
        ((Gate("G1", passed=True, text="above"), Gate("G2", passed=True, text="not worse")), DONE),
        ((Gate("G1", passed=True, text="above"), Gate("G2", passed=False, text="worse")), REFUSED),
        ((Gate("G1", passed=None, text="not defined"), Gate("G2", passed=True, text="not worse")), REFUSED),
        (impossible("no model").gates, REFUSED),
        ((), REFUSED),
    ],
    ids=["all-passed", "one-refused", "one-unknown", "impossible", "none-asked"],
)
def test_only_the_verdict_to_promote_passes(root: Path, gates: tuple[Gate, ...], code: int) -> None:
    write(root, Comparison(gates))

    assert gate.run(root, None) == code


def test_the_gate_names_what_refused(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="holdfast")
    write(root, Comparison((Gate("G1", passed=True, text="above"), Gate("G2", passed=False, text="ROC AUC is worse"))))

    gate.run(root, None)

    assert caplog.messages == ["G2 not worse: ROC AUC is worse", "verdict: keep, against base"]


def test_without_a_report_nothing_passes(root: Path) -> None:
    with pytest.raises(UserError, match=r"report.json: not found: nothing was judged") as raised:
        gate.run(root, None)

    assert raised.value.fix == "python -m holdfast report"
    with pytest.raises(UserError, match="nothing was judged") as named:
        gate.run(root, "HEAD~1")
    assert named.value.fix == "python -m holdfast report --base HEAD~1"


@pytest.mark.parametrize("what", ["lock", "params", "commit"])
def test_a_report_on_another_state_does_not_count(root: Path, what: str) -> None:
    write(root, Comparison((Gate("G1", passed=True, text="above"),)))
    if what == "lock":
        (root / "dvc.lock").write_text("stages: {train: {}}\n")
    elif what == "params":
        (root / "params.yaml").write_text("seed: 2\n")
    else:
        run("git commit --quiet --allow-empty --message another", root)

    with pytest.raises(UserError, match="it judged another commit, dvc.lock or params.yaml than those here"):
        gate.run(root, None)


def test_a_damaged_report_does_not_count(root: Path) -> None:
    path = Workspace(root).comparison / "report.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"verdict": "promote"}')

    with pytest.raises(UserError, match="report.json: not the file that was written"):
        gate.run(root, None)


def test_a_report_against_another_champion_does_not_count(root: Path) -> None:
    write(root, Comparison((Gate("G1", passed=True, text="above"),)))
    assert gate.run(root, "HEAD~1") == DONE

    with pytest.raises(UserError, match=r"it judged against base, expected HEAD \(") as raised:
        gate.run(root, "HEAD")

    assert raised.value.fix == "python -m holdfast report --base HEAD"
