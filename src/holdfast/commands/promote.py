"""`promote`: make a version champion, if its tags, the judge and enough people say so."""

import logging
from pathlib import Path

from holdfast import environments, files, promotion
from holdfast.errors import DONE, REFUSED
from holdfast.files import Workspace
from holdfast.params import load

logger = logging.getLogger(__name__)


def run(root: Path, version: str, dry_run: bool, approved_by: list[str]) -> int:
    """Promote, and show on what grounds."""
    workspace = Workspace(root)
    params = load(workspace.params)
    environment = environments.current(params)
    found = promotion.promote(root, params, environment, version, approved_by=approved_by, dry_run=dry_run)
    for line in found.report.comparison.lines():
        logger.info("%s", line)
    logger.info("report: %s", files.shown(workspace.comparison.with_name("promotion") / "report.html"))
    name, was = found.challenger.name, f"version {found.champion.number}" if found.champion else "nobody"
    if found.move:
        logger.info("%s: champion is version %d, was %s", name, found.move.champion, was)
        return DONE
    promoted = found.report.comparison.verdict == "promote"
    would = "would become" if promoted else "does not become"
    logger.info("%s: version %d %s champion; now it is %s", name, found.challenger.number, would, was)
    return DONE if promoted else REFUSED
