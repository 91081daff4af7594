"""How figures are said: what has no unit by four decimals, what has the unit of the target by five digits that count.

An error of 57 dollars and one of 0.0003 mm are both read at a glance; and a difference has the decimals of the figures
that it is one of.
"""

import math

import numpy as np

from holdfast.metrics import LABELS, Metric

DECIMALS = 4
COUNTING = 5  # digits of what has a unit
MOST = 9  # decimals
WITH_UNIT: frozenset[Metric] = frozenset({"rmse", "mae"})
BESIDE_THEM: frozenset[str] = frozenset(
    {"median_absolute_error", "target_mean", "score_mean"}
)  # measured, not compared


def number(value: float, decimals: int = DECIMALS) -> str:
    """Say a metric."""
    return f"{value:,.{decimals}f}" if np.isfinite(value) else "not defined"


def signed(value: float, decimals: int = DECIMALS) -> str:
    """Say a difference; one that is not zero never looks like it, down to two digits more."""
    if not np.isfinite(value):
        return "not defined"
    tried = (f"{value:+,.{decimals + more}f}" for more in range(3))
    return next((said for said in tried if float(said.replace(",", ""))), f"{0:.{decimals}f}")


def percent(confidence: float) -> str:
    """Say a confidence, as 95%."""
    return f"{100 * confidence:.6g}%"


def quantity(value: float) -> str:
    """Say a value that has a unit."""
    return number(value, counting(value))


def counting(*values: float) -> int:
    """Return with how many decimals the largest of some values has five digits that count."""
    most = max((abs(value) for value in values if np.isfinite(value)), default=0.0)
    return min(max(COUNTING - 1 - math.floor(math.log10(most)), 0), MOST) if most else DECIMALS


def decimals(metric: Metric, *values: float, otherwise: int = DECIMALS) -> int:
    """Return with how many decimals some values of a metric are said."""
    return counting(*values) if metric in WITH_UNIT else otherwise


def measured(name: str, value: float | None) -> str:
    """Say anything that was measured, in short."""
    if value is None:
        return "not defined"
    return quantity(value) if name in WITH_UNIT | BESIDE_THEM else number(value, 3)


def named(metric: Metric, unit: str = "") -> str:
    """Name a metric, with the unit of the target if it has that."""
    return f"{LABELS[metric]} ({unit})" if unit and metric in WITH_UNIT else LABELS[metric]
