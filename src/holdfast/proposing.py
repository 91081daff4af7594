"""From the roles of columns to the sections of `params.yaml`: what is proposed for a strange table, and for its size.

Ranges have slack on both sides, for the next rows will be a little beyond those that are known; what cannot be negative
stays so. Thresholds follow from the holdout: with few rows, only large differences can be seen; a metric that not every
draw of the judge defines, for want of a label, is not asked for; and no more days (or groups) are than there are.
"""

import math
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from holdfast import bootstrap
from holdfast.differences import is_always_drawn
from holdfast.guessing import MOST_VALUES, Guess
from holdfast.roles import Roles
from holdfast.schema import Schema
from holdfast.targeting import Outcome

ROWS_A_VALUE = 5
SLACK = 0.5  # of the range that was found, on each side
MOST_LOST = 0.1  # of what guessing loses: no margin of the log loss is wider
MOST_SLICES = 3
SLICE_VALUES = (2, 12)
# What only people know; the others follow from the file.
ASKED = ("owner", "contact", "intended_use", "data_licence", "personal_data", "risk_class")

Section = dict[str, Any]


def data(roles: Roles, dropped: Sequence[str] = ()) -> Section:
    """Return the section `data`."""
    section: Section = {"id": str(roles.id.name)}
    if roles.time:
        section["time"] = roles.time.name
    if roles.group:
        section["group"] = roles.group.name
    section["target"] = _target(roles.outcome, dropped)
    section["columns"] = {guess.name: _column(guess) for guess in roles.columns}
    return section


def _target(outcome: Outcome, dropped: Sequence[str]) -> Section:
    label = humane(outcome.name)
    if outcome.kind == "binary":
        negative, positive = outcome.labels
        said: Section = {"column": outcome.name, "kind": "binary", "negative": negative, "positive": positive}
        return said | {"label": label}
    if outcome.kind == "classes":
        said = {"column": outcome.name, "kind": "classes"}
        said["values"] = [word for word in outcome.labels if word not in dropped]
        return said | ({"excluded": list(dropped)} if dropped else {}) | {"label": label}
    low, high = bounds(outcome.values)
    return {"column": outcome.name, "kind": "number", "unit": outcome.unit, "min": low, "max": high, "label": label}


def _column(guess: Guess) -> Section:
    said: Section = {"kind": guess.kind}
    if guess.kind == "number":
        low, high = bounds(guess.values)
        said |= {"unit": guess.unit, "min": low, "max": high}
    if guess.kind == "category" and has_values(guess):
        said["values"] = sorted(guess.values.dropna().unique())
    if guess.zone:
        said["zone"] = guess.zone
    if guess.missing:
        said["nullable"] = True
    return said | {"label": humane(guess.name)}


def has_values(guess: Guess) -> bool:
    """Tell whether the words of a column are few enough to be promised one by one."""
    known = len(guess.values) - int(guess.values.isna().sum())
    return guess.different <= MOST_VALUES and guess.different * ROWS_A_VALUE <= known


def humane(name: str) -> str:
    """Return the name of a column as people would write it, without its unit: "petal_length (cm)" is "Petal length"."""
    plain = " ".join(re.sub(r"[\s_]*[(\[][^()\[\]]{1,12}[)\]]\s*$", "", name).replace("_", " ").split()) or name
    return plain[:1].upper() + plain[1:]


def bounds(values: pd.Series) -> tuple[float | int, float | int]:
    """Return a range with slack around values; what is never negative stays so, and a share is from 0 to 1."""
    low, high = float(values.min()), float(values.max())
    if low >= 0 and high <= 1:
        return 0, 1
    slack = SLACK * (high - low) or max(abs(low), 1.0)
    below, above = _round(low - slack, math.floor), _round(high + slack, math.ceil)
    return _short(max(below, 0.0) if low >= 0 else below), _short(min(above, 0.0) if high <= 0 else above)


def _round(value: float, how: Any) -> float:
    """Round to two digits, up or down."""
    if value == 0 or not math.isfinite(value):
        return float(np.clip(value, -1e300, 1e300))
    unit = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
    return float(f"{how(round(value / unit, 6)) * unit:.12g}")


def _short(value: float) -> float | int:
    return int(value) if value % 1 == 0 and abs(value) < 1e15 else value


def contract(roles: Roles, by_month: bool) -> Section:
    """Return the section `contract`."""
    section: Section = {"partition": "month"} if by_month else {}
    months = _months(roles) if by_month else None
    seen = [*roles.columns, *([roles.group] if roles.group else [])]
    missing = {guess.name: _tolerated(guess, months) for guess in seen if guess.missing}
    if missing:
        section["missing"] = missing
    if roles.out:
        section["besides"] = [guess.name for guess in roles.out]
    return section


def _months(roles: Roles) -> pd.Series | None:
    return None if roles.time is None else roles.time.values.dt.tz_localize(None).dt.to_period("M")


def _tolerated(guess: Guess, months: pd.Series | None) -> float:
    """Return the share of missing values that is tolerated in a file: half as many again as were found in any."""
    gone = guess.values.isna()
    worst = float(gone.mean() if months is None else gone.groupby(months).mean().max())
    return min(1.0, round(math.ceil((worst * 1.5 + 0.02) * 100) / 100, 2))


