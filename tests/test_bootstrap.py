"""The bootstrap, held against scikit-learn on rows that are really repeated, and against what is known by hand."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    f1_score,
    log_loss,
    precision_score,
    recall_score,
    roc_auc_score,
)

from holdfast import bootstrap
from holdfast.bootstrap import Measures, draws, holm, interval, tail
from holdfast.measuring import measure
from holdfast.metrics import COMPARED, Metric

METRICS = COMPARED["binary"]
Found = dict[Metric, np.ndarray]


def sample(rows: int, groups: int, seed: int, *, steps: int = 20) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw targets, scores with ties, and groups of which none is empty."""
    random = np.random.default_rng(seed)
    scores = random.integers(0, steps + 1, rows) / steps
    target = (random.random(rows) < scores).astype("int8")
    return target, scores, random.permutation(np.resize(np.arange(groups), rows))


def measured(
    target: np.ndarray, scores: np.ndarray, groups: np.ndarray, *, resamples: int = 5, seed: int = 0
) -> tuple[np.ndarray, Found]:
    """Return some draws, and every metric of each."""
    measures = Measures(target, scores, groups, threshold=0.5, bins=7)
    blocks = list(draws(int(groups.max()) + 1, len(target), resamples, seed))
    found = [measures.of(block, METRICS) for block in blocks]
    return np.concatenate(blocks), {name: np.concatenate([one[name] for one in found]) for name in METRICS}


def by_scikit_learn(target: np.ndarray, scores: np.ndarray) -> dict[Metric, float]:
    """Return the metrics; NaN where one is not defined."""
    flagged = scores >= 0.5
    both, hits = 0 < target.sum() < len(target), bool(target.sum())
    place = np.minimum((scores * 7).astype(int), 6)
    gaps = [abs((scores - target)[place == one].mean()) * np.mean(place == one) for one in np.unique(place)]
    return {
        "roc_auc": roc_auc_score(target, scores) if both else np.nan,
        "pr_auc": average_precision_score(target, scores) if hits else np.nan,
        "log_loss": log_loss(target, scores, labels=[0, 1]),
        "brier": brier_score_loss(target, scores),
        "calibration_error": float(np.sum(gaps)),
        "precision": precision_score(target, flagged, zero_division=np.nan),
        "recall": recall_score(target, flagged, zero_division=np.nan),
        "f1": f1_score(target, flagged, zero_division=np.nan),
    }


@pytest.mark.slow
@pytest.mark.parametrize("groups", [1, 2, 30, bootstrap.FEW, bootstrap.FEW + 1, 400])
@given(seed=st.integers(0, 10_000), steps=st.sampled_from([1, 2, 20, 1_000_000]))
def test_a_draw_measures_what_scikit_learn_measures_on_the_repeated_rows(groups: int, seed: int, steps: int) -> None:
    target, scores, group = sample(max(40, groups), groups, seed, steps=steps)

    drawn, found = measured(target, scores, group, seed=seed)

    for line, times in enumerate(drawn):
        repeated = np.repeat(np.arange(len(target)), times[group])
        expected = by_scikit_learn(target[repeated], scores[repeated])
        assert {name: found[name][line] for name in METRICS} == pytest.approx(expected, abs=1e-9, nan_ok=True)


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=2, max_size=60), st.data())
def test_any_scores_in_any_groups_are_measured_as_scikit_learn_does(
    rows: list[tuple[bool, float]], data: st.DataObject
) -> None:
    target, scores = np.array([row[0] for row in rows], dtype="int8"), np.array([row[1] for row in rows])
    labels = st.lists(st.integers(0, 3), min_size=len(rows), max_size=len(rows))
    groups = np.unique(data.draw(labels), return_inverse=True)[1]

    drawn, found = measured(target, scores, groups, resamples=2)

    for line, times in enumerate(drawn):
        repeated = np.repeat(np.arange(len(target)), times[groups])
        expected = by_scikit_learn(target[repeated], scores[repeated])
        assert {name: found[name][line] for name in METRICS} == pytest.approx(expected, abs=1e-9, nan_ok=True)


def test_the_first_draw_is_what_evaluate_measures() -> None:
    target, scores, groups = sample(500, 20, seed=3)

    drawn, found = measured(target, scores, groups)

    assert (drawn[0] == 1).all()
    expected = measure(target, scores, threshold=0.5, bins=7)
    assert {name: found[name][0] for name in METRICS} == pytest.approx(
        {name: expected[name] for name in METRICS}, abs=1e-6
    )


