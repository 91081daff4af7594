"""`explain-model`: say what a version, or the model behind a prediction or scores, is made of and who let it in."""

import logging
from pathlib import Path

from holdfast import ancestry, environments
from holdfast.errors import DONE
from holdfast.files import Workspace
from holdfast.params import load

logger = logging.getLogger(__name__)


def run(root: Path, version: str, prediction: str | None, scored: str | None, form: str) -> int:
    """Print the lineage as text or as JSON."""
    logging.getLogger("holdfast").setLevel(logging.WARNING)  # what is printed may go into a file
    logger.setLevel(logging.INFO)
    environment = environments.current(load(Workspace(root).params))
    if prediction:
        found = ancestry.of_prediction(root, environment, prediction)
    elif scored:
        found = ancestry.of_scores(root, environment, Path(scored))
    else:
        found = ancestry.of_version(root, environment, version)
    logger.info("%s", found.text() if form == "text" else found.model_dump_json(indent=2))
    return DONE
