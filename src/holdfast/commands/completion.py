"""`completion`: print what a shell needs to complete the commands and their options."""

import logging
from pathlib import Path

from holdfast.errors import DONE

logger = logging.getLogger(__name__)


def run(_root: Path, shell: str) -> int:
    """Print the completion of a shell, for the command `holdfast`."""
    import shtab

    from holdfast.command_line import parser

    described = parser()
    described.prog = "holdfast"
    logger.info("%s", shtab.complete(described, shell))
    return DONE
