"""The commands of `python -m holdfast`: each takes the root of the repository and gives its exit code."""

import logging
import re
import tempfile
from pathlib import Path

import pandas as pd

from holdfast import files, params, rebuild
from holdfast.errors import DONE, REFUSED, UserError
from holdfast.evaluation import Metrics
from holdfast.files import Workspace
from holdfast.model import Model
from holdfast.sources import nycflights
from holdfast.split import TimeBoundaries

logger = logging.getLogger(__name__)


def ingest(root: Path, through: str, *, replace: bool) -> int:
    """Write the partitions of every month up to one, those that are not there yet."""
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", through):
        raise UserError(f"--through: found '{through}', expected a month such as 2013-06.", fix="--through 2013-06")
    workspace = Workspace(root)
    choices = params.load(workspace.params)
    logger.info("reading the source tables and joining what was known of each flight")
    rows = nycflights.build(nycflights.read(), choices.ingest)
    months = dict(nycflights.partitions(rows))
    if through not in months:
        raise UserError(
            f"--through: found '{through}', expected a month from {min(months)} to {max(months)}.",
            fix=f"--through {max(months)}",
        )
    wanted = {
        workspace.data / "flights" / f"{month}.parquet": part for month, part in months.items() if month <= through
    }
    new = {path: part for path, part in wanted.items() if not _is_there(path, part, workspace, replace=replace)}
    for path, part in new.items():
        choices.data.check(part, workspace.name(path))
    for path, part in new.items():
        files.write_whole(path, part)
        logger.info("%s: written, %s rows", workspace.name(path), f"{len(part):,}")
    logger.info("%d months written, %d left alone", len(new), len(wanted) - len(new))
    if new:
        logger.info("next: dvc add data && dvc repro")
    return DONE


def metrics(root: Path) -> int:
    """Print what was measured of the model, and on which rows."""
    workspace = Workspace(root)
    found = files.read_json(workspace.evaluate / "metrics.json", Metrics)
    facts = Model.load(workspace.train / "model").facts
    positive, split = facts.data.target.positive, facts.split
    name = f"holdout {' to '.join(split.holdout_months())}" if isinstance(split, TimeBoundaries) else "holdout"
    shares = f"{found['positive_share']:.1%} {positive}", f"{found['positive_share_in_training']:.1%} in training"
    logger.info("%s: %s rows, %s (%s)", name, f"{found['rows']:,}", *shares)
    for key, value in found.items():
        if key not in {"rows", "positive_share", "positive_share_in_training"}:
            logger.info("  %-18s %s", key, "not defined" if value is None else f"{value:.3f}")
    return DONE


def lock_check(root: Path) -> int:
    """Tell whether the committed `dvc.lock` is the one that `dvc repro` would write."""
    stale = rebuild.stale_stages(root)
    if stale:
        logger.error("dvc.lock is not current: %s would run again, and what depends on it.", ", ".join(stale))
        logger.error("  fix: dvc repro, then commit dvc.lock")
        return REFUSED
    logger.info("dvc.lock is current")
    return DONE


def rebuild_check(root: Path, revision: str) -> int:
    """Clone a commit into a temporary folder, reproduce it without a cache, compare every artifact."""
    with tempfile.TemporaryDirectory(prefix="holdfast-") as folder:
        differing = rebuild.rebuild(root, Path(folder) / "clone", revision)
    if differing:
        logger.error("rebuilt, but not to the same bytes: %s", ", ".join(differing))
        return REFUSED
    logger.info("rebuilt to the same bytes: every artifact has the hash that dvc.lock records")
    return DONE


def _is_there(path: Path, part: pd.DataFrame, workspace: Workspace, *, replace: bool) -> bool:
    """Tell whether a month is there already and the same; refuse one that differs, unless it may be replaced."""
    if replace or not path.exists():
        return False
    if files.read(path).equals(part):
        return True
    raise UserError(
        f"{workspace.name(path)}: differs from what upstream gives now; nothing was written.",
        fix=f"keep it as it is, or accept upstream's with --replace (`dvc checkout {workspace.name(path)}` goes back)",
    )
