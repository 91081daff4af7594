"""Publish: what `dvc.lock` says of this commit becomes one run, and its model a registered version.

The stages know nothing of it: a stage that comes from the cache would log nothing. To publish the same commit again
changes nothing. What is not committed is logged, with a flag, but not registered: nobody could rebuild it.
"""

import json
import logging
import sys
import tempfile
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from holdfast import (
    commits,
    flavor,
    model_card,
    model_card_markdown,
    model_card_page,
    moves,
    provenance,
    rebuild,
    registry,
    store,
    tracking,
)
from holdfast.bundle import SHORT, Bundle
from holdfast.environments import Current
from holdfast.errors import UserError
from holdfast.files import Workspace
from holdfast.model_card import About
from holdfast.params import Params
from holdfast.registry import Version
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
    opened, name = store.connect(root, environment.settings.tracking), environment.settings.model
    key = f"{environment.name} {side.commit} {side.lock} {side.params}"
    run = tracking.finished(opened, name, key)
    if run is None:
        with tempfile.TemporaryDirectory(prefix="holdfast-") as scratch:
            run = tracking.record(opened, name, _run(root, params, environment, key, Path(scratch)))
    if uncommitted:
        logger.info("not registered, for nobody could rebuild it: %s is not committed", ", ".join(uncommitted))
        return Published(run, None)
    return Published(run, _registered(opened, name, run))


def _registered(opened: Store, name: str, run: str) -> Version:
    """Register the model of a run, under its tags; the newest version that is not champion is the challenger."""
    with store.asked(opened.address):
        tags = {
            tag: value for tag, value in opened.client.get_run(run).data.tags.items() if not tag.startswith("mlflow.")
        }
    version = registry.register(opened, name, run, tags)
    newest = registry.versions(opened, name)[-1]
    if newest.run == version.run and moves.champion(moves.history(opened, name)) != version.number:
        registry.point(opened, name, moves.CHALLENGER, version.number)
    return registry.find(opened, name, str(version.number))


def _run(root: Path, params: Params, environment: Current, key: str, scratch: Path) -> Run:
    """Collect all that is known of this tree's model; what has to be written first goes into `scratch`."""
    workspace = Workspace(root)
    folder = workspace.evaluate / "bundle"
    bundle = Bundle.load(folder)
    bundle.prove()
    logger.info("writing its card, and the model as MLflow wants it")
    about = replace(model_card.of_tree(root), name=environment.settings.model, required=environment.gates.tags)
    (scratch / "card.md").write_text(model_card_markdown.markdown(about), encoding="utf-8")
    (scratch / "card.html").write_text(model_card_page.page(about), encoding="utf-8")
    flavor.save(scratch / registry.MODEL, folder, requirements(root))
    paths = [
        (scratch / registry.MODEL, registry.MODEL),
        *((scratch / name, "") for name in ("card.md", "card.html")),
        *((workspace.root / name, "") for name in FROM_ROOT),
        *((workspace.prepare / name, "data") for name in FROM_PREPARE),
        *((path, "evaluation") for path in sorted(workspace.evaluate.iterdir()) if path.is_file()),
        *((path, "evaluation/plots") for path in sorted((workspace.evaluate / "plots").iterdir())),
    ]
    dirty = commits.git(root, "status", "--porcelain", "--untracked-files=no").stdout != ""
    return Run(
        key=key,
        name=about.origin.commit[:SHORT] + (" with changes" if dirty else ""),
        params=provenance.flat(params.model_dump(mode="json", exclude=set(NO_PARAMS))),
        metrics=_metrics(bundle),
        tags={**params.tags, **_tags(about, folder, environment, dirty=dirty)},
        artifacts=tuple(paths),
    )


def _metrics(bundle: Bundle) -> dict[str, float]:
    """Return every number that was measured, those of slices under their names."""
    found = dict(bundle.card.metrics)
    for one in bundle.card.slices:
        found |= {f"{one.label}/{one.value}/{name}": value for name, value in one.metrics.items()}
    return {name: float(value) for name, value in found.items() if value is not None}


def _tags(about: About, folder: Path, environment: Current, *, dirty: bool) -> dict[str, str]:
    learned, origin = about.learned, about.origin
    return {
        "training_window": f"{learned.first} to {learned.last}" if learned.first else f"{learned.rows:,} rows",
        "holdfast.environment": environment.name,
        "holdfast.dirty": json.dumps(dirty),
        "holdfast.lock": origin.lock,
        "holdfast.packages": origin.environment,
        "holdfast.python": sys.version.split()[0],
        registry.COMMIT: origin.commit,
        registry.DATA: origin.data,
        registry.SHA256: about.sha256,
        registry.FILES: registry.digest(folder),
        registry.CARD: json.dumps(model_card.missing(about)),
    }


def requirements(root: Path) -> list[str]:
    """Return what scoring needs, each at the version of the lock."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {provenance.PACKAGE.match(one)[0].lower() for one in project["dependencies"]}  # type: ignore[index]
    pinned = dict(provenance.PINNED.findall((root / rebuild.LOCK).read_text(encoding="utf-8")))
    return [f"{name}=={version}" for name, version in pinned.items() if name in {*names, "mlflow", "pyarrow"}]
