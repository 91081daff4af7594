"""An explanation leaves nothing over, says how sure it is, and is the same each time."""

import time
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from app import explanation
from app.explanation import Explainer
from conftest import ROOT, made
from holdfast.bundle import Bundle
from holdfast.files import Workspace
from holdfast.schema import Schema


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return Bundle.load(made(Workspace(ROOT).evaluate / "bundle" / "model.json").parent)


class Weights:
    """A model whose effects are known: a weighted sum of its numbers, and a bonus for one word."""

    def __init__(self, schema: Schema, together: float = 0.0) -> None:
        self.facts = type("Facts", (), {"data": schema})
        self.together = together
        self.calls = 0

    def score_columns(self, columns: dict[str, np.ndarray]) -> np.ndarray:
        self.calls += 1
        red = np.array([word == "red" for word in columns["colour"]])
        weight, height = np.nan_to_num(columns["weight"]), columns["height"]
        return 0.1 + 0.02 * weight + 0.01 * height + 0.3 * red + self.together * weight * height


SCHEMA = Schema.model_validate(
    {
        "id": "key",
        "target": {"column": "outcome", "negative": "no", "positive": "yes"},
        "columns": {
            "weight": {"kind": "number", "label": "Weight", "nullable": True},
            "height": {"kind": "number", "label": "Height"},
            "colour": {"kind": "category", "label": "Colour", "nullable": True},
            "moment": {"kind": "time", "label": "Moment", "nullable": True},
        },
    }
)
ROWS: list[dict[str, Any]] = [
    {"weight": float(n % 5), "height": float(n % 3), "colour": ("red", "green", None)[n % 3], "moment": None}
    for n in range(60)
]
ROW = {"weight": 9.0, "height": 1.0, "colour": "red", "moment": "2013-09-30T14:05:00"}


def bundle_of(model: Weights) -> Bundle:
    golden = SimpleNamespace(rows=ROWS)
    bundle = Bundle(model, None, golden, None, "")  # type: ignore[arg-type]
    golden.scores = model.score_columns({name: np.array(v) for name, v in bundle.columns(ROWS).items()}).tolist()
    return bundle


def test_effects_of_a_sum_are_its_terms_without_any_error() -> None:
    moved = Explainer(bundle_of(Weights(SCHEMA))).moved(ROW, None)

    effects = {effect["column"]: effect["effect"] for effect in moved}
    assert effects == pytest.approx(
        {"weight": 0.02 * (9 - 2), "height": 0.0, "colour": 0.3 * (1 - 1 / 3), "moment": 0.0}
    )
    assert [effect["error"] for effect in moved] == pytest.approx([0, 0, 0, 0], abs=1e-12)
    assert [effect["column"] for effect in moved][:2] == ["colour", "weight"]


def test_columns_that_act_together_share_what_they_do() -> None:
    explainer = Explainer(bundle_of(Weights(SCHEMA, together=0.01)))

    effects = {effect["column"]: effect["effect"] for effect in explainer.moved(ROW | {"height": 5.0}, None)}

    # In two orders of two columns: the exact Shapley values of the product, averaged over all golden rows.
    shared = np.mean([0.01 * (9 - r["weight"]) * (5 + r["height"]) / 2 for r in ROWS])
    assert effects["weight"] == pytest.approx(0.02 * 7 + shared)


def test_one_explanation_asks_the_model_once() -> None:
    model = Weights(SCHEMA)
    explainer = Explainer(bundle_of(model))
    model.calls = 0

    explainer.moved(ROW)

    assert model.calls == 1


def test_a_wide_schema_is_explained_with_fewer_golden_rows_and_not_with_more_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(explanation, "MIXTURES", 30)
    explainer = Explainer(bundle_of(Weights(SCHEMA)))

    moved = explainer.moved(ROW, None)

    score = 0.1 + 0.02 * 9 + 0.01 + 0.3
    assert sum(effect["effect"] for effect in moved) == pytest.approx(score - explainer.base(), abs=1e-12)


def test_effects_of_the_real_model_add_up_to_the_score_less_the_mean_score(bundle: Bundle) -> None:
    explainer = Explainer(bundle)

    for row, score in list(zip(bundle.golden.rows, np.array(bundle.golden.scores), strict=True))[::40]:
        moved = explainer.moved(row, None)
        assert sum(effect["effect"] for effect in moved) == pytest.approx(score - explainer.base(), abs=1e-9)
        assert {effect["column"] for effect in moved} == set(bundle.model.facts.data.columns)


def test_the_same_row_has_the_same_explanation_in_every_process(bundle: Bundle) -> None:
    row = bundle.golden.rows[7]

    assert Explainer(bundle).moved(row) == Explainer(bundle).moved(row)


def test_the_strongest_come_first(bundle: Bundle) -> None:
    everything = Explainer(bundle).moved(bundle.golden.rows[3], None)

    sizes = [abs(effect["effect"]) for effect in everything]
    assert sizes == sorted(sizes, reverse=True)
    assert Explainer(bundle).moved(bundle.golden.rows[3]) == everything[:3]


@pytest.mark.slow
def test_the_error_that_is_claimed_covers_what_chance_does(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    row = bundle.golden.rows[int(np.argmax(bundle.golden.scores))]
    drawn = []
    for seed in range(20):
        monkeypatch.setattr(explanation, "SEED", seed)
        drawn.append({e["column"]: (e["effect"], e["error"]) for e in Explainer(bundle).moved(row, None)})

    for column in drawn[0]:
        effects, errors = np.array([one[column] for one in drawn]).T
        assert effects.std(ddof=1) <= 1.3 * errors.mean() + 1e-9, column


def test_an_explanation_is_quick_enough_for_a_page(bundle: Bundle) -> None:
    explainer = Explainer(bundle)
    explainer.moved(bundle.golden.rows[0])
    seconds = []
    for row in bundle.golden.rows[:5]:
        start = time.process_time()
        explainer.moved(row)
        seconds.append(time.process_time() - start)

    assert min(seconds) < 0.1  # 25 ms on a quiet core
