"""How the numbers of a file are written: with a decimal point or a comma, with thousands set apart, with a sign behind.

A file has one way; a column that can be read in one way only is read in that. `1,234` alone says nothing: elsewhere in
the file there may be a number that does.
"""

import re
from typing import NamedTuple

import numpy as np
import pandas as pd

EXPONENT = r"([eE][+-]?[0-9]+)?"
POINT = rf"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+){EXPONENT}"
COMMA = rf"[+-]?([0-9]{{1,3}}(\.[0-9]{{3}})+(,[0-9]*)?|[0-9]+(,[0-9]*)?|,[0-9]+){EXPONENT}"
SET_APART = r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?"  # thousands, in a file with decimal points
THOUSANDS = r"[+-]?[0-9]{1,3}(\.[0-9]{3})+"  # in a file with decimal commas; or 1.234 with a point
SIGNS = "%€$£¥"
CODE = r"[+-]?0[0-9]+"
MOSTLY = 0.9
LARGEST_WHOLE = 2**53


class Numerals(NamedTuple):
    """What the words of a column say as numbers (NaN where a word is none), the sign that they carry, and notes."""

    values: pd.Series
    sign: str
    notes: tuple[str, ...]


def decimal_mark(columns: list[pd.Series], delimiter: str) -> str:
    """Return the decimal mark of a file; columns are how many cells hold each word that is not missing."""
    both = False
    for cells in columns:
        bare, _ = _bare(pd.Series(cells.index, dtype="str"))
        fits = bare.str.fullmatch(COMMA)
        if not len(bare) or _mostly(bare.str.fullmatch(POINT), cells) or not _mostly(fits, cells):
            continue
        apart = bare[fits & bare.str.contains(",", regex=False)].str.fullmatch(SET_APART)
        if not apart.all():
            return ","
        both = True
    return "," if both and delimiter == ";" else "."


def read(cells: pd.Series, mark: str) -> Numerals | None:
    """Read words as numbers, or return nothing where most cells are none, or are codes with zeros in front.

    `cells` is how many there are of each word.
    """
    bare, sign = _bare(pd.Series(cells.index, dtype="str"))
    if bare.str.fullmatch(CODE).any() and bare.str.fullmatch(r"[0-9]+").all():
        return None
    notes = []
    fits = bare.str.fullmatch(POINT)
    plain = bare
    if mark == "," and bare[fits & bare.str.contains(".", regex=False)].str.fullmatch(COMMA).all():
        fits, plain = bare.str.fullmatch(COMMA), bare.str.replace(".", "", regex=False).str.replace(",", ".")
        if bare.str.fullmatch(THOUSANDS).any() and not bare.str.contains(",", regex=False).any():
            notes.append("points are read as setting thousands apart, for the file has decimal commas")
    elif mark == "." and bare.str.fullmatch(SET_APART).any():
        fits |= bare.str.fullmatch(SET_APART)
        plain = bare.str.replace(",", "", regex=False)
        notes.append("commas are read as setting thousands apart")
    if mark == "," and plain is not bare and bare.str.contains(",", regex=False).any():
        notes.append("decimal commas")
    if not _mostly(fits, cells):
        return None
    values = plain.where(fits).astype("float64")
    values = values.mask(np.isinf(values))
    whole = values[values % 1 == 0]
    return None if (whole.abs() > LARGEST_WHOLE).any() else Numerals(values, sign, tuple(notes))


def _mostly(fits: pd.Series, cells: pd.Series) -> bool:
    return bool(np.average(fits, weights=cells) >= MOSTLY)


def _bare(words: pd.Series) -> tuple[pd.Series, str]:
    """Return words without the sign of a currency or a share that all of them carry, and that sign."""
    words = words.str.replace("\N{MINUS SIGN}", "-").str.replace("\N{NO-BREAK SPACE}", " ")
    for sign in SIGNS:
        if len(words) and words.str.contains(sign, regex=False).all():
            return words.str.replace(re.escape(sign), "", regex=True, n=1).str.strip(), sign
    return words, ""
