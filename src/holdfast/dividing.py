"""How a strange table is split: by time where it has months enough, else by a hash of the id; every label on each side.

The newest rows are the fairest holdout. Where the months are too few or have gaps, or a label would be missing on a
side, the id decides. Its hash may leave a side without one of a few rows; then the first word (`split.salt`) is taken
that does not. Nothing is drawn: the same rows are always split alike.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from holdfast.errors import UserError
from holdfast.params import IdSplit, TimeSplit
from holdfast.schema import Schema
from holdfast.split import SIDES, boundaries

FEWEST_MONTHS = 4
SHARES = (0.2, 0.25, 1 / 3)  # of each, validation and holdout
LEAST = 0.1  # of the rows are on each side
SALTS, MORE_SALTS, FEW = 200, 500, 100
MANY = 300  # rows of a label that no hash puts on one side
HALF = 0.5
ENOUGH = 10  # rows of a label, of which one on each side can be had
FEWEST = 3


class Division(NamedTuple):
    """The split, the side of each row, the labels that are too rare to be on each side, and why it is so."""

    split: TimeSplit | IdSplit
    sides: np.ndarray
    dropped: tuple[str, ...]
    why: str


def divide(rows: pd.DataFrame, schema: Schema, labels: pd.Series | None) -> Division:
    """Split rows in canonical form; `labels` are those of their target, if it has labels.

    Raises: UserError where no split has every label on each side.
    """
    if schema.time is None:
        return _by_id(rows, schema, labels, "no column says when a row happened")
    months = _months(rows[schema.time])
    every = pd.period_range(months.min(), months.max(), freq="M")
    if len(every) < FEWEST_MONTHS:
        return _by_id(rows, schema, labels, f"{schema.time} spans {_months_are(len(every))}, too few to split by")
    if months.nunique() < len(every):
        return _by_id(rows, schema, labels, f"{schema.time} has months without rows, such as {_gap(months, every)}")
    for aside in range(max(1, len(every) // 6), len(every) // 3 + 1):
        split = TimeSplit(by="time", validation_months=aside, holdout_months=aside)
        sides = boundaries(rows, split, schema).sides(rows, schema)
        if _is_whole(sides, _common(labels, len(rows), 1)[0], LEAST):
            last = "month is" if aside == 1 else f"{aside} months are"
            why = f"the newest {last} held out, as many before validate: {schema.time} spans {_months_are(len(every))}"
            return Division(split, sides, (), why)
    return _by_id(rows, schema, labels, f"the newest months by {schema.time} have too few rows, or not every label")


def _months(times: pd.Series) -> pd.Series:
    return times.dt.tz_localize(None).dt.to_period("M")


def _months_are(count: int) -> str:
    return f"{count} month{'' if count == 1 else 's'}"


def _gap(months: pd.Series, every: pd.PeriodIndex) -> str:
    return str(min(set(every) - set(months)))


def _by_id(rows: pd.DataFrame, schema: Schema, labels: pd.Series | None, reason: str) -> Division:
    before: tuple[str, ...] | None = None
    for fewest in range(FEWEST, ENOUGH + 1):
        codes, dropped = _common(labels, len(rows), fewest)
        if dropped == before:
            continue
        before = dropped
        for split in _tries(rows, schema, codes):
            return Division(split, _sides(rows, split, schema), dropped, f"{reason}; {_said(split)}")
    found = f"{len(rows):,} rows" if labels is None else f"{labels.nunique():,} labels in {labels.count():,} rows"
    raise UserError(
        f"{schema.target.column}: found {found}, expected enough to train, to validate and to judge with each.",
        fix="add rows, or put rare labels together under one name",
    )


def _common(labels: pd.Series | None, rows: int, fewest: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return a number for each label that enough rows have (-1 for other rows), and the labels that fewer have."""
    if labels is None:
        return np.full(rows, -1), ()
    counts = labels.value_counts()
    rare = sorted(str(label) for label in counts.index[counts < fewest])
    rare = rare if len(counts) - len(rare) >= 2 else []
    return pd.factorize(labels.mask(labels.isin(rare)))[0], tuple(rare)


def _tries(rows: pd.DataFrame, schema: Schema, codes: np.ndarray) -> Iterator[IdSplit]:
    """Give the splits that put every label on each side, the usual one first."""
    few = _rare(codes)
    some, labels, least = rows.loc[few, [schema.id]], codes[few], 0 if len(rows) > MANY else LEAST
    for share in SHARES:
        for salt in ("", *map(str, range(2, SALTS if len(some) > FEW else MORE_SALTS))):
            split = IdSplit(by="id", validation_share=round(share, 2), holdout_share=round(share, 2), salt=salt)
            if _is_whole(_sides(some, split, schema), labels, least):
                yield split


def _rare(codes: np.ndarray) -> np.ndarray:
    """Tell which rows have a label that a hash could put on one side alone; of few rows, all."""
    if len(codes) <= MANY:
        return np.ones(len(codes), dtype=bool)
    return (np.bincount(codes + 1)[codes + 1] < MANY) & (codes >= 0)


def _sides(rows: pd.DataFrame, split: IdSplit, schema: Schema) -> np.ndarray:
    return boundaries(rows, split, schema).sides(rows, schema)


def _is_whole(sides: np.ndarray, codes: np.ndarray, least: float) -> bool:
    """Tell whether each side has such a share of the rows, and every label."""
    every = np.unique(codes[codes >= 0]).size
    parts = [codes[sides == side] for side in SIDES]
    return all(len(part) >= least * len(sides) and np.unique(part[part >= 0]).size == every for part in parts)


def _said(split: IdSplit) -> str:
    share = f"a hash of the id holds out {split.holdout_share:.0%}, and as many validate"
    return share if not split.salt else f"{share} (salt {split.salt!r}: with it, every label is on each side)"
