"""What a target's kind decides: which rows have an answer, what it is to an estimator, what follows from scores."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import TypeAdapter, ValidationError

from holdfast.targets import BinaryTarget, ClassesTarget, NumberTarget, Target

PARSE: TypeAdapter[Target] = TypeAdapter(Target)
CULTIVAR = {"column": "cultivar", "kind": "classes", "values": ["barolo", "grignolino", "barbera"]}
LATE = {"column": "arrival", "negative": "on_time", "positive": "late", "excluded": ["cancelled"]}


def test_without_a_kind_there_are_two_labels() -> None:
    target = PARSE.validate_python(LATE)

    assert isinstance(target, BinaryTarget)
    assert target.labels == ("on_time", "late", "cancelled")
    outcomes = pd.Series(["late", "on_time", "cancelled", None], dtype="str")
    assert target.answered(outcomes).tolist() == [True, True, False, False]
    assert target.encoded(outcomes[:2]).tolist() == [1, 0]
    assert target.predicted(np.array([0.5, 0.4]), 0.5).tolist() == ["late", "on_time"]


def test_classes_are_coded_by_their_place_and_have_a_score_each() -> None:
    target = PARSE.validate_python(CULTIVAR)

    assert isinstance(target, ClassesTarget)
    assert target.score_names == ("score_barolo", "score_grignolino", "score_barbera")
    assert target.encoded(pd.Series(["barbera", "barolo"], dtype="str")).tolist() == [2, 0]
    scores = np.array([[0.2, 0.5, 0.3], [0.4, 0.4, 0.2]])
    assert target.predicted(scores, None).tolist() == ["grignolino", "barolo"]
    table = pd.DataFrame(scores, columns=[*target.score_names])
    assert target.scores_in(table).tolist() == scores.tolist()


def test_a_number_is_its_own_answer() -> None:
    target = PARSE.validate_python({"column": "price", "kind": "number", "unit": "€", "min": 0})

    assert isinstance(target, NumberTarget)
    assert target.labels == target.answers == ()
    assert target.answered(pd.Series([1.5, np.nan])).tolist() == [True, False]
    assert target.predicted(target.encoded(pd.Series([1.5])), None).tolist() == [1.5]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (LATE | {"positive": "on_time"}, "must all differ"),
        (CULTIVAR | {"excluded": ["barolo"]}, "must all differ"),
        (CULTIVAR | {"values": ["barolo"]}, "at least 2 items"),
        (CULTIVAR | {"names": {"barollo": "Barolo"}}, "'barollo' is not among the values.*barolo"),
        ({"column": "price", "kind": "number", "min": 2, "max": 2}, "min 2 is not below max 2"),
        ({"column": "price", "kind": "ordinal"}, "'binary', 'classes', 'number'"),
    ],
)
def test_a_target_that_contradicts_itself_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        PARSE.validate_python(wrong)
