"""A copy of the tree to run DVC in, so that the tree itself is never touched, locked or left half changed.

It is a clone that shares Git's objects and DVC's cache with the tree, with what is not committed laid over it. DVC can
run experiments in the tree itself, but stashes what is not committed meanwhile: killed at the wrong moment, it would
leave the tree without it. What died here leaves a folder below `.holdfast/`, which the next one removes: a folder in
use is locked, and a lock ends with its process, whatever the way and the container it ends in.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from holdfast import commits, files, processes
from holdfast.errors import UserError
from holdfast.files import Workspace

LOCK = "lock"
HOOKLESS = ("-c", f"core.hooksPath={os.devnull}")


@contextmanager
def copied(root: Path, folders: Iterable[Path]) -> Iterator[Path]:
    """Give a copy of the tree, with its data and with some of its artifacts, for as long as the block lasts.

    Raises: UserError where Git or DVC refuses, or the data is another than `data.dvc` says.
    """
    _refuse_other_data(root)
    place = Workspace(root).environments.with_name("sweeps")
    with _locked(place) as folder:
        try:
            copy = _clone(root, folder / "tree")
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


@contextmanager
def _locked(place: Path) -> Iterator[Path]:
    """Give a new folder, locked for as long as the block lasts; remove what processes that are no more have left."""
    place.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        with place.with_suffix(".lock").open("w") as one_at_a_time:  # or another would remove ours before it is locked
            fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
            for folder in place.iterdir():
                if folder.is_dir() and not _in_use(folder):
                    shutil.rmtree(folder, ignore_errors=True)
            made = Path(tempfile.mkdtemp(dir=place))
            stack.callback(shutil.rmtree, made, ignore_errors=True)
            fcntl.flock(stack.enter_context((made / LOCK).open("w")), fcntl.LOCK_EX)
        yield made


def _in_use(folder: Path) -> bool:
    try:
        with (folder / LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
