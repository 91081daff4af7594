"""More rows for data that is described already: the description stays, and no row that is there is lost.

The files of before are read again with the new ones, as one table: which decimal mark cells have, and which number of a
date is the month, may be told by a row of any file, and must be the same in all. So the same row has the same id, too.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from holdfast import foreign, guessing, params, proposing, roles, validation
from holdfast.errors import UserError
from holdfast.files import Workspace
from holdfast.schema import few

COPY = rf"[0-9a-f]{{{roles.HASH}}}-[0-9]+"  # the made id of a row that equals an earlier one
FIX = "name the files that data/ was made of, in the same order, and files of other rows behind them"


class Growth(NamedTuple):
    """All partitions as they will be below `data/`, by their names there, and what is to be said of them."""

    parts: tuple[tuple[str, pd.DataFrame], ...]
    lines: tuple[str, ...]
    texts: dict[str, str]  # none: the description stays

    def partitions(self) -> Iterator[tuple[str, pd.DataFrame]]:
        """Give the files below `data/`, by their names there."""
        return iter(self.parts)


def grow(workspace: Workspace, paths: Sequence[Path]) -> Growth:
    """Read the files of before and new ones, and make partitions of them as `params.yaml` describes them.

    Raises: UserError where a column has become another, or the files have not all that is there and more.
    """
    choices = params.load(workspace.params)
    schema, by_month = choices.data, choices.contract.partition == "month"
    table = foreign.read(paths)
    try:
        given = roles.give(guessing.table(table.rows, table.delimiter), schema.target.column, schema.target.kind)
    except UserError as error:
        problem = f"{paths[-1]}: found no rows such as params.yaml describes. {error.problem}"
        raise UserError(problem, fix=FIX) from error
    if given.id.name != schema.id or (by_month and (given.time is None or given.time.name != schema.time)):
        wanted = f"{schema.id!r} to tell rows apart" + (f", and {schema.time!r} of every row" if by_month else "")
        raise UserError(f"{paths[-1]}: expected {wanted}. {'; '.join(given.notes)}", fix="correct the new rows")
    parts = tuple(proposing.files_of(given, by_month, proposing.slug(paths[0].stem)))
    for name, rows in parts:
        schema.rows(rows, f"data/{name}")
    there = pd.concat([schema.canonical(schema.id, validation.ids(path, schema)) for path in workspace.partitions()])
    lost, new = there[~there.isin(given.id)], given.id[~given.id.isin(there)]
    if len(lost):
        found = f"{len(lost):,} rows that are in none of these files, such as {few(list(lost), 2)}"
        raise UserError(f"data/: found {found}.", fix=FIX)
    if not new.empty and new.str.fullmatch(COPY).mean() > 0.5 > there.str.fullmatch(COPY).mean():
        raise UserError(f"{paths[-1]}: found rows that are there already, most of {len(new):,}.", fix=FIX)
    if new.empty:
        raise UserError(f"{paths[-1]}: found no row that data/ does not have already.", fix=FIX)
    told = f"{len(given.id):,} rows, {len(new):,} of them new; params.yaml stays as it is"
    return Growth(parts, (told, *(f"note: {note}" for note in (*table.notes, *given.notes))), {})
