"""Which row trains, which validates, which is held out.

By time, the newest months are the holdout and the ones before them the validation rows. By id, a
hash of the id alone decides; of rows that belong together, such as the visits of one patient, a hash
of their group, so that nobody whom a model knows from training is held out. Either way a row's side
does not depend on which other rows are there, except that a new month moves the boundaries.

The boundaries that a model saw are frozen into a `Boundaries` and saved with it: from them, the side
that any row was on for that model can be told at any later time.
"""

import hashlib
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from holdfast.errors import UserError
from holdfast.files import RESTORE
from holdfast.params import IdSplit, TimeSplit
from holdfast.schema import Schema, deciding
from holdfast.strict import Strict

Side = Literal["train", "validation", "holdout"]
SIDES: tuple[Side, ...] = ("train", "validation", "holdout")


class TimeBoundaries(Strict):
    """The first month of each side after training, and the last month of all, as YYYY-MM."""

    by: Literal["time"] = "time"
    validation_from: str
    holdout_from: str
    holdout_through: str

    def holdout_months(self) -> list[str]:
        """Return the first and the last month of the holdout, once if they are the same."""
        return sorted({self.holdout_from, self.holdout_through})

    def sides(self, rows: pd.DataFrame, schema: Schema) -> np.ndarray:
        """Return the side of each row; rows newer than the holdout are on its side: no model saw them."""
        months = _months(rows, schema)
        return np.select([months < self.validation_from, months < self.holdout_from], SIDES[:2], SIDES[2])


class IdBoundaries(Strict):
    """Where on the circle of hashes, from 0 to 1, the holdout and the validation rows end.

    What is hashed is the group, or the id where there is none, as for models that were saved before groups were.
    """

    by: Literal["id"] = "id"
    holdout_below: float
    validation_below: float
    salt: str
    group: str | None = None

    def sides(self, rows: pd.DataFrame, schema: Schema) -> np.ndarray:
        """Return the side of each row."""
        codes, names = pd.factorize(deciding(rows, schema.id, self.group), use_na_sentinel=False)
        place = np.array([_place(f"{self.salt}{name}") for name in names], dtype="float64")[codes]
        return np.select(
            [place < self.holdout_below, place < self.validation_below], ["holdout", "validation"], "train"
        )


Boundaries = Annotated[TimeBoundaries | IdBoundaries, Field(discriminator="by")]


def boundaries(rows: pd.DataFrame, split: TimeSplit | IdSplit, schema: Schema) -> Boundaries:
    """Fix the boundaries from the rows that there are.

    Raises: UserError where a month between the first and the last has no rows, or too few months are there.
    """
    if isinstance(split, IdSplit):
        holdout = split.holdout_share
        return IdBoundaries(
            holdout_below=holdout,
            validation_below=holdout + split.validation_share,
            salt=split.salt,
            group=schema.group,
        )
    months = sorted(set(_months(rows, schema)))
    _refuse_gaps(months)
    aside = split.validation_months + split.holdout_months
    if len(months) <= aside:
        raise UserError(
            f"data/: found {len(months)} months, expected more than the {aside} that are set aside.",
            fix="add earlier months, or set fewer aside under `split:` in params.yaml",
        )
    return TimeBoundaries(
        validation_from=months[-aside], holdout_from=months[-split.holdout_months], holdout_through=months[-1]
    )


def _months(rows: pd.DataFrame, schema: Schema) -> np.ndarray:
    """Return each row's month as YYYY-MM, by the clock of the schema's zone."""
    if schema.time is None:
        raise ValueError("a schema without a time column cannot be split by time")
    times = rows[schema.time].dt
    return (times.year.astype("str") + "-" + times.month.astype("str").str.zfill(2)).to_numpy()


def _refuse_gaps(months: list[str]) -> None:
    if not months:
        return
    every = pd.period_range(months[0], months[-1], freq="M").strftime("%Y-%m")
    empty = sorted(set(every) - set(months))
    if empty:
        raise UserError(
            f"data/: found no rows in {', '.join(empty)}, expected every month from {months[0]} to {months[-1]}.",
            fix=f"add the missing partition; {RESTORE} brings back a deleted one",
        )


def _place(name: str) -> float:
    """Return a number from 0 to 1 that depends on the name alone."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") / 2**64
