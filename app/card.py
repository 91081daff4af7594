"""The model card in words: what each figure means, what the model learned from, and how a program asks it.

A figure that nobody can read is no information. Each metric has one sentence that says it with the words of the schema,
so that "flights" and "late" become whatever the rows and the positive label of another data set are.
"""

import json
import shlex
from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from app.saying import label_words, percent, period, quantity
from holdfast.bundle import Bundle
from holdfast.metrics import LABELS, LOWER_IS_BETTER, main
from holdfast.schema import Schema
from holdfast.targets import Kind

MEANINGS = {
    "roc_auc": "Of one {row} that was {positive} and one that was not, it gives the former the higher score in "
    "{percent} of cases; guessing gets 50%.",
    "pr_auc": "How many of those with high scores really were {positive}, averaged over all thresholds; guessing gets "
    "{share}.",
    "log_loss": "How surprised it was by what happened, on average; lower is better, and being sure and wrong costs.",
    "brier": "The mean squared distance between score and outcome; lower is better.",
    "calibration_error": "How far scores are from the shares that really were {positive}, on average.",
    "threshold": "From this score on, a {row} is called {positive}.",
    "precision": "Of the {rows} that it called {positive}, so many were.",
    "recall": "Of the {rows} that were {positive}, it found so many.",
    "f1": "Precision and recall in one figure: their harmonic mean.",
    "accuracy": "So many {rows} got the right label. Calling none of them {positive} would get {negative_share} right.",
    "flagged_share": "So many {rows} were called {positive}.",
    "positive_share": "So many {rows} of the holdout were {positive}.",
    "positive_share_in_training": "So many were among those that it learned from.",
}
OF_CLASSES = {
    "balanced_accuracy": "The share that it gets right of each class, averaged over the classes.",
    "accuracy": "So many {rows} got the right class. To say the most frequent one each time would get {largest} right.",
    "macro_f1": "Precision and recall of each class in one figure, averaged over the classes.",
    "roc_auc": "Of one {row} of a class and one of another, it gives the former the higher score for that class in "
    "{percent} of cases, averaged over the classes; guessing gets 50%.",
    "log_loss": MEANINGS["log_loss"],
    "brier": "The squared distances between scores and what happened, added up over the classes; lower is better.",
    "calibration_error": "How far its highest scores are from how often they are right, on average.",
}
OF_NUMBERS = {
    "rmse": "The root of the mean squared error: large errors count more.",
    "mae": "So far it is off on average, whichever way.",
    "median_absolute_error": "Half of the {rows} are missed by no more.",
    "r2": "The share of the variance that it explains; to say the mean each time gets 0, and 1 is perfect.",
    "target_mean": "The mean of what happened.",
    "score_mean": "The mean of what it predicted.",
}
BY_KIND: dict[Kind, dict[str, str]] = {"binary": MEANINGS, "classes": OF_CLASSES, "number": OF_NUMBERS}
NAMES = {"roc_auc": "ROC AUC", "pr_auc": "PR AUC", "f1": "F1", "brier": "Brier score", "macro_f1": "Macro F1"}
NAMES |= {
    "rmse": "RMSE",
    "mae": "Mean absolute error",
    "r2": "R²",
    "score_mean": "Mean prediction",
    "target_mean": "Mean",
}
SHARES = {
    "threshold",
    "precision",
    "recall",
    "accuracy",
    "balanced_accuracy",
    "flagged_share",
    "positive_share",
    "positive_share_in_training",
}


class Figure(NamedTuple):
    """A metric: its name, its value, and what that means."""

    name: str
    value: str
    meaning: str


def figures(bundle: Bundle) -> list[Figure]:
    """Return the metrics that are known, in the order in which they are best read."""
    metrics, schema = bundle.card.metrics, bundle.model.facts.data
    share, target = metrics.get("positive_share") or 0.0, schema.target
    words = {
        "row": schema.noun[0],
        "rows": schema.noun[1],
        "positive": label_words(target.answers[-1]) if target.kind == "binary" else "",
        "share": percent(share),
        "negative_share": percent(1 - share),
        "largest": percent(metrics.get("largest_share") or 0.0),
    }
    meanings = BY_KIND[target.kind]
    known = [(name, value) for name in meanings if (value := metrics.get(name)) is not None]
    return [
        Figure(
            NAMES.get(name, name.replace("_", " ").capitalize()),
            _said(name, value, schema),
            meanings[name].format(percent=percent(value) if name == "roc_auc" else "", **words),
        )
        for name, value in known
    ]


def _said(name: str, value: float, schema: Schema) -> str:
    if name in SHARES:
        return percent(value)
    return quantity(value, schema) if schema.target.kind == "number" and name != "r2" else f"{value:.3f}"


def importance(kind: Kind) -> str:
    """Say what becomes of the first of the metrics where the model has to do without a column."""
    name = main(kind)
    return f"{LABELS[name]} {'rises' if name in LOWER_IS_BETTER else 'falls'}"


def origin(bundle: Bundle) -> str:
    """Say what the model learned from, and what it was judged on."""
    facts, card = bundle.model.facts, bundle.card
    rows = facts.data.noun[1]
    before = f" from before {_month(facts.split.holdout_from)}" if facts.split.by == "time" else ""
    where = period(card) if card.holdout_first else "set aside by a hash of their id"
    return (
        f"It learned from {facts.fitted_rows:,} {rows}{before}, and was judged on {card.holdout_rows:,} {rows} "
        f"{'of ' if card.holdout_first else ''}{where}, none of which it had seen."
    )


def curl(address: str, row: Mapping[str, Any]) -> str:
    """Return a command that asks for the score of a row."""
    body = json.dumps({"rows": [row]}, indent=2, ensure_ascii=False)
    return (
        f"curl {shlex.quote(address)} \\\n  --header 'Content-Type: application/json' \\\n  --data {shlex.quote(body)}"
    )


def python(address: str, row: Mapping[str, Any]) -> str:
    """Return a program that asks for the score of a row."""
    lines = "".join(f"    {name!r}: {value!r},\n" for name, value in row.items())
    return f"""import json
from urllib.request import Request, urlopen

row = {{
{lines}}}
body = json.dumps({{"rows": [row]}}).encode()
request = Request({address!r}, body, {{"Content-Type": "application/json"}})
with urlopen(request) as answer:
    print(json.load(answer)["predictions"][0]["score"])
"""


def _month(month: str) -> str:
    return f"{date.fromisoformat(f'{month}-01'):%B %Y}"
