"""From a name, a hash, or a prediction to all that is known of the version: asked of the registry, its run, and Git.

The registry is where everything starts. What is not to be had from there, say files of a run that were lost, is said
and does not keep the rest from being told: who looks this up may do so because something is lost.
"""

import json
import tempfile
from collections.abc import Sequence
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

from holdfast import bundle, commits, deployments, files, logged, moves, registry, store
from holdfast import manifest as manifests
from holdfast.bundle import Card
from holdfast.environments import DEFAULT, Current
from holdfast.errors import UserError
from holdfast.expectations import Result
from holdfast.leaks import Leak
from holdfast.lineage import Commit, Data, Environment, Lineage, Measured, Reign, Scored, Training, Validation, Verdict
from holdfast.manifest import Manifest
from holdfast.model import READABLE, Facts, check_format
from holdfast.moves import Move
from holdfast.registry import Version
from holdfast.services import Serving
from holdfast.store import Store

CONTRACT, LEAKS = "data/contract.json", "data/leaks.json"


class _Kept(NamedTuple):
    """What lies with the run of a version; what is not to be had is None, and `problems` says why."""

    facts: Facts | None
    card: Card | None
    contract: list[Result] | None
    leaks: list[Leak] | None
    problems: tuple[str, ...]


def of_version(root: Path, environment: Current, what: str) -> Lineage:
    """Return the lineage of the version that an alias, a number or the beginning of a hash names.

    Raises: UserError where there is none.
    """
    opened, name = _open(root, environment)
    return _lineage(root, environment, opened, moves.find(opened, name, what))


def of_prediction(root: Path, environment: Current, prediction_id: str) -> Lineage:
    """Return the lineage of the version that gave a prediction.

    Raises: UserError where the log does not know it, or the registry does not know the model.
    """
    found = logged.find(root, prediction_id)
    opened, name = _open(root, environment)
    serving = Serving(found.version, found.sha256)
    version = _serving(opened, name, serving, f"the log says of {found.line()}")
    return _lineage(root, environment, opened, version).model_copy(update={"prediction": found})


def of_scores(root: Path, environment: Current, folder: Path) -> Lineage:
    """Return the lineage of the version that gave the scores of a folder.

    Raises: UserError where it is no folder of scores, or the registry does not know the model.
    """
    manifest = Manifest.read(folder)
    if manifest is None:
        problem = f"{files.shown(folder)}: found no {manifests.FILE}, expected a folder of scores."
        raise UserError(problem, fix="name the folder that was given to --out")
    by = manifest.model
    found = Scored(
        folder=files.shown(folder),
        started_at=manifest.started_at,
        version=by.version,
        sha256=by.sha256,
        counts=manifest.counts,
    )
    opened, name = _open(root, environment)
    version = _serving(opened, name, Serving(by.version, by.sha256), f"the manifest says of {found.line()}")
    return _lineage(root, environment, opened, version).model_copy(update={"scored": found})


def _open(root: Path, environment: Current) -> tuple[Store, str]:
    return store.connect(root, environment.settings.tracking), environment.settings.model


def _serving(opened: Store, name: str, serving: Serving, told: str) -> Version:
    """Return the version with the hash of a model that answered.

    Raises: UserError where no version has it; what is known of it is said.
    """
    champion = moves.champion(moves.history(opened, name))
    found = deployments.which(registry.versions(opened, name), serving, champion)
    if found is None:
        problem = f"{name}: no version has the model {serving.sha256}; {told}, by version {serving.version}."
        remedy = "name the environment that it was served in (HOLDFAST_ENV=prod), or publish the commit that makes it"
        raise UserError(problem, fix=remedy)
    return found


def _lineage(root: Path, environment: Current, opened: Store, version: Version) -> Lineage:
    kept = _kept(opened, version)
    known = registry.versions(opened, version.name)
    release = version.release()
    chosen = f"HOLDFAST_ENV={environment.name} " if environment.name != DEFAULT else ""
    return Lineage(
        name=version.name,
        version=version.number,
        aliases=version.aliases,
        sha256=version.sha256,
        same_model=tuple(one.number for one in known if one.sha256 == version.sha256 and one.number != version.number),
        commit=commit(root, version),
        data=_data(version, kept),
        training=_training(kept),
        holdout=_measured(opened, version, kept),
        validation=_validation(kept),
        verdict=Verdict(verdict=release.verdict, against=release.against, gates=release.gates),
        champion=reigns(moves.history(opened, version.name), version.number),
        environment=Environment(
            name=version.tags.get("holdfast.environment", environment.name),
            python=version.tags.get("holdfast.python", ""),
            packages=version.tags.get("holdfast.packages", ""),
            run=version.run,
        ),
        deployments=deployments.of(version),
        rebuild=f"{chosen}python -m holdfast restore {version.number}",
        problems=kept.problems,
    )


