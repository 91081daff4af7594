"""What a model of labels is known to be weak at: ranking, the labels that it gives, scores that do not come true.

A label that is hard to find, one that it saw little of, and shares that have moved are named.
"""

from collections.abc import Callable, Iterator

from holdfast.bundle import Bin
from holdfast.confusions import each
from holdfast.intervals import Interval
from holdfast.model_card import About
from holdfast.model_card_words import MOVED, answers_of, ends, figure, positive_of, share, together
from holdfast.targets import Kind

SPARSE = 100  # rows; of fewer, a share says little
HALF = 0.5


def _ranking(about: About) -> Iterator[str]:
    found = about.intervals.metrics["roc_auc"]
    if found.low is not None and found.low <= HALF:
        yield f"It is not shown to rank better than chance: ROC AUC {figure(found)}, interval {ends(found)}."


def _finding(about: About) -> Iterator[str]:
    found, chance = about.intervals.metrics["balanced_accuracy"], 1 / len(answers_of(about.facts.data))
    if found.low is not None and found.low <= chance:
        yield (
            f"It is not shown to find the classes better than chance, {chance:.4f}: balanced accuracy {figure(found)}, "
            f"interval {ends(found)}."
        )


def _labels(about: About) -> Iterator[str]:
    metrics, rows = about.card.metrics, about.facts.data.noun[1]
    right, positive = metrics.get("accuracy"), metrics.get("positive_share")
    if right is None or positive is None or right >= max(positive, 1 - positive):
        return
    which = f"{f'none of the {rows}' if positive < HALF else f'all {rows}'} {positive_of(about.facts.data)}"
    yield (
        f"Its labels are right for {share(right)} of the {rows}; to call {which} would be right for "
        f"{share(max(positive, 1 - positive))}. Go by scores, and by what a mistake of either kind costs."
    )


def _largest(about: About) -> Iterator[str]:
    """Say where to name the largest class is right more often."""
    metrics, rows = about.card.metrics, about.facts.data.noun[1]
    right, largest = metrics.get("accuracy"), metrics.get("largest_share")
    if right is None or largest is None or right >= largest:
        return
    shares = [one.value or 0.0 for one in about.intervals.answers]
    yield (
        f"The class that it names is right for {share(right)} of the {rows}; to call all {rows} "
        f"{answers_of(about.facts.data)[shares.index(max(shares))]} would be right for {share(largest)}. Go by scores, "
        "and by what each mistake costs."
    )


def _missed(about: About) -> Iterator[str]:
    """Name the classes of which it misses more than it finds, and those that the holdout says little of."""
    rows = about.facts.data.noun[1]
    found = each(about.outcomes.confusion) if about.outcomes.confusion is not None else []
    known = [one for one in found if one.rows >= SPARSE]
    for one in (one for one in known if (one.recall or 0) < HALF):
        taken = f", and takes {one.mistaken:,} of them for {one.taken_for}" if one.taken_for else ""
        yield f"Of the {one.rows:,} {rows} that were {one.name} it finds {share(one.recall)}{taken}."
    few = [f"{one.name} ({one.rows:,})" for one in found if one.rows < SPARSE]
    if few:
        yield f"The holdout has few {rows} of {together(few)}: how well it finds them is hardly known."


def _calibration(about: About) -> Iterator[str]:
    bins, scores = about.card.calibration, "Scores" if about.kind == "binary" else "Highest scores"
    high = [one for one in bins if one.high is not None and one.mean_score > one.high]
    low = [one for one in bins if one.low is not None and one.mean_score < one.low]
    for which, word in ((high, "too high"), (low, "too low")):
        if which:
            yield (
                f"{scores} {_scores(which)} were {word} in the holdout, by {_by(which)}: more than other "
                f"{about.intervals.unit} would explain."
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
    (now,), before = about.intervals.answers, about.facts.positive_share
    if before is None or not _moved(before, now):
        return
    rows, bins = about.facts.data.noun[1], about.card.calibration
    scores = sum(one.mean_score * one.rows for one in bins) / max(sum(one.rows for one in bins), 1)
    yield (
        f"The share of {rows} that were {positive_of(about.facts.data)} moved: {_from_to(before, now)}, where its "
        f"scores are {share(scores)} on average. Where the share is another again, so is what a score means."
    )


def _mix(about: About) -> Iterator[str]:
    """Name the classes whose share in the holdout is another than where it learned."""
    names, rows = answers_of(about.facts.data), about.facts.data.noun[1]
    for name, before, now in zip(names, about.outcomes.learned.values(), about.intervals.answers, strict=True):
        if _moved(before, now):
            yield (
                f"The share of {rows} that were {name} moved: {_from_to(before, now)}. Where the share is another "
                "again, so is what a score means."
            )


def _moved(before: float, now: Interval) -> bool:
    if now.value is None:
        return False
    if now.low is None or now.high is None:
        return abs(now.value - before) > MOVED
    return not now.low <= before <= now.high


def _from_to(before: float, now: Interval) -> str:
    interval = f" (interval {ends(now, share)})" if now.low is not None else ""
    return f"{share(before)} of those that it learned from, {share(now.value)}{interval} in the holdout"


def _rare(about: About) -> Iterator[str]:
    rare = [one for one in about.card.calibration if one.rows < SPARSE or one.low is None]
    rows, scores = about.facts.data.noun[1], "Scores" if about.kind == "binary" else "Highest scores"
    if about.card.holdout_rows < SPARSE:
        yield f"The holdout has {about.card.holdout_rows:,} {rows}: too few to tell what comes true of each score."
    elif rare:
        where = f", on few {about.intervals.unit}" if any(one.low is None for one in rare) else ""
        yield (
            f"{scores} {_scores(rare)} are rare: {sum(one.rows for one in rare):,} of {about.card.holdout_rows:,} "
            f"{rows} got one{where}, so what came true of them says little."
        )


Rule = Callable[[About], Iterator[str]]
RULES: dict[Kind, tuple[Rule, ...]] = {
    "binary": (_ranking, _labels, _calibration, _shares, _rare),
    "classes": (_finding, _largest, _missed, _calibration, _mix, _rare),
}