def test_what_a_draw_leaves_undefined_is_nan_and_nothing_else_is() -> None:
    target, scores, groups = np.array([1, 0, 1, 0]), np.array([0.2, 0.1, 0.9, 0.8]), np.array([0, 1, 2, 2])
    measures = Measures(target, scores, groups, threshold=0.5, bins=10)
    only_positive, only_negative = np.array([[2, 0, 0]], dtype="uint8"), np.array([[0, 2, 0]], dtype="uint8")

    def undefined(drawn: np.ndarray) -> list[Metric]:
        return [name for name, (value,) in measures.of(drawn, METRICS).items() if np.isnan(value)]

    assert undefined(only_positive) == ["roc_auc", "precision"]
    assert undefined(only_negative) == ["roc_auc", "pr_auc", "precision", "recall", "f1"]


def test_a_score_of_zero_for_a_positive_row_costs_much_but_not_everything() -> None:
    found = Measures(np.array([1, 0]), np.array([0.0, 1.0]), np.array([0, 1]), threshold=0.5, bins=2).of(
        np.array([[1, 1]], dtype="uint8"), METRICS
    )

    assert found["log_loss"][0] == pytest.approx(-np.log(np.finfo(float).eps))


def test_only_what_is_asked_for_is_returned() -> None:
    target, scores, groups = sample(50, 5, seed=0)

    found = Measures(target, scores, groups, threshold=0.5, bins=7).of(np.ones((1, 5), "uint8"), ["brier", "roc_auc"])

    assert list(found) == ["brier", "roc_auc"]


def test_draws_are_seeded() -> None:
    def drawn(seed: int) -> np.ndarray:
        return np.concatenate(list(draws(30, 30, 50, seed)))

    assert np.array_equal(drawn(1), drawn(1))
    assert not np.array_equal(drawn(1), drawn(2))


def test_each_draw_has_as_many_groups_as_there_are_and_each_group_the_same_chance() -> None:
    drawn = np.concatenate(list(draws(20, 1_000, 5_000, seed=0)))[1:]

    assert len(drawn) == 5_000
    assert (drawn.sum(axis=1) == 20).all()
    # As in a multinomial distribution: a variance of 20 (1 / 20) (19 / 20), and a covariance of -20 (1 / 20)².
    spread = np.cov(drawn.T.astype(float))
    assert drawn.mean(axis=0) == pytest.approx(1, abs=0.06)
    assert np.diag(spread) == pytest.approx(0.95, abs=0.1)
    assert spread[np.triu_indices(20, 1)].mean() == pytest.approx(-0.05, abs=0.005)


@pytest.mark.parametrize("groups", [10, 150])
def test_the_size_of_the_blocks_changes_no_draw_and_no_metric(groups: int, monkeypatch: pytest.MonkeyPatch) -> None:
    target, scores, group = sample(300, groups, seed=4)
    drawn, found = measured(target, scores, group, resamples=100)
    monkeypatch.setattr(bootstrap, "BLOCK", 300 * 7)  # 100 is not a multiple of 7

    again, blocks = measured(target, scores, group, resamples=100)

    assert np.array_equal(drawn, again)
    assert np.array_equal(found["roc_auc"], blocks["roc_auc"])  # whole numbers until the last division
    for name in METRICS:
        assert blocks[name] == pytest.approx(found[name], abs=1e-12, nan_ok=True)


