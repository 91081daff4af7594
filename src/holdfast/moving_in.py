"""Other data takes the place of the data that is here: all of it, with the files that describe it, or nothing.

What was there waits in a folder until DVC knows the new data. If anything fails on the way, it comes back; after a
kill, the next attempt brings it back first. Beside what waits are the hashes of what is written: where somebody has
worked on since a kill, neither the one nor the other stands there, and nothing is touched. What leaves `data/` must be
in DVC's cache, and what describes it in Git, so that a checkout finds both; what a move wrote and nobody edited may go.
"""

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from holdfast import commits, files, processes, versions
from holdfast.errors import UserError
from holdfast.files import Workspace
from holdfast.versions import TRACKED

WAITING = "before-init-data"
WRITTEN = "written.json"  # beside what waits: the hashes of what the move writes
DONE = "done"  # beside what waits, once DVC knows the new data
LAST = "init-data.json"  # those of what moves wrote that came to their end, of each file the last
DESCRIBING = (TRACKED, "params.yaml", "dvc.yaml")

logger = logging.getLogger(__name__)


class Move(NamedTuple):
    """What takes the place of what is here, texts and partitions by their names, and what is to be said of it first."""

    lines: Iterable[str]
    texts: Mapping[str, str]
    partitions: Callable[[], Iterable[tuple[str, pd.DataFrame]]]


def check(workspace: Workspace, names: Sequence[str] = DESCRIBING) -> None:
    """Refuse to go on where `data/` holds what DVC does not know, or a file that will be written is not in Git.

    Raises: UserError that says how to keep it.
    """
    recover(workspace)
    _refuse_unknown(workspace)
    _refuse_uncommitted(workspace, names)


def _refuse_unknown(workspace: Workspace) -> None:
    there = workspace.data.exists() and any(path.is_file() for path in workspace.data.rglob("*"))
    if not there:
        return
    keep = "`dvc add data` keeps it as a version (then commit data.dvc), or move it out of data/"
    if not (workspace.root / TRACKED).exists():
        raise UserError(f"data/: found files that DVC does not know, as there is no {TRACKED}.", fix=keep)
    done = processes.checked(processes.run(["dvc", "status", "--json", TRACKED], workspace.root))
    if json.loads(done.stdout or "{}"):
        problem = f"data/: found changes that are in no version of DVC ({TRACKED}): they would be lost."
        raise UserError(problem, fix=keep)


def _refuse_uncommitted(workspace: Workspace, names: Sequence[str]) -> None:
    last = _hashes(_waiting(workspace).with_name(LAST))
    changed = [
        name
        for name in names
        if commits.is_changed(workspace.root, name) and _hash(workspace.root / name) not in {None, last.get(name)}
    ]
    if changed:
        listed = " ".join(changed)
        back = " && dvc checkout data.dvc" if TRACKED in changed else ""
        raise UserError(
            f"{', '.join(changed)}: found changes that are not committed: they would be lost.",
            fix=f'`git add {listed} && git commit -m "data: before another"` keeps them, '
            f"`git stash push -- {listed}{back}` puts them aside",
        )


def move_in(workspace: Workspace, texts: Mapping[Path, str], partitions: Iterable[tuple[str, pd.DataFrame]]) -> None:
    """Put partitions below `data/` in place of those that are there, and texts in place of files.

    Raises: UserError where that fails; all is as it was then.
    """
    waiting, new = _waiting(workspace), _partial(workspace)
    try:
        shutil.rmtree(new, ignore_errors=True)
        for name, rows in partitions:
            with files.whole(new / name) as draft:
                files.write(draft, rows)
        with files.replacing(waiting) as folder:
            written = _to_write(workspace, texts, new)
            _copy(workspace, written, folder)
            files.write_json(folder / WRITTEN, written)
        if workspace.data.exists():
            workspace.data.rename(waiting / "data")
        new.rename(workspace.data)
        for path, text in texts.items():
            _write(path, text.encode())
        processes.checked(processes.run(["dvc", "add", "--quiet", "data"], workspace.root))
        files.write_bytes(waiting / DONE, b"")
    except BaseException:
        _undo(workspace)
        raise
    _finish(waiting)


def recover(workspace: Workspace) -> None:
    """Bring back what waits, if a move was killed before its end.

    Raises: UserError where something was changed since; nothing is touched then.
    """
    waiting = _waiting(workspace)
    files.tidy(waiting)
    if (waiting / DONE).exists():
        _finish(waiting)
        logger.info("the last init-data was stopped at its very end: what it wrote stays")
    else:
        _undo(workspace)


