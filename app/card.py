"""The model card in words: what each figure means, what the model learned from, and how a program asks it.

A figure that nobody can read is no information. Each metric has one sentence that says it with the words of the schema,
so that "flights" and "late" become whatever the rows and the positive label of another data set are.
"""

import json
import shlex
from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from app.result import label_words, percent, period
from holdfast.bundle import Bundle

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
NAMES = {"roc_auc": "ROC AUC", "pr_auc": "PR AUC", "f1": "F1", "brier": "Brier score"}
SHARES = {
    "threshold",
    "precision",
    "recall",
    "accuracy",
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
    share = metrics.get("positive_share") or 0.0
    words = {
        "row": schema.noun[0],
        "rows": schema.noun[1],
        "positive": label_words(schema.target.positive),
        "share": percent(share),
        "negative_share": percent(1 - share),
    }
    known = [(name, value) for name in MEANINGS if (value := metrics.get(name)) is not None]
    return [
        Figure(
            NAMES.get(name, name.replace("_", " ").capitalize()),
            percent(value) if name in SHARES else f"{value:.3f}",
            MEANINGS[name].format(percent=percent(value), **words),
        )
        for name, value in known
    ]


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
