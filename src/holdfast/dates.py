"""How the times of a column are written: all of them in one way, or they are not read.

Where days and months can be told apart by no row, the day is taken to come first, but between strokes the month; that
is a guess, and said to be one.
"""

import re
from typing import NamedTuple

import numpy as np
import pandas as pd

ISO = "ISO8601"
OFFSET = r".*[0-9:](Z|z|[+-][0-9]{2}:?[0-9]{2})"
ISO_DAYS, ISO_HOURS = ("0-0", "0-0-0"), ("0:0", "0:0:0", "0:0:0.0")
ISO_SHAPES = {*ISO_DAYS} | {
    f"{day}{between}{hour}{end}"
    for day in ISO_DAYS
    for between in (" ", "a")
    for hour in ISO_HOURS
    for end in ("", "a", "+0", "-0", "+0:0", "-0:0")
}
DAYS = {
    "%d.%m.%Y": "31.12.2024", "%d.%m.%y": "31.12.24", "%m/%d/%Y": "12/31/2024", "%d/%m/%Y": "31/12/2024",
    "%m/%d/%y": "12/31/24", "%d/%m/%y": "31/12/24", "%Y/%m/%d": "2024/12/31", "%Y.%m.%d": "2024.12.31",
    "%d-%m-%Y": "31-12-2024", "%m-%d-%Y": "12-31-2024", "%d %b %Y": "31 Dec 2024", "%d-%b-%Y": "31-Dec-2024",
    "%d-%b-%y": "31-Dec-24", "%b %d, %Y": "Dec 31, 2024", "%d %B %Y": "31 December 2024",
    "%B %d, %Y": "December 31, 2024",
}  # fmt: skip
HOURS = {"": "", " %H:%M": " 23:59", " %H:%M:%S": " 23:59:00", " %I:%M %p": " 11:59 PM", " %I:%M:%S %p": " 11:59:00 PM"}
FORMATS = {ISO: "2024-12-31T23:59"} | {
    f"{day}{hour}": f"{shown}{time}" for hour, time in HOURS.items() for day, shown in DAYS.items()
}
FIRST, LAST = pd.Timestamp("1700"), pd.Timestamp("2200")
LONGEST = 40
GLANCE = 30  # words by which most formats are ruled out
MOSTLY = 0.9


class Dates(NamedTuple):
    """What the words of a column say as times (NaT where a word says none), their zone, and notes."""

    values: pd.Series
    zone: str | None
    notes: tuple[str, ...]


class Mixed(NamedTuple):
    """Words that are times, but not written in one way: examples of the ways, the most frequent first."""

    examples: tuple[str, ...]


def read(cells: pd.Series) -> Dates | Mixed | None:
    """Read words as times, or return nothing where most cells are none; `cells` is how many there are of each word."""
    words = pd.Series(cells.index, dtype="str")
    glance = _glance(words, cells)
    shapes = set(map(_shape, glance))
    alike = [
        style for style, shown in FORMATS.items() if _shape(shown) in shapes or (style == ISO and shapes & ISO_SHAPES)
    ]
    likely = [style for style in alike if _parsed(glance, style).notna().any()]
    found = {style: _parsed(words, style) for style in likely}
    if not found:
        return None
    fits = pd.DataFrame({style: times.notna() for style, times in found.items()})
    best = str(fits.sum().idxmax())
    if np.average(fits.any(axis=1), weights=cells) < MOSTLY:
        return None
    if (fits.any(axis=1) == fits[best]).all():
        return _read(words, found, best)
    return Mixed(tuple(_ways(words, fits)))


def _glance(words: pd.Series, cells: pd.Series) -> pd.Series:
    """Return some of the words, among them the most frequent."""
    frequent = cells.reset_index(drop=True).nlargest(GLANCE).index
    return words[frequent.union(words.sample(min(GLANCE, len(words)), random_state=0).index)]


def _shape(word: str) -> str:
    """Return what is between the digits and the letters of a word: two formats of one shape may be confused."""
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "0", word[:LONGEST]))


def compact(numbers: pd.Series) -> pd.Series | None:
    """Return whole numbers such as 20241231 as times, or nothing where one of them is none."""
    if not (numbers.between(17_000_101, 21_991_231) & (numbers % 1 == 0)).all():
        return None
    times = pd.to_datetime(numbers.astype("int64").astype("str"), format="%Y%m%d", errors="coerce").dt.as_unit("us")
    return times if times.notna().all() else None


def _parsed(words: pd.Series, style: str) -> pd.Series:
    """Return the times that words say in a style, by UTC where they have an offset; NaT for the others."""
    times = pd.to_datetime(words, format=style, errors="coerce", utc=True).dt.as_unit("us").dt.tz_localize(None)
    digits = words.str.fullmatch(r"[0-9]+")  # a year is a number
    return times.where((times >= FIRST) & (times < LAST) & ~digits)


def _read(words: pd.Series, found: dict[str, pd.Series], best: str) -> Dates:
    notes = [f"times written like {FORMATS[best]}"] if best != ISO else []
    times = found[best]
    rival = next((f for f in found if f != best and found[f].notna().sum() == times.notna().sum()), None)
    if rival and not found[rival].equals(times):
        notes.append(
            f"no row tells the day from the month: if it is {FORMATS[rival]} instead, write them like that date"
        )
    offset = words[times.notna()].str.fullmatch(OFFSET) & words[times.notna()].str.contains(":", regex=False)
    if offset.any():
        notes.append("offsets were turned into UTC" if offset.all() else "those without an offset are taken for UTC")
    return Dates(times, "UTC" if offset.any() else None, tuple(notes))


def _ways(words: pd.Series, fits: pd.DataFrame) -> list[str]:
    """Return an example of each way in which words are written, until all are shown."""
    examples, left = [], fits
    while left.to_numpy().any():
        style = left.sum().idxmax()
        examples.append(str(words[left.index[left[style]][0]]))
        left = left[~left[style]]
    return examples
