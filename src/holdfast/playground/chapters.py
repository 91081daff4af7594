"""The chapters of the tutorial: what each is called, where it is written, and what its start looks like."""

from pathlib import Path
from typing import NamedTuple

from holdfast.errors import UserError

FIRST, NEXT = "2013-06", "2013-07"  # the newest months of the data versions that learners meet
PAGES = Path("docs") / "tutorial"


class Chapter(NamedTuple):
    """A chapter: the newest month of its data, whether they are fetched, and whether the pipeline has run on them."""

    number: int
    slug: str
    title: str
    month: str = NEXT
    fetched: bool = True
    reproduced: bool = True

    @property
    def branch(self) -> str:
        """Where it starts."""
        return f"chapter-{self.number}"

    @property
    def page(self) -> str:
        """Where it is written."""
        return (PAGES / f"{self.number}-{self.slug}.md").as_posix()


CHAPTERS = (
    Chapter(1, "data", "data has versions", month=FIRST, fetched=False, reproduced=False),
    Chapter(2, "pipeline", "the pipeline", reproduced=False),
    Chapter(3, "experiments", "experiments"),
    Chapter(4, "tests", "tests"),
    Chapter(5, "automation", "automation"),
    Chapter(6, "deploy", "deploy"),
    Chapter(7, "registry", "the registry"),
    Chapter(8, "your-data", "your own data"),
)


def of(number: int) -> Chapter:
    """Return a chapter by its number.

    Raises: UserError where there is none.
    """
    if not 1 <= number <= len(CHAPTERS):
        problem = f"chapter: found {number}, expected a number from 1 to {len(CHAPTERS)}."
        raise UserError(problem, fix=f"{PAGES.as_posix()}/README.md lists them")
    return CHAPTERS[number - 1]


def after(chapter: Chapter) -> str:
    """Return the page to read after a chapter; the last one is followed by the overview."""
    return CHAPTERS[chapter.number].page if chapter.number < len(CHAPTERS) else (PAGES / "README.md").as_posix()
