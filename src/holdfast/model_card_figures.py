"""What the card says in figures: metrics with their intervals, slices, calibration, importance."""

import math

from holdfast.headline import percent
from holdfast.intervals import SliceInterval
from holdfast.model_card import About
from holdfast.model_card_blocks import Block, Grid, Said
from holdfast.model_card_words import UNDEFINED, ends, figure, gap, label, share, worded
from holdfast.params import Metric
from holdfast.report_tables import direction

MEANINGS: dict[Metric, str] = {
    "roc_auc": "how often one that was {positive} gets the higher score than one that was not; by chance 0.5",
    "pr_auc": "how many with high scores were {positive}, over all thresholds; by chance {share}",
    "log_loss": "how much it is surprised by what happens; saying {share} of each would be {base}",
    "brier": "mean squared distance from score to outcome; saying {share} of each would be {spread}",
    "calibration_error": "how far scores are from the shares that came true",
    "precision": "of those that it calls {positive}, so many were",
    "recall": "of those that were {positive}, it finds so many",
    "f1": "precision and recall in one figure",
}


def metrics(about: About) -> tuple[Block, ...]:
    """Say how good it is, and how surely."""
    found, rows = about.intervals, about.facts.data.noun[1]
    words = {"positive": worded(about.facts.data.target.positive), **_baselines(about)}
    table = [
        [direction(name), figure(one), ends(one) or UNDEFINED, MEANINGS[name].format(**words)]
        for name, one in found.metrics.items()
    ]
    return (
        Said(
            f"On {about.card.holdout_rows:,} {rows} of {found.groups:,} {found.unit}. The {_interval(about)}s say "
            f"what could as well have been found on other {found.unit}: all {found.groups:,} are drawn anew, with "
            f"replacement, {found.resamples:,} times. ↑ more is better, ↓ less is better."
        ),
        Grid([["metric", "found", _interval(about), "what it says"], *table], (1, 2)),
        Said(_at_threshold(about)),
    )


def _baselines(about: About) -> dict[str, str]:
    """Return what a model that gives every row the same score would reach, in the two figures of distance."""
    positive = about.intervals.positive_share.value or 0.0
    sure = [part for part in (positive, 1 - positive) if part]
    base = -sum(part * math.log(part) for part in sure)
    return {"share": share(positive), "base": f"{base:.4f}", "spread": f"{positive * (1 - positive):.4f}"}


def _at_threshold(about: About) -> str:
    metrics, positive = about.card.metrics, worded(about.facts.data.target.positive)
    return (
        f"Precision, recall and F1 are at its threshold, {about.facts.threshold:g}: there "
        f"{share(metrics['flagged_share'])} are called {positive}, and {share(metrics['accuracy'])} get the right "
        "label."
    )


def slices(about: About) -> tuple[Block, ...]:
    """Say where it is weaker."""
    found, schema = about.intervals.slices, about.facts.data
    if not found:
        return (Said("No slice is declared: `evaluate.slices` in params.yaml names them."),)
    errors = {(one.label, one.value): one.metrics.get("calibration_error") for one in about.card.slices}
    head = [
        "slice", schema.noun[1], worded(schema.target.positive), "ROC AUC", _interval(about),
        "less that of all", "calibration error", "remark",
    ]  # fmt: skip
    table = [_line(one, errors.get((one.label, one.value))) for one in found]
    weak, large = sum(one.weak for one in found), sum(one.gap.low is not None for one in found)
    shown = "none is" if not weak else "one is" if weak == 1 else f"{weak:,} are"
    return (
        Said(
            f"Does it rank as well within a part of the holdout as on the whole? {large:,} of {len(found):,} slices "
            f"are large enough to tell; of these, {shown} shown to be weaker, all looked at together (Holm). Within a "
            "slice, what it is sliced by tells nobody apart, so its ROC AUC is often lower."
        ),
        Grid([head, *table], (1, 2, 3, 4, 5, 6)),
    )


def _line(one: SliceInterval, error: float | None) -> list[str]:
    said = "weaker" if one.weak else "too small to tell" if one.gap.low is None else ""
    return [
        f"{one.label} {one.value}",
        f"{one.rows:,}",
        share(one.positives / one.rows),
        figure(one.roc_auc),
        ends(one.roc_auc),
        gap(one.gap),
        UNDEFINED if error is None else f"{error:.3f}",
        said,
    ]


def calibration(about: About) -> tuple[Block, ...]:
    """Say whether its scores come true."""
    rows, positive = about.facts.data.noun[1], worded(about.facts.data.target.positive)
    head = ["score", rows, "mean score", f"were {positive}", _interval(about)]
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
    said = f"Do its scores come true? Of the {rows} that got such a score, how many were {positive}."
    return Said(said), Grid([head, *table], (1, 2, 3, 4))


def importance(about: About) -> tuple[Block, ...]:
    """Say which columns it goes by."""
    said = (
        f"How much ROC AUC falls when one column is shuffled among the {about.facts.data.noun[1]} of the holdout. "
        "Columns that go together stand in for each other, so each may look less important than it is."
    )
    table = [
        [label(about.facts.data, one.column), f"{one.auc_fall:.4f}", f"± {one.spread:.4f}"]
        for one in about.card.importance
    ]
    return Said(said), Grid([["column", "fall of ROC AUC", "standard deviation"], *table], (1, 2))


def _interval(about: About) -> str:
    return f"{percent(about.intervals.confidence)} interval"
