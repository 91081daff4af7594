"""The judge: every gate passes and fails for its own reason, and nothing that is not known is taken for good."""

import re
from dataclasses import replace
from typing import Any, NamedTuple, Protocol, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.comparison import Comparison, Gate, compare, impossible
from holdfast.differences import Rows, Scored, Slice
from holdfast.metrics import COMPARED, LABELS, LOWER_IS_BETTER, Metric
from holdfast.params import Gates, Params

METRICS = COMPARED["binary"]


class Pair(NamedTuple):
    """Rows, and what two models made of them."""

    rows: Rows
    champion: Scored
    challenger: Scored

    def champion_with(self, **changes: Any) -> "Pair":
        return self._replace(champion=replace(self.champion, **changes))

    def challenger_with(self, **changes: Any) -> "Pair":
        return self._replace(challenger=replace(self.challenger, **changes))

    def rows_with(self, **changes: Any) -> "Pair":
        return self._replace(rows=replace(self.rows, **changes))


class MakePair(Protocol):
    """Draw rows, and scores of two models, each of which knows of the target as much as its signal says."""

    def __call__(
        self, champion: float = ..., challenger: float = ..., rows: int = ..., days: int = ..., seed: int = ...
    ) -> Pair: ...


class Judge(Protocol):
    """Compare a pair by the gates of params.yaml, or by others."""

    def __call__(self, pair: Pair, gates: Gates = ..., tags: dict[str, str] = ...) -> Comparison: ...


@pytest.fixture(scope="module")
def make_pair() -> MakePair:
    def make(champion: float = 2.0, challenger: float = 2.0, rows: int = 3_000, days: int = 30, seed: int = 0) -> Pair:
        random = np.random.default_rng(seed)
        known, luck = random.normal(size=(2, rows))
        target = (known + luck > 1).astype("int8")

        def scored(signal: float) -> Scored:
            scores = 1 / (1 + np.exp(1.5 - signal * known + random.normal(0, 0.1, rows)))
            return Scored(scores, np.zeros(rows, dtype=bool), threshold=0.3, size=1_000_000, latency=2.0)

        return Pair(Rows(target, np.arange(rows) % days, "days"), scored(champion), scored(challenger))

    return make


@pytest.fixture(scope="module")
def judge(params: Params) -> Judge:
    def ask(pair: Pair, gates: Gates = params.gates, tags: dict[str, str] = params.tags) -> Comparison:
        return compare(*pair, gates, bins=10, seed=1, tags=tags)

    return ask


@pytest.fixture
def gates(params: Params) -> Gates:
    return params.gates


def changed(gates: Gates, **changes: Any) -> Gates:
    """Return other gates; what is given for slices is merged."""
    if "slices" in changes:
        changes["slices"] = gates.slices.model_copy(update=changes["slices"])
    return gates.model_copy(update=changes)


def refused(found: Comparison) -> list[str]:
    return [gate.code for gate in found.gates if gate.passed is False]


def gate(found: Comparison, code: str) -> Gate:
    return next(one for one in found.gates if one.code == code)


def thirds(pair: Pair) -> Pair:
    """Cut the rows into three slices."""
    third = np.arange(len(pair.rows.target)) // 30 % 3
    return pair.rows_with(slices=tuple(Slice("third", str(one), third == one) for one in range(3)))


# --- a verdict


def test_a_challenger_as_good_as_the_champion_is_promoted(make_pair: MakePair, judge: Judge) -> None:
    found = judge(thirds(make_pair(rows=9_000)))

    assert found.verdict == "promote"
    assert [one.code for one in found.gates] == ["G0", "G1", "G2", "G3", "G4", "G5"]
    assert (found.rows, found.groups, found.unit, found.left_out) == (9_000, 30, "days", 0)
    assert (len(found.slices), found.harmed, found.not_judged) == (6, (), ())
    assert not found.same_scores


