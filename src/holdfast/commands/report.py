"""`report`: compare this tree's model with another, and write down the verdict."""

import logging
from pathlib import Path

from holdfast import files, judging, report_files
from holdfast.errors import DONE
from holdfast.files import Workspace

logger = logging.getLogger(__name__)


def run(root: Path, base: str | None, champion: str | None, form: str | None) -> int:
    """Judge, write the report in every format, and print it in one, or in short."""
    if form:
        logging.getLogger("holdfast").setLevel(logging.WARNING)  # what is printed may go into a file
        logger.setLevel(logging.INFO)
    workspace = Workspace(root)
    found = judging.judge_named(root, champion) if champion else judging.judge(root, base)
    report_files.write(found, workspace.comparison)
    if form:
        logger.info((workspace.comparison / f"report.{form}").read_text(encoding="utf-8").rstrip("\n"))
        return DONE
    for line in found.comparison.lines():
        logger.info("%s", line)
    logger.info("report: %s", files.shown(workspace.comparison / "report.html"))
    return DONE
