"""`init-data`: the whole of it, or nothing."""

import io
import re
import shutil
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pandas as pd
import pytest

import ugly
from conftest import ROOT, run
from holdfast import drafting, explaining, files, moving_in, terminal, versions
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
    commit_all(root)
    return Workspace(root)


def commit_all(root: Path) -> None:
    run("git add --all", root)
    run("git commit --quiet --message before", root)


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


class Thoughtful(io.StringIO):
    """Somebody at a terminal who reads the question for a while, and then answers it."""

    def __init__(self, answer: str, watching: terminal.Lines) -> None:
        super().__init__(answer)
        self._watching = watching

    def isatty(self) -> bool:
        return True

    def readline(self, size: int | None = -1) -> str:  # type: ignore[override]
        time.sleep(0.02)
        self._watching.tick()
        return super().readline(-1 if size is None else size)


@pytest.mark.parametrize(("answer", "agreed"), [("y\n", True), ("Yes \n", True), ("\n", False), ("no\n", False)])
def test_a_question_is_not_written_over_and_only_yes_is_yes(
    table: Path, monkeypatch: pytest.MonkeyPatch, answer: str, *, agreed: bool
) -> None:
    workspace = Workspace(ROOT)
    draft = drafting.draft(workspace, [table], None, None)
    monkeypatch.setattr(terminal, "PATIENCE", 0.01)
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stdin", Thoughtful(answer, terminal.Lines(shown)))

    assert init_data._agreed(workspace, explaining.move(draft)) is agreed
    assert shown.getvalue() == ""


@pytest.mark.slow
def test_a_table_takes_the_place_of_the_data_and_another_of_it(
    repository: Workspace, table: Path, tmp_path: Path
) -> None:
    assert write(repository, table) == 0
    first = state(repository)
    assert sorted(first) == [".gitignore", "data.dvc", "data/table.parquet", "dvc.yaml", "params.yaml"]
    assert run("dvc status", repository.root).count("data.dvc") == 0
    assert versions.of_folder(repository.data) == versions.in_tracked(repository.root / "data.dvc")

    assert write(repository, ugly.byte_order_mark(tmp_path / "other.csv")) == 0
    assert "data/other.parquet" in state(repository)
    assert "data/table.parquet" not in state(repository)

    assert write(repository, table) == 0
    assert {name: content for name, content in state(repository).items() if name != "params.yaml"} == {
        name: content for name, content in first.items() if name != "params.yaml"
    }


@pytest.mark.slow
def test_more_rows_come_again_and_again_whatever_is_filled_in_meanwhile(
    repository: Workspace, table: Path, tmp_path: Path
) -> None:
    write(repository, table)
    unedited = repository.params.read_text()
    repository.params.write_text(unedited.replace('unit: ""  # fill in', "unit: kg", 1))

    for place in range(1, 3):
        rows = pd.read_csv(table)
        rows.assign(size=rows["size"] + place).to_csv(tmp_path / f"{place}.csv", index=False)
        more = [str(table), *(str(tmp_path / f"{n}.csv") for n in range(1, place + 1))]
        assert init_data.run(repository.root, more, None, None, yes=True, more=True) == 0

    assert len(files.read(repository.data / "table.parquet")) == 150
    with pytest.raises(UserError, match=r"^error: params\.yaml: found changes that are not committed"):
        write(repository, table)
    repository.params.write_text(unedited)
    assert write(repository, table) == 0


@pytest.mark.slow
def test_what_leaves_data_comes_back_with_a_checkout(repository: Workspace, table: Path) -> None:
    before = state(repository)

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


@pytest.mark.slow
@pytest.mark.parametrize("remedy", [0, 1], ids=["keep", "put aside"])
def test_what_is_not_committed_is_never_thrown_away_and_each_remedy_opens_the_way(
    repository: Workspace, table: Path, remedy: int
) -> None:
    write(repository, table)
    repository.params.write_text(repository.params.read_text().replace('unit: ""  # fill in', "unit: kg", 1))
    files.write(repository.data / "later.parquet", pd.DataFrame({"x": [2.5]}))
    run("dvc add --quiet data", repository.root)
    before = state(repository)

    with pytest.raises(UserError, match=r"data\.dvc, params\.yaml: found changes that are not committed") as refused:
        write(repository, table)

    assert state(repository) == before
    for command in re.findall("`(.+?)`", refused.value.fix)[remedy].split(" && "):
        run(command, repository.root)
    assert write(repository, table) == 0


