"""What Git holds at a revision, read without touching the working tree."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from holdfast.errors import UserError, nearest


class Commit(NamedTuple):
    """A commit, and how people call it."""

    hash: str
    name: str


def find(root: Path, revision: str, *, path: str = "") -> Commit:
    """Return the commit that a revision names; `path` is the file that is asked for, for the remedy.

    Raises: UserError where there is none, or no repository.
    """
    inside = git(root, "rev-parse", "--git-dir")
    if inside.returncode:
        remedy = "run it in a clone of the repository, or `git init` and commit data.dvc"
        raise UserError(f"{root}: {inside.stderr.strip()}", fix=remedy)
    found = _parse(root, revision)
    if found.returncode:
        known = git(root, "for-each-ref", "--format=%(refname:short)").stdout.split()
        shallow = git(root, "rev-parse", "--is-shallow-repository").stdout.strip() == "true"
        fetch = "git fetch --unshallow --tags" if shallow else "git fetch --all --tags"
        log = f"git log --oneline -- {path}" if path else "git log --oneline"
        raise UserError(
            f"REV: found no revision '{revision}'{nearest(revision, known) or '.'}",
            fix=f"take one from `{log}`, or get what is not here yet with `{fetch}`",
        )
    full = found.stdout.strip()
    return Commit(full, full[:7] if full.startswith(revision) else f"{revision} ({full[:7]})")


def known(root: Path, full: str) -> Commit | None:
    """Return a commit by its full hash; None where this clone does not have it."""
    return Commit(full, full[:7]) if full and not _parse(root, full).returncode else None


def of_change(root: Path) -> Commit | None:
    """Return the commit that the tree here is a change of; None where there is none before it.

    Of a merge into main that is its first parent, as on main itself. What is not committed yet is a change of the last
    commit on main. Everything else is held against main as it is now.
    """
    main = next((name for name in ("main", "origin/main") if not _parse(root, name).returncode), None)
    on_main = main is not None and not git(root, "merge-base", "--is-ancestor", "HEAD", main).returncode
    merged = main is not None and not git(root, "merge-base", "--is-ancestor", "HEAD^1", main).returncode
    if on_main and any(is_changed(root, path) for path in ("dvc.lock", "params.yaml", "data.dvc")):
        return find(root, "HEAD")
    is_merge = not _parse(root, "HEAD^2").returncode
    if main is None or on_main or (merged and is_merge):
        return None if _parse(root, "HEAD^1").returncode else find(root, "HEAD^1")
    return find(root, main)


def text(root: Path, commit: Commit, path: str) -> str | None:
    """Return the content of a file at a commit; None where there is no such file."""
    shown = git(root, "show", f"{commit.hash}:./{path}")
    return None if shown.returncode else shown.stdout


def is_changed(root: Path, path: str) -> bool:
    """Tell whether a file of the working tree is another than the one that was committed last."""
    return git(root, "status", "--porcelain", "--", path).stdout != ""


@contextmanager
def worktree(root: Path, commit: Commit, folder: Path) -> Iterator[Path]:
    """Check a commit out into a folder of its own, for as long as the block lasts.

    Raises: UserError where Git refuses.
    """
    try:
        yield add_worktree(root, commit, folder)
    finally:
        remove_worktree(root, folder)


def add_worktree(root: Path, commit: Commit, folder: Path) -> Path:
    """Check a commit out into a folder of its own; return where the project is in it.

    Raises: UserError where Git refuses.
    """
    git(root, "worktree", "prune")  # what was killed before has left its name
    hookless = ("-c", f"core.hooksPath={os.devnull}")  # `dvc install` sets one that checks out what is not there
    made = git(root, *hookless, "worktree", "add", "--quiet", "--detach", str(folder), commit.hash)
    if made.returncode:
        remove_worktree(root, folder)
        problem = f"{commit.name}: not checked out: {' '.join(made.stderr.split())}."
        raise UserError(problem, fix="mend that, then run it again")
    # Where the project is not the whole repository:
    return folder / git(root, "rev-parse", "--show-prefix").stdout.strip()


def remove_worktree(root: Path, folder: Path) -> None:
    """Remove a folder that a commit was checked out into, with all that is in it."""
    git(root, "worktree", "remove", "--force", str(folder))


def _parse(root: Path, revision: str) -> subprocess.CompletedProcess[str]:
    return git(root, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")


def git(root: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run Git; what it says is text, whatever its bytes.

    Raises: UserError where it is not installed.
    """
    try:
        return subprocess.run(
            ["git", *command], cwd=root, encoding="utf-8", errors="replace", capture_output=True, check=False
        )
    except FileNotFoundError as error:
        raise UserError("git: not found, expected it on the path.", fix="install Git") from error