def test_a_better_challenger_is_promoted_and_called_better(make_pair: MakePair, judge: Judge) -> None:
    pair = make_pair()
    known = pair.champion.scores
    pair = pair.challenger_with(scores=np.where(pair.rows.target == 1, np.sqrt(known), known))

    found = judge(pair)

    assert found.verdict == "promote"
    assert found.of("roc_auc").challenger > found.of("roc_auc").champion
    assert {found.of(name).word for name in ("roc_auc", "log_loss", "brier", "pr_auc")} == {"better"}


def test_a_worse_challenger_is_kept_out(make_pair: MakePair, judge: Judge) -> None:
    pair = make_pair()
    worse = pair.champion.scores + np.random.default_rng(0).normal(0, 0.3, 3_000)

    found = judge(pair.challenger_with(scores=np.clip(worse, 0.05, 0.95)))

    assert found.verdict == "keep"
    assert refused(found) == ["G2"]
    assert found.of("roc_auc").word == "worse"
    assert "ROC AUC is worse, by up to" in gate(found, "G2").text


def test_scores_that_are_the_same_are_called_the_same(make_pair: MakePair, judge: Judge) -> None:
    pair = thirds(make_pair())

    found = judge(pair._replace(challenger=pair.champion))

    assert found.verdict == "promote"
    assert found.same_scores
    assert {found.of(name).word for name in METRICS} == {"same"}
    assert {one.difference.word for one in found.slices} == {"same"}
    assert gate(found, "G2").text == "ROC AUC is the same, margin 0.005; log loss is the same, margin 0.005"


def test_an_uncertain_challenger_is_kept_out(make_pair: MakePair, judge: Judge) -> None:
    pair = make_pair(rows=300)
    found = judge(pair.challenger_with(scores=make_pair(rows=300, seed=0, challenger=1.8).challenger.scores))

    assert found.verdict == "keep"
    assert "may be worse, by up to" in gate(found, "G2").text
    assert found.of("log_loss").word == "unclear"


def test_nothing_asked_is_not_everything_passed() -> None:
    assert Comparison(gates=()).verdict == "cannot judge"


def test_what_is_impossible_says_why_and_fails() -> None:
    found = impossible("the champion crashed")

    assert found.verdict == "cannot judge"
    assert [(one.code, one.passed, one.text) for one in found.gates] == [("G0", None, "the champion crashed")]


def test_each_gate_says_what_it_asks_for_and_each_metric_has_a_name(make_pair: MakePair, judge: Judge) -> None:
    titles = {one.title for one in judge(make_pair()).gates}

    assert titles == {
        "both can be judged",
        "above the floor",
        "not worse",
        "no slice harmed",
        "size and latency",
        "tags",
    }
    assert set(LABELS) == set(get_args(Metric)) == {name for names in COMPARED.values() for name in names}


# --- G0: the rows, and what cannot be judged


def spoil(scores: np.ndarray, value: float) -> np.ndarray:
    return np.where(np.arange(len(scores)) == 7, value, scores)


@pytest.mark.parametrize("who", ["champion", "challenger"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -0.01, 1.01])
def test_a_score_that_is_no_probability_cannot_be_judged(
    make_pair: MakePair, judge: Judge, who: str, value: float
) -> None:
    pair = make_pair()
    spoilt = replace(getattr(pair, who), scores=spoil(getattr(pair, who).scores, value))

    found = judge(pair._replace(**{who: spoilt}))

    assert found.verdict == "cannot judge"
    assert found.gates == (Gate("G0", None, f"1 scores of the {who} are no probability"),)


@pytest.mark.parametrize("who", ["champion", "challenger"])
@pytest.mark.parametrize("unknown", [{"latency": np.nan}, {"latency": np.inf}, {"threshold": np.nan}, {"size": 0}])
def test_a_model_of_unknown_size_latency_or_threshold_cannot_be_judged(
    make_pair: MakePair, judge: Judge, who: str, unknown: dict[str, float]
) -> None:
    pair = make_pair()

    found = judge(pair._replace(**{who: replace(getattr(pair, who), **unknown)}))

    assert found.verdict == "cannot judge"
    assert found.gates == (Gate("G0", None, f"size, latency or threshold of the {who} is not known"),)


