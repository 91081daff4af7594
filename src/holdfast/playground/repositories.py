"""Git for the practice copy: commits made from objects alone, so that no working tree is needed, or touched."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from holdfast.errors import UserError

HEADS = "refs/heads"
STARTS = "refs/practice"  # the starts of the chapters; no clone takes them along, so that they stay
UPSTREAM = "refs/upstream/head"  # the commit that all of it was made from
WHO = "Holdfast tutorial"
IDENTITY = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", WHO), ("EMAIL", "tutorial@localhost"))
}
# A repository that is worked on from inside a hook of another would be that other.
FOREIGN = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX")


Environment = Mapping[str, str]


class Repository(NamedTuple):
    """A Git repository, bare or with a working tree."""

    folder: Path

    def git(self, *command: str, given: bytes = b"", env: Environment | None = None) -> bytes:
        """Run Git, and return what it says.

        Raises: UserError where it refuses.
        """
        done = self._run(command, given, env)
        if done.returncode:
            said = " ".join(done.stderr.decode(errors="replace").split())
            raise UserError(f"{self.folder}: git {command[0]}: {said}", fix="mend that, then run it again")
        return done.stdout

    def line(self, *command: str) -> str:
        """Run Git, and return the one line that it says; nothing where it refuses."""
        done = self._run(command, b"", None)
        return "" if done.returncode else done.stdout.decode(errors="replace").strip()

    def _run(
        self, command: tuple[str, ...], given: bytes, env: Environment | None
    ) -> "subprocess.CompletedProcess[bytes]":
        kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        quiet = ("-c", f"core.hooksPath={os.devnull}", "-c", "gc.auto=0")
        try:
            return subprocess.run(
                ["git", *quiet, *command], cwd=self.folder, env={**kept, **(env or {})}, input=given,
                capture_output=True, check=False,
            )  # fmt: skip
        except FileNotFoundError as error:
            raise UserError("git: not found, expected it on the path.", fix="install Git") from error

    def tip(self, ref: str) -> str:
        """Return the commit of a ref; nothing where there is none."""
        return self.line("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")

    def content(self, commit: str, path: str) -> bytes | None:
        """Return a file at a commit; None where there is none."""
        if not self.line("rev-parse", "--verify", "--quiet", f"{commit}:{path}"):
            return None
        return self.git("cat-file", "blob", f"{commit}:{path}")

    def commit(self, parent: str, message: str, written: Mapping[str, bytes], without: tuple[str, ...] = ()) -> str:
        """Make a commit on another: with some files written, and without those that are in, or are, `without`."""
        entries = [
            line for line in self.git("ls-tree", "-r", parent).decode().splitlines()
            if not any(f"{line.partition(chr(9))[2]}/".startswith(f"{name}/") for name in without)
        ]  # fmt: skip
        for path, content in written.items():
            blob = self.git("hash-object", "-w", "--stdin", given=content).decode().strip()
            entries.append(f"100644 blob {blob}\t{path}")
        with TemporaryDirectory(prefix="holdfast-") as scratch:
            index = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
            self.git("update-index", "--index-info", given="\n".join(entries).encode(), env=index)
            tree = self.git("write-tree", env=index).decode().strip()
        moment = self.git("show", "--no-patch", "--format=%ct +0000", parent).decode().strip()
        when = {"GIT_AUTHOR_DATE": moment, "GIT_COMMITTER_DATE": moment}  # the same start is the same commit
        made = self.git("commit-tree", tree, "-p", parent, "-m", message, env={**IDENTITY, **when})
        return made.decode().strip()

    def point(self, ref: str, commit: str) -> None:
        """Let a ref point at a commit, wherever it pointed before."""
        self.git("update-ref", ref, commit)

    def refs(self, place: str = HEADS) -> dict[str, str]:
        """Return the refs in a place, the branches if no other, and their commits."""
        lines = self.git("for-each-ref", "--format=%(refname) %(objectname)", place).decode().split()
        return {name.removeprefix(f"{place}/"): commit for name, commit in zip(lines[::2], lines[1::2], strict=True)}