def _undo(workspace: Workspace) -> None:
    """Bring back what waits; from here on the move has not come to its end."""
    waiting = _waiting(workspace)
    (waiting / DONE).unlink(missing_ok=True)
    shutil.rmtree(_partial(workspace), ignore_errors=True)
    if not waiting.exists():
        return
    written = _hashes(waiting / WRITTEN)
    _refuse_changed(workspace, written)
    for name in written:
        if (waiting / name).exists():
            _write(workspace.root / name, (waiting / name).read_bytes())
        else:
            (workspace.root / name).unlink(missing_ok=True)
    if _is_moved(waiting) and workspace.data.exists():
        shutil.rmtree(waiting / "new", ignore_errors=True)
        workspace.data.rename(waiting / "new")
    if (waiting / "data").exists():
        (waiting / "data").rename(workspace.data)
    _forget(waiting)
    logger.info("an init-data did not come to its end: data/, %s are as they were before it", ", ".join(written))


def _refuse_changed(workspace: Workspace, written: Mapping[str, str]) -> None:
    """Refuse to bring back what waits where something else is in its place than what the move wrote."""
    waiting, root = _waiting(workspace), workspace.root
    changed = [name for name in written if _hash(root / name) not in {None, _hash(waiting / name), written[name]}]
    if _is_moved(waiting) and _folder(workspace.data) not in {None, _folder(waiting / "data"), written.get(TRACKED)}:
        changed.append("data/")
    if changed:
        where = workspace.name(waiting)
        raise UserError(
            f"{', '.join(changed)}: found changes since an init-data that was stopped in the middle; "
            f"what was there before it waits in {where}.",
            fix=f"copy from {where} what you miss, then `rm -r {where}`; what is here now stays; "
            "where data/ is missing, `dvc checkout data.dvc` brings it back",
        )


def _is_moved(waiting: Path) -> bool:
    """Tell whether what is below `data/` now, if anything, came after what waits."""
    return (waiting / "data").exists() or (waiting / "no-data").exists()


def _waiting(workspace: Workspace) -> Path:
    return workspace.root / ".holdfast" / WAITING


def _partial(workspace: Workspace) -> Path:
    return workspace.root / ".data.partial"


def _copy(workspace: Workspace, names: Iterable[str], folder: Path) -> None:
    for name in names:
        if (workspace.root / name).exists():
            shutil.copyfile(workspace.root / name, folder / name)
    if not workspace.data.exists():
        files.write_bytes(folder / "no-data", b"")


def _to_write(workspace: Workspace, texts: Mapping[Path, str], new: Path) -> dict[str, str]:
    """Return the hashes of what a move writes; of `data.dvc`, that of the data."""
    hashes = {workspace.name(path): _of_bytes(text.encode()) for path, text in texts.items()}
    return {**hashes, TRACKED: versions.of_folder(new)}


def _hashes(path: Path) -> dict[str, str]:
    known: dict[str, str] = files.read_json(path, dict[str, str]) if path.exists() else {}
    return known


def _hash(path: Path) -> str | None:
    """Return the hash of a file, None where it is not there; of `data.dvc`, that of the data, if it is whole."""
    if path.name == TRACKED:
        return versions.in_tracked(path)
    return _of_bytes(path.read_bytes()) if path.exists() else None


def _of_bytes(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _folder(folder: Path) -> str | None:
    return versions.of_folder(folder) if folder.exists() else None


def _write(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all; one that is so already is left alone."""
    if path.exists() and path.read_bytes() == content:
        return
    with files.whole(path) as draft:
        files.write_bytes(draft, content)


def _finish(waiting: Path) -> None:
    """Keep the hashes of what was written, now or before, so that the next move knows what nobody edited."""
    last = waiting.with_name(LAST)
    with files.whole(last) as draft:
        files.write_json(draft, _hashes(last) | _hashes(waiting / WRITTEN))
    _forget(waiting)


def _forget(waiting: Path) -> None:
    """Remove what waits no longer; under another name first, so that half of it is never brought back."""
    done = waiting.with_name(f"{waiting.name}.done")
    shutil.rmtree(done, ignore_errors=True)
    waiting.rename(done)
    shutil.rmtree(done, ignore_errors=True)
