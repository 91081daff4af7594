"""A sweep: the points of a grid, each one an experiment of DVC, compared on the validation rows.

Each point is reproduced as far as `train`, which keeps the loss on the validation rows by which it chooses among its
own candidates (`tried.csv`): the log loss, or where a number is predicted the RMSE. Nothing here scores the holdout:
only what is committed and proposed is judged there.

The points are run one after the other by `dvc exp run`, in one copy of the tree. DVC's own queue is not used: it hands
the points to a worker in the background, which outlives the command and is known to hang. One copy also means that what
comes before `train` is made at most once. What is done is kept as an experiment, under a name that follows from all
that `train` depends on: the same sweep again, after it was interrupted, or another with points in common, takes it.
"""

import hashlib
import json
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import pandas as pd
import yaml

from holdfast import commits, contenders, files, grids, params, params_text, processes, rebuild, scratch, versions
from holdfast.commits import Commit
from holdfast.errors import UserError
from holdfast.estimators import LOSSES
from holdfast.files import Workspace
from holdfast.grids import Point
from holdfast.metrics import LABELS, Metric

logger = logging.getLogger(__name__)

STAGE = "train"
TRIED = "artifacts/train/tried.csv"
PREFIX = "sweep-"


class Trial(NamedTuple):
    """A point, the text of params.yaml that states it, and the name of its experiment."""

    point: Point
    text: str
    name: str


class Outcome(NamedTuple):
    """What came of a point: its loss on the validation rows, or why there is none."""

    trial: Trial
    commit: str = ""
    loss: float | None = None
    seconds: float | None = None  # None: it was done before
    reason: str = ""
    tried: Path | None = None


class Plan(NamedTuple):
    """The points to try, the parameters of this tree first; which of them vary; params.yaml; what is measured."""

    trials: tuple[Trial, ...]
    names: tuple[str, ...]
    text: str
    metric: Metric = "log_loss"

    @property
    def loss(self) -> str:
        """What people call that."""
        return LABELS[self.metric]


class Sweep(NamedTuple):
    """What came of a plan, in its order."""

    plan: Plan
    outcomes: tuple[Outcome, ...]

    @property
    def winner(self) -> Outcome | None:
        """The point with the least loss; of equals the first, so that nothing is changed without a gain."""
        done = [outcome for outcome in self.outcomes if outcome.loss is not None]
        return min(done, key=lambda outcome: outcome.loss or 0.0) if done else None

    @property
    def gains(self) -> Point:
        """What the winner has other than this tree; nothing where it is no better."""
        winner, now = self.winner, self.outcomes[0]
        if winner is None or winner is now:
            return {}
        return {name: value for name, value in winner.trial.point.items() if now.trial.point.get(name) != value}


def plan(root: Path, settings: Sequence[str]) -> Plan:
    """Expand the settings; nothing is run before all of them are known to be good.

    Raises: UserError where they are none that params.yaml could have.
    """
    path = Workspace(root).params
    metric = cast("Metric", LOSSES[params.load(path).data.target.kind])
    text = path.read_text(encoding="utf-8")
    grid = grids.expand(settings, yaml.safe_load(text))
    identity = _Identity(root)
    texts = [params_text.edited(text, point) for point in grid.points]
    trials = [Trial(point, one, identity.name(one)) for point, one in zip(grid.points, texts, strict=True)]
    return Plan(tuple(trials), grid.names, text, metric)


def run(root: Path, planned: Plan) -> Sweep:
    """Run every point that is not done yet.

    Raises: UserError where no copy of the tree can be made.
    """
    outcomes = {trial.name: found for trial in planned.trials if (found := _found(root, trial, planned.metric))}
    todo = [trial for trial in planned.trials if trial.name not in outcomes]
    logger.info("%d points, of which %d are done", len(planned.trials), len(outcomes))
    if todo:
        workspace = Workspace(root)
        with scratch.copied(root, [workspace.prepare, workspace.featurize]) as copy:
            for number, trial in enumerate(todo, start=1):
                logger.info("%d of %d: %s", number, len(todo), grids.said(trial.point))
                outcomes[trial.name] = found = _run(root, copy, trial, planned.metric)
                said = found.reason or f"{planned.loss} {found.loss:.6f}"
                logger.info("  %s after %.1f s", said, found.seconds)
    return Sweep(planned, tuple(outcomes[trial.name] for trial in planned.trials))


def offer(sweep: Sweep) -> list[str]:
    """Say what would be written into params.yaml."""
    if not sweep.gains:
        return ["no point is better than params.yaml as it is"]
    return [f"better than params.yaml as it is: {grids.said(sweep.gains)}; --set-winner writes it there"]


