"""`restore`: check out what a registered version was made of, and prove that its model comes out of it again."""

import logging
from pathlib import Path

from holdfast import environments, files, params, registry, restoring, store
from holdfast.errors import DONE
from holdfast.files import Workspace

logger = logging.getLogger(__name__)


def run(root: Path, version: str, into: str | None) -> int:
    """Restore a version, and say whether its model has the hash that was recorded."""
    environment = environments.current(params.load(Workspace(root).params)).settings
    opened = store.connect(root, environment.tracking)
    wanted = registry.find(opened, environment.model, version)
    found = restoring.restore(root, wanted, Path(into) if into else None)
    logger.info("%s, version %d, is in %s", wanted.name, wanted.number, files.shown(found.folder))
    if found.differing:
        logger.info("made again, but to other bytes: %s", ", ".join(found.differing))
    restoring.require_the_same(wanted, found)
    logger.info("its model was made again from its data, and has the recorded hash: %s", found.sha256)
    return DONE
