"""`export`: write a bundle, which is all that a service needs, into a folder of its own."""

import logging
from pathlib import Path

from holdfast import files, releases
from holdfast.errors import DONE

logger = logging.getLogger(__name__)


def run(root: Path, model: str | None, into: str) -> int:
    """Export the model of this tree, or the one that a name of the registry stands for."""
    folder = Path.cwd() / into
    bundle = releases.export(root, model, folder)
    logger.info("%s: version %s, sha256 %s", files.shown(folder), bundle.version, bundle.sha256)
    logger.info("its %d golden rows have the scores that the evaluation saw", len(bundle.golden.scores))
    logger.info("serve it: MODEL_URI=%s", files.shown(folder))
    return DONE
