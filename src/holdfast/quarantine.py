"""Where partitions wait that break their contract: nothing bad gets in, nothing is lost.

A refused partition gets a folder below `quarantine/`, at the place that it would have below `data/`. The folder's name
ends in a hash of the bytes, so that the next attempt does not take its place. In it are the partition,
under its own name, and its report, for programs and as a page; all of it or nothing.
"""

import hashlib
from dataclasses import replace
from pathlib import Path

import pandas as pd

from holdfast import data_docs, files, validation
from holdfast.expectations import Result, check_in_detail
from holdfast.files import Workspace
from holdfast.schema import Schema
from holdfast.terms import Contract


def admit(
    path: Path, rows: pd.DataFrame, workspace: Workspace, schema: Schema, contract: Contract
) -> tuple[Result, Path]:
    """Write a partition below `data/` if it keeps its contract, else into quarantine with its report.

    Return how it keeps the contract, and where it was written.
    """
    name, month = workspace.name(path), validation.month_of(path, contract)
    result, found = check_in_detail(rows, name, schema, contract, month)
    result = replace(result, broken=(*result.broken, *_shared(path, rows, workspace, schema).broken))
    if not result.refused:
        with files.whole(path) as draft:
            files.write(draft, rows)
        return result, path
    content = files.content(rows)
    below = path.relative_to(workspace.data).with_suffix("")
    place = workspace.quarantine / f"{below}-{hashlib.sha256(content).hexdigest()[:8]}"
    with files.replacing(place) as folder:
        files.write_bytes(folder / path.name, content)
        files.write_json(folder / "report.json", result.as_json())
        files.write_bytes(folder / "report.html", data_docs.partition(result, found).encode())
    return result, place / path.name


def _shared(path: Path, rows: pd.DataFrame, workspace: Workspace, schema: Schema) -> Result:
    """Judge the ids of a partition together with those of the partitions that are there."""
    others = validation.neighbours([path], workspace)
    names = [workspace.name(other) for other in [*others, path]]
    ids = rows[schema.id] if list(rows).count(schema.id) == 1 else pd.Series(dtype="str")
    count = len(rows) + sum(files.outline(other)[0] for other in others)
    return validation.shared_ids(
        names, lambda place: ids if place == len(others) else validation.ids(others[place], schema), count, schema
    )
