"""The verdict in words: what the first lines of a report say.

Words are exact: a model that is worse is another thing than one that is not shown to be no worse, and one that is no
worse by the margins of the gates is not called better.
"""

from typing import NamedTuple

import numpy as np

from holdfast.comparison import LABELS, Comparison, Gate
from holdfast.differences import Difference
from holdfast.markdown import cut
from holdfast.params import Metric
from holdfast.report import Report

MARKS = {"promote": "✅", "keep": "❌", "cannot judge": "⚠️"}
COUNTS = ("none", "one", "two", "three", "four", "five", "six")
# The others depend on a threshold or on bins: recall falls whenever precision is bought with it.
OF_SCORES: tuple[Metric, ...] = ("roc_auc", "pr_auc", "log_loss", "brier")
LONGEST = 600  # characters of a title, and of what is said of a gate


class Headline(NamedTuple):
    """A title, a sentence with the main figure, what stands against it, and what to do."""

    title: str
    sentence: str
    against: tuple[tuple[str, str], ...]
    remedy: str


def headline(report: Report) -> Headline:
    """Say the verdict."""
    comparison = report.comparison
    title = {"promote": _promote, "keep": _keep, "cannot judge": _cannot}[comparison.verdict](report)
    against = [(f"{gate.code} {gate.title}", cut(gate.text, LONGEST)) for gate in comparison.gates if not gate.passed]
    return Headline(
        title=cut(f"{MARKS[comparison.verdict]} {title}", LONGEST),
        sentence=_sentence(comparison),
        against=tuple(against) if comparison.differences else (),
        remedy=_remedy(comparison),
    )


def number(value: float) -> str:
    """Say a metric."""
    return f"{value:.4f}" if np.isfinite(value) else "not defined"


def signed(value: float) -> str:
    """Say a difference; one that is not zero never looks like it, down to the sixth digit."""
    if not np.isfinite(value):
        return "not defined"
    return next((said for digits in (4, 5, 6) if float(said := f"{value:+.{digits}f}")), "0.0000")


def percent(confidence: float) -> str:
    """Say a confidence, as 95%."""
    return f"{100 * confidence:.6g}%"


def interval(comparison: Comparison) -> str:
    """Name the intervals."""
    return f"{percent(comparison.by.confidence)} interval" if comparison.by else "interval"


def _promote(report: Report) -> str:
    comparison, model = report.comparison, f"the model of {report.challenger.name}"
    if comparison.same_scores:
        return "Promote: the same model, every score is the same to the last bit"
    better, worse = (_named(comparison, word) for word in ("better", "worse"))
    if worse and better:
        return f"Promote: {model} is better by {_and(better)}, worse by {_and(worse)}; no margin is broken"
    if worse:
        return f"Promote: {model} is worse by {_and(worse)}, but no margin is broken"
    if comparison.of("roc_auc").word == "better":
        return f"Promote: {model} is better"
    return f"Promote: {model} is no worse{f', and better by {_and(better)}' if better else ''}"


def _keep(report: Report) -> str:
    said = [_refusal(gate, report.comparison) for gate in report.comparison.gates if not gate.passed]
    return f"Keep the model of {report.champion.name}: that of {report.challenger.name} {_and(said)}"


def _cannot(report: Report) -> str:
    unknown = [gate for gate in report.comparison.gates if gate.passed is None]
    if not report.comparison.differences:
        return f"Cannot judge: {unknown[0].text if unknown else 'no gate was asked'}"
    return f"Cannot judge: {_and([f'{gate.code} {gate.title}' for gate in unknown])} cannot be answered"


def _refusal(gate: Gate, comparison: Comparison) -> str:
    """Say in a few words what a gate refused, as the model's predicate."""
    match gate.code:
        case "G1":
            return "is below the floor (G1)"
        case "G2":
            return f"{_worse(comparison)} (G2)"
        case "G3":
            count = len({(one.label, one.value) for one in comparison.harmed})
            return f"harms {f'{count:,} slices' if count > 1 else 'a slice'} (G3)"
        case "G4":
            return "is too large or too slow (G4)"
        case _:
            return f"lacks what `{gate.title}` asks for ({gate.code})"


def _worse(comparison: Comparison) -> str:
    """Tell what is worse from what is only not shown to be no worse."""
    margins = comparison.by.margin if comparison.by else {}
    beyond = [one for one in comparison.differences if one.least_gain < -margins.get(one.metric, np.inf)]
    worse = [LABELS[one.metric] for one in beyond if one.word == "worse"]
    if worse:
        return f"is worse by {_and(worse)}"
    return f"is not shown to be no worse{f' by {_and([LABELS[one.metric] for one in beyond])}' if beyond else ''}"


def _named(comparison: Comparison, word: str) -> list[str]:
    return [LABELS[one.metric] for one in comparison.differences if one.word == word and one.metric in OF_SCORES]


def _and(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _sentence(comparison: Comparison) -> str:
    if not comparison.differences:
        return "Nothing was compared, so nothing may be promoted."
    passed = sum(gate.passed is True for gate in comparison.gates)
    gates = f"all {COUNTS[passed]}" if passed == len(COUNTS) - 1 else f"{COUNTS[passed]} of {COUNTS[-1]}"
    left_out = f" ({comparison.left_out:,} that one of them has seen are left out)" if comparison.left_out else ""
    main = _figure(comparison, comparison.of("roc_auc"))
    rows = f"{comparison.rows:,} rows of {comparison.groups:,} {comparison.unit}"
    return f"{main} on {rows} that neither model has seen{left_out}; {gates} gates passed."


def _figure(comparison: Comparison, one: Difference) -> str:
    if one.word == "same":
        return f"{LABELS[one.metric]} is {number(one.champion)} with both"
    change = signed(one.difference)
    if np.isfinite([one.low, one.high]).all():
        change += f", {interval(comparison)} {signed(one.low)} to {signed(one.high)}"
    return f"{LABELS[one.metric]} {number(one.champion)} → {number(one.challenger)} ({change})"


def _remedy(comparison: Comparison) -> str:
    """Say what to do where there is no verdict."""
    if comparison.verdict != "cannot judge":
        return ""
    if comparison.differences:
        return (
            "Some metric has no number in every resample: rows of one label are too few. Give the holdout more rows "
            "(`split:` in params.yaml, or newer data), or ask for more of a slice (`gates.slices.labels`)."
        )
    return comparison.fix or "Mend that, then run `python -m holdfast report` again."
