"""`data-diff`: say what changed between two data versions."""

import logging
from pathlib import Path

from holdfast import data_diff_report, params, versions
from holdfast.data_diff import compare
from holdfast.errors import DONE
from holdfast.files import Workspace

logger = logging.getLogger(__name__)


def run(root: Path, before: str, after: str | None, *, markdown: bool) -> int:
    """Compare a version with another, or without a second revision with what is under `data/` now."""
    workspace = Workspace(root)
    schema = params.load(workspace.params).data
    if not markdown:
        logger.info("comparing the data of %s with %s\n", before, f"that of {after}" if after else "data/ now")
    old = versions.at(root, before)
    new = versions.at(root, after) if after else versions.here(workspace)
    diff = compare(old, new, schema)
    logger.info(data_diff_report.markdown(diff) if markdown else data_diff_report.text(diff))
    return DONE
