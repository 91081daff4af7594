"""Partitions against their contract: one after the other, then the ids of all; and what is said of it.

Only one partition is in memory at a time.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pandas as pd

from holdfast import files, twins
from holdfast.contract import Expectation, percent
from holdfast.errors import RefusedError, UserError
from holdfast.expectations import EXAMPLES, Broken, Result, check_in_detail, in_words
from holdfast.files import Workspace
from holdfast.schema import Schema
from holdfast.terms import Contract

SCREENFUL = 9
FIX = (
    "correct the rows, or what is promised of them under `data:` and `contract:` in params.yaml if they are right; "
    f"to go back: {files.RESTORE}"
)


def month_of(path: Path, contract: Contract) -> str | None:
    """Return the month that a partition is named after, if partitions are months.

    Raises: UserError where they are and it is not.
    """
    if contract.partition is None:
        return None
    if not re.fullmatch(r"(1[7-9]|2[01])\d\d-(0[1-9]|1[0-2])", path.stem):
        raise UserError(
            f"{files.shown(path)}: found the name '{path.name}', expected a month such as 2013-09.parquet.",
            fix="rename it to its month, or remove `contract.partition` from params.yaml if a file is no month",
        )
    return path.stem


def partitions(named: Sequence[str], workspace: Workspace) -> list[Path]:
    """Return the files that are named, those of folders that are named, or if nothing is named those below `data/`.

    Raises: UserError where one is not there.
    """
    found: list[Path] = []
    for path in map(Path, named):
        inside = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
        if not inside or not path.exists():
            what = "no Parquet file" if path.exists() else "nothing"
            raise UserError(
                f"{path}: found {what} there, expected a partition.", fix="name a file, or a folder of files"
            )
        found += inside
    return list({path.resolve(): path for path in found}.values()) or workspace.partitions()


def judge(
    paths: Sequence[Path], schema: Schema, contract: Contract
) -> Iterator[tuple[Result, list[tuple[Expectation, str]]]]:
    """Judge partitions one after the other."""
    for path in paths:
        yield check_in_detail(files.read(path), files.shown(path), schema, contract, month_of(path, contract))


def neighbours(paths: Sequence[Path], workspace: Workspace) -> list[Path]:
    """Return the partitions below `data/` that stay when these come.

    A file from elsewhere takes the place of the one that has its name, if there is just one.
    """
    there = workspace.partitions() if workspace.data.exists() else []
    named = Counter(path.name for path in there)
    coming = {path.resolve() for path in paths}
    replaced = {path.name for path in paths if not path.resolve().is_relative_to(workspace.data.resolve())}
    return [
        path for path in there if path.resolve() not in coming and (path.name not in replaced or named[path.name] > 1)
    ]


def shared_ids_of_files(paths: Sequence[Path], schema: Schema) -> Result:
    """Judge the ids of files together: none may be in two of them."""
    rows = sum(files.outline(path)[0] for path in paths)
    return shared_ids([files.shown(path) for path in paths], lambda place: ids(paths[place], schema), rows, schema)


def ids(path: Path, schema: Schema) -> pd.Series:
    """Return the ids of a partition; of one that has no such column, or two, none: that is said elsewhere."""
    found = files.read(path, columns=[schema.id])
    return found[schema.id] if list(found) == [schema.id] else pd.Series(dtype="str")


def shared_ids(names: Sequence[str], ids_of: Callable[[int], pd.Series], rows: int, schema: Schema) -> Result:
    """Judge the ids of partitions together; `ids_of` gives those of one, by its place."""
    found = twins.find(ids_of(place) for place in range(len(names)))
    share = len(found) / max(rows, 1)
    broken = Broken(
        expectation="unique_among_partitions",
        severity="error",
        expected="every id in one partition",
        found=f"{len(found):,} of {rows:,} rows ({percent(share)}) with the id of an earlier partition",
        rows=len(found),
        share=round(share, 6),
        examples=tuple(
            {schema.id: str(ids_of(place).iloc[row]), "partition": names[place]}
            for place, row in found[:EXAMPLES].tolist()
        ),
    )
    return Result("all partitions", rows, judged=1, not_judged=(), broken=(broken,) if len(found) else ())


def refuse(results: Sequence[Result], fix: str = FIX) -> None:
    """Refuse partitions of which one is broken beyond a warning.

    Raises: RefusedError, with everything that is broken.
    """
    refused = [result for result in results if result.refused]
    if refused:
        among = f"{len(refused)} of {len(results)} partitions" if len(results) > 1 else refused[0].partition
        raise RefusedError("\n".join([f"{among}: the contract is broken.", *told(refused, "error")]), fix=fix)


def told(results: Sequence[Result], *severities: str) -> Iterator[str]:
    """Say what is broken, partition by partition; beyond a screenful, how much more there is."""
    broken = {result.partition: [one for one in result.broken if one.severity in severities] for result in results}
    broken = {partition: found for partition, found in broken.items() if found}
    each = max(1, SCREENFUL // max(len(broken), 1))
    for partition, found in list(broken.items())[:SCREENFUL]:
        yield partition
        for one in found[:each]:
            yield f"  {one.severity}: {one.expectation}: found {one.found}, expected {one.expected}"
            if one.examples:
                yield f"    {'; '.join(map(in_words, one.examples))}"
        if len(found) > each:
            yield f"  and {len(found) - each} more"
    if len(broken) > SCREENFUL:
        yield f"and {len(broken) - SCREENFUL} more partitions"
