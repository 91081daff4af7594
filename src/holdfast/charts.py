"""An evaluation as pictures: PNG files whose bytes depend on the figures alone."""

import io
import warnings
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from holdfast import metrics
from holdfast.evaluation import Evaluation
from holdfast.targets import BinaryTarget, Kind, NumberTarget, Target

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
    "text.parse_math": False,  # a name may have a dollar sign
}


def draw(evaluation: Evaluation, target: Target) -> dict[str, bytes]:
    """Return the name and the PNG of each chart of what was measured."""
    known: dict[str, Callable[[Axes], None]] = {
        "roc": lambda axes: _roc(axes, evaluation),
        "precision_recall": lambda axes: _precision_recall(axes, evaluation, _outcome(target)),
        "calibration": lambda axes: _calibration(axes, evaluation, _outcome(target)),
        "predictions": lambda axes: _predictions(axes, evaluation, target),
        "errors": lambda axes: _errors(axes, evaluation, target),
        "confusion": lambda axes: _confusion(axes, evaluation),
        "importance": lambda axes: _importance(axes, evaluation, target.kind),
    }
    return {name: _png(chart) for name, chart in known.items() if name in evaluation.tables}


def _outcome(target: Target) -> str:
    """Return what a score is the probability of."""
    return f"'{target.positive}'" if isinstance(target, BinaryTarget) else "right answers"


def _quantity(target: Target) -> str:
    """Return what a number is of, with its unit."""
    unit = target.unit if isinstance(target, NumberTarget) else ""
    return f"{target.title.lower()}, {unit}" if unit else target.title.lower()


def _png(chart: Callable[[Axes], None]) -> bytes:
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # of names in scripts that the font lacks
        figure = Figure(figsize=(6, 4.5), dpi=110, layout="constrained")
        chart(figure.add_subplot())
        content = io.BytesIO()
        figure.savefig(content, format="png", metadata={"Software": None})
    return content.getvalue()


def _roc(axes: Axes, evaluation: Evaluation) -> None:
    curve = evaluation.tables["roc"]
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="chance")
    axes.plot(curve["false_positive_rate"], curve["true_positive_rate"], color=BLUE, linewidth=2, label="model")
    axes.set(title=f"ROC: area {evaluation.metrics['roc_auc']:.3f}", xlabel="false positive rate")
    axes.set(ylabel="true positive rate", xlim=(0, 1), ylim=(0, 1))
    axes.legend(frameon=False, loc="lower right")


def _precision_recall(axes: Axes, evaluation: Evaluation, outcome: str) -> None:
    curve, found = evaluation.tables["precision_recall"], evaluation.metrics
    axes.axhline(found["positive_share"] or 0, color=GREY, linestyle="--", linewidth=1, label=f"share of {outcome}")
    axes.plot(curve["recall"], curve["precision"], color=BLUE, linewidth=2, label="model")
    if found["precision"] is not None and found["recall"] is not None:
        axes.plot(found["recall"], found["precision"], "o", color=ORANGE, label=f"threshold {found['threshold']}")
    axes.set(title=f"Precision and recall: area {found['pr_auc']:.3f}", xlabel="recall", ylabel="precision")
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.legend(frameon=False, loc="upper right")


def _calibration(axes: Axes, evaluation: Evaluation, outcome: str) -> None:
    table, found = evaluation.tables["calibration"], evaluation.metrics
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="perfect")
    axes.plot(table["mean_score"], table["positive_share"], color=BLUE, linewidth=1)
    sizes = 12 + 288 * table["rows"] / table["rows"].max()
    axes.scatter(
        table["mean_score"], table["positive_share"], s=sizes, color=BLUE, alpha=0.6, label="model (area: rows)"
    )
    axes.set(title=f"Calibration: expected error {found['calibration_error']:.3f}", xlabel="mean score")
    axes.set(ylabel=f"share of {outcome}", xlim=(0, 1), ylim=(0, 1))
    axes.legend(frameon=False, loc="upper left")
    if found.get("positive_share_in_training") is not None:
        here, before = found["positive_share"], found["positive_share_in_training"]
        said = f"share of {outcome}: {here:.3f} here, {before:.3f} in training"
        axes.text(0.98, 0.03, said, ha="right", fontsize=9, color=INK)


def _predictions(axes: Axes, evaluation: Evaluation, target: Target) -> None:
    table, found = evaluation.tables["predictions"], evaluation.metrics
    ends = [table[["low", "from_score"]].min().min(), table[["high", "to_score"]].max().max()]
    axes.plot(ends, ends, color=GREY, linestyle="--", linewidth=1, label="perfect")
    axes.fill_between(table["mean_score"], table["low"], table["high"], color=BLUE, alpha=0.15, label="80 of 100 rows")
    axes.plot(table["mean_score"], table["mean_target"], "o-", color=BLUE, markersize=4, label="mean")
    axes.set(title=f"What came of the predictions: R² {found['r2']:.3f}", xlabel="predicted")
    axes.set(ylabel=_quantity(target))
    axes.legend(frameon=False, loc="upper left")


def _errors(axes: Axes, evaluation: Evaluation, target: Target) -> None:
    curve, found = evaluation.tables["errors"], evaluation.metrics
    axes.plot(curve["error"], curve["share"], color=BLUE, linewidth=2)
    axes.axvline(found["median_absolute_error"] or 0, color=ORANGE, linewidth=1, label="median")
    axes.axvline(found["rmse"] or 0, color=GREY, linestyle="--", linewidth=1, label="RMSE")
    axes.set(title=f"Errors: {found['mae']:.3g} on average", xlabel=f"missed by at most ({_quantity(target)})")
    axes.set(ylabel="share of the rows", xlim=(0, None), ylim=(0, 1))
    axes.legend(frameon=False, loc="lower right")


def _confusion(axes: Axes, evaluation: Evaluation) -> None:
    counts = evaluation.tables["confusion"].pivot_table("rows", "actual", "predicted", sort=False)
    shares = counts.div(counts.sum(axis=1), axis=0)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for i, actual in enumerate(counts.index):
        for j, predicted in enumerate(counts.columns):
            share = shares.loc[actual, predicted]
            axes.text(
                j, i, f"{counts.loc[actual, predicted]:,.0f}\n{share:.0%}", ha="center", va="center",
                color="white" if share > 0.5 else INK,
            )  # fmt: skip
    threshold = evaluation.metrics.get("threshold")
    title = "Labels" if threshold is None else f"Labels at threshold {threshold}"
    axes.set(title=title, xlabel="predicted", ylabel="actual")
    axes.set_xticks(range(len(counts.columns)), counts.columns)
    axes.set_yticks(range(len(counts.index)), counts.index)


def _importance(axes: Axes, evaluation: Evaluation, kind: Kind) -> None:
    table, name = evaluation.tables["importance"].head(15).iloc[::-1], metrics.main(kind)
    axes.barh(table["column"], table["fall"], xerr=table["spread"], color=BLUE, ecolor=INK)
    axes.axvline(0, color=GREY, linewidth=1)
    moved = "rise" if name in metrics.LOWER_IS_BETTER else "fall"
    axes.set(title="Importance of the columns", xlabel=f"{moved} of {metrics.LABELS[name]} when the column is shuffled")
