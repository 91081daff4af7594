"""What the card says in figures: metrics with their intervals, slices, what came of its scores, importance."""

import math
from functools import partial

from holdfast.figures import WITH_UNIT, counting, named, number, percent
from holdfast.intervals import SliceInterval
from holdfast.metrics import LOWER_IS_BETTER, Metric, main
from holdfast.model_card import About
from holdfast.model_card_blocks import Block, Grid, Said
from holdfast.model_card_words import (
    UNDEFINED,
    amount,
    answers_of,
    ends,
    figure,
    gap,
    label,
    places,
    places_of,
    positive_of,
    share,
    unit_of,
)
from holdfast.report_tables import direction
from holdfast.targets import Kind

MEANINGS: dict[Kind, dict[Metric, str]] = {
    "binary": {
        "roc_auc": "how often one that was {positive} gets the higher score than one that was not; by chance 0.5",
        "pr_auc": "how many with high scores were {positive}, over all thresholds; by chance {share}",
        "log_loss": "how much it is surprised by what happens; saying {share} of each would be {base}",
        "brier": "mean squared distance from score to outcome; saying {share} of each would be {spread}",
        "calibration_error": "how far scores are from the shares that came true",
        "precision": "of those that it calls {positive}, so many were",
        "recall": "of those that were {positive}, it finds so many",
        "f1": "precision and recall in one figure",
    },
    "classes": {
        "balanced_accuracy": "of each class it finds so many, on average over the classes; by chance {chance}",
        "accuracy": "so many get the right class; to call all of them {largest} would be right for {share}",
        "macro_f1": "what it finds of each class and what it calls so rightly in one figure, averaged over the classes",
        "roc_auc": "how often one of a class gets a higher score for it than one of another; by chance 0.5",
        "log_loss": "how much it is surprised by what happens; saying the shares of all for each would be {base}",
        "brier": "squared distance from scores to outcome; saying the shares of all for each would be {spread}",
        "calibration_error": "how far highest scores are from the shares of right answers",
    },
    "number": {
        "rmse": "how far off it is, where large errors count most; saying {mean} for each would be {deviation}",
        "mae": "how far off it is on average",
        "r2": "the share of the squared distance from the mean that it explains; saying the mean for each would be 0",
    },
}
LOOKED: dict[Kind, str] = {
    "binary": "Does it rank as well within a part of the holdout as on the whole?",
    "classes": "Does it find the classes as well within a part of the holdout as on the whole?",
    "number": "Is it as close within a part of the holdout as on the whole?",
}
WITHIN: dict[Kind, str] = {
    "binary": " Within a slice, what it is sliced by tells nobody apart, so its ROC AUC is often lower.",
    "classes": " Within a slice, what it is sliced by tells no class from another, so it is often lower.",
    "number": " Where the outcomes are farther apart, it is farther off.",
}
# What else is told of a slice, as it is measured.
BESIDE: dict[Kind, Metric] = {"binary": "calibration_error", "classes": "calibration_error", "number": "mae"}


def metrics(about: About) -> tuple[Block, ...]:
    """Say how good it is, and how surely."""
    found, rows, words = about.intervals, about.facts.data.noun[1], _words(about)
    table = []
    for name, one in found.metrics.items():
        write = partial(number, decimals=places(name, one))
        meaning = MEANINGS[about.kind][name].format(**words)
        table.append(
            [
                direction(name, unit_of(about.facts.data)),
                figure(one, places(name, one)),
                ends(one, write) or UNDEFINED,
                meaning,
            ]
        )
    of_groups = "" if found.unit == "rows" else f" of {found.extent}"
    return (
        Said(
            f"On {about.card.holdout_rows:,} {rows}{of_groups}. The {_interval(about)}s say "
            f"what could as well have been found on other {found.unit}: all {found.groups:,} are drawn anew, with "
            f"replacement, {found.resamples:,} times. ↑ more is better, ↓ less is better."
        ),
        Grid([["metric", "found", _interval(about), "what it says"], *table], (1, 2)),
        *_answered(about),
    )


def _words(about: About) -> dict[str, str]:
    """Return what a model would reach that says the same of every row, and whom the meanings are about."""
    if about.kind == "number":
        return _of_the_mean(about)
    shares = [one.value or 0.0 for one in about.intervals.answers]
    shares += [1 - shares[0]] if about.kind == "binary" else []
    base, spread = -sum(one * math.log(one) for one in shares if one), 1 - sum(one**2 for one in shares)
    if about.kind == "binary":
        return {
            "positive": positive_of(about.facts.data),
            "share": share(shares[0]),
            **_distances(base, shares[0] * shares[1]),
        }
    names = answers_of(about.facts.data)
    largest = {"largest": names[shares.index(max(shares))], "share": share(max(shares))}
    return {**largest, "chance": f"{1 / len(names):.4f}", **_distances(base, spread)}


def _distances(base: float, spread: float) -> dict[str, str]:
    return {"base": f"{base:.4f}", "spread": f"{spread:.4f}"}


def _of_the_mean(about: About) -> dict[str, str]:
    if not about.outcomes.numbers:
        return {"mean": "the mean", "deviation": UNDEFINED}
    _, judged = about.outcomes.numbers
    return {
        "mean": f"the mean, {amount(judged.mean)},",
        "deviation": number(judged.deviation, counting(judged.deviation)),
    }


