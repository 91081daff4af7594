"""How sure a figure is said to be follows from the days, and a slice is called weak only where that is shown."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from conftest import ROOT
from holdfast import bootstrap, intervals, measuring
from holdfast.differences import Rows, Slice
from holdfast.intervals import Interval, Intervals
from holdfast.metrics import COMPARED
from holdfast.params import Gates
from holdfast.params import load as load_params

ROWS, DAYS = 3_000, 30
EVERY = np.arange(ROWS)


@pytest.fixture(scope="module")
def gates() -> Gates:
    found = load_params(ROOT / "params.yaml").gates
    return found.model_copy(update={"slices": found.slices.model_copy(update={"rows": 100, "labels": 10})})


def drawn(signal: float = 1.0, days: int = DAYS, slices: tuple[Slice, ...] = ()) -> tuple[Rows, np.ndarray]:
    random = np.random.default_rng(3)
    target = (random.random(ROWS) < 0.3).astype("int8")
    scores = 1 / (1 + np.exp(1.2 - signal * target - random.normal(size=ROWS)))
    return Rows(target, EVERY * days // ROWS, "days", slices), np.asarray(scores)


def measure(rows: Rows, scores: np.ndarray, gates: Gates, seed: int = 1, resamples: int = 200) -> Intervals:
    return intervals.measure(rows, scores, gates, threshold=0.4, bins=10, seed=seed, resamples=resamples)


def test_the_figures_are_those_of_the_evaluation(gates: Gates) -> None:
    rows, scores = drawn()

    found = measure(rows, scores, gates)

    expected = measuring.measure(rows.target, scores, 0.4, 10)
    assert tuple(found.metrics) == COMPARED["binary"]
    for name, one in found.metrics.items():
        assert one.value == pytest.approx(expected[name], abs=1e-6)
        assert None not in one
        assert sorted(one, key=float) == [one.low, one.value, one.high]  # type: ignore[arg-type]
    assert found.answers[0].value == expected["positive_share"]
    assert (found.groups, found.unit, found.resamples, found.confidence) == (DAYS, "days", 200, 0.95)


def test_an_interval_is_that_of_whole_days_drawn_anew(gates: Gates) -> None:
    rows, scores = drawn()

    found = measure(rows, scores, gates, resamples=60)

    times = np.concatenate(list(bootstrap.draws(DAYS, ROWS, 60, 1)))[1:]
    aucs = [roc_auc_score(rows.target, scores, sample_weight=day[rows.groups]) for day in times]
    low, high = bootstrap.interval(np.array(aucs), DAYS, 0.95)
    assert found.metrics["roc_auc"][1:] == pytest.approx((low, high), abs=1e-6)


def test_the_same_seed_gives_the_same_intervals_and_another_does_not(gates: Gates) -> None:
    first, again, other = (measure(*drawn(), gates, seed=seed) for seed in (1, 1, 2))

    assert first == again
    assert first.metrics["roc_auc"].value == other.metrics["roc_auc"].value
    assert first.metrics["roc_auc"] != other.metrics["roc_auc"]


def test_of_few_days_nothing_is_said(gates: Gates) -> None:
    found = measure(*drawn(days=9), gates)

    assert found.metrics["roc_auc"].value is not None
    assert {one[1:] for one in (*found.metrics.values(), *found.answers)} == {(None, None)}


def test_a_metric_that_is_not_defined_has_neither_value_nor_interval(gates: Gates) -> None:
    rows, scores = drawn(slices=(Slice("all", "of them", np.ones(ROWS, dtype=bool)),))
    none = Rows(np.zeros(ROWS, dtype="int8"), rows.groups, "days", rows.slices)

    found = measure(none, scores, gates)

    assert found.metrics["roc_auc"] == found.metrics["recall"] == Interval(None)
    assert found.slices[0].found == found.slices[0].gap == Interval(None)
    assert found.metrics["brier"].low is not None


def test_a_metric_that_some_draw_leaves_undefined_has_no_interval(gates: Gates) -> None:
    rows, scores = drawn()
    rare = Rows((EVERY < 40).astype("int8"), rows.groups, "days")  # on one day alone

    found = measure(rare, scores, gates).metrics

    assert found["roc_auc"].value is not None
    assert found["roc_auc"].low is None
    assert found["log_loss"].low is not None


def test_a_slice_is_held_against_all_rows_on_the_same_draws(gates: Gates) -> None:
    rows, scores = drawn(slices=(Slice("all", "of them", np.ones(ROWS, dtype=bool)),))

    (found,) = measure(rows, scores, gates).slices

    assert found.gap == Interval(0.0, 0.0, 0.0)
    assert not found.weak


def test_a_slice_without_signal_is_weak_and_the_others_are_not(gates: Gates) -> None:
    parts = tuple(Slice("part", str(place), np.equal(EVERY % 4, place)) for place in range(4))
    rows, scores = drawn(signal=2.0, slices=parts)
    scores[::4] = np.random.default_rng(5).random(len(scores[::4]))

    found = measure(rows, scores, gates).slices

    assert [one.weak for one in found] == [True, False, False, False]
    gap = found[0].gap
    assert gap.high is not None
    assert gap.high < 0
    assert [one.value for one in found] == ["0", "1", "2", "3"]


def test_of_many_slices_that_differ_by_chance_none_is_called_weak(gates: Gates) -> None:
    random = np.random.default_rng(11)
    parts = tuple(Slice("part", str(place), random.random(ROWS) < 0.15) for place in range(40))

    found = measure(*drawn(slices=parts), gates).slices

    below = [one for one in found if one.gap.high is not None and one.gap.high < 0]
    assert below  # one by one, some look as if
    assert not any(one.weak for one in found)


def test_a_slice_that_the_judge_calls_too_small_has_no_interval(gates: Gates) -> None:
    rows, scores = drawn(slices=(Slice("a", "few", EVERY < 60), Slice("b", "large", EVERY % 2 == 0)))

    small, large = measure(rows, scores, gates).slices

    assert (small.rows, small.positives) == (60, int(rows.target[:60].sum()))
    assert small.found == Interval(round(float(roc_auc_score(rows.target[:60], scores[:60])), 6))
    assert small.gap.value is not None
    assert small.gap.low is None
    assert large.gap.low is not None
