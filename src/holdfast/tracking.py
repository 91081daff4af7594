"""Runs: what was tried, with its parameters, metrics and files, written down once.

A run has a key, which says what it is a run of, and counts only when it is finished. One that is there already is left
as it is; one that was broken off is gone on with, for to write the same twice changes nothing.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from holdfast.errors import UserError
from holdfast.store import Store, asked

KEY = "holdfast.key"
LONGEST = 5_000  # characters of a value; MLflow takes 6,000
AT_ONCE = 100  # parameters, or tags, in one request
UNNAMEABLE = re.compile(r"[^A-Za-z0-9_\-. :/]")


class Run(NamedTuple):
    """What is written down; `artifacts` are files or folders, each with the folder of the run that it goes into."""

    key: str
    name: str
    params: Mapping[str, str] = {}
    metrics: Mapping[str, float] = {}
    tags: Mapping[str, str] = {}
    artifacts: tuple[tuple[Path, str], ...] = ()


def finished(store: Store, experiment: str, key: str) -> str | None:
    """Return the id of the run of a key, if it was written to its end."""
    with asked(store.address):
        known = _of_key(store, _experiment(store, experiment), key)
    return next((str(one.info.run_id) for one in known if one.info.status == "FINISHED"), None)


def record(store: Store, experiment: str, run: Run, parent: str | None = None) -> str:
    """Write a run down unless it is there already, and return its id; `parent` is the id of the one it belongs to.

    Raises: UserError where the store does not take it; nothing of it then counts.
    """
    known = finished(store, experiment, run.key)
    if known:
        return known
    with asked(store.address):
        place = _experiment(store, experiment)
        family = {"mlflow.parentRunId": parent} if parent else {}
        tags = {**_cut(run.tags), **family, KEY: run.key}
        if not _of_key(store, place, run.key):
            store.client.create_run(place, run_name=run.name, tags=tags)
        begun = _of_key(store, place, run.key)[0]  # of two that came together, both go on with the first
        _fill(store, begun, run)
        store.client.set_terminated(begun.info.run_id, "FINISHED")
        return str(begun.info.run_id)


def _of_key(store: Store, experiment_id: str, key: str) -> list[Any]:
    """Return the runs of a key, in an order that is the same for all who ask."""
    found = store.client.search_runs([experiment_id], f"tags.`{KEY}` = '{key}'")
    return sorted(found, key=lambda one: (one.info.start_time, one.info.run_id))


def _experiment(store: Store, name: str) -> str:
    """Return the id of an experiment; make it where there is none."""
    from mlflow.exceptions import MlflowException

    for _ in range(2):
        found = store.client.get_experiment_by_name(name)
        if found is not None and found.lifecycle_stage == "deleted":
            problem = f"{name}: the experiment of this name was deleted."
            raise UserError(problem, fix=f"mlflow experiments restore --experiment-id {found.experiment_id}")
        if found is not None:
            return str(found.experiment_id)
        try:
            location = None if store.artifacts is None else str(store.artifacts / name)
            return str(store.client.create_experiment(name, artifact_location=location))
        except MlflowException:  # another process was quicker
            continue
    return str(store.client.create_experiment(name))


def _fill(store: Store, begun: Any, run: Run) -> None:
    from mlflow.entities import Metric, Param

    run_id, moment = begun.info.run_id, begun.info.start_time  # the same moment each time: a metric is not there twice
    params = [Param(nameable(name), value) for name, value in _cut(run.params).items()]
    metrics = [Metric(nameable(name), value, moment, 0) for name, value in run.metrics.items()]
    for first in range(0, max(len(params), len(metrics)), AT_ONCE):
        part = slice(first, first + AT_ONCE)
        store.client.log_batch(run_id, metrics=metrics[part], params=params[part])
    for path, folder in run.artifacts:
        if path.is_dir():
            store.client.log_artifacts(run_id, str(path), folder)
        else:
            store.client.log_artifact(run_id, str(path), folder or None)


def nameable(name: str) -> str:
    """Return a name as MLflow allows it."""
    return UNNAMEABLE.sub("_", name)


def _cut(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value)[:LONGEST] for name, value in values.items()}
