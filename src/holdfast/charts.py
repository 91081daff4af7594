"""An evaluation as pictures: PNG files whose bytes depend on the figures alone."""

import io
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from holdfast.evaluation import Evaluation

INK, BLUE, ORANGE, GREY = "#1f2933", "#1f6feb", "#d9730d", "#9aa5b1"
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
}


def draw(evaluation: Evaluation, positive: str) -> dict[str, bytes]:
    """Return the name and the PNG of each chart; `positive` is the label that is predicted."""
    charts: dict[str, Callable[[Axes], None]] = {
        "roc": lambda axes: _roc(axes, evaluation),
        "precision_recall": lambda axes: _precision_recall(axes, evaluation, positive),
        "calibration": lambda axes: _calibration(axes, evaluation, positive),
        "confusion": lambda axes: _confusion(axes, evaluation),
        "importance": lambda axes: _importance(axes, evaluation),
    }
    return {name: _png(chart) for name, chart in charts.items()}


def _png(chart: Callable[[Axes], None]) -> bytes:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(6, 4.5), dpi=110, layout="constrained")
        chart(figure.add_subplot())
        content = io.BytesIO()
        figure.savefig(content, format="png", metadata={"Software": None})
    return content.getvalue()


def _roc(axes: Axes, evaluation: Evaluation) -> None:
    curve = evaluation.roc
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="chance")
    axes.plot(curve["false_positive_rate"], curve["true_positive_rate"], color=BLUE, linewidth=2, label="model")
    axes.set(title=f"ROC: area {evaluation.metrics['roc_auc']:.3f}", xlabel="false positive rate")
    axes.set(ylabel="true positive rate", xlim=(0, 1), ylim=(0, 1))
    axes.legend(frameon=False, loc="lower right")


def _precision_recall(axes: Axes, evaluation: Evaluation, positive: str) -> None:
    curve, metrics = evaluation.precision_recall, evaluation.metrics
    axes.axhline(
        metrics["positive_share"] or 0, color=GREY, linestyle="--", linewidth=1, label=f"share of '{positive}'"
    )
    axes.plot(curve["recall"], curve["precision"], color=BLUE, linewidth=2, label="model")
    if metrics["precision"] is not None and metrics["recall"] is not None:
        axes.plot(metrics["recall"], metrics["precision"], "o", color=ORANGE, label=f"threshold {metrics['threshold']}")
    axes.set(title=f"Precision and recall: area {metrics['pr_auc']:.3f}", xlabel="recall", ylabel="precision")
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.legend(frameon=False, loc="upper right")


def _calibration(axes: Axes, evaluation: Evaluation, positive: str) -> None:
    table, metrics = evaluation.calibration, evaluation.metrics
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="perfect")
    axes.plot(table["mean_score"], table["positive_share"], color=BLUE, linewidth=1)
    sizes = 12 + 288 * table["rows"] / table["rows"].max()
    axes.scatter(
        table["mean_score"], table["positive_share"], s=sizes, color=BLUE, alpha=0.6, label="model (area: rows)"
    )
    axes.set(title=f"Calibration: expected error {metrics['calibration_error']:.3f}", xlabel="mean score")
    axes.set(ylabel=f"share of '{positive}'", xlim=(0, 1), ylim=(0, 1))
    axes.legend(frameon=False, loc="upper left")
    axes.text(
        0.98, 0.03, f"share of '{positive}': {metrics['positive_share']:.3f} here, "
        f"{metrics['positive_share_in_training']:.3f} in training", ha="right", fontsize=9, color=INK,
    )  # fmt: skip


def _confusion(axes: Axes, evaluation: Evaluation) -> None:
    counts = evaluation.confusion.pivot_table("rows", "actual", "predicted", sort=False)
    shares = counts.div(counts.sum(axis=1), axis=0)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for i, actual in enumerate(counts.index):
        for j, predicted in enumerate(counts.columns):
            share = shares.loc[actual, predicted]
            axes.text(
                j, i, f"{counts.loc[actual, predicted]:,.0f}\n{share:.0%}", ha="center", va="center",
                color="white" if share > 0.5 else INK,
            )  # fmt: skip
    axes.set(title=f"Labels at threshold {evaluation.metrics['threshold']}", xlabel="predicted", ylabel="actual")
    axes.set_xticks(range(len(counts.columns)), counts.columns)
    axes.set_yticks(range(len(counts.index)), counts.index)


def _importance(axes: Axes, evaluation: Evaluation) -> None:
    table = evaluation.importance.head(15).iloc[::-1]
    axes.barh(table["column"], table["auc_fall"], xerr=table["spread"], color=BLUE, ecolor=INK)
    axes.axvline(0, color=GREY, linewidth=1)
    axes.set(title="Importance of the columns", xlabel="fall of ROC AUC when the column is shuffled")
