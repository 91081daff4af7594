"""Stage `prepare`: judge the partitions, drop what has no label, split the rest.

Every partition must keep the contract; what is only a warning is reported. Rows whose outcome is
missing or excluded are dropped, and counted by reason. The schema that the rows obey and the
boundaries of the split travel with them: later stages read these, not `params.yaml`.
"""

import logging

import numpy as np
import pandas as pd

from holdfast import files, validation
from holdfast.errors import UserError
from holdfast.expectations import Result, check
from holdfast.files import Workspace
from holdfast.params import Contract, Params
from holdfast.schema import Schema
from holdfast.split import SIDES, boundaries

logger = logging.getLogger(__name__)


def main(params: Params, workspace: Workspace) -> None:
    """Read the partitions, write one file for each side of the split."""
    schema = params.data
    rows, results = _read(schema, params.contract, workspace)
    split = boundaries(rows, params.split, schema)
    sides = split.sides(rows, schema)
    labelled = rows[schema.target.column].isin([schema.target.negative, schema.target.positive])

    with files.replacing(workspace.prepare) as folder:
        for side in SIDES:
            part = rows[labelled & (sides == side)]
            _refuse_one_label(part, schema, side)
            logger.info("%s: %s rows", side, f"{len(part):,}")
            files.write(folder / f"{side}.parquet", part)
        files.write_json(folder / "schema.json", schema.model_dump(mode="json"))
        files.write_json(folder / "split.json", split.model_dump(mode="json"))
        files.write_json(folder / "contract.json", [result.as_json() for result in results])
        files.write_csv(folder / "outcomes.csv", _outcomes(rows[schema.target.column], sides))


def _read(schema: Schema, contract: Contract, workspace: Workspace) -> tuple[pd.DataFrame, list[Result]]:
    """Return the rows of all partitions, in the order of time and id, and how each keeps the contract."""
    parts, results = [], []
    for path in workspace.partitions():
        part, name = files.read(path), workspace.name(path)
        results.append(check(part, name, schema, contract, validation.month_of(path, contract)))
        parts.append(part)
    validation.refuse(results)
    for warning in validation.told(results, "warning"):
        logger.warning(warning)
    names = [result.partition for result in results]
    rows = pd.concat([schema.rows(*pair) for pair in zip(parts, names, strict=True)], ignore_index=True)
    schema.check_ids(rows[schema.id], "data/")
    ordered = rows.sort_values([schema.time, schema.id] if schema.time else schema.id, ignore_index=True)
    return ordered, results


def _refuse_one_label(rows: pd.DataFrame, schema: Schema, side: str) -> None:
    target = schema.target
    found = sorted(rows[target.column].unique())
    if len(found) < 2:
        raise UserError(
            f"data/: {target.column}: found {' and '.join(found) or 'no label'} in the {len(rows):,} {side} rows, "
            f"expected both {target.negative} and {target.positive}.",
            fix="add rows of the other label, or give this side more rows under `split:` in params.yaml",
        )


def _outcomes(outcome: pd.Series, sides: np.ndarray) -> pd.DataFrame:
    """Count the outcomes on each side: labels, reasons for which a row is dropped, and (empty) missing ones."""
    table = pd.DataFrame({"side": sides, "outcome": outcome.fillna("")})
    return table.groupby(["side", "outcome"]).size().rename("rows").reset_index()
