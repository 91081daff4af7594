"""Scores and what came of them → metrics and curves, for each kind of target.

What is not defined, say for want of one of the labels, is None. Figures are rounded to six decimals, so that the last
bits, which may depend on the processor, are not in them.
"""

import numpy as np
import pandas as pd
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    f1_score,
    log_loss,
    mean_absolute_error,
    precision_recall_curve,
    r2_score,
    roc_auc_score,
    roc_curve,
)

from holdfast.targets import Kind

DECIMALS = 6
CURVE_POINTS = 201
FEWEST = 30  # rows of which two quantiles are told
MIDDLE = (0.1, 0.9)  # between these quantiles lie 80 of 100 rows

Metrics = dict[str, float | int | None]
Found = dict[str, float | None]


def measure(
    target: np.ndarray, scores: np.ndarray, threshold: float | None, bins: int, kind: Kind = "binary"
) -> Metrics:
    """Return the metrics of some scores.

    Shapes: target (n,) as the target encodes it, scores (n,), for classes (n, classes).
    """
    if kind == "number":
        found = _of_numbers(target, scores)
    elif kind == "classes":
        found = _of_classes(target, scores, bins)
    else:
        assert threshold is not None
        found = _of_labels(target, scores, threshold, bins)
    return {"rows": len(target)} | {name: _rounded(value) for name, value in found.items()}


def main(target: np.ndarray, scores: np.ndarray, kind: Kind) -> float:
    """Return the first of the metrics of a kind, and nothing else; there must be two labels at least.

    Shapes: as `measure`.
    """
    if kind == "number":
        return float(np.sqrt(((scores - target) ** 2).mean()))
    if kind == "classes":
        return _balanced(target, scores.argmax(axis=1) == target)
    return float(roc_auc_score(target, scores))


def curves(target: np.ndarray, scores: np.ndarray, bins: int, kind: Kind = "binary") -> dict[str, pd.DataFrame]:
    """Return the tables that are drawn, by name.

    Shapes: as `measure`.
    """
    if kind == "number":
        return {"predictions": predictions(target, scores, bins), "errors": errors(target, scores)}
    if kind == "classes":
        return {"calibration": calibration(*sureness(target, scores), bins).round(DECIMALS)}
    return {
        "roc": roc(target, scores),
        "precision_recall": precision_recall(target, scores),
        "calibration": calibration(target, scores, bins).round(DECIMALS),
    }


def _of_labels(target: np.ndarray, scores: np.ndarray, threshold: float, bins: int) -> Found:
    flagged = scores >= threshold
    hits = int(np.count_nonzero(flagged & (target == 1)))
    positives, alarms = int(np.count_nonzero(target)), int(np.count_nonzero(flagged))
    both = 0 < positives < len(target)
    return {
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


def _of_classes(target: np.ndarray, scores: np.ndarray, bins: int) -> Found:
    """Return the metrics of classes; an average is one over the classes that are there, each as much as another."""
    right, sure = sureness(target, scores)
    present, counts = np.unique(target, return_counts=True)
    mine = np.clip(scores[np.arange(len(target)), target], np.finfo(float).eps, 1)
    alone = [roc_auc_score(target == one, scores[:, one]) for one in present] if len(present) > 1 else []
    return {
        "largest_share": float(counts.max() / len(target)),
        "accuracy": float(right.mean()),
        "balanced_accuracy": _balanced(target, right),
        "macro_f1": f1_score(target, scores.argmax(axis=1), average="macro"),
        "roc_auc": float(np.mean(alone)) if alone else None,
        "log_loss": float(-np.log(mine).mean()),
        "brier": float(((scores - np.eye(scores.shape[1])[target]) ** 2).sum(axis=1).mean()),
        "calibration_error": _calibration_error(right, sure, bins),
    }


def _balanced(target: np.ndarray, right: np.ndarray) -> float:
    return float(np.mean([right[target == one].mean() for one in np.unique(target)]))


def _of_numbers(target: np.ndarray, scores: np.ndarray) -> Found:
    missed = np.abs(scores - target)
    return {
        "target_mean": float(target.mean()),
        "score_mean": float(scores.mean()),
        "rmse": float(np.sqrt((missed**2).mean())),
        "mae": mean_absolute_error(target, scores),
        "median_absolute_error": float(np.median(missed)),
        "r2": r2_score(target, scores) if np.ptp(target) > 0 else None,
    }


def sureness(target: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what came of the scores of labels, and the scores: of classes the highest, and whether it was right.

    Shapes: target (n,), scores (n,) or (n, classes) → (n,) of 0 and 1, (n,).
    """
    if scores.ndim == 1:
        return target, scores
    return (scores.argmax(axis=1) == target).astype("int8"), scores.max(axis=1)


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


def predictions(target: np.ndarray, scores: np.ndarray, bins: int) -> pd.DataFrame:
    """Return what became of rows with similar predictions: their mean, and between which numbers 80 of 100 lay.

    The bins have as many rows each, and equal predictions are in one. Where there are too few, these numbers would be
    of single rows, and are missing.
    """
    bins = int(np.clip(len(scores) // FEWEST, 1, bins))
    edges = np.unique(np.quantile(scores, np.linspace(0, 1, bins + 1)[1:-1]))
    grouped = pd.DataFrame({"score": scores, "target": target}).groupby(np.searchsorted(edges, scores, side="right"))
    table = pd.DataFrame(
        {
            "from_score": grouped["score"].min(),
            "to_score": grouped["score"].max(),
            "rows": grouped.size(),
            "mean_score": grouped["score"].mean(),
            "mean_target": grouped["target"].mean(),
            "low": grouped["target"].quantile(MIDDLE[0]),
            "high": grouped["target"].quantile(MIDDLE[1]),
        }
    )
    table.loc[table["rows"] < FEWEST, ["low", "high"]] = np.nan
    return table.round(DECIMALS).reset_index(drop=True)


def errors(target: np.ndarray, scores: np.ndarray) -> pd.DataFrame:
    """Return which share of the rows is missed by how much at most."""
    grid = np.linspace(0, 1, CURVE_POINTS)
    return pd.DataFrame({"share": grid, "error": np.quantile(np.abs(scores - target), grid)}).round(DECIMALS)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), DECIMALS)