@pytest.mark.parametrize("rows", [0, 3_000])
def test_without_a_row_that_is_new_to_both_nothing_can_be_judged(make_pair: MakePair, judge: Judge, rows: int) -> None:
    pair = make_pair(rows=rows).champion_with(seen=np.arange(rows) % 2 == 0)

    found = judge(pair.challenger_with(seen=np.arange(rows) % 2 == 1))

    assert found.verdict == "cannot judge"
    left_out = " (3,000 rows left out, which a model has seen)" if rows else ""
    assert found.gates == (Gate("G0", None, f"the holdout has no row that neither model has seen{left_out}"),)


@pytest.mark.parametrize("label", [0, 1])
def test_rows_of_one_label_cannot_be_judged(make_pair: MakePair, judge: Judge, label: int) -> None:
    found = judge(make_pair().rows_with(target=np.full(3_000, label)))

    assert found.verdict == "cannot judge"
    assert gate(found, "G0").text == "the holdout has rows of one label only"


def test_fewer_days_than_asked_for_cannot_be_judged(make_pair: MakePair, judge: Judge, gates: Gates) -> None:
    assert judge(make_pair(days=gates.groups)).verdict == "promote"

    found = judge(make_pair(days=gates.groups - 1))

    assert found.verdict == "cannot judge"
    assert gate(found, "G0").text == "9 days say nothing of uncertainty, 10 would"


def test_days_that_a_model_has_seen_do_not_count_as_days(make_pair: MakePair, judge: Judge) -> None:
    pair = make_pair(days=30)

    found = judge(pair.champion_with(seen=pair.rows.groups < 21))

    assert found.verdict == "cannot judge"
    assert (
        gate(found, "G0").text
        == "9 days say nothing of uncertainty, 10 would (2,100 rows left out, which a model has seen)"
    )


def test_rows_that_either_model_has_seen_never_count(make_pair: MakePair, judge: Judge) -> None:
    number = np.arange(3_000)
    seen = {"champion": number % 7 == 0, "challenger": number % 11 == 0}
    pair = thirds(make_pair()).champion_with(seen=seen["champion"]).challenger_with(seen=seen["challenger"])
    either = seen["champion"] | seen["challenger"]
    nonsense = np.where(number % 2, 0.0, np.nan)

    def spoilt(model: Scored) -> Scored:
        return replace(model, scores=np.where(either, nonsense, model.scores))

    found = judge(pair)
    again = judge(
        Pair(
            replace(pair.rows, target=np.where(either, 1 - pair.rows.target, pair.rows.target)),
            spoilt(pair.champion),
            spoilt(pair.challenger),
        )
    )

    assert found == again
    assert (found.rows, found.left_out) == (3_000 - either.sum(), either.sum())


# --- G1


@pytest.mark.parametrize(
    ("floor", "said"),
    [({"roc_auc": 0.99}, "ROC AUC 0.8.. .at least 0.99."), ({"log_loss": 0.1}, "log loss 0.... .at most 0.1.")],
)
def test_a_challenger_below_the_floor_is_kept_out_even_if_the_champion_is_too(
    make_pair: MakePair, judge: Judge, gates: Gates, floor: dict[Metric, float], said: str
) -> None:
    pair = make_pair()

    found = judge(pair._replace(challenger=pair.champion), changed(gates, floor=floor))

    assert (found.verdict, refused(found)) == ("keep", ["G1"])
    assert re.fullmatch(said, gate(found, "G1").text)