def _answered(about: About) -> tuple[Block, ...]:
    """Say how its answers follow from its scores, and how many are right."""
    measured, schema = about.card.metrics, about.facts.data
    if about.kind == "number":
        return ()
    if about.facts.threshold is None:
        right = share(measured["accuracy"])
        return (
            Said(f"It names the class with the highest score, which is right for {right} of the {schema.noun[1]}."),
        )
    return (
        Said(
            f"Precision, recall and F1 are at its threshold, {about.facts.threshold:g}: there "
            f"{share(measured['flagged_share'])} are called {positive_of(schema)}, and {share(measured['accuracy'])} "
            "get the right label."
        ),
    )


def slices(about: About) -> tuple[Block, ...]:
    """Say where it is weaker."""
    found, schema = about.intervals.slices, about.facts.data
    if not found:
        return (Said("No slice is declared: `evaluate.slices` in params.yaml names them."),)
    beside = {(one.label, one.value): one.metrics.get(BESIDE[about.kind]) for one in about.card.slices}
    positive = [positive_of(schema)] if about.kind == "binary" else []
    head = [
        "slice", schema.noun[1], *positive, named(main(about.kind), unit_of(schema)), _interval(about),
        "less that of all", named(BESIDE[about.kind], unit_of(schema)), "remark",
    ]  # fmt: skip
    table = [_line(one, beside.get((one.label, one.value))) for one in found]
    weak, large = sum(one.weak for one in found), sum(one.gap.low is not None for one in found)
    shown = "none is" if not weak else "one is" if weak == 1 else f"{weak:,} are"
    return (
        Said(
            f"{LOOKED[about.kind]} {large:,} of {len(found):,} slices "
            f"are large enough to tell; of these, {shown} shown to be weaker, all looked at together (Holm)."
            f"{WITHIN[about.kind]}"
        ),
        Grid([head, *table], tuple(range(1, len(head) - 1))),
    )


def _line(one: SliceInterval, beside: float | None) -> list[str]:
    said = "weaker" if one.weak else "too small to tell" if one.gap.low is None else ""
    digits = places_of(one)
    return [
        f"{one.label} {one.value}",
        f"{one.rows:,}",
        *([] if one.positives is None else [share(one.positives / one.rows)]),
        figure(one.found, digits),
        ends(one.found, partial(number, decimals=digits)),
        gap(one.gap, digits),
        UNDEFINED if beside is None else number(beside, digits if one.metric in WITH_UNIT else 3),
        said,
    ]


def calibration(about: About) -> tuple[Block, ...]:
    """Say whether its scores come true."""
    if about.kind == "number":
        return _predictions(about)
    rows, positive = about.facts.data.noun[1], positive_of(about.facts.data)
    came_true = f"were {positive}" if positive else "were right"
    head = ["score" if positive else "highest score", rows, "mean score", came_true, _interval(about)]
    table = [
        [
            f"{one.from_score:.0%} to {one.to_score:.0%}",
            f"{one.rows:,}",
            share(one.mean_score),
            share(one.positive_share),
            "too few" if one.low is None or one.high is None else f"{share(one.low)} to {share(one.high)}",
        ]
        for one in about.card.calibration
    ]
    said = (
        f"Do its scores come true? Of the {rows} that got such a score, how many were {positive}."
        if positive
        else f"Do its scores come true? Of the {rows} whose highest score was such, how many were of that class."
    )
    return Said(said), Grid([head, *table], (1, 2, 3, 4))


def _predictions(about: About) -> tuple[Block, ...]:
    """Say what came where it predicted so much."""
    rows, unit = about.facts.data.noun[1], unit_of(about.facts.data)
    of_unit = f", {unit}" if unit else ""
    head = [f"predicted{of_unit}", rows, "mean", "mean of what came", "80 of 100 were"]
    found = about.card.predictions
    digits = max(counting(*(max(abs(one.from_score), abs(one.to_score)) for one in found)) - 2, 0)
    write = partial(number, decimals=digits)
    table = [
        [
            f"{write(one.from_score)} to {write(one.to_score)}",
            f"{one.rows:,}",
            write(one.mean_score),
            write(one.mean_target),
            "too few rows" if one.low is None or one.high is None else f"{write(one.low)} to {write(one.high)}",
        ]
        for one in found
    ]
    said = (
        f"The {rows} in groups of about as many each, by what it predicted for them. The last column says how far "
        "apart those of a group were, which look much the same to it."
    )
    return Said(said), Grid([head, *table], (1, 2, 3, 4))


def importance(about: About) -> tuple[Block, ...]:
    """Say which columns it goes by."""
    name, unit = main(about.kind), unit_of(about.facts.data)
    verb, noun = ("rises", "rise") if name in LOWER_IS_BETTER else ("falls", "fall")
    said = (
        f"How much {named(name)} {verb} when one column is shuffled among the {about.facts.data.noun[1]} of the "
        "holdout. Columns that go together stand in for each other, so each may look less important than it is."
    )
    table = [
        [label(about.facts.data, one.column), *worth(about, one.fall, one.spread)] for one in about.card.importance
    ]
    return Said(said), Grid([["column", f"{noun} of {named(name, unit)}", "standard deviation"], *table], (1, 2))


def worth(about: About, fall: float, spread: float) -> tuple[str, str]:
    """Say what a column is worth, and how sure that is."""
    name = main(about.kind)
    digits = places(name, about.intervals.metrics[name])
    return number(fall, digits), f"± {number(spread, digits)}"


def _interval(about: About) -> str:
    return f"{percent(about.intervals.confidence)} interval"
