"""The committed data keeps its contract, and every kind of corruption is caught by the expectation named for it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from conftest import ROOT
from holdfast import files
from holdfast.contract import expectations
from holdfast.expectations import check
from holdfast.params import Params
from holdfast.schema import Category, Number

MONTH = "2013-02"
Change = Callable[[pd.DataFrame], pd.DataFrame]


@dataclass(frozen=True)
class Corruption:
    """What happens to a good month, the expectation that must catch it, and what it finds."""

    name: str
    change: Change
    caught_by: str
    found: str | None = None


@pytest.fixture(scope="module")
def good() -> pd.DataFrame:
    return files.read(ROOT / "data" / "flights" / f"{MONTH}.parquet")


def on(column: str, change: Callable[[pd.Series], Any]) -> Change:
    return lambda frame: frame.assign(**{column: change(frame[column])})


def words(column: str, value: str | None, rows: int = 1) -> Change:
    return on(column, lambda values: values.where(np.arange(len(values)) >= rows, value))


def numbers(column: str, value: float, share: float = 0.0) -> Change:
    """Put a number into the first row, or into a share of the rows."""
    return on(column, lambda values: values.where(np.arange(len(values)) >= max(1, round(share * len(values))), value))


def shifted(**by: Any) -> Change:
    return on("scheduled_departure", lambda times: times + pd.Timedelta(**by))


def swapped(frame: pd.DataFrame) -> pd.DataFrame:
    order = np.arange(len(frame))
    order[[100, 20_000]] = order[[20_000, 100]]
    return frame.iloc[order]


def twin(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([frame, frame[["humidity"]]], axis=1)


def only_delays(frame: pd.DataFrame) -> pd.DataFrame:
    known = np.flatnonzero(frame["origin_mean_delay"].notna())[:7]
    return frame.assign(origin_share_late=frame["origin_share_late"].where(~frame.index.isin(known)))


CORRUPTIONS = [
    # The table
    Corruption("no rows", lambda f: f.head(0), "rows", "0 rows"),
    Corruption("half of the rows", lambda f: f.head(12_000), "rows", "12,000 rows"),
    Corruption("every row twice", lambda f: pd.concat([f, f], ignore_index=True), "rows", "49,902 rows"),
    Corruption("a column is gone", lambda f: f.drop(columns="distance"), "columns", "'distance' missing"),
    Corruption("the target is gone", lambda f: f.drop(columns="arrival"), "columns", "'arrival' missing"),
    Corruption("the id is gone", lambda f: f.drop(columns="flight_id"), "columns", "'flight_id' missing"),
    Corruption("the time is gone", lambda f: f.drop(columns="scheduled_departure"), "columns", "'scheduled_departure' missing"),
    Corruption("a column is new", lambda f: f.assign(arrival_delay=1.0), "columns", "'arrival_delay' not expected"),
    Corruption("a column is renamed", lambda f: f.rename(columns={"origin": "from"}), "columns", "'origin' missing and 'from' not expected"),
    Corruption("a name has a blank", lambda f: f.rename(columns={"carrier": "carrier "}), "columns"),
    Corruption("a name has capitals", lambda f: f.rename(columns={"carrier": "Carrier"}), "columns"),
    Corruption("a column is there twice", twin, "columns", "'humidity (again)' not expected"),
    # Types
    Corruption("numbers as text", on("distance", lambda v: v.astype("str")), "type.distance", "string values such as '529.0'"),
    Corruption("numbers with a decimal comma", on("temperature", lambda v: v.astype("str").str.replace(".", ",")), "type.temperature"),
    Corruption("one text among the numbers", words("humidity", "n/a"), "type.humidity"),
    Corruption("words as codes", on("carrier", lambda v: v.astype("category").cat.codes), "type.carrier"),
    Corruption("times as text", on("scheduled_departure", lambda v: v.astype("str")), "type.scheduled_departure"),
    Corruption("times as numbers", on("scheduled_departure", lambda v: v.astype("int64")), "type.scheduled_departure"),
    Corruption("times in another zone", on("scheduled_departure", lambda v: v.dt.tz_convert("UTC")), "type.scheduled_departure", "time zone UTC"),
    Corruption("times without a zone", on("scheduled_departure", lambda v: v.dt.tz_localize(None)), "type.scheduled_departure", "time zone none"),
    Corruption("nanoseconds taken for microseconds", on("scheduled_departure", lambda v: pd.to_datetime(v.dt.as_unit("ns").astype("int64"), unit="us", utc=True)
               .dt.tz_convert("America/New_York")), "type.scheduled_departure", "years before 1700 or after 2199"),
    Corruption("labels as numbers", on("arrival", lambda v: (v == "late").astype("float64")), "type.arrival"),
    # Missing values
    Corruption("a missing id", words("flight_id", None), "missing.flight_id", "1 of 24,951 rows (0.004%)"),
    Corruption("a missing outcome", words("arrival", None), "missing.arrival"),
    Corruption("a missing time", on("scheduled_departure", lambda v: v.where(v.index > 0)), "missing.scheduled_departure"),
    Corruption("a missing word", words("origin", None), "missing.origin"),
    Corruption("a missing number", numbers("scheduled_duration", np.nan), "missing.scheduled_duration"),
    Corruption("a sensor that fails for three days", numbers("temperature", np.nan, share=0.1), "missing.temperature"),
    Corruption("a register that is half empty", numbers("aircraft_seats", np.nan, share=0.5), "missing.aircraft_seats"),
    Corruption("a column that came empty", on("pressure", lambda v: v * np.nan), "missing.pressure", "24,951 of 24,951 rows (100.0%)"),
    # Ranges
    Corruption("a number too large", numbers("humidity", 100.5), "range.humidity"),
    Corruption("a number too small", numbers("wind_speed", -0.1), "range.wind_speed"),
    Corruption("-999 for a missing number", numbers("visibility", -999.0, share=0.01), "range.visibility"),
    Corruption("an infinite number", numbers("precipitation", np.inf), "range.precipitation"),
    Corruption("a share in percent", on("origin_share_late", lambda v: v * 100), "range.origin_share_late"),
    Corruption("kelvin for fahrenheit", on("temperature", lambda v: (v - 32) / 1.8 + 273.15), "range.temperature"),
    Corruption("inches of mercury for hectopascal", on("pressure", lambda v: v / 33.8639), "range.pressure"),
    Corruption("seconds for minutes", on("scheduled_duration", lambda v: v * 60), "range.scheduled_duration"),
    # Words
    Corruption("an unknown word", words("carrier", "ZZ"), "values.carrier"),
    Corruption("a word in small letters", words("destination", "bos"), "values.destination"),
    Corruption("a word with a blank", words("origin", "JFK "), "values.origin"),
    Corruption("an empty word", words("carrier", ""), "values.carrier"),
    Corruption("a misspelt label", words("arrival", "Late"), "values.arrival"),
    Corruption("another form of the id", on("flight_id", lambda v: v.str.replace("-", "_")), "pattern.flight_id"),
    Corruption("an id with more behind it", words("flight_id", "AA1-JFK-20130201\n"), "pattern.flight_id"),
    # Rows
    Corruption("a row twice", lambda f: pd.concat([f, f.tail(1)], ignore_index=True), "unique.flight_id", "2 of 24,952 rows (0.008%)"),
    Corruption("an id for two flights", lambda f: f.assign(flight_id=f["flight_id"].where(f.index != 5, f["flight_id"][4])), "unique.flight_id"),
    Corruption("every flight is late", on("arrival", lambda v: v.where(v != "on_time", "late")), "target_share"),
    Corruption("the labels are swapped", on("arrival", lambda v: v.map({"late": "on_time", "on_time": "late"}).fillna(v)), "target_share", "76.2%"),
    # Time
    Corruption("a row of the month before", lambda f: f.assign(scheduled_departure=f["scheduled_departure"].where(
        f.index > 0, f["scheduled_departure"][0] - pd.Timedelta(days=3))), "month.scheduled_departure"),
    Corruption("another month under this name", shifted(days=28), "month.scheduled_departure"),
    Corruption("a clock that is hours off", shifted(hours=6), "month.scheduled_departure"),
    Corruption("two rows in the wrong order", swapped, "order.scheduled_departure"),
    Corruption("rows in the order of the id", lambda f: f.sort_values("flight_id"), "order.scheduled_departure"),
    Corruption("the last days are not there yet", lambda f: f[f["scheduled_departure"] < "2013-02-25"], "freshness", "2013-02-24 23:59:00-05:00"),
    # Rules between columns
    Corruption("two columns in each other's place", lambda f: f.rename(columns={"temperature": "dew_point", "dew_point": "temperature"}),
               "rule.air_is_no_drier_than_dew"),
    Corruption("gusts in another unit", on("wind_gust", lambda v: v * 0.447), "rule.gusts_exceed_the_wind"),
    Corruption("a flight to where it starts", words("destination", "LGA", rows=50), "rule.flights_go_elsewhere"),
    Corruption("one of two that are known together", only_delays, "rule.delays_are_known_together", "7 of 24,951 rows (0.03%)"),
]  # fmt: skip


@pytest.mark.slow
def test_the_good_month_keeps_its_contract(good: pd.DataFrame, params: Params) -> None:
    result = check(good, MONTH, params.data, params.contract, MONTH)

    assert result.broken == ()
    assert result.judged > 70


@pytest.mark.slow
@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=lambda corruption: corruption.name)
def test_a_corruption_is_caught_by_its_expectation(corruption: Corruption, good: pd.DataFrame, params: Params) -> None:
    result = check(corruption.change(good), MONTH, params.data, params.contract, MONTH)

    found = {one.expectation: one.found for one in result.broken}
    assert corruption.caught_by in found
    assert corruption.found in {None, found[corruption.caught_by]}


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted((ROOT / "data").rglob("*.parquet")), ids=lambda path: path.stem)
def test_the_committed_data_keeps_its_contract_without_a_warning(path: Path, params: Params) -> None:
    result = check(files.read(path), path.name, params.data, params.contract, path.stem)

    assert result.broken == ()
    assert result.not_judged == ()


def everywhere(frame: pd.DataFrame, names: list[str], change: Callable[[pd.Series], Any]) -> pd.DataFrame:
    return frame.assign(**{name: change(frame[name]) for name in names})


@pytest.mark.slow
def test_no_expectation_is_one_that_every_column_meets(good: pd.DataFrame, params: Params) -> None:
    schema, contract = params.data, params.contract
    promised = {one.name for one in expectations(schema, contract, MONTH)}
    numbers, words, every = (
        schema.named(Number),
        schema.named(Category),
        [*schema.columns, schema.id, schema.target.column],
    )
    spoilt = [
        everywhere(good, numbers, lambda values: values + 1e9),
        everywhere(good, numbers, lambda values: values * 0 - 1e9),
        everywhere(good, [*words, schema.id, schema.target.column], lambda values: values + "?"),
        everywhere(good, every, lambda values: values.where(values.isna())),
        everywhere(good, numbers, lambda values: values.astype("str")),
        everywhere(good, list({*every} - {*numbers}), lambda values: values.isna() + 0.5),
        everywhere(good, [schema.id], lambda values: values.iloc[0]),
        good.head(0).drop(columns="origin"),
        good.iloc[::-1],
        shifted(days=-400)(good).assign(temperature=-40, wind_gust=0, destination=good["origin"], arrival="late"),
        only_delays(good),
    ]

    caught = {one.expectation for rows in spoilt for one in check(rows, MONTH, schema, contract, MONTH).broken}

    assert caught == promised
