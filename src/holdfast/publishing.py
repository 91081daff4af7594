"""Publish: what `dvc.lock` says of this commit becomes one run, and its model a registered version.

The stages know nothing of it: a stage that comes from the cache would log nothing. To publish the same commit again
changes nothing. What is not committed is logged, with a flag, but not registered: nobody could rebuild it.
"""

import json
import logging
import sys
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from holdfast import commits, files, flavor, moves, provenance, rebuild, registry, store, tracking
from holdfast.bundle import SHORT, Bundle
from holdfast.environments import Current
from holdfast.errors import UserError
from holdfast.files import Workspace
from holdfast.params import Params
from holdfast.registry import Version
from holdfast.report import Side
from holdfast.store import Store
from holdfast.tracking import Run

logger = logging.getLogger(__name__)

# What is no parameter of a run: the schema and its contract go along as files.
NO_PARAMS = ("contract", "data", "environments", "tags")
FROM_PREPARE = (
    "contract.json",
    "leaks.json",
    "outcomes.csv",
    "profile.html",
    "profile.json",
    "schema.json",
    "split.json",
)
FROM_ROOT = ("params.yaml", "dvc.yaml", "dvc.lock", "data.dvc", rebuild.LOCK)


class Published(NamedTuple):
    """The run, and the version that was registered; None where the tree is not committed."""

    run: str
    version: Version | None


def publish(root: Path, params: Params, environment: Current) -> Published:
    """Write this tree's model down as a run, and register it as challenger if it is committed.

    Raises: UserError where stages would run again, a file is missing, or the store does not take it.
    """
    stale = rebuild.stale_stages(root)
    if stale:
        raise UserError(f"{', '.join(stale)} would run again: this model is not what the tree makes.", fix="dvc repro")
    side = provenance.side(root, None, "")
    uncommitted = [path for path in ("dvc.lock", "params.yaml", "data.dvc") if commits.is_changed(root, path)]
    opened = store.connect(root, environment.settings.tracking)
    with tempfile.TemporaryDirectory(prefix="holdfast-") as scratch:
        run = _run(root, params, environment, side, Path(scratch))
        logger.info("logging %s: %d metrics", run.name, len(run.metrics))
        run_id = tracking.record(opened, environment.settings.model, run)
    if uncommitted:
        logger.info("not registered, for nobody could rebuild it: %s is not committed", ", ".join(uncommitted))
        return Published(run_id, None)
    return Published(run_id, _registered(opened, environment.settings.model, run_id, run.tags))


def _registered(opened: Store, name: str, run_id: str, tags: Mapping[str, str]) -> Version:
    """Register the model of a run; the newest version that is not champion is the challenger."""
    version = registry.register(opened, name, run_id, tags)
    newest = registry.versions(opened, name)[-1]
    if newest.number == version.number and moves.champion(moves.history(opened, name)) != version.number:
        registry.point(opened, name, moves.CHALLENGER, version.number)
    return registry.find(opened, name, str(version.number))


def _run(root: Path, params: Params, environment: Current, side: Side, scratch: Path) -> Run:
    workspace = Workspace(root)
    folder = workspace.evaluate / "bundle"
    bundle = Bundle.load(folder)
    bundle.prove()
    flavor.save(scratch / registry.MODEL, folder, requirements(root))
    content = params.model_dump(mode="json", exclude=set(NO_PARAMS))
    paths = [
        (scratch / registry.MODEL, registry.MODEL),
        *((workspace.root / name, "") for name in FROM_ROOT),
        *((workspace.prepare / name, "data") for name in FROM_PREPARE),
        *((path, "evaluation") for path in sorted(workspace.evaluate.iterdir()) if path.is_file()),
    ]
    return Run(
        key=f"{environment.name} {side.commit} {side.lock} {side.params}",
        name=f"{side.commit[:SHORT]}{'' if not _dirty(root) else ' with changes'}",
        params=provenance.flat(content),
        metrics=_metrics(bundle),
        tags={**params.tags, **_tags(root, bundle, folder, side, environment)},
        artifacts=tuple(paths),
    )


def _metrics(bundle: Bundle) -> dict[str, float]:
    """Return every number that was measured, those of slices under their names."""
    found = dict(bundle.card.metrics)
    for one in bundle.card.slices:
        found |= {f"{one.label}/{one.value}/{name}": value for name, value in one.metrics.items()}
    return {name: float(value) for name, value in found.items() if value is not None}


def _tags(root: Path, bundle: Bundle, folder: Path, side: Side, environment: Current) -> dict[str, str]:
    first, last = training_window(root, bundle)
    return {
        "training_window": f"{first} to {last}" if first else f"{bundle.model.facts.fitted_rows} rows",
        "holdfast.environment": environment.name,
        "holdfast.dirty": json.dumps(_dirty(root)),
        "holdfast.lock": side.lock,
        "holdfast.packages": side.environment,
        "holdfast.python": sys.version.split()[0],
        registry.COMMIT: side.commit,
        registry.DATA: side.data,
        registry.SHA256: bundle.sha256,
        registry.FILES: registry.digest(folder),
        registry.CARD: json.dumps([]),
    }


def training_window(root: Path, bundle: Bundle) -> tuple[str, str]:
    """Return the first and the last day of the training rows; nothing where rows have no time."""
    name = bundle.model.facts.data.time
    if name is None:
        return "", ""
    times: pd.Series = files.read(Workspace(root).prepare / "train.parquet", [name])[name]
    return str(times.min().date()), str(times.max().date())


def requirements(root: Path) -> list[str]:
    """Return what scoring needs, each at the version of the lock."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {provenance.PACKAGE.match(one)[0].lower() for one in project["dependencies"]}  # type: ignore[index]
    pinned = dict(provenance.PINNED.findall((root / rebuild.LOCK).read_text(encoding="utf-8")))
    return [f"{name}=={version}" for name, version in pinned.items() if name in {*names, "mlflow", "pyarrow"}]


def _dirty(root: Path) -> bool:
    return commits.git(root, "status", "--porcelain", "--untracked-files=no").stdout != ""
