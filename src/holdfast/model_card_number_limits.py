"""What a model of numbers is known to be weak at: no better than the mean, off to one side, or too cautious."""

from collections.abc import Callable, Iterator

from holdfast.figures import number
from holdfast.model_card import About
from holdfast.model_card_words import amount, ends, figure, share, unit_of
from holdfast.targets import Kind

BEYOND = 0.02  # of the holdout
WIDE = 1.5  # deviations of the outcomes


def _explaining(about: About) -> Iterator[str]:
    found = about.intervals.metrics["r2"]
    if found.low is not None and found.low <= 0:
        yield (
            f"It is not shown to be closer than the mean of all {about.facts.data.noun[1]} would be: "
            f"R² {figure(found)}, interval {ends(found)}."
        )


def _off(about: About) -> Iterator[str]:
    """Say where predictions are too high, or too low, on average."""
    bias, unit = about.intervals.bias, unit_of(about.facts.data)
    if bias.value is None or bias.low is None or bias.high is None or bias.low <= 0 <= bias.high:
        return
    low, high = sorted((abs(bias.low), abs(bias.high)))
    yield (
        f"Its predictions were too {'high' if bias.value > 0 else 'low'} in the holdout, by "
        f"{amount(abs(bias.value), unit)} on average (interval {amount(low)} to {amount(high)})."
    )


def _moved(about: About) -> Iterator[str]:
    """Compare the mean in the holdout with that where it learned."""
    (now,), numbers, unit = about.intervals.answers, about.outcomes.numbers, unit_of(about.facts.data)
    if numbers is None or now.value is None or now.low is None or now.high is None:
        return
    before = numbers[0].mean
    if not now.low <= before <= now.high:
        yield (
            f"What it predicts has moved: {amount(before, unit)} on average where it learned, "
            f"{amount(now.value, unit)} (interval {amount(now.low)} to {amount(now.high)}) in the holdout."
        )


def _cautious(about: About) -> Iterator[str]:
    """Say what it never predicts."""
    (low, high), beyond = about.outcomes.predicted, about.outcomes.beyond
    unit, rows = unit_of(about.facts.data), about.facts.data.noun[1]
    if beyond > BEYOND:
        yield (
            f"No prediction was below {amount(low, unit)} or above {amount(high, unit)}, but {share(beyond)} of the "
            f"{rows} were: it is too cautious at the ends, and says nothing of what is rare."
        )


def _apart(about: About) -> Iterator[str]:
    """Say how far apart those are that look the same to it, where that is far."""
    numbers, unit = about.outcomes.numbers, unit_of(about.facts.data)
    known = ((one.low, one.high, one) for one in about.card.predictions if one.low is not None and one.high is not None)
    low, high, widest = max(known, key=lambda one: one[1] - one[0], default=(0.0, 0.0, None))
    if numbers is None or widest is None or high - low <= WIDE * numbers[1].deviation:
        return
    yield (
        f"One prediction says little of one row: where it predicted {amount(widest.mean_score, unit)} on average, "
        f"80 of 100 were {amount(low)} to {amount(high, unit)}, and 20 beyond."
    )


def _tails(about: About) -> Iterator[str]:
    """Say where a few rows make most of the error."""
    found = about.card.metrics
    root, median = found.get("rmse"), found.get("median_absolute_error")
    if root is not None and median is not None and median and root > 3 * median:
        yield (
            f"A few rows are missed by far: half of them by {amount(float(median), unit_of(about.facts.data))} "
            f"at most, but the RMSE is {number(root / median, 1)} times that."
        )


Rule = Callable[[About], Iterator[str]]
RULES: dict[Kind, tuple[Rule, ...]] = {"number": (_explaining, _off, _moved, _cautious, _apart, _tails)}
