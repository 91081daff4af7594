"""Features to score: the estimators that `params.yaml` can choose, and how they are tuned.

Candidates are fitted on the training rows and compared on the validation rows: by log loss, or where a number is
predicted by the root of the mean squared error. The best is fitted again, with everything that was chosen fixed, on
training and validation rows together. The threshold that turns scores into one of two labels is the one with the best
F1 on the validation rows, from the candidate that had not seen them. The holdout plays no part in any of it.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy.special import expit, softmax
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import f1_score, log_loss, root_mean_squared_error
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from holdfast.features import Featurizer
from holdfast.params import Train
from holdfast.targets import Kind

logger = logging.getLogger(__name__)

THRESHOLDS = np.arange(1, 100) / 100
# Losses are compared by six decimals: the last bits, which depend on the processor, should not choose a model.
DECIMALS = 6

LOSSES: dict[Kind, str] = {"binary": "log_loss", "classes": "log_loss", "number": "rmse"}

Settings = dict[str, float | int]


@dataclass(frozen=True)
class Choice:
    """What tuning found: the settings of the best candidate, its threshold if it has one, and all that was tried."""

    settings: Settings
    threshold: float | None
    tried: pd.DataFrame


@dataclass(frozen=True)
class Candidate:
    """Settings with what they gave on the validation rows."""

    settings: Settings
    loss: float
    scores: np.ndarray


class _Coded:
    """Gradient boosting on codes of words, without scikit-learn's own encoder in front.

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
        super().fit(features, target)  # type: ignore[misc]
        if self._preprocessor is not None:
            codes = self._preprocessor.named_transformers_["encoder"].categories_
            if not all(np.array_equal(known[~np.isnan(known)], np.arange(np.sum(~np.isnan(known)))) for known in codes):
                raise ValueError("categories must be coded from 0 without gaps")
            self._preprocessor = None
        self._bin_mapper.n_threads = 1  # how many fitted it is no fact of the model, and must not be in its bytes
        return self


class CodedBoosting(_Coded, HistGradientBoostingClassifier):  # type: ignore[misc]
    """Histogram gradient boosting of labels."""


class CodedRegression(_Coded, HistGradientBoostingRegressor):  # type: ignore[misc]
    """Histogram gradient boosting of a number."""


class _RowLocal:
    """A linear estimator whose score of a row does not depend on the rows beside it.

    A matrix product may add up in another order for one row than for many, or on another processor. Here
    terms are added column by column. For the same reason coefficients are rounded to nine decimals,
    far below their standard error: the bits after that differ between processors.
    """

    coef_: np.ndarray
    intercept_: np.ndarray

    def fit(self, features: np.ndarray, target: np.ndarray) -> Self:
        """Fit, then round."""
        super().fit(features, target)  # type: ignore[misc]
        self.coef_ = np.round(self.coef_, 9)
        self.intercept_ = np.round(self.intercept_, 9)
        return self

    def _sums(self, features: np.ndarray) -> np.ndarray:
        """Return the weighted sums of each row.

        Shapes: (n, features) → (n, lines of `coef_`).
        """
        lines = np.atleast_2d(self.coef_)
        total = np.tile(np.atleast_1d(self.intercept_), (len(features), 1))
        for column, weights in zip(features.T, lines.T, strict=True):
            total += column[:, None] * weights
        return total


class RowLocalLogistic(_RowLocal, LogisticRegression):  # type: ignore[misc]
    """Logistic regression of two labels or more."""

    def decision_function(self, features: np.ndarray) -> np.ndarray:
        """Return the log odds of the positive label, or the sums of each class."""
        sums = self._sums(features)
        return sums[:, 0] if sums.shape[1] == 1 else sums

    def predict_proba(self, features: np.ndarray) -> np.ndarray:
        """Return the scores of each label."""
        sums = self._sums(features)
        if sums.shape[1] > 1:
            return np.asarray(softmax(sums, axis=1))
        positive = expit(sums[:, 0])
        return np.column_stack([1 - positive, positive])


