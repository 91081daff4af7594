"""Pages from notebooks: a script below docs/notebooks is run, and shown with what it printed and drew.

The page is markdown, so its links and headings are checked like those of every other page.
"""

import base64
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from myst_parser.parsers.sphinx_ import MystParser
from nbclient.exceptions import CellExecutionError
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from docs._ext import notebooks

TOLD = """

This page is what `docs/notebooks/{name}.py` printed when the site was made. `make docs` also writes it as a notebook,
`reports/notebooks/{name}.ipynb`."""


class NotebookParser(MystParser):
    """Parse a script in jupytext's percent format, after running it."""

    supported = ("notebook",)

    def parse(self, _: str, document: nodes.document) -> None:
        """Run the script of this page, and parse what became of it."""
        env = document.settings.env
        root = Path(env.srcdir)
        env.note_dependency(str(root / "dvc.lock"))  # other artifacts, other outputs
        try:
            text = page(root / f"{env.docname}.py", root / "reports" / "notebooks", root)
        except CellExecutionError as error:
            problem = f"{env.docname}.py: a cell fails: {error.ename}: {error.evalue}"
            raise ExtensionError(f"{problem}\n  fix: dvc repro, or correct the cell") from error
        super().parse(text, document)


def page(source: Path, into: Path, root: Path) -> str:
    """Run a script; return its page in markdown, with its pictures in a folder below `into`."""
    pictures = into / source.stem
    pictures.mkdir(parents=True, exist_ok=True)
    parts = list[str]()
    for kind, text, outputs, alt in notebooks.cells(notebooks.run(source, into, root)):
        if kind == "markdown":
            parts.append(text)
            continue
        parts.append(f"```python\n{text}\n```")
        for output in outputs:
            path = pictures / f"{len(parts)}.png"
            parts.append(_shown(output, path, f"![{alt}](/{path.relative_to(root).as_posix()})"))
    first, rest = parts[0], parts[1:]
    return "\n\n".join([first + TOLD.format(name=source.stem), *rest])


def _shown(output: dict[str, Any], picture: Path, link: str) -> str:
    """Return an output in markdown: the richest form that a page can show."""
    if output["output_type"] == "stream":
        return f"```text\n{output['text'].rstrip()}\n```"
    forms = output["data"]
    if "image/png" in forms:
        picture.write_bytes(base64.b64decode(forms["image/png"]))
        return link
    if "text/html" in forms:
        return f"```{{raw}} html\n{_table(forms['text/html'])}\n```"
    return f"```text\n{forms['text/plain'].strip(chr(39))}\n```"


def _table(html: str) -> str:
    """Let a table of pandas look like the tables of the site."""
    html = re.sub(r"<style.*?</style>", "", html, flags=re.DOTALL)
    html = re.sub(r"<table[^>]*>", '<table class="docutils align-default">', html)
    html = re.sub(r"<td[^>]*>([-+]?[\d.,]+%?|NaN)</td>", r'<td class="number">\1</td>', html).replace("NaN", "")
    return f'<div class="table-wrapper docutils container frame">{html}</div>'


def setup(app: Sphinx) -> dict[str, bool]:
    """Take part in the build."""
    app.add_source_parser(NotebookParser)
    return {"parallel_read_safe": True}
