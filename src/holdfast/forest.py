"""A few rows through all trees at once: the scores of scikit-learn's gradient boosting, to the last bit, sooner.

Scikit-learn asks one tree after the other, which takes most of a millisecond however few the rows are. Here the nodes
of all trees lie in a few flat arrays, the questions sorted by the feature that they ask about. For one row all are
answered in one stroke, which makes of each node a pointer to the next; then all trees are stepped down together. The
values of the leaves are added up in scikit-learn's own order, from the baseline on, so that the sum has the same bits.
For many rows scikit-learn is faster.
"""

from itertools import pairwise
from typing import Any, Self

import numpy as np
from scipy.special import expit

from holdfast.estimators import CodedBoosting

FEW = 32  # rows up to which this is faster
CODES = 256  # of words, and one more for a missing or an unknown one


class Forest:
    """The trees of a fitted `CodedBoosting`.

    Nodes are numbered anew: first the questions, by feature, then the leaves, which point to themselves.
    """

    def __init__(self, baseline: float, trees: list[Any], known: np.ndarray, place_of: np.ndarray) -> None:
        nodes = np.concatenate([tree.nodes for tree in trees])
        starts = np.cumsum([0, *(len(tree.nodes) for tree in trees)])
        own = np.repeat(np.arange(len(trees)), np.diff(starts))
        features = np.where(nodes["is_leaf"] == 0, nodes["feature_idx"], np.iinfo("intp").max)
        order = np.argsort(features, kind="stable")
        numbers = np.empty_like(order)
        numbers[order] = np.arange(len(order))
        count = int(np.count_nonzero(nodes["is_leaf"] == 0))
        questions, own = nodes[order[:count]], own[order[:count]]

        self._count = count
        self._first = numbers[starts[:-1]]
        self._left = numbers[starts[own] + questions["left"]]
        self._right = np.arange(len(nodes))
        self._right[:count] = numbers[starts[own] + questions["right"]]
        self._threshold = questions["num_threshold"].copy()
        self._missing_left = questions["missing_go_to_left"].astype(bool)
        self._asked = np.bincount(questions["feature_idx"], minlength=len(place_of))
        ends = np.cumsum(self._asked).tolist()
        self._parts = [slice(start, end) for start, end in pairwise([0, *ends])]
        self._tables = {
            int(feature): _table(trees, questions[part], own[part], known[place_of[feature]])
            for feature in np.unique(questions["feature_idx"][questions["is_categorical"] == 1])
            for part in [self._parts[feature]]
        }
        self._values = np.concatenate([[baseline], nodes["value"][order[count:]]])
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
        left = row.repeat(self._asked) <= self._threshold
        for feature in np.flatnonzero(np.isnan(row)).tolist():
            part = self._parts[feature]
            left[part] = self._missing_left[part]
        for feature, table in self._tables.items():
            code = row[feature]
            left[self._parts[feature]] = table[int(code) if 0 <= code < CODES else CODES]
        following = self._right.copy()
        np.copyto(following[: self._count], self._left, where=left)
        places = self._first
        for _ in range(self._depth):
            places = following[places]
        terms = np.empty(len(places) + 1)
        terms[0], terms[1:] = self._values[0], self._values[places - (self._count - 1)]
        return float(terms.cumsum()[-1])


def _table(trees: list[Any], questions: np.ndarray, own: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return for each code which questions about a feature it goes left at; one that no training row had is missing.

    Shapes: (CODES + 1, questions) of bool.
    """
    table = np.empty((CODES + 1, len(questions)), dtype=bool)
    for place, (question, tree) in enumerate(zip(questions, own, strict=True)):
        missing = bool(question["missing_go_to_left"])
        table[:CODES, place] = _codes(trees[tree].raw_left_cat_bitsets[question["bitset_idx"]])
        table[:CODES, place] |= ~_codes(known) & missing
        table[CODES, place] = missing
    return table


def _codes(bitset: np.ndarray) -> np.ndarray:
    """Return which of the codes are in a set of bits."""
    return np.unpackbits(bitset.astype("<u4").view("uint8"), bitorder="little").astype(bool)
