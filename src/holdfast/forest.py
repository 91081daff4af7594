"""All trees at once: the scores of scikit-learn's gradient boosting, to the last bit, sooner.

Each leaf of a tree is a bit, the first leaf from the left the lowest. A question that is answered with "right" rules
out the leaves on its left. What all answers together leave over is one leaf: the first whose bit is still set. Which
leaves the answers to all questions about one feature leave over, in all trees, depends only on where its value lies
among the thresholds that are asked, so that is a line of a table. A row looks up one line a feature and joins them. The
values of its leaves are added up in scikit-learn's own order, from the baseline on, so that the sum has the same bits.

Source: Lucchese and others, QuickScorer: a fast algorithm to rank documents with additive ensembles of trees (2015).
"""

from bisect import bisect_left
from typing import Any, NamedTuple, Self

import numpy as np
from scipy.special import expit

from holdfast.estimators import CodedBoosting

LEAVES = 64  # of a tree at most: one bit each
FEW = 8  # rows up to which one after the other is faster than all together
CODES = 256  # of words
BLOCK = 1 << 10  # rows that are looked up together, so that what is at work stays near the processor


class Question(NamedTuple):
    """A question of a tree, and the leaves on either side of it."""

    tree: int
    node: Any
    left: int
    right: int


class Feature(NamedTuple):
    """A feature that is asked about: its place, its thresholds (None for words), and the lines of its table.

    Line k of a number is for values above threshold k - 1 and at most threshold k, line k of a word is for code k; the
    last line is for what is missing.
    """

    place: int
    thresholds: list[float] | None
    first: int
    last: int


class Forest:
    """The trees of a fitted `CodedBoosting`."""

    def __init__(self, baseline: float, trees: list[Any], known: np.ndarray, place_of: np.ndarray) -> None:
        leaves = max(tree.get_n_leaf_nodes() for tree in trees)
        self._all = np.uint32(2**32 - 1) if leaves <= 32 else np.uint64(2**64 - 1)
        self._values = np.zeros((len(trees), leaves))
        asked: dict[int, list[Question]] = {}
        for number, tree in enumerate(trees):
            values = list[float]()
            for question in _questions(tree.nodes, number, values):
                asked.setdefault(int(question.node["feature_idx"]), []).append(question)
            self._values[number, : len(values)] = values
        self._baseline = baseline
        self._features, tables, first = [], [], 0
        for place, questions in sorted(asked.items()):
            thresholds = _thresholds(questions)
            words = _codes(known[place_of[place]]) if thresholds is None else None
            lefts = [_goes_left(question, thresholds, words, trees) for question in questions]
            tables.append(_table(questions, lefts, np.full((len(lefts[0]), len(trees)), self._all)))
            self._features.append(Feature(place, thresholds, first, first + len(tables[-1]) - 1))
            first += len(tables[-1])
        self._table = np.concatenate([*tables, np.full((1, len(trees)), self._all)])  # the last line leaves all
        self._sorted = [np.array(feature.thresholds or ()) for feature in self._features]
        self._trees = np.arange(len(trees))
        self._flat, self._leaf = self._values.ravel(), self._trees * leaves - 1023  # where the exponent 0 has 1023

    @classmethod
    def of(cls, estimator: Any) -> Self | None:
        """Return the trees of an estimator; None for one that is not known here."""
        if not isinstance(estimator, CodedBoosting) or estimator.n_trees_per_iteration_ != 1:
            return None
        trees = [tree for (tree,) in estimator._predictors]
        if any(tree.get_n_leaf_nodes() > LEAVES for tree in trees):
            return None
        known, place_of = estimator._bin_mapper.make_known_categories_bitsets()
        return cls(float(estimator._baseline_prediction.item()), trees, known, place_of)

    def positive(self, features: np.ndarray) -> np.ndarray:
        """Return the probability of the positive label.

        Shapes: (n, features) → (n,).
        """
        if len(features) <= FEW:
            return expit(np.array([self._margin(row) for row in features]))
        blocks = [self._margins(features[first : first + BLOCK]) for first in range(0, len(features), BLOCK)]
        return expit(np.concatenate(blocks))

    def _margin(self, row: np.ndarray) -> float:
        """Return the log odds of one row: the same as `_margins` with fewer calls of NumPy."""
        lines = [_line(feature, row[feature.place]) for feature in self._features]
        left = np.bitwise_and.reduce(self._table[[*lines, -1]], axis=0)
        terms = np.empty(len(left) + 1)
        terms[0], terms[1:] = self._baseline, self._flat.take(_exponents(left) + self._leaf)
        return float(terms.cumsum()[-1])

    def _margins(self, features: np.ndarray) -> np.ndarray:
        """Return the log odds of some rows.

        Shapes: (n, features) → (n,).
        """
        left = np.full((len(features), len(self._trees)), self._all)
        line = np.empty_like(left)
        for feature, thresholds in zip(self._features, self._sorted, strict=True):
            lines = _lines(feature, thresholds, features[:, feature.place])
            left &= self._table.take(lines, axis=0, out=line, mode="clip")  # which needs no second buffer
        total = np.full(len(features), self._baseline)
        for value in self._flat.take((_exponents(left) + self._leaf).T):
            total += value
        return total


