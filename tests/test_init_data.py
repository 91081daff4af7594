"""`init-data`: the whole of it, or nothing."""

import io
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import ugly
from conftest import ROOT, run
from holdfast import files, moving_in
from holdfast.commands import ingest, init_data
from holdfast.errors import RefusedError, UserError
from holdfast.files import Workspace

DESCRIBING = ("params.yaml", "dvc.yaml", "data.dvc", ".gitignore")


@pytest.fixture
def repository(tmp_path: Path) -> Workspace:
    """A repository whose data is one small partition that DVC knows."""
    root = tmp_path / "repository"
    root.mkdir()
    for name in ("params.yaml", "dvc.yaml", ".gitignore", ".dvcignore"):
        shutil.copy(ROOT / name, root)
    run("git init --quiet --initial-branch main", root)
    run("dvc init --quiet", root)
    run("dvc config core.analytics false", root)
    (root / "data").mkdir()
    files.write(root / "data" / "old.parquet", pd.DataFrame({"x": [1.5]}))
    run("dvc add --quiet data", root)
    return Workspace(root)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return ugly.fifty_rows(tmp_path / "table.csv")


def state(workspace: Workspace) -> dict[str, bytes]:
    """Return every file that a person cares for, with its bytes."""
    below = [path for path in workspace.data.rglob("*") if path.is_file()] if workspace.data.exists() else []
    named = [workspace.root / name for name in DESCRIBING if (workspace.root / name).exists()]
    return {workspace.name(path): path.read_bytes() for path in sorted([*below, *named])}


def write(workspace: Workspace, table: Path) -> int:
    return init_data.run(workspace.root, [str(table)], None, None, yes=True)


@pytest.mark.slow
def test_a_table_takes_the_place_of_the_data_and_another_of_it(
    repository: Workspace, table: Path, tmp_path: Path
) -> None:
    assert write(repository, table) == 0
    first = state(repository)
    assert sorted(first) == [".gitignore", "data.dvc", "data/table.parquet", "dvc.yaml", "params.yaml"]
    assert run("dvc status", repository.root).count("data.dvc") == 0

    assert write(repository, ugly.byte_order_mark(tmp_path / "other.csv")) == 0
    assert "data/other.parquet" in state(repository)
    assert "data/table.parquet" not in state(repository)

    assert write(repository, table) == 0
    assert {name: content for name, content in state(repository).items() if name != "params.yaml"} == {
        name: content for name, content in first.items() if name != "params.yaml"
    }


@pytest.mark.slow
def test_what_leaves_data_comes_back_with_a_checkout(repository: Workspace, table: Path) -> None:
    before = state(repository)
    run("git add --all", repository.root)
    run("git commit --quiet --message first", repository.root)

    write(repository, table)
    run("git checkout --quiet -- .", repository.root)
    run("dvc checkout --quiet data.dvc", repository.root)

    assert state(repository) == before


@pytest.mark.slow
def test_changes_that_dvc_does_not_know_are_never_thrown_away(repository: Workspace, table: Path) -> None:
    files.write(repository.data / "new.parquet", pd.DataFrame({"x": [2.5]}))
    before = state(repository)

    with pytest.raises(UserError, match="data/: found changes that are in no version of DVC"):
        write(repository, table)

    assert state(repository) == before


