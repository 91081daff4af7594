"""Features to score: the estimators that `params.yaml` can choose, and how they are tuned.

Candidates are fitted on the training rows and compared by log loss on the validation rows. The best is
fitted again, with everything that was chosen fixed, on training and validation rows together. The
threshold that turns scores into labels is the one with the best F1 on the validation rows, from
the candidate that had not seen them. The holdout plays no part in any of it.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, log_loss
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from holdfast.features import Featurizer
from holdfast.params import Train

logger = logging.getLogger(__name__)

THRESHOLDS = np.arange(1, 100) / 100
# Losses are compared by six decimals: the last bits, which depend on the processor, should not choose a model.
DECIMALS = 6

Settings = dict[str, float | int]


@dataclass(frozen=True)
class Choice:
    """What tuning found: the settings of the best candidate, its threshold, and everything that was tried."""

    settings: Settings
    threshold: float
    tried: pd.DataFrame


@dataclass(frozen=True)
class Candidate:
    """Settings with what they gave on the validation rows."""

    settings: Settings
    log_loss: float
    scores: np.ndarray


class CodedBoosting(HistGradientBoostingClassifier):  # type: ignore[misc]
    """Histogram gradient boosting on codes of words, without scikit-learn's own encoder in front.

    The featurizer gives codes from 0 without gaps, before all other features. For such codes the encoder
    that scikit-learn fits changes nothing, but costs time at every score, and to load it from a
    file would mean to trust `functools.partial`, which can call anything.
    """

    _preprocessor: Any
    _bin_mapper: Any

    def fit(self, features: np.ndarray, target: np.ndarray) -> Self:
        """Fit, then drop the encoder, once it is certain that it changes nothing.

        Raises: ValueError where the codes have gaps.
        """
        super().fit(features, target)
        if self._preprocessor is not None:
            codes = self._preprocessor.named_transformers_["encoder"].categories_
            if not all(np.array_equal(known[~np.isnan(known)], np.arange(np.sum(~np.isnan(known)))) for known in codes):
                raise ValueError("categories must be coded from 0 without gaps")
            self._preprocessor = None
        self._bin_mapper.n_threads = 1  # how many fitted it is no fact of the model, and must not be in its bytes
        return self


class RowLocalLogistic(LogisticRegression):  # type: ignore[misc]
    """Logistic regression whose score of a row does not depend on the rows beside it.

    A matrix product may add up in another order for one row than for many, or on another processor. Here
    terms are added column by column. For the same reason coefficients are rounded to nine decimals,
    far below their standard error: the bits after that differ between processors.
    """

    coef_: np.ndarray
    intercept_: np.ndarray

    def fit(self, features: np.ndarray, target: np.ndarray) -> Self:
        """Fit, then round."""
        super().fit(features, target)
        self.coef_ = np.round(self.coef_, 9)
        self.intercept_ = np.round(self.intercept_, 9)
        return self

    def decision_function(self, features: np.ndarray) -> np.ndarray:
        """Return the log odds of the positive label."""
        total = np.full(len(features), self.intercept_[0])
        for column, weight in zip(features.T, self.coef_[0], strict=True):
            total += column * weight
        return total

    def predict_proba(self, features: np.ndarray) -> np.ndarray:
        """Return the scores of the negative and of the positive label."""
        positive = expit(self.decision_function(features))
        return np.column_stack([1 - positive, positive])


def build(train: Train, settings: Settings, featurizer: Featurizer, seed: int) -> Any:
    """Make an unfitted estimator for the features of a featurizer."""
    categories, features = len(featurizer.categories), len(featurizer.names)
    if train.estimator == "logistic":
        return _logistic(categories, features).set_params(
            **{f"logistic__{name}": value for name, value in settings.items()}
        )
    return CodedBoosting(
        categorical_features=list(range(categories)) or None,
        min_samples_leaf=train.gradient_boosting.min_samples_leaf,
        l2_regularization=train.gradient_boosting.l2_regularization,
        early_stopping=False,
        random_state=seed,
        **settings,
    )


def choose(
    make: Callable[[Settings], Any], train: Train, fit_on: tuple[Any, np.ndarray], judge_on: tuple[Any, np.ndarray]
) -> Choice:
    """Try every candidate: fit on the training rows, compare on the validation rows.

    `make` turns settings into an unfitted estimator; the pairs are (features, target).
    """
    grid, found = _grid(train), list[Candidate]()
    for number, settings in enumerate(grid, start=1):
        estimator = make(settings).fit(*fit_on)
        best = min(_candidates(estimator, settings, *judge_on), key=lambda candidate: candidate.log_loss)
        logger.info("candidate %d of %d: %s: log loss %.4f", number, len(grid), _said(best.settings), best.log_loss)
        found.append(best)
    best = min(found, key=lambda candidate: candidate.log_loss)
    tried = pd.DataFrame([{**candidate.settings, "log_loss": candidate.log_loss} for candidate in found])
    return Choice(best.settings, _threshold(judge_on[1], best.scores), tried)


def _grid(train: Train) -> list[Settings]:
    if train.estimator == "logistic":
        return [{"C": inverse_penalty} for inverse_penalty in train.logistic.inverse_penalty]
    boosting = train.gradient_boosting
    return [
        {"learning_rate": rate, "max_leaf_nodes": leaves, "max_iter": boosting.max_iterations}
        for rate, leaves in product(boosting.learning_rate, boosting.max_leaf_nodes)
    ]


def _candidates(estimator: Any, settings: Settings, features: Any, target: np.ndarray) -> Iterator[Candidate]:
    """Give a candidate for a fitted estimator; for one that has iterations, a candidate after each of them."""
    if not hasattr(estimator, "staged_predict_proba"):
        scores = estimator.predict_proba(features)[:, 1]
        yield Candidate(settings, round(log_loss(target, scores), DECIMALS), scores)
        return
    for iterations, probabilities in enumerate(estimator.staged_predict_proba(features), start=1):
        scores = probabilities[:, 1]
        yield Candidate({**settings, "max_iter": iterations}, round(log_loss(target, scores), DECIMALS), scores)


def _threshold(target: np.ndarray, scores: np.ndarray) -> float:
    """Return the threshold with the best F1; a row is positive if its score is at least the threshold."""
    f1 = [round(f1_score(target, scores >= threshold, zero_division=0.0), DECIMALS) for threshold in THRESHOLDS]
    return float(THRESHOLDS[int(np.argmax(f1))])


def _logistic(categories: int, features: int) -> Pipeline:
    numbers = Pipeline(
        [
            ("impute", SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)),
            ("scale", StandardScaler()),
        ]
    )
    words = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    branches = [("categories", words, range(categories)), ("numbers", numbers, range(categories, features))]
    encode = ColumnTransformer([(name, step, list(columns)) for name, step, columns in branches if columns])
    return Pipeline([("encode", encode), ("logistic", RowLocalLogistic(solver="newton-cholesky", tol=1e-8))])


def _said(settings: Settings) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in settings.items())
