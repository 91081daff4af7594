"""`gate`: refuse whatever the last report does not say to promote."""

import logging
from pathlib import Path

from pydantic import BaseModel

from holdfast import files, provenance
from holdfast.comparison import Gate, Verdict
from holdfast.errors import DONE, REFUSED, UserError
from holdfast.files import Workspace

logger = logging.getLogger(__name__)

AGAIN = "python -m holdfast report"


class _Side(BaseModel):
    """What the gate reads of the model that was judged."""

    commit: str
    lock: str


class _Gate(BaseModel):
    """What the gate reads of each gate."""

    code: str
    passed: bool | None
    text: str


class _Judged(BaseModel):
    """What the gate reads of a report."""

    verdict: Verdict
    challenger: _Side
    gates: list[_Gate]


def run(root: Path) -> int:
    """Read the last report of this tree.

    Raises: UserError where there is none, or it was made of another state of the tree.
    """
    path = Workspace(root).comparison / "report.json"
    if not path.is_file():
        raise UserError(f"{files.shown(path)}: not found: nothing was judged.", fix=AGAIN)
    report = files.read_json(path, _Judged)
    now = provenance.side(root, None, "")
    if (report.challenger.commit, report.challenger.lock) != (now.commit, now.lock):
        problem = f"{files.shown(path)}: it judged another commit, or another dvc.lock, than those here."
        raise UserError(problem, fix=AGAIN)
    for gate in (Gate(one.code, one.passed, one.text) for one in report.gates):
        if not gate.passed:
            logger.error("%s %s: %s", gate.code, gate.title, gate.text)
    logger.info("verdict: %s", report.verdict)
    return DONE if report.verdict == "promote" else REFUSED
