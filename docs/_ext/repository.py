"""Links from pages to other files of the repository: each becomes a page of the site that shows the file.

So they work wherever the site is, also without a network. A link to what Git does not have is a warning, which fails
the build: it would be broken on GitHub.
"""

import subprocess
from collections.abc import Iterator
from functools import cached_property
from html import escape
from pathlib import Path, PurePosixPath
from typing import Any

from docutils import nodes
from pygments.lexers import get_lexer_for_filename
from pygments.util import ClassNotFound
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.osutil import relative_uri

logger = logging.getLogger(__name__)

FOLDER = "files"


class Repository:
    """What Git has below a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def files(self) -> list[str]:
        """The names of the files, relative to the root."""
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=self.root, text=True, capture_output=True, check=True)
        return listed.stdout.split("\0")[:-1]

    def has(self, name: str) -> bool:
        """Tell whether Git has a file, or a folder with files."""
        return name in self.files or bool(self.inside(name))

    def inside(self, folder: str) -> list[str]:
        """Return the names of what a folder holds; folders in it end in a slash."""
        prefix = f"{folder}/"
        rest = [name.removeprefix(prefix) for name in self.files if name.startswith(prefix)]
        return sorted({first + slash for first, slash, _ in (name.partition("/") for name in rest)})


class Links(SphinxTransform):
    """Turn links to files and folders that are no page into links to pages that show them."""

    default_priority = 500

    def apply(self, **_: object) -> None:
        """Replace the links of this page."""
        repository = Repository(Path(self.env.srcdir))
        wanted = self.env.domaindata.setdefault(FOLDER, {}).setdefault(self.env.docname, set())
        for link in [
            *self.document.findall(addnodes.download_reference),
            *self.document.findall(addnodes.pending_xref),
        ]:
            name = self._file(link, repository)
            if name is None:
                continue  # a link to a page, or to nothing, of which Sphinx says what is wrong
            if not repository.has(name):
                logger.warning("links to %s, which is not in Git", name, location=link, type="myst")
                continue
            wanted.add(name)
            address = relative_uri(f"{self.env.docname}.html", f"{FOLDER}/{name}.html")
            link.replace_self(nodes.reference("", "", *link.children, refuri=address, internal=True))

    def _file(self, link: nodes.Element, repository: Repository) -> str | None:
        """Return the file or folder that a link is to, if it is to one."""
        target, domain = link["reftarget"], link.get("refdomain")
        if domain == "doc":  # taken for a page, because pages may end so too
            names = [f"{target}{suffix}" for suffix in self.config.source_suffix]
            return None if target in self.env.found_docs else next(filter(repository.has, names), None)
        name = PurePosixPath(self.env.relfn2path(target.partition("#")[0], self.env.docname)[0]).as_posix()
        is_folder = not target.startswith("#") and domain is None and (Path(self.env.srcdir) / name).is_dir()
        return name if is_folder or isinstance(link, addnodes.download_reference) else None


def _pages(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Give the pages of all files and folders that are linked to."""
    repository = Repository(Path(app.srcdir))
    wanted = {name for names in app.env.domaindata.get(FOLDER, {}).values() for name in names}
    for name in sorted(wanted):
        inside = repository.inside(name)
        body = _listing(name, inside, wanted) if inside else _source(app, name)
        yield f"{FOLDER}/{name}", {"title": name, "body": f"<h1><code>{escape(name)}</code></h1>\n{body}"}, "page.html"


def _listing(folder: str, inside: list[str], wanted: set[str]) -> str:
    here = f"{FOLDER}/{folder}.html"
    entries = []
    for one in inside:
        name = f"{folder}/{one}".rstrip("/")
        shown = f"<code>{escape(one)}</code>"
        linked = name in wanted
        entries.append(f'<a href="{relative_uri(here, f"{FOLDER}/{name}.html")}">{shown}</a>' if linked else shown)
    return f"<ul>{''.join(f'<li>{entry}</li>' for entry in entries)}</ul>"


def _source(app: Sphinx, name: str) -> str:
    text = (Path(app.srcdir) / name).read_text(encoding="utf-8")
    try:
        language = get_lexer_for_filename(name).aliases[0]
    except ClassNotFound:
        language = "text"
    shown: str = app.builder.highlighter.highlight_block(text, language, linenos="inline", force=True)  # type: ignore[attr-defined]
    return shown


def _forget(_: Sphinx, env: BuildEnvironment, page: str) -> None:
    env.domaindata.get(FOLDER, {}).pop(page, None)


def setup(app: Sphinx) -> dict[str, bool]:
    """Take part in the build."""
    app.add_transform(Links)
    app.connect("env-purge-doc", _forget)
    app.connect("html-collect-pages", _pages)
    return {"parallel_read_safe": False}
