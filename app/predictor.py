"""Rows to predictions: the score, its label, an id for it, and what of the row the model did not know.

No table is made on the way: the values of each column go into the model as a list. What is predicted is handed to the
prediction log, which takes it or drops it, and to the metrics. Nothing is predicted before the model has given the
golden rows exactly their scores.
"""

import json
import logging
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import numpy as np

from app.columns import Columns, Table
from app.envelope import unique
from app.metrics import Metrics
from app.prediction_log import Record, Recorder
from app.problems import Problem
from app.ranges import is_beyond, spread_of
from app.requests import Reader, Row
from holdfast.bundle import Bundle, kept
from holdfast.errors import UserError
from holdfast.model import Model

Named = dict[int, list[str]]  # columns, by the place of the row


class Prediction(TypedDict):
    """What is said of one row: of classes also the score of each, of a number no label, but a range."""

    row: int
    prediction_id: str
    score: float
    label: NotRequired[str]
    scores: NotRequired[Mapping[str, float]]
    range: NotRequired[tuple[float, float] | None]
    unknown: list[str]
    missing: list[str]
    id: NotRequired[str]
    moved: NotRequired[Sequence[Mapping[str, Any]]]


def known_words(model: Model) -> dict[str, list[str]]:
    """Return the words of each category that the model met in training."""
    words: dict[str, list[str]] = model.pipeline.named_steps["featurizer"].words_
    return words


class Predictor:
    """Scores rows with the model of one bundle, and tells the log and the metrics."""

    def __init__(self, bundle: Bundle, metrics: Metrics, recorder: Recorder | None) -> None:
        self.bundle = bundle
        self.recorder = recorder
        self.ready = False
        self._metrics = metrics
        self._schema = schema = bundle.model.facts.data
        self._known = {name: frozenset(words) for name, words in known_words(bundle.model).items()}
        self._columns = Columns(schema, {})
        self._hidden = frozenset(name for name in [schema.id, *schema.columns] if not self._is_loggable(name))
        metrics.serving(bundle.version, bundle.sha256)

    def rehearse(self, reader: Reader) -> None:
        """Become ready if the golden rows, read as a request is read, get exactly their scores; else log why not."""
        golden = self.bundle.golden
        try:
            self.bundle.prove()
            for first in range(0, len(golden.rows), reader.max_rows):
                part = slice(first, first + reader.max_rows)
                request = reader.read(json.dumps({"rows": golden.rows[part]}).encode())
                tables = [self._columns.of(request.rows), *([request.table] if request.table else [])]
                found = [kept(self.bundle.model.score_columns(table.columns)) for table in tables]
                if any(scores != golden.scores[part] for scores in found):
                    raise UserError("golden rows: found other scores than the evaluation.", fix="run `dvc repro`")
        except UserError as error:
            logging.getLogger(__name__).error("not ready: %s", error.problem, extra={"about": {"fix": error.fix}})
        except Problem as problem:
            logging.getLogger(__name__).error("not ready: golden rows: %s", problem, extra={"about": _first(problem)})
        else:
            self.ready = True

    def predict(
        self, rows: Sequence[Row], *, source: str, numbers: Sequence[int] | None = None, table: Table | None = None
    ) -> list[Prediction]:
        """Return a prediction for each row; the rows have been checked, and `numbers` are their places in a request.

        `table` are the columns of the rows, if there are some already.
        """
        if not rows:
            return []
        columns, missing = table or self._columns.of(rows)
        scores = self.bundle.model.score_columns(columns)
        labels = self.bundle.model.label(scores).astype(str).tolist()
        single = scores if scores.ndim == 1 else scores.max(axis=1)
        unknown = self._unmet(columns)
        called, name = unique(), self._schema.id
        made: list[Prediction] = []
        for place, (row, score, label) in enumerate(zip(rows, single.tolist(), labels, strict=True)):
            number = numbers[place] if numbers is not None else place
            prediction: Prediction = {
                "row": number,
                "prediction_id": f"{called}-{number}",
                "score": score,
                "label": label,
                "unknown": unknown.get(place, []),
                "missing": missing.get(place, []),
            }
            if name in row:
                prediction["id"] = row[name]
            made.append(prediction)
        self._metrics.rows(source, single.tolist(), _count(missing), _count(unknown))
        self._record(rows, made, source)
        self._complete(made, scores)
        return made

    def _complete(self, made: Sequence[Prediction], scores: np.ndarray) -> None:
        """Say what else there is to say of classes, or of numbers."""
        target = self._schema.target
        if target.kind == "classes":
            for prediction, line in zip(made, scores.tolist(), strict=True):
                prediction["scores"] = dict(zip(target.answers, line, strict=True))
        elif target.kind == "number":
            for prediction in made:
                del prediction["label"]
                spread = spread_of(self.bundle.card, prediction["score"])
                known = not is_beyond(self.bundle.card, prediction["score"])
                ends = (spread.low, spread.high) if spread.low is not None and spread.high is not None else None
                prediction["range"] = ends if known else None

    def _unmet(self, columns: Mapping[str, Sequence[Any]]) -> Named:
        """Return the columns whose word the model never met, by the place of the row."""
        unmet = defaultdict(list)
        for name, words in self._known.items():
            if words.issuperset(columns[name]):
                continue
            for place, word in enumerate(columns[name]):
                if word is not None and word not in words:
                    unmet[place].append(name)
        return unmet

    def _record(self, rows: Sequence[Row], made: Sequence[Prediction], source: str) -> None:
        if self.recorder is None:
            return
        now, version, sha256 = time.time(), self.bundle.version, self.bundle.sha256
        self.recorder.put(
            [
                Record(one["prediction_id"], now, version, sha256, source, one["score"], one["label"], self._told(row))
                for row, one in zip(rows, made, strict=True)
            ]
        )
        self._metrics.follow(self.recorder)

    def _told(self, row: Row) -> dict[str, Any]:
        """Return of a row what may be logged."""
        if self._hidden.isdisjoint(row):
            return row
        return {name: value for name, value in row.items() if name not in self._hidden}

    def _is_loggable(self, name: str) -> bool:
        return name in self._schema.columns and self._schema.columns[name].loggable


def _first(problem: Problem) -> dict[str, Any]:
    """Return the first of the mistakes that a problem names, without the value: it may be private."""
    return problem.errors[0].model_dump(exclude_none=True, exclude={"found"}) if problem.errors else {}


def _count(columns: Mapping[int, Sequence[str]]) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for names in columns.values():
        for name in names:
            counts[name] += 1
    return counts
