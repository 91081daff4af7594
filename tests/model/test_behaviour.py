"""How the scores of the real model answer to a change of the rows: not at all, or in one direction."""

import sys
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from holdfast.model import Model
from holdfast.params import Params
from holdfast.schema import Number

# More of these is a worse state of the airport; steps in the unit of the column, up to the limit of its schema.
RECENT_DELAYS = {
    "origin_mean_delay": (1, 2, 5, 15, 30, 60, 120, 240),
    "origin_share_late": (0.01, 0.05, 0.1, 0.2, 0.5, 1),
    "origin_overdue": (1, 2, 3, 5, 10, 20, 40),
}
PERTURBED = 500


@pytest.fixture(scope="module")
def scores(real_model: Model, holdout: pd.DataFrame) -> np.ndarray:
    return real_model.score(holdout)


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows.assign(flight_id=rows["flight_id"].str[::-1]),
        lambda rows: rows.drop(columns=["flight_id", "arrival"]),
        lambda rows: rows.assign(arrival="late"),
        lambda rows: rows.assign(wind_gusts=1e9, note="columns that the schema does not have"),
        lambda rows: rows[sorted(map(str, rows), reverse=True)],
        lambda rows: rows.set_index(np.zeros(len(rows))),
    ],
    ids=["flight number", "no id, no target", "target", "more columns", "order of columns", "index"],
)
def test_what_is_no_input_changes_no_bit_of_a_score(
    real_model: Model, holdout: pd.DataFrame, scores: np.ndarray, change: Callable[[pd.DataFrame], pd.DataFrame]
) -> None:
    assert real_model.score(change(holdout)).tobytes() == scores.tobytes()


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_rows_and_any_cut_into_chunks_change_no_bit_of_a_score(
    real_model: Model, holdout: pd.DataFrame, scores: np.ndarray, seed: int
) -> None:
    random = np.random.default_rng(seed)
    order, cuts = random.permutation(len(holdout)), np.sort(random.integers(0, len(holdout), 10))

    parts = [real_model.score(holdout.iloc[places]) for places in np.split(order, cuts)]

    assert np.concatenate(parts).tobytes() == scores[order].tobytes()


@pytest.mark.parametrize("column", RECENT_DELAYS)
def test_more_recent_delays_at_the_origin_never_lower_the_mean_score(
    real_model: Model, holdout: pd.DataFrame, column: str
) -> None:
    """Trees promise it of no single row, nor does a step further always add to a step; of the mean it holds."""
    rows = holdout.sample(PERTURBED, random_state=0)
    before = real_model.score(rows).mean()

    for step in RECENT_DELAYS[column]:
        after = real_model.score(worse(rows, real_model, {column: step})).mean()

        assert after >= before, f"{column} + {step}: the mean score sinks from {before:.6f} to {after:.6f}"


def test_all_recent_delays_together_raise_the_mean_score_more_than_each_alone(
    real_model: Model, holdout: pd.DataFrame
) -> None:
    rows = holdout.sample(PERTURBED, random_state=1)
    steps = {column: sizes[4] for column, sizes in RECENT_DELAYS.items()}

    together = real_model.score(worse(rows, real_model, steps)).mean()

    assert all(together > real_model.score(worse(rows, real_model, {name: steps[name]})).mean() for name in steps)


def worse(rows: pd.DataFrame, model: Model, steps: dict[str, float]) -> pd.DataFrame:
    """Return rows whose airport is worse off by some steps; what is missing stays missing."""
    columns = model.facts.data.columns
    limits = {name: column.max for name, column in columns.items() if isinstance(column, Number)}
    return rows.assign(**{name: (rows[name] + step).clip(upper=limits[name]) for name, step in steps.items()})


@pytest.mark.parametrize("value", [1e308, -1e308, sys.float_info.max, 5e-324, -0.0, np.nan])
def test_extreme_and_missing_values_get_a_score_too(
    real_model: Model, holdout: pd.DataFrame, params: Params, value: float
) -> None:
    rows = holdout.head(50)
    numbers = params.data.named(Number)

    for changed in ([name] for name in numbers), [numbers]:
        for names in changed:
            found = real_model.score(rows.assign(**dict.fromkeys(names, value)))
            assert ((found > 0) & (found < 1)).all(), names


def test_words_that_no_training_row_had_get_a_score_as_missing_ones_do(
    real_model: Model, holdout: pd.DataFrame
) -> None:
    unknown, missing = (
        real_model.score(holdout.head(500).assign(carrier=word, destination=word)) for word in ("??", None)
    )

    assert unknown.tobytes() == missing.tobytes()
    assert len(np.unique(unknown)) > 100
