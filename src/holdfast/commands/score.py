"""`score`: score whole files, partition by partition, and check what was scored."""

import logging
from datetime import UTC, datetime
from pathlib import Path

from holdfast import batch, files, named, params, threads
from holdfast import manifest as manifests
from holdfast.batch import Batch, Progress
from holdfast.errors import DONE, MISTAKE, REFUSED, UserError
from holdfast.files import Workspace
from holdfast.inputs import partitions
from holdfast.manifest import Manifest, ScoredBy

logger = logging.getLogger(__name__)


def run(root: Path, inputs: list[str], out: str | None, model: str | None, check: str | None) -> int:
    """Score files, or check the folder of scores that is named."""
    threads.limit(params.load(Workspace(root).params).threads)
    if check is not None and not (inputs or out):
        return _check(root, Path(check), model)
    if check is not None or not inputs or out is None:
        problem = "score: expected files or folders, and with --out where their scores go; or --check and one folder."
        raise UserError(problem, fix="python -m holdfast score data/flights --out scores")
    into, moment = Path(out), datetime.now(UTC).replace(microsecond=0)
    found = partitions(inputs, into)
    chosen = named.load(root, model)
    logger.info("scoring with %s", manifests.said(chosen.by))
    done = batch.score(Batch(chosen.bundle.model, chosen.by, model, into, moment, Progress()), found)
    return _told(done, into)


def _told(done: Manifest, into: Path) -> int:
    """Say what came of it; what failed stands at the end, each with its remedy."""
    entries = done.partitions
    scored = [entry for entry in entries.values() if entry.state == "scored"]
    refused = sum(entry.refused or 0 for entry in scored)
    rows = sum(entry.rows or 0 for entry in scored) - refused
    logger.info("%s: %d of %d partitions, %s rows", files.shown(into), len(scored), len(entries), f"{rows:,}")
    if refused:
        where = files.shown(into / manifests.REFUSED_ROWS)
        logger.info("%s rows break the schema: %s says which, and why", f"{refused:,}", where)
    for entry in entries.values():
        if entry.state == "failed":
            logger.error("error: %s\n  fix: %s", entry.problem, entry.fix)
    return DONE if len(scored) == len(entries) else MISTAKE


def _check(root: Path, folder: Path, model: str | None) -> int:
    """Say whether the scores of a folder are whole, and by the one model that was asked for."""
    found = Manifest.read(folder)
    if found is None:
        problem = f"{files.shown(folder)}: found no {manifests.FILE}, expected a folder of scores."
        raise UserError(problem, fix="name the folder that was given to --out")
    asked = _asked(root, model) if model else None
    problems = list(manifests.problems(folder, found, asked))
    for problem in problems:
        logger.error("error: %s", problem)
    if problems:
        logger.error("  fix: run the same `score` again: what is missing or changed is scored anew")
        return REFUSED
    rows = sum((entry.rows or 0) - (entry.refused or 0) for entry in found.partitions.values())
    logger.info("%d partitions, %s rows, all by %s", len(found.partitions), f"{rows:,}", manifests.said(found.model))
    return DONE


def _asked(root: Path, model: str) -> ScoredBy:
    """Return the model that was asked for; by its hash, it is the same one in every version that has its bytes."""
    by = named.load(root, model).by
    return by.model_copy(update={"version": model}) if manifests.is_hash(model, by) else by
