"""`rollback`: make a version champion again that was it before."""

import logging
from pathlib import Path

from holdfast import environments, promotion
from holdfast.errors import DONE
from holdfast.files import Workspace
from holdfast.params import load

logger = logging.getLogger(__name__)


def run(root: Path, version: str | None) -> int:
    """Go back, and say to which version."""
    environment = environments.current(load(Workspace(root).params))
    move = promotion.rollback(root, environment, version)
    was = f", was version {move.before}" if move.before else ""
    logger.info("%s: champion is version %d%s", environment.settings.model, move.champion, was)
    return DONE