def slices(roles: Roles, holdout: np.ndarray) -> list[Section]:
    """Return the slices: columns of few words, and the hours of the time if it has hours."""
    found: list[dict[str, Any]] = [
        {"column": guess.name, "label": humane(guess.name)}
        for guess in roles.columns
        if guess.kind == "category" and SLICE_VALUES[0] <= guess.values[holdout].nunique() <= SLICE_VALUES[1]
    ][:MOST_SLICES]
    if roles.time and bool((roles.time.values.dt.hour != 0).any()):
        found.append({"column": roles.time.name, "label": "time of day", "hours": [6, 12, 18]})
    return found


class Held(NamedTuple):
    """What models will be judged by: so many rows, so many groups that are drawn, and whether with all labels each."""

    rows: int
    groups: int
    is_whole: bool


def held(rows: pd.DataFrame, schema: Schema, resamples: int) -> Held:
    """Count the holdout as the judge does. It is whole if it has every label in each draw."""
    groups, labels = bootstrap.groups_of(rows, schema)[0], rows[schema.target.column]
    count = len(np.unique(groups))
    if schema.target.kind == "number":
        return Held(len(rows), count, is_whole=True)
    fewest = int(pd.Series(groups).groupby(labels.to_numpy()).nunique().min())
    return Held(len(rows), count, is_always_drawn(fewest, count, resamples))


def sizes(rows: int, holdout: Held, labels: int) -> dict[str, Any]:
    """Return the settings that depend on how many rows there are, and of how many labels, by their paths.

    Of several labels each iteration fits a tree for each.
    """
    return {
        "train.gradient_boosting.min_samples_leaf": _between(rows // 100, 5, 100),
        "train.gradient_boosting.max_leaf_nodes": [15, 31] if rows >= 5_000 else [4, 15],
        "train.gradient_boosting.max_iterations": 150 if labels <= 2 else _between(300 // labels, 40, 100),
        "evaluate.calibration_bins": 10 if holdout.rows >= 1_000 else 5,
        "gates.groups": _between(holdout.groups // 3, 2, 10),
        "gates.slices.rows": _between(holdout.rows // 10, 10, 500),
        "gates.slices.labels": _between(holdout.rows // 50, 3, 50),
    }


def thresholds(outcome: Outcome, answered: np.ndarray, holdout: Held) -> tuple[dict[str, float], dict[str, float]]:
    """Return the floor and the margin of the gates: no worse than guessing, and by how much a model may seem worse.

    Differences below the margin do not show in so few rows. The log loss, as the errors of numbers, is defined in every
    draw; the others are only where each draw has every label. Of a rare label guessing loses little, and the margin is
    a share of that.
    """
    margin, values = _margin(holdout.rows), outcome.values[answered]
    if outcome.kind == "number":
        spread = _digits(float(values.std()) or 1.0)
        return {"rmse": spread}, {"rmse": _digits(margin * spread)}
    shares = values.value_counts(normalize=True).to_numpy()
    guess = _digits(float(-(shares * np.log(shares)).sum()))
    loss = min(margin, _digits(MOST_LOST * guess))
    if not holdout.is_whole:
        return {"log_loss": guess}, {"log_loss": loss}
    first, chance = ("roc_auc", 0.5) if outcome.kind == "binary" else ("balanced_accuracy", round(1 / len(shares), 3))
    return {first: chance, "log_loss": guess}, {first: margin, "log_loss": loss}


def _margin(holdout: int) -> float:
    return _digits(_between(0.5 / math.sqrt(max(holdout, 1)), 0.005, 0.1), 1)


def _digits(value: float, digits: int = 3) -> float:
    return float(f"{value:.{digits}g}")


def _between(value: float, low: float, high: float) -> Any:
    return min(max(value, low), high)


def tags(roles: Roles, sources: Sequence[str], old: dict[str, str]) -> dict[str, str]:
    """Return what people must know of the model: what follows from the file, and the rest empty, to be filled in."""
    said = dict.fromkeys(ASKED, "")
    said["purpose"] = f"predict {roles.outcome.name} from {len(roles.columns)} columns"
    said["data_source"] = ", ".join(sources)
    return {name: said.get(name, "") for name in [*old, *said] if name in said or name in old}


def slug(name: str) -> str:
    """Return a name that a registry takes."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60].strip("-")
    return plain or "model"


def files_of(roles: Roles, by_month: bool, name: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """Give the partitions, each with its name below `data/`: columns that are left out come along as words."""
    rows = pd.DataFrame(
        {str(roles.id.name): roles.id, roles.outcome.name: roles.outcome.values}
        | ({roles.group.name: roles.group.as_words()} if roles.group else {})
        | {guess.name: guess.values for guess in roles.columns}
        | {guess.name: guess.as_words() for guess in roles.out}
    )
    if not by_month or roles.time is None:
        yield f"{name}.parquet", rows.sort_values(str(roles.id.name), ignore_index=True)
        return
    rows = rows.sort_values([roles.time.name, str(roles.id.name)], ignore_index=True)
    for month, part in rows.groupby(rows[roles.time.name].dt.tz_localize(None).dt.strftime("%Y-%m")):
        yield f"{name}/{month}.parquet", part.reset_index(drop=True)
