"""What Git holds at a revision, read without touching the working tree."""

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
    found = git(root, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
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


def text(root: Path, commit: Commit, path: str) -> str | None:
    """Return the content of a file at a commit; None where there is no such file."""
    shown = git(root, "show", f"{commit.hash}:./{path}")
    return None if shown.returncode else shown.stdout


def is_changed(root: Path, path: str) -> bool:
    """Tell whether a file of the working tree is another than the one that was committed last."""
    return git(root, "diff", "--quiet", "HEAD", "--", path).returncode != 0


@contextmanager
def worktree(root: Path, commit: Commit, folder: Path) -> Iterator[Path]:
    """Check a commit out into a folder of its own, for as long as the block lasts.

    Raises: UserError where Git refuses.
    """
    made = git(root, "worktree", "add", "--quiet", "--detach", str(folder), commit.hash)
    if made.returncode:
        problem = f"{commit.name}: not checked out: {made.stderr.strip()}."
        raise UserError(problem, fix="git worktree prune, then run it again")
    inside = git(root, "rev-parse", "--show-prefix").stdout.strip()  # where the project is not the whole repository
    try:
        yield folder / inside
    finally:
        git(root, "worktree", "remove", "--force", str(folder))


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
