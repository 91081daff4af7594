"""`sweep`: try the points of a grid, print and publish what came of them, and if asked write the best down."""

import logging
from pathlib import Path

from holdfast import environments, params, store, sweep_runs, sweep_table, sweeps
from holdfast.errors import DONE, MISTAKE
from holdfast.files import Workspace

logger = logging.getLogger(__name__)


def run(root: Path, settings: list[str], *, set_winner: bool) -> int:
    """Run the sweep, print its table, and say what is next."""
    environment = environments.current(params.load(Workspace(root).params))
    found = sweeps.run(root, sweeps.plan(root, settings))
    for line in sweep_table.table(found):
        logger.info(line)
    if found.winner is None:
        logger.error("no point was reproduced: there is no winner")
        return MISTAKE
    logger.info("compared on the validation rows alone; every point is an experiment: `dvc exp list`")
    for line in sweeps.take(root, found) if set_winner else sweeps.offer(found):
        logger.info(line)
    logger.info("logging %d points", len(found.outcomes))
    opened = store.connect(root, environment.settings.tracking)
    logger.info("run %s", sweep_runs.publish(root, opened, environment.settings.model, found))
    return DONE
