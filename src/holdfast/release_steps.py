"""What a release does in each environment, as a list of the commands that people could type one after the other.

Every environment trains its own model from the same commit: what travels is code. `dev` tries it, `uat` also lets it
score and proves that it was this very model that scored, `prod` judges it against the champion and deploys it. A list
ends at the first command that fails, so nothing is promoted that could not score, and nothing is deployed that the
judge has kept. Each command does nothing where it was done before: to go on after a failure is to begin again.
"""

import hashlib
import logging
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from holdfast import files, moves, registry, store
from holdfast.environments import Current
from holdfast.errors import DONE, MISTAKE, REFUSED, UserError, nearest
from holdfast.files import Workspace

logger = logging.getLogger(__name__)

HOLDFAST = (sys.executable, "-m", "holdfast")
PROD = "prod"  # the environment that has a champion
FOLDER = Path("reports", "release")
SCORES, SERVED = "scores", "served"
OF_MAKE = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")  # `make release` calls us, and we call make
STARTING = 300.0  # seconds that a service may take until it says what it serves
EVERY = 5.0


class Step(NamedTuple):
    """A command of a release.

    `patience` is for how many seconds it is tried again where it fails, `done` tells whether there is nothing to do.
    """

    name: str
    command: tuple[str, ...]
    patience: float = 0
    done: Callable[[], bool] = lambda: False


TRAIN = Step("train", ("make", "repro"))
PUBLISH = Step("publish", (*HOLDFAST, "publish"))


class Plan(NamedTuple):
    """What a release is of: a checkout, an environment, who agreed, and where it is deployed to, if anywhere."""

    workspace: Workspace
    environment: Current
    approved_by: tuple[str, ...] = ()
    remote: str = ""
    url: str = ""

    def folder(self, name: str) -> str:
        """Return a folder of this release, as people type it."""
        return (FOLDER / self.environment.name / name).as_posix()


def steps(plan: Plan) -> Iterator[Step]:
    """Give the commands in their order; some can only be said once those before are done.

    Raises: UserError where nothing is known of such an environment.
    """
    name = plan.environment.name
    if name not in KINDS:
        known = f"found no list of steps for it{nearest(name, KINDS)}; there is one for each of {', '.join(KINDS)}"
        raise UserError(f"environment '{name}': {known}.", fix="HOLDFAST_ENV=uat, or add a list in release_steps.py")
    return KINDS[name](plan)


def _dev(_: Plan) -> Iterator[Step]:
    yield TRAIN
    yield PUBLISH
    yield Step("unit tests", ("make", "test-fast"))


def _uat(plan: Plan) -> Iterator[Step]:
    yield TRAIN
    yield Step("as committed", ("make", "committed"))
    yield PUBLISH
    yield from _scored(plan)


def _prod(plan: Plan) -> Iterator[Step]:
    yield from _uat(plan)
    made = _hash(plan)
    agreed = [part for person in plan.approved_by for part in ("--approved-by", person)]
    yield Step("promote", (*HOLDFAST, "promote", made, *agreed), done=lambda: _is_champion(plan, made))
    champion = f"models:/{plan.environment.settings.model}@champion"
    yield Step("export", (*HOLDFAST, "export", plan.folder(SERVED), "--model", champion))
    if plan.remote:
        yield Step("deploy", (*HOLDFAST, "deploy", plan.folder(SERVED), plan.remote))
    if plan.url:
        yield Step("what is served", (*HOLDFAST, "deployed", plan.url), STARTING)


KINDS: dict[str, Callable[[Plan], Iterator[Step]]] = {"dev": _dev, "uat": _uat, PROD: _prod}


def _scored(plan: Plan) -> Iterator[Step]:
    """Let the registry's model score the newest partition, and see that it was the one that was made here.

    It is asked for by its hash: the alias `challenger` may be another's by now, where two releases run at once.
    """
    made = _hash(plan)
    sample, scores = plan.workspace.name(plan.workspace.partitions()[-1]), plan.folder(SCORES)
    yield Step("score a sample", (*HOLDFAST, "score", sample, "--out", scores, "--model", made))
    yield Step("which model scored", (*HOLDFAST, "score", "--check", scores, "--model", made))


def _hash(plan: Plan) -> str:
    """Return the hash of the model that was made here, as `Bundle` has it."""
    return hashlib.sha256(files.read_bytes(plan.workspace.evaluate / "bundle" / "model.json")).hexdigest()


def _is_champion(plan: Plan, made: str) -> bool:
    """Tell whether a model is champion already, as after a release that ended when it was to be deployed."""
    settings = plan.environment.settings
    opened = store.connect(plan.workspace.root, settings.tracking)
    champion = moves.champion(moves.settled(opened, settings.model))
    return champion == registry.find(opened, settings.model, made).number


class Timed(NamedTuple):
    """How a step ended, and after how many seconds."""

    step: Step
    code: int
    seconds: float


def carry_out(todo: Iterable[Step], root: Path, wait: Callable[[float], None] = time.sleep) -> list[Timed]:
    """Run steps until one fails; return those that ran."""
    done: list[Timed] = []
    for step in todo:
        logger.info("\n%s: %s", step.name, _typed(step.command))
        began = time.monotonic()
        there = step.done()
        code = DONE if there else _tried(step, root, wait)
        done.append(Timed(step, code, time.monotonic() - began))
        how = f"exit code {code}" if code else "there already" if there else "done"
        logger.info("%s: %s after %.1f s", step.name, how, done[-1].seconds)
        if code:
            break
    return done


def exit_code(done: list[Timed]) -> int:
    """Return what a release's exit code is: that of the step that ended it, as far as it is one of ours."""
    return {DONE: DONE, REFUSED: REFUSED}.get(done[-1].code, MISTAKE)


def _tried(step: Step, root: Path, wait: Callable[[float], None]) -> int:
    """Run a step, again and again for as long as it has patience; return the last exit code."""
    until = time.monotonic() + step.patience
    while True:
        code = _run(step.command, root)
        if code == DONE or time.monotonic() >= until:
            return code
        logger.info("%s: again in %.0f s", step.name, EVERY)
        wait(EVERY)


def _run(command: tuple[str, ...], root: Path) -> int:
    """Run a command as if it was typed, with the tools of this Python on the path; it says what it says."""
    environment = {name: value for name, value in os.environ.items() if name not in OF_MAKE}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    try:
        return subprocess.run(command, cwd=root, env=environment, check=False).returncode
    except FileNotFoundError as error:
        raise UserError(f"{command[0]}: not found, expected it on the path.", fix=f"install {command[0]}") from error


def _typed(command: tuple[str, ...]) -> str:
    """Return a command as people type it."""
    return shlex.join(["python" if word == sys.executable else word for word in command])
