"""What came true: among the rows that a model learned from, and in its holdout beside what it predicted there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import pandas as pd

from holdfast import measuring
from holdfast.confusions import confusion
from holdfast.targets import ClassesTarget, NumberTarget, Target


class Numbers(NamedTuple):
    """Some numbers: their mean, how far they are from it, and between which two 80 of 100 lie."""

    mean: float
    deviation: float
    low: float
    high: float

    @classmethod
    def of(cls, values: np.ndarray) -> Self:
        """Measure them."""
        low, high = np.quantile(values, measuring.MIDDLE)
        return cls(*(float(one) for one in (values.mean(), values.std(), low, high)))


@dataclass(frozen=True)
class Outcomes:
    """What came true, as far as the kind of the target has it.

    Of classes: the share of each where the model learned, and which was taken for which. Of numbers: what they were
    like where it learned and in the holdout, how many rows are missed by how much, the lowest and the highest
    prediction, and the share of the holdout that was beyond them.
    """

    learned: Mapping[str, float]
    confusion: pd.DataFrame | None = None
    numbers: tuple[Numbers, Numbers] | None = None
    errors: pd.DataFrame | None = None
    predicted: tuple[float, float] = (0.0, 0.0)
    beyond: float = 0.0


def of(target: Target, learned: pd.Series, known: np.ndarray, scores: np.ndarray) -> Outcomes:
    """Look at the outcomes where the model learned, and at those of the holdout with their scores.

    Shapes: known (n,) as the target encodes it, scores (n,), for classes (n, classes).
    """
    if isinstance(target, NumberTarget):
        ends = float(scores.min()), float(scores.max())
        return Outcomes(
            learned={},
            numbers=(Numbers.of(target.encoded(learned)), Numbers.of(known)),
            errors=measuring.errors(known, scores),
            predicted=ends,
            beyond=float(((known < ends[0]) | (known > ends[1])).mean()),
        )
    shares = {label: float((learned == label).mean()) for label in target.answers}
    counts = confusion(known, scores, target) if isinstance(target, ClassesTarget) else None
    return Outcomes(shares, counts)
