"""What a row is: the one declaration that everything else is made from.

The `data:` section of `params.yaml` is parsed into a `Schema`. It is saved inside every model, so
that whoever scores rows obeys the schema that the model was trained with, and not a later one.

Rows in canonical form are what every later function takes: numbers are float64, categories are
strings, times have microseconds and the declared zone, so that no later code has to ask what type a
column has. Whether the values of a partition are as they should be is for the contract to say.
"""

from datetime import datetime
from functools import cached_property
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from pydantic import Field, field_validator, model_validator

from holdfast.errors import UserError, nearest
from holdfast.strict import Strict
from holdfast.targets import NumberTarget, Target

EDIT = "correct the rows, or the rule under `data:` in params.yaml if the rows are right"


class Described(Strict):
    """What every column has: a label and a help text for people, and whether it may be missing.

    Only what is declared `loggable` is ever written to the log of a service: what nobody thought of stays out.
    """

    label: str
    help: str = ""
    nullable: bool = False
    loggable: bool = False


class Number(Described):
    """A measured or counted quantity, in `unit`, between `min` and `max`, both included."""

    kind: Literal["number"]
    unit: str = ""
    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _range_is_not_empty(self) -> Self:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}")
        return self

    def canonical(self, values: pd.Series) -> pd.Series:
        """Return float64 values; integers and booleans are no surprise, text is."""
        return _numbers(values)


