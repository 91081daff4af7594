"""Stage `prepare`: judge the partitions, drop what has no label, split the rest.

Every partition must keep the contract; what is only a warning is reported. Rows whose outcome is
missing or excluded are dropped, and counted by reason. The schema that the rows obey and the
boundaries of the split travel with them: later stages read these, not `params.yaml`. The profile
shows what the rows are like before any is dropped.
"""

import logging
from collections.abc import Iterable

import numpy as np
import pandas as pd

from holdfast import files, profile_page, validation
from holdfast.errors import RefusedError, UserError
from holdfast.expectations import Result, check
from holdfast.files import Workspace
from holdfast.leaks import Leak, find
from holdfast.params import Params
from holdfast.profiling import profile
from holdfast.schema import Schema, few
from holdfast.split import SIDES, boundaries
from holdfast.targets import BinaryTarget, NumberTarget, Target
from holdfast.terms import Contract, Leaks

logger = logging.getLogger(__name__)


def main(params: Params, workspace: Workspace) -> None:
    """Read the partitions, write one file for each side of the split, and what the rows are like."""
    schema = params.data
    partitions, results = _judged(schema, params.contract, workspace)
    rows = _together(partitions.values(), schema)
    split = boundaries(rows, params.split, schema)
    sides = split.sides(rows, schema)
    labelled = schema.target.answered(rows[schema.target.column])
    leaks = _looked_for(rows, sides, schema, params.contract.leaks)
    profiles = {name: profile(part, schema) for name, part in partitions.items()}

    with files.replacing(workspace.prepare) as folder:
        for side in SIDES:
            part = rows[labelled & (sides == side)]
            _refuse_too_few_answers(part, schema, side)
            logger.info("%s: %s rows", side, f"{len(part):,}")
            files.write(folder / f"{side}.parquet", part)
        files.write_json(folder / "schema.json", schema.model_dump(mode="json"))
        files.write_json(folder / "split.json", split.model_dump(mode="json"))
        files.write_json(folder / "contract.json", [result.as_json() for result in results])
        files.write_json(folder / "leaks.json", [leak.model_dump(mode="json") for leak in leaks])
        files.write_json(folder / "profile.json", {name: one.model_dump(mode="json") for name, one in profiles.items()})
        files.write_bytes(folder / "profile.html", profile_page.page(profiles, schema).encode())
        files.write_csv(folder / "outcomes.csv", _outcomes(rows[schema.target.column], sides))


def _judged(schema: Schema, contract: Contract, workspace: Workspace) -> tuple[dict[str, pd.DataFrame], list[Result]]:
    """Return the rows of each partition, and how it keeps the contract.

    Raises: RefusedError where one breaks it.
    """
    partitions = {workspace.name(path): files.read(path) for path in workspace.partitions()}
    months = [validation.month_of(path, contract) for path in workspace.partitions()]
    results = [
        check(part, name, schema, contract, month)
        for (name, part), month in zip(partitions.items(), months, strict=True)
    ]
    validation.refuse(results)
    parts, names = list(partitions.values()), list(partitions)
    count = sum(map(len, parts))
    validation.refuse([validation.shared_ids(names, lambda place: parts[place][schema.id], count, schema)])
    for warning in validation.told(results, "warning"):
        logger.warning(warning)
    return {name: schema.rows(part, name) for name, part in partitions.items()}, results


def _together(partitions: Iterable[pd.DataFrame], schema: Schema) -> pd.DataFrame:
    """Return all rows, in the order of time and id."""
    rows = pd.concat(partitions, ignore_index=True)
    return rows.sort_values([schema.time, schema.id] if schema.time else schema.id, ignore_index=True)


def _looked_for(rows: pd.DataFrame, sides: np.ndarray, schema: Schema, settings: Leaks) -> tuple[Leak, ...]:
    """Return what gives the answer away, after a warning of it.

    Raises: RefusedError instead, where the contract says so.
    """
    leaks = find(rows, sides, schema, settings)
    told = [f"leak {leak.code}: {leak.text}" for leak in leaks]
    if told and settings.severity == "error":
        raise RefusedError("\n".join(["data/: the answer is given away.", *told]), fix="do what is said of each leak")
    for warning in told:
        logger.warning(warning)
    return leaks


def _refuse_too_few_answers(rows: pd.DataFrame, schema: Schema, side: str) -> None:
    """Refuse a side that says too little: one answer only, or while training not each of the labels."""
    target = schema.target
    found = [str(one) for one in sorted(rows[target.column].unique())]
    absent = side == "train" and not {*target.answers} <= {*found}
    if len(found) < 2 or absent:
        is_number = isinstance(target, NumberTarget)
        nothing, more = ("no number", "rows with an answer") if is_number else ("no label", "rows of the other label")
        said = few(found) if len(found) > 1 else "".join(found) or nothing
        raise UserError(
            f"data/: {target.column}: found {said} in the {len(rows):,} {side} rows, "
            f"expected {_two_answers(target, side)}.",
            fix=f"add {more}, or give this side more rows under `split:` in params.yaml",
        )


def _two_answers(target: Target, side: str) -> str:
    if isinstance(target, NumberTarget):
        return "two different numbers at least"
    if isinstance(target, BinaryTarget):
        return f"both {target.negative} and {target.positive}"
    return f"{'each' if side == 'train' else 'two at least'} of {few(target.answers)}"


def _outcomes(outcome: pd.Series, sides: np.ndarray) -> pd.DataFrame:
    """Count the outcomes on each side: labels, reasons for which a row is dropped, and (empty) missing ones."""
    if pd.api.types.is_float_dtype(outcome):
        outcome = pd.Series(np.where(outcome.isna(), "", "number"))
    table = pd.DataFrame({"side": sides, "outcome": outcome.fillna("")})
    return table.groupby(["side", "outcome"]).size().rename("rows").reset_index()
