"""What each column may hold in a request: one declaration for the check and for the document.

Both the validator and OpenAPI are made from the types below, so what is documented is what is accepted. A word that
the model never met is accepted on purpose: it is scored as an unknown one, and flagged.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, NotRequired

import pydantic
from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from holdfast.cells import LONGEST_WORD, WORD, YEARS
from holdfast.schema import Category, Number, Schema, Time

MOMENT = r"^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?"
OFFSET = r"([Zz]|[+-]\d\d:\d\d)$"

Text = Annotated[str, pydantic.Strict(), Field(min_length=1, max_length=LONGEST_WORD, pattern=WORD)]


class IsoTime:
    """A time as ISO 8601 writes it; a number of seconds, or a day alone, is none."""

    def __init__(self, *, offset: bool) -> None:
        self.offset = offset
        self.pattern = MOMENT + (OFFSET if offset else "$")

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        zone = UTC if self.offset else None
        first, last = (datetime(year, 1, 1, tzinfo=zone) for year in YEARS)
        moment = core_schema.datetime_schema(tz_constraint="aware" if self.offset else "naive", ge=first, lt=last)
        return core_schema.chain_schema([core_schema.str_schema(strict=True, pattern=self.pattern), moment])

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> dict[str, Any]:
        text = {"type": "string"}
        return text | ({"format": "date-time"} if self.offset else {"pattern": self.pattern})


def of_row(schema: Schema, known: Mapping[str, list[str]]) -> dict[str, Any]:
    """Return the type of each key of a row: the id, which may be left out, and the columns."""
    note = Field(title="Id", description="Yours, to tell the rows apart; it is sent back and does not touch the score.")
    fields: dict[str, Any] = {schema.id: NotRequired[Annotated[Text, note]]}
    for name, column in schema.columns.items():
        about = Field(title=column.label, description=_described(column), json_schema_extra=_extra(column, known, name))
        kind = _kind(column)
        fields[name] = NotRequired[Annotated[kind | None, about]] if column.nullable else Annotated[kind, about]
    return fields


def _kind(column: Number | Category | Time) -> Any:
    match column:
        case Number():
            bounds = Field(ge=column.min, le=column.max, allow_inf_nan=False)
            return Annotated[float, pydantic.Strict(), bounds]
        case Category():
            return Text
        case Time():
            return Annotated[datetime, IsoTime(offset=column.zone is not None)]


def _described(column: Number | Category | Time) -> str:
    parts = [column.help]
    match column:
        case Number(unit=unit) if unit:
            parts.append(f"In {unit}.")
        case Category():
            parts.append("A word that the model has not met is scored as an unknown one, and flagged.")
        case Time():
            parts.append(f"By the clock of {column.zone}." if column.zone else "A clock time, without an offset.")
    parts.append("May be missing." if column.nullable else "")
    return " ".join(part for part in parts if part)


def _extra(column: Number | Category | Time, known: Mapping[str, list[str]], name: str) -> dict[str, Any]:
    match column:
        case Number(unit=unit) if unit:
            return {"x-unit": unit}
        case Category():
            return {"x-known-words": known.get(name, [])}
        case _:
            return {}
