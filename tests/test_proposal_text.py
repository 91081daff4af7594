"""The text of params.yaml with what is proposed in it."""

import math
from typing import Any

import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from conftest import ROOT
from holdfast import proposal_text as text
from holdfast import proposing

PARAMS = (ROOT / "params.yaml").read_text()
DVC = (ROOT / "dvc.yaml").read_text()
WORDS = st.one_of(
    st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=20),
    st.sampled_from(["no", "Yes", "on", "null", "1", "1e5", "0x1F", "12:30", "~", "- a", "a: b", "# x", "'", '"', "y", "=", "2024-01-01"]),
)  # fmt: skip


@pytest.mark.parametrize("content", [PARAMS, DVC, "", "# only a comment\n"])
def test_sections_put_together_are_the_text(content: str) -> None:
    assert text.joined(text.sections(content)) == content


def test_a_section_begins_with_the_comment_above_it() -> None:
    parts = text.sections(PARAMS)

    assert parts["gates"].startswith("# When a model may take the place of another.")
    assert parts["evaluate"].startswith("evaluate:\n")


def test_changing_a_value_changes_its_line_alone() -> None:
    parts = text.sections(PARAMS)

    after = text.changed(parts["gates"], {"gates.slices.rows": 20, "gates.margin": {"rmse": 0.05}})

    before, now = parts["gates"].splitlines(), after.splitlines()
    assert len(before) == len(now)
    assert [line for line, old in zip(now, before, strict=True) if line != old] == [
        "  margin: {rmse: 0.05}  # G2: the whole interval must lie above the champion less this",
        "    rows: 20",
    ]


def test_what_is_empty_is_to_be_filled_in_and_what_is_left_out_says_why() -> None:
    asking = text.written("tags", {"owner": "", "purpose": "to test"}, "For people.", asking=True)
    reasons = text.written("contract", {"besides": ["a", "b"]}, reasons=["empty", "two\nlines # here"])

    assert asking == '# For people.\ntags:\n  owner: ""  # fill in\n  purpose: to test\n\n'
    assert reasons == "contract:\n  besides:\n    - a  # empty\n    - b  # two lines # here\n\n"
    assert yaml.safe_load(reasons) == {"contract": {"besides": ["a", "b"]}}


@given(st.dictionaries(WORDS, st.one_of(WORDS, st.lists(WORDS, max_size=3), st.integers(), st.booleans()), max_size=4))
def test_both_readers_of_the_file_read_what_was_written(content: dict[str, Any]) -> None:
    made = text.written("section", content)

    assert yaml.safe_load(made)["section"] == content
    assert YAML(typ="safe").load(made)["section"] == content


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_both_readers_read_any_number(number: float) -> None:
    made = text.written("section", {"min": number})

    assert yaml.safe_load(made)["section"]["min"] == number
    assert YAML(typ="safe").load(made)["section"]["min"] == number


@given(st.lists(st.floats(-1e12, 1e12), min_size=1))
def test_a_range_holds_what_was_found_and_stays_on_its_side_of_zero(numbers: list[float]) -> None:
    values = pd.Series(numbers)

    low, high = proposing.bounds(values)

    assert low <= values.min() <= values.max() <= high
    assert low < high
    assert low >= 0 or values.min() < 0
    assert high <= 0 or values.max() > 0 or math.isclose(high, 1)


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [([11.03, 14.83], (9.1, 17)), ([0.05, 0.2], (0, 1)), ([1, 100], (0, 150)), ([-5, 5], (-10, 10)), ([7, 7], (0, 14))],
)
def test_a_range_has_slack_and_two_digits(numbers: list[float], expected: tuple[float, float]) -> None:
    assert proposing.bounds(pd.Series(numbers, dtype="float64")) == expected


@pytest.mark.parametrize(
    ("name", "said", "registered"),
    [
        ("petal_length (cm)", "Petal length", "petal-length-cm"),
        ("Größe", "Größe", "gr-e"),
        ("重量", "重量", "model"),
    ],
)
def test_names_are_said_for_people_and_for_the_registry(name: str, said: str, registered: str) -> None:
    assert proposing.humane(name) == said
    assert proposing.slug(name) == registered


def test_of_many_lines_that_go_a_diff_says_only_how_many() -> None:
    before = "".join(f"line {number}\n" for number in range(100))

    found = text.diff("params.yaml", before, "a new line\n")

    assert [line for line in found if line.startswith("-")] == [
        "--- a/params.yaml", *(f"-line {number}" for number in range(5)), "-… 95 more lines go",
    ]  # fmt: skip
    assert found[-1] == "+a new line"
