"""What a release does in each environment, as a list of the commands that people could type one after the other.

Every environment trains its own model from the same commit: what travels is code. `dev` tries it, `uat` also lets it
score and proves that it was this very model that scored, `prod` judges it against the champion and deploys it. A list
ends at the first command that fails, so nothing is promoted that could not score, and nothing is deployed that the
judge has kept. Each command does nothing where it was done before: to go on after a failure is to begin again.
"""

import logging
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from holdfast import commits, moves, registry, store, terminal
from holdfast import model as models
from holdfast.bundle import SHORT
from holdfast.environments import Current
from holdfast.errors import DONE, MISTAKE, REFUSED, RefusedError, UserError, nearest
from holdfast.files import Workspace
from holdfast.store import Store

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

    `patience` is for how many seconds it is tried again where it is refused (what is to be mended is not tried again),
    `done` tells whether there is nothing to do.
    """

    name: str
    command: tuple[str, ...]
    patience: float = 0
    done: Callable[[], bool] = lambda: False


TRAIN = Step("train", ("make", "repro"))
COMMITTED = Step("as committed", ("make", "committed"))
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


def _published() -> Iterator[Step]:
    yield TRAIN
    yield COMMITTED
    yield PUBLISH


def _dev(plan: Plan) -> Iterator[Step]:
    yield from _published()
    _version(plan)
    yield Step("unit tests", ("make", "test-fast"))


def _uat(plan: Plan) -> Iterator[Step]:
    yield from _published()
    yield from _scored(plan, _version(plan))


def _prod(plan: Plan) -> Iterator[Step]:
    yield from _published()
    number = _version(plan)
    yield from _scored(plan, number)
    agreed = [part for person in plan.approved_by for part in ("--approved-by", person)]
    promote = (*HOLDFAST, "promote", str(number), *agreed)
    yield Step("promote", promote, done=lambda: _champion(plan) == number)
    _require_champion(plan, number)
    version = f"models:/{plan.environment.settings.model}/{number}"
    yield Step("export", (*HOLDFAST, "export", plan.folder(SERVED), "--model", version))
    if plan.remote:
        _require_champion(plan, number)
        yield Step("deploy", (*HOLDFAST, "deploy", plan.folder(SERVED), plan.remote))
    if plan.url:
        yield Step("what is served", (*HOLDFAST, "deployed", plan.url), STARTING)


KINDS: dict[str, Callable[[Plan], Iterator[Step]]] = {"dev": _dev, "uat": _uat, PROD: _prod}


def _scored(plan: Plan, number: int) -> Iterator[Step]:
    """Let the registry's model score the newest partition, and see that it was the one that was made here."""
    sample, scores = plan.workspace.name(plan.workspace.partitions()[-1]), plan.folder(SCORES)
    yield Step("score a sample", (*HOLDFAST, "score", sample, "--out", scores, "--model", str(number)))
    yield Step("which model scored", (*HOLDFAST, "score", "--check", scores, "--model", str(number)))


def _version(plan: Plan) -> int:
    """Return the version that was registered of this commit, with the model that was made here.

    Everything after goes by its number: the alias `challenger` may be another's by now, where two releases run at once,
    and two commits may make the same model.

    Raises: UserError where there is none: nothing is released that was not registered.
    """
    opened, name = _registry(plan)
    made = models.identity(plan.workspace.evaluate / "bundle")
    head = commits.find(plan.workspace.root, "HEAD").hash
    for version in reversed(registry.versions(opened, name)):
        if (version.commit, version.sha256) == (head, made):
            return version.number
    problem = f"{name}: found no version of commit {head[:SHORT]} with the model {made[:SHORT]} that was made here."
    raise UserError(problem, fix="commit dvc.lock, params.yaml and data.dvc: only what is committed is registered")


def _champion(plan: Plan) -> int | None:
    """Return the number of the champion; it may be this release's, where that ended when it was to be deployed."""
    return moves.champion(moves.settled(*_registry(plan)))


def _require_champion(plan: Plan, number: int) -> None:
    """Refuse to deploy what was promoted, but is champion no more.

    Raises: RefusedError where somebody has made another champion meanwhile.
    """
    champion = _champion(plan)
    if champion != number:
        now = f"version {champion} is" if champion else "nobody is"
        problem = f"{plan.environment.settings.model}: version {number} is not champion any more, {now}."
        remedy = f"`{moves.AGAIN}` says who did that; to go on with version {number}, release its commit again"
        raise RefusedError(problem, fix=remedy)


def _registry(plan: Plan) -> tuple[Store, str]:
    settings = plan.environment.settings
    return store.connect(plan.workspace.root, settings.tracking), settings.model


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
    """Run a step, again and again while it is refused and has patience; return the last exit code."""
    until = time.monotonic() + step.patience
    while True:
        code = _run(step.command, root)
        if code != REFUSED or time.monotonic() >= until:
            return code
        logger.info("%s: again in %.0f s", step.name, EVERY)
        wait(EVERY)


def _run(command: tuple[str, ...], root: Path) -> int:
    """Run a command as if it was typed, with the tools of this Python on the path; it says what it says."""
    environment = {name: value for name, value in os.environ.items() if name not in OF_MAKE}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    try:
        with terminal.handed_over():
            return subprocess.run(command, cwd=root, env=environment, check=False).returncode
    except FileNotFoundError as error:
        raise UserError(f"{command[0]}: not found, expected it on the path.", fix=f"install {command[0]}") from error


def _typed(command: tuple[str, ...]) -> str:
    """Return a command as people type it."""
    return shlex.join(["python" if word == sys.executable else word for word in command])
