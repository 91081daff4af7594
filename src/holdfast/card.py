"""The model card: an evaluation, put into the words and figures that people need before they trust a score.

What a score has meant is told from the holdout: of the rows that got such a score, how many were positive, and how sure
that share is. Rows of one day (or group) are not independent of each other, so whole days are drawn again.
"""

from datetime import date
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from holdfast import bootstrap
from holdfast.bundle import Bin, Card, Importance, Slice, Spread
from holdfast.evaluation import Evaluation, slice_hours
from holdfast.measuring import DECIMALS, sureness
from holdfast.params import Evaluate
from holdfast.schema import Schema

Line = TypeVar("Line", Spread, Importance)

CONFIDENCE = 0.95
RESAMPLES = 2_000
FEW = 10  # groups; fewer say nothing of uncertainty


def card(
    evaluation: Evaluation, holdout: pd.DataFrame, schema: Schema, settings: Evaluate, tags: dict[str, str], seed: int
) -> Card:
    """Make the card of the model that was evaluated on the holdout."""
    times = holdout[schema.time].dt.date if schema.time else None
    target, scores = evaluation.scores["target"].to_numpy(), schema.target.scores_in(evaluation.scores)
    groups, _ = bootstrap.groups_of(holdout, schema)
    count, kind = settings.calibration_bins, schema.target.kind
    return Card(
        tags=tags,
        holdout_rows=len(holdout),
        holdout_first=_day(times, "min"),
        holdout_last=_day(times, "max"),
        metrics=evaluation.metrics,
        slices=_slices(evaluation.tables["slices"], settings),
        calibration=() if kind == "number" else tuple(_bins(*sureness(target, scores), groups, count, seed)),
        predictions=_lines(evaluation.tables.get("predictions"), Spread),
        importance=_lines(evaluation.tables["importance"], Importance),
    )


def _lines(table: pd.DataFrame | None, kind: type[Line]) -> tuple[Line, ...]:
    return () if table is None else tuple(kind.model_validate(line) for line in _records(table))


def _records(table: pd.DataFrame) -> list[dict[Any, Any]]:
    """Return the lines of a table, with None for what is missing."""
    return table.astype(object).where(table.notna(), None).to_dict("records")


def _day(times: pd.Series | None, end: str) -> date | None:
    return None if times is None else getattr(times, end)()


def _slices(table: pd.DataFrame, settings: Evaluate) -> tuple[Slice, ...]:
    """Return the lines of the table of slices, each with the column and the hours that tell its rows."""
    declared = {cut.label or cut.column: cut for cut in settings.slices}
    found = []
    for line in _records(table):
        label, value = line.pop("slice"), line.pop("value")
        cut = declared[label]
        hours = None if cut.hours is None else slice_hours(cut.hours)[value]
        found.append(Slice(label=label, value=value, column=cut.column, hours=hours, metrics=line))
    return tuple(found)


def _bins(target: np.ndarray, scores: np.ndarray, groups: np.ndarray, count: int, seed: int) -> list[Bin]:
    """Return the bins of scores that have rows; they have equal width."""
    place = np.minimum((scores * count).astype("int64"), count - 1)
    cells = (int(groups.max()) + 1) * count
    rows = np.bincount(groups * count + place, minlength=cells).reshape(-1, count).astype("float64")
    positives = np.bincount(groups * count + place, target, minlength=cells).reshape(-1, count)
    with np.errstate(invalid="ignore"):  # 0 / 0: a draw without rows in that bin
        drawn = (times.astype("float64") for times in bootstrap.draws(len(rows), count, RESAMPLES, seed))
        shares = np.concatenate([(times @ positives) / (times @ rows) for times in drawn])[1:]
    bins = []
    for number in np.unique(place).tolist():
        inside = place == number
        low, high = _interval(shares[:, number], int(np.count_nonzero(rows[:, number])))
        bins.append(
            Bin(
                from_score=number / count,
                to_score=(number + 1) / count,
                rows=int(inside.sum()),
                mean_score=round(float(scores[inside].mean()), DECIMALS),
                positive_share=round(float(target[inside].mean()), DECIMALS),
                low=low,
                high=high,
            )
        )
    return bins


def _interval(shares: np.ndarray, groups: int) -> tuple[float | None, float | None]:
    if groups < FEW:
        return None, None
    low, high = bootstrap.interval(shares[~np.isnan(shares)], groups, CONFIDENCE)
    return round(max(low, 0.0), DECIMALS), round(min(high, 1.0), DECIMALS)
