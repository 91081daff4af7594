"""`validate`: judge partitions against the contract, before or after they are below `data/`."""

import logging
from pathlib import Path

from holdfast import data_docs, files, params, validation
from holdfast.contract import expectations
from holdfast.errors import DONE, REFUSED
from holdfast.expectations import Result
from holdfast.files import Workspace
from holdfast.schema import Schema
from holdfast.terms import Contract

logger = logging.getLogger(__name__)
SOME_MONTH = "2013-01"


def run(root: Path, partitions: list[str], *, names: bool) -> int:
    """Judge partitions, say what is broken on one screen, and write Data Docs of all."""
    workspace = Workspace(root)
    choices = params.load(workspace.params)
    if names:
        return _list(choices.data, choices.contract)
    paths = validation.partitions(partitions, workspace)
    logger.info("judging with Great Expectations: %d partition%s", len(paths), "s" * (len(paths) > 1))
    with files.replacing(workspace.data_docs) as folder:
        entries = _judge(paths, folder, choices.data, choices.contract)
        shared = validation.shared_ids_of_files([*validation.neighbours(paths, workspace), *paths], choices.data)
        entries += [(shared, None)] if shared.broken else []
        files.write_bytes(folder / "index.html", data_docs.index(entries).encode())
    for line in validation.told([result for result, _ in entries], "error", "warning"):
        logger.info(line)
    logger.info("Data Docs: %s", files.shown(workspace.data_docs / "index.html"))
    return REFUSED if any(result.refused for result, _ in entries) else DONE


def _judge(paths: list[Path], folder: Path, schema: Schema, contract: Contract) -> list[tuple[Result, str | None]]:
    """Judge partitions, write the page of each, and say how each did."""
    width = max(len(files.shown(path)) for path in paths)
    entries: list[tuple[Result, str | None]] = []
    for result, found in validation.judge(paths, schema, contract):
        link = f"{len(entries) + 1:03}.html"
        files.write_bytes(folder / link, data_docs.partition(result, found, "index.html").encode())
        entries.append((result, link))
        verdict = data_docs.verdict(result)
        logger.info(
            "%-*s %9s rows %4d expectations  %s", width, result.partition, f"{result.rows:,}", result.judged, verdict
        )
    return entries


def _list(schema: Schema, contract: Contract) -> int:
    """Print what is promised of every partition."""
    promised = expectations(schema, contract, SOME_MONTH if contract.partition else None)
    width = max(len(one.name) for one in promised)
    for one in promised:
        logger.info("%-*s  %-7s  %s", width, one.name, one.severity, one.expected)
    return DONE
