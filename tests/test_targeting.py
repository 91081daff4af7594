"""Which column is the target, as what, and which label is the positive one."""

from typing import Any

import pandas as pd
import pytest

from holdfast import guessing, targeting
from holdfast.errors import UserError
from holdfast.targeting import Kind, Outcome


def chosen(columns: dict[str, Any], target: str | None = None, kind: Kind | None = None) -> Outcome:
    return targeting.choose(guessing.table(pd.DataFrame(columns), ","), target, kind)


A = [1.5, 2.5, 3.5] * 10


@pytest.mark.parametrize(
    ("names", "expected", "why"),
    [
        (["x", "Survived", "z"], "Survived", "by its name"),
        (["label", "target", "z"], "target", "by its name"),
        (["is_churned", "x", "z"], "is_churned", "by its name"),
        (["customer y", "x", "z"], "z", "the last column, for none has the name of a target"),
    ],
)
def test_the_target_is_found_by_its_name_or_is_the_last_column(names: list[str], expected: str, why: str) -> None:
    found = chosen(dict.fromkeys(names, A))

    assert found.name == expected
    assert found.why.startswith(why)


def test_a_column_that_is_named_is_the_target() -> None:
    assert chosen({"x": A, "target": A}, "x").name == "x"


def test_a_last_column_that_tells_nothing_is_not_the_target() -> None:
    assert chosen({"x": A, "nothing": [None] * 30}).name == "x"


@pytest.mark.parametrize(
    ("values", "kind", "labels"),
    [
        (["no", "yes"] * 15, "binary", ("no", "yes")),
        ([0, 1] * 15, "binary", ("0", "1")),
        ([True, False] * 15, "binary", ("false", "true")),
        (["c", "a", "b"] * 10, "classes", ("a", "b", "c")),
        ([10, 9, 8] * 10, "classes", ("8", "9", "10")),
        (list(range(30)), "number", ()),
        ([0.5, 1.5, 2.5] * 10, "number", ()),
    ],
)
def test_the_kind_follows_from_the_values(values: list[Any], kind: str, labels: tuple[str, ...]) -> None:
    found = chosen({"x": A, "target": values})

    assert (found.kind, found.labels) == (kind, labels)


@pytest.mark.parametrize(
    ("labels", "positive"),
    [
        (["No", "Yes"], "Yes"),
        (["Nein", "Ja"], "Ja"),
        (["Non", "Oui"], "Oui"),
        (["benign", "malignant"], "malignant"),
        (["late", "on_time"], "late"),
        (["good", "broken"], "broken"),
        (["-1", "1"], "1"),
        (["0", "1"], "1"),
        (["1", "0"], "1"),
        (["Y", "N"], "Y"),
        (["t", "f"], "t"),
        # The rarer one, which comes first here.
        (["<=50K", ">50K"], "<=50K"),
        (["2", "1"], "2"),  # 1 for a good customer and 2 for a bad one
        (["1", "2"], "1"),
        (["0", "2"], "0"),
        (["-1", "0"], "-1"),
        (["f", "m"], "f"),
        (["x", "y"], "x"),
    ],
)
def test_the_positive_label_is_known_by_its_name_or_is_the_rarer_one(labels: list[str], positive: str) -> None:
    found = chosen({"x": A, "target": [labels[0]] * 10 + [labels[1]] * 20})

    assert found.positive == positive
    assert found.labels[-1] == positive
    assert f"positive is '{positive}'" in found.why


def test_a_person_can_say_what_the_target_is() -> None:
    assert chosen({"x": A, "target": [3, 4, 5] * 10}, kind="number").kind == "number"
    assert chosen({"x": A[:12] * 3, "target": list(range(12)) * 3}, kind="classes").kind == "classes"
    assert chosen({"x": A, "target": [0, 1] * 15}, kind="classes").labels == ("0", "1")


def test_few_rows_of_a_label_and_rows_without_one_are_told() -> None:
    found = chosen({"x": A, "target": ["good"] * 24 + ["broken"] * 4 + [None] * 2})

    assert found.notes[0] == "2 rows have no value: they stay in the data, and are dropped before training"
    assert any(note.startswith("only 4 rows of 'broken'") for note in found.notes)


@pytest.mark.parametrize(
    ("columns", "target", "kind", "message"),
    [
        ({"x": A}, "y", None, "--target: found no column 'y'"),
        ({"size": A, "x": A}, "sise", None, "did you mean 'size'"),
        ({"x": A, "y": [5] * 30}, "y", None, "found only '5' in it, expected at least two values"),
        ({"x": A, "y": [None] * 30}, "y", None, "found no value in it"),
        ({"x": A, "y": pd.date_range("2024", periods=30)}, "y", None, "found times, expected labels or numbers"),
        ({"x": A, "y": ["a", "b", "c"] * 10}, "y", "number", "--kind number: found words in y, such as 'a'"),
        ({"x": A, "y": ["a", "b", "c"] * 10}, "y", "binary", "--kind binary: found 3 different values"),
        ({"x": A * 4, "y": [f"w{n}" for n in range(60)] * 2}, "y", None, "found 60 different values, expected 50 at most"),
        ({"x": A, "y": ["yes"] * 28 + ["no"] * 2}, "y", None, "found 2 rows of 'no', expected 3 at least"),
    ],
)  # fmt: skip
def test_what_cannot_be_predicted_is_refused_with_a_remedy(
    columns: dict[str, Any], target: str, kind: Kind | None, message: str
) -> None:
    with pytest.raises(UserError, match=message) as refused:
        chosen(columns, target, kind)

    assert refused.value.fix
