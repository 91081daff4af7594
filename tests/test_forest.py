"""The flat forest gives the scores of scikit-learn, to the last bit, for whatever trees and features there are."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingClassifier

from holdfast.estimators import CodedBoosting
from holdfast.forest import BLOCK, FEW, LEAVES, Forest
from holdfast.model import Model

WORDS = 40


def fitted(*, categories: int, leaves: int, seed: int, rows: int = 400) -> CodedBoosting:
    """Fit trees on codes of words, some of which are missing, and on numbers, some of which are missing."""
    features, target = drawn(categories, seed, rows)
    settings = {"max_leaf_nodes": leaves, "max_iter": 20, "min_samples_leaf": 3, "early_stopping": False}
    return CodedBoosting(categorical_features=list(range(categories)) or None, **settings).fit(features, target)


def drawn(categories: int, seed: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    codes = random.integers(0, WORDS, (rows, categories)).astype("float64")
    codes[:WORDS] = np.arange(WORDS)[:, None]  # each word at least once: codes have no gaps
    features = np.column_stack([codes, random.normal(size=(rows, 3)).round(1)])
    features[WORDS:][random.random((rows - WORDS, categories + 3)) < 0.1] = np.nan
    signal = np.nansum(features[:, -3:], axis=1) + np.nansum(np.sin(codes), axis=1)
    return features, (signal + random.normal(size=rows) > 0).astype("int8")


def expected(estimator: CodedBoosting, features: np.ndarray) -> bytes:
    return np.ascontiguousarray(estimator.predict_proba(features)[:, 1]).tobytes()


@given(st.integers(0, 3), st.sampled_from([2, 3, 15, 32, 33, LEAVES]), st.integers(0, 2**32 - 1))
def test_any_forest_gives_the_same_bits(categories: int, leaves: int, seed: int) -> None:
    estimator = fitted(categories=categories, leaves=leaves, seed=seed)
    features, _ = drawn(categories, seed + 1, 60)
    features[:5, :categories] = [[WORDS + place] * categories for place in range(5)]  # codes that no training row had

    forest = Forest.of(estimator)

    assert forest is not None
    assert forest.positive(features).tobytes() == expected(estimator, features)


def test_features_on_a_threshold_and_missing_ones_go_the_same_way() -> None:
    estimator = fitted(categories=2, leaves=15, seed=1)
    nodes = np.concatenate([tree.nodes for (tree,) in estimator._predictors])
    thresholds = np.unique(nodes["num_threshold"][(nodes["is_leaf"] == 0) & (nodes["is_categorical"] == 0)])
    cases = [thresholds, np.nextafter(thresholds, np.inf), np.nextafter(thresholds, -np.inf), np.full(3, np.nan)]
    values = np.concatenate(cases)
    features = np.column_stack([np.arange(len(values)) % WORDS, np.full(len(values), np.nan), values, values, values])

    forest = Forest.of(estimator)

    assert forest is not None
    assert forest.positive(features).tobytes() == expected(estimator, features)


def test_a_forest_of_one_leaf_gives_the_base_rate() -> None:
    features, target = drawn(0, 2, 100)
    estimator = CodedBoosting(max_iter=3, min_samples_leaf=100, early_stopping=False).fit(features, target)

    forest = Forest.of(estimator)

    assert forest is not None
    assert forest.positive(features[:3]).tobytes() == expected(estimator, features[:3])


def test_an_estimator_that_it_does_not_know_is_left_to_scikit_learn() -> None:
    features, target = drawn(0, 3, 100)
    threefold = CodedBoosting(max_iter=2, early_stopping=False).fit(features, np.arange(100) % 3)

    many = fitted(categories=0, leaves=LEAVES + 1, seed=3)

    assert Forest.of(many) is None
    assert Forest.of(HistGradientBoostingClassifier(max_iter=2).fit(features, target)) is None
    assert Forest.of(threefold) is None


@pytest.mark.parametrize("count", [1, FEW, FEW + 1, BLOCK + 1])
def test_the_real_model_scores_columns_as_it_scores_tables(
    real_model: Model, holdout: pd.DataFrame, count: int
) -> None:
    rows = holdout.head(count)
    schema = real_model.facts.data
    columns = {name: rows[name].tolist() for name in schema.columns}
    columns[schema.time or ""] = [time.tz_localize(None).to_pydatetime() for time in columns[schema.time or ""]]

    assert real_model.score_columns(columns).tobytes() == real_model.score(rows).tobytes()
