"""How a strange table is split: by time where it has months enough, else by a hash; every label on each side.

The newest rows are the fairest holdout. Where the months are too few or have gaps, or a side would be without a label,
without answers, or without days enough to judge by, a hash of the id decides, or of the group. It may leave a side
without one of a few rows; then the first word (`split.salt`) is taken that does not. Nothing is drawn: the same rows
are always split alike.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from holdfast import bootstrap
from holdfast.errors import UserError
from holdfast.params import IdSplit, TimeSplit
from holdfast.schema import Schema, deciding
from holdfast.split import SIDES, boundaries

FEWEST_MONTHS = 4
SHARES = (0.2, 0.25, 1 / 3)  # of each, validation and holdout
LEAST = 0.1  # of the rows with an answer are on each side
SALTS, MORE_SALTS, FEW = 200, 500, 100
MANY = 300  # ids or groups of a label that no hash puts on one side
ENOUGH = 10  # ids or groups of a label, of which one on each side can be had
FEWEST = 3
FEWEST_DAYS = 3  # or groups, of a holdout: fewer say next to nothing of uncertainty


class Division(NamedTuple):
    """The split, the side of each row, which rows have an answer, the labels too rare for each side, and why it is so.

    Shapes: sides (n,), answered (n,): rows of a label that is too rare have none.
    """

    split: TimeSplit | IdSplit
    sides: np.ndarray
    answered: np.ndarray
    dropped: tuple[str, ...]
    why: str

    @property
    def holdout(self) -> np.ndarray:
        """Which rows a model is judged by."""
        return (self.sides == "holdout") & self.answered


def divide(rows: pd.DataFrame, schema: Schema, answers: pd.Series) -> Division:
    """Split rows in canonical form; `answers` are their labels or numbers, missing where a row has none.

    Raises: UserError where no split has answers, and every label, on each side.
    """
    if schema.time is None:
        return _by_id(rows, schema, answers, "no column says when a row happened")
    months = _months(rows[schema.time])
    every = pd.period_range(months.min(), months.max(), freq="M")
    if len(every) < FEWEST_MONTHS:
        return _by_id(rows, schema, answers, f"{schema.time} spans {_months_are(len(every))}, too few to split by")
    if months.nunique() < len(every):
        return _by_id(rows, schema, answers, f"{schema.time} has months without rows, such as {_gap(months, every)}")
    codes, _ = _common(answers, _units(rows, schema), 1)
    for aside in range(max(1, len(every) // 6), len(every) // 3 + 1):
        split = TimeSplit(by="time", validation_months=aside, holdout_months=aside)
        sides = boundaries(rows, split, schema).sides(rows, schema)
        held = rows[(sides == "holdout") & (codes >= 0)]
        if _is_whole(sides, codes, LEAST) and groups(held, schema) >= FEWEST_DAYS:
            last = "month is" if aside == 1 else f"{aside} months are"
            why = f"the newest {last} held out, as many before validate: {schema.time} spans {_months_are(len(every))}"
            return Division(split, sides, codes >= 0, (), why)
    lacking = "too few rows with an answer, too few days, or not every label"
    return _by_id(rows, schema, answers, f"the newest months by {schema.time} have {lacking}")


def groups(rows: pd.DataFrame, schema: Schema) -> int:
    """Count what the judge would draw of some rows: their groups, their days, or the rows."""
    return len(np.unique(bootstrap.groups_of(rows, schema)[0]))


def _months(times: pd.Series) -> pd.Series:
    return times.dt.tz_localize(None).dt.to_period("M")


def _months_are(count: int) -> str:
    return f"{count} month{'' if count == 1 else 's'}"


def _gap(months: pd.Series, every: pd.PeriodIndex) -> str:
    return str(min(set(every) - set(months)))


def _units(rows: pd.DataFrame, schema: Schema) -> np.ndarray:
    """Return a number for each row, the same for rows that no hash puts on different sides.

    Shapes: (n,) from 0.
    """
    return pd.factorize(deciding(rows, schema.id, schema.group))[0]


def _by_id(rows: pd.DataFrame, schema: Schema, answers: pd.Series, reason: str) -> Division:
    before: tuple[str, ...] | None = None
    units = _units(rows, schema)
    to_judge = min(2, groups(rows, schema))
    for fewest in range(FEWEST, ENOUGH + 1):
        codes, dropped = _common(answers, units, fewest)
        if dropped == before:
            continue
        before = dropped
        for split in _tries(rows, schema, codes, units):
            sides = _sides(rows, split, schema)
            held = rows[(sides == "holdout") & (codes >= 0)]
            if _is_whole(sides, codes, LEAST) and groups(held, schema) >= to_judge:
                return Division(split, sides, codes >= 0, dropped, f"{reason}; {_said(split, schema)}")
    raise _too_few(answers, units, schema)


def _too_few(answers: pd.Series, units: np.ndarray, schema: Schema) -> UserError:
    known = answers.count()
    found = f"{known:,} rows" if _are_numbers(answers) else f"{answers.nunique():,} labels in {known:,} rows"
    of = f" of {units.max() + 1:,} different {schema.group}" if schema.group else ""
    fix = f"add rows of other {schema.group}" if schema.group else "add rows"
    fix += "" if _are_numbers(answers) else ", or put rare labels together under one name"
    alone = f", or name a file without the column {schema.group!r}: then each row is on its own" if schema.group else ""
    return UserError(
        f"{schema.target.column}: found {found}{of}, expected enough to train, to validate and to judge with each.",
        fix=fix + alone,
    )


def _common(answers: pd.Series, units: np.ndarray, fewest: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return a number for each label that enough ids or groups have, and the labels that fewer have.

    It is -1 for rows of other labels, and of none. Numbers are all one label.
    """
    if _are_numbers(answers):
        return np.where(answers.isna(), -1, 0), ()
    counts = pd.Series(units).groupby(answers.to_numpy()).nunique()
    rare = sorted(str(label) for label in counts.index[counts < fewest])
    rare = rare if len(counts) - len(rare) >= 2 else []
    return pd.factorize(answers.mask(answers.isin(rare)))[0], tuple(rare)


