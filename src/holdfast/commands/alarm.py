"""`alarm`: open an issue that new versions of our dependencies break us, or add to the one that is open."""

from pathlib import Path

from holdfast import proposals
from holdfast.errors import DONE


def run(root: Path, run_url: str) -> int:
    """Open the issue, or add to the one that is open."""
    proposals.alarm(root, run_url)
    return DONE
