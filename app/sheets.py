"""Many rows at once: a CSV file in, a CSV file out, as spreadsheets write and read them.

The header names the columns. Commas, semicolons or tabs part the cells, whichever lets the header name most columns.
The result has the score of each row and its label; of classes also the score of each, of numbers no label. What is
wrong with the file as a whole is said before anything is scored; what is wrong with a row stands in its line,
in the last column, and the other rows are scored all the same.

A spreadsheet takes a cell that begins with = + - or @ for a formula, and whoever opens the result trusts it. So cells
that we only pass on, ids above all, get an apostrophe in front then. The number of the row finds it again in any case.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from app.predictor import Predictor
from app.problems import FieldError
from app.requests import Reader, Row
from app.words import checked
from holdfast.cells import harmless
from holdfast.errors import UserError, nearest
from holdfast.schema import Schema
from holdfast.targets import LABEL, SCORE, Target

AT_ONCE = 250  # rows: the first line of the result comes soon, and nobody waits long beside it
DELIMITERS = ",;\t"
SAVE_AGAIN = "save the table as “CSV UTF-8” and choose it again"


class Numbered(NamedTuple):
    """A row as the model takes it, or all that is wrong with it; `own` is its id, where it has one."""

    number: int
    own: str
    row: Row | list[FieldError]


class Sheet(NamedTuple):
    """The cells of a file, line by line, below its header."""

    header: list[str]
    lines: list[list[str]]
    decimal: str

    def rows(self, reader: Reader) -> Iterator[Numbered]:
        """Give each row with its number, from 1, or all that is wrong with it."""
        for number, cells in enumerate(self.lines, start=1):
            words = dict(zip(self.header, cells, strict=False))
            own = words.get(reader.schema.id, "").strip()
            if len(cells) != len(self.header):
                rule = f"{len(self.header)}, as many as the header has"
                yield Numbered(number, own, [FieldError(found=f"{len(cells)} cells", expected=rule)])
            else:
                yield Numbered(number, own, checked(words, reader, decimal=self.decimal))


def read(content: bytes, schema: Schema, max_rows: int) -> Sheet:
    """Return the cells of a CSV file.

    Raises: UserError where it is none, or its header is not that of the schema, or it has no rows or too many.
    """
    text = _text(content)
    delimiter = _delimiter(text, schema)
    lines = _lines(text, delimiter, max_rows)
    if not lines:
        raise UserError("The file is empty.", fix="choose a table with a header and at least one row below it")
    header = [name.strip() for name in lines[0]]
    while header and not header[-1]:
        header.pop()
    _refuse_header(header, schema)
    if len(lines) == 1:
        raise UserError("The file has a header and no rows.", fix="put at least one row below the header")
    rows = [_trimmed(cells, len(header)) for cells in lines[1:]]
    return Sheet(header, rows, "," if delimiter == ";" else ".")


def scored(sheet: Sheet, reader: Reader, predictor: Predictor) -> Iterator[str]:
    """Give the result, line by line below its header, while the rows are scored, some at a time."""
    target, rows = reader.schema.target, sheet.rows(reader)
    yield _written(["row", "id", *_said_of(target), "unknown", "missing", "error"])
    while some := list(islice(rows, AT_ONCE)):
        good = [(one.number, one.row) for one in some if isinstance(one.row, dict)]
        numbers = [number for number, _ in good]
        made = predictor.predict([row for _, row in good], source="batch", numbers=numbers)
        predictions = dict(zip(numbers, made, strict=True))
        yield "".join(_line(one, predictions.get(one.number, {}), target) for one in some)


def _said_of(target: Target) -> list[str]:
    """Return the names of what is predicted of each row."""
    labels = [LABEL] if target.answers else []
    return ["prediction_id", SCORE, *labels, *(target.score_names if target.kind == "classes" else ())]


def _line(one: Numbered, made: Mapping[str, Any], target: Target) -> str:
    wrong = one.row if isinstance(one.row, list) else []
    said = {**made, **dict(zip(target.score_names, made.get("scores", {}).values(), strict=False))}
    cells = [one.number, one.own, *(said.get(name, "") for name in _said_of(target))]
    cells += [" ".join(made.get(name, ())) for name in ("unknown", "missing")]
    cells.append("; ".join(f"{each.field or 'row'}: found {each.found}, expected {each.expected}" for each in wrong))
    return _written([harmless(cell) if isinstance(cell, str) else cell for cell in cells])


def template(words: Mapping[str, str]) -> str:
    """Return a file to fill in, with one row as an example."""
    return _written(list(words)) + _written(list(words.values()))


def _written(cells: Sequence[object]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()


def _text(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(f"Line {line} is not written in UTF-8.", fix=SAVE_AGAIN) from None
    if "\0" in text:
        raise UserError("The file is not text.", fix=SAVE_AGAIN)
    return text


def _delimiter(text: str, schema: Schema) -> str:
    first = text[: text.find("\n") if "\n" in text else len(text)]
    return max(DELIMITERS, key=lambda mark: len({word.strip(' "\r') for word in first.split(mark)} & {*schema.names}))


def _lines(text: str, delimiter: str, max_rows: int) -> list[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        lines = list(islice((cells for cells in reader if any(cells)), max_rows + 2))
    except csv.Error as error:
        raise UserError(f"Line {reader.line_num} is not CSV: {error}.", fix=SAVE_AGAIN) from None
    if len(lines) > max_rows + 1:
        raise UserError(f"The file has more than {max_rows:,} rows.", fix="split it, and choose one part at a time")
    return lines


def _refuse_header(header: Sequence[str], schema: Schema) -> None:
    known = schema.names
    twins = [name for name, times in Counter(header).items() if times > 1]
    if twins:
        raise UserError(f"The header names “{twins[0]:.60}” twice.", fix="remove one of the two columns")
    strange = [name for name in header if name not in known]
    if strange:
        hint = nearest(strange[0][:60], known)
        raise UserError(
            f"The header names “{strange[0]:.60}”, which is no column here{hint}.",
            fix=f"rename or remove it; columns are {', '.join(schema.columns)}",
        )
    absent = [name for name, column in schema.columns.items() if not column.nullable and name not in header]
    if absent:
        raise UserError(
            f"The header does not name {', '.join(absent)}.",
            fix="add what is missing; only columns that may stay empty can be left out",
        )


def _trimmed(cells: list[str], width: int) -> list[str]:
    """Return the cells without empty ones beyond the header: some spreadsheets write them."""
    return cells[:width] if len(cells) > width and not any(cells[width:]) else cells
