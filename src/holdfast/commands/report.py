"""`report`: compare this tree's model with another, and write down the verdict."""

import logging
from pathlib import Path

from holdfast import files, judging, report_markdown, report_page
from holdfast.errors import DONE
from holdfast.files import Workspace
from holdfast.report import as_json

logger = logging.getLogger(__name__)


def run(root: Path, base: str | None, champion: str | None, form: str | None) -> int:
    """Judge, write the report in every format, and print it in one, or in short."""
    if form:
        logging.getLogger("holdfast").setLevel(logging.WARNING)  # what is printed may go into a file
        logger.setLevel(logging.INFO)
    workspace = Workspace(root)
    found = judging.judge_named(root, champion) if champion else judging.judge(root, base)
    with files.replacing(workspace.comparison) as folder:
        files.write_json(folder / "report.json", as_json(found))
        files.write_bytes(folder / "report.md", report_markdown.markdown(found).encode())
        files.write_bytes(folder / "report.html", report_page.page(found).encode())
    if form:
        logger.info((workspace.comparison / f"report.{form}").read_text(encoding="utf-8").rstrip("\n"))
        return DONE
    for gate in found.comparison.gates:
        logger.info("%s %-18s %-8s %s", gate.code, gate.title, gate.word, gate.text)
    if found.comparison.fix:
        logger.info("  fix: %s", found.comparison.fix)
    logger.info("verdict: %s", found.comparison.verdict)
    logger.info("report: %s", files.shown(workspace.comparison / "report.html"))
    return DONE
