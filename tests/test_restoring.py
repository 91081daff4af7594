"""A registered version comes back from its commit and its data alone, to the recorded hash, or says what is missing."""

import hashlib
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from conftest import ROOT, MakeRepository, MakeRows, run
from holdfast import files, restoring
from holdfast.errors import RefusedError, UserError
from holdfast.registry import Version
from holdfast.restoring import Restored

DATA = "0123456789012345678901234567890a.dir"


HOLDFAST = f"{sys.executable} -m holdfast"


def published(root: Path, number: int) -> Version:
    """What the registry records of the commit that is checked out."""
    bundle = root / "artifacts" / "evaluate" / "bundle" / "model.json"
    return Version(
        name="flights",
        number=number,
        run="",
        commit=run("git rev-parse HEAD", root).strip(),
        data=yaml.safe_load((root / "data.dvc").read_text())["outs"][0]["md5"],
        sha256=hashlib.sha256(bundle.read_bytes()).hexdigest(),
        files="",
        tags={},
        aliases=(),
        created=0,
    )


def train(**values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda content: content["train"]["gradient_boosting"].update(values)


class History(NamedTuple):
    root: Path
    versions: list[Version]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory, make_repository: MakeRepository, make_rows: MakeRows) -> History:
    """Five published commits: parameters, data, a correction of data and code are others each time."""
    root = tmp_path_factory.mktemp("origin") / "flights"
    root.mkdir()
    project = make_repository(root)

    def commit(message: str) -> None:
        for line in ("dvc repro --quiet", "git add --all", f"git commit --quiet --message {message}"):
            run(line, root)
        found.append(published(root, len(found) + 1))

    found = [published(root, 1)]
    project.change(train(learning_rate=[0.3]))
    commit("parameters")
    files.write(project.partition("2013-05"), make_rows(project.params.data, "2013-05"))
    run("dvc add --quiet data", root)
    run("dvc push --quiet data.dvc", root)
    commit("data")
    (code,) = root.glob("src/holdfast/model.py")
    code.write_text(code.read_text().replace('"format": FORMAT', '"note": "other code", "format": FORMAT'))
    commit("code")
    files.write(project.partition("2013-01"), make_rows(project.params.data, "2013-01", 250, 7))
    run("dvc add --quiet data", root)
    run("dvc push --quiet data.dvc", root)
    project.change(lambda content: content["train"].update(estimator="logistic"))
    commit("correction")
    return History(root, found)


@pytest.fixture
def root(history: History, tmp_path: Path) -> Path:
    return Path(shutil.copytree(history.root, tmp_path / "flights", symlinks=True))


def lose_all_but_what_git_and_the_remote_hold(root: Path) -> None:
    """Leave no model that could be taken for one made again."""
    shutil.rmtree(root / ".dvc" / "cache")
    shutil.rmtree(root / "artifacts")
    shutil.rmtree(root / "data")
    run("git checkout --quiet -- artifacts", root)


@pytest.mark.slow
@pytest.mark.timeout(1_200)  # every stage of five commits, twice
def test_each_version_of_a_history_of_five_comes_back_to_its_hash(history: History, root: Path) -> None:
    assert len({version.sha256 for version in history.versions}) == 5
    run(f"{HOLDFAST} publish", root)
    lose_all_but_what_git_and_the_remote_hold(root)

    said = run(f"{HOLDFAST} restore challenger", root)  # the newest, by the command; the others by what it calls

    assert said.endswith(f"has the recorded hash: {history.versions[-1].sha256}\n")
    for version in history.versions[:-1]:
        found = restoring.restore(root, version, root.parent / f"of-{version.number}")

        assert (found.sha256, found.differing) == (version.sha256, ())
        assert run("git rev-parse HEAD", found.folder).strip() == version.commit
        assert run("git status --porcelain", found.folder) == ""
        assert run("dvc status", found.folder).strip() == "Data and pipelines are up to date."
        assert run("git status --porcelain", root) == ""
    assert "found it in use" in run(f"{HOLDFAST} restore 1", root, expected=2)


