"""A model and its holdout → scores, metrics, calibration, slices, curves.

An `Evaluation` is all that was measured, as plain tables; nothing here reads or writes a file. Figures
are rounded to six decimals, so that the last bits, which may depend on the processor, are not in them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from sklearn.inspection import permutation_importance
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    confusion_matrix,
    log_loss,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
)

from holdfast.model import Model
from holdfast.params import Evaluate, Slice

DECIMALS = 6
CURVE_POINTS = 201

Metrics = dict[str, float | int | None]


@dataclass(frozen=True)
class Evaluation:
    """What was measured of one model on one holdout.

    Shapes: `scores` has one line for each row of the holdout (id, target, score); the other tables are small.
    """

    scores: pd.DataFrame
    metrics: Metrics
    slices: pd.DataFrame
    roc: pd.DataFrame
    precision_recall: pd.DataFrame
    calibration: pd.DataFrame
    confusion: pd.DataFrame
    importance: pd.DataFrame

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the small tables by name."""
        names = ("slices", "roc", "precision_recall", "calibration", "confusion", "importance")
        return {name: getattr(self, name) for name in names}


def evaluate(model: Model, holdout: pd.DataFrame, settings: Evaluate, seed: int) -> Evaluation:
    """Measure a model on the rows of a holdout, whose target is one of its two labels."""
    schema = model.facts.data
    target = (holdout[schema.target.column] == schema.target.positive).to_numpy("int8")
    scores = model.score(holdout)
    threshold, bins = model.facts.threshold, settings.calibration_bins
    return Evaluation(
        scores=pd.DataFrame({schema.id: holdout[schema.id], "target": target, "score": scores}),
        metrics={
            **measure(target, scores, threshold, bins),
            "positive_share_in_training": model.facts.positive_share,
        },
        slices=_slices(holdout, target, scores, model, settings),
        roc=roc(target, scores),
        precision_recall=precision_recall(target, scores),
        calibration=calibration(target, scores, bins).round(DECIMALS),
        confusion=_confusion(target, scores, model),
        importance=_importance(model, holdout, target, settings, seed),
    )


def measure(target: np.ndarray, scores: np.ndarray, threshold: float, bins: int) -> Metrics:
    """Return the metrics of some scores; what needs both labels is None where only one is there.

    Shapes: target (n,) of 0 and 1, scores (n,) from 0 to 1.
    """
    flagged = scores >= threshold
    hits = int(np.count_nonzero(flagged & (target == 1)))
    positives, alarms = int(np.count_nonzero(target)), int(np.count_nonzero(flagged))
    both = 0 < positives < len(target)
    found: dict[str, float | None] = {
        "positive_share": positives / len(target),
        "roc_auc": roc_auc_score(target, scores) if both else None,
        "pr_auc": average_precision_score(target, scores) if both else None,
        "log_loss": log_loss(target, scores, labels=[0, 1]),
        "brier": brier_score_loss(target, scores),
        "calibration_error": _calibration_error(target, scores, bins),
        "threshold": threshold,
        "precision": hits / alarms if alarms else None,
        "recall": hits / positives if positives else None,
        "f1": 2 * hits / (alarms + positives) if alarms + positives else None,
        "accuracy": float(np.mean(flagged == (target == 1))),
        "flagged_share": alarms / len(target),
    }
    return {"rows": len(target)} | {name: _rounded(value) for name, value in found.items()}


def subsets(rows: pd.DataFrame, slices: tuple[Slice, ...]) -> Iterator[tuple[str, str, np.ndarray]]:
    """Give the label, the value and the mask of each slice that has rows."""
    for cut in slices:
        values = rows[cut.column]
        words = (values if cut.hours is None else _hours(values, cut.hours)).fillna("missing")
        for word in sorted(words.unique()):
            yield cut.label or cut.column, str(word), (words == word).to_numpy(bool)


def slice_hours(cuts: tuple[int, ...]) -> dict[str, tuple[int, int]]:
    """Return the slices of a day by their names: the first hour of each, and the first after it."""
    return {f"{start:02d}:00-{stop:02d}:00": (start, stop) for start, stop in pairwise([0, *cuts, 24])}


