"""Publish, promote and roll back, and be killed at any step of it: `python crashing.py` kills for real.

A step is a request that changes the store. Between two of them nothing but temporary files is changed, so to be killed
just after each is to be killed anywhere.
"""

import json
import os
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any, get_args

from mlflow import MlflowClient

from holdfast import environments, moves, promotion, publishing, registry, store, tracking
from holdfast.comparison import Comparison, Gate
from holdfast.differences import Difference
from holdfast.judging import NOBODY
from holdfast.metrics import Metric
from holdfast.params import load
from holdfast.report import Report
from holdfast.tracking import Run
from stores import forget

NAME = "flight-delay-dev"
KILLED = 9
STEPS = (
    "create_experiment", "create_run", "log_batch", "log_artifact", "log_artifacts", "set_terminated",
    "create_registered_model", "create_model_version", "set_model_version_tag",
    "set_registered_model_alias", "delete_registered_model_alias",
)  # fmt: skip
BETTER = tuple(Difference(metric, 0.7, 0.8, 0.05, 0.15, "better") for metric in get_args(Metric))
FOR_IT = Report(
    champion=NOBODY,
    challenger=NOBODY,
    comparison=Comparison((Gate("G0", passed=True, text="both can be scored"),), rows=100, differences=BETTER),
)


def publish(root: Path) -> None:
    """Write a run down and register its model, as `publish` does once it has collected what there is."""
    forget()
    bundle, key = root / "bundle", (root / "key").read_text()
    tags = {"owner": "ann", registry.CARD: "[]", registry.FILES: registry.digest(bundle)}
    tags |= dict.fromkeys((registry.COMMIT, registry.DATA, registry.SHA256, "training_window"), key)
    tags |= load(root / "params.yaml").tags
    files = (bundle, f"{registry.MODEL}/data/bundle"), (root / "params.yaml", "")
    many = {f"name {number}": str(number) for number in range(tracking.AT_ONCE + 1)}
    run = Run(key, "a commit", many, {"roc_auc": 0.7}, tags, files)
    opened = store.connect(root)
    publishing._registered(opened, NAME, tracking.record(opened, NAME, run))


def promote(root: Path) -> None:
    """Promote the challenger; the judge, who only reads, has spoken already."""
    forget()
    params = load(root / "params.yaml")
    promotion._judged = lambda *_: replace(FOR_IT)
    promotion.promote(root, params, environments.current(params), moves.CHALLENGER, dry_run=False)


def rollback(root: Path) -> None:
    forget()
    promotion.rollback(root, environments.current(load(root / "params.yaml")), None)


WHAT: dict[str, Callable[[Path], None]] = {"publish": publish, "promote": promote, "rollback": rollback}


def state(root: Path) -> dict[str, Any]:
    """Return all that a store says, but for ids and times."""
    forget()
    opened = store.connect(root)
    experiment = opened.client.get_experiment_by_name(NAME)
    assert experiment is not None
    runs = opened.client.search_runs([experiment.experiment_id], order_by=["attributes.start_time"])
    return {
        "runs": [
            (one.info.status, one.data.params, one.data.metrics, one.data.tags[tracking.KEY], files_of(opened, one))
            for one in runs
        ],
        "versions": [(one.number, one.aliases, one.tags) for one in registry.versions(opened, NAME)],
        "moves": [(one.kind, one.champion, one.before, one.verdict) for one in moves.settled(opened, NAME)],
    }


def files_of(opened: store.Store, run: Any) -> list[str]:
    """Return the files of a run; to judge twice leaves two comparisons, which differ in their moment."""
    return sorted({re.sub(r"\d{8}T\d{6}\.\d+Z", "then", path) for path in listed(opened, run)})


def listed(opened: store.Store, run: Any, folder: str | None = None) -> list[str]:
    """Return the files of a run."""
    found = opened.client.list_artifacts(run.info.run_id, folder)
    return sorted(
        path
        for one in found
        for path in (listed(opened, run, one.path) if one.is_dir else [f"{one.path} {one.file_size}"])
    )


def killed(what: str, root: Path, step: int) -> int:
    """Do something in a process that is killed after a step; return how that process ended."""
    child = os.fork()
    if not child:
        numbers = count()
        for name in STEPS:
            setattr(MlflowClient, name, _deadly(getattr(MlflowClient, name), lambda: next(numbers) == step))
        try:
            WHAT[what](root)
        finally:
            os._exit(1 if sys.exc_info()[0] else 0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _deadly(request: Callable[..., Any], is_now: Callable[[], bool]) -> Callable[..., Any]:
    def made(*arguments: Any, **named: Any) -> Any:
        now, found = is_now(), request(*arguments, **named)
        if now:
            os._exit(KILLED)
        return found

    return made


if __name__ == "__main__":
    ends = [killed(what, Path(root), step) for what, root, step in json.load(sys.stdin)]
    sys.stdout.write(json.dumps(ends))
