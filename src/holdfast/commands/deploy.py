"""`deploy`: push HEAD with an exported model to a platform that builds from Git."""

import logging
from pathlib import Path

from holdfast import deploying
from holdfast.errors import DONE

logger = logging.getLogger(__name__)


def run(root: Path, folder: str, remote: str) -> int:
    """Deploy the bundle of a folder, with the code of HEAD."""
    commit = deploying.push(root, Path.cwd() / folder, remote)
    logger.info("%s is what %s builds now", commit[:7], remote)
    return DONE
