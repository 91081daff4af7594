"""The first promise: any commit rebuilds to the same bytes.

`rebuild` clones a commit with nothing but what Git and the DVC remote hold, runs every stage, and
compares what came out with the `dvc.lock` that was committed, file by file.
"""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from holdfast.errors import UserError

logger = logging.getLogger(__name__)

Hashes = dict[str, str]
LOCK = "requirements-work.txt"


def stale_stages(root: Path) -> list[str]:
    """Return the stages that `dvc repro` would run; data that is not here counts as what `dvc.lock` says.

    Raises: UserError where DVC cannot tell.
    """
    found = _run(["dvc", "repro", "--dry", "--allow-missing"], root, check=False)
    running = [line.split("'")[1] for line in found.stdout.splitlines() if line.startswith("Running stage '")]
    if found.returncode and not running:
        raise UserError(f"dvc repro --dry: {found.stderr.strip()}", fix="dvc status")
    return running


def rebuild(root: Path, clone: Path, revision: str) -> list[str]:
    """Reproduce a revision in a new clone without any cache; return the artifacts whose bytes differ.

    Raises: UserError where Git or DVC fails.
    """
    commit = _run(["git", "rev-parse", "--verify", f"{revision}^{{commit}}"], root).stdout.strip()
    if _run(["git", "status", "--porcelain", "--untracked-files=no"], root).stdout:
        logger.info("note: the working tree has changes that are not committed; they are not checked")
    logger.info("cloning %s", commit[:12])
    _run(["git", "clone", "--quiet", "--no-checkout", str(root), str(clone)], root)
    _run(["git", "checkout", "--quiet", "--detach", commit], clone)
    logger.info("pulling its data and reproducing every stage")
    _run(["dvc", "pull", "--quiet", "data.dvc"], clone)
    if (clone / LOCK).read_bytes() != (root / LOCK).read_bytes():
        logger.info("note: that commit's %s is another than the one here; its bytes may need its environment", LOCK)
    recorded = lock_hashes(clone)
    _run(["dvc", "repro", "--quiet", "--force"], clone, check=True, shown=True)
    return _differing(recorded, lock_hashes(clone), clone)


def lock_hashes(root: Path) -> Hashes:
    """Return the hash of each artifact that `dvc.lock` records."""
    path = root / "dvc.lock"
    if not path.is_file():
        raise UserError("dvc.lock: not found, expected one that was committed.", fix="dvc repro, then commit dvc.lock")
    stages: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))["stages"]
    return {out["path"]: out["md5"] for stage in stages.values() for out in stage.get("outs", [])}


def _differing(recorded: Hashes, rebuilt: Hashes, clone: Path) -> list[str]:
    """Name what differs; inside a folder, its files where the recorded list of them can be had."""
    names = []
    for path in sorted(recorded | rebuilt):
        before, now = recorded.get(path), rebuilt.get(path)
        if before == now:
            continue
        known = _manifest(before, clone)
        inside = known ^ _manifest(now, clone) if known else set()
        names += sorted({f"{path}/{name}" for name, _ in inside}) or [path]
    return names


def _manifest(hashed: str | None, clone: Path) -> set[tuple[str, str]]:
    """Return the files of a folder and their hashes, if the clone's cache or the embedded remote has the list."""
    if hashed is None or not hashed.endswith(".dir"):
        return set()
    place = Path("files") / "md5" / hashed[:2] / hashed[2:]
    for store in (clone / ".dvc" / "cache", clone / "dvc-remote"):
        if (store / place).is_file():
            return {(item["relpath"], item["md5"]) for item in json.loads((store / place).read_text())}
    return set()


def _run(
    command: list[str], folder: Path, *, check: bool = True, shown: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run Git or DVC; the tools beside this Python come first on the path, so that no activation is needed."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    environment = {**os.environ, "PATH": path}
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, text=True, check=False,
            stdout=subprocess.PIPE, stderr=None if shown else subprocess.PIPE,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise UserError(
            f"{command[0]}: not found, expected it on the path.", fix="make setup, and install Git"
        ) from error
    if check and done.returncode:
        said = (done.stderr or "what it said stands above").strip()
        raise UserError(f"{' '.join(command)}: {said}", fix="mend that, then run the command again")
    return done
