"""Other data takes the place of the data that is here: all of it, with the files that describe it, or nothing.

What was there waits in a folder until DVC knows the new data. If anything fails on the way, it comes back; after a
kill, the next attempt brings it back first. What leaves `data/` must be in DVC's cache, so that a checkout finds it.
"""

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from holdfast import files, processes
from holdfast.errors import UserError
from holdfast.files import Workspace
from holdfast.versions import TRACKED

WAITING = "before-init-data"
DESCRIBING = ("params.yaml", "dvc.yaml", TRACKED)


def check(workspace: Workspace) -> None:
    """Refuse to go on where `data/` holds what DVC does not know.

    Raises: UserError that says how to keep it.
    """
    recover(workspace)
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


def move_in(workspace: Workspace, texts: Mapping[Path, str], partitions: Iterable[tuple[str, pd.DataFrame]]) -> None:
    """Put partitions below `data/` in place of those that are there, and texts in place of files.

    Raises: UserError where that fails; all is as it was then.
    """
    waiting = _waiting(workspace)
    try:
        with files.replacing(waiting) as folder:
            _copy(workspace, folder)
        new = workspace.root / ".data.partial"
        shutil.rmtree(new, ignore_errors=True)
        for name, rows in partitions:
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            files.write_whole(new / name, rows)
        if workspace.data.exists():
            workspace.data.rename(waiting / "data")
        new.rename(workspace.data)
        for path, text in texts.items():
            _write(path, text)
        processes.checked(processes.run(["dvc", "add", "--quiet", "data"], workspace.root))
    except BaseException:
        recover(workspace)
        raise
    _forget(waiting)


def recover(workspace: Workspace) -> None:
    """Bring back what waits, if a move has not come to its end."""
    waiting = _waiting(workspace)
    files.tidy(waiting)
    shutil.rmtree(workspace.root / ".data.partial", ignore_errors=True)
    if not waiting.exists():
        return
    if (waiting / "data").exists() or (waiting / "no-data").exists():
        shutil.rmtree(workspace.data, ignore_errors=True)
    if (waiting / "data").exists():
        (waiting / "data").rename(workspace.data)
    for name in DESCRIBING:
        if (waiting / name).exists():
            _write(workspace.root / name, (waiting / name).read_text(encoding="utf-8"))
        else:
            (workspace.root / name).unlink(missing_ok=True)
    _forget(waiting)


def _waiting(workspace: Workspace) -> Path:
    return workspace.root / ".holdfast" / WAITING


def _copy(workspace: Workspace, folder: Path) -> None:
    for name in DESCRIBING:
        if (workspace.root / name).exists():
            shutil.copyfile(workspace.root / name, folder / name)
    if not workspace.data.exists():
        files.write_bytes(folder / "no-data", b"")


def _write(path: Path, text: str) -> None:
    """Write a text, whole or not at all; one that is there already is left alone."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    draft = path.with_name(f".{path.name}.partial")
    files.write_bytes(draft, text.encode())
    draft.replace(path)


def _forget(waiting: Path) -> None:
    """Remove what waits no longer; under another name first, so that half of it is never brought back."""
    done = waiting.with_name(f"{waiting.name}.done")
    shutil.rmtree(done, ignore_errors=True)
    waiting.rename(done)
    shutil.rmtree(done, ignore_errors=True)
