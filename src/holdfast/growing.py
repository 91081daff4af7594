"""More rows for data that is described already: the description stays, and no row that is there is lost or changed.

The files of before are read again with the new ones, as one table: which decimal mark cells have, and which number of a
date is the month, may be told by a row of any file, and must be the same in all. What columns are for, `params.yaml`
says, and what `data/` has as words is words. The rows are held against those that are there, in all columns, and the
new ones against their contract, before any is written.
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from holdfast import expectations, files, foreign, guessing, params, proposing, roles, validation
from holdfast.errors import UserError
from holdfast.expectations import Result
from holdfast.files import Workspace
from holdfast.guessing import Guess
from holdfast.moving_in import Move
from holdfast.params import Params
from holdfast.roles import Roles
from holdfast.schema import Category, Schema, few
from holdfast.targeting import Outcome

COPY = rf"[0-9a-f]{{{roles.HASH}}}-[0-9]+"  # the made id of a row that equals an earlier one
FIX = (
    "name the files that data/ was made of, in the same order, and files of other rows behind them, "
    "whose dates and numbers are written as theirs are"
)
CORRECT = "correct the new rows, or what is promised of them under `data:` and `contract:` in params.yaml"

logger = logging.getLogger(__name__)


def grow(workspace: Workspace, paths: Sequence[Path]) -> Move:
    """Read the files of before and new ones, and make partitions of them as `params.yaml` describes them.

    Raises: UserError where the files have not all that is there, unchanged, and more; RefusedError where the new rows
    break the contract.
    """
    choices = params.load(workspace.params)
    schema = choices.data
    before = [_whole(files.read(path), schema, workspace.name(path)) for path in workspace.partitions()]
    there = pd.concat(before, ignore_index=True)
    table = foreign.read(paths)
    guesses = guessing.table(table.rows, table.delimiter, _words(there, schema))
    given = roles.described(guesses, schema)
    for note in _notes(table, guesses, given):  # before anything is refused, for they may say why
        logger.info("note: %s", note)
    parts = _parts(given, choices, paths)
    new = _new(there, schema, parts, paths[-1])
    broken = [result for result in _judged(parts, new, choices) if result.broken]
    validation.refuse(broken, CORRECT)
    told = f"{len(given.id):,} rows, {len(new):,} of them new; params.yaml stays as it is"
    return Move([told, *validation.told(broken, "warning")], {}, parts.items)


def _notes(table: foreign.Table, guesses: Sequence[Guess], given: Roles) -> dict[str, None]:
    """Return what was noticed of the files, of whole rows and of cells, each once."""
    read: list[Guess | Outcome] = [*guesses, given.outcome]
    cells = (f"{one.name}: {note}" for one in read for note in one.notes)
    return dict.fromkeys([*table.notes, *given.notes, *cells])


def _parts(given: Roles, choices: Params, paths: Sequence[Path]) -> dict[str, pd.DataFrame]:
    """Return the partitions by their names below `data/`."""
    by_month, time = choices.contract.partition == "month", given.time
    if by_month and time and (time.kind != "time" or time.missing):
        problem = f"{paths[-1]}: found rows without {time.name!r}, expected a time in every row."
        raise UserError(f"{problem} {time.out}".rstrip(), fix="correct the new rows")
    return dict(proposing.files_of(given, by_month, proposing.slug(paths[0].stem)))


def _whole(rows: pd.DataFrame, schema: Schema, where: str) -> pd.DataFrame:
    """Return rows in canonical form, and with them what is left out, as words."""
    seen = schema.rows(rows, where)
    besides = rows.drop(columns=schema.names)
    return seen.join(pd.DataFrame({one.name: one.as_words() for one in guessing.table(besides, "", [*besides])}))


def _words(there: pd.DataFrame, schema: Schema) -> list[str]:
    """Name the columns of words: categories, and those of which not every cell reads as a number or a time."""
    read = guessing.table(there, "", schema.named(Category))
    return [one.name for one in read if one.kind == "category" or one.values.count() < there[one.name].count()]


def _new(there: pd.DataFrame, schema: Schema, parts: Mapping[str, pd.DataFrame], last: Path) -> pd.Series:
    """Return the ids of new rows; one that is there already, a second time, is for the contract to refuse.

    Raises: UserError where there are none, or a row that is there would be lost or another.
    """
    after = pd.concat([_whole(rows, schema, str(last)) for rows in parts.values()])
    _refuse_lost(there.set_index(schema.id), after.drop_duplicates(schema.id).set_index(schema.id))
    known, ids = there[schema.id], after[schema.id]
    new = ids[~ids.isin(known) | ids.duplicated()]
    if not new.empty and new.str.fullmatch(COPY).mean() > 0.5 > known.str.fullmatch(COPY).mean():
        raise UserError(f"{last}: found rows that are there already, most of {len(new):,}.", fix=FIX)
    if new.empty:
        raise UserError(f"{last}: found no row that data/ does not have already.", fix=FIX)
    return new


def _refuse_lost(before: pd.DataFrame, after: pd.DataFrame) -> None:
    """Refuse rows, by their ids, of which some of before are not there any more, or are others."""
    lost = before.index[~before.index.isin(after.index)]
    if len(lost):
        found = f"{len(lost):,} rows that are in none of these files, such as {few(list(lost), 2)}"
        raise UserError(f"data/: found {found}.", fix=FIX)
    after = after.reindex(index=before.index, columns=before.columns)
    differ = before.ne(after) & ~(before.isna() & after.isna())
    changed = before.index[differ.any(axis=1)]
    if len(changed):
        names = few([str(name) for name in differ if differ[name].any()])
        found = f"{len(changed):,} rows that would change, in {names}, such as {few(list(changed), 2)}"
        raise UserError(f"data/: found {found}.", fix=FIX)


def _judged(parts: Mapping[str, pd.DataFrame], new: pd.Series, choices: Params) -> list[Result]:
    """Judge the partitions that get new rows, and the ids of all."""
    schema, contract = choices.data, choices.contract
    ids = [rows[schema.id] for rows in parts.values()]
    each = [
        expectations.check(rows, f"data/{name}", schema, contract, validation.month_of(Path(name), contract))
        for name, rows in parts.items()
        if rows[schema.id].isin(new).any()
    ]
    return [*each, validation.shared_ids([*parts], ids.__getitem__, sum(map(len, ids)), schema)]
