"""What holds of the features of any rows: by the schema of this repository and by drawn ones, on values nobody expects.

Each column repeats a few drawn values, so that training and later rows have some in common and some not.
"""

import sys
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone

from conftest import ROOT
from holdfast.features import Featurizer
from holdfast.params import load as load_params
from holdfast.schema import Category, Number, Schema, Time
from holdfast.targets import BinaryTarget

pytestmark = pytest.mark.no_cover  # to measure takes longer than to run, and test_features.py covers the same lines

REAL = load_params(ROOT / "params.yaml").data
TARGET = BinaryTarget(column="target", negative="no", positive="yes")

EXTREMES = (0.0, -0.0, 1e308, -1e308, sys.float_info.max, 5e-324, -5e-324, 2.0**53 + 2, np.nan)
# New York's clocks go forward at 07:00 UTC in March and back at 06:00 UTC in November; leap days; ends of years.
MOMENTS = (
    datetime(2013, 3, 10, 6, 59), datetime(2013, 3, 10, 7), datetime(2013, 11, 3, 5, 30), datetime(2013, 11, 3, 6, 30),
    datetime(2012, 2, 29, 12), datetime(2000, 2, 29, 23, 59, 59), datetime(2013, 1, 1, 4, 59), datetime(2013, 1, 1, 5),
)  # fmt: skip
ZONES = ("America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC", None)

numbers = st.sampled_from(EXTREMES) | st.floats(allow_infinity=False)
words = st.sampled_from(["a", "b", "ß", "", "東京"]) | st.text(max_size=3) | st.none()
moments = st.sampled_from(MOMENTS) | st.datetimes(datetime(1970, 1, 2), datetime(2037, 12, 30))

columns = st.one_of(
    st.just(Number(kind="number", label="Number", nullable=True)),
    st.just(Category(kind="category", label="Category", nullable=True)),
    st.sampled_from(ZONES).map(lambda zone: Time(kind="time", label="Time", zone=zone)),
)
schemas = st.just(REAL) | st.dictionaries(st.text(min_size=1, max_size=3), columns, min_size=1, max_size=5).map(
    lambda drawn: Schema(id="the id", target=TARGET, columns=drawn)
)
seeds = st.integers(0, 2**32 - 1)


@dataclass(frozen=True, repr=False)
class Case:
    """A schema, rows to fit on, and rows that come later."""

    schema: Schema
    train: pd.DataFrame
    rows: pd.DataFrame
    max_categories: int

    def __repr__(self) -> str:
        train, rows = self.train.to_dict("list"), self.rows.to_dict("list")
        return f"Case({train=}, {rows=}, max_categories={self.max_categories})"

    def unfitted(self) -> Featurizer:
        return Featurizer.of(self.schema, self.max_categories)

    def fit(self, rows: pd.DataFrame) -> Featurizer:
        return self.unfitted().fit(self.schema.inputs(rows, "training rows"))

    @cached_property
    def featurizer(self) -> Featurizer:
        return self.fit(self.train)

    def features(self, rows: pd.DataFrame) -> np.ndarray:
        return self.featurizer.transform(self.schema.inputs(rows, "rows"))


@st.composite
def tables(draw: st.DrawFn, schema: Schema, least: int) -> pd.DataFrame:
    rows, random = draw(st.integers(least, 20)), np.random.default_rng(draw(seeds))
    return pd.DataFrame(
        {
            name: draw(values(column)).take(random.integers(0, 3, rows)).reset_index(drop=True)
            for name, column in schema.columns.items()
        }
    )


@st.composite
def values(draw: st.DrawFn, column: Number | Category | Time) -> pd.Series:
    """Draw three values of a kind; a schema limits what training accepts, not what is scored."""
    if isinstance(column, Number):
        return pd.Series(draw(st.tuples(numbers, numbers, numbers)), dtype="float64")
    if isinstance(column, Category):
        known = words if column.values is None else st.sampled_from(column.values) | words
        return pd.Series(draw(st.tuples(known, known, known)), dtype="object")
    times = pd.Series(draw(st.tuples(moments, moments, moments)), dtype="datetime64[us]")
    return times if column.zone is None else times.dt.tz_localize("UTC").dt.tz_convert(column.zone)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    schema = draw(schemas)
    return Case(schema, draw(tables(schema, 1)), draw(tables(schema, 0)), max_categories=draw(st.integers(2, 254)))


