from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import MakeRows, Project
from holdfast import charts, files, measuring
from holdfast.evaluation import Evaluation, evaluate, subsets
from holdfast.measuring import measure
from holdfast.model import Model
from holdfast.params import Params, Slice
from holdfast.targets import NumberTarget


@pytest.fixture(scope="module")
def evaluation(finished_project: Project) -> Evaluation:
    model = Model.load(finished_project.workspace.train / "model")
    holdout = files.read(finished_project.workspace.prepare / "holdout.parquet")
    return evaluate(model, holdout, finished_project.params.evaluate, seed=1)


def test_metrics_are_what_a_hand_can_count() -> None:
    target = np.array([1, 1, 0, 0, 1])
    scores = np.array([0.9, 0.6, 0.55, 0.1, 0.2])

    found = measure(target, scores, threshold=0.5, bins=2)

    assert found["rows"] == 5
    assert found["roc_auc"] == pytest.approx(
        5 / 6, abs=1e-6
    )  # of 6 pairs, only 0.2 against 0.55 is the wrong way round
    assert (found["precision"], found["recall"], found["f1"]) == pytest.approx((2 / 3, 2 / 3, 2 / 3), abs=1e-6)
    assert found["accuracy"] == pytest.approx(0.6)
    # below 0.5: 0.15 on average where half are positive; above: 0.683 where two thirds are
    assert found["calibration_error"] == pytest.approx((abs(0.3 - 1) + abs(2.05 - 2)) / 5, abs=1e-6)


def test_what_needs_both_labels_is_none_where_one_is_missing() -> None:
    found = measure(np.zeros(4), np.full(4, 0.2), threshold=0.5, bins=10)

    assert found["roc_auc"] is None
    assert found["pr_auc"] is None
    assert found["precision"] is None
    assert found["log_loss"] == pytest.approx(-np.log(0.8), abs=1e-6)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=200), st.integers(2, 50))
def test_scores_that_are_the_truth_have_no_calibration_error(scores: list[float], bins: int) -> None:
    target = np.array(scores) > 0.5

    assert measure(target.astype(int), target.astype(float), 0.5, bins)["calibration_error"] == 0


def test_slices_by_hour_cover_every_row_once(make_rows: MakeRows) -> None:
    rows = make_rows()

    found = list(subsets(rows, (Slice(column="scheduled_departure", label="departure", hours=(6, 18)),)))

    assert [value for _, value, _ in found] == ["00:00-06:00", "06:00-18:00", "18:00-24:00"]
    assert (np.sum([mask for _, _, mask in found], axis=0) == 1).all()
    assert (rows["scheduled_departure"][found[1][2]].dt.hour.between(6, 17)).all()


def test_slices_by_category_count_the_holdout(evaluation: Evaluation) -> None:
    by_airport = evaluation.tables["slices"][evaluation.tables["slices"]["slice"] == "airport"]

    assert by_airport["value"].tolist() == ["EWR", "JFK", "LGA"]
    assert by_airport["rows"].sum() == evaluation.metrics["rows"]


def test_the_column_that_carries_the_signal_is_the_most_important(evaluation: Evaluation) -> None:
    assert (
        evaluation.tables["importance"]["column"].iloc[0] == "distance"
    )  # the target of drawn rows depends on it alone


def test_tables_agree_with_the_metrics(evaluation: Evaluation) -> None:
    assert evaluation.tables["confusion"]["rows"].sum() == evaluation.metrics["rows"]
    assert evaluation.tables["calibration"]["rows"].sum() == evaluation.metrics["rows"]
    area = np.trapezoid(evaluation.tables["roc"]["true_positive_rate"], evaluation.tables["roc"]["false_positive_rate"])
    assert area == pytest.approx(evaluation.metrics["roc_auc"], abs=0.01)
    assert evaluation.scores["target"].mean() == pytest.approx(evaluation.metrics["positive_share"], abs=1e-6)


def test_every_figure_ends_after_six_decimals(evaluation: Evaluation) -> None:
    for name, table in evaluation.tables.items():
        numbers = table.select_dtypes("float64")
        pd.testing.assert_frame_equal(numbers, numbers.round(6), obj=name, check_exact=True)


@pytest.mark.parametrize("rows", [10, 100])
def test_numbers_are_drawn_however_few_they_are(evaluation: Evaluation, params: Params, rows: int) -> None:
    some = np.arange(float(rows))
    tables = {"importance": evaluation.tables["importance"], **measuring.curves(some, some, 5, "number")}
    metrics = measuring.measure(some, some, None, 5, "number")
    target = NumberTarget(kind="number", column="delay", unit="minutes", label="Delay")

    drawn = charts.draw(replace(evaluation, metrics=metrics, tables=tables), target)

    assert {"predictions", "errors"} <= set(drawn)


def test_charts_are_the_same_bytes_each_time(evaluation: Evaluation, params: Params) -> None:
    first, second = (charts.draw(evaluation, params.data.target) for _ in range(2))

    assert first == second
    assert set(first) == {"roc", "precision_recall", "calibration", "confusion", "importance"}
    assert all(picture.startswith(b"\x89PNG") for picture in first.values())
