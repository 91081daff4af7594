"""`metrics`: print what was measured of the model, and on which rows."""

import logging
from pathlib import Path

from holdfast import files
from holdfast.errors import DONE
from holdfast.files import Workspace
from holdfast.measuring import Metrics
from holdfast.model import Model
from holdfast.split import TimeBoundaries
from holdfast.targets import BinaryTarget

logger = logging.getLogger(__name__)

NARROWEST = 18  # characters of a name; longer ones move all figures


def run(root: Path) -> int:
    """Print what was measured of the model, and on which rows."""
    workspace = Workspace(root)
    found = files.read_json(workspace.evaluate / "metrics.json", Metrics)
    facts = Model.load(workspace.train / "model").facts
    target, split = facts.data.target, facts.split
    name = f"holdout {' to '.join(split.holdout_months())}" if isinstance(split, TimeBoundaries) else "holdout"
    said = f"{found.pop('rows'):,} rows"
    if isinstance(target, BinaryTarget):
        shares = found.pop("positive_share"), found.pop("positive_share_in_training")
        said += f", {shares[0]:.1%} {target.positive} ({shares[1]:.1%} in training)"
    logger.info("%s: %s", name, said)
    width = max(NARROWEST, *map(len, found))
    for key, value in found.items():
        logger.info("  %-*s %s", width, key, "not defined" if value is None else f"{value:.3f}")
    return DONE
