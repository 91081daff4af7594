"""Promotion: who becomes champion, on which verdict, and how to go back.

An alias moves only after three questions: is all said that must be said of the model (compliance), does the judge let
it take the champion's place, and have enough people agreed. Every step may be repeated, and the deciding one is a
single entry in the log of moves; so whoever is killed on the way leaves either the old champion or the new one.
"""

import json
import logging
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from holdfast import judging_releases, moves, registry, report_files, store
from holdfast.bundle import Bundle
from holdfast.environments import Current
from holdfast.errors import RefusedError, UserError
from holdfast.files import Workspace
from holdfast.judging_releases import Released
from holdfast.moves import Move
from holdfast.params import Gates, Params
from holdfast.registry import Version
from holdfast.report import Report
from holdfast.store import Store

logger = logging.getLogger(__name__)

COMPARISONS = "comparisons"
REQUIRED = {
    registry.COMMIT: "the commit that it was made from",
    registry.DATA: "the hash of its data",
    registry.SHA256: "the hash of its model",
    "training_window": "the days of its training rows",
}


class Judgement(NamedTuple):
    """What was found of a challenger, and the move if it became champion."""

    challenger: Version
    champion: Version | None
    report: Report
    move: Move | None


def promote(
    root: Path, params: Params, environment: Current, what: str, *, approved_by: Sequence[str] = (), dry_run: bool
) -> Judgement:
    """Judge a version, and make it champion if nothing speaks against it; a dry run changes nothing.

    Raises: RefusedError where something must be said of it, or people must agree; UserError where it is champion
    already, is not to be had, or somebody else was quicker.
    """
    name = environment.settings.model
    opened = store.connect(root, environment.settings.tracking)
    log = moves.history(opened, name) if dry_run else moves.settled(opened, name)
    challenger = registry.find(opened, name, what)
    number = moves.champion(log)
    if challenger.number == number:
        problem = f"{name}: version {number} is champion already."
        raise UserError(problem, fix="publish another commit, or name another version")
    lacking = compliance(challenger, environment.gates)
    if lacking:
        problem = f"{challenger.uri}: not promoted, for it lacks {'; '.join(lacking)}."
        raise RefusedError(problem, fix="say it under `tags:` in params.yaml, `dvc repro`, commit, publish")
    logger.info("compliance: all is said that must be")
    champion = registry.find(opened, name, str(number)) if number else None
    report = _judged(root, opened, champion, challenger, params.model_copy(update={"gates": environment.gates}))
    written = report_files.write(report, Workspace(root).comparison.with_name("promotion"))
    if dry_run:
        return Judgement(challenger, champion, report, None)
    stored = _store(opened, champion, challenger, written)
    if challenger.number not in {one.champion for one in log}:  # who was champion is known by the verdict of then
        _note(opened, champion, challenger, report)
    if report.comparison.verdict != "promote":
        return Judgement(challenger, champion, report, None)
    agreed = _approved(environment, approved_by)
    move = Move(
        "promote", challenger.number, number, log[-1].number if log else 0, moves.who(),
        approved_by=agreed, verdict=report.comparison.verdict, report=stored,
    )  # fmt: skip
    return Judgement(challenger, champion, report, moves.append(opened, name, move, challenger))


def compliance(version: Version, gates: Gates) -> list[str]:
    """Return what must be said of a version and is not."""
    missing = [f"the tag {name}" for name in gates.tags if not version.tags.get(name, "").strip()]
    missing += [f"{name} ({why})" for name, why in REQUIRED.items() if not version.tags.get(name, "").strip()]
    return missing + [f"in its card: {what}" for what in version.told(registry.CARD, str, '["a card"]')]


