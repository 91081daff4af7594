"""What a model is known to be weak at, told from its own figures: a plain sentence each, and none where there is none.

A figure is called weak only where its interval says so. What was not measured is said too: on other days, of slices
that are too small, of scores that hardly any row got.
"""

from collections.abc import Iterator
from datetime import date

from holdfast.bundle import Bin
from holdfast.headline import number
from holdfast.intervals import Interval, SliceInterval
from holdfast.model_card import About
from holdfast.model_card_words import ends, figure, heading, label, share, span, together, worded

SLICES = 5  # weak ones that get a sentence of their own
SPARSE = 100  # rows; of fewer, a share says little
OFTEN = 0.2  # of the values are missing
MOVED = 0.05  # so far apart, two shares are not the same


def limits(about: About) -> list[str]:
    """Return what must be known before the model is used."""
    rules = (_said, _ranking, _slices, _labels, _calibration, _shares, _rare, _missing, _time, _groups, _data, _made)
    return [sentence for rule in rules for sentence in rule(about)]


def _said(about: About) -> Iterator[str]:
    """Begin with what its owner says."""
    if words := about.card.tags.get("limits", "").strip():
        yield words


def _ranking(about: About) -> Iterator[str]:
    found = about.intervals.metrics["roc_auc"]
    if found.low is not None and found.low <= 0.5:
        yield f"It is not shown to rank better than chance: ROC AUC {figure(found)}, interval {ends(found)}."


def _slices(about: About) -> Iterator[str]:
    """Name the slices that are shown to be weak, the weakest first, and those of which nothing is known."""
    rows, found = about.facts.data.noun[1], about.intervals.slices
    weak = sorted((one for one in found if one.weak), key=lambda one: (one.gap.value or 0.0, one.label, one.value))
    for one in weak[:SLICES]:
        yield (
            f"It ranks {rows} worse where {name(one)} than on the whole: ROC AUC {figure(one.roc_auc)}, "
            f"{_below(one.gap)} that of all."
        )
    if weak[SLICES:]:
        yield f"It also ranks worse where {together([name(one) for one in weak[SLICES:]])}."
    small = [name(one) for one in found if one.gap.low is None]
    if small:
        yield f"Too small to tell how good it is there: {together(small)} ({len(small):,} of {len(found):,} slices)."


def _below(gap: Interval) -> str:
    """Say a difference that is shown to be below zero."""
    found, low, high = (0.0 if end is None else -end for end in (gap.value, gap.high, gap.low))
    return f"{number(found)} ({number(low)} to {number(high)}) below"


def name(one: SliceInterval) -> str:
    """Name a slice."""
    return f"{one.label} is {one.value}"


def _labels(about: About) -> Iterator[str]:
    metrics, rows = about.card.metrics, about.facts.data.noun[1]
    right, positive = metrics.get("accuracy"), metrics.get("positive_share")
    if right is None or positive is None or right >= max(positive, 1 - positive):
        return
    which = f"{f'none of the {rows}' if positive < 0.5 else f'all {rows}'} {worded(about.facts.data.target.positive)}"
    yield (
        f"Its labels are right for {share(right)} of the {rows}; to call {which} would be right for "
        f"{share(max(positive, 1 - positive))}. Go by scores, and by what a mistake of either kind costs."
    )


def _calibration(about: About) -> Iterator[str]:
    bins = about.card.calibration
    high = [one for one in bins if one.high is not None and one.mean_score > one.high]
    low = [one for one in bins if one.low is not None and one.mean_score < one.low]
    for which, word in ((high, "too high"), (low, "too low")):
        if which:
            yield (
                f"Scores {_scores(which)} were {word} in the holdout, by {_by(which)}: more than other days would "
                "explain."
            )


def _by(bins: list[Bin]) -> str:
    apart = [abs(one.mean_score - one.positive_share) * 100 for one in bins]
    least, most = (f"{end:.0f}" for end in (min(apart), max(apart)))
    return f"{least} points" if least == most else f"{least} to {most} points"


def _scores(bins: list[Bin]) -> str:
    """Say from which score to which, where bins are next to each other."""
    runs: list[list[float]] = []
    for one in bins:
        if runs and runs[-1][1] == one.from_score:
            runs[-1][1] = one.to_score
        else:
            runs.append([one.from_score, one.to_score])
    return together([f"from {start:.0%} to {end:.0%}" for start, end in runs])


def _shares(about: About) -> Iterator[str]:
    """Compare the share of positive rows in the holdout with that in training."""
    before, now = about.facts.positive_share, about.intervals.positive_share
    if now.value is None:
        return
    moved = (
        abs(now.value - before) > MOVED if now.low is None or now.high is None else not now.low <= before <= now.high
    )
    if not moved:
        return
    rows, positive, bins = about.facts.data.noun[1], worded(about.facts.data.target.positive), about.card.calibration
    scores = sum(one.mean_score * one.rows for one in bins) / max(sum(one.rows for one in bins), 1)
    interval = f" (interval {ends(now, share)})" if now.low is not None else ""
    yield (
        f"The share of {rows} that were {positive} moved: {share(before)} of those that it learned from, "
        f"{share(now.value)}{interval} in the holdout, where its scores are {share(scores)} on average. Where the "
        "share is another again, so is what a score means."
    )


def _rare(about: About) -> Iterator[str]:
    rare = [one for one in about.card.calibration if one.rows < SPARSE or one.low is None]
    if rare:
        rows = sum(one.rows for one in rare)
        where = f", on few {about.intervals.unit}" if any(one.low is None for one in rare) else ""
        yield (
            f"Scores {_scores(rare)} are rare: {rows:,} of {about.card.holdout_rows:,} {about.facts.data.noun[1]} got "
            f"one{where}, so what came true of them says little."
        )


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
    if about.intervals.metrics["roc_auc"].low is None:
        yield (
            f"The holdout has {about.intervals.groups:,} {about.intervals.unit}, too few (or too few of either label) "
            "to tell how sure the figures are."
        )


def _data(about: About) -> Iterator[str]:
    broken = [f"{one.expectation} in {part.partition} ({one.found})" for part in about.contract for one in part.broken]
    if broken:
        yield f"The data did not keep all that it promised: {together(broken, 5)}."
    for leak in about.leaks:
        yield f"{heading(leak.text).rstrip('.')}: its figures may be better than it is."


def _made(about: About) -> Iterator[str]:
    if not about.release.commit:
        yield "It was made of something that is not committed, so nobody else can make it again."
