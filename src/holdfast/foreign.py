"""Tables as other programs write them, as named columns: CSV of any dialect, or Parquet.

What is decided here: in which encoding a file is, what parts its cells, which line is the header, and what a column is
called whose name is missing or was given before. What a cell means is for `guessing`; so the cells of a CSV file stay
words. All that is not as a careful program would have written it is noted.
"""

import codecs
import csv
import io
import re
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from holdfast import files
from holdfast.errors import UserError
from holdfast.schema import few

PARQUET_MAGIC = b"PAR1"
PACKED = {b"PK\x03\x04": "a spreadsheet or an archive", b"\x1f\x8b": "a compressed file", b"\xd0\xcf\x11\xe0": "Excel"}
MARKS = {
    codecs.BOM_UTF8: ("utf-8", "UTF-8 with a mark in front"),
    codecs.BOM_UTF16_LE: ("utf-16-le", "UTF-16"),
    codecs.BOM_UTF16_BE: ("utf-16-be", "UTF-16"),
}
USUAL, RARE = ",;\t|", ":^~ "
DELIMITERS = {"\t": "tabs", " ": "spaces"}
SAMPLE = 200  # lines by which the delimiter is chosen
LONGEST_NAME = 100
BEYOND = "\n"  # no name has line breaks
AS_CSV = "save it as CSV (UTF-8) or Parquet, and name that file"


class Table(NamedTuple):
    """Rows with a name for every column, what parted their cells (nothing in Parquet), and what was noticed."""

    rows: pd.DataFrame
    delimiter: str
    notes: tuple[str, ...]


class Header(NamedTuple):
    """The columns of a text, where its rows begin and how many there are, what was noticed, and what no name is for."""

    names: list[str]
    end: int
    rows: int
    notes: list[str]
    beyond: Sequence[str] = ()


def read(paths: Sequence[Path]) -> Table:
    """Read one table from one or several files that have the same columns.

    Raises: UserError where a file cannot be read, has no rows, or other columns than the first.
    """
    tables = [_read(path) for path in paths]
    first = tables[0]
    for path, table in zip(paths, tables, strict=True):
        _refuse_others(first, paths[0], table, path)
    rows = pd.DataFrame({name: _column([table.rows[name] for table in tables]) for name in first.rows})
    notes = [f"{path.name}: {note}" for path, table in zip(paths, tables, strict=True) for note in table.notes]
    return Table(rows, first.delimiter, tuple(notes))


def _column(parts: Sequence[pd.Series]) -> pd.Series:
    """Put a column together: whole numbers stay so beside others, for as floats large ones are not told apart."""
    kinds = {part.dtype.kind for part in parts}
    if len(kinds) > 1 and kinds <= set("iufO"):
        return pd.Series([_whole(value) for part in parts for value in part.astype("object")], dtype="object")
    return pd.concat(parts, ignore_index=True)


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _refuse_others(first: Table, named: Path, table: Table, path: Path) -> None:
    if bool(first.delimiter) != bool(table.delimiter):
        problem = f"{path}: found CSV and Parquet together, expected files of one type."
        raise UserError(problem, fix="convert one of them")
    wanted, there = ({str(name) for name in one.rows} for one in (first, table))
    absent, strange = wanted - there, there - wanted
    if absent or strange:
        found = f"no column {few(sorted(absent))}" if absent else f"the column {few(sorted(strange))}"
        problem = f"{path}: found {found}, expected the columns of {named.name}."
        raise UserError(problem, fix="name only files of one table")
    if table.rows.empty:
        raise UserError(f"{path}: found no rows, expected some below the header.", fix="name a file with rows")


def _read(path: Path) -> Table:
    try:
        content = path.read_bytes()
    except OSError as error:
        problem = f"{path}: not readable: {error.strerror}."
        raise UserError(problem, fix="name a CSV or a Parquet file") from error
    if content.startswith(PARQUET_MAGIC):
        return _parquet(path)
    packed = next((what for magic, what in PACKED.items() if content.startswith(magic)), None)
    if packed:
        raise UserError(f"{path}: found {packed}, expected CSV or Parquet.", fix=AS_CSV)
    return _csv(content, path)


def _parquet(path: Path) -> Table:
    rows = files.read(path, exact=True)
    names, notes = _named([str(name) for name in rows])
    return Table(rows.set_axis(names, axis="columns"), "", tuple(notes))


def _csv(content: bytes, path: Path) -> Table:
    text, notes = _text(content, path)
    told = re.match(r"sep=(.)\n", text)  # a line for spreadsheets
    text = text[told.end() :] if told else text
    delimiter = told[1] if told else _delimiter(text, path)
    if delimiter != ",":
        notes.append(f"cells are parted by {DELIMITERS.get(delimiter, delimiter)}")
    header = _header(text, delimiter, path)
    names, renamed = _named(header.names)
    try:
        rows = pd.read_csv(
            io.StringIO(text[header.end :]), sep=delimiter, header=None, names=[*names, *header.beyond], dtype="str",
            na_filter=False, index_col=False,
        )  # fmt: skip
    except pd.errors.ParserError as error:
        raise UserError(f"{path}: not CSV: {str(error).strip()}.", fix=AS_CSV) from error
    if len(rows) != header.rows:  # two readers, and a lost row would be noticed by nobody
        problem = f"{path}: not CSV: {header.rows:,} rows or {len(rows):,}, as quotation marks are understood."
        raise UserError(problem, fix=AS_CSV)
    return Table(rows[names].apply(lambda cells: cells.str.strip()), delimiter, (*notes, *header.notes, *renamed))


