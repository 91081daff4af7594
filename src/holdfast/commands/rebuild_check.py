"""`rebuild-check`: rebuild a commit, and compare every artifact."""

import logging
import tempfile
from pathlib import Path

from holdfast import rebuild
from holdfast.errors import DONE, REFUSED

logger = logging.getLogger(__name__)


def run(root: Path, revision: str) -> int:
    """Clone a commit into a temporary folder, reproduce it without a cache, compare every artifact."""
    with tempfile.TemporaryDirectory(prefix="holdfast-") as folder:
        differing = rebuild.rebuild(root, Path(folder) / "clone", revision)
    if differing:
        logger.error("rebuilt, but not to the same bytes: %s", ", ".join(differing))
        return REFUSED
    logger.info("rebuilt to the same bytes: every artifact has the hash that dvc.lock records")
    return DONE
