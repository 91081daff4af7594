"""What a tree is a change of, and what is another in it."""

import shutil
from pathlib import Path

import pytest
import yaml

from conftest import Project, run
from holdfast import commits, contenders, provenance
from holdfast.contenders import UnscorableError
from holdfast.errors import UserError
from holdfast.report import Change, Stage

LOCK = {
    "stages": {
        "train": {
            "cmd": "python train",
            "deps": [{"path": "src/model.py", "md5": "1"}, {"path": "data", "md5": "2.dir"}],
            "params": {"params.yaml": {"train": {"rate": 0.1}}},
            "outs": [{"path": "artifacts/train/model", "md5": "3.dir"}],
        }
    }
}


def commit(root: Path, message: str = "change") -> str:
    run("git add --all", root)
    run(f"git commit --quiet --allow-empty --message {message}", root)
    return run("git rev-parse HEAD", root).strip()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with one commit."""
    run("git init --quiet --initial-branch main", tmp_path)
    (tmp_path / "dvc.lock").write_text(yaml.safe_dump(LOCK))
    (tmp_path / "data.dvc").write_text("outs:\n- md5: 2.dir\n")
    (tmp_path / "params.yaml").write_text("train: {rate: 0.1}\nevaluate: {slices: [{column: carrier}]}\n")
    (tmp_path / "requirements-work.txt").write_text(
        "dvc[s3]==3.1 \\\n    --hash=sha256:0\nnumpy==2.4 ; python_version > '3'\n"
    )
    commit(tmp_path, "first")
    return tmp_path


def base(root: Path) -> str | None:
    found = commits.of_change(root)
    return found.hash if found else None


def head(root: Path) -> commits.Commit:
    return commits.find(root, "HEAD")


def test_the_first_commit_is_a_change_of_nothing(root: Path) -> None:
    assert base(root) is None


def test_a_commit_on_main_is_a_change_of_the_one_before(root: Path) -> None:
    first = commits.find(root, "HEAD").hash
    commit(root)

    assert base(root) == first


def test_what_is_not_committed_on_main_is_a_change_of_the_last_commit(root: Path) -> None:
    last = commit(root)
    (root / "params.yaml").write_text("train: {rate: 0.2}\n")

    assert base(root) == last


def test_a_branch_is_held_against_main_as_it_is_now_whatever_its_own_history(root: Path) -> None:
    run("git checkout --quiet -b branch", root)
    commit(root)
    commit(root)
    run("git checkout --quiet main", root)
    main = commit(root)
    run("git checkout --quiet branch", root)

    assert base(root) == main


def test_a_merge_into_main_is_a_change_of_its_first_parent(root: Path) -> None:
    run("git checkout --quiet -b branch", root)
    (root / "README.md").write_text("words")
    commit(root)
    run("git checkout --quiet main", root)
    main = commit(root)
    run("git checkout --quiet --detach main", root)
    run("git merge --quiet --no-ff --no-edit branch", root)

    assert base(root) == main


def test_a_branch_that_has_merged_main_is_held_against_main(root: Path) -> None:
    run("git checkout --quiet -b branch", root)
    (root / "README.md").write_text("words")
    commit(root)
    run("git checkout --quiet main", root)
    main = commit(root)
    run("git checkout --quiet branch", root)
    run("git merge --quiet --no-edit main", root)

    assert base(root) == main


def test_a_clone_without_a_main_of_its_own_takes_the_remote_one(root: Path, tmp_path: Path) -> None:
    main = commit(root)
    clone = tmp_path / "clone"
    run(f"git clone --quiet {root} {clone}", root)
    run("git checkout --quiet -b branch", clone)
    run("git branch --quiet -D main", clone)
    commit(clone)

    assert base(clone) == main


def test_nothing_is_another_in_a_clean_tree(root: Path) -> None:
    assert provenance.changed_params(root, head(root)) == ()
    assert provenance.changed_packages(root, head(root)) == ()
    assert provenance.changed_stages(root, head(root)) == (Stage("train", ()),)
    assert provenance.notes(root, head(root)) == ()


def test_a_side_is_known_by_its_hashes(root: Path) -> None:
    side = provenance.side(root, head(root), "base")

    assert (side.data, side.model) == ("2.dir", "3.dir")
    assert side == provenance.side(root, None, "base")
    (root / "dvc.lock").unlink()
    assert provenance.side(root, None, "base").model == ""


def test_what_is_another_is_named_by_its_path(root: Path) -> None:
    first = head(root)
    (root / "params.yaml").write_text("train: {rate: 0.2, kind: tree}\nevaluate: {slices: [{column: carrier}]}\n")
    (root / "requirements-work.txt").write_text("dvc==3.2\npandas==3.1\n")

    assert provenance.changed_params(root, first) == (
        Change("train.kind", None, "tree"),
        Change("train.rate", "0.1", "0.2"),
    )
    assert provenance.changed_packages(root, first) == (
        Change("dvc", "3.1", "3.2"),
        Change("numpy", "2.4", None),
        Change("pandas", None, "3.1"),
    )


def test_a_stage_says_what_made_its_result_another(root: Path) -> None:
    first = head(root)
    lock = yaml.safe_load((root / "dvc.lock").read_text())
    train = lock["stages"]["train"]
    train["cmd"] = "python -O train"
    train["deps"][0]["md5"] = "9"
    train["params"]["params.yaml"]["train"]["rate"] = 0.2
    lock["stages"]["evaluate"] = {"cmd": "python evaluate"}
    (root / "dvc.lock").write_text(yaml.safe_dump(lock))

    stages = {stage.name: stage.because for stage in provenance.changed_stages(root, first)}

    assert stages == {"train": ("its command", "src/model.py", "train.rate"), "evaluate": ("is new",)}


@pytest.mark.parametrize("how", ["changed", "not-tracked"])
def test_a_lock_that_is_not_the_committed_one_is_noted(root: Path, how: str) -> None:
    first = head(root)
    if how == "changed":
        commit(root)
        (root / "dvc.lock").write_text("stages: {}\n")
    else:
        run("git rm --quiet --cached dvc.lock", root)
        run("git commit --quiet --message gone", root)

    assert provenance.notes(root, first)[0].startswith("dvc.lock is not the one that was committed: run `dvc repro`")


def test_what_is_judged_against_the_last_commit_need_not_be_committed(root: Path) -> None:
    (root / "dvc.lock").write_text("stages: {}\n")

    assert provenance.notes(root, head(root)) == ()


@pytest.mark.parametrize(
    ("params", "note"),
    [
        ("gates: {resamples: 2000}", "The gates themselves are changed: this is judged by the new ones."),
        ("evaluate: {slices: []}", "What is asked of a model is changed: evaluate.slices."),
        (
            "ingest: {late_minutes: 60}\nevaluate: {slices: [{column: carrier}]}",
            "What is asked of a model is changed: ingest.late_minutes.",
        ),
        ("seed: 7\nevaluate: {slices: [{column: carrier}]}", "What is asked of a model is changed: seed."),
    ],
)
def test_a_change_of_what_is_asked_is_noted(root: Path, params: str, note: str) -> None:
    first = head(root)
    (root / "params.yaml").write_text(params)
    commit(root)

    assert note in provenance.notes(root, first)


def test_the_slices_of_a_commit_are_read_and_what_is_broken_declares_none(root: Path) -> None:
    assert [one.column for one in provenance.slices(root, head(root))] == ["carrier"]
    (root / "params.yaml").write_text("evaluate: [")
    commit(root)
    assert provenance.slices(root, head(root)) == ()


@pytest.mark.parametrize("lock", ["", "[]", "<<<<<<< HEAD\nstages:\n=======\n", "stages: {train: {}}"])
def test_a_commit_whose_lock_records_no_model_has_none(root: Path, lock: str) -> None:
    assert contenders.recorded_model(root, head(root)) == "3.dir"
    (root / "dvc.lock").write_text(lock)
    commit(root)

    with pytest.raises(UnscorableError, match="has no model: its dvc.lock records none"):
        contenders.recorded_model(root, head(root))


def test_a_hook_that_fails_does_not_keep_a_commit_from_being_checked_out(root: Path, tmp_path: Path) -> None:
    hook = root / ".git" / "hooks" / "post-checkout"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)

    with commits.worktree(root, head(root), tmp_path / "tree") as tree:
        assert (tree / "params.yaml").read_text() == (root / "params.yaml").read_text()

    assert len(run("git worktree list", root).splitlines()) == 1


def test_a_worktree_that_was_killed_is_forgotten_at_the_next(root: Path, tmp_path: Path) -> None:
    run(f"git worktree add --quiet --detach {tmp_path / 'killed'}", root)
    shutil.rmtree(tmp_path / "killed")

    with commits.worktree(root, head(root), tmp_path / "tree"):
        pass

    assert len(run("git worktree list", root).splitlines()) == 1


def test_a_folder_that_is_taken_is_said(root: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").touch()

    with (
        pytest.raises(UserError, match="not checked out: fatal:.*already exists"),
        commits.worktree(root, head(root), tmp_path / "taken"),
    ):
        raise AssertionError


def test_a_project_in_a_folder_of_its_repository_is_found_in_the_worktree(root: Path, tmp_path: Path) -> None:
    (root / "below").mkdir()
    (root / "below" / "params.yaml").write_text("seed: 1")
    commit(root)

    with commits.worktree(root / "below", head(root), tmp_path / "tree") as tree:
        assert (tree / "params.yaml").read_text() == "seed: 1"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Traceback\nholdfast.errors.UserError: error: no x.\n  fix: add x\n", ("no x", "add x")),
        ("Traceback\nMemoryError: no room\n\n", ("MemoryError: no room", contenders.AGAIN)),
        ("", ("it said nothing", contenders.AGAIN)),
    ],
)
def test_what_a_process_said_is_taken_apart(said: str, told: tuple[str, str]) -> None:
    assert contenders.told(said) == told


def test_a_model_says_what_it_predicts(finished_project: Project, tmp_path: Path) -> None:
    found = contenders.of_folder(tmp_path, finished_project.workspace.train / "model")

    assert found.target == {
        "kind": "binary", "column": "arrival", "positive": "late", "negative": "on_time",
        "excluded": ["cancelled", "diverted"],
    }  # fmt: skip
    (tmp_path / "model.json").write_text('{"format": 9}')
    with pytest.raises(UnscorableError, match="does not say what it predicts"):
        contenders.of_folder(tmp_path, tmp_path).target  # noqa: B018
