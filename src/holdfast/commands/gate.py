"""`gate`: refuse whatever the last report does not say to promote."""

import logging
from pathlib import Path

from holdfast import commits, files, provenance
from holdfast.commits import Commit
from holdfast.comparison import Gate
from holdfast.errors import DONE, REFUSED, UserError
from holdfast.files import Workspace
from holdfast.report import Judged

logger = logging.getLogger(__name__)

AGAIN = "python -m holdfast report"


def run(root: Path, base: str | None) -> int:
    """Read the last report of this tree, against the commit that it is a change of, or the one that is named.

    Raises: UserError where there is none, or it was made of another state of the tree, or against another champion.
    """
    path = Workspace(root).comparison / "report.json"
    again = f"{AGAIN} --base {base}" if base else AGAIN
    if not path.is_file():
        raise UserError(f"{files.shown(path)}: not found: nothing was judged.", fix=again)
    report = files.read_json(path, Judged)
    now = provenance.side(root, None, "")
    if not report.is_of(now):
        problem = f"{files.shown(path)}: it judged another commit, dvc.lock or params.yaml than those here."
        raise UserError(problem, fix=again)
    expected = commits.find(root, base) if base else commits.of_change(root)
    if report.champion.commit != (expected.hash if expected else ""):
        problem = f"{files.shown(path)}: it judged against {report.champion.name}, expected {_named(expected)}."
        raise UserError(problem, fix=again)
    for gate in (Gate(one.code, one.passed, one.text) for one in report.gates):
        if not gate.passed:
            logger.error("%s %s: %s", gate.code, gate.title, gate.text)
    logger.info("verdict: %s, against %s", report.verdict, report.champion.name)
    return DONE if report.verdict == "promote" else REFUSED


def _named(commit: Commit | None) -> str:
    return commit.name if commit else "nothing, for there is no commit before this one"