@pytest.mark.slow
def test_a_move_that_was_killed_when_dvc_had_the_data_stays(repository: Workspace, table: Path) -> None:
    write(repository, table)
    after = state(repository)
    last = repository.root / ".holdfast" / moving_in.LAST
    waiting = wait(repository, files.read_json(last, dict[str, str]))
    (waiting / moving_in.DONE).touch()
    last.unlink()

    moving_in.check(repository)

    assert state(repository) == after
    assert not waiting.exists()


@pytest.fixture
def committed(tmp_path: Path) -> Workspace:
    """What describes the data, as Git has it; the data is not there."""
    run("git init --quiet --initial-branch main", tmp_path)
    for name in moving_in.DESCRIBING:
        (tmp_path / name).write_text(f"{name} before\n")
    (tmp_path / "data.dvc").write_text(tracked("1"))
    commit_all(tmp_path)
    return Workspace(tmp_path)


def tracked(digit: str) -> str:
    return f"outs:\n- md5: {digit * 32}.dir\n  path: data\n"


def test_changes_that_are_not_committed_are_refused_with_both_remedies(committed: Workspace) -> None:
    moving_in.check(committed)
    (committed.root / "dvc.yaml").write_text("mine\n")

    with pytest.raises(UserError, match=r"^error: dvc\.yaml: found changes that are not committed") as refused:
        moving_in.check(committed)

    assert "`git add dvc.yaml && git commit" in refused.value.fix
    assert "`git stash push -- dvc.yaml`" in refused.value.fix


def test_a_version_of_the_data_that_is_not_committed_is_refused(committed: Workspace) -> None:
    (committed.root / "data.dvc").write_text(tracked("2"))

    with pytest.raises(UserError, match=r"data\.dvc: found changes that are not committed") as refused:
        moving_in.check(committed)

    assert "`git stash push -- data.dvc && dvc checkout data.dvc`" in refused.value.fix


def test_what_the_last_init_data_wrote_and_nobody_edited_may_go(committed: Workspace) -> None:
    (committed.root / ".holdfast").mkdir()
    files.write_json(
        committed.root / ".holdfast" / moving_in.LAST,
        {"params.yaml": sha256(b"written\n").hexdigest(), "data.dvc": f"{'2' * 32}.dir"},
    )
    committed.params.write_text("written\n")
    (committed.root / "data.dvc").write_text(tracked("2"))

    moving_in.check(committed)

    committed.params.write_text("written, then edited\n")
    with pytest.raises(UserError, match=r"^error: params\.yaml: found changes"):
        moving_in.check(committed)


def test_only_what_will_be_written_must_be_committed(committed: Workspace) -> None:
    committed.params.write_text("owner: me\n")

    moving_in.check(committed, (versions.TRACKED,))

    (committed.root / "data.dvc").write_text(tracked("2"))
    with pytest.raises(UserError, match=r"^error: data\.dvc: found changes"):
        moving_in.check(committed, (versions.TRACKED,))


def test_what_an_init_data_wrote_may_go_even_after_more_rows_came(committed: Workspace) -> None:
    for written in ({"params.yaml": "written\n"}, {}):
        waiting = wait(committed, {name: sha256(text.encode()).hexdigest() for name, text in written.items()})
        (waiting / moving_in.DONE).touch()
        moving_in.recover(committed)
    committed.params.write_text("written\n")

    moving_in.check(committed)


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


def wait(workspace: Workspace, written: dict[str, str]) -> Path:
    """Make what waits while a move goes on, with the hashes of what it writes."""
    waiting = workspace.root / ".holdfast" / moving_in.WAITING
    waiting.mkdir(parents=True)
    for name in written:
        shutil.copy(workspace.root / name, waiting)
    files.write_json(waiting / "written.json", written)
    return waiting


def killed(workspace: Workspace, after: Callable[[Workspace, Path], None], tmp_path: Path) -> Path:
    """Leave a workspace as a move leaves it that was killed."""
    (tmp_path / "new").mkdir()
    files.write(tmp_path / "new" / "new.parquet", pd.DataFrame({"x": [2.5]}))
    new = versions.of_folder(tmp_path / "new")
    waiting = wait(workspace, {"params.yaml": sha256(b"after\n").hexdigest(), "data.dvc": new})
    after(workspace, waiting)
    return waiting


