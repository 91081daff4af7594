"""What became of predicted numbers like one: between which two the true ones lay."""

import math
from bisect import bisect_left
from collections.abc import Sequence

from holdfast.bundle import Card, Spread

DECIMALS = 6  # of the bounds in a card; a score has more


def spread_of(card: Card, score: float) -> Spread:
    """Return the rows of the holdout whose predicted numbers were nearest to one; beyond all of them, the last."""
    place = bisect_left([one.to_score for one in card.predictions], round(score, DECIMALS))
    return card.predictions[min(place, len(card.predictions) - 1)]


def is_beyond(card: Card, score: float) -> bool:
    """Tell whether a predicted number is lower or higher than all of the holdout."""
    return not card.predictions[0].from_score <= round(score, DECIMALS) <= card.predictions[-1].to_score


def bounds(card: Card, otherwise: Sequence[float]) -> Sequence[float]:
    """Return where the scores that are counted are cut: so that on the holdout as many were in each part."""
    return [*(one.to_score for one in card.predictions[:-1]), math.inf] if card.predictions else otherwise
