"""`tutorial start`: a practice copy in a folder of its own.

    DIR/origin.git   what a server would hold: the history, `main`, and a branch at the start of each chapter
    DIR/dvc-remote   what a bucket would hold: the bytes of the data
    DIR/heroku.git   what a platform would hold that builds from Git
    DIR/holdfast     the clone to work in, with an environment that borrows the packages of this one

All of it is the learner's to break, and no repository in it knows where it comes from. Only the environment of the
clone does: it names the folders of the packages that it borrows, the programs among them, and the Python that made it.
"""

import os
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

from holdfast.errors import UserError
from holdfast.playground import borrowed, flights
from holdfast.playground.chapters import CHAPTERS, FIRST, NEXT
from holdfast.playground.forgetting import SETTING
from holdfast.playground.repositories import HEADS, STARTS, UPSTREAM, Repository

ORIGIN, REMOTE, HEROKU, CLONE = "origin.git", "dvc-remote", "heroku.git", "holdfast"
# A remote of its own, and no settings of others: a relative address would not be the same in a worktree.
CONFIG = """\
[core]
    analytics = false
    check_update = false
    remote = practice
['remote "practice"']
    url = "{}"
    verify = true
"""
NEVER_RUN = ("dvc.lock", "artifacts", "dvc-remote")


class Practice(NamedTuple):
    """The parts of a practice copy."""

    folder: Path

    @property
    def origin(self) -> Repository:
        """What a server would hold."""
        return Repository(self.folder / ORIGIN)

    @property
    def heroku(self) -> Repository:
        """What a platform would hold."""
        return Repository(self.folder / HEROKU)

    @property
    def clone(self) -> Repository:
        """Where the learner works."""
        return Repository(self.folder / CLONE)

    @property
    def remote(self) -> Path:
        """What a bucket would hold."""
        return self.folder / REMOTE


def make(root: Path, folder: Path) -> Practice:
    """Make a practice copy of a repository's last commit.

    Raises: UserError where the folder holds something, or the history lacks what the chapters need.
    """
    if folder.is_relative_to(root.resolve()):
        raise UserError(f"{folder}: lies in the repository itself, expected a folder outside.", fix="name ../practice")
    was_there = _refuse_what_is_not_empty(folder)
    practice = Practice(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        copy_origin(root, practice)
        _begin_chapters(practice)
        clone_origin(practice)
        practice.clone.git("config", SETTING, str(practice.folder))
    except BaseException:
        for part in folder.iterdir() if folder.is_dir() else ():
            shutil.rmtree(part, ignore_errors=True)
        if not was_there:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    return practice


def _refuse_what_is_not_empty(folder: Path) -> bool:
    if '"' in str(folder) or "\n" in str(folder):
        raise UserError(f"{folder}: found a quote in the path, expected none.", fix="name another folder")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder}: holds something already, expected a new or an empty folder.", fix="name another")
    return folder.exists()


def copy_origin(root: Path, practice: Practice) -> None:
    """Make a bare repository with the history of HEAD, and nothing that leads back to where it was."""
    source = Repository(root)
    if not source.tip("HEAD"):
        problem = f"{root}: found no commit, expected a clone of the repository."
        raise UserError(problem, fix="git clone it, and start there")
    if source.line("rev-parse", "--show-prefix"):
        problem = f"{root}: found a part of a repository, expected the whole of one."
        raise UserError(problem, fix="start from a clone of the original")
    for bare in (practice.origin, practice.heroku):
        bare.folder.mkdir()
        bare.git("init", "--quiet", "--bare", "--initial-branch=main")
    practice.origin.git("fetch", "--quiet", "--no-tags", "--update-shallow", str(root), f"HEAD:{UPSTREAM}")
    (practice.origin.folder / "FETCH_HEAD").unlink(missing_ok=True)  # it says where that was
    practice.origin.point(f"{HEADS}/main", practice.origin.tip(UPSTREAM))


def _begin_chapters(practice: Practice) -> None:
    """Make the commits that chapters start from."""
    origin = practice.origin
    versions = {month: flights.version(origin, month) for month in (FIRST, NEXT)}
    flights.bring(origin, versions[FIRST], practice.remote)
    config = {".dvc/config": CONFIG.format(practice.remote).encode()}
    message = "practice: a DVC remote of its own, the flights from January to June, nothing has run"
    first = {**config, flights.TRACKED: versions[FIRST]}
    begun = origin.commit(origin.tip(UPSTREAM), message, first, without=NEVER_RUN)
    commits = {FIRST: begun}
    commits[NEXT] = origin.commit(begun, "data: July 2013", {flights.TRACKED: versions[NEXT]})
    for chapter in CHAPTERS:
        for place in (HEADS, STARTS):
            origin.point(f"{place}/{chapter.branch}", commits[chapter.month])
    origin.point(f"{HEADS}/main", begun)


def clone_origin(practice: Practice) -> None:
    """Make the clone, and the environment in it."""
    clone = practice.clone
    practice.origin.git("clone", "--quiet", "--no-hardlinks", str(practice.origin.folder), str(clone.folder))
    clone.git("remote", "add", "heroku", str(practice.heroku.folder))
    for key, value in (("user.name", os.environ.get("USER") or "learner"), ("user.email", "learner@localhost")):
        if not clone.line("config", key):
            clone.git("config", key, value)
    for branch in practice.origin.refs(STARTS):
        clone.git("branch", "--quiet", branch, f"origin/{branch}")
    # DVC's cache may be shared by the settings of whoever works here: never by this clone.
    (clone.folder / ".dvc" / "config.local").write_text("[cache]\n    dir = cache\n", encoding="utf-8")
    borrowed.make(clone.folder)


def find(root: Path) -> Practice:
    """Return the practice copy that a clone belongs to.

    Raises: UserError where it is none.
    """
    known = Repository(root).line("config", "--local", SETTING)
    practice = Practice(Path(known))
    if not known or not practice.clone.folder.is_dir() or not root.samefile(practice.clone.folder):
        raise UserError(
            f"{root}: not a practice copy, and nothing in it was touched.",
            fix=f"`{Path(sys.executable).name} -m holdfast tutorial start DIR`, then cd DIR/{CLONE}",
        )
    return practice
