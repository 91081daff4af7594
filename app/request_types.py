"""What a request is to pydantic: made from the types of a row, for reading and for the document."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NotRequired

import pydantic
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

Row = dict[str, Any]

MOST_EXPLAINED = 100


def typed(name: str, kinds: Mapping[str, Any], *, extra: Literal["forbid", "ignore"]) -> Any:
    """Return a type of dictionaries whose keys are known."""
    typed = TypedDict(name, dict(kinds))  # type: ignore[misc]  # noqa: UP013 (its keys are those of the model)
    typed.__pydantic_config__ = ConfigDict(extra=extra)  # type: ignore[attr-defined]
    return typed


def envelope(row: Any, max_rows: int) -> dict[str, Any]:
    """Return the types of the keys of a request, whose rows are of a type."""
    rows = Annotated[list[row], Field(min_length=1, max_length=max_rows), pydantic.FailFast()]
    return {
        "rows": rows,
        "bad_rows": NotRequired[Literal["refuse", "skip"]],
        "explain": NotRequired[Annotated[bool, pydantic.Strict()]],
    }


def request_model(row: Any, max_rows: int, example: Row) -> type[BaseModel]:
    """Return the model of a request for the document."""
    mode: Any = Literal["refuse", "skip"]
    bad_rows = "Refuse the request if a row is bad, or skip such rows: score the others and say what is wrong."
    explain = f"Say which inputs moved each score most; for at most {MOST_EXPLAINED} rows."
    return pydantic.create_model(
        "PredictRequest",
        __config__=ConfigDict(extra="forbid", json_schema_extra={"examples": [{"rows": [example]}]}),
        rows=(Annotated[list[row], Field(min_length=1, max_length=max_rows)], ...),
        bad_rows=(mode, Field(default="refuse", description=bad_rows)),
        explain=(bool, Field(default=False, description=explain)),
    )
