"""`deployed`: ask a service which model it serves, and note it in the registry if it is the champion."""

import logging
import os
from pathlib import Path

from holdfast import deployments, environments
from holdfast.errors import DONE, UserError
from holdfast.files import Workspace
from holdfast.params import load

logger = logging.getLogger(__name__)


def run(root: Path, url: str, token: str | None) -> int:
    """Note where the champion runs; `token` is the name of the variable that holds one."""
    if token and not os.environ.get(token):
        problem = f"--token: found no environment variable '{token}', or nothing in it."
        raise UserError(problem, fix=f"export {token}=…; the token itself must not stand on a command line")
    environment = environments.current(load(Workspace(root).params))
    found, noted = deployments.note(root, environment, url, os.environ[token] if token else None)
    logger.info("%s, version %d runs at %s: noted in the registry", found.name, found.number, noted.url)
    return DONE
