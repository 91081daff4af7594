"""The example's source: what a row may know, and the future test."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from holdfast.params import Params
from holdfast.sources import nycflights
from holdfast.sources.nycflights import Upstream

DAYS = 12
PERTURBATIONS = 201


@pytest.fixture(scope="module")
def upstream() -> Upstream:
    return nycflights.read()


@pytest.fixture(scope="module")
def all_rows(upstream: Upstream, params: Params) -> pd.DataFrame:
    return nycflights.build(upstream, params.ingest)


def some_days(upstream: Upstream, month: int, first: int) -> Upstream:
    """Cut the upstream tables to some days of one month: small enough to build hundreds of times."""
    flights, weather = (
        table[(table["month"] == month) & table["day"].between(first, first + DAYS)].reset_index(drop=True)
        for table in (upstream.flights, upstream.weather)
    )
    return replace(upstream, flights=flights, weather=weather)


def utc(times: pd.Series) -> pd.Series:
    return times.dt.tz_convert("UTC").dt.as_unit("us")


def scheduled(flights: pd.DataFrame) -> pd.Series:
    """The scheduled departure, worked out again from the published columns."""
    local = pd.to_datetime(flights[["year", "month", "day", "hour", "minute"]])
    return utc(local.dt.tz_localize("America/New_York"))


def perturbed(upstream: Upstream, now: pd.Timestamp, random: np.random.Generator) -> Upstream:
    """Change about half of all that became known after `now`, at random, and nothing that was known by then.

    A departure becomes known when the plane leaves; that it has not left yet is known at any time. An arrival
    becomes known when the plane lands, a weather observation at its hour.
    """
    flights, weather = upstream.flights.copy(), upstream.weather.copy()
    due = scheduled(flights)
    left = due + pd.to_timedelta(flights["dep_delay"], unit="min")

    later = (~(left <= now)).to_numpy() & (random.random(len(flights)) < 0.5)
    wait = ((now - due).dt.total_seconds() // 60).clip(lower=-30).to_numpy()[later]
    flights.loc[later, "dep_delay"] = wait + 1 + random.integers(0, 500, later.sum())
    flights.loc[later, "dep_time"] = 1200.0
    cancelled = later & (random.random(len(flights)) < 0.3)
    flights.loc[cancelled, ["dep_delay", "dep_time", "arr_delay"]] = np.nan

    in_the_air = (~(left + pd.to_timedelta(flights["air_time"], unit="min") <= now)).to_numpy()
    moved = in_the_air & (random.random(len(flights)) < 0.5)
    flights.loc[moved, ["arr_delay", "arr_time", "air_time"]] = random.integers(-60, 600, (moved.sum(), 3)).astype(
        float
    )

    unseen = (pd.to_datetime(weather["time_hour"], utc=True) > now).to_numpy() & (random.random(len(weather)) < 0.5)
    for column in nycflights.WEATHER:
        weather.loc[unseen, column] = random.integers(0, 30, unseen.sum()).astype(float)
    dropped = unseen & (random.random(len(weather)) < 0.3)
    return replace(upstream, flights=flights, weather=weather[~dropped])


@pytest.mark.no_cover
@pytest.mark.parametrize("times", [8, pytest.param(PERTURBATIONS // 3, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("month", "first"), [(3, 4), (6, 20), (10, 26)], ids=["spring-clock", "storms", "autumn-clock"]
)
def test_nothing_that_became_known_later_changes_a_row(
    upstream: Upstream, params: Params, month: int, first: int, times: int
) -> None:
    small = some_days(upstream, month, first)
    before = nycflights.build(small, params.ingest)
    moment = utc(before["scheduled_departure"]) - pd.Timedelta(hours=params.ingest.horizon_hours)
    random = np.random.default_rng([month, first])
    inputs, changed_later = before.drop(columns="arrival"), 0

    for _ in range(times):
        now = moment.iloc[random.integers(len(moment))]
        after = nycflights.build(perturbed(small, now, random), params.ingest)

        known = (moment <= now).to_numpy()
        pd.testing.assert_frame_equal(inputs[known], after.drop(columns="arrival")[known])
        changed_later += not inputs[~known].equals(after.drop(columns="arrival")[~known])

    assert changed_later > times * 0.8  # the perturbations do reach the rows that may see them


def test_the_future_test_notices_a_window_that_ends_one_hour_late(upstream: Upstream, params: Params) -> None:
    small = some_days(upstream, month=6, first=20)
    leaky = params.ingest.model_copy(update={"horizon_hours": params.ingest.horizon_hours - 1})
    before = nycflights.build(small, leaky)
    moment = utc(before["scheduled_departure"]) - pd.Timedelta(hours=params.ingest.horizon_hours)
    now = moment.iloc[len(moment) // 2]

    after = nycflights.build(perturbed(small, now, np.random.default_rng(0)), leaky)

    known = (moment <= now).to_numpy()
    assert not before[known].drop(columns="arrival").equals(after[known].drop(columns="arrival"))


def test_the_state_of_the_airport_is_what_a_slow_count_gives(upstream: Upstream, params: Params) -> None:
    small = some_days(upstream, month=6, first=20)
    rows = nycflights.build(small, params.ingest).set_index("flight_id")
    flights = small.flights.assign(due=scheduled(small.flights))
    flights["left"] = flights["due"] + pd.to_timedelta(flights["dep_delay"], unit="min")

    for name in rows.sample(60, random_state=0).index:
        row = rows.loc[name]
        now = row["scheduled_departure"].tz_convert("UTC") - pd.Timedelta(hours=2)
        here = flights[flights["origin"] == row["origin"]]
        window = pd.Timedelta(hours=3)
        left = here[(here["left"] > now - window) & (here["left"] <= now)]
        overdue = here[(here["due"] > now - window) & (here["due"] <= now) & ~(here["left"] <= now)]
        assert row["origin_departures"] == len(left)
        assert row["origin_overdue"] == len(overdue)
        np.testing.assert_allclose(row["origin_mean_delay"], left["dep_delay"].mean(), rtol=1e-12)
        np.testing.assert_allclose(row["origin_share_late"], (left["dep_delay"] >= 15).mean() if len(left) else np.nan)


def test_the_weather_is_the_last_observation_before_the_moment(upstream: Upstream, params: Params) -> None:
    small = some_days(upstream, month=11, first=1)  # the night of 3 November has two hours from 1 to 2
    rows = nycflights.build(small, params.ingest)
    observed = small.weather.assign(time=pd.to_datetime(small.weather["time_hour"], utc=True).dt.as_unit("us"))
    rows["moment"] = utc(rows["scheduled_departure"]) - pd.Timedelta(hours=2)

    joined = pd.merge_asof(
        rows.sort_values("moment"), observed[["origin", "time", "temp", "visib"]].sort_values("time"),
        left_on="moment", right_on="time", by="origin", direction="backward", tolerance=pd.Timedelta(hours=3),
    )  # fmt: skip

    np.testing.assert_array_equal(joined["temperature"], joined["temp"])
    np.testing.assert_array_equal(joined["visibility"], joined["visib"])


def test_every_flight_of_the_year_becomes_one_row(upstream: Upstream, all_rows: pd.DataFrame, params: Params) -> None:
    checked = params.data.rows(all_rows, "rows")

    assert len(checked) == len(upstream.flights) == 336_776
    assert checked["flight_id"].is_unique
    assert checked["arrival"].value_counts().to_dict() == {
        "on_time": 247_246, "late": 80_100, "cancelled": 8_255, "diverted": 1_175,
    }  # fmt: skip


def test_scheduled_durations_are_as_long_as_such_flights_take(upstream: Upstream, all_rows: pd.DataFrame) -> None:
    miles_per_hour = all_rows["distance"] / all_rows["scheduled_duration"] * 60
    to_honolulu = all_rows[all_rows["destination"] == "HNL"]

    assert miles_per_hour[all_rows["distance"] > 1_000].between(300, 560).mean() > 0.99
    assert to_honolulu["scheduled_duration"].between(600, 720).all()  # six zones away


def test_months_are_cut_by_the_local_clock(all_rows: pd.DataFrame) -> None:
    months = dict(nycflights.partitions(all_rows))

    assert len(months) == 12
    assert sum(map(len, months.values())) == len(all_rows)
    assert (months["2013-06"]["scheduled_departure"].dt.month == 6).all()
