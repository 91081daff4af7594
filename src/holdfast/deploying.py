"""What is pushed to a platform that builds from Git, as Heroku does: the code of HEAD, with an exported model in it.

The commit that is pushed stands on HEAD and adds the model's folder to it. It is made of these two alone, so the same
code and model are the same commit, and to deploy them twice does nothing. Neither the working tree nor a branch here is
touched. The platform's key goes to Git as a setting of this one push: it is on no command line and in no file.
"""

import logging
import os
import subprocess
from base64 import b64encode
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

from holdfast import bundle, commits, terminal
from holdfast.errors import UserError

logger = logging.getLogger(__name__)

SERVED = "served"  # the service finds the model there: MODEL_URI=served
BRANCH = "refs/heads/main"  # the one that Heroku builds
HEROKU = "https://git.heroku.com/"
WHO = "holdfast"


def push(root: Path, folder: Path, remote: str) -> str:
    """Push HEAD with the bundle of a folder to a remote, and return the commit.

    Raises: UserError where the folder holds no bundle, or Git or the platform refuses.
    """
    missing = [name for name in (*bundle.FILES, bundle.RELEASE) if not (folder / name).is_file()]
    if missing:
        problem = f"{folder}: found no {missing[0]}, expected an exported bundle."
        raise UserError(problem, fix=f"python -m holdfast export {folder} --model champion")
    commit = _commit(root, folder)
    logger.info("pushing %s, which is HEAD with the model in %s/, to %s", commit[:7], SERVED, remote)
    _git(root, "push", "--force", remote, f"{commit}:{BRANCH}", environment=_key(remote), shown=True)
    return commit


def _commit(root: Path, folder: Path) -> str:
    """Make the commit, by way of an index of its own."""
    head = commits.find(root, "HEAD").hash
    moment = _git(root, "show", "--no-patch", "--format=%ct +0000", head)
    with TemporaryDirectory(prefix="holdfast-") as scratch:
        own = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
        _git(root, "read-tree", head, environment=own)
        for path in sorted(file for file in folder.iterdir() if file.is_file()):
            blob = _git(root, "hash-object", "-w", "--no-filters", str(path.resolve()))
            entry = f"100644,{blob},{SERVED}/{path.name}"
            _git(root, "update-index", "--add", "--cacheinfo", entry, environment=own)
        tree = _git(root, "write-tree", environment=own)
    for role in ("AUTHOR", "COMMITTER"):
        own |= {f"GIT_{role}_NAME": WHO, f"GIT_{role}_EMAIL": WHO, f"GIT_{role}_DATE": moment}
    return _git(root, "commit-tree", tree, "-p", head, "-m", f"deploy: {head[:7]} with its model", environment=own)


def _key(remote: str) -> dict[str, str]:
    """Return the settings with which Git shows Heroku the key, and no one else."""
    key = os.environ.get("HEROKU_API_KEY", "")
    if not key or not remote.startswith(HEROKU):
        return {}
    shown = b64encode(f"heroku:{key}".encode()).decode()
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{HEROKU}.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {shown}",
        "GIT_TERMINAL_PROMPT": "0",
    }


def _git(root: Path, *command: str, environment: dict[str, str] | None = None, shown: bool = False) -> str:
    """Run Git with more environment, and return what it said, unless it is shown as it comes."""
    end = None if shown else subprocess.PIPE
    with terminal.handed_over() if shown else nullcontext():
        done = subprocess.run(
            ["git", *command], cwd=root, env={**os.environ, **(environment or {})}, text=True,
            stdin=subprocess.DEVNULL, stdout=end, stderr=end, check=False,
        )  # fmt: skip
    if done.returncode:
        said = "it says why above" if shown else " ".join(done.stderr.split())
        raise UserError(f"git {command[0]}: exited with {done.returncode}: {said}.", fix="mend that, then deploy again")
    return "" if shown else done.stdout.strip()
