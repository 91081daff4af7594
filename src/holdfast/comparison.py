"""The judge, who decides whether the challenger may take the place of the champion.

Both are held against the same rows, those of the holdout that neither was fitted or tuned on, with uncertainty. Six
gates with permanent codes decide, by the thresholds under `gates:` in `params.yaml`. A gate that cannot be asked, for
want of a number, has not been passed. The same judge speaks at a desk, in the pull request and at promotion.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np

from holdfast.differences import (
    Difference,
    Rows,
    Scored,
    SliceDifference,
    TooSmall,
    differences,
    too_small,
)
from holdfast.figures import decimals, number
from holdfast.metrics import LABELS, LOWER_IS_BETTER, Metric
from holdfast.params import Gates
from holdfast.targets import Kind

Verdict = Literal["promote", "keep", "cannot judge"]

TITLES = {
    "G0": "both can be judged",
    "G1": "above the floor",
    "G2": "not worse",
    "G3": "no slice harmed",
    "G4": "size and latency",
    "G5": "tags",
}


class Gate(NamedTuple):
    """A rule with a permanent code; `passed` is None where it could not be asked."""

    code: str
    passed: bool | None
    text: str

    @property
    def title(self) -> str:
        """What the gate asks for."""
        return TITLES[self.code]

    @property
    def word(self) -> str:
        """Whether it was passed, in a word."""
        return {True: "passed", False: "refused", None: "unknown"}[self.passed]


@dataclass(frozen=True)
class Comparison:
    """What the judge found, and the verdict; without a number where the models cannot be compared."""

    gates: tuple[Gate, ...]
    rows: int = 0
    groups: int = 0
    unit: str = "days"
    left_out: int = 0
    same_scores: bool = False
    differences: tuple[Difference, ...] = ()
    slices: tuple[SliceDifference, ...] = ()
    not_judged: tuple[TooSmall, ...] = ()
    harmed: tuple[SliceDifference, ...] = ()
    by: Gates | None = None  # the thresholds that it was judged by
    kind: Kind = "binary"  # of the target
    fix: str = ""  # what to do where nothing could be compared

    @property
    def verdict(self) -> Verdict:
        """Promote only if every gate was asked and passed."""
        if not self.gates or any(gate.passed is None for gate in self.gates):
            return "cannot judge"
        return "promote" if all(gate.passed for gate in self.gates) else "keep"

    @property
    def extent(self) -> str:
        """Say by how many rows it was judged, and of how many days (or groups) they are."""
        return _extent(self.rows, self.groups, self.unit)

    def lines(self) -> list[str]:
        """Return what people read in a terminal: a line for each gate, and the verdict."""
        gates = [f"{gate.code} {gate.title:<18} {gate.word:<8} {gate.text}" for gate in self.gates]
        return [*gates, *([f"  fix: {self.fix}"] if self.fix else []), f"verdict: {self.verdict}"]

    def of(self, metric: Metric) -> Difference:
        """Return the difference in one metric."""
        return _of(self.differences, metric)

    @property
    def main(self) -> Difference:
        """Return the difference in the metric that stands for all."""
        return self.differences[0]


def impossible(reason: str, fix: str = "") -> Comparison:
    """Return what is said where the models cannot be compared at all."""
    return Comparison(gates=(Gate("G0", passed=None, text=reason),), fix=fix)


def alone(itself: Comparison) -> Comparison:
    """Return what is asked of a model that takes nobody's place, from its comparison with itself: only the floors."""
    asked = tuple(gate for gate in itself.gates if gate.code not in {"G2", "G3"})
    if not itself.differences:
        return itself
    first = Gate("G0", passed=True, text=f"{asked[0].text}; there is no champion yet, so only the floors are asked")
    return replace(itself, gates=(first, *asked[1:]), slices=(), not_judged=(), harmed=())


def compare(
    rows: Rows,
    champion: Scored,
    challenger: Scored,
    gates: Gates,
    *,
    bins: int,
    seed: int,
    tags: Mapping[str, str],
) -> Comparison:
    """Judge two models by rows that neither was fitted or tuned on."""
    fair = ~(champion.seen | challenger.seen)
    left_out = int(np.count_nonzero(~fair))
    rows, champion, challenger = rows.only(fair), _only(champion, fair), _only(challenger, fair)
    reason = _why_not(rows, champion, challenger, gates)
    if reason:
        return impossible(f"{reason}{f' ({left_out:,} rows left out, which a model has seen)' if left_out else ''}")
    count, groups = len(rows.target), int(rows.groups.max()) + 1
    found, slices = differences(rows, champion, challenger, gates, bins, seed)
    harmed = tuple(one for one in slices if one.tail < 1 - gates.confidence)
    return Comparison(
        gates=(
            Gate("G0", passed=True, text=_extent(count, groups, rows.unit)),
            _floor(found, gates),
            _not_worse(found, gates),
            _no_slice_harmed(slices, harmed, gates),
            _budgets(challenger, gates),
            _tagged(tags, gates),
        ),
        rows=count,
        groups=groups,
        unit=rows.unit,
        left_out=left_out,
        same_scores=bool(np.array_equal(champion.scores, challenger.scores)),
        differences=found,
        slices=slices,
        not_judged=too_small(rows, gates),
        harmed=harmed,
        by=gates,
        kind=rows.kind,
    )


def _only(model: Scored, mask: np.ndarray) -> Scored:
    return Scored(model.scores[mask], model.seen[mask], model.threshold, model.size, model.latency)


def _extent(rows: int, groups: int, unit: str) -> str:
    return f"{rows:,} rows" if unit == "rows" else f"{rows:,} rows of {groups:,} {unit}"


