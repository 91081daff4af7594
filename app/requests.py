"""How the body of a request becomes rows, and how what is wrong with it is said.

The usual body takes one pass: pydantic reads the JSON straight into checked rows; a longer one is parsed, and checked
column by column. Neither would notice a key that is there twice, and the first not one that is unknown. So afterwards
all quotation marks of the body are accounted for: every string is a key or a word of the rows, or the body goes the
slow way, which looks at everything and names what it finds. No way does much work for a body that is refused: what
cannot be a request is refused by its length, its brackets and its commas, and of bad rows only the first are looked
into.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, NamedTuple, cast

import numpy as np
import orjson
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from app import fields
from app.bodies import not_json, parsed, refuse_twins, unprocessable
from app.columns import Columns, Table, WrongError
from app.problems import FieldError, Problem
from app.request_types import MOST_EXPLAINED, envelope, request_model, typed
from holdfast.cells import LONGEST_WORD, expected, shown
from holdfast.errors import nearest
from holdfast.schema import Number, Schema

Row = dict[str, Any]
Fault = FieldError | ValidationError

MOST_REFUSED = {"refuse": 100, "skip": 1_000}
MOST_UNKNOWN_KEYS = 20
MOST_SUGGESTIONS = 20
LARGE = 100_000
SHORT = 5_000  # bytes of a body up to which its rows are sooner checked one by one
LONGEST_VALUE = 1_300  # bytes of a word, each letter written as six, with some space around


class RefusedRow(NamedTuple):
    """A row that is not scored, and why."""

    row: int
    errors: list[FieldError]


@dataclass(frozen=True)
class PredictRequest:
    """The good rows of a request, each with its number in it, their columns if those are made already; the bad ones."""

    rows: Sequence[Row]
    numbers: Sequence[int]
    explain: bool = False
    refused: Sequence[RefusedRow] = ()
    table: Table | None = None


@dataclass
class _Suggestions:
    """Did you mean …: looked up for a few keys of a request, for looking takes long."""

    known: Sequence[str]
    left: int = MOST_SUGGESTIONS
    found: dict[str, str] = field(default_factory=dict)

    def of(self, key: str) -> str:
        if key not in self.found and self.left and len(key) <= LONGEST_WORD:
            self.left -= 1
            self.found[key] = nearest(key, self.known)
        return self.found.get(key, "")


class Reader:
    """Reads and checks requests, by the schema of the model."""

    def __init__(self, schema: Schema, known: Mapping[str, list[str]], max_rows: int, example: Row) -> None:
        self.schema = schema
        self.max_rows = max_rows
        self._keys = [schema.id, *schema.columns]
        self._texts = [name for name in self._keys if not isinstance(schema.columns.get(name), Number)]
        self._expected = {name: expected(column) for name, column in schema.columns.items()}
        self._expected[schema.id] = f"text of 1 to {LONGEST_WORD} characters"
        self._longest = max(LARGE, sum(len(json.dumps(key)) + LONGEST_VALUE for key in self._keys))
        kinds = fields.of_row(schema, known)
        self.columns = Columns(schema, kinds)
        strict, quick = typed("Row", kinds, extra="forbid"), typed("Row", kinds, extra="ignore")
        self.model = request_model(strict, max_rows, example)
        self._row = TypeAdapter(strict)
        self._envelope = TypeAdapter(typed("Request", envelope(Any, max_rows), extra="forbid"))
        self._quick = TypeAdapter(typed("Request", envelope(quick, max_rows), extra="ignore"))

    def read(self, body: bytes) -> PredictRequest:
        """Return the rows of a body.

        Raises: Problem that says what is wrong with it.
        """
        self._refuse_bomb(body)
        if len(body) > SHORT:
            return self._read_at_once(body) or self._read_slowly(body)
        try:
            content = self._quick.validate_json(body)
        except ValidationError as error:
            if error.errors(include_url=False)[0]["type"] == "json_invalid":
                raise not_json(body, error.errors()[0]["msg"]) from None
            return self._read_slowly(body)
        rows = content["rows"]
        if b"\\" in body or not self._is_accounted_for(body, content):
            return self._read_slowly(body)
        return PredictRequest(rows, range(len(rows)), _explained(content, rows))

    def _read_at_once(self, body: bytes) -> PredictRequest | None:
        """Return the rows of a body if nothing is wrong with it."""
        try:
            content = self._envelope.validate_python(orjson.loads(body))
            rows = content["rows"]
            table, words = self.columns.checked(rows)
        except (orjson.JSONDecodeError, ValidationError, WrongError):
            return None
        words += len(content) + ("bad_rows" in content)
        if b"\\" in body or np.count_nonzero(np.frombuffer(body, "u1") == ord('"')) != 2 * words:
            return None
        return PredictRequest(rows, range(len(rows)), _explained(content, rows), table=table)

    def check(self, row: object) -> Row | list[FieldError]:
        """Return a row as the model takes it, or everything that is wrong with it."""
        taken = self._taken(row)
        return self._in_words(taken, _Suggestions(self._keys)) if isinstance(taken, Fault) else taken

    def _is_accounted_for(self, body: bytes, content: Mapping[str, Any]) -> bool:
        rows = content["rows"]
        strings = sum(map(len, rows)) + len(content) + ("bad_rows" in content)
        for name in self._texts:
            strings += len(rows) - [row.get(name) for row in rows].count(None)
        return body.count(b'"') == 2 * strings

    def _read_slowly(self, body: bytes) -> PredictRequest:
        content = self._opened(body)
        rows, mode = content["rows"], content.get("bad_rows", "refuse")
        good, numbers, bad = [], [], []
        for number, row in enumerate(rows):
            taken = self._taken(row)
            if isinstance(taken, Fault):
                bad.append((number, taken))
                if len(bad) >= MOST_REFUSED[mode]:
                    break
            else:
                good.append(taken)
                numbers.append(number)
        too_many = len(bad) >= MOST_REFUSED[mode]
        if bad and (mode == "refuse" or too_many):
            raise _bad_rows(self._refused(bad[: MOST_REFUSED["refuse"]]), too_many)
        refuse_twins(body)
        return PredictRequest(good, numbers, _explained(content, rows), self._refused(bad))

    def _refused(self, bad: Sequence[tuple[int, Fault]]) -> list[RefusedRow]:
        suggestions = _Suggestions(self._keys)
        return [RefusedRow(number, self._in_words(fault, suggestions)) for number, fault in bad]

    def _opened(self, body: bytes) -> Row:
        """Return the content of a body, of which all but the rows is checked."""
        content = parsed(body)
        if isinstance(content, dict) and len(content) <= MOST_UNKNOWN_KEYS:
            try:
                return self._envelope.validate_python(content)
            except ValidationError as error:
                raise unprocessable([self._beside_rows(details) for details in error.errors()]) from None
        raise unprocessable([FieldError(found=_size(content), expected='an object such as {"rows": [{…}, …]}')])

    def _beside_rows(self, details: ErrorDetails) -> FieldError:
        name = str(details["loc"][0])
        rules = {
            "rows": f"a list of 1 to {self.max_rows} rows",
            "bad_rows": "'refuse' or 'skip'",
            "explain": "true or false",
        }
        return _said(name, details, rules, nearest(name[:LONGEST_WORD], rules))

    def _taken(self, row: object) -> Row | Fault:
        """Return a row as the model takes it, or what is wrong with it: not yet in words, which take longer."""
        if not isinstance(row, dict) or len(row) > len(self._keys) + MOST_UNKNOWN_KEYS:
            return FieldError(found=_size(row), expected="an object with a key for each column")
        try:
            return cast("Row", self._row.validate_python(row))
        except ValidationError as error:
            return error

    def _in_words(self, fault: Fault, suggestions: _Suggestions) -> list[FieldError]:
        if isinstance(fault, FieldError):
            return [fault]
        return [self._in_row(details, suggestions) for details in fault.errors(include_url=False)]

    def _in_row(self, details: ErrorDetails, suggestions: _Suggestions) -> FieldError:
        name = str(details["loc"][0])
        known = name in self._expected
        return _said(name, details, self._expected, "" if known else suggestions.of(name))

    def _refuse_bomb(self, body: bytes) -> None:
        """Refuse what has more brackets or commas than the largest request could: parsing alone would take long.

        Words may hold some of them too. A row has an end, so no part of a request is long and has no closing brace.
        """
        if len(body) <= LARGE:
            return
        texts, signs = len(self._texts), np.frombuffer(body, "u1")
        ends = np.flatnonzero(signs == ord("}"))
        brackets, commas = self.max_rows * (3 + 2 * texts), self.max_rows * (len(self._keys) + 4 * texts)
        if (
            len(ends) + sum(np.count_nonzero(signs == ord(bracket)) for bracket in "{[") > brackets
            or np.count_nonzero(signs == ord(",")) > commas
            or np.diff(ends, prepend=-1, append=len(body)).max() - 1 > self._longest
        ):
            rule = f"a list of 1 to {self.max_rows} rows, each of less than {self._longest:,} bytes"
            raise unprocessable([FieldError(field="rows", found="too many or too long values", expected=rule)])


def _explained(content: Mapping[str, Any], rows: Sequence[object]) -> bool:
    explain: bool = content.get("explain", False)
    if explain and len(rows) > MOST_EXPLAINED:
        rule = f"at most {MOST_EXPLAINED} rows with explain"
        raise unprocessable([FieldError(field="rows", found=f"{len(rows)} rows", expected=rule)])
    return explain


def _said(name: str, details: ErrorDetails, rules: Mapping[str, str], suggestion: str) -> FieldError:
    """Say a complaint of pydantic: what was found, and the rule of the field."""
    match details["type"]:
        case "extra_forbidden":
            owner = "the request" if "bad_rows" in rules else "the schema"
            name = name[:LONGEST_WORD]
            return FieldError(field=name, found="an unknown key", expected=f"a key of {owner}{suggestion}")
        case "missing":
            return FieldError(field=name, found="nothing", expected=rules[name])
        case "too_long" | "too_short":
            return FieldError(field=name, found=_size(details["input"]), expected=rules[name])
        case _:
            return FieldError(field=name, found=shown(details["input"]), expected=rules[name])


def _size(value: object) -> str:
    match value:
        case dict():
            return f"an object with {len(value)} keys"
        case list():
            return f"a list of {len(value)}"
        case _:
            return shown(value)


def _bad_rows(refused: Sequence[RefusedRow], more: bool) -> Problem:
    errors = [error.model_copy(update={"row": row}) for row, found in refused for error in found]
    count = "1 row is" if len(refused) == 1 else f"{len(refused)} rows are"
    detail = f"{count} not as the schema says; nothing was scored."
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        f"{detail} There may be more." if more else detail,
        kind="bad-rows",
        errors=errors,
    )
