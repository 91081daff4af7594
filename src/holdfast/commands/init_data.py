"""`init-data`: look at a table of yours, propose what the pipeline must know of it, and write that once you agree.

With `more`, what it knows stays, and only rows are added.
"""

import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from holdfast import drafting, explaining, growing, moving_in, terminal, versions
from holdfast import proposal_text as text
from holdfast.errors import DONE, REFUSED, RefusedError, UserError
from holdfast.files import Workspace
from holdfast.moving_in import Move
from holdfast.targeting import Kind

logger = logging.getLogger(__name__)


def run(
    root: Path, files: Sequence[str], target: str | None, kind: Kind | None, *, yes: bool, more: bool = False
) -> int:
    """Explain what was guessed, show what would change, and change it if that is wanted."""
    workspace, paths = Workspace(root), [Path(file) for file in files]
    if more and (target or kind):
        problem = "--more: found --target or --kind beside it, expected neither: params.yaml says what is predicted."
        raise UserError(problem, fix="leave them out")
    moving_in.check(workspace, (versions.TRACKED,) if more else moving_in.DESCRIBING)
    move = growing.grow(workspace, paths) if more else explaining.move(drafting.draft(workspace, paths, target, kind))
    for line in move.lines:
        logger.info(line)
    if not yes and not _agreed(workspace, move):
        logger.info("nothing was written")
        return REFUSED
    texts = {root / name: content for name, content in move.texts.items()}
    moving_in.move_in(workspace, texts, move.partitions())
    written = ", ".join([*move.texts, "data/"])
    logger.info("written: %s and data.dvc; the data before stays in DVC's cache", written)
    logger.info("next: dvc repro")
    return DONE


def _agreed(workspace: Workspace, move: Move) -> bool:
    """Show what would change, and ask.

    Raises: RefusedError where nobody can be asked.
    """
    for line in _diff(workspace, move):
        logger.info(line)
    if not sys.stdin.isatty():
        raise RefusedError("init-data: nothing was written: nobody is there to say yes.", fix="run it again with --yes")
    with terminal.handed_over():
        return input("write this? [y/N] ").strip().lower() in {"y", "yes"}


def _diff(workspace: Workspace, move: Move) -> list[str]:
    """Return what would change, as Git would show it; of data, which files leave and which come."""
    lines = []
    for name, content in move.texts.items():
        lines += text.diff(name, (workspace.root / name).read_text(encoding="utf-8"), content)
    there = sorted(path for path in workspace.data.rglob("*.parquet")) if workspace.data.exists() else []
    lines += ["--- a/data", "+++ b/data", *(f"-{workspace.name(path)}" for path in there)]
    return [*lines, *(f"+data/{name} ({len(rows):,} rows)" for name, rows in move.partitions())]
