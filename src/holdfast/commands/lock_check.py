"""`lock-check`: tell whether the committed `dvc.lock` is current."""

import logging
from pathlib import Path

from holdfast import rebuild
from holdfast.errors import DONE, REFUSED

logger = logging.getLogger(__name__)


def run(root: Path) -> int:
    """Tell whether the committed `dvc.lock` is the one that `dvc repro` would write."""
    stale = rebuild.stale_stages(root)
    if stale:
        logger.error("dvc.lock is not current: %s would run again, and what depends on it.", ", ".join(stale))
        logger.error("  fix: dvc repro, then commit dvc.lock")
        return REFUSED
    logger.info("dvc.lock is current")
    return DONE