def rollback(root: Path, environment: Current, what: str | None) -> Move:
    """Make a version champion again that was it before: the last one before this, or the one that is named.

    Raises: UserError where there is none, it never was champion, or it is not what was registered.
    """
    name = environment.settings.model
    opened = store.connect(root, environment.settings.tracking)
    log = moves.history(opened, name)
    if what is None and log and log[-1].kind == "rollback" and moves.is_broken_off(opened, name, log):
        return moves.settled(opened, name)[-1]  # that one is finished, not a second one made
    target = _to_go_back_to(opened, name, log, what)
    with tempfile.TemporaryDirectory(prefix="holdfast-") as scratch:
        Bundle.load(registry.download(opened, target, Path(scratch))).prove()
    if target.number == moves.champion(log):  # the alias was moved by hand, or is on its way
        moves.follow(opened, name, log)
        return log[-1]
    move = Move("rollback", target.number, moves.champion(log), log[-1].number, moves.who())
    return moves.append(opened, name, move, target)


def _to_go_back_to(opened: Store, name: str, log: Sequence[Move], what: str | None) -> Version:
    if what is None:
        number = moves.previous(log)
        if number is None:
            raise UserError(f"{name}: there is no champion before this one.", fix=f"look at `{moves.AGAIN}`")
        return registry.find(opened, name, str(number))
    found = registry.find(opened, name, what)
    if found.number not in {one.champion for one in log}:
        problem = f"{name}: version {found.number} has never been champion."
        raise UserError(problem, fix=f"python -m holdfast promote {found.number}")
    return found


def _judged(root: Path, opened: Store, champion: Version | None, challenger: Version, settings: Params) -> Report:
    """Fetch both models, and let the judge compare them; the tags are those of the challenger."""
    tags = {name: challenger.tags.get(name, "") for name in settings.gates.tags}
    with tempfile.TemporaryDirectory(prefix="holdfast-") as scratch:
        ours = _released(opened, challenger, Path(scratch))
        Bundle.load(ours.bundle).prove()  # whoever is to serve it will ask for that
        theirs = _released(opened, champion, Path(scratch)) if champion else None
        return judging_releases.judge(root, theirs, ours, settings.model_copy(update={"tags": tags}))


def _released(opened: Store, version: Version, into: Path) -> Released:
    place = into / str(version.number)
    place.mkdir()
    folder = registry.download(opened, version, place)
    return Released(f"version {version.number}", folder, version.commit, version.data)


def _store(opened: Store, champion: Version | None, challenger: Version, written: Path) -> str:
    """Store the comparison with the challenger, beside those of before; return where."""
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    place = f"{COMPARISONS}/{moment}-against-{champion.number if champion else 'nobody'}"
    with store.asked(challenger.uri):
        opened.client.log_artifacts(challenger.run, str(written), place)
    return place


def _note(opened: Store, champion: Version | None, challenger: Version, report: Report) -> None:
    """Say with the challenger what the judge said of it."""
    gates = [{"code": one.code, "passed": bool(one.passed), "text": one.text} for one in report.comparison.gates]
    said = {
        registry.AGAINST: f"version {champion.number}" if champion else "nobody",
        registry.GATES: json.dumps(gates, ensure_ascii=False),
        registry.VERDICT: report.comparison.verdict,
    }
    with store.asked(challenger.uri):
        for tag, value in said.items():
            opened.client.set_model_version_tag(challenger.name, str(challenger.number), tag, value)


def _approved(environment: Current, approved_by: Sequence[str]) -> tuple[str, ...]:
    """Return who has agreed; nobody agrees with themselves, or twice.

    Raises: RefusedError where they are too few.
    """
    names = {one.strip().casefold(): one.strip() for one in approved_by if one.strip()}
    names.pop(moves.who().casefold(), None)
    needed = environment.settings.approvals
    if len(names) < needed:
        problem = f"{environment.name}: the verdict is to promote, but {len(names)} of {needed} people have agreed."
        raise RefusedError(problem, fix="python -m holdfast promote --approved-by NAME (not you; once for each person)")
    return tuple(sorted(names.values()))
