"""What a report says, before it is written down: the comparison, and where both sides come from.

Everything here follows from two commits, and is the same at a desk, in CI and at promotion; only `Machine`, what was
measured on the machine that judged, is not. `report_markdown` and `report_page` write it down.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pydantic import BaseModel

from holdfast.comparison import Comparison, Verdict
from holdfast.data_diff import DataDiff

FORMAT = 1

Curves = dict[str, pd.DataFrame]  # of one model on the rows that were judged, as `measuring` makes them


class Side(NamedTuple):
    """Where a model comes from; an empty hash stands where there is none."""

    name: str
    commit: str  # full hash; of the working tree, the commit that it is based on
    data: str  # hash by which DVC knows data/
    model: str  # hash by which DVC knows the model
    environment: str  # sha256 of the work lock
    lock: str  # sha256 of dvc.lock
    size: int = 0  # bytes of the model's files
    params: str = ""  # sha256 of params.yaml


class Stage(NamedTuple):
    """A stage, and why its result is not the base's; without a reason it is the same, and came from the cache."""

    name: str
    because: tuple[str, ...]


class Change(NamedTuple):
    """A parameter or package that is another; None stands where it is not there."""

    name: str
    before: str | None
    after: str | None


class Cell(NamedTuple):
    """A model on a holdout, in the two-by-two of models and holdouts; `why` says why there are no metrics."""

    model: str
    holdout: str
    rows: int
    metrics: dict[str, float | int | None] | None
    why: str = "has seen these rows"


class Machine(NamedTuple):
    """What was measured on the machine that judged: it may differ from run to run.

    Units: latencies of one row in milliseconds, times in seconds.
    """

    source: str  # where the champion's model was found
    latencies: tuple[float, float]
    times: dict[str, float]
    stages: dict[str, float]


@dataclass(frozen=True)
class Report:
    """All that a report says."""

    champion: Side
    challenger: Side
    comparison: Comparison
    cells: tuple[Cell, ...] = ()
    data: DataDiff | None = None
    params: tuple[Change, ...] = ()
    packages: tuple[Change, ...] = ()
    stages: tuple[Stage, ...] = ()
    notes: tuple[str, ...] = ()
    curves: tuple[Curves, Curves] | None = None
    machine: Machine | None = None
    unit: str = ""  # of a number that is predicted


class JudgedSide(BaseModel):
    """What is read of a side."""

    name: str
    commit: str
    lock: str
    params: str


class JudgedGate(BaseModel):
    """What is read of a gate."""

    code: str
    passed: bool | None
    text: str


class Judged(BaseModel):
    """What is read of a report that was written as JSON."""

    verdict: Verdict
    champion: JudgedSide
    challenger: JudgedSide
    gates: list[JudgedGate]

    def is_of(self, side: Side) -> bool:
        """Tell whether the challenger was what a side is now."""
        found = self.challenger
        return (found.commit, found.lock, found.params) == (side.commit, side.lock, side.params)


def as_json(report: Report) -> dict[str, Any]:
    """Return what programs read; a number that is none is null."""
    comparison = report.comparison
    found = {
        "format": FORMAT,
        "verdict": comparison.verdict,
        "target": {"kind": comparison.kind, "unit": report.unit},
        "champion": report.champion._asdict(),
        "challenger": report.challenger._asdict(),
        "gates": [{**gate._asdict(), "title": gate.title} for gate in comparison.gates],
        **{name: getattr(comparison, name) for name in ("rows", "groups", "unit", "left_out", "same_scores")},
        "differences": [one._asdict() | {"difference": one.difference} for one in comparison.differences],
        "slices": [{**one._asdict(), "difference": one.difference._asdict()} for one in comparison.slices],
        "not_judged": [one._asdict() for one in comparison.not_judged],
        "cells": [one._asdict() for one in report.cells],
        "params": [one._asdict() for one in report.params],
        "packages": [one._asdict() for one in report.packages],
        "stages": [one._asdict() for one in report.stages],
        "notes": list(report.notes),
        "machine": report.machine._asdict() if report.machine else None,
    }
    return {name: _plain(value) for name, value in found.items()}


def _plain(value: Any) -> Any:
    """Return what JSON can hold."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float | np.floating):
        return round(float(value), 6) if np.isfinite(value) else None
    return value