class RowLocalLinear(_RowLocal, Ridge):  # type: ignore[misc]
    """Ridge regression of a number."""

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Return the predicted numbers."""
        return self._sums(features)[:, 0]


def build(train: Train, settings: Settings, featurizer: Featurizer, seed: int, kind: Kind = "binary") -> Any:
    """Make an unfitted estimator for the features of a featurizer."""
    categories, features = len(featurizer.categories), len(featurizer.names)
    if train.estimator != "gradient_boosting":
        last = RowLocalLinear() if kind == "number" else RowLocalLogistic(solver="newton-cholesky", tol=1e-8)
        return _linear(categories, features, train.estimator, last.set_params(**settings))
    boosting = CodedRegression if kind == "number" else CodedBoosting
    return boosting(
        categorical_features=list(range(categories)) or None,
        min_samples_leaf=train.gradient_boosting.min_samples_leaf,
        l2_regularization=train.gradient_boosting.l2_regularization,
        early_stopping=False,
        random_state=seed,
        **settings,
    )


def choose(
    make: Callable[[Settings], Any],
    train: Train,
    fit_on: tuple[Any, np.ndarray],
    judge_on: tuple[Any, np.ndarray],
    kind: Kind = "binary",
) -> Choice:
    """Try every candidate: fit on the training rows, compare on the validation rows.

    `make` turns settings into an unfitted estimator; the pairs are (features, target).
    """
    grid, found, loss = _grid(train), list[Candidate](), LOSSES[kind]
    for number, settings in enumerate(grid, start=1):
        estimator = make(settings).fit(*fit_on)
        best = min(_candidates(estimator, settings, *judge_on, kind), key=lambda candidate: candidate.loss)
        said = f"{_said(best.settings)}: {loss.replace('_', ' ')} {best.loss:.4f}"
        logger.info("candidate %d of %d: %s", number, len(grid), said)
        found.append(best)
    best = min(found, key=lambda candidate: candidate.loss)
    tried = pd.DataFrame([{**candidate.settings, loss: candidate.loss} for candidate in found])
    return Choice(best.settings, _threshold(judge_on[1], best.scores) if kind == "binary" else None, tried)


def _grid(train: Train) -> list[Settings]:
    if train.estimator == "logistic":
        return [{"C": inverse_penalty} for inverse_penalty in train.logistic.inverse_penalty]
    if train.estimator == "linear":
        return [{"alpha": penalty} for penalty in train.linear.penalty]
    boosting = train.gradient_boosting
    return [
        {"learning_rate": rate, "max_leaf_nodes": leaves, "max_iter": boosting.max_iterations}
        for rate, leaves in product(boosting.learning_rate, boosting.max_leaf_nodes)
    ]


def _candidates(
    estimator: Any, settings: Settings, features: Any, target: np.ndarray, kind: Kind
) -> Iterator[Candidate]:
    """Give a candidate for a fitted estimator; for one that has iterations, a candidate after each of them."""
    how = "predict" if kind == "number" else "predict_proba"
    staged = getattr(estimator, f"staged_{how}", None)
    if staged is None:
        yield _candidate(settings, getattr(estimator, how)(features), target, kind)
        return
    for iterations, answers in enumerate(staged(features), start=1):
        yield _candidate({**settings, "max_iter": iterations}, answers, target, kind)


def _candidate(settings: Settings, answers: np.ndarray, target: np.ndarray, kind: Kind) -> Candidate:
    scores = answers[:, 1] if kind == "binary" else answers
    if kind == "number":
        loss = root_mean_squared_error(target, scores)
    else:
        loss = log_loss(target, scores, labels=range(answers.shape[1]))
    return Candidate(settings, round(float(loss), DECIMALS), scores)


def _threshold(target: np.ndarray, scores: np.ndarray) -> float:
    """Return the threshold with the best F1; a row is positive if its score is at least the threshold."""
    f1 = [round(f1_score(target, scores >= threshold, zero_division=0.0), DECIMALS) for threshold in THRESHOLDS]
    return float(THRESHOLDS[int(np.argmax(f1))])


def _linear(categories: int, features: int, name: str, last: Any) -> Pipeline:
    numbers = Pipeline(
        [
            ("impute", SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)),
            ("scale", StandardScaler()),
        ]
    )
    words = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    branches = [("categories", words, range(categories)), ("numbers", numbers, range(categories, features))]
    encode = ColumnTransformer([(name, step, list(columns)) for name, step, columns in branches if columns])
    return Pipeline([("encode", encode), (name, last)])


def _said(settings: Settings) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in settings.items())
