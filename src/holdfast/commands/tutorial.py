"""`tutorial`: a practice copy to follow the tutorial in; back to the start of a chapter; what a chapter lacks."""

import logging
from pathlib import Path

from holdfast import files
from holdfast.errors import DONE, REFUSED
from holdfast.playground import chapters, checks, reset, start

logger = logging.getLogger(__name__)


def run(root: Path, action: str, folder: str = "", chapter: int = 1) -> int:
    """Do one of the three."""
    if action == "start":
        return _start(root, Path(folder).expanduser().resolve())
    wanted = chapters.of(chapter)
    practice = start.find(root)
    return _reset(practice, wanted) if action == "reset" else _check(practice, wanted)


def _start(root: Path, folder: Path) -> int:
    logger.info("making a practice copy in %s: a few seconds", files.shown(folder))
    practice = start.make(root, folder)
    logger.info("nothing that is done there reaches this repository; go on with")
    logger.info("  cd %s", files.shown(practice.clone.folder))
    logger.info("  source .venv/bin/activate")
    logger.info("and read %s", chapters.of(1).page)
    return DONE


def _reset(practice: start.Practice, chapter: chapters.Chapter) -> int:
    kept = reset.go(practice, chapter)
    if kept:
        logger.info("what was here is kept, in branches and a folder below .holdfast/, under the name %s", kept)
    logger.info("main is at the start of chapter %s: %s", chapter.number, chapter.title)
    logger.info("go on with %s", chapter.page)
    return DONE


def _check(practice: start.Practice, chapter: chapters.Chapter) -> int:
    found = checks.look(practice, chapter)
    for one in found:
        logger.info("%-9s%s", "there" if one.there else "missing", one.what)
        if not one.there:
            logger.info("%-9s%s", "", one.fix)
    missing = sum(not one.there for one in found)
    if missing:
        logger.info("chapter %s, %s: %s of %s missing; read %s again",
                    chapter.number, chapter.title, missing, len(found), chapter.page)  # fmt: skip
        return REFUSED
    logger.info("chapter %s, %s: all there; go on with %s", chapter.number, chapter.title, chapters.after(chapter))
    return DONE