@pytest.mark.parametrize("name", METRICS)
def test_the_floor_itself_is_enough(make_pair: MakePair, judge: Judge, gates: Gates, name: Metric) -> None:
    pair = make_pair()
    value = judge(pair).of(name).challenger
    worse = 1e-9 if name in LOWER_IS_BETTER else -1e-9

    def passed(floor: float) -> bool | None:
        return gate(judge(pair, changed(gates, floor={name: floor})), "G1").passed

    assert passed(value) is True
    assert passed(value + worse) is True
    assert passed(value - worse) is False


# --- G2


@pytest.mark.parametrize("name", METRICS)
def test_the_whole_interval_must_be_above_the_margin(
    make_pair: MakePair, judge: Judge, gates: Gates, name: Metric
) -> None:
    pair = make_pair()
    pair = pair.champion_with(scores=(pair.champion.scores + pair.rows.target) / 2)
    if judge(pair).of(name).gain > 0:  # it knows more of the target, but is not calibrated
        pair = Pair(pair.rows, pair.challenger, pair.champion)
    least = judge(pair).of(name).least_gain
    assert least < 0

    def passed(margin: float) -> bool | None:
        return gate(judge(pair, changed(gates, margin={name: margin})), "G2").passed

    assert passed(-least + 1e-9) is True
    assert passed(-least - 1e-9) is False


def test_a_gain_in_one_metric_does_not_pay_for_a_loss_in_another(
    make_pair: MakePair, judge: Judge, gates: Gates
) -> None:
    pair = make_pair()
    flat = 0.5 + (pair.champion.scores - 0.5) / 10  # in the same order, but hardly a probability

    found = judge(pair.challenger_with(scores=flat), changed(gates, floor={"roc_auc": 0.5}))

    assert (found.of("roc_auc").word, found.of("log_loss").word) == ("same", "worse")
    assert refused(found) == ["G2"]


# --- G3


def test_challenger_that_ruins_one_slice_is_kept_out(make_pair: MakePair, judge: Judge) -> None:
    pair = thirds(make_pair(rows=9_000))
    ruined, known = pair.rows.slices[1].mask, pair.champion.scores
    ruin = (known + np.random.default_rng(0).permutation(known)) / 2
    better = (known + pair.rows.target) / 2
    pair = pair.challenger_with(scores=np.where(ruined, ruin, better))

    found = judge(pair)

    assert found.of("roc_auc").challenger > found.of("roc_auc").champion
    assert refused(found) == ["G3"]
    assert {(one.label, one.value) for one in found.harmed} == {("third", "1")}
    assert "third 1: ROC AUC 0.8" in gate(found, "G3").text


def test_a_slice_too_small_to_be_judged_is_listed_and_refuses_nothing(make_pair: MakePair, judge: Judge) -> None:
    pair = make_pair()
    few, rare = np.arange(3_000) < 499, np.zeros(3_000, dtype=bool)
    rare[pair.rows.target == 0] = True
    rare[np.flatnonzero(pair.rows.target)[:49]] = True
    pair = pair.rows_with(slices=(Slice("size", "few rows", few), Slice("size", "few late", rare)))

    found = judge(pair.challenger_with(scores=np.where(few, 0.5, pair.champion.scores)))

    assert [(one.value, one.rows, one.positives) for one in found.not_judged] == [
        ("few rows", 499, pair.rows.target[:499].sum()),
        ("few late", rare.sum(), 49),
    ]
    assert gate(found, "G3") == Gate("G3", passed=True, text="0 slices judged, margin ROC AUC 0.02, log loss 0.02")


def test_a_slice_whose_late_rows_are_of_few_days_is_too_small(make_pair: MakePair, judge: Judge) -> None:
    pair = make_pair(rows=9_000)
    storm = (pair.rows.target == 0) | (pair.rows.groups < 9)

    found = judge(pair.rows_with(slices=(Slice("weather", "storm", storm),)))

    assert [one.value for one in found.not_judged] == ["storm"]
    assert found.verdict == "promote"


