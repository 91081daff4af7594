"""`sweep`: try the points of a grid, print what came of them, and write the best into `params.yaml` if asked to."""

import logging
from pathlib import Path

from holdfast import sweep_table, sweeps
from holdfast.errors import DONE, MISTAKE

logger = logging.getLogger(__name__)


def run(root: Path, settings: list[str], *, set_winner: bool) -> int:
    """Run the sweep, print its table, and say what is next."""
    found = sweeps.run(root, sweeps.plan(root, settings))
    for line in sweep_table.table(found):
        logger.info(line)
    if found.winner is None:
        logger.error("no point was reproduced: there is no winner")
        return MISTAKE
    logger.info("compared on the validation rows alone; every point is an experiment: `dvc exp list`")
    for line in sweeps.take(root, found) if set_winner else sweeps.offer(found):
        logger.info(line)
    return DONE