def test_data_that_dvc_does_not_know_at_all_is_never_thrown_away(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.data.mkdir()
    files.write(workspace.data / "mine.parquet", pd.DataFrame({"x": [1.5]}))

    with pytest.raises(UserError, match=r"found files that DVC does not know, as there is no data\.dvc"):
        moving_in.check(workspace)


def test_where_data_is_not_there_nothing_can_be_lost(tmp_path: Path) -> None:
    moving_in.check(Workspace(tmp_path))


def plain_workspace(tmp_path: Path) -> Workspace:
    """A folder in which `dvc add` fails, as there is no repository."""
    workspace = Workspace(tmp_path / "folder")
    (workspace.data / "below").mkdir(parents=True)
    files.write(workspace.data / "below" / "old.parquet", pd.DataFrame({"x": [1.5]}))
    for name in ("params.yaml", "dvc.yaml", "data.dvc"):
        (workspace.root / name).write_text(f"{name} before\n")
    return workspace


def partitions(rows: int = 3) -> list[tuple[str, pd.DataFrame]]:
    return [("new/one.parquet", pd.DataFrame({"x": [0.5] * rows}))]


@pytest.mark.slow
def test_where_dvc_fails_all_is_as_it_was(tmp_path: Path) -> None:
    workspace = plain_workspace(tmp_path)
    before = state(workspace)

    with pytest.raises(UserError, match="dvc add"):
        moving_in.move_in(workspace, {workspace.params: "after\n"}, partitions())

    assert state(workspace) == before
    assert not (workspace.root / ".holdfast" / moving_in.WAITING).exists()


def test_an_interrupted_move_leaves_all_as_it_was(tmp_path: Path) -> None:
    workspace = plain_workspace(tmp_path)
    before = state(workspace)

    def stopped() -> object:
        yield from partitions()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        moving_in.move_in(workspace, {}, stopped())  # type: ignore[arg-type]

    assert state(workspace) == before
    assert not (workspace.root / ".data.partial").exists()


def moved(workspace: Workspace, waiting: Path) -> None:
    workspace.data.rename(waiting / "data")


def replaced(workspace: Workspace, waiting: Path) -> None:
    moved(workspace, waiting)
    workspace.data.mkdir()
    files.write(workspace.data / "new.parquet", pd.DataFrame({"x": [2.5]}))
    workspace.params.write_text("after\n")
    (workspace.root / "data.dvc").unlink()


@pytest.mark.parametrize("killed_after", [lambda *_: None, moved, replaced], ids=["copied", "moved", "replaced"])
def test_after_a_kill_the_next_attempt_brings_everything_back_first(
    tmp_path: Path, killed_after: Callable[[Workspace, Path], None]
) -> None:
    workspace = plain_workspace(tmp_path)
    before = state(workspace)
    waiting = workspace.root / ".holdfast" / moving_in.WAITING
    waiting.mkdir(parents=True)
    for name in moving_in.DESCRIBING:
        shutil.copy(workspace.root / name, waiting)
    killed_after(workspace, waiting)

    moving_in.recover(workspace)

    assert state(workspace) == before
    assert not waiting.exists()


@pytest.fixture
def empty_repository(tmp_path: Path) -> Workspace:
    """A checkout before `dvc pull`: what describes the data is there, the data is not."""
    root = tmp_path / "checkout"
    root.mkdir()
    for name in ("params.yaml", "dvc.yaml", "data.dvc"):
        shutil.copy(ROOT / name, root)
    return Workspace(root)


def test_where_nobody_can_be_asked_the_changes_are_shown_and_nothing_is_written(
    empty_repository: Workspace, table: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    before = state(empty_repository)
    caplog.set_level("INFO", logger="holdfast")

    monkeypatch.setattr("sys.stdin", io.StringIO())

    with pytest.raises(RefusedError, match="nobody is there to say yes") as refused:
        init_data.run(empty_repository.root, [str(table)], None, None, yes=False)

    assert refused.value.fix == "run it again with --yes"
    assert state(empty_repository) == before
    for line in ("--- a/params.yaml", "+  id: id", "+data/table.parquet (50 rows)"):
        assert line in caplog.text


def test_a_person_who_says_no_gets_nothing_written(
    empty_repository: Workspace, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state(empty_repository)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: "n")

    assert init_data.run(empty_repository.root, [str(table)], None, None, yes=False) == 1
    assert state(empty_repository) == before


def test_ingest_says_that_it_is_for_the_example_only(empty_repository: Workspace) -> None:
    content = empty_repository.params.read_text().replace("  id: flight_id", "  id: number", 1)
    empty_repository.params.write_text(content.replace('    flight_id: "', '    number: "', 1))

    with pytest.raises(UserError, match="it makes rows of the example's flights, and params.yaml describes other data"):
        ingest.run(empty_repository.root, "next", replace=False)