def _text(content: bytes, path: Path) -> tuple[str, list[str]]:
    """Return the text of a file, with plain line ends, and a note of an encoding that is not plain UTF-8.

    Raises: UserError where it is no text.
    """
    encoding, said = _encoding(content)
    try:
        text = content.decode(encoding).lstrip("\N{BYTE ORDER MARK}")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: found bytes that are no {said}, expected text.", fix=AS_CSV) from error
    if "\0" in text or not text.strip():
        raise UserError(f"{path}: found {'no text' if text.strip() else 'nothing'} in it, expected CSV.", fix=AS_CSV)
    return text.replace("\r\n", "\n").replace("\r", "\n"), [f"written in {said}"] if said else []


def _encoding(content: bytes) -> tuple[str, str]:
    """Return the encoding of a text, and its name where people should know of it."""
    marked = next((found for mark, found in MARKS.items() if content.startswith(mark)), None)
    if marked:
        return marked
    zeros = content[:SAMPLE].count(0)
    if zeros > len(content[:SAMPLE]) / 4:
        return ("utf-16-le" if content[1] == 0 else "utf-16-be"), "UTF-16"
    for encoding, said in (("utf-8", ""), ("cp1252", "Windows-1252 (or Latin-1), as older programs do")):
        try:
            content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding, said
    return "latin-1", "Latin-1"


def _delimiter(text: str, path: Path) -> str:
    """Return what parts the cells: what gives most lines as many cells as the header has.

    Raises: UserError where nothing gives the header two.
    """
    for marks in (USUAL, RARE):
        fits = {mark: _fit(text, mark) for mark in marks}
        best = max(marks, key=fits.__getitem__)
        if fits[best] > (0.5, 1):
            return best
    problem = f"{path}: found one column, or lines of different lengths, expected cells parted by , ; | or tabs."
    raise UserError(problem, fix=AS_CSV)


def _fit(text: str, mark: str) -> tuple[float, int]:
    try:
        reader = csv.reader(io.StringIO(text), delimiter=mark)
        header, *rest = [len(cells) for cells in islice(reader, SAMPLE) if cells] or [0]
    except csv.Error:
        return 0.0, 0
    alike = sum(width in {header, header + 1} for width in rest) / max(len(rest), 1)
    return (alike if rest else 1.0, header) if header > 1 else (0.0, 0)


def _header(text: str, delimiter: str, path: Path) -> Header:
    """Read the header of a text, and what the rows below it look like.

    Raises: UserError where a line has more or fewer cells than the others.
    """
    stream = io.StringIO(text)
    reader = csv.reader(stream, delimiter=delimiter)
    lines: dict[int, int] = {}  # by how many cells they have, the last of each
    count, ends = 0, False
    try:
        names = next(cells for cells in reader if cells)
        end = stream.tell()  # a name may have several lines
        for cells in filter(None, reader):
            lines[len(cells)] = reader.line_num
            count, ends = count + 1, ends or bool(cells[-1].strip())
    except csv.Error as error:
        raise UserError(f"{path}: line {reader.line_num}: not CSV: {error}.", fix=AS_CSV) from error
    if not lines:
        raise UserError(f"{path}: found no rows, expected some below the header.", fix="name a file with rows")
    if set(lines) == {len(names) + 1}:
        return _shorter(names, end, count, is_closed=not ends)
    if set(lines) != {len(names)}:
        width, line = next((width, line) for width, line in lines.items() if width != len(names))
        problem = f"{path}: line {line}: found {width} cells, expected {len(names)}, as many as the header has."
        raise UserError(problem, fix="correct the line (quote cells that hold the delimiter), then run it again")
    if _is_row(names):
        names = [f"column_{place}" for place in range(1, len(names) + 1)]
        note = "its first line holds numbers, not names: the columns are called column_1 and so on"
        return Header(names, 0, count + 1, [note])
    return Header(names, end, count, [])


def _shorter(names: list[str], end: int, count: int, *, is_closed: bool) -> Header:
    """Return a header that has one cell less than all rows: they end with a delimiter, or begin with a name."""
    if is_closed:
        note = "its rows end with a delimiter and its header does not: what is behind it is empty, and left out"
        return Header(names, end, count, [note], [BEYOND])
    return Header(["row", *names], end, count, ["its header lacks a name for the first column, which is called 'row'"])


def _is_row(header: list[str]) -> bool:
    """Tell whether a first line is a row: numbers that do not just count the columns."""
    numbers = [cell.strip() for cell in header if re.fullmatch(r"[+-]?[0-9.,]+(e[+-]?[0-9]+)?", cell.strip())]
    counted = [[str(first + place) for place in range(len(header))] for first in (0, 1)]
    return len(numbers) == len(header) and numbers not in counted


def _named(header: list[str]) -> tuple[list[str], list[str]]:
    """Return a name for each column that no other has, and a note of each that was made."""
    names: list[str] = []
    notes: list[str] = []
    for place, given in enumerate(header, start=1):
        plain = " ".join("".join(one if one.isprintable() else " " for one in given).split())[:LONGEST_NAME].rstrip()
        name, again = plain or f"column_{place}", 1
        while name in names or (again > 1 and name in header):
            again += 1
            name = f"{plain or f'column_{place}'}_{again}"
        names.append(name)
        if not plain:
            notes.append(f"column {place} has no name: it is called '{name}'")
        elif again > 1:
            notes.append(f"column {place} is named '{plain}', as another is: it is called '{name}'")
    return names, notes
