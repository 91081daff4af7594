"""A model, the code that it belongs to, and the scores that the one gives with the other.

A commit's model is scored by that commit's own code, in a Git worktree, and in the environment of that commit's lock
where it is another than today's. The model comes from DVC's cache or remote, or is made again on the spot.
"""

import hashlib
import json
import logging
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from holdfast import commits, files, processes, rebuild, versions
from holdfast.commits import Commit
from holdfast.differences import Scored
from holdfast.errors import UserError
from holdfast.files import Workspace
from holdfast.model import FILES

logger = logging.getLogger(__name__)

SCORER = Path(__file__).with_name("scorer.py")
MODEL = "artifacts/train/model"
FOR_PEOPLE = {"label", "help", "question", "names", "min", "max"}  # of a target: another question has another answer
AGAIN = "make the model again with `dvc repro`, or compare with another commit"
SAID = re.compile(r"error: (?P<problem>.+?)\s*\n\s*fix: (?P<fix>.+)", re.DOTALL)


class UnscorableError(UserError):
    """Report that a model is not to be had, or does not score the rows."""


@dataclass(frozen=True)
class Contender:
    """A model folder, the checkout whose code scores with it, and the Python that runs that code."""

    name: str
    model: Path
    code: Path
    python: Path
    source: str

    @property
    def size(self) -> int:
        """The bytes of its files."""
        return sum(path.stat().st_size for path in self.model.rglob("*") if path.is_file())

    @property
    def target(self) -> dict[str, Any]:
        """What it predicts: the column, and the labels or the unit, but not how people are told of it.

        Raises: UnscorableError where the model does not say.
        """
        try:
            told = json.loads((self.model / "model.json").read_text(encoding="utf-8"))["facts"]["data"]["target"]
            known = {"kind": "binary"} | {name: value for name, value in told.items() if name not in FOR_PEOPLE}
            return known | {"excluded": sorted(told.get("excluded", []))}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UnscorableError(f"{self.name} does not say what it predicts", fix=AGAIN) from error

    def score(self, rows: pd.DataFrame) -> Scored:
        """Score rows by the code of the model's own commit.

        Raises: UnscorableError where the model or its code cannot.
        """
        with tempfile.TemporaryDirectory(prefix="holdfast-") as folder:
            path = Path(folder) / "rows.parquet"
            files.write(path, rows)
            self._run(path)
            facts = json.loads(path.with_name("facts.json").read_text(encoding="utf-8"))
            found = dict(np.load(path.with_suffix(".npz")))
        for what, values in found.items():
            if values.shape[:1] != (len(rows),) or values.ndim > (2 if what == "scores" else 1):
                problem = f"{self.name} gives {what} of shape {values.shape} for {len(rows):,} rows"
                raise UnscorableError(problem, fix=AGAIN)
        return Scored(found["scores"], found["seen"], facts["threshold"], self.size, facts["latency"])

    def _run(self, path: Path) -> None:
        command = [str(self.python), "-P", str(SCORER), str(self.model), str(path)]
        environment = processes.environment(self.python) | {"PYTHONPATH": str(self.code / "src")}
        done = subprocess.run(
            command, env=environment, encoding="utf-8", errors="replace", capture_output=True, check=False
        )
        if done.returncode:
            problem, fix = told(done.stderr)
            for place, name in ((path.parent, "rows"), (self.model, "model"), (self.code, "checkout")):
                problem = problem.replace(str(place), f"<{name}>")  # the same words wherever it is said
            raise UnscorableError(f"{self.name} does not score the rows: {problem}", fix=fix)


def here(root: Path) -> Contender:
    """Return the model of the working tree."""
    return Contender("the challenger", Workspace(root).train / "model", root, Path(sys.executable), "this working tree")


def of_folder(root: Path, folder: Path) -> Contender:
    """Return the model of a folder; the code of the working tree scores with it.

    Raises: UserError where there is no model.
    """
    if not (folder / "model.json").is_file():
        problem = f"{files.shown(folder)}: found no model.json, expected the folder of a model."
        raise UserError(problem, fix="name a folder that `Model.save` wrote, such as artifacts/train/model")
    return Contender("the champion", folder, root, Path(sys.executable), f"folder {files.shown(folder)}")


@contextmanager
def of_commit(root: Path, commit: Commit) -> Iterator[Contender]:
    """Give the model of a commit, with its code and its environment, for as long as the block lasts.

    Raises: UnscorableError where the commit has no model, or it is not to be had.
    """
    recorded = recorded_model(root, commit)
    with (
        tempfile.TemporaryDirectory(prefix="holdfast-") as folder,
        commits.worktree(root, commit, Path(folder) / "code") as code,
    ):
        python, model = python_of(root, code, commit), Path(folder) / "model"
        source = _fetched(root, recorded, commit, model) or _rebuilt(root, code, python, recorded, commit, model)
        yield Contender("the champion", model, code, python, source)


