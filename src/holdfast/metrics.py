"""What can be measured of a model: the names of the metrics, for each kind of target, and what they are to people."""

from typing import Literal

from holdfast.targets import Kind

Metric = Literal[
    "roc_auc", "pr_auc", "log_loss", "brier", "calibration_error", "precision", "recall", "f1",
    "accuracy", "balanced_accuracy", "macro_f1",
    "rmse", "mae", "r2",
]  # fmt: skip

# Those that are compared, for each kind of target: the first is the one that people ask for first.
COMPARED: dict[Kind, tuple[Metric, ...]] = {
    "binary": ("roc_auc", "pr_auc", "log_loss", "brier", "calibration_error", "precision", "recall", "f1"),
    "classes": ("balanced_accuracy", "accuracy", "macro_f1", "roc_auc", "log_loss", "brier", "calibration_error"),
    "number": ("rmse", "mae", "r2"),
}
LOWER_IS_BETTER: frozenset[Metric] = frozenset({"log_loss", "brier", "calibration_error", "rmse", "mae"})
LABELS: dict[Metric, str] = {
    "roc_auc": "ROC AUC",
    "pr_auc": "PR AUC",
    "log_loss": "log loss",
    "brier": "Brier score",
    "calibration_error": "calibration error",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "rmse": "RMSE",
    "mae": "mean absolute error",
    "r2": "R²",
}


def main(kind: Kind) -> Metric:
    """Return the metric that stands for all, where one has to."""
    return COMPARED[kind][0]
