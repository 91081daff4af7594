"""`gate`: refuse whatever the last report does not say to promote."""

import logging
from pathlib import Path
from typing import Any

from holdfast import files, provenance
from holdfast.errors import DONE, REFUSED, UserError
from holdfast.files import Workspace

logger = logging.getLogger(__name__)


def run(root: Path) -> int:
    """Read the last report of this tree.

    Raises: UserError where there is none, or it was made of another state of the tree.
    """
    path = Workspace(root).comparison / "report.json"
    again = "python -m holdfast report"
    if not path.is_file():
        raise UserError(f"{files.shown(path)}: not found: nothing was judged.", fix=again)
    report = files.read_json(path, dict[str, Any])
    now = provenance.side(root, None, "")
    if [report["challenger"][name] for name in ("commit", "lock")] != [now.commit, now.lock]:
        raise UserError(
            f"{files.shown(path)}: it judged another commit, or another dvc.lock, than those here.", fix=again
        )
    for gate in report["gates"]:
        if not gate["passed"]:
            logger.error("%s %s: %s", gate["code"], gate["title"], gate["text"])
    logger.info("verdict: %s", report["verdict"])
    return DONE if report["verdict"] == "promote" else REFUSED
