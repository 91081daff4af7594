"""A sweep in the MLflow store: one run for all of it, and below it one for each point that was reproduced."""

import hashlib
import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from holdfast import commits, files, grids, provenance, sweep_table, tracking
from holdfast.store import Store
from holdfast.sweeps import Outcome, Sweep
from holdfast.tracking import Run


def publish(root: Path, store: Store, experiment: str, sweep: Sweep) -> str:
    """Write a sweep down, and return the id of its run; what is written already is left as it is.

    Raises: UserError where the store does not take it.
    """
    with TemporaryDirectory(prefix="holdfast-") as scratch:
        whole = parent(root, sweep, Path(scratch))
        run = tracking.record(store, experiment, whole)
        for outcome in _done(sweep):
            tracking.record(store, experiment, child(whole, sweep, outcome, Path(scratch)), run)
    return run


def parent(root: Path, sweep: Sweep, scratch: Path) -> Run:
    """Return the run of a whole sweep: its key is the commit, the lock file, and the points that were reproduced."""
    side = provenance.side(root, None, "")
    table = scratch / "table.txt"
    files.write_bytes(table, "\n".join([*sweep_table.table(sweep), ""]).encode())
    points = [outcome.trial.point for outcome in sweep.outcomes]
    tried = {name: [grids.shown(point[name]) for point in points if name in point] for name in sweep.plan.names}
    return Run(
        key=_hash("sweep", side.commit, side.lock, *(outcome.trial.name for outcome in _done(sweep))),
        name=f"sweep of {', '.join(grids.short(sweep.plan.names)) or 'nothing'}",
        params={name: " | ".join(dict.fromkeys(values)) for name, values in tried.items()},
        metrics={_metric(sweep): min(outcome.loss or 0.0 for outcome in _done(sweep))},
        tags={
            "holdfast.commit": side.commit,
            "holdfast.data": side.data,
            "holdfast.lock": side.lock,
            "holdfast.dirty": json.dumps(bool(commits.git(root, "status", "--porcelain").stdout)),
        },
        artifacts=((table, ""),),
    )


def child(whole: Run, sweep: Sweep, outcome: Outcome, scratch: Path) -> Run:
    """Return the run of a point, with all that `train` tried for it."""
    tried = scratch / outcome.trial.name / "tried.csv"
    tried.parent.mkdir()
    if outcome.tried:
        shutil.copyfile(outcome.tried, tried)
    content = yaml.safe_load(outcome.trial.text)
    return Run(
        key=_hash(whole.key, outcome.trial.name),
        name=grids.said(outcome.trial.point) or "as it is",
        params=provenance.flat({section: content[section] for section in grids.SECTIONS}),
        metrics={_metric(sweep): outcome.loss or 0.0},
        tags={**whole.tags, "holdfast.experiment": outcome.trial.name},
        artifacts=((tried, ""),),
    )


def _done(sweep: Sweep) -> list[Outcome]:
    return [outcome for outcome in sweep.outcomes if outcome.loss is not None]


def _metric(sweep: Sweep) -> str:
    """Name the loss as one of the validation rows."""
    return f"validation_{sweep.plan.metric}"


def _hash(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