def test_a_slice_that_a_draw_may_be_without_is_listed_and_leaves_nothing_unknown(
    make_pair: MakePair, judge: Judge, gates: Gates
) -> None:
    pair = make_pair(rows=300, days=300)
    here = np.zeros(300, dtype=bool)
    for label in (0, 1):
        here[np.flatnonzero(pair.rows.target == label)[:4]] = True

    found = judge(
        pair.rows_with(slices=(Slice("size", "eight rows", here),)),
        changed(gates, groups=3, slices={"rows": 8, "labels": 3}),
    )

    assert [one.value for one in found.not_judged] == ["eight rows"]
    assert gate(found, "G3").passed


@pytest.mark.slow
def test_many_slices_and_no_harm_make_few_false_alarms(make_pair: MakePair, judge: Judge, gates: Gates) -> None:
    alarms = 0
    for seed in range(40):
        pair = make_pair(rows=1_500, seed=seed)
        by = np.random.default_rng(seed).integers(0, 2, (25, 1_500)).astype(bool)
        pair = pair.rows_with(slices=tuple(Slice("chance", str(place), mask) for place, mask in enumerate(by)))
        found = judge(pair, changed(gates, slices={"margin": {"roc_auc": 0.0}, "labels": 1}))
        assert len(found.slices) == 25
        alarms += bool(found.harmed)

    assert alarms <= 5  # of 40 where 5% are expected at most, a case in a hundred


def test_models_that_are_perfect_in_a_slice_are_judged(make_pair: MakePair, judge: Judge) -> None:
    pair = thirds(make_pair())
    perfect = np.where(pair.rows.slices[0].mask, pair.rows.target.astype(float), pair.champion.scores)

    both = judge(pair.champion_with(scores=perfect).challenger_with(scores=perfect))
    found = judge(pair.champion_with(scores=perfect))

    assert both.verdict == "promote"
    assert "G3" in refused(found)
    assert all(np.isfinite(one.tail) for one in found.slices)


# --- G4 and G5


@pytest.mark.parametrize(
    ("over", "said"),
    [({"size": 10_000_001}, "10.00 MB (10 at most)"), ({"latency": 100.1}, "one row in more than 100 ms")],
)
def test_a_challenger_too_large_or_too_slow_is_kept_out(
    make_pair: MakePair, judge: Judge, over: dict[str, float], said: str
) -> None:
    found = judge(make_pair().challenger_with(**over))

    assert (found.verdict, refused(found), gate(found, "G4").text) == ("keep", ["G4"], said)
    assert judge(make_pair().champion_with(**over)).verdict == "promote"
    assert judge(make_pair().challenger_with(size=10_000_000, latency=100.0)).verdict == "promote"


@pytest.mark.parametrize("value", ["", "  ", None])
def test_a_model_without_a_tag_is_kept_out(
    make_pair: MakePair, judge: Judge, params: Params, value: str | None
) -> None:
    tags = {name: said for name, said in params.tags.items() if name != "owner"}

    found = judge(make_pair(), tags=tags if value is None else tags | {"owner": value})

    assert (found.verdict, refused(found)) == ("keep", ["G5"])
    assert gate(found, "G5").text == "missing under `tags:` in params.yaml: owner"


# --- what is not defined


def silent(pair: Pair) -> Pair:
    """Let the challenger raise no alarm: its precision is not defined."""
    return pair.challenger_with(threshold=1.0)


def test_a_metric_that_no_gate_asks_for_may_be_undefined(make_pair: MakePair, judge: Judge) -> None:
    found = judge(silent(make_pair()))

    assert found.verdict == "promote"
    assert found.of("precision").word == "undefined"


