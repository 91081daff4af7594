"""What was guessed of a strange table, in words: a line for each column, then what is uncertain and what is to be done.

Lines are aligned, and cut to what a terminal shows; the text in `params.yaml` has everything.
"""

import unicodedata
from collections.abc import Iterator, Sequence

from holdfast.drafting import Draft
from holdfast.guessing import Guess
from holdfast.moving_in import Move
from holdfast.proposing import has_values
from holdfast.schema import Number, few

WIDEST = 32  # characters of a name
MOST_LEAKS = 4
FEW_ROWS, FEW_GROUPS = 200, 10  # of a holdout: fewer say little


def move(draft: Draft) -> Move:
    """Return a draft as what is said of it and written."""
    return Move(lines(draft), draft.texts, draft.partitions)


def lines(draft: Draft) -> Iterator[str]:
    """Give all that is to be said of a draft."""
    given = draft.roles
    yield f"{len(given.id):,} rows of {len(draft.given)} columns"
    yield from _table([("column", "is", "why"), *_roles(draft), *_columns(draft), *_left_out(given.out)])
    yield from (f"note: {note}" for note in [*draft.notes, *given.notes, *_noticed(draft), *_of_judging(draft)])
    yield from (f"leak {leak.code}: {leak.text}" for leak in draft.leaks[:MOST_LEAKS])
    if len(draft.leaks) > MOST_LEAKS:
        yield f"and {len(draft.leaks) - MOST_LEAKS} more leaks: `dvc repro` tells all of them"
    yield from _to_fill_in(draft)


def _roles(draft: Draft) -> Iterator[tuple[str, str, str]]:
    given, outcome = draft.roles, draft.roles.outcome
    yield outcome.name, f"target: {outcome.kind}", outcome.why
    yield str(given.id.name), "id", given.id_why
    if given.group:
        why = f"an id that repeats: {given.group.different:,} values in {len(given.id):,} rows, no input of the model"
        gone = f"; {_percent(given.group.missing)} missing: such a row is on its own" if given.group.missing else ""
        yield given.group.name, "group", f"{why}{gone}"
    if given.time:
        yield given.time.name, "time of the row", "the first time that every row has"
    yield "", "split", draft.division.why


def _columns(draft: Draft) -> Iterator[tuple[str, str, str]]:
    for guess in draft.roles.columns:
        said = [guess.why, *guess.notes, *_beyond(guess, draft)]
        if guess.missing:
            said.append(f"{_percent(guess.missing)} missing")
        yield guess.name, guess.kind, "; ".join(said)


def _beyond(guess: Guess, draft: Draft) -> Iterator[str]:
    """Say what follows from a guess: the range, the values, the zone."""
    column = draft.params.data.columns[guess.name]
    if isinstance(column, Number) and column.min is not None and column.max is not None:
        unit = f" {column.unit}" if column.unit else ""
        low, high = guess.values.min(), guess.values.max()
        yield f"{low:g} to {high:g}{unit} found, {column.min:g} to {column.max:g} allowed"
    elif guess.kind == "category" and has_values(guess):
        yield few(sorted(guess.values.dropna().unique()), 4)
    elif guess.kind == "category":
        yield "others may come"
        if guess.different > draft.params.featurize.max_categories:
            yield f"the rarest beyond {draft.params.featurize.max_categories} count as unknown"
    elif guess.kind == "time":
        yield f"zone {guess.zone}" if guess.zone else "no time zone"


def _left_out(guesses: Sequence[Guess]) -> Iterator[tuple[str, str, str]]:
    for guess in guesses:
        yield guess.name, "left out", guess.out


def _noticed(draft: Draft) -> Iterator[str]:
    given, division = draft.roles, draft.division
    yield from (f"{given.outcome.name}: {note}" for note in given.outcome.notes)
    if division.dropped:
        too_few = f"{few(division.dropped)}: too few rows for each side of the split, so that they do not train"
        yield f"{given.outcome.name}: {too_few} (`excluded`): more rows are the remedy"
    if given.group:
        yield f"rows that share {given.group.name} are drawn together where uncertainty is measured"


def _of_judging(draft: Draft) -> Iterator[str]:
    """Say how little a holdout tells, if it is small: in rows, in what is drawn together, or in rows of a label."""
    held, gates, unit = draft.held, draft.params.gates, draft.roles.group.name if draft.roles.group else "day"
    if held.rows < FEW_ROWS:
        found = f"the holdout has {held.rows:,} rows with an answer"
        yield f"{found}: what is measured on them is uncertain, and only large differences will show"
    if held.groups < gates.groups:
        yield f"the holdout has rows of one {unit} only: no model can be judged until there are more"
    elif held.groups < min(FEW_GROUPS, held.rows):
        found = f"the holdout has rows of {held.groups} different {unit}s only, which are drawn together"
        yield f"{found}: only large differences will show"
    if not held.is_whole:
        lacking = "some draws of so few rows of a label lack it, which other metrics need"
        yield f"the gates ask for the log loss alone: {lacking}"


def _to_fill_in(draft: Draft) -> Iterator[str]:
    lacking = [
        name for name, column in draft.params.data.columns.items() if isinstance(column, Number) and not column.unit
    ]
    if lacking:
        yield f"to fill in, in params.yaml: the unit of {few(lacking)}"
    tags = [name for name, word in draft.params.tags.items() if not word]
    if tags:
        yield f"to fill in, in params.yaml, before a model is promoted: tags: {', '.join(tags)}"


def _table(rows: Sequence[tuple[str, str, str]]) -> Iterator[str]:
    names = [_cut(name, WIDEST) for name, _, _ in rows]
    wide, kinds = max(map(_width, names)), max(len(kind) for _, kind, _ in rows)
    for name, (_, kind, why) in zip(names, rows, strict=True):
        yield f"  {name}{' ' * (wide - _width(name))}  {kind:<{kinds}}  {why}".rstrip()


def _cut(text: str, wide: int) -> str:
    """Return a text that is not wider, and that no terminal obeys."""
    plain = "".join(one if one.isprintable() else "?" for one in text)
    while _width(plain) > wide:
        plain = f"{plain[:-2]}…"
    return plain


def _width(text: str) -> int:
    """Return how many places of a terminal a text takes."""
    return sum(0 if unicodedata.combining(one) else 1 + (unicodedata.east_asian_width(one) in "WF") for one in text)


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.01 else "under 1%"
