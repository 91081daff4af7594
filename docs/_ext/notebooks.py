"""Notebooks from scripts: the script is the source, and the notebook with its outputs is made by running it.

The scripts are in jupytext's percent format, so that they are read, changed, linted and compared like any other code.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "docs" / "notebooks"
TIMEOUT = 300  # seconds of one cell


def sources(folder: Path = SOURCES) -> list[Path]:
    """Return the scripts."""
    return sorted(folder.glob("*.py"))


def run(source: Path, into: Path, root: Path = ROOT) -> nbformat.NotebookNode:
    """Run a script from the root of a repository, and write it as a notebook with its outputs.

    Raises: nbclient.exceptions.CellExecutionError where a cell fails.
    """
    notebook = jupytext.read(source)
    place = {"metadata": {"path": str(root)}}
    client = NotebookClient(notebook, kernel_name="python3", timeout=TIMEOUT, record_timing=False, resources=place)
    kernel = client.create_kernel_manager()
    with tempfile.TemporaryDirectory(prefix="holdfast-") as sockets:  # nobody else on this machine can listen
        kernel.transport, kernel.ip = "ipc", f"{sockets}/kernel"
        client.execute()
    into.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, into / f"{source.stem}.ipynb")  # type: ignore[no-untyped-call]
    return notebook


def cells(notebook: nbformat.NotebookNode) -> Iterator[tuple[str, str, list[dict[str, Any]], str]]:
    """Give the kind, the source, the outputs and the alternative text of each cell."""
    for cell in notebook.cells:
        yield cell.cell_type, cell.source, cell.get("outputs", []), cell.metadata.get("alt", "")