def by_hand(case: Case, row: dict[Any, Any]) -> list[float]:
    """Return the features of one row as a reader of the documentation would work them out."""
    known, absent = case.featurizer.words_, case.featurizer.absent_
    codes = [float(known[name].index(row[name])) if row[name] in known[name] else np.nan for name in known]
    measured = [0.0 if name in absent else row[name] for name in case.schema.named(Number)]
    clocks = [clock(row[name], case.schema.columns[name]) for name in case.schema.named(Time)]
    return [*codes, *measured, *(part for one in clocks for part in one)]


def clock(moment: pd.Timestamp, column: Any) -> tuple[float, float]:
    local = moment if column.zone is None else moment.to_pydatetime().astimezone(UTC).astimezone(ZoneInfo(column.zone))
    return float(local.hour * 60 + local.minute), float(local.weekday())


@pytest.mark.slow
@given(cases())
def test_features_are_what_one_would_work_out_by_hand(case: Case) -> None:
    expected = [by_hand(case, row) for row in case.rows.to_dict("records")]

    found = case.features(case.rows)

    assert found.shape == (len(case.rows), len(case.featurizer.names))
    np.testing.assert_array_equal(found, np.reshape(expected, found.shape))
    there = ~np.isnan(found)
    np.testing.assert_array_equal(np.signbit(found[there]), np.signbit(np.reshape(expected, found.shape)[there]))


@pytest.mark.slow
@given(cases(), st.lists(st.integers(0, 20), max_size=5))
def test_any_cut_into_chunks_gives_the_same_bits(case: Case, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(case.rows)) for cut in cuts), len(case.rows)]
    chunks = [case.rows.iloc[start:stop] for start, stop in pairwise(edges)]

    parts = [case.features(chunk) for chunk in chunks]

    assert np.vstack(parts).tobytes() == case.features(case.rows).tobytes()


@pytest.mark.slow
@given(cases(), seeds)
def test_the_order_of_rows_and_columns_and_what_else_is_there_change_no_bit(case: Case, seed: int) -> None:
    random = np.random.default_rng(seed)
    order = random.permutation(len(case.rows))
    shuffled = case.rows.iloc[order, random.permutation(case.rows.shape[1])].assign(**{"another column": "x"})

    assert case.features(shuffled).tobytes() == case.features(case.rows)[order].tobytes()


@given(cases(), seeds)
def test_what_is_learned_does_not_depend_on_the_order_of_the_training_rows(case: Case, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(case.train))

    again = case.fit(case.train.iloc[order])

    assert vars(again) == vars(case.featurizer)


@given(cases())
def test_only_words_of_training_rows_are_known_and_no_more_than_allowed(case: Case) -> None:
    for name, known in case.featurizer.words_.items():
        counts = case.train[name].value_counts()
        assert len(known) == min(len(counts), case.max_categories)
        assert set(known) <= set(counts.index)
        assert counts[known].min() >= counts.drop(known).max() or len(known) == len(counts)


@given(cases())
def test_rows_that_are_transformed_leave_nothing_behind(case: Case) -> None:
    learned, first, rows = deepcopy(vars(case.featurizer)), case.features(case.train), case.rows.copy()

    case.features(case.rows)

    assert vars(case.featurizer) == learned
    assert case.features(case.train).tobytes() == first.tobytes()
    pd.testing.assert_frame_equal(case.rows, rows, check_exact=True)


@given(cases())
def test_a_second_fit_a_clone_and_a_copy_of_the_settings_know_nothing_of_the_first_rows(case: Case) -> None:
    inputs = case.schema.inputs(case.train, "training rows")
    used = case.unfitted().fit(case.schema.inputs(pd.concat([case.train, case.rows]), "rows"))

    cloned, copied = clone(used), Featurizer([], [], [], 2).set_params(**used.get_params())

    assert not hasattr(cloned, "words_")
    assert [vars(one.fit(inputs)) for one in (used, cloned, copied)] == [vars(case.featurizer)] * 3
