"""A body of JSON, whatever it holds: parsed, checked against a model, and refused where a key stands twice."""

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, from_json

from app.problems import FieldError, Problem
from holdfast.cells import LONGEST_WORD, shown

Checked = TypeVar("Checked", bound=BaseModel)
MOST_COMPLAINTS = 20


def parsed(body: bytes) -> Any:
    """Return the content of a body of JSON, in which a key may stand twice.

    Raises: Problem where it is no JSON.
    """
    try:
        return from_json(body)
    except ValueError as error:
        raise not_json(body, str(error)) from None


def refuse_twins(body: bytes) -> None:
    """Refuse a body of JSON that has a key twice in one object, where most parsers keep the last.

    Raises: Problem that names the key.
    """
    json.loads(body, object_pairs_hook=_unique)


def checked(model: type[Checked], body: bytes, most_commas: int) -> Checked:
    """Return the content of a small body as a model takes it; `most_commas` is what the largest may have.

    Raises: Problem that says what is wrong with it.
    """
    if (commas := body.count(b",")) > most_commas:
        raise unprocessable([FieldError(found=f"{commas:,} commas", expected=f"at most {most_commas:,}")])
    content = parsed(body)
    try:
        taken = model.model_validate(content, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[:MOST_COMPLAINTS]
        raise unprocessable([_as_pydantic_says(details) for details in first]) from None
    refuse_twins(body)
    return taken


def _as_pydantic_says(details: ErrorDetails) -> FieldError:
    path = ".".join(str(key)[:LONGEST_WORD] for key in details["loc"])
    missing = details["type"] == "missing"
    rule = details["msg"].removeprefix("Input should be ")
    return FieldError(field=path, found="nothing" if missing else shown(details["input"]), expected=rule)


def unprocessable(errors: Sequence[FieldError]) -> Problem:
    """Return the refusal of what was read and is not as it should be, with the first complaint in its words."""
    where = f"{errors[0].field}: " if errors[0].field else ""
    detail = f"{where}found {errors[0].found}, expected {errors[0].expected}."
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, kind="bad-request", errors=errors)


def not_json(body: bytes, reason: str) -> Problem:
    """Return the refusal of what is no JSON, with the reason of the parser."""
    reason = reason.removeprefix("Invalid JSON: ")
    if body.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        reason = "it starts with a byte order mark, expected UTF-8 without one"
    detail = f"The body is not JSON: {reason}." if body else "The body is empty, expected JSON."
    return Problem(HTTPStatus.BAD_REQUEST, detail, kind="not-json")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        error = FieldError(field=twice[:LONGEST_WORD], found="the key twice", expected="each key once")
        raise unprocessable([error])
    return made
