"""Classes and numbers are measured as a hand, or scikit-learn, measures them: once, and draw by draw."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    brier_score_loss,
    f1_score,
    log_loss,
    mean_absolute_error,
    r2_score,
    roc_auc_score,
    root_mean_squared_error,
)

from holdfast import bootstrap, measuring
from holdfast.measures import measures
from holdfast.metrics import COMPARED, Metric, main
from holdfast.targets import Kind

KINDS: tuple[Kind, ...] = ("classes", "number")
CLASSES = 4


def sample(kind: Kind, rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    if kind == "number":
        target = random.normal(1_000, 3, rows)
        return target, target + random.normal(0, 2, rows)
    labels = random.integers(0, CLASSES, rows)
    sums = random.normal(size=(rows, CLASSES)) + 2 * np.eye(CLASSES)[labels]
    return labels, np.exp(sums) / np.exp(sums).sum(axis=1, keepdims=True)


def by_scikit_learn(kind: Kind, target: np.ndarray, scores: np.ndarray) -> dict[Metric, float]:
    if kind == "number":
        return {
            "rmse": root_mean_squared_error(target, scores),
            "mae": mean_absolute_error(target, scores),
            "r2": r2_score(target, scores),
        }
    said, labels = scores.argmax(axis=1), list(range(CLASSES))
    return {
        "accuracy": accuracy_score(target, said),
        "balanced_accuracy": balanced_accuracy_score(target, said),
        "macro_f1": f1_score(target, said, average="macro"),
        "roc_auc": roc_auc_score(target, scores, multi_class="ovr", labels=labels),
        "log_loss": log_loss(target, scores, labels=labels),
        "brier": brier_score_loss(target, scores, labels=labels, scale_by_half=False),
    }


@pytest.mark.parametrize("kind", KINDS)
@given(st.integers(0, 2**32 - 1))
def test_the_metrics_are_those_of_scikit_learn(kind: Kind, seed: int) -> None:
    target, scores = sample(kind, 200, seed)

    found = measuring.measure(target, scores, None, 10, kind)

    expected = by_scikit_learn(kind, target, scores)
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-6)
    assert measuring.main(target, scores, kind) == pytest.approx(expected[main(kind)])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("groups", [3, 30, bootstrap.FEW + 20])
def test_a_draw_measures_what_scikit_learn_measures_on_the_repeated_rows(kind: Kind, groups: int) -> None:
    target, scores = sample(kind, 400, seed=groups)
    group = np.arange(400) % groups
    drawn = np.concatenate(list(bootstrap.draws(groups, 400, 5, seed=1)))

    found = measures(kind, target, scores, group, threshold=None, bins=10).of(drawn, COMPARED[kind])

    assert set(found) == set(COMPARED[kind])
    for line, times in enumerate(drawn):
        places = np.repeat(np.arange(400), times[group])
        expected = by_scikit_learn(kind, target[places], scores[places])
        assert {name: found[name][line] for name in expected} == pytest.approx(expected, abs=1e-9)
    once = measuring.measure(target, scores, None, 10, kind)
    assert {name: values[0] for name, values in found.items()} == pytest.approx(
        {name: once[name] for name in found}, abs=1e-6
    )


def test_a_class_that_a_draw_is_without_is_left_out_of_its_averages() -> None:
    target, scores = sample("classes", 200, seed=0)
    group = (target == 3).astype("int64")  # the last class is a group of its own

    found = measures("classes", target, scores, group, threshold=None, bins=10).of(
        np.array([[1, 0], [0, 1]], dtype="uint8"), ["balanced_accuracy", "roc_auc"]
    )

    said = scores.argmax(axis=1)
    recalls = [np.mean(said[target == one] == one) for one in range(3)]
    assert found["balanced_accuracy"][0] == pytest.approx(np.mean(recalls), abs=1e-9)
    assert np.isnan(found["roc_auc"]).tolist() == [False, True]  # one class alone has no curve


def test_confidence_that_is_right_as_often_as_it_says_is_calibrated() -> None:
    target = np.array([0, 0, 0, 1])
    scores = np.tile([0.75, 0.25], (4, 1))

    found = measuring.measure(target, scores, None, 10, "classes")

    assert found["calibration_error"] == 0
    assert found["largest_share"] == 0.75


def test_what_needs_two_answers_is_none_where_there_is_one() -> None:
    classes = measuring.measure(np.zeros(3, dtype=int), np.tile([0.5, 0.3, 0.2], (3, 1)), None, 10, "classes")
    numbers = measuring.measure(np.full(3, 2.0), np.array([1.0, 2.0, 3.0]), None, 10, "number")

    assert (classes["roc_auc"], classes["accuracy"]) == (None, 1)
    assert numbers["r2"] is None
    assert numbers["mae"] == pytest.approx(2 / 3, abs=1e-6)


def test_predictions_are_shown_with_what_came_of_them() -> None:
    target, scores = sample("number", 1_000, seed=0)

    tables = measuring.curves(target, scores, 10, "number")

    table = tables["predictions"]
    assert table["rows"].tolist() == [100] * 10
    assert (table["from_score"][1:].to_numpy() > table["to_score"][:-1].to_numpy()).all()
    inside = [
        ((target >= low) & (target <= high))[(scores >= first) & (scores <= last)].mean()
        for first, last, low, high in table[["from_score", "to_score", "low", "high"]].to_numpy()
    ]
    assert inside == pytest.approx([0.8] * 10, abs=0.02)
    assert tables["errors"]["error"].iloc[100] == pytest.approx(np.median(np.abs(target - scores)), abs=1e-6)


def test_equal_predictions_are_in_one_line() -> None:
    table = measuring.predictions(np.arange(200.0), np.repeat([1.0, 2.0], 100), 5)

    assert table["rows"].tolist() == [100, 100]
    assert table["mean_target"].tolist() == [49.5, 149.5]


def test_no_line_tells_the_range_of_a_few_rows() -> None:
    target, scores = sample("number", 100, seed=0)

    assert measuring.predictions(target, scores, 10)["rows"].min() >= 30


def test_of_a_handful_of_rows_no_range_is_told() -> None:
    table = measuring.predictions(np.arange(10.0), np.arange(10.0), 5)

    assert table[["rows", "mean_target"]].to_numpy().tolist() == [[10, 4.5]]
    assert table[["low", "high"]].isna().all(axis=None)


def test_a_draw_without_any_row_has_no_metric_and_no_warning() -> None:
    target, scores = sample("classes", 20, seed=0)
    nothing = np.zeros((1, 2), dtype="uint8")

    found = measures("classes", target, scores, np.arange(20) % 2, threshold=None, bins=10).of(
        nothing, COMPARED["classes"]
    )

    assert all(np.isnan(value) for (value,) in found.values())