def take(root: Path, sweep: Sweep) -> list[str]:
    """Write the winner into params.yaml, and say what is next.

    Raises: UserError where somebody changed the file meanwhile.
    """
    path = Workspace(root).params
    if not sweep.gains:
        return ["no point is better than params.yaml as it is: nothing to write"]
    if path.read_text(encoding="utf-8") != sweep.plan.text:
        problem = "params.yaml: found it changed since the sweep began; nothing was written."
        raise UserError(problem, fix="run the same sweep again: what is done is not run again")
    draft = path.with_name(".params.yaml.partial")
    try:
        files.write_bytes(draft, params_text.edited(sweep.plan.text, sweep.gains).encode())
        draft.replace(path)
    except OSError as error:
        remedy = "make room on the disk, or the folder writable, and run the same sweep again: what is done is kept"
        raise UserError(f"params.yaml: not written: {error.strerror}.", fix=remedy) from error
    finally:
        draft.unlink(missing_ok=True)
    return [
        f"params.yaml: now {grids.said(sweep.gains)}",
        "next: `dvc repro`, `python -m holdfast report`, then commit",
    ]


def _run(root: Path, copy: Path, trial: Trial, metric: Metric) -> Outcome:
    """Run a point as an experiment in the copy, and bring the experiment home."""
    start = time.perf_counter()
    files.write_bytes(Workspace(copy).params, trial.text.encode())
    message = f"sweep: {grids.said(trial.point)}"
    done = processes.run(["dvc", "exp", "run", "--name", trial.name, "--message", message, STAGE], copy)
    seconds = time.perf_counter() - start
    for ref, _ in _experiments(copy, trial.name):
        processes.checked(commits.git(root, "fetch", "--quiet", str(copy), f"+{ref}:{ref}"))
    found = None if done.returncode else _found(root, trial, metric)
    if found is None:
        return Outcome(trial, seconds=seconds, reason=contenders.told(done.stderr)[0])
    return found._replace(seconds=seconds)


def _found(root: Path, trial: Trial, metric: Metric) -> Outcome | None:
    """Return the outcome of an experiment that was done, if its results are still to be had."""
    for _, revision in _experiments(root, trial.name):
        commit = Commit(revision, trial.name)
        try:
            md5 = rebuild.recorded(root, commit, TRIED)
            tried = versions.objects(root, [md5], commit)[md5] if md5 else None
        except UserError:
            continue
        if tried is None:
            continue
        return Outcome(trial, revision, float(pd.read_csv(tried)[metric].min()), tried=tried)
    return None


def _experiments(root: Path, name: str) -> list[tuple[str, str]]:
    """Return the experiments of a name, on whichever commit: their refs and commits."""
    said = commits.git(root, "for-each-ref", "--format=%(refname) %(objectname)", f"refs/exps/*/*/{name}").stdout
    return [(ref, revision) for ref, revision in (line.split() for line in said.splitlines())]


class _Identity:
    """All that `train` depends on, but for the parameters: code, data and environment, as they are in the tree."""

    def __init__(self, root: Path) -> None:
        described = yaml.safe_load((root / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
        makers = {path: stage for stage, one in described.items() for path in _names(one.get("outs", []))}
        stages, deps = [STAGE], set[str]()
        for stage in stages:
            for dep in _names(described[stage].get("deps", [])):
                if dep not in makers:
                    deps.add(dep)
                elif makers[dep] not in stages:
                    stages.append(makers[dep])
        self.sections = sorted({name for stage in stages for name in _names(described[stage].get("params", []))})
        self.rest = {dep: _hash(root, dep) for dep in sorted(deps)}
        self.rest |= {f"stage {stage}": json.dumps(described[stage]) for stage in sorted(stages)}

    def name(self, text: str) -> str:
        """Return the name of the experiment with this params.yaml."""
        content = yaml.safe_load(text)
        known = {"rest": self.rest, "params": {section: content[section] for section in self.sections}}
        return PREFIX + hashlib.sha256(json.dumps(known, sort_keys=True, default=str).encode()).hexdigest()[:12]


def _names(entries: list[Any]) -> list[str]:
    return [entry if isinstance(entry, str) else next(iter(entry)) for entry in entries]


def _hash(root: Path, dep: str) -> str:
    """Return the hash of a file; of what DVC tracks, of the file that names its version."""
    tracked = root / f"{dep}.dvc"
    return hashlib.sha256(files.read_bytes(tracked if tracked.is_file() else root / dep)).hexdigest()
