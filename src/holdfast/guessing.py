"""What a column of a strange table is: numbers, words or times, and what speaks against using it.

Each column is looked at alone; what it is for (the id, the target) is decided in `roles`. A guess says why, in words
for people. A few cells that are no numbers among many that are become missing ones, which is said, but no word that
means something: one that comes again among few numbers makes all of them words, as `3+` beside 0, 1 and 2. A column of
times that are written in several ways is left out, for one of two readings of 03/04 would be wrong.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

import numpy as np
import pandas as pd

from holdfast import cells, dates, numerals
from holdfast.schema import few

Kind = Literal["number", "category", "time"]
MISSING = {"", "na", "n/a", "nan", "null", "?", "#n/a", "<na>", "-", "--", "."}  # in columns of words, too
ALSO_MISSING = {*MISSING, *cells.MISSING}
FREE = 0.5  # a column of words of which more are different is no category
FEWEST_FREE = 20
MOST_VALUES = 50  # different words of a column that are promised one by one
OFTEN, OFTEN_SHARE = 5, 0.005  # cells with a word, and their share, that are no accident
EXAMPLES = 3
DAY_NAMES = {"date", "day", "datum", "dt", "on"}
UNIT = re.compile(r"(.+?)[\s_]*[(\[]([^()\[\]]{1,12})[)\]]\s*$")


@dataclass(frozen=True, eq=False)
class Guess:
    """What a column is taken for; `out` says why it is left out, if it is.

    `values` are as the schema wants them: float64, words, or times.
    """

    name: str
    kind: Kind
    values: pd.Series
    why: str
    notes: tuple[str, ...] = ()
    unit: str = ""
    zone: str | None = None
    out: str = ""

    @property
    def missing(self) -> float:
        """The share of rows that have no value."""
        return float(self.values.isna().mean())

    @property
    def different(self) -> int:
        """How many different values there are."""
        return int(self.values.nunique())

    def is_whole(self) -> bool:
        """Tell whether all values are whole numbers."""
        return self.kind == "number" and bool((self.values.dropna() % 1 == 0).all())

    def as_words(self) -> pd.Series:
        """Return the values as words, each by itself: whole numbers without a point, times in ISO 8601."""
        if self.kind == "category":
            return self.values
        if self.kind == "time":
            return self.values.map(pd.Timestamp.isoformat, na_action="ignore").astype("str")
        texts = {
            value: f"{value:.0f}" if value % 1 == 0 else repr(float(value)) for value in self.values.dropna().unique()
        }
        return self.values.map(texts).astype("str")


def table(rows: pd.DataFrame, delimiter: str, categories: Sequence[str] = ()) -> list[Guess]:
    """Guess what each column of a table is; `delimiter` is what parted its cells, if they were parted.

    The text of `categories` is words, whatever it looks like.
    """
    names = [str(name) for name in rows]
    texts = {name: _words(rows[name]) for name in names if _is_text(rows[name])}
    mark = numerals.decimal_mark([words.value_counts(sort=False) for words in texts.values()], delimiter)
    return [
        _judged(
            _of_words(name, texts[name], mark, only=name in categories) if name in texts else _typed(name, rows[name])
        )
        for name in names
    ]


def _judged(guess: Guess) -> Guess:
    """Say why a column is left out that tells nothing."""
    if guess.out:
        return guess
    if not guess.different:
        return replace(guess, out="it is empty in every row")
    if guess.different == 1 and not guess.missing:
        return replace(guess, out=f"it is the same in every row: {str(guess.as_words().iloc[0])[:40]}")
    return guess


def _is_text(values: pd.Series) -> bool:
    kind = pd.api.types.infer_dtype(values, skipna=True)
    if kind == "mixed-integer":  # words in one file, whole numbers in another; or dates, or exact ones
        return bool(values.map(lambda value: isinstance(value, str)).any())
    return kind in {"string", "categorical", "empty", "mixed"} and not any(
        isinstance(value, list | dict | np.ndarray | bytes) for value in values.dropna().head(EXAMPLES)
    )


def _words(values: pd.Series) -> pd.Series:
    """Return words without space around them; those that say that nothing is known are missing."""
    words = values.astype("object").map(lambda value: str(value).strip(), na_action="ignore").astype("str")
    return words.mask(words.str.lower().isin(MISSING))


def _of_words(name: str, words: pd.Series, mark: str, *, only: bool) -> Guess:
    """Guess by words; they are `only` words, or may say something else."""
    told = words.mask(words.str.lower().isin(ALSO_MISSING))
    alike = told.value_counts(sort=False)
    if not len(alike):
        return Guess(name, "category", words, "empty")
    if only:
        return _as_category(name, words)
    numbers = numerals.read(alike, mark)
    if numbers and not _loses(alike, numbers.values):
        return _as_number(name, told, alike.index, numbers)
    found = dates.read(alike)
    if isinstance(found, dates.Dates) and not _loses(alike, found.values):
        return _as_time(name, told, alike.index, found)
    guess = _as_category(name, words)
    if isinstance(found, dates.Mixed):
        ways = f"times written in {len(found.examples)} ways ({', '.join(found.examples)})"
        return replace(guess, out=f"{ways}: write them in one, such as 2024-12-31T23:59")
    return guess


def _loses(cells: pd.Series, values: pd.Series) -> bool:
    """Tell whether words that mean something would be missing if a column were what could be read of its words.

    `cells` is how many there are of each word.
    """
    unread = cells[values.isna().to_numpy()]
    if unread.empty:
        return False
    often = unread.max() >= max(OFTEN, OFTEN_SHARE * cells.sum())
    return bool(values.nunique() < 2 or (often and values.nunique() <= MOST_VALUES))


def _as_number(name: str, words: pd.Series, different: pd.Index, read: numerals.Numerals) -> Guess:
    values = words.map(dict(zip(different, read.values, strict=True))).astype("float64")
    notes = [*read.notes, *_unread(words, values, "no numbers")]
    day = _days(name, values)
    if day is not None:
        return Guess(name, "time", day, "days written like 20241231")
    why = "whole numbers" if (values.dropna() % 1 == 0).all() else "numbers"
    return Guess(name, "number", values, why, tuple(notes), unit=read.sign or unit_in(name))


def _days(name: str, values: pd.Series) -> pd.Series | None:
    if not DAY_NAMES & set(tokens(name)):
        return None
    days = dates.compact(values.dropna())
    return None if days is None or days.empty else days.reindex(values.index)


def _as_time(name: str, words: pd.Series, different: pd.Index, read: dates.Dates) -> Guess:
    values = words.map(dict(zip(different, read.values, strict=True))).astype("datetime64[us]")
    notes = (*read.notes, *_unread(words, values, "no times"))
    return Guess(name, "time", _in_zone(values, read.zone), "dates and times", notes, zone=read.zone)


def _in_zone(values: pd.Series, zone: str | None) -> pd.Series:
    return values if zone is None else values.dt.tz_localize(zone)


def _unread(words: pd.Series, values: pd.Series, what: str) -> list[str]:
    """Say which cells could not be read, and are missing from now on."""
    unread = words[values.isna() & words.notna()]
    if unread.empty:
        return []
    many = f"{len(unread):,} cells are {what} and count"
    said = f"1 cell is {what.removesuffix('s')} and counts" if len(unread) == 1 else many
    return [f"{said} as missing: {few([*unread.unique()], EXAMPLES)}"]


def _as_category(name: str, words: pd.Series) -> Guess:
    known = words.dropna()
    different, longest = known.nunique(), int(known.str.len().max())
    guess = Guess(name, "category", words, f"{different:,} different word{'s' if different > 1 else ''}")
    if longest > cells.LONGEST_WORD or known.str.contains(r"[\x00-\x1f\x7f]", regex=True).any():
        return replace(guess, out=f"free text: a cell has {longest:,} characters, or lines of its own")
    if different >= FEWEST_FREE and different > FREE * len(known):
        return replace(guess, out=f"{different:,} different words in {len(known):,} rows: an id or a text, no category")
    return guess


def _typed(name: str, values: pd.Series) -> Guess:
    """Guess by the type that a Parquet file declares."""
    known = values.dropna()
    if pd.api.types.is_bool_dtype(known.dtype) or known.map(type).isin([bool]).all():
        words = values.map({True: "true", False: "false"}).astype("str")
        return Guess(name, "category", words, "yes or no, as the file declares it")
    if pd.api.types.is_datetime64_any_dtype(values):
        return _declared_time(name, values)
    if _are_beyond(known):
        codes = values.astype("object").map(lambda one: str(int(one)), na_action="ignore")
        return _as_category(name, codes.astype("str"))
    if pd.api.types.is_numeric_dtype(values) or known.map(lambda one: isinstance(one, Decimal | int | float)).all():
        return _declared_number(name, values.astype("float64"), unit_in(name))
    if pd.api.types.is_timedelta64_dtype(values) or known.map(lambda one: isinstance(one, timedelta)).all():
        return _declared_number(name, pd.to_timedelta(values).dt.total_seconds(), "seconds")
    if known.map(lambda one: isinstance(one, date)).all():
        return _declared_time(name, pd.to_datetime(values.astype("object"), errors="coerce"))
    words = values.map(repr, na_action="ignore").astype("str")
    return Guess(name, "category", words, "", out=f"values of the type {type(known.iloc[0]).__name__}")


def _are_beyond(known: pd.Series) -> bool:
    """Tell whether values are whole numbers, some of them so large that a float does not tell them from others."""
    if not len(known) or pd.api.types.is_float_dtype(known):
        return False
    if not pd.api.types.is_integer_dtype(known):
        whole = known.map(lambda one: isinstance(one, Decimal | int) and int(one) == one)
        if not whole.all():
            return False
    return bool(known.min() < -numerals.LARGEST_WHOLE or known.max() > numerals.LARGEST_WHOLE)


def _declared_number(name: str, values: pd.Series, unit: str) -> Guess:
    endless = np.isinf(values)
    notes = (f"{int(endless.sum()):,} infinite values count as missing",) if endless.any() else ()
    finite = values.mask(endless)
    why = "whole numbers" if (finite.dropna() % 1 == 0).all() else "numbers"
    return Guess(name, "number", finite, why, notes, unit=unit)


def _declared_time(name: str, values: pd.Series) -> Guess:
    zone = None if values.dt.tz is None else str(values.dt.tz)
    if zone and not re.fullmatch(r"[A-Za-z_]+(/[A-Za-z_+-]+)*", zone):
        values, zone = values.dt.tz_convert("UTC"), "UTC"
    years = values.dt.year.dropna()
    guess = Guess(name, "time", values.dt.as_unit("us"), "dates and times", zone=zone)
    return guess if years.between(1700, 2199).all() else replace(guess, out="years before 1700 or after 2199")


def tokens(name: str) -> list[str]:
    """Return the words of a name, in small letters: customerId, customer_id and "Customer ID" have two."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return [word for word in re.split(r"[\W_]+", parted.lower()) if word]


def unit_in(name: str) -> str:
    """Return the unit that a name carries in brackets, if it does: "length (cm)"."""
    found = UNIT.match(name)
    return found[2].strip() if found else ""
