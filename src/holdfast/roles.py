"""What the columns of a strange table are for: the id, the time, the group, the target, what a model sees, what not.

An id must be known of every row and never repeat. Where no column is one, an id is made of what stands in the row, so
that the same row gets the same id wherever it stands; rows that are equal are told apart by their number among those.

A group is taken from the model, so that it is one only where it has many values: a few are more likely a category. One
that most rows share, or lack, is none, for all of them would be on one side. What was taken wrongly out of the model,
nobody would miss; what was left in it is told.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from holdfast.errors import UserError
from holdfast.guessing import FEWEST_FREE, Guess, tokens
from holdfast.schema import Schema, few
from holdfast.targeting import Kind, Outcome, choose, settled
from holdfast.targets import SCORE

ID_WORDS = {"id", "ids", "uuid", "guid", "identifier"}
OF_WHAT = {"key", "nr", "no"}  # after another word, as in order_no; no_of_nights is a number, the key of a song a key
OF_ID = re.compile(r"(row|case|record|order|loan|passenger|customer|user|patient|client|person|household|account)id")
WHO = {
    "patient", "customer", "user", "subject", "person", "client", "household", "account", "member", "employee",
    "driver", "machine", "device", "vehicle", "student", "family", "group",
}  # fmt: skip
BIRTH = {"birth", "born", "dob", "birthday", "birthdate", "geburtstag", "geburtsdatum"}
MOSTLY_SHARED = 0.5
FEWEST_GROUPS = 30  # of fewer, what is drawn together says little of how uncertain a figure is
MOST_ALIKE = 0.3  # of the rows are of one group, or of none
HASH = 16  # characters


@dataclass(frozen=True)
class Roles:
    """Which column is what. `id` are its values, by its name; `notes` are about the whole table."""

    id: pd.Series
    id_why: str
    outcome: Outcome
    time: Guess | None
    group: Guess | None
    columns: tuple[Guess, ...]
    out: tuple[Guess, ...]
    notes: tuple[str, ...]


def give(guesses: Sequence[Guess], target: str | None, kind: Kind | None) -> Roles:
    """Give every column its role.

    Raises: UserError where nothing can be predicted, or nothing is left to predict it from.
    """
    outcome = choose(guesses, target, kind)
    rest = [guess for guess in guesses if guess.name != outcome.name]
    like_ids = [guess for guess in rest if is_like_id(guess)]
    own = next((guess for guess in like_ids if _is_id(guess)), None)
    group = next((guess for guess in like_ids if _is_group(guess)), None)
    others = [_without_ids(guess) for guess in rest if guess not in (own, group)]
    columns = tuple(guess for guess in others if not guess.out)
    if not columns:
        problem = f"found no column from which {outcome.name} could be predicted"
        raise UserError(f"{problem}: all others are empty, constant, or ids.", fix="name a file with more columns")
    made, why = _taken(own, guesses, outcome) if own else _made(guesses)
    return Roles(
        made, why, outcome, _time(columns), group, columns, tuple(guess for guess in others if guess.out),
        (*_repeating(like_ids, own, group), *_inputs(columns, group), *_twins(guesses, own)),
    )  # fmt: skip


def described(guesses: Sequence[Guess], schema: Schema) -> Roles:
    """Give every column the role that it has in a schema, whatever it looks like.

    Raises: UserError where one is not there.
    """
    known = {guess.name: guess for guess in guesses}
    absent = [name for name in schema.names if name not in known and name != schema.id]
    if absent:
        raise UserError(f"params.yaml: data: found no {few(absent)} in the files.", fix="name files that have it")
    own = known.get(schema.id)
    return Roles(
        own.as_words() if own else _made(guesses)[0].rename(schema.id), "",
        settled(known[schema.target.column], schema.target.kind), known[schema.time] if schema.time else None,
        known[schema.group] if schema.group and schema.group not in schema.columns else None,
        tuple(known[name] for name in schema.columns),
        tuple(guess for guess in guesses if guess.name not in schema.names), tuple(_twins(guesses, own)),
    )  # fmt: skip


def is_like_id(guess: Guess) -> bool:
    """Tell whether a column is an id by its name and its kind."""
    return _is_named_id(guess) and (guess.kind == "category" or guess.is_whole()) and guess.different > 1


def _is_named_id(guess: Guess) -> bool:
    words = tokens(guess.name)
    if words and words[-1] in OF_WHAT:
        return len(words) > 1 or _is_id(guess)
    return bool(ID_WORDS & set(words)) or any(map(OF_ID.fullmatch, words)) or words in [[one] for one in WHO]


def _is_id(guess: Guess) -> bool:
    return not guess.missing and guess.different == len(guess.values)


def _is_group(guess: Guess) -> bool:
    return _shared(guess) >= MOSTLY_SHARED and not _no_group(guess)


def _no_group(guess: Guess) -> str:
    """Say why what rows share is no group, if it is none."""
    if guess.different < FEWEST_GROUPS:
        return f"has {guess.different} values: an input of the model, no group ({FEWEST_GROUPS} at least)"
    shares = guess.as_words().value_counts(normalize=True, dropna=False)
    if shares.iloc[0] > MOST_ALIKE:
        what = "nothing" if pd.isna(shares.index[0]) else repr(shares.index[0])
        found = f"{what} stands in {shares.iloc[0]:.0%} of the rows"
        return f"{found}: an input of the model, no group ({MOST_ALIKE:.0%} at most)"
    return ""


def _shared(guess: Guess) -> float:
    """Return the share of rows whose value another row has, too, of those that have one."""
    return float(guess.values.dropna().duplicated(keep=False).mean())


def _without_ids(guess: Guess) -> Guess:
    """Say of a column why a model learns nothing from it, if it does not."""
    if guess.out or guess.kind != "number" or len(guess.values) < FEWEST_FREE or not guess.is_whole():
        return guess
    if not guess.missing and bool((guess.values.diff().iloc[1:] == 1).all()):
        return replace(guess, out="it counts the rows")
    if is_like_id(guess) and guess.different > MOSTLY_SHARED * len(guess.values):
        return replace(guess, out=f"an id by its name: {guess.different:,} different numbers")
    return guess


def _taken(guess: Guess, guesses: Sequence[Guess], outcome: Outcome) -> tuple[pd.Series, str]:
    """Return the ids in a column; under another name where the table of scores has a column of that name."""
    why = f"{guess.name!r} is known of every row, and differs"
    scored = next((label for label in outcome.labels if guess.name == f"{SCORE}_{label}"), None)
    if scored is None:
        return guess.as_words(), why
    return guess.as_words().rename(_free(guesses)), f"{why}; renamed, for the scores of {scored!r} are called so"


def _made(guesses: Sequence[Guess]) -> tuple[pd.Series, str]:
    """Return an id for every row, made of all that stands in it."""
    names = sorted(guess.name for guess in guesses)
    written = {guess.name: guess.as_words().fillna("") for guess in guesses}
    hashes = pd.Series(
        [
            hashlib.sha256("\x1f".join(cells).encode()).hexdigest()[:HASH]
            for cells in zip(*(written[name] for name in names), strict=True)
        ],
        dtype="str",
    )
    place = hashes.groupby(hashes).cumcount()
    ids = hashes.where(place == 0, hashes + "-" + (place + 1).astype("str"))
    return ids.rename(_free(guesses)), "made of what stands in the row, for no column is an id"


def _free(guesses: Sequence[Guess]) -> str:
    """Return a name for an id that no column has."""
    taken = {guess.name for guess in guesses}
    return next(name for name in ("id", "row_id", *(f"row_id_{n}" for n in range(2, 999))) if name not in taken)


def _time(columns: Sequence[Guess]) -> Guess | None:
    """Return the column by whose time rows happened: the first that is known of every row and no day of birth."""
    return next(
        (one for one in columns if one.kind == "time" and not one.missing and not BIRTH & set(tokens(one.name))), None
    )


def _repeating(like_ids: Sequence[Guess], own: Guess | None, group: Guess | None) -> Iterator[str]:
    """Tell of ids of which some are there twice."""
    for guess in like_ids:
        if guess not in (own, group) and 0 < _shared(guess) < MOSTLY_SHARED:
            twice = guess.as_words()[guess.values.duplicated(keep=False) & guess.values.notna()]
            found = f"{guess.name!r} repeats, in {len(twice):,} rows (such as {twice.iloc[0]!r})"
            yield f"{found}, so that it is no id: look whether some are there twice"


def _inputs(columns: Sequence[Guess], group: Guess | None) -> Iterator[str]:
    """Tell of what rows share by its name, and the model sees all the same."""
    for guess in columns:
        if is_like_id(guess) and _shared(guess) >= MOSTLY_SHARED:
            other = f"{group.name!r} is the group, and only one can be: an input of the model" if group else ""
            yield f"{guess.name!r} may name what rows share, but {_no_group(guess) or other}"


def _twins(guesses: Sequence[Guess], own: Guess | None) -> Iterator[str]:
    rows = pd.DataFrame({place: guess.as_words() for place, guess in enumerate(guesses) if guess is not own})
    twins = int(np.count_nonzero(rows.duplicated()))
    if twins:
        but = " in all but the id" if own else ""
        rows_equal, them = (
            ("1 row equals", "it if it is a copy")
            if twins == 1
            else (f"{twins:,} rows equal", "them if they are copies")
        )
        yield f"{rows_equal} an earlier one{but}: remove {them}"
