"""`ingest`: write the monthly partitions of the example, those that keep the contract."""

import logging
import re
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from holdfast import files, params, quarantine, validation
from holdfast.errors import DONE, REFUSED, UserError
from holdfast.files import Workspace
from holdfast.params import Params
from holdfast.sources import nycflights

logger = logging.getLogger(__name__)
NEXT = "next"


def run(root: Path, through: str, *, replace: bool) -> int:
    """Write the partitions of every month up to one (or the `next`), those that are not there yet."""
    if through != NEXT and not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", through):
        raise UserError(f"--through: found '{through}', expected a month such as 2013-06.", fix="--through 2013-06")
    workspace = Workspace(root)
    choices = params.load(workspace.params)
    if choices.data.id != nycflights.ID:
        problem = "ingest: it makes rows of the example's flights, and params.yaml describes other data."
        raise UserError(problem, fix="python -m holdfast init-data FILE, for files of yours")
    logger.info("reading the source tables and joining what was known of each flight")
    rows = nycflights.build(nycflights.read(), choices.ingest)
    months = dict(nycflights.partitions(rows))
    if through == NEXT:
        through = _next(months, workspace)
    if not through:
        logger.info("%s is there already, and upstream has no month after it: nothing to do", max(months))
        return DONE
    if through not in months:
        raise UserError(
            f"--through: found '{through}', expected a month from {min(months)} to {max(months)}.",
            fix=f"--through {max(months)}",
        )
    wanted = {
        workspace.data / "flights" / f"{month}.parquet": part for month, part in months.items() if month <= through
    }
    new = {path: part for path, part in wanted.items() if not _is_there(path, part, workspace, replace=replace)}
    admitted = [_admit(path, part, workspace, choices) for path, part in new.items()]
    logger.info("%d months written, %d left alone", sum(admitted), len(wanted) - len(new))
    if not all(admitted):
        logger.error("%d refused: what they break stands beside them in quarantine/", len(admitted) - sum(admitted))
        return REFUSED
    if new:
        logger.info("next: dvc add data && dvc repro")
    return DONE


def _next(months: Iterable[str], workspace: Workspace) -> str:
    """Return the first month that is newer than all below `data/`, or nothing where there is none."""
    newest = max((path.stem for path in (workspace.data / "flights").glob("*.parquet")), default="")
    return min((month for month in months if month > newest), default="")


def _admit(path: Path, part: pd.DataFrame, workspace: Workspace, choices: Params) -> bool:
    """Write a month that keeps the contract, put another into quarantine, and say which of it was done."""
    result, place = quarantine.admit(path, part, workspace, choices.data, choices.contract)
    for line in validation.told([result], "error", "warning"):
        logger.info(line)
    logger.info("%s: written, %s rows", workspace.name(place), f"{result.rows:,}")
    return not result.refused


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
