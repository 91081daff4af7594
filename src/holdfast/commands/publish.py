"""`publish`: write this tree's model down in the MLflow store, and register it as challenger."""

import logging
from pathlib import Path

from holdfast import environments, publishing
from holdfast.errors import DONE
from holdfast.files import Workspace
from holdfast.params import load

logger = logging.getLogger(__name__)


def run(root: Path) -> int:
    """Publish, and say under which names."""
    params = load(Workspace(root).params)
    environment = environments.current(params)
    published = publishing.publish(root, params, environment)
    logger.info("run %s", published.run)
    if version := published.version:
        aliases = f" ({', '.join(version.aliases)})" if version.aliases else ""
        logger.info("%s, version %d%s: model %s", version.name, version.number, aliases, version.sha256[:12])
        logger.info("next: python -m holdfast promote --dry-run")
    return DONE
