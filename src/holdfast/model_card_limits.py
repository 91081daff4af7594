"""What a model is known to be weak at, told from its own figures: a plain sentence each, and none where there is none.

A figure is called weak only where its interval says so. What was not measured is said too: on other days, of slices
that are too small, of scores that hardly any row got.
"""

from collections.abc import Iterator
from datetime import date

from holdfast import model_card_label_limits as labels
from holdfast import model_card_number_limits as numbers
from holdfast.figures import named, number
from holdfast.headline import heading
from holdfast.intervals import SliceInterval
from holdfast.metrics import LOWER_IS_BETTER
from holdfast.model_card import About
from holdfast.model_card_words import MOVED, figure, label, places_of, share, span, together, unit_of
from holdfast.targets import Kind

SLICES = 5  # weak ones that get a sentence of their own
OFTEN = 0.2  # of the values are missing
WEAKER: dict[Kind, tuple[str, str]] = {
    "binary": ("It ranks {rows} worse where {slice}", "It also ranks worse where"),
    "classes": ("It finds the classes of {rows} less often where {slice}", "It also finds less where"),
    "number": ("It is farther off where {slice}", "It is also farther off where"),
}
TOO_FEW: dict[Kind, str] = {
    "binary": "too few (or too few of either label)",
    "classes": "too few (or too few of some class)",
    "number": "too few (or too much alike)",
}


def limits(about: About) -> list[str]:
    """Return what must be known before the model is used."""
    of_answers = (numbers.RULES if about.kind == "number" else labels.RULES)[about.kind]
    first, *others = of_answers
    rules = (_said, first, _slices, *others, _missing, _time, _groups, _data, _made)
    return [sentence for rule in rules for sentence in rule(about)]


def _said(about: About) -> Iterator[str]:
    """Begin with what its owner says."""
    if words := about.card.tags.get("limits", "").strip():
        yield words


def _slices(about: About) -> Iterator[str]:
    """Name the slices that are shown to be weak, the weakest first, and those of which nothing is known."""
    rows, found = about.facts.data.noun[1], about.intervals.slices
    weak = sorted((one for one in found if one.weak), key=lambda one: (-one.behind, one.label, one.value))
    worse, also = WEAKER[about.kind]
    for one in weak[:SLICES]:
        yield (
            f"{worse.format(rows=rows, slice=name(one))} than on the whole: "
            f"{named(one.metric, unit_of(about.facts.data))} {figure(one.found, places_of(one))}, "
            f"{_apart(one)} that of all."
        )
    if weak[SLICES:]:
        yield f"{also} {together([name(one) for one in weak[SLICES:]])}."
    small = [name(one) for one in found if one.gap.low is None]
    if small:
        yield f"Too small to tell how good it is there: {together(small)} ({len(small):,} of {len(found):,} slices)."


def _apart(one: SliceInterval) -> str:
    """Say a difference that is shown to be on one side of zero."""
    ends = (one.gap.low, one.gap.high) if one.metric in LOWER_IS_BETTER else (one.gap.high, one.gap.low)
    found, low, high = (number(abs(end or 0.0), places_of(one)) for end in (one.gap.value, *ends))
    return f"{found} ({low} to {high}) {'above' if one.metric in LOWER_IS_BETTER else 'below'}"


def name(one: SliceInterval) -> str:
    """Name a slice."""
    return f"{one.label} is {one.value}"


def _missing(about: About) -> Iterator[str]:
    schema = about.facts.data
    often = [f"{label(schema, name)} ({share(found)})" for name, (found, _) in about.gaps.items() if found >= OFTEN]
    moved = [
        f"{label(schema, name)} ({share(before)} before, {share(now)} there)"
        for name, (before, now) in about.gaps.items()
        if abs(now - before) > MOVED
    ]
    if often:
        yield f"Often missing where it learned: {together(often)}."
    if moved:
        yield f"Not missing as often in the holdout as before it: {together(moved)}."


def _time(about: About) -> Iterator[str]:
    """Say which days and months nothing is known of."""
    card, rows = about.card, about.facts.data.noun[1]
    if not span(card.holdout_first, card.holdout_last):
        yield (
            f"It was judged on {rows} that were set aside by a hash of their id: how good it is on later ones was not "
            "measured."
        )
        return
    yield (
        f"It was judged on {rows} of {span(card.holdout_first, card.holdout_last)} alone: how good it is at other "
        "times was not measured."
    )
    unseen = _unseen(about.learned.first, about.learned.last)
    if unseen:
        yield f"It learned from no {rows} of {together(unseen, 12)}, whatever the year."


def _unseen(first: date | None, last: date | None) -> list[str]:
    """Return the months of a year that lie in no year between two days."""
    if first is None or last is None:
        return []
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    seen = {(first.month - 1 + place) % 12 + 1 for place in range(count)}
    return [f"{date(2000, month, 1):%B}" for month in range(1, 13) if month not in seen]


def _groups(about: About) -> Iterator[str]:
    if about.intervals.main.low is None:
        yield (f"The holdout has {about.intervals.extent}, {TOO_FEW[about.kind]} to tell how sure the figures are.")


def _data(about: About) -> Iterator[str]:
    broken = [f"{one.expectation} in {part.partition} ({one.found})" for part in about.contract for one in part.broken]
    if broken:
        yield f"The data did not keep all that it promised: {together(broken, 5)}."
    for leak in about.leaks:
        yield f"{heading(leak.text).rstrip('.')}: its figures may be better than it is."


def _made(about: About) -> Iterator[str]:
    if not about.release.commit:
        yield "It was made of something that is not committed, so nobody else can make it again."
