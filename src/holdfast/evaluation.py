"""A model and its holdout → scores, metrics, calibration, slices, curves.

An `Evaluation` is all that was measured, as plain tables; nothing here reads or writes a file.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from sklearn.inspection import permutation_importance
from sklearn.metrics import confusion_matrix

from holdfast import measuring, metrics
from holdfast.measuring import DECIMALS, Metrics
from holdfast.model import Model
from holdfast.params import Evaluate, Slice
from holdfast.schema import Schema


@dataclass(frozen=True)
class Evaluation:
    """What was measured of one model on one holdout.

    Shapes: `scores` has one line for each row of the holdout (id, target, score or scores); the tables are small.
    """

    scores: pd.DataFrame
    metrics: Metrics
    tables: dict[str, pd.DataFrame]


def evaluate(model: Model, holdout: pd.DataFrame, settings: Evaluate, seed: int) -> Evaluation:
    """Measure a model on the rows of a holdout, each of which has an answer."""
    schema, threshold, bins = model.facts.data, model.facts.threshold, settings.calibration_bins
    target, scores, kind = (
        schema.target.encoded(holdout[schema.target.column]),
        model.score(holdout),
        schema.target.kind,
    )
    in_training = {} if kind != "binary" else {"positive_share_in_training": model.facts.positive_share}
    return Evaluation(
        scores=_scores(holdout, target, scores, schema),
        metrics={**measuring.measure(target, scores, threshold, bins, kind), **in_training},
        tables={
            "slices": _slices(holdout, target, scores, model, settings),
            **measuring.curves(target, scores, bins, kind),
            **({} if kind == "number" else {"confusion": _confusion(holdout[schema.target.column], scores, model)}),
            "importance": _importance(model, holdout, target, settings, seed),
        },
    )


def _scores(holdout: pd.DataFrame, target: np.ndarray, scores: np.ndarray, schema: Schema) -> pd.DataFrame:
    columns = dict(zip(schema.target.score_names, scores.reshape(len(scores), -1).T, strict=True))
    return pd.DataFrame({schema.id: holdout[schema.id], "target": target, **columns})


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
    threshold, bins, kind = model.facts.threshold, settings.calibration_bins, model.facts.data.target.kind
    lines = [
        {"slice": label, "value": value} | measuring.measure(target[mask], scores[mask], threshold, bins, kind)
        for label, value, mask in subsets(holdout, settings.slices)
    ]
    return pd.DataFrame(lines) if lines else pd.DataFrame(columns=["slice", "value", "rows", metrics.main(kind)])


def _confusion(outcomes: pd.Series, scores: np.ndarray, model: Model) -> pd.DataFrame:
    """Count the rows of each label by the label that the model gives them."""
    labels = model.facts.data.target.answers
    counts = confusion_matrix(outcomes.to_numpy(), model.label(scores), labels=labels).tolist()
    return pd.DataFrame(
        [
            {"actual": actual, "predicted": predicted, "rows": rows}
            for actual, line in zip(labels, counts, strict=True)
            for predicted, rows in zip(labels, line, strict=True)
        ]
    )


def _importance(model: Model, holdout: pd.DataFrame, target: np.ndarray, settings: Evaluate, seed: int) -> pd.DataFrame:
    """Return how much worse the first of the metrics gets when one column is shuffled, the worst first."""
    kind = model.facts.data.target.kind
    sign = -1 if metrics.main(kind) in metrics.LOWER_IS_BETTER else 1
    places = np.sort(np.random.default_rng(seed).permutation(len(holdout))[: settings.importance_rows])
    if len(np.unique(target[places])) < 2:
        places = np.arange(len(holdout))  # so few rows that one label is missing among them
    rows = holdout.iloc[places][list(model.facts.data.columns)]
    found = permutation_importance(
        model.pipeline,
        rows,
        target[places],
        scoring=lambda _, shuffled, known: sign * measuring.main(known, model.score(shuffled), kind),
        n_repeats=settings.importance_repeats,
        random_state=seed,
    )
    table = pd.DataFrame({"column": list(rows), "fall": found.importances_mean, "spread": found.importances_std})
    return table.round(DECIMALS).sort_values(["fall", "column"], ascending=[False, True], ignore_index=True)