@pytest.mark.parametrize("after", [lambda *_: None, moved, replaced], ids=["copied", "moved", "replaced"])
def test_after_a_kill_the_next_attempt_brings_everything_back_first_and_says_so(
    tmp_path: Path, after: Callable[[Workspace, Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="holdfast")
    workspace = plain_workspace(tmp_path)
    before = state(workspace)
    waiting = killed(workspace, after, tmp_path)

    moving_in.recover(workspace)

    assert state(workspace) == before
    assert not waiting.exists()
    assert "an init-data did not come to its end: data/, params.yaml, data.dvc are as they were" in caplog.text


def half_described(workspace: Workspace, waiting: Path) -> None:
    moved(workspace, waiting)
    shutil.copytree(waiting / "data", workspace.data)
    workspace.params.write_text("after\n")


@pytest.mark.parametrize("after", [moved, half_described])
def test_a_killed_move_of_the_same_data_is_brought_back_too(
    tmp_path: Path, after: Callable[[Workspace, Path], None]
) -> None:
    workspace = plain_workspace(tmp_path)
    data = versions.of_folder(workspace.data)
    (workspace.root / "data.dvc").write_text(tracked("0").replace(f"{'0' * 32}.dir", data))
    before = state(workspace)
    waiting = wait(workspace, {"params.yaml": sha256(b"after\n").hexdigest(), "data.dvc": data})
    after(workspace, waiting)

    moving_in.recover(workspace)

    assert state(workspace) == before
    assert not waiting.exists()


def edited(workspace: Workspace) -> None:
    workspace.params.write_text("mine\n")


def added(workspace: Workspace) -> None:
    (workspace.data / "mine.txt").write_text("mine\n")


def versioned(workspace: Workspace) -> None:
    (workspace.root / "data.dvc").write_text(tracked("3"))


@pytest.mark.parametrize(("work", "name"), [(edited, "params.yaml"), (added, "data/"), (versioned, r"data\.dvc")])
def test_work_that_was_done_since_a_kill_is_never_undone(
    tmp_path: Path, work: Callable[[Workspace], None], name: str
) -> None:
    workspace = plain_workspace(tmp_path)
    waiting = killed(workspace, replaced, tmp_path)
    work(workspace)
    before, kept = state(workspace), sorted(waiting.rglob("*"))

    with pytest.raises(
        UserError, match=f"^error: {name}: found changes since .* waits in .holdfast/before-init-data"
    ) as refused:
        moving_in.check(workspace)

    assert "where data/ is missing, `dvc checkout data.dvc` brings it back" in refused.value.fix
    assert (state(workspace), sorted(waiting.rglob("*"))) == (before, kept)


def test_what_a_killed_move_would_not_have_written_may_be_edited_and_stays_so(tmp_path: Path) -> None:
    workspace = plain_workspace(tmp_path)
    before = state(workspace)
    waiting = wait(workspace, {"data.dvc": versions.of_folder(workspace.data)})
    moved(workspace, waiting)
    edited(workspace)

    moving_in.recover(workspace)

    assert workspace.params.read_text() == "mine\n"
    workspace.params.write_text("params.yaml before\n")
    assert state(workspace) == before


def test_what_was_mended_by_hand_after_a_kill_stays(tmp_path: Path) -> None:
    workspace = plain_workspace(tmp_path)
    before = state(workspace)
    waiting = killed(workspace, moved, tmp_path)
    shutil.copytree(waiting / "data", workspace.data)

    moving_in.recover(workspace)

    assert state(workspace) == before
    assert not waiting.exists()


def test_a_move_that_had_come_to_its_end_is_not_undone_whatever_came_after(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="holdfast")
    workspace = plain_workspace(tmp_path)
    waiting = killed(workspace, replaced, tmp_path)
    (waiting / moving_in.DONE).touch()
    edited(workspace)
    after = state(workspace)

    moving_in.recover(workspace)

    assert state(workspace) == after
    assert not waiting.exists()
    assert (waiting.parent / moving_in.LAST).exists()
    assert "what it wrote stays" in caplog.text


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


def test_more_rows_are_of_the_question_that_there_is(empty_repository: Workspace, table: Path) -> None:
    with pytest.raises(UserError, match="found --target or --kind beside it"):
        init_data.run(empty_repository.root, [str(table)], "y", None, yes=True, more=True)


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
