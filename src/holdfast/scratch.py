"""A copy of the tree to run DVC in, so that the tree itself is never touched, locked or left half changed.

It is a clone that shares Git's objects and DVC's cache with the tree, with what is not committed laid over it. DVC can
run experiments in the tree itself, but stashes what is not committed meanwhile: killed at the wrong moment, it would
leave the tree without it. What died here leaves a folder below `.holdfast/`, which the next one removes.
"""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from holdfast import commits, files, processes
from holdfast.errors import UserError
from holdfast.files import Workspace

HOOKLESS = ("-c", f"core.hooksPath={os.devnull}")


@contextmanager
def copied(root: Path, folders: Iterable[Path]) -> Iterator[Path]:
    """Give a copy of the tree, with its data and with some of its artifacts, for as long as the block lasts.

    Raises: UserError where Git or DVC refuses, or the data is another than `data.dvc` says.
    """
    _refuse_other_data(root)
    place = Workspace(root).environments.with_name("sweeps")
    place.mkdir(parents=True, exist_ok=True)
    _remove_left_over(place)
    with tempfile.TemporaryDirectory(prefix=f"{os.getpid()}-", dir=place, ignore_cleanup_errors=True) as folder:
        try:
            copy = _clone(root, Path(folder) / "tree")
            for one in folders:
                if one.is_dir():
                    shutil.copytree(one, copy / one.relative_to(root), dirs_exist_ok=True)
        except OSError as error:
            problem = f"{files.shown(place)}: no copy of the tree could be made: {error}."
            raise UserError(problem, fix="make room on the disk, then run it again") from error
        cache = processes.checked(processes.run(["dvc", "cache", "dir"], root)).stdout.strip()
        processes.checked(processes.run(["dvc", "cache", "dir", "--local", cache], copy))
        if processes.run(["dvc", "checkout", "--quiet", "data.dvc"], copy).returncode:
            raise UserError("data/: not in DVC's cache, expected what data.dvc names.", fix="dvc pull data.dvc")
        yield copy


def _clone(root: Path, copy: Path) -> Path:
    """Clone the commit of the tree, lay over it what is not committed, and return where the project is in it."""
    head, top = commits.find(root, "HEAD").hash, Path(_git(root, "rev-parse", "--show-toplevel").strip())
    _git(root, *HOOKLESS, "clone", "--quiet", "--shared", "--no-checkout", str(top), str(copy))
    _git(copy, *HOOKLESS, "checkout", "--quiet", "--detach", head)
    for key in ("user.name", "user.email"):  # DVC makes commits of experiments
        _git(copy, "config", key, commits.git(root, "config", key).stdout.strip() or "holdfast@localhost")
    changed = _git(top, "diff", "--name-only", "--no-renames", "-z", "HEAD")
    untracked = _git(top, "ls-files", "--others", "--exclude-standard", "-z")
    for name in filter(None, f"{changed}{untracked}".split("\0")):
        _lay_over(top / name, copy / name)
    return copy / root.resolve().relative_to(top.resolve())


def _git(folder: Path, *command: str) -> str:
    return processes.checked(commits.git(folder, *command)).stdout


def _lay_over(here: Path, there: Path) -> None:
    there.unlink(missing_ok=True)
    if here.is_symlink() or here.is_file():
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(here, there, follow_symlinks=False)


def _refuse_other_data(root: Path) -> None:
    """Refuse data that DVC has not recorded: experiments would be run on the data that it has."""
    said = processes.checked(processes.run(["dvc", "status", "--json", "data.dvc"], root)).stdout
    if '"modified"' in said or '"new"' in said:
        raise UserError("data/: found another than data.dvc records, expected the same.", fix="dvc add data")


def _remove_left_over(place: Path) -> None:
    """Remove what processes that are no more have left."""
    for folder in place.iterdir():
        number = folder.name.partition("-")[0]
        if not (number.isdecimal() and _is_alive(int(number))):
            shutil.rmtree(folder, ignore_errors=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
