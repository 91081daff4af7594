"""All that the card of a model is made of, collected from a tree; and what a complete card must have.

Everything here was measured or declared before: the bundle, the scores that the evaluation saw, the rows on either side
of the split, what was judged of the data, and where all of it comes from. Only intervals are computed. What the card
says of it stands in `model_card_parts`, and is written down by `model_card_markdown` and `model_card_page`.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from pydantic import BaseModel

from holdfast import bootstrap, evaluation, files, outcomes, provenance, releases
from holdfast import intervals as how_sure
from holdfast.bundle import Bundle, Card, Release
from holdfast.differences import Rows, Slice
from holdfast.errors import UserError
from holdfast.files import Workspace
from holdfast.intervals import Intervals
from holdfast.leaks import Leak
from holdfast.metrics import Metric
from holdfast.model import Facts
from holdfast.outcomes import Outcomes
from holdfast.params import Params
from holdfast.params import load as load_params
from holdfast.report import Side
from holdfast.schema import Schema
from holdfast.targets import Kind

MUST_BE_SURE: dict[Kind, tuple[Metric, ...]] = {
    "binary": ("roc_auc", "pr_auc", "log_loss", "brier", "calibration_error"),
    "classes": ("balanced_accuracy", "accuracy", "log_loss", "brier", "calibration_error"),
    "number": ("rmse", "mae", "r2"),
}


class Window(NamedTuple):
    """Rows, and the days of the first and the last of them, where they have a time."""

    rows: int
    first: date | None = None
    last: date | None = None


class Warned(BaseModel):
    """What is read of a promise that a partition did not keep."""

    expectation: str
    found: str


class Judged(BaseModel):
    """What is read of how a partition keeps its contract."""

    partition: str
    rows: int
    judged: int
    broken: list[Warned]


@dataclass(frozen=True)
class About:
    """What the card of a model says, before it is written down.

    `gaps` are the shares of missing values by column: among the rows that it learned from, and in the holdout.
    """

    card: Card
    facts: Facts
    release: Release
    sha256: str
    intervals: Intervals
    origin: Side
    learned: Window
    outcomes: Outcomes
    gaps: dict[str, tuple[float, float]]
    contract: tuple[Judged, ...]
    leaks: tuple[Leak, ...]
    required: tuple[str, ...]  # tags
    seed: int
    name: str | None = None  # in the registry
    number: int | None = None  # of its version there

    @property
    def kind(self) -> Kind:
        """The kind of its target."""
        return self.facts.data.target.kind


def of_tree(root: Path) -> About:
    """Collect what the card of this tree's model says.

    Raises: UserError where something is not there, or does not belong together.
    """
    workspace = Workspace(root)
    params, bundle = load_params(workspace.params), Bundle.load(workspace.evaluate / "bundle")
    schema = bundle.model.facts.data
    holdout = files.read(workspace.prepare / "holdout.parquet")
    scores = files.read(workspace.evaluate / "scores.parquet")
    _refuse_strangers(holdout, scores, bundle.card, schema)
    wanted = [*schema.columns, schema.target.column]
    learned = pd.concat([files.read(workspace.prepare / f"{side}.parquet", wanted) for side in ("train", "validation")])
    known = scores["target"].to_numpy(), schema.target.scores_in(scores)
    return About(
        card=bundle.card,
        facts=bundle.model.facts,
        release=releases.of_tree(root),
        sha256=bundle.sha256,
        intervals=_intervals(holdout, known, bundle, params),
        origin=provenance.side(root, None, ""),
        learned=_window(learned, schema),
        outcomes=outcomes.of(schema.target, learned[schema.target.column], *known),
        gaps={
            name: (float(learned[name].isna().mean()), float(holdout[name].isna().mean())) for name in schema.columns
        },
        contract=tuple(files.read_json(workspace.prepare / "contract.json", list[Judged])),
        leaks=tuple(files.read_json(workspace.prepare / "leaks.json", list[Leak])),
        required=params.gates.tags,
        seed=params.seed,
    )


def missing(about: About) -> list[str]:
    """Return what a complete card has and this one lacks."""
    figures = [about.intervals.metrics.get(name) for name in MUST_BE_SURE[about.kind]]
    lacks = {f"tag `{name}`": not about.card.tags.get(name, "").strip() for name in about.required} | {
        "commit": not about.release.commit,
        "data hash": not (about.release.data or about.origin.data),
        "hash of dvc.lock": not about.origin.lock,
        "hash of the environment": not about.origin.environment,
        "hash of the model": not about.sha256,
        "training window": not about.learned.rows or (bool(about.facts.data.time) and about.learned.first is None),
        "validation of the data": not about.contract,
        "metrics": not about.card.metrics,
        "intervals": any(one is None or one.low is None for one in figures),
        "slices": bool(about.intervals.slices) and not about.card.slices,
        **_came_true(about),
        "importance": not about.card.importance,
    }
    return [what for what, lacking in lacks.items() if lacking]


def _came_true(about: About) -> dict[str, bool]:
    """Tell whether it is not known what came of its scores."""
    if about.kind == "number":
        return {"outcomes by prediction": not about.card.predictions}
    return {"calibration": not about.card.calibration}


def _refuse_strangers(holdout: pd.DataFrame, scores: pd.DataFrame, card: Card, schema: Schema) -> None:
    """Refuse artifacts that were made of different rows."""
    absent = [name for name in (*schema.columns, schema.id, schema.target.column) if name not in holdout]
    if absent or not (
        len(holdout) == len(scores) == card.holdout_rows and holdout[schema.id].equals(scores[schema.id])
    ):
        raise UserError(
            "artifacts: the holdout, its scores and the card of the model are not of the same rows.", fix="dvc repro"
        )


def _window(rows: pd.DataFrame, schema: Schema) -> Window:
    times = rows[schema.time].dropna() if schema.time else pd.Series()
    if times.empty:
        return Window(len(rows))
    return Window(len(rows), times.min().date(), times.max().date())


def _intervals(
    holdout: pd.DataFrame, known: tuple[np.ndarray, np.ndarray], bundle: Bundle, params: Params
) -> Intervals:
    facts, (target, scores) = bundle.model.facts, known
    groups, unit = bootstrap.groups_of(holdout, facts.data)
    pieces = tuple(Slice(*piece) for piece in evaluation.subsets(holdout, params.evaluate.slices))
    return how_sure.measure(
        Rows(target, groups, unit, pieces, facts.data.target.kind),
        scores,
        params.gates,
        threshold=facts.threshold,
        bins=params.evaluate.calibration_bins,
        seed=params.seed,
    )
