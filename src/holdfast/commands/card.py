"""`card`: write the model card of this tree's model."""

import logging
from pathlib import Path

from holdfast import files, model_card, model_card_markdown, model_card_page
from holdfast.errors import DONE
from holdfast.files import Workspace

logger = logging.getLogger(__name__)


def run(root: Path, form: str | None) -> int:
    """Write the card in both formats, and print it in one, or say where it is and what it lacks."""
    about = model_card.of_tree(root)
    written = {"md": model_card_markdown.markdown(about), "html": model_card_page.page(about)}
    into = Workspace(root).comparison.parent / "model-card"
    with files.replacing(into) as folder:
        for ending, content in written.items():
            files.write_bytes(folder / f"card.{ending}", content.encode())
    if form:
        logger.info(written[form].rstrip("\n"))
        return DONE
    for lacking in model_card.missing(about):
        logger.info("lacks: %s", lacking)
    logger.info("model card: %s", files.shown(into / "card.html"))
    return DONE