def test_groups_with_a_table_and_groups_that_are_counted_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    target, scores, groups = sample(500, 40, seed=5)
    _, by_table = measured(target, scores, groups)
    monkeypatch.setattr(bootstrap, "FEW", 0)

    _, counted = measured(target, scores, groups)

    assert np.array_equal(by_table["roc_auc"], counted["roc_auc"])
    assert by_table["pr_auc"] == pytest.approx(counted["pr_auc"], abs=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("groups", [30, 20_000])
def test_memory_does_not_grow_with_the_resamples(groups: int) -> None:
    def peak(resamples: int) -> int:
        target, scores, group = sample(20_000, groups, seed=6)
        tracemalloc.start()
        measures = Measures(target, scores, group, threshold=0.5, bins=10)
        for block in draws(groups, len(target), resamples, 0):
            measures.of(block, METRICS)
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    few, many = peak(300), peak(1_200)

    assert many < 1.2 * few
    assert many < 200e6


@pytest.mark.parametrize("groups", [5, 12, 30])
def test_an_interval_of_a_mean_is_the_one_by_students_t(groups: int) -> None:
    error = 1 / np.sqrt(groups)
    # What resampling finds for many groups: a normal distribution that is too narrow, by a divisor of n in place of n - 1.
    resampled = stats.norm.ppf((np.arange(100_000) + 0.5) / 100_000) * error * np.sqrt((groups - 1) / groups)

    found = interval(resampled, groups, confidence=0.95)

    assert found == pytest.approx(stats.t.interval(0.95, groups - 1, 0, error), rel=0.002)


@pytest.mark.parametrize("groups", [10, 30])
def test_an_interval_covers_the_true_mean_of_normal_groups_as_often_as_it_says(groups: int) -> None:
    drawn = np.concatenate(list(draws(groups, groups, 2_000, seed=0)))[1:]
    cases = np.random.default_rng(1).normal(size=(1_000, groups))

    intervals = [interval(resampled, groups, confidence=0.95) for resampled in cases @ drawn.T / groups]

    covered = np.mean([low <= 0 <= high for low, high in intervals])
    assert covered == pytest.approx(0.95, abs=0.02)
    assert np.mean([low > 0 for low, _ in intervals]) == pytest.approx(0.025, abs=0.0125)


def test_more_confidence_and_fewer_groups_make_an_interval_wider() -> None:
    resampled = np.random.default_rng(0).normal(size=5_000)

    def width(groups: int, confidence: float) -> float:
        low, high = interval(resampled, groups, confidence)
        return high - low

    assert width(30, 0.9) < width(30, 0.95) < width(30, 0.99)
    assert width(1_000, 0.95) < width(30, 0.95) < width(10, 0.95)
    low, high = np.quantile(resampled, [0.025, 0.975])
    assert width(100_000, 0.95) == pytest.approx(high - low, rel=0.01)  # plain percentiles


def test_a_tail_is_that_of_the_t_test() -> None:
    groups = np.random.default_rng(3).normal(0.2, 1, size=25)
    drawn = np.concatenate(list(draws(25, 25, 40_000, seed=0)))[1:]

    found = tail(float(groups.mean()), drawn @ groups / 25, 25)

    assert found == pytest.approx(stats.ttest_1samp(groups, 0, alternative="less").pvalue, abs=0.01)


def test_the_smaller_the_gain_and_the_surer_it_is_the_smaller_the_tail() -> None:
    resampled = np.random.default_rng(0).normal(size=2_000)

    tails = [tail(gain, resampled, 30) for gain in (-3.0, -1.0, 0.0, 1.0, 3.0)]

    assert tails == sorted(tails)
    assert tails[2] == pytest.approx(0.5)
    assert tail(-1.0, resampled / 2, 30) < tail(-1.0, resampled, 30)
    assert tail(-1.0, resampled, 30) < tail(-1.0, resampled, 3)


@pytest.mark.parametrize(("gain", "expected"), [(-0.1, 0.0), (0.0, 1.0), (0.1, 1.0)])
def test_a_gain_that_no_draw_changes_is_certain(gain: float, expected: float) -> None:
    assert tail(gain, np.full(100, gain), 30) == expected


def test_holm_by_hand() -> None:
    # 0.01 x 4, 0.02 x 3, then 0.03 x 2 and 0.04 x 1, of which the last may not fall below the one before.
    assert holm(np.array([0.04, 0.01, 0.03, 0.02])) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm(np.array([0.5, 0.9])) == pytest.approx([1.0, 1.0])
    assert holm(np.array([0.03])) == pytest.approx([0.03])
    assert len(holm(np.array([]))) == 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.floats(0.01, 0.2))
def test_holm_rejects_step_by_step(tails: list[float], limit: float) -> None:
    rejected = set[int]()
    for step, place in enumerate(sorted(range(len(tails)), key=lambda one: tails[one])):
        if tails[place] * (len(tails) - step) >= limit:
            break
        rejected.add(place)

    assert set(np.flatnonzero(holm(np.array(tails)) < limit)) == rejected


def test_what_is_not_known_is_not_corrected_into_something_known() -> None:
    found = holm(np.array([0.01, np.nan, 0.2]))

    assert found[[0, 2]] == pytest.approx([0.03, 0.4])
    assert np.isnan(found[1])