@contextmanager
def of_release(root: Path, name: str, bundle: Path, commit: Commit | None) -> Iterator[Contender]:
    """Give a model that was released, with the code and the environment of its commit, as long as the block lasts.

    Where this clone does not have the commit, the code of the working tree scores with it.

    Raises: UnscorableError where its environment cannot be set up.
    """
    with tempfile.TemporaryDirectory(prefix="holdfast-") as folder:
        model = Path(folder) / "model"
        model.mkdir()
        for file in FILES:
            shutil.copyfile(bundle / file, model / file)
        if commit is None:
            yield Contender(name, model, root, Path(sys.executable), "the registry (scored by the code here)")
            return
        with commits.worktree(root, commit, Path(folder) / "code") as code:
            yield Contender(name, model, code, python_of(root, code, commit), "the registry")


def recorded_model(root: Path, commit: Commit) -> str:
    """Return the hash by which DVC knows the model of a commit.

    Raises: UnscorableError where its `dvc.lock` has none.
    """
    recorded = rebuild.recorded(root, commit, MODEL)
    if recorded is None:
        remedy = "run `dvc repro` on the base, and commit the dvc.lock that it writes"
        raise UnscorableError(f"{commit.name} has no model: its dvc.lock records none", fix=remedy)
    return recorded


def _fetched(root: Path, recorded: str, commit: Commit, model: Path) -> str:
    """Copy the model out of DVC's cache or remote; return where it was, or nothing."""
    try:
        versions.copy_folder(root, recorded, commit, model)
    except UserError:
        shutil.rmtree(model, ignore_errors=True)
        return ""
    return "DVC's cache or remote"


def _rebuilt(root: Path, code: Path, python: Path, recorded: str, commit: Commit, model: Path) -> str:
    """Make the model again, by the commit's own code, from its data."""
    logger.info("the model of %s is in no cache: making it again", commit.name)
    done = rebuild.reproduce(root, code, python, "train")
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        problem = f"the model of {commit.name} is in no cache, and `{' '.join(done.args)}` failed: {said[0]}"
        raise UnscorableError(problem, fix=f"where it was made: git checkout {commit.hash[:7]} && dvc push")
    made = rebuild.lock_hashes(code)[MODEL]
    if made != recorded:
        problem = f"the model of {commit.name} was made again, and is not the one that its dvc.lock records"
        raise UnscorableError(problem, fix=f"python -m holdfast rebuild-check {commit.hash[:7]}")
    shutil.copytree(code / MODEL, model)
    return "made again"


def python_of(root: Path, code: Path, commit: Commit) -> Path:
    """Return the Python of a commit's environment: this one, or where its lock is another, one made from that."""
    lock = code / rebuild.LOCK
    if not lock.is_file():
        raise UnscorableError(f"{commit.name} has no {rebuild.LOCK}", fix="compare with a commit that has one")
    content = lock.read_bytes()
    if content == (root / rebuild.LOCK).read_bytes():
        return Path(sys.executable)
    made_from = content + sys.version.encode()
    folder = Workspace(root).environments / hashlib.sha256(made_from).hexdigest()[:16]
    python = folder / "bin" / "python"
    if not ((folder / "complete").exists() and python.exists()):
        logger.info("%s has another %s: setting up its environment, which takes minutes, once", commit.name, lock.name)
        _make_environment(folder, python, lock, commit)
    return python


def _make_environment(folder: Path, python: Path, lock: Path, commit: Commit) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    try:
        venv.create(folder, with_pip=True)
    except (OSError, subprocess.CalledProcessError) as error:
        problem = f"the environment of {commit.name} was not set up: {error}"
        raise UnscorableError(problem, fix="install the modules venv and ensurepip of this Python") from error
    # Nothing is compiled ahead: to score needs a tenth of the lock, and Python compiles that when it first loads it.
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    install += ["--require-hashes", "-r", str(lock)]
    done = subprocess.run([str(python), *install], text=True, capture_output=True, check=False)
    if done.returncode:
        shutil.rmtree(folder, ignore_errors=True)
        said = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        problem = f"the environment of {commit.name} was not set up from its {lock.name}: {said[0]}"
        raise UnscorableError(problem, fix="mend the connection to the package index, then run it again")
    (folder / "complete").touch()


def told(said: str) -> tuple[str, str]:
    """Return the problem and the remedy in what a process said before it failed."""
    found = SAID.search(said)
    if found:
        return " ".join(found["problem"].split()).rstrip("."), " ".join(found["fix"].split())
    last = next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "it said nothing")
    return last, AGAIN