def _are_numbers(answers: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(answers)


def _tries(rows: pd.DataFrame, schema: Schema, codes: np.ndarray, units: np.ndarray) -> Iterator[IdSplit]:
    """Give the splits that put every label on each side, the usual one first."""
    once = np.flatnonzero(~pd.DataFrame({"unit": units, "code": codes}).duplicated())
    once = once[_rare(codes[once])]
    some, labels = rows.iloc[once], codes[once]
    for share in SHARES:
        for salt in ("", *map(str, range(2, SALTS if len(some) > FEW else MORE_SALTS))):
            split = IdSplit(by="id", validation_share=round(share, 2), holdout_share=round(share, 2), salt=salt)
            if _is_whole(_sides(some, split, schema), labels, 0):
                yield split


def _rare(codes: np.ndarray) -> np.ndarray:
    """Tell which rows have a label that a hash could put on one side alone; of few rows, all."""
    if len(codes) <= MANY:
        return np.ones(len(codes), dtype=bool)
    return (np.bincount(codes + 1)[codes + 1] < MANY) & (codes >= 0)


def _sides(rows: pd.DataFrame, split: IdSplit, schema: Schema) -> np.ndarray:
    return boundaries(rows, split, schema).sides(rows, schema)


def _is_whole(sides: np.ndarray, codes: np.ndarray, least: float) -> bool:
    """Tell whether each side has such a share of the rows with an answer, and every label."""
    known = codes >= 0
    every, count = np.unique(codes[known]).size, least * np.count_nonzero(known)
    parts = [codes[known & (sides == side)] for side in SIDES]
    return all(len(part) >= count and np.unique(part).size == every for part in parts)


def _said(split: IdSplit, schema: Schema) -> str:
    together = f", so that all rows of one {schema.group} are on one side" if schema.group else ""
    share = f"a hash of the {schema.group or 'id'} holds out {split.holdout_share:.0%}, and as many validate{together}"
    return share if not split.salt else f"{share} (salt {split.salt!r}: with it, every label is on each side)"
