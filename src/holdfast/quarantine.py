"""Where partitions wait that break their contract: nothing bad gets in, nothing is lost.

A refused partition lies below `quarantine/` as it would below `data/`, its name lengthened by a hash
of its bytes, so that the next attempt does not take its place. Beside it lie its report, for
programs and as a page.
"""

import hashlib
from pathlib import Path

import pandas as pd

from holdfast import data_docs, files, validation
from holdfast.expectations import Result, check_in_detail
from holdfast.files import Workspace
from holdfast.params import Contract
from holdfast.schema import Schema


def admit(
    path: Path, rows: pd.DataFrame, workspace: Workspace, schema: Schema, contract: Contract
) -> tuple[Result, Path]:
    """Write a partition below `data/` if it keeps its contract, else into quarantine with its report.

    Return how it keeps the contract, and where it was written.
    """
    month = validation.month_of(path, contract)
    result, found = check_in_detail(rows, workspace.name(path), schema, contract, month)
    if not result.refused:
        files.write_whole(path, rows)
        return result, path
    place = workspace.quarantine / path.relative_to(workspace.data)
    files.write_whole(place, rows)
    digest = hashlib.sha256(place.read_bytes()).hexdigest()[:8]
    kept = place.replace(place.with_suffix(f".{digest}.parquet"))
    files.write_json(kept.with_suffix(".json"), result.as_json())
    files.write_bytes(kept.with_suffix(".html"), data_docs.partition(result, found).encode())
    return result, kept
