from functools import partial

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from holdfast import estimators
from holdfast.features import Featurizer
from holdfast.params import Params, Train

FEATURIZER = Featurizer(numbers=["first", "second"], categories=["code"], times=[], max_categories=254)


@pytest.fixture
def settings(params: Params) -> Train:
    boosting = params.train.gradient_boosting.model_copy(
        update={"max_iterations": 20, "max_leaf_nodes": [3, 7], "min_samples_leaf": 5}
    )
    return params.train.model_copy(update={"gradient_boosting": boosting})


def draw(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw a category of five codes, some missing, and two numbers, one with gaps; all of them matter."""
    random = np.random.default_rng(seed)
    codes = random.integers(0, 5, rows).astype("float64")
    first, second = random.normal(size=(2, rows))
    chance = 1 / (1 + np.exp(-(np.array([-2, -1, 0, 1, 2])[codes.astype(int)] + first + second)))
    target = (random.random(rows) < chance).astype("int8")
    codes[random.random(rows) < 0.05] = np.nan
    second[random.random(rows) < 0.3] = np.nan
    return np.column_stack([codes, first, second]), target


def test_boosting_without_the_encoder_scores_as_scikit_learn_does_with_it() -> None:
    features, target = draw(2_000, seed=0)
    options = {"categorical_features": [0], "max_iter": 30, "early_stopping": False, "random_state": 0}

    ours = estimators.CodedBoosting(**options).fit(features, target)
    theirs = HistGradientBoostingClassifier(**options).fit(features, target)

    fresh, _ = draw(2_000, seed=1)
    assert ours.predict_proba(fresh).tobytes() == theirs.predict_proba(fresh).tobytes()


def test_codes_with_gaps_are_our_bug() -> None:
    features, target = draw(500, seed=0)

    with pytest.raises(ValueError, match="coded from 0 without gaps"):
        estimators.CodedBoosting(categorical_features=[0], max_iter=2).fit(features * 2, target)


def test_row_local_logistic_scores_as_scikit_learn_does() -> None:
    features, target = draw(2_000, seed=0)
    features = np.nan_to_num(features)
    options = {"solver": "newton-cholesky", "tol": 1e-8}

    ours = estimators.RowLocalLogistic(**options).fit(features, target)
    theirs = LogisticRegression(**options).fit(features, target)

    np.testing.assert_allclose(ours.predict_proba(features), theirs.predict_proba(features), atol=1e-8)
    alone = np.vstack([ours.predict_proba(features[[place]]) for place in range(len(features))])
    assert alone.tobytes() == ours.predict_proba(features).tobytes()


@pytest.mark.parametrize("estimator", ["gradient_boosting", "logistic"])
def test_the_choice_has_the_least_loss_on_the_validation_rows(settings: Train, estimator: str) -> None:
    settings = settings.model_copy(update={"estimator": estimator})
    train, validation = draw(2_000, seed=0), draw(1_000, seed=1)
    make = partial(estimators.build, settings, featurizer=FEATURIZER, seed=0)

    choice = estimators.choose(make, settings, train, validation)

    again = make(choice.settings).fit(*train)
    loss = log_loss(validation[1], again.predict_proba(validation[0])[:, 1])
    assert loss == pytest.approx(choice.tried["log_loss"].min(), abs=1e-6)
    assert len(choice.tried) == (2 if estimator == "gradient_boosting" else 3)
    assert choice.threshold is not None
    assert 0.3 < choice.threshold < 0.7
    assert loss < 0.6


def test_boosting_stops_before_it_learns_the_training_rows_by_heart(settings: Train) -> None:
    boosting = settings.gradient_boosting.model_copy(update={"max_iterations": 200, "learning_rate": [0.5]})
    settings = settings.model_copy(update={"gradient_boosting": boosting})
    make = partial(estimators.build, settings, featurizer=FEATURIZER, seed=0)

    choice = estimators.choose(make, settings, draw(500, seed=0), draw(500, seed=1))

    assert choice.settings["max_iter"] < 50
