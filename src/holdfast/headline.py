"""The verdict in words: what the first lines of a report say.

Words are exact: a model that is worse is another thing than one that is not shown to be no worse, and one that is no
worse by the margins of the gates is not called better.
"""

from typing import NamedTuple

import numpy as np

from holdfast.comparison import Comparison, Gate
from holdfast.differences import Difference
from holdfast.figures import named, number, percent, signed
from holdfast.markdown import cut
from holdfast.metrics import LABELS, Metric
from holdfast.report import Report
from holdfast.targets import Kind

MARKS = {"promote": "✅", "keep": "❌", "cannot judge": "⚠️"}
COUNTS = ("none", "one", "two", "three", "four", "five", "six")
# The others depend on a threshold or on bins, where recall falls whenever precision is bought with it, or say the same
# as one of these.
OF_SCORES: frozenset[Metric] = frozenset({"roc_auc", "pr_auc", "log_loss", "brier", "balanced_accuracy", "rmse", "mae"})
TOO_LITTLE: dict[Kind, tuple[str, str]] = {
    "binary": ("rows of one label are too few", "gates.slices.labels"),
    "classes": ("rows of one label are too few", "gates.slices.labels"),
    "number": ("all that was measured is the same number", "gates.slices.rows"),
}
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
        sentence=_sentence(comparison, report.unit),
        against=tuple(against) if comparison.differences else (),
        remedy=_remedy(comparison),
    )


def heading(words: str) -> str:
    """Write words as the name of something, or as the first of a sentence: with a capital, and nothing else changed."""
    return words[:1].upper() + words[1:]


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
    if comparison.main.word == "better":
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


def _sentence(comparison: Comparison, unit: str) -> str:
    if not comparison.differences:
        return "Nothing was compared, so nothing may be promoted."
    passed = sum(gate.passed is True for gate in comparison.gates)
    gates = f"all {COUNTS[passed]}" if passed == len(COUNTS) - 1 else f"{COUNTS[passed]} of {COUNTS[-1]}"
    left_out = f" ({comparison.left_out:,} that one of them has seen are left out)" if comparison.left_out else ""
    main = _figure(comparison, comparison.main, unit)
    return f"{main} on {comparison.extent} that neither model has seen{left_out}; {gates} gates passed."


def _figure(comparison: Comparison, one: Difference, unit: str) -> str:
    name, places = heading(named(one.metric, unit)), one.decimals()
    if one.word == "same":
        return f"{name} is {number(one.champion, places)} with both"
    change = signed(one.difference, places)
    if np.isfinite([one.low, one.high]).all():
        change += f", {interval(comparison)} {signed(one.low, places)} to {signed(one.high, places)}"
    return f"{name} {number(one.champion, places)} → {number(one.challenger, places)} ({change})"


def _remedy(comparison: Comparison) -> str:
    """Say what to do where there is no verdict."""
    if comparison.verdict != "cannot judge":
        return ""
    if comparison.differences:
        why, setting = TOO_LITTLE[comparison.kind]
        return (
            f"Some metric has no number in every resample: {why}. Give the holdout more rows "
            f"(`split:` in params.yaml, or newer data), or ask for more of a slice (`{setting}`)."
        )
    return comparison.fix or "Mend that, then run `python -m holdfast report` again."