@pytest.mark.parametrize(
    ("code", "asked", "said"),
    [
        ("G1", {"floor": {"precision": 0.1}}, "precision is not defined"),
        ("G2", {"margin": {"precision": 0.1}}, "precision is not defined in every resample"),
        (
            "G3",
            {"slices": {"margin": {"precision": 0.1}}},
            "not defined in every resample of third 0, third 1, third 2",
        ),
    ],
)
def test_a_metric_that_a_gate_asks_for_may_not(
    make_pair: MakePair, judge: Judge, gates: Gates, code: str, asked: dict[str, Any], said: str
) -> None:
    found = judge(silent(thirds(make_pair())), changed(gates, **asked))

    assert found.verdict == "cannot judge"
    assert [one for one in found.gates if one.passed is None] == [Gate(code, None, said)]


def test_a_metric_that_a_few_resamples_leave_undefined_is_not_known(
    make_pair: MakePair, judge: Judge, gates: Gates
) -> None:
    pair = make_pair()
    alarms = np.where(pair.rows.groups < 2, 0.9, 0.1)  # a resample without these two days has no alarm

    found = judge(pair.challenger_with(scores=alarms), changed(gates, margin={"precision": 1.0}))

    assert np.isfinite(found.of("precision").challenger)
    assert found.of("precision").word == "undefined"
    assert found.verdict == "cannot judge"


def test_a_log_loss_without_bound_refuses_and_is_a_number(make_pair: MakePair, judge: Judge) -> None:
    found = judge(make_pair().challenger_with(scores=np.zeros(3_000)))

    assert found.verdict == "keep"
    assert found.of("log_loss").challenger > 5
    assert np.isfinite(found.of("log_loss").high)


# --- symmetry


def test_the_order_of_the_rows_changes_nothing(make_pair: MakePair, judge: Judge) -> None:
    pair = thirds(make_pair(challenger=1.8))
    order = np.random.default_rng(0).permutation(3_000)

    def shuffled(model: Scored) -> Scored:
        return replace(model, scores=model.scores[order], seen=model.seen[order])

    found, again = judge(pair), judge(Pair(pair.rows.only(order), shuffled(pair.champion), shuffled(pair.challenger)))

    assert [one.passed for one in again.gates] == [one.passed for one in found.gates]
    for before, after in zip(found.differences, again.differences, strict=True):
        assert after.word == before.word
        assert after[1:5] == pytest.approx(before[1:5], abs=1e-12)
    assert [one.tail for one in again.slices] == pytest.approx([one.tail for one in found.slices], abs=1e-9)


@given(st.integers(0, 1_000), st.floats(0.5, 3.0))
def test_to_swap_champion_and_challenger_mirrors_what_is_found(
    make_pair: MakePair, judge: Judge, seed: int, signal: float
) -> None:
    pair = make_pair(challenger=signal, rows=400, seed=seed)
    opposite = {"better": "worse", "worse": "better"}

    found, mirrored = judge(pair), judge(Pair(pair.rows, pair.challenger, pair.champion))

    for one, other in zip(found.differences, mirrored.differences, strict=True):
        assert other.word == opposite.get(one.word, one.word)
        assert (other.champion, other.challenger) == pytest.approx((one.challenger, one.champion), nan_ok=True)
        assert (other.low, other.high) == pytest.approx((-one.high, -one.low), abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("name", METRICS)
def test_a_gain_is_what_makes_the_challenger_better(make_pair: MakePair, judge: Judge, name: Metric) -> None:
    pair = make_pair()
    truth = np.clip(pair.rows.target.astype(float), 0.001, 0.999)

    one = judge(pair.challenger_with(scores=truth)).of(name)

    assert one.gain > one.least_gain > 0
    assert one.word == "better"
    assert (one.difference > 0) == (name not in LOWER_IS_BETTER)


def test_the_same_seed_gives_the_same_figures_and_another_seed_others(make_pair: MakePair, params: Params) -> None:
    pair = make_pair()

    first, again, other = (
        compare(*pair, params.gates, bins=10, seed=seed, tags=params.tags).of("roc_auc") for seed in (1, 1, 2)
    )

    assert first == again
    assert first.low != other.low
    assert first.low == pytest.approx(other.low, abs=0.002)