class Category(Described):
    """One of a set of words; without `values`, any word, and the model learns those it meets."""

    kind: Literal["category"]
    values: tuple[str, ...] | None = None
    names: dict[str, str] = Field(default={}, description="what some of the words stand for, for people")

    @field_validator("values")
    @classmethod
    def _values_are_distinct(cls, values: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if values is not None and (not values or len(set(values)) < len(values)):
            raise ValueError("values must be distinct, and at least one")
        return values

    @model_validator(mode="after")
    def _names_are_of_values(self) -> Self:
        stray = [word for word in self.names if self.values is not None and word not in self.values]
        if stray:
            raise ValueError(f"names: '{stray[0]}' is not among the values{nearest(stray[0], self.values or ())}")
        return self

    def canonical(self, values: pd.Series) -> pd.Series:
        """Return strings."""
        return _words(values)


class Time(Described):
    """A moment, in `zone` (an IANA name); without `zone`, a clock that knows no zone."""

    kind: Literal["time"]
    zone: str | None = None

    @field_validator("zone")
    @classmethod
    def _zone_exists(cls, zone: str | None) -> str | None:
        if zone is not None:
            try:
                ZoneInfo(zone)
            except (KeyError, ValueError, OSError) as error:
                raise ValueError("expected an IANA time zone such as 'America/New_York'") from error
        return zone

    def canonical(self, values: pd.Series) -> pd.Series:
        """Return times with microseconds, in the declared zone."""
        if not pd.api.types.is_datetime64_any_dtype(values):
            raise TypeError(f"found {_kind_of(values)}, expected times")
        found = None if values.dt.tz is None else str(values.dt.tz)
        if found != self.zone:
            raise TypeError(f"found time zone {found or 'none'}, expected {self.zone or 'none'}")
        return _within_bounds(values)

    def clock(self, moment: datetime | str | None) -> datetime | None:
        """Return what the clock of the zone shows at a moment, given as ISO 8601 with an offset if there is a zone."""
        if moment is None:
            return None
        time = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
        return time if self._zone is None else time.astimezone(self._zone).replace(tzinfo=None)

    @cached_property
    def _zone(self) -> ZoneInfo | None:
        return None if self.zone is None else ZoneInfo(self.zone)


Column = Annotated[Number | Category | Time, Field(discriminator="kind")]


class Schema(Strict):
    """The columns of a row, which of them is the id, the time and the target.

    Rows that share the value of `group` are not independent of each other, say the visits of one patient. It is one
    of the columns, or another column of words beside them, which no model sees.
    """

    id: str
    time: str | None = None
    group: str | None = Field(
        default=None,
        description="of a split by id it decides the side: added to a project, it gives every row a new one",
    )
    target: Target
    noun: tuple[str, str] = Field(default=("row", "rows"), description="what a row is to people, and many of them")
    columns: dict[str, Column] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_fit_together(self) -> Self:
        for role, name in (("id", self.id), ("target.column", self.target.column)):
            if name in self.columns:
                raise ValueError(f"{role} '{name}' is also listed under columns; a model must not see it")
        if self.id == self.target.column:
            raise ValueError(f"id and target.column are both '{self.id}'")
        if self.group in {self.id, self.target.column}:
            raise ValueError(f"group '{self.group}' is the id or the target, expected a column that rows share")
        if self.time is not None and not isinstance(self.columns.get(self.time), Time):
            raise ValueError(f"time '{self.time}' is not a column of kind time{nearest(self.time, self.columns)}")
        if self.time is not None and self.columns[self.time].nullable:
            raise ValueError(f"time '{self.time}' is nullable; the time that rows are split by must be known")
        if self.id in {"target", "score", *self.target.score_names}:
            raise ValueError(f"id '{self.id}' is a name that the table of scores uses; rename the column")
        return self

    @property
    def names(self) -> list[str]:
        """The names of all that a row has: id, target, group and columns."""
        group = [self.group] if self.group and self.group not in self.columns else []
        return [self.id, self.target.column, *group, *self.columns]

    def named(self, kind: type[Number] | type[Category] | type[Time]) -> list[str]:
        """Return the names of the columns of one kind, in the order of the schema."""
        return [name for name, column in self.columns.items() if isinstance(column, kind)]

    def canonical(self, name: str, values: pd.Series) -> pd.Series:
        """Return the values of a column, of the id, the target or the group in canonical form.

        Raises: TypeError where they are of another kind.
        """
        if name in self.columns:
            return self.columns[name].canonical(values)
        if name == self.target.column and isinstance(self.target, NumberTarget):
            return _numbers(values)
        return _words(values.astype("str") if pd.api.types.is_integer_dtype(values) else values)

    def rows(self, rows: pd.DataFrame, where: str) -> pd.DataFrame:
        """Return id, target, group and columns in canonical form; others are left out. `where` is for errors.

        Raises: UserError where a column is missing, there twice or of another kind, or a number is infinite.
        """
        return self._take(self.names, rows, where)

    def inputs(self, rows: pd.DataFrame, where: str) -> pd.DataFrame:
        """Return what a model may see of the rows, in canonical form; other columns are left out.

        It accepts any finite value of the right type: a model scores what it is given.

        Raises: UserError where a column is missing, there twice, of another kind, or infinite.
        """
        return self._take(list(self.columns), rows, where)

    def _take(self, names: list[str], rows: pd.DataFrame, where: str) -> pd.DataFrame:
        _refuse_twins(rows, where)
        absent = [name for name in names if name not in rows]
        if absent:
            raise UserError(f"{where}: missing column '{absent[0]}'.", fix=f"add {few(absent)} to the rows")
        taken = {name: self._canonical(name, rows[name], where) for name in names}
        for name, values in taken.items():
            if values.dtype == np.float64 and np.isinf(values.to_numpy()).any():
                raise UserError(f"{where}: {name}: found an infinite value, expected a number.", fix="correct the rows")
        return pd.DataFrame(taken)

    def _canonical(self, name: str, values: pd.Series, where: str) -> pd.Series:
        try:
            return self.canonical(name, values)
        except TypeError as error:
            raise UserError(f"{where}: {name}: {error}.", fix=EDIT) from error


def deciding(rows: pd.DataFrame, name: str, group: str | None) -> pd.Series:
    """Return what rows belong together by: its group, and where that is missing the id of this name."""
    if group is None:
        return rows[name]
    return rows[group].astype("str").where(rows[group].notna(), rows[name])


def _refuse_twins(rows: pd.DataFrame, where: str) -> None:
    twins = rows.columns[rows.columns.duplicated()]
    if len(twins):
        raise UserError(f"{where}: found two columns named '{twins[0]}', expected every name once.", fix="rename one")


def _numbers(values: pd.Series) -> pd.Series:
    if values.dtype == np.float64:
        return values
    kind = pd.api.types.infer_dtype(values, skipna=True)
    if not (kind in {"integer", "floating", "mixed-integer-float", "boolean"} or values.isna().all()):
        raise TypeError(f"found {_kind_of(values)}, expected numbers")
    return values.astype("float64")


def _words(values: pd.Series) -> pd.Series:
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.dtype.categories.dtype)
    if not (_is_text(values) or values.isna().all()):
        raise TypeError(f"found {_kind_of(values)}, expected words")
    return values.astype("str")


def _within_bounds(values: pd.Series) -> pd.Series:
    """Return times with microseconds; a unit that was mistaken for another puts them outside of all history."""
    try:
        values = values.dt.as_unit("us")
        first, last = (pd.Timestamp(year, tz=values.dt.tz) for year in ("1700", "2200"))
        inside = values.isna() | values.between(first, last, inclusive="left")
    except (OverflowError, pd.errors.OutOfBoundsDatetime):
        inside = pd.Series([False])
    if not inside.all():
        raise TypeError("found years before 1700 or after 2199, expected times")
    return values


def _is_text(values: pd.Series) -> bool:
    return bool(pd.api.types.infer_dtype(values, skipna=True) == "string")


def _kind_of(values: pd.Series) -> str:
    """Say what a column holds, with an example where it mixes kinds."""
    kind = pd.api.types.infer_dtype(values, skipna=True)
    example = values.dropna()
    return f"{kind} values such as {example.iloc[0]!r:.60}" if len(example) else f"{kind} values"


def few(names: tuple[str, ...] | list[str], limit: int = 6) -> str:
    """Return the first names, quoted, and how many more there are."""
    shown = ", ".join(repr(name) for name in names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"
