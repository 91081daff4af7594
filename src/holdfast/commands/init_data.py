"""`init-data`: look at a table of yours, propose what the pipeline must know of it, and write that once you agree."""

import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from holdfast import drafting, explaining, moving_in, terminal
from holdfast import proposal_text as text
from holdfast.drafting import Draft
from holdfast.errors import DONE, REFUSED, RefusedError
from holdfast.files import Workspace
from holdfast.targeting import Kind

logger = logging.getLogger(__name__)


def run(root: Path, files: Sequence[str], target: str | None, kind: Kind | None, *, yes: bool) -> int:
    """Explain what was guessed, show what would change, and change it if that is wanted."""
    workspace = Workspace(root)
    moving_in.check(workspace)
    draft = drafting.draft(workspace, [Path(file) for file in files], target, kind)
    for line in explaining.lines(draft):
        logger.info(line)
    if not yes and not _agreed(workspace, draft):
        logger.info("nothing was written")
        return REFUSED
    texts = {root / name: content for name, content in draft.texts.items()}
    moving_in.move_in(workspace, texts, draft.partitions())
    logger.info("written: params.yaml, dvc.yaml, data/ and data.dvc; the data before stays in DVC's cache")
    logger.info("next: dvc repro")
    return DONE


def _agreed(workspace: Workspace, draft: Draft) -> bool:
    """Show what would change, and ask.

    Raises: RefusedError where nobody can be asked.
    """
    for line in _diff(workspace, draft):
        logger.info(line)
    if not sys.stdin.isatty():
        raise RefusedError("init-data: nothing was written: nobody is there to say yes.", fix="run it again with --yes")
    with terminal.handed_over():
        return input("write this? [y/N] ").strip().lower() in {"y", "yes"}


def _diff(workspace: Workspace, draft: Draft) -> list[str]:
    """Return what would change, as Git would show it; of data, which files leave and which come."""
    lines = []
    for name, content in draft.texts.items():
        lines += text.diff(name, (workspace.root / name).read_text(encoding="utf-8"), content)
    there = sorted(path for path in workspace.data.rglob("*.parquet")) if workspace.data.exists() else []
    lines += ["--- a/data", "+++ b/data", *(f"-{workspace.name(path)}" for path in there)]
    return [*lines, *(f"+data/{name} ({len(rows):,} rows)" for name, rows in draft.partitions())]
