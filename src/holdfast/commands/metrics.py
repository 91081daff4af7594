"""`metrics`: print what was measured of the model, and on which rows."""

import logging
from pathlib import Path

from holdfast import files
from holdfast.errors import DONE
from holdfast.evaluation import Metrics
from holdfast.files import Workspace
from holdfast.model import Model
from holdfast.split import TimeBoundaries

logger = logging.getLogger(__name__)


def run(root: Path) -> int:
    """Print what was measured of the model, and on which rows."""
    workspace = Workspace(root)
    found = files.read_json(workspace.evaluate / "metrics.json", Metrics)
    facts = Model.load(workspace.train / "model").facts
    positive, split = facts.data.target.positive, facts.split
    name = f"holdout {' to '.join(split.holdout_months())}" if isinstance(split, TimeBoundaries) else "holdout"
    shares = f"{found['positive_share']:.1%} {positive}", f"{found['positive_share_in_training']:.1%} in training"
    logger.info("%s: %s rows, %s (%s)", name, f"{found['rows']:,}", *shares)
    for key, value in found.items():
        if key not in {"rows", "positive_share", "positive_share_in_training"}:
            logger.info("  %-18s %s", key, "not defined" if value is None else f"{value:.3f}")
    return DONE
