"""What is predicted in a strange table: which column, as what, and which of two labels is the positive one.

Two different values are two labels, a few whole numbers or words are classes, other numbers are a quantity. A person
can say otherwise; what is guessed says why.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import pandas as pd

from holdfast.errors import UserError, nearest
from holdfast.guessing import Guess, tokens
from holdfast.schema import few

Kind = Literal["binary", "classes", "number"]
KINDS: tuple[Kind, ...] = ("binary", "classes", "number")
# The names that a target has most often, the surest first.
NAMES = (
    "target", "label", "y", "class", "outcome", "survived", "churn", "churned", "exited", "diagnosis", "default",
    "defaulted", "response", "result", "species", "fraud",
)  # fmt: skip
YES = {"yes", "true", "late", "bad", "positive", "pos", "malignant", "churned", "fraud", "failed", "sick"}
YES |= {"ja", "oui", "sí", "si", "sì", "sim", "tak", "да"}
NO = {"no", "false", "good", "negative", "neg", "benign", "on_time", "on time", "normal", "ok"}
NO |= {"nein", "nee", "nej", "non", "não", "nie", "нет"}
PAIRS = ({"0", "1"}, {"-1", "1"}, {"n", "y"}, {"f", "t"})  # what says yes or no beside its counterpart only
POSITIVE = {"1", "y", "t"}
MOST_CLASSES = 50
MOST_NUMBERED = 10  # more whole numbers than this are a quantity
FEWEST = 3  # rows of a label: one on each side of the split
FEW = 30


class Outcome(NamedTuple):
    """The target: its column, its kind, its labels in their order (none for a number), why, and what is uncertain.

    `values` are words, or float64 for a number; `positive` is one of two labels.
    """

    name: str
    kind: Kind
    values: pd.Series
    labels: tuple[str, ...]
    positive: str
    why: str
    notes: tuple[str, ...]
    unit: str = ""


def choose(guesses: Sequence[Guess], named: str | None, kind: Kind | None = None) -> Outcome:
    """Choose the target: the column that is named, else one by its name, else the last.

    Raises: UserError where nothing can be predicted in it.
    """
    guess, why = _column(guesses, named)
    fix = f"name another column with --target: {few([one.name for one in guesses if not one.out], 12)}"
    if guess.kind == "time":
        raise UserError(f"--target {guess.name}: found times, expected labels or numbers.", fix=fix)
    if guess.different < 2:
        found = f"only {guess.as_words().dropna().iloc[0]!r}" if guess.different else "no value"
        raise UserError(f"--target {guess.name}: found {found} in it, expected at least two values.", fix=fix)
    taken, reason = (kind, "as you say") if kind else _kind(guess)
    if taken == "number":
        return _number(guess, f"{why}; {reason}", fix)
    return _labels(guess, taken, f"{why}; {reason}", fix)


def settled(guess: Guess, kind: Kind) -> Outcome:
    """Take a column for a target of a kind, whatever stands in it."""
    values = guess.values if kind == "number" else guess.as_words()
    return Outcome(guess.name, kind, values, (), "", "", tuple(_notes(guess)))


def _notes(guess: Guess) -> list[str]:
    missing = int(guess.values.isna().sum())
    unanswered = f"{missing:,} rows have no value: they stay in the data, and are dropped before training"
    return [*guess.notes, unanswered] if missing else [*guess.notes]


def _column(guesses: Sequence[Guess], named: str | None) -> tuple[Guess, str]:
    known = {guess.name: guess for guess in guesses}
    if named is not None:
        if named not in known:
            problem = f"--target: found no column '{named}'{nearest(named, known) or '.'}"
            raise UserError(problem, fix=f"name one of {few([*known], 12)}")
        return known[named], "named by you"
    usable = [guess for guess in guesses if not guess.out] or list(guesses)
    for whole in (True, False):
        for name in NAMES:
            for guess in usable:
                if guess.name.lower() == name if whole else name in tokens(guess.name) and len(name) > 1:
                    return guess, "by its name"
    return usable[-1], "the last column, for none has the name of a target: --target names another"


def _kind(guess: Guess) -> tuple[Kind, str]:
    different = guess.different
    if different == 2 and (guess.kind == "category" or guess.is_whole()):
        return "binary", "two different values"
    if guess.kind == "category":
        return "classes", f"{different:,} different words"
    if guess.is_whole() and different <= MOST_NUMBERED:
        return (
            "classes",
            f"{different} different whole numbers, taken for classes: --kind number if it is a quantity",
        )
    return "number", f"{different:,} different numbers"


def _number(guess: Guess, why: str, fix: str) -> Outcome:
    if guess.kind != "number":
        problem = f"--kind number: found words in {guess.name}, such as {guess.values.dropna().iloc[0]!r:.60}, "
        raise UserError(f"{problem}expected numbers.", fix=fix)
    return Outcome(guess.name, "number", guess.values, (), "", why, tuple(_notes(guess)), guess.unit)


def _labels(guess: Guess, kind: Kind, why: str, fix: str) -> Outcome:
    words = guess.as_words()
    counts = words.value_counts()
    labels = sorted(counts.index, key=(lambda word: (float(word), word)) if guess.kind == "number" else str)
    if len(labels) > MOST_CLASSES:
        problem = f"--target {guess.name}: found {len(labels):,} different values, expected {MOST_CLASSES} at most."
        raise UserError(problem, fix=fix if guess.kind == "category" else f"--kind number, or {fix}")
    if kind == "binary" and len(labels) != 2:
        problem = f"--kind binary: found {len(labels)} different values in {guess.name}, expected two."
        raise UserError(problem, fix="--kind classes, or name another column with --target")
    enough = [label for label in labels if counts[label] >= FEWEST]
    if len(enough) < 2:
        rare = next(label for label in labels if label not in enough)
        problem = f"--target {guess.name}: found {_rows(counts[rare])} of {rare!r}, expected {FEWEST} at least of two"
        raise UserError(f"{problem} labels: one to train, to validate and to judge with.", fix=f"add rows, or {fix}")
    notes = _notes(guess) + [
        f"only {_rows(counts[label])} of {label!r}: what is measured of it is very uncertain; more rows are the remedy"
        for label in enough
        if counts[label] < FEW
    ]
    positive, reason = _positive(labels, counts) if kind == "binary" else ("", "")
    ordered = [*(label for label in labels if label != positive), positive] if positive else labels
    told = f"{why}; positive is {positive!r}, {reason}" if positive else why
    return Outcome(guess.name, kind, words, tuple(ordered), positive, told, tuple(notes))


def _positive(labels: Sequence[str], counts: pd.Series) -> tuple[str, str]:
    """Return which of two labels is the positive one, and why."""
    is_pair = {label.lower() for label in labels} in PAIRS
    yes = [label for label in labels if label.lower() in (POSITIVE if is_pair else YES)]
    no = [label for label in labels if label.lower() in NO]
    if len(yes) == 1:
        return yes[0], "by its name"
    if len(no) == 1:
        return next(label for label in labels if label not in no), f"for {no[0]!r} is none by its name"
    rarer = min(labels, key=lambda label: (counts[label], label))
    return rarer, f"the rarer one ({counts[rarer]:,} of {counts.sum():,} rows)"


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"
