"""A version of the registry comes back: its commit and data in a folder of their own, its model made anew from them.

That the model is the one that was registered is proved, not assumed: every stage runs again, by the code and in the
environment of its own commit, and what comes out must have the hash that the registry recorded.
"""

import logging
import sys
from pathlib import Path
from typing import NamedTuple

from holdfast import commits, contenders, files, rebuild, versions
from holdfast import model as models
from holdfast.bundle import SHORT
from holdfast.commits import Commit
from holdfast.errors import RefusedError, UserError
from holdfast.registry import Version

logger = logging.getLogger(__name__)

UNKNOWN = "not known"


class Restored(NamedTuple):
    """Where a version is now, the hash that its model has, and which artifacts are others than were committed."""

    folder: Path
    sha256: str
    differing: tuple[str, ...]


def restore(root: Path, version: Version, into: Path | None = None) -> Restored:
    """Check out the commit and the data of a version, and make its artifacts again from them.

    Raises: UserError where the commit or its data is not to be had, or the folder is in use; then nothing is left.
    """
    folder = (into or root.with_name(f"{root.name}-version-{version.number}")).absolute()
    _refuse_in_use(folder)
    commit = _commit(root, version)
    _refuse_other_data(root, commit, version)
    logger.info("checking out %s into %s", commit.hash[:7], files.shown(folder))
    code = commits.add_worktree(root, commit, folder)
    try:
        recorded = rebuild.lock_hashes(code)
        python = contenders.python_of(root, code, commit)
        logger.info("making every artifact again from data version %s: as long as `dvc repro` takes", version.data[:7])
        done = rebuild.reproduce(root, code, python, "--force")
        if done.returncode:
            problem, fix = contenders.told(done.stderr)
            raise UserError(f"version {version.number}: not made again: {problem}", fix=fix)
    except BaseException:
        commits.remove_worktree(root, folder)
        raise
    made = models.identity(code / contenders.MODEL)
    stores = [root / ".dvc" / "cache", root / "dvc-remote"]
    return Restored(code, made, tuple(rebuild.differing(recorded, rebuild.lock_hashes(code), stores)))


def require_the_same(version: Version, found: Restored) -> None:
    """Refuse a model that is not the one that was registered, and say what may have made it another.

    Raises: RefusedError where the hashes differ; what was made stays where it is, to look at.
    """
    if found.sha256 == version.sha256:
        return
    python, here = version.tags.get("holdfast.python", UNKNOWN), sys.version.split()[0]
    packages = version.tags.get("holdfast.packages", UNKNOWN)[:SHORT]
    dirty = version.tags.get("holdfast.dirty") == "true"
    changed = "; when it was published, other files of the tree had changes that were not committed" if dirty else ""
    problem = f"{version.uri}: its model is another: found {found.sha256}, recorded is {version.sha256}"
    if dirty:
        fix = "what was not committed is not to be had: commit it, and publish that commit"
    elif python not in {here, UNKNOWN}:
        fix = f"restore it with Python {python}: PYTHON=python{python.rpartition('.')[0]} make setup, then again"
    else:
        fix = f"compare the machine, and `pip freeze` with {rebuild.LOCK} of its commit; what was made stays here"
    raise RefusedError(f"{problem}; recorded are Python {python} (here {here}), packages {packages}{changed}.", fix=fix)


def _refuse_in_use(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        problem = f"{files.shown(folder)}: found it in use, expected an empty folder, or none."
        remedy = f"name another with --into, or remove it: git worktree remove --force {files.shown(folder)}"
        raise UserError(problem, fix=remedy)


def _commit(root: Path, version: Version) -> Commit:
    try:
        return commits.find(root, version.commit)
    except UserError as error:
        problem = f"version {version.number}: its commit {version.commit[:12]} is not in this clone."
        raise UserError(problem, fix=error.fix) from error


def _refuse_other_data(root: Path, commit: Commit, version: Version) -> None:
    """Get the data of a commit into the cache, and refuse one that is not the version's."""
    found = versions.recorded(root, commit)
    if found != version.data:
        problem = f"version {version.number}: made from data {version.data[:12]}, but its commit has {found[:12]}."
        raise UserError(problem, fix="it was published from a tree that was not committed: publish a commit instead")
    versions.at(root, commit.hash)
