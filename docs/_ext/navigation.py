"""The sidebar: what the front page links to, in its order and under its headings.

A page named README.md stands for its folder: the other pages of the folder come below it, in the order of their names.
So a chapter that is added to a folder is found without being listed anywhere, and GitHub never sees a directive.
"""

from collections.abc import Iterable
from pathlib import PurePosixPath

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms import SphinxTransform


class Contents(SphinxTransform):
    """Put hidden tables of contents, of which Sphinx makes the sidebar, into the front page and those of folders."""

    default_priority = 500

    def apply(self, **_: object) -> None:
        """Add what belongs to this page, if anything."""
        page = self.env.docname
        if page == self.config.root_doc:
            for section in [one for one in self.document.findall(nodes.section) if one.parent.parent is self.document]:
                section.append(_table(page, _linked(section), section[0].astext()))
        elif below := pages_below(page, self.env.found_docs):
            next(self.document.findall(nodes.section)).append(_table(page, dict.fromkeys(below)))


def pages_below(page: str, pages: Iterable[str]) -> list[str]:
    """Return the other pages of the folder that a page named README stands for."""
    path = PurePosixPath(page)
    if path.name != "README" or len(path.parts) < 2:
        return []
    return sorted(other for other in pages if PurePosixPath(other).parent == path.parent and other != page)


def _linked(section: nodes.section) -> dict[str, str | None]:
    """Return the pages that a section links to, with the words of the links."""
    links = [link for link in section.findall(addnodes.pending_xref) if link["refdomain"] == "doc"]
    return {link["reftarget"]: link.astext() for link in links}


def _table(page: str, entries: dict[str, str | None], caption: str | None = None) -> nodes.Node:
    titled = [(title, entry) for entry, title in entries.items()]
    table = addnodes.toctree("", parent=page, entries=titled, includefiles=list(entries))
    table.attributes.update(
        caption=caption, rawcaption=caption, maxdepth=2, glob=False, hidden=True, includehidden=False, numbered=0,
        titlesonly=True,
    )  # fmt: skip
    return table


def _again(_: Sphinx, env: BuildEnvironment, added: set[str], __: set[str], removed: set[str]) -> list[str]:
    """Name the pages of folders that have got or lost a page since the last build."""
    owners = {(PurePosixPath(page).parent / "README").as_posix() for page in added | removed}
    return sorted(owners & env.found_docs)


def setup(app: Sphinx) -> dict[str, bool]:
    """Take part in the build."""
    app.add_transform(Contents)
    app.connect("env-get-outdated", _again)
    return {"parallel_read_safe": True}
