"""The first promise: any commit rebuilds to the same bytes.

`rebuild` clones a commit with nothing but what Git and the DVC remote hold, runs every stage, and
compares what came out with the `dvc.lock` that was committed, file by file.
"""

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from holdfast import commits, processes, terminal
from holdfast.commits import Commit
from holdfast.errors import UserError
from holdfast.processes import Done

logger = logging.getLogger(__name__)

Hashes = dict[str, str]
LOCK = "requirements-work.txt"


def stale_stages(root: Path) -> list[str]:
    """Return the stages that `dvc repro` would run; data that is not here counts as what `dvc.lock` says.

    Raises: UserError where DVC cannot tell.
    """
    found = processes.run(["dvc", "repro", "--dry", "--allow-missing"], root)
    running = [line.split("'")[1] for line in found.stdout.splitlines() if line.startswith("Running stage '")]
    if found.returncode and not running:
        raise UserError(f"dvc repro --dry: {found.stderr.strip()}", fix="dvc status")
    return running


def rebuild(root: Path, clone: Path, revision: str) -> list[str]:
    """Reproduce a revision in a new clone without any cache; return the artifacts whose bytes differ.

    Raises: UserError where Git or DVC fails.
    """
    commit = _checked(["git", "rev-parse", "--verify", f"{revision}^{{commit}}"], root).stdout.strip()
    if _checked(["git", "status", "--porcelain", "--untracked-files=no"], root).stdout:
        logger.info("note: the working tree has changes that are not committed; they are not checked")
    logger.info("cloning %s", commit[:12])
    _checked(["git", "clone", "--quiet", "--no-checkout", str(root), str(clone)], root)
    _checked(["git", "checkout", "--quiet", "--detach", commit], clone)
    logger.info("pulling its data and reproducing every stage")
    _checked(["dvc", "pull", "data.dvc"], clone)  # with --quiet it does not say which bytes nobody has
    if (clone / LOCK).read_bytes() != (root / LOCK).read_bytes():
        logger.info("note: that commit's %s is another than the one here; its bytes may need its environment", LOCK)
    recorded = lock_hashes(clone)
    with terminal.handed_over():
        processes.checked(processes.run(["dvc", "repro", "--quiet", "--force"], clone, shown=True))
    return differing(recorded, lock_hashes(clone), [clone / ".dvc" / "cache", clone / "dvc-remote"])


def lock_hashes(root: Path) -> Hashes:
    """Return the hash of each artifact that `dvc.lock` records."""
    path = root / "dvc.lock"
    if not path.is_file():
        raise UserError("dvc.lock: not found, expected one that was committed.", fix="dvc repro, then commit dvc.lock")
    return _hashes(path.read_text(encoding="utf-8"))


def recorded(root: Path, commit: Commit, artifact: str) -> str | None:
    """Return the hash of an artifact that the `dvc.lock` of a commit records; None where it records none."""
    try:
        return _hashes(commits.text(root, commit, "dvc.lock") or "{}").get(artifact)
    except (yaml.YAMLError, KeyError, TypeError, AttributeError):
        return None


def _hashes(lock: str) -> Hashes:
    stages: dict[str, Any] = yaml.safe_load(lock)["stages"]
    return {out["path"]: out["md5"] for stage in stages.values() for out in stage.get("outs", [])}


def reproduce(root: Path, code: Path, python: Path, *wanted: str) -> Done:
    """Make artifacts again in another checkout, by its own code; return what failed, or what was done last."""
    cache = processes.checked(processes.run(["dvc", "cache", "dir"], root)).stdout.strip()
    for command in (
        ["dvc", "cache", "dir", "--local", cache],
        ["dvc", "pull", "--quiet", "data.dvc"],
        ["dvc", "repro", "--quiet", *wanted],
    ):
        done = processes.run(command, code, python=python)
        if done.returncode:
            break
    return done


def differing(recorded: Hashes, rebuilt: Hashes, stores: Sequence[Path]) -> list[str]:
    """Name what differs; inside a folder, its files where a cache or remote has the recorded list of them."""
    names = []
    for path in sorted(recorded | rebuilt):
        before, now = recorded.get(path), rebuilt.get(path)
        if before == now:
            continue
        known = _manifest(before, stores)
        inside = known ^ _manifest(now, stores) if known else set()
        names += sorted({f"{path}/{name}" for name, _ in inside}) or [path]
    return names


def _manifest(hashed: str | None, stores: Sequence[Path]) -> set[tuple[str, str]]:
    """Return the files of a folder and their hashes, if one of the stores has the list."""
    if hashed is None or not hashed.endswith(".dir"):
        return set()
    place = Path("files") / "md5" / hashed[:2] / hashed[2:]
    for store in stores:
        if (store / place).is_file():
            return {(item["relpath"], item["md5"]) for item in json.loads((store / place).read_text())}
    return set()


def _checked(command: list[str], folder: Path) -> Done:
    return processes.checked(processes.run(command, folder))
