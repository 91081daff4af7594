"""A few rows through all trees at once: the scores of scikit-learn's gradient boosting, to the last bit, sooner.

Scikit-learn asks one tree after the other, which takes most of a millisecond however few the rows are. Here the nodes
of all trees lie in a few flat arrays. For one row every question of every tree is answered in one stroke, which makes
of each node a pointer to the next; then all trees are stepped down together. The values of the leaves are added up in
scikit-learn's own order, from the baseline on, so that the sum has the same bits. For many rows scikit-learn is faster.
"""

from typing import Any, Self

import numpy as np
from scipy.special import expit

from holdfast.estimators import CodedBoosting

FEW = 16  # rows up to which this is faster
CODES = 256  # of words, and one more for a missing or an unknown one


class Forest:
    """The trees of a fitted `CodedBoosting`.

    Questions are numbered through all trees, and after them the leaves: a leaf points to itself.
    """

    def __init__(self, baseline: float, trees: list[Any], known: np.ndarray, place_of: np.ndarray) -> None:
        nodes = np.concatenate([tree.nodes for tree in trees])
        starts = np.cumsum([0, *(len(tree.nodes) for tree in trees)])
        tree_of = np.repeat(np.arange(len(trees)), np.diff(starts))
        asks = nodes["is_leaf"] == 0
        numbers = np.empty(len(nodes), dtype="intp")
        numbers[asks], numbers[~asks] = np.arange(asks.sum()), asks.sum() + np.arange((~asks).sum())
        questions, own = nodes[asks], tree_of[asks]

        self._next = np.arange(len(nodes))  # the part of the questions is written anew for each row
        self._first = numbers[starts[:-1]]
        self._left = numbers[starts[own] + questions["left"]]
        self._right = numbers[starts[own] + questions["right"]]
        self._feature = questions["feature_idx"].astype("intp")
        self._threshold = questions["num_threshold"].copy()
        self._missing_left = questions["missing_go_to_left"].astype(bool)
        self._words = np.flatnonzero(questions["is_categorical"])
        self._tables = _tables(trees, questions[self._words], own[self._words], known, place_of)
        self._values = np.concatenate([[baseline], nodes["value"][~asks]])
        self._depth = int(nodes["depth"].max())

    @classmethod
    def of(cls, estimator: Any) -> Self | None:
        """Return the trees of an estimator; None for one that is not known here."""
        if not isinstance(estimator, CodedBoosting) or estimator.n_trees_per_iteration_ != 1:
            return None
        known, place_of = estimator._bin_mapper.make_known_categories_bitsets()
        trees = [tree for (tree,) in estimator._predictors]
        return cls(float(estimator._baseline_prediction.item()), trees, known, place_of)

    def positive(self, features: np.ndarray) -> np.ndarray:
        """Return the probability of the positive label.

        Shapes: (n, features) → (n,).
        """
        return expit(np.array([self._margin(row) for row in features]))

    def _margin(self, row: np.ndarray) -> float:
        """Return the log odds of one row."""
        values = row[self._feature]
        left = np.where(np.isnan(values), self._missing_left, values <= self._threshold)
        if len(self._words):
            codes = values[self._words]
            left[self._words] = self._tables[np.arange(len(codes)), np.where(codes >= 0, codes, CODES).astype("intp")]
        following = self._next.copy()
        following[: len(left)] = np.where(left, self._left, self._right)
        places = self._first
        for _ in range(self._depth):
            places = following[places]
        leaves = places - len(left) + 1  # before the leaves' values stands the baseline
        return float(np.cumsum(self._values[np.concatenate([[0], leaves])])[-1])


def _tables(
    trees: list[Any], questions: np.ndarray, own: np.ndarray, known: np.ndarray, place_of: np.ndarray
) -> np.ndarray:
    """Return for each question about words which codes go left; a code that no training row had goes as a missing one.

    Shapes: (questions, CODES + 1) of bool.
    """
    tables = np.empty((len(questions), CODES + 1), dtype=bool)
    for table, question, tree in zip(tables, questions, own, strict=True):
        missing = bool(question["missing_go_to_left"])
        left = _codes(trees[tree].raw_left_cat_bitsets[question["bitset_idx"]])
        table[:CODES] = left | (~_codes(known[place_of[question["feature_idx"]]]) & missing)
        table[CODES] = missing
    return tables


def _codes(bitset: np.ndarray) -> np.ndarray:
    """Return which of the codes are in a set of bits."""
    return np.unpackbits(bitset.astype("<u4").view("uint8"), bitorder="little").astype(bool)