def _why_not(rows: Rows, champion: Scored, challenger: Scored, gates: Gates) -> str:
    """Say why the models cannot be compared, if they cannot.

    They can if rows are left that neither has seen, of more than one answer and of enough days; if all scores are
    what the target has; and if the size, the latency and the threshold of both are known.
    """
    if not len(rows.target):
        return "the holdout has no row that neither model has seen"
    if len(np.unique(rows.target)) < 2:
        return "the holdout has rows of one label only" if rows.kind != "number" else "the holdout has one number only"
    for name, model in (("champion", champion), ("challenger", challenger)):
        least, most = (-np.inf, np.inf) if rows.kind == "number" else (0, 1)
        right = np.isfinite(model.scores) & (model.scores >= least) & (model.scores <= most)
        wrong = int(np.count_nonzero(~right))
        if wrong:
            return f"{wrong:,} scores of the {name} are no {'number' if rows.kind == 'number' else 'probability'}"
        if not _is_known(model, rows.kind):
            return f"size, latency or threshold of the {name} is not known"
    groups = int(rows.groups.max()) + 1
    return f"{groups} {rows.unit} say nothing of uncertainty, {gates.groups} would" if groups < gates.groups else ""


def _is_known(model: Scored, kind: Kind) -> bool:
    threshold = kind != "binary" or (model.threshold is not None and np.isfinite(model.threshold))
    return bool(threshold and np.isfinite(model.latency) and model.size > 0)


def _floor(found: tuple[Difference, ...], gates: Gates) -> Gate:
    """Ask whether each of the challenger's own metrics reaches its floor."""
    refused, undefined, passed = list[str](), list[str](), list[str]()
    for name, floor in gates.floor.items():
        value, higher = _of(found, name).challenger, name not in LOWER_IS_BETTER
        found_is = number(value, decimals(name, value, otherwise=3))
        said = f"{LABELS[name]} {found_is} ({'at least' if higher else 'at most'} {floor:g})"
        if not np.isfinite(value):
            undefined.append(f"{LABELS[name]} is not defined")
        elif value == floor or (value > floor) == higher:
            passed.append(said)
        else:
            refused.append(said)
    return _gate("G1", undefined, refused, passed)


def _not_worse(found: tuple[Difference, ...], gates: Gates) -> Gate:
    """Ask whether, for each metric, the whole interval of the difference lies within the margin.

    What is not known well enough is not taken for good.
    """
    undefined, refused, passed = [], [], []
    for name, margin in gates.margin.items():
        one = _of(found, name)
        if one.word == "undefined":
            undefined.append(f"{LABELS[name]} is not defined in every resample")
        elif one.least_gain >= -margin:
            passed.append(f"{LABELS[name]} {_gained(one)}, margin {margin:g}")
        else:
            how = "is worse" if one.word == "worse" else "may be worse"
            refused.append(f"{LABELS[name]} {how}, by up to {_loss(one)}, margin {margin:g}")
    return _gate("G2", undefined, refused, passed)


def _gained(one: Difference) -> str:
    if one.word == "same":
        return "is the same"
    if one.least_gain < 0:
        return f"is worse by {_loss(one)} at most"
    return "is better" if one.word == "better" else "is no worse"


def _loss(one: Difference) -> str:
    return number(-one.least_gain, one.decimals())


def _no_slice_harmed(slices: tuple[SliceDifference, ...], harmed: tuple[SliceDifference, ...], gates: Gates) -> Gate:
    """Ask whether no slice is worse by more than the margin, beyond chance, all of them looked at together."""
    undefined = [f"{one.label} {one.value}" for one in slices if one.difference.word == "undefined"]
    refused = [
        f"{one.label} {one.value}: {LABELS[one.difference.metric]} "
        f"{' → '.join(number(value, one.difference.decimals(otherwise=3)) for value in one.difference[1:3])}"
        for one in harmed
    ]
    judged = len({(one.label, one.value) for one in slices})
    margins = ", ".join(f"{LABELS[name]} {margin:g}" for name, margin in gates.slices.margin.items())
    unknown = [f"not defined in every resample of {', '.join(undefined)}"] if undefined else []
    return _gate("G3", unknown, refused, [f"{judged} slice{'s' * (judged != 1)} judged, margin {margins}"])


def _budgets(challenger: Scored, gates: Gates) -> Gate:
    """Ask whether the challenger is small enough, and quick enough with one row on the machine that judges."""
    size = f"{challenger.size / 1e6:.2f} MB ({gates.size_mb:g} at most)"
    slow = challenger.latency > gates.latency_ms
    # How long it took is not in the text: another machine, or another minute, has another figure.
    latency = f"one row in {'more than' if slow else 'at most'} {gates.latency_ms:g} ms"
    refused = [said for said, over in ((size, challenger.size / 1e6 > gates.size_mb), (latency, slow)) if over]
    return _gate("G4", [], refused, [size, latency])


def _tagged(tags: Mapping[str, str], gates: Gates) -> Gate:
    """Ask whether everything is said that must be said of a model, under `tags:` in params.yaml."""
    absent = [name for name in gates.tags if not tags.get(name, "").strip()]
    refused = [f"missing under `tags:` in params.yaml: {', '.join(absent)}"] if absent else []
    return _gate("G5", [], refused, [f"all {len(gates.tags)} are there"])


def _gate(code: str, undefined: list[str], refused: list[str], passed: list[str]) -> Gate:
    """Return the gate; what could not be asked weighs more than what was refused."""
    if undefined:
        return Gate(code, None, "; ".join([*undefined, *refused]))
    return Gate(code, not refused, "; ".join(refused or passed))


def _of(found: tuple[Difference, ...], name: Metric) -> Difference:
    return next(one for one in found if one.metric == name)