@pytest.mark.slow
def test_a_model_that_is_another_each_time_is_told(history: History, root: Path) -> None:
    path = root / "src" / "holdfast" / "model.py"
    path.write_text(path.read_text().replace('"format": FORMAT', '"x": id([]), "format": FORMAT'))
    for line in ("dvc repro --quiet", "git commit --quiet --all --message planted", f"{HOLDFAST} publish"):
        run(line, root)

    said = run(f"{HOLDFAST} restore challenger", root, expected=1)

    assert "artifacts/train/model/model.json" in said
    assert f"recorded is {published(root, 6).sha256}" in said
    assert (root.parent / "flights-version-1" / "artifacts" / "train" / "model" / "model.json").exists()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository with one commit, whose data is nowhere to be had."""
    root = tmp_path / "flights"
    (root / ".dvc").mkdir(parents=True)
    shutil.copy(ROOT / ".dvc" / "config", root / ".dvc")
    (root / "dvc-remote").mkdir()
    (root / "data.dvc").write_text(f"outs:\n- md5: {DATA}\n  hash: md5\n  path: data\n")
    for line in ("git init --quiet", "git add --all", "git commit --quiet --message first"):
        run(line, root)
    return root


def version_of(tree: Path, **changes: Any) -> Version:
    made = Version("flights", 7, "", run("git rev-parse HEAD", tree).strip(), DATA, "0" * 64, "", {}, (), 0)
    return made._replace(**changes)


def test_a_folder_in_use_is_left_alone(tree: Path) -> None:
    used = tree.parent / "flights-version-7"
    used.mkdir()
    (used / "mine.txt").write_text("mine")

    with pytest.raises(UserError, match="flights-version-7: found it in use") as refused:
        restoring.restore(tree, version_of(tree))

    assert refused.value.fix == f"name another with --into, or remove it: git worktree remove --force {used}"
    assert [path.name for path in used.iterdir()] == ["mine.txt"]


HERE = sys.version.split()[0]


@pytest.mark.parametrize(
    ("tags", "said", "fix"),
    [
        ({"holdfast.python": "3.99.1"}, f"Python 3.99.1 (here {HERE}), packages not known.", "with Python 3.99.1: PYTHON=python3.99"),
        ({"holdfast.python": HERE, "holdfast.packages": "f" * 64}, f"{HERE}), packages ffffffffffff.", "`pip freeze`"),
        ({"holdfast.dirty": "true"}, "had changes that were not committed.", "commit it, and publish that commit"),
        ({}, f"Python not known (here {HERE})", "`pip freeze`"),
    ],
)  # fmt: skip
def test_another_model_is_refused_with_what_may_have_made_it_another(tags: dict[str, str], said: str, fix: str) -> None:
    version = Version("flights", 7, "", "c" * 40, DATA, "0" * 64, "", tags, (), 0)

    with pytest.raises(RefusedError, match=f"found {'1' * 64}, recorded is {'0' * 64}") as refused:
        restoring.require_the_same(version, Restored(Path("x"), "1" * 64, ()))

    assert said in refused.value.problem
    assert fix in refused.value.fix
    restoring.require_the_same(version, Restored(Path("x"), "0" * 64, ()))


def test_a_commit_that_is_not_here_is_to_be_fetched(tree: Path) -> None:
    with pytest.raises(UserError, match="version 7: its commit 123456789012 is not in this clone") as refused:
        restoring.restore(tree, version_of(tree, commit="1234567890" * 4))

    assert "git fetch" in refused.value.fix


def test_data_that_is_nowhere_is_told_before_anything_is_checked_out(tree: Path) -> None:
    with pytest.raises(UserError, match=f"object {DATA} is in neither DVC's cache nor the remote") as refused:
        restoring.restore(tree, version_of(tree))

    assert "dvc push" in refused.value.fix
    assert [path.name for path in tree.parent.iterdir()] == ["flights"]


def test_a_version_of_data_that_was_never_committed_cannot_come_back(tree: Path) -> None:
    with pytest.raises(UserError, match="version 7: made from data abcdef, but its commit has 012345678901"):
        restoring.restore(tree, version_of(tree, data="abcdef"))


def test_what_fails_on_the_way_leaves_nothing_behind(tree: Path) -> None:
    listed = json.dumps([{"relpath": "one.parquet", "md5": hashlib.md5(b"").hexdigest()}]).encode()
    md5 = hashlib.md5(listed).hexdigest()
    for name, content in ((f"{md5}.dir", listed), (hashlib.md5(b"").hexdigest(), b"")):
        path = tree / ".dvc" / "cache" / "files" / "md5" / name[:2] / name[2:]
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
    (tree / "data.dvc").write_text(f"outs:\n- md5: {md5}.dir\n  path: data\n")
    (tree / "dvc.lock").write_text("stages: {}\n")
    run("git add data.dvc dvc.lock", tree)
    run("git commit --quiet --message second", tree)

    with pytest.raises(UserError, match="has no requirements-work.txt"):
        restoring.restore(tree, version_of(tree, data=f"{md5}.dir"))

    assert [path.name for path in tree.parent.iterdir()] == ["flights"]
    assert len(run("git worktree list", tree).splitlines()) == 1
