"""The outcomes of a sweep as a table: the best first, then the rest, then what failed and why."""

from holdfast import grids
from holdfast.sweeps import Outcome, Sweep

NOTHING = "-"


def table(sweep: Sweep) -> list[str]:
    """Return the lines, with a column for each parameter that varied."""
    header = [*grids.short(sweep.plan.names), sweep.plan.loss, "seconds", ""]
    ranked = sorted(sweep.outcomes, key=lambda outcome: (outcome.loss is None, outcome.loss or 0.0))
    rows = [header, *([*_values(sweep, outcome), *_measured(sweep, outcome)] for outcome in ranked)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(header))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _values(sweep: Sweep, outcome: Outcome) -> list[str]:
    return [
        grids.shown(outcome.trial.point[name]) if name in outcome.trial.point else NOTHING for name in sweep.plan.names
    ]


def _measured(sweep: Sweep, outcome: Outcome) -> list[str]:
    if outcome.loss is None:
        return [NOTHING, _seconds(outcome), f"failed: {outcome.reason}"]
    notes = ["winner"] if outcome is sweep.winner else []
    notes += ["as it is"] if outcome is sweep.outcomes[0] else []
    return [f"{outcome.loss:.6f}", _seconds(outcome), ", ".join(notes)]


def _seconds(outcome: Outcome) -> str:
    return "before" if outcome.seconds is None else f"{outcome.seconds:.1f}"