def reigns(log: Sequence[Move], number: int) -> tuple[Reign, ...]:
    """Return from when to when a version was champion, the first time first."""
    return tuple(
        Reign(
            since=move.at,
            until=following.at if following else None,
            kind=move.kind,
            by=move.by,
            approved_by=move.approved_by,
            verdict=move.verdict,
        )
        for move, following in zip_longest(log, log[1:])
        if move.champion == number
    )


def commit(root: Path, version: Version) -> Commit:
    """Return what this clone knows of a commit."""
    changed = version.tags.get("holdfast.dirty") == "true"
    shown = commits.git(root, "log", "-1", "--format=%aI%n%s", version.commit, "--") if version.commit else None
    if shown is None or shown.returncode:
        return Commit(hash=version.commit, changed=changed)
    moment, _, subject = shown.stdout.strip().partition("\n")
    return Commit(hash=version.commit, subject=subject, author_date=datetime.fromisoformat(moment), changed=changed)


def _data(version: Version, kept: _Kept) -> Data:
    judged = kept.contract or []
    return Data(
        hash=version.data,
        partitions=tuple(one.partition for one in judged),
        rows=sum(one.rows for one in judged) if judged else None,
        training_window=version.tags.get("training_window", ""),
        fitted_rows=kept.facts.fitted_rows if kept.facts else None,
    )


def _training(kept: _Kept) -> Training | None:
    if kept.facts is None:
        return None
    return Training(estimator=kept.facts.estimator, settings=kept.facts.settings, threshold=kept.facts.threshold)


def _measured(opened: Store, version: Version, kept: _Kept) -> Measured:
    """Return what the card says; without it what the run says, slices left out; nothing where that is lost, too."""
    if kept.card:
        card = kept.card
        return Measured(first=card.holdout_first, last=card.holdout_last, metrics=card.metrics)
    try:
        with store.asked(version.uri):
            metrics = opened.client.get_run(version.run).data.metrics
    except UserError:  # that the run is lost stands among the problems
        metrics = {}
    return Measured(metrics={name: value for name, value in metrics.items() if "/" not in name})


def _validation(kept: _Kept) -> Validation | None:
    if kept.contract is None or kept.leaks is None:
        return None
    return Validation(
        partitions=len(kept.contract),
        judged=sum(one.judged for one in kept.contract),
        broken=tuple(
            f"{one.partition}: {broken.severity}, {broken.expectation}: {broken.found}, expected {broken.expected}"
            for one in kept.contract
            for broken in one.broken
        ),
        leaks=tuple(f"{one.code}: {one.text}" for one in kept.leaks),
    )


def _kept(opened: Store, version: Version) -> _Kept:
    """Fetch what lies with the run, as far as it is there and as it was registered."""
    problems = list[str]()

    def attempt(read: Any) -> Any:
        try:
            with tempfile.TemporaryDirectory(prefix="holdfast-") as scratch:
                return read(Path(scratch))
        except UserError as error:
            problems.append(error.problem)
            return None

    def fetched(scratch: Path) -> tuple[Facts, Card]:
        folder = registry.download(opened, version, scratch)
        return _facts(version, folder), files.read_json(folder / bundle.CARD, Card)

    def artifact(name: str, kind: Any) -> Any:
        return attempt(lambda scratch: _artifact(opened, version, name, scratch, kind))

    facts, card = attempt(fetched) or (None, None)
    contract, leaks = artifact(CONTRACT, list[Result]), artifact(LEAKS, list[Leak])
    return _Kept(facts, card, contract, leaks, tuple(problems))


def _facts(version: Version, folder: Path) -> Facts:
    """Return the facts of a model.

    Raises: UserError where this version of Holdfast does not know its format, as in `Model.load`.
    """
    try:
        content = json.loads(files.read_bytes(folder / "model.json"))
        check_format(content["format"], READABLE, f"{version.uri}: found model format")
        return Facts.model_validate(content["facts"])
    except (ValueError, KeyError, TypeError) as error:
        problem = f"{version.uri}: model.json is not as Holdfast wrote it: {str(error).splitlines()[0]}."
        raise UserError(problem, fix="restore the files of its run from a backup, or publish another commit") from error


def _artifact(opened: Store, version: Version, name: str, scratch: Path, kind: Any) -> Any:
    with store.asked(f"{version.uri}, {name}"):
        path = Path(opened.client.download_artifacts(version.run, name, str(scratch)))
    return files.read_json(path, kind)
