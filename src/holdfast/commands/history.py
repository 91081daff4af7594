"""`history`: say who was champion from when to when, and on which verdict."""

import logging
from itertools import zip_longest
from pathlib import Path

from holdfast import deployments, environments, moves, registry, store
from holdfast.errors import DONE
from holdfast.files import Workspace
from holdfast.moves import Move
from holdfast.params import load

logger = logging.getLogger(__name__)


def run(root: Path) -> int:
    """Print a line for each time that a version was champion, the oldest first."""
    environment = environments.current(load(Workspace(root).params))
    name = environment.settings.model
    opened = store.connect(root, environment.settings.tracking)
    found = moves.settled(opened, name)
    if not found:
        logger.info("%s: nobody has been champion yet", name)
        return DONE
    logger.info("%-9s%-22s%-22s%-10s%-10s%s", "version", "champion from (UTC)", "to", "by", "verdict", "approved by")
    known = {one.number: one for one in registry.versions(opened, name)}
    for move, following in zip_longest(found, found[1:]):
        logger.info("%s", _line(move, following).rstrip())
        for noted in deployments.of(known[move.champion]) if move.champion in known else ():
            if move.at <= noted.at and (following is None or noted.at < following.at):
                logger.info("%-9sdeployed %s", "", noted.line())
    return DONE


def _line(move: Move, following: Move | None) -> str:
    begun, ended = (f"{one.at:%Y-%m-%d %H:%M:%S}" if one else "now" for one in (move, following))
    verdict = move.verdict or move.kind
    return f"{move.champion:<9}{begun:<22}{ended:<22}{move.by:<10}{verdict:<10}{', '.join(move.approved_by)}"
