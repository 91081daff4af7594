"""`sweep`: try the points of a grid, print and publish what came of them, and if asked write the best down."""

import logging
from pathlib import Path

from holdfast import environments, params, store, sweep_runs, sweep_table, sweeps
from holdfast.errors import DONE, MISTAKE
from holdfast.files import Workspace
from holdfast.store import Store

logger = logging.getLogger(__name__)


def run(root: Path, settings: list[str], *, set_winner: bool) -> int:
    """Run the sweep, print its table, and say what is next."""
    environment = environments.current(params.load(Workspace(root).params))
    planned = sweeps.plan(root, settings)
    opened = store.connect(root, environment.settings.tracking)
    _require_answer(opened)
    found = sweeps.run(root, planned)
    for line in sweep_table.table(found):
        logger.info(line)
    if found.winner is None:
        logger.error("no point was reproduced: there is no winner")
        return MISTAKE
    logger.info("compared on the validation rows alone; every point is an experiment: `dvc exp list`")
    logger.info("logging %d points", len(found.outcomes))  # before params.yaml is written: the runs are of this commit
    logger.info("run %s", sweep_runs.publish(root, opened, environment.settings.model, found))
    for line in sweeps.take(root, found) if set_winner else sweeps.offer(found):
        logger.info(line)
    return DONE


def _require_answer(opened: Store) -> None:
    """Ask the store for anything: one that does not answer is told now, and not after hours."""
    with store.asked(opened.address):
        opened.client.search_experiments(max_results=1)