def _questions(nodes: np.ndarray, tree: int, values: list[float]) -> list[Question]:
    """Return the questions of a tree; the values of its leaves, from left to right, are put into a list."""
    found = list[Question]()

    def leaves(place: int) -> int:
        node = nodes[place]
        if node["is_leaf"]:
            values.append(float(node["value"]))
            return 1 << (len(values) - 1)
        left, right = leaves(int(node["left"])), leaves(int(node["right"]))
        found.append(Question(tree, node, left, right))
        return left | right

    leaves(0)
    return found


def _thresholds(questions: list[Question]) -> list[float] | None:
    if questions[0].node["is_categorical"]:
        return None
    return sorted({float(question.node["num_threshold"]) for question in questions})


def _goes_left(question: Question, thresholds: list[float] | None, words: Any, trees: list[Any]) -> np.ndarray:
    """Return at which lines a question is answered with "left"; a word that no training row had goes as a missing one.

    Shapes: words (CODES,) of bool, those of training rows → (lines of the feature,) of bool.
    """
    node, missing = question.node, bool(question.node["missing_go_to_left"])
    if thresholds is None:
        left = _codes(trees[question.tree].raw_left_cat_bitsets[node["bitset_idx"]]) | (~words & missing)
    else:
        left = np.arange(len(thresholds) + 1) <= bisect_left(thresholds, float(node["num_threshold"]))
    return np.append(left, missing)


def _table(questions: list[Question], lefts: list[np.ndarray], table: np.ndarray) -> np.ndarray:
    """Return which leaves of each tree are left over at each line.

    Shapes: (lines, trees) of bits, all of them set → the same, with those out that the answers rule out.
    """
    bits = table.dtype.type
    for question, left in zip(questions, lefts, strict=True):
        table[:, question.tree] &= np.where(left, ~bits(question.right), ~bits(question.left))
    return table


def _line(feature: Feature, value: float) -> int:
    """Return which line of the table a value looks up."""
    if value != value:
        return feature.last
    if feature.thresholds is None:
        return feature.first + int(value) if 0 <= value < CODES else feature.last
    return feature.first + bisect_left(feature.thresholds, value)


def _lines(feature: Feature, thresholds: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return which line of the table each value looks up.

    Shapes: thresholds of a number (k,), values (n,) → (n,).
    """
    if feature.thresholds is None:
        known = (values >= 0) & (values < CODES)
        return np.where(known, feature.first + np.where(known, values, 0).astype("intp"), feature.last)
    return np.where(np.isnan(values), feature.last, feature.first + np.searchsorted(thresholds, values))


def _exponents(bits: np.ndarray) -> np.ndarray:
    """Return the place of the lowest bit that is set, plus 1023: a power of two has it in its exponent."""
    alone = (bits & (~bits + bits.dtype.type(1))).astype("float64")
    return alone.view("int64") >> 52


def _codes(bitset: np.ndarray) -> np.ndarray:
    """Return which of the codes are in a set of bits."""
    return np.unpackbits(bitset.astype("<u4").view("uint8"), bitorder="little").astype(bool)