def _hours(times: pd.Series, cuts: tuple[int, ...]) -> pd.Series:
    return pd.cut(times.dt.hour, [0, *cuts, 24], right=False, labels=list(slice_hours(cuts))).astype("str")


def _slices(
    holdout: pd.DataFrame, target: np.ndarray, scores: np.ndarray, model: Model, settings: Evaluate
) -> pd.DataFrame:
    lines = [
        {"slice": label, "value": value}
        | measure(target[mask], scores[mask], model.facts.threshold, settings.calibration_bins)
        for label, value, mask in subsets(holdout, settings.slices)
    ]
    return pd.DataFrame(lines)


def roc(target: np.ndarray, scores: np.ndarray) -> pd.DataFrame:
    """Return the ROC curve, on a grid of false positive rates."""
    false_positive_rate, true_positive_rate, _ = roc_curve(target, scores)
    grid = np.linspace(0, 1, CURVE_POINTS)
    return pd.DataFrame(
        {"false_positive_rate": grid, "true_positive_rate": np.interp(grid, false_positive_rate, true_positive_rate)}
    ).round(DECIMALS)


def precision_recall(target: np.ndarray, scores: np.ndarray) -> pd.DataFrame:
    """Return precision, on a grid of recalls."""
    precision, recall, _ = precision_recall_curve(target, scores)
    grid = np.linspace(0, 1, CURVE_POINTS)[1:]
    return pd.DataFrame({"recall": grid, "precision": np.interp(grid, recall[::-1], precision[::-1])}).round(DECIMALS)


def calibration(target: np.ndarray, scores: np.ndarray, bins: int) -> pd.DataFrame:
    """Return mean score, share of positives and rows of each bin of scores that has rows; bins have equal width."""
    place = np.minimum((scores * bins).astype("int64"), bins - 1)
    grouped = pd.DataFrame({"mean_score": scores, "positive_share": target}).groupby(place)
    return grouped.mean().assign(rows=grouped.size()).reset_index(drop=True)


def _calibration_error(target: np.ndarray, scores: np.ndarray, bins: int) -> float:
    """Return the expected calibration error: |mean score - share of positives|, averaged over rows.

    Source: Naeini, Cooper, Hauskrecht (2015).
    """
    table = calibration(target, scores, bins)
    return float(np.average((table["mean_score"] - table["positive_share"]).abs(), weights=table["rows"]))


def _confusion(target: np.ndarray, scores: np.ndarray, model: Model) -> pd.DataFrame:
    labels = [model.facts.data.target.negative, model.facts.data.target.positive]
    counts = confusion_matrix(target, scores >= model.facts.threshold, labels=[0, 1])
    return pd.DataFrame(
        [
            {"actual": actual, "predicted": predicted, "rows": int(counts[i, j])}
            for i, actual in enumerate(labels)
            for j, predicted in enumerate(labels)
        ]
    )


def _importance(model: Model, holdout: pd.DataFrame, target: np.ndarray, settings: Evaluate, seed: int) -> pd.DataFrame:
    """Return how much ROC AUC falls when one column is shuffled, the largest fall first."""
    places = np.sort(np.random.default_rng(seed).permutation(len(holdout))[: settings.importance_rows])
    if len(np.unique(target[places])) < 2:
        places = np.arange(len(holdout))  # so few rows that one label is missing among them
    rows = holdout.iloc[places][list(model.facts.data.columns)]
    found = permutation_importance(
        model.pipeline,
        rows,
        target[places],
        scoring=lambda _, shuffled, labels: roc_auc_score(labels, model.score(shuffled)),
        n_repeats=settings.importance_repeats,
        random_state=seed,
    )
    table = pd.DataFrame({"column": list(rows), "auc_fall": found.importances_mean, "spread": found.importances_std})
    return table.round(DECIMALS).sort_values(["auc_fall", "column"], ascending=[False, True], ignore_index=True)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), DECIMALS)
