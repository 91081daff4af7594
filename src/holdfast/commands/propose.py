"""`propose`: open a pull request for the month that `make retrain` has added."""

from pathlib import Path

from holdfast import proposals
from holdfast.errors import DONE, UserError
from holdfast.files import Workspace


def run(root: Path, *, start_checks: bool) -> int:
    """Open a pull request for the newest month below `data/`, if that is not on main yet, with the report."""
    workspace = Workspace(root)
    report = root / "reports" / "comparison" / "report.md"
    if not report.is_file():
        raise UserError(f"{workspace.name(report)}: not found, expected the report on the month.", fix="make retrain")
    month = max(path.stem for path in workspace.partitions())
    branch = proposals.propose(root, month, report.read_text(encoding="utf-8"))
    if branch and start_checks:
        proposals.start_checks(root, branch)
    return DONE
