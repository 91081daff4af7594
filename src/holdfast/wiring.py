"""What of `dvc.yaml` depends on what is predicted: the plots, and what the model is called.

The stages are the same for all tables.
"""

from typing import Any

from holdfast import metrics
from holdfast.metrics import LABELS, LOWER_IS_BETTER
from holdfast.targets import Kind

PLOTS = "artifacts/evaluate/plots"
LINES: dict[str, tuple[str, str, str, str]] = {  # title, x, y, template
    "roc": ("ROC", "false_positive_rate", "true_positive_rate", "simple"),
    "precision_recall": ("Precision and recall", "recall", "precision", "simple"),
    "calibration": ("Calibration", "mean_score", "positive_share", "simple"),
    "predictions": ("What came of the predictions", "mean_score", "mean_target", "simple"),
    "errors": ("Share of the rows that are missed by so much at most", "error", "share", "simple"),
    "confusion": ("Labels", "predicted", "actual", "counts"),
}
DRAWN: dict[Kind, tuple[str, ...]] = {
    "binary": ("roc", "precision_recall", "calibration", "confusion"),
    "classes": ("calibration", "confusion"),
    "number": ("predictions", "errors"),
}
TASKS: dict[Kind, str] = {
    "binary": "binary-classification",
    "classes": "multi-class-classification",
    "number": "regression",
}


def plots(kind: Kind, *, slices: bool) -> list[Any]:
    """Return the section `plots`: the tables that DVC draws, then the pictures."""
    first = metrics.main(kind)
    moved = "Rise" if first in LOWER_IS_BETTER else "Fall"
    lines = {name: LINES[name] for name in DRAWN[kind]}
    if slices:
        lines["slices"] = (f"{LABELS[first]} by slice", first, "value", "bar_horizontal")
    shuffled = f"{moved} of {LABELS[first]} when a column is shuffled"
    lines["importance"] = (shuffled, "fall", "column", "bar_horizontal")
    tables = [
        {f"{PLOTS}/{name}.csv": {"title": title, "x": x, "y": y, "template": template}}
        for name, (title, x, y, template) in lines.items()
    ]
    return [*tables, *(f"{PLOTS}/{name}.png" for name in (*DRAWN[kind], "importance"))]


def artifacts(name: str, kind: Kind, target: str) -> dict[str, Any]:
    """Return the section `artifacts`: the model, by its name in the registry of DVC."""
    described = {"path": "artifacts/train/model", "type": "model", "desc": f"Predicts {target}"}
    return {name: described | {"labels": ["tabular", TASKS[kind]]}}
