"""Files of any length, some rows at a time: Parquet and CSV in, scores out, in the same memory however many rows.

Parquet is read page by page and its checksums are verified. CSV is UTF-8 with commas and a header, and ends in a line
break, for a file that was cut off can be told by nothing else. What is written is cut into row groups by the number of
rows alone: the same scores are the same bytes, whatever they were made from.
"""

import csv
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from holdfast import files
from holdfast.cells import MISSING
from holdfast.errors import UserError
from holdfast.targets import LABEL, Target

PARQUET, CSV = ".parquet", ".csv"
SUFFIXES = (PARQUET, CSV)
AT_ONCE = 1 << 15  # rows
BUFFER = 1 << 20  # bytes of each column of a Parquet file
BLOCK = 1 << 23  # bytes of a CSV file
ROW_GROUP = 1 << 18  # rows
AGAIN = "get it again from its source, then run the same command again"
SETTINGS = {name: value for name, value in files.PARQUET.items() if name != "row_group_size"}
MISSING_CELLS = sorted({spelling for word in MISSING for spelling in (word, word.upper(), word.capitalize(), "NaN")})


class PartitionError(UserError):
    """Report that a file cannot be scored; others can."""


class Block(NamedTuple):
    """Some rows of a file: the number of the first, from 1, and their columns.

    Typed columns are as the file declares them; others hold what its cells say: numbers if all can be read, else text.
    Words are categorical, so that each is looked at once.
    """

    first: int
    columns: dict[str, pd.Series]
    typed: bool


class Wanted(NamedTuple):
    """The columns that are read: the id, those of numbers, and those of words and times."""

    id: str
    numbers: list[str]
    words: list[str]
    times: list[str]

    @property
    def names(self) -> list[str]:
        """All of them."""
        return [self.id, *self.numbers, *self.words, *self.times]


def header(path: Path) -> list[str]:
    """Return the names of a file's columns.

    Raises: PartitionError where it is missing, not readable or damaged.
    """
    import pyarrow.parquet as pq

    if is_parquet(path):
        with reading(path):
            return list(pq.read_schema(path).names)
    with reading(path), path.open("rb") as file:
        first = file.readline(BLOCK).decode("utf-8-sig")
        if not first.strip():
            raise ValueError("no header")
        file.seek(-1, 2)
        if file.read() not in {b"\n", b"\r"}:
            raise ValueError("no line break at its end, so it may be cut off")
        return next(csv.reader([first], strict=True))


def blocks(path: Path, wanted: Wanted) -> Iterator[Block]:
    """Give the rows of a file that has these columns.

    Raises: PartitionError where it turns out to be damaged, somewhere on the way.
    """
    return _parquet(path, wanted) if is_parquet(path) else _csv(path, wanted)


def is_parquet(path: Path) -> bool:
    """Tell whether a file says that it is Parquet."""
    return path.suffix.lower() == PARQUET


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what can be wrong with a file that is read into a `PartitionError`."""
    try:
        with files.reading(path) if is_parquet(path) else _csv_read_plainly(path):
            yield
    except UserError as error:
        raise PartitionError(error.problem, fix=_remedy(path, error)) from error


def _remedy(path: Path, error: UserError) -> str:
    """Return what mends a file: DVC knows nothing of those that are scored."""
    known = isinstance(error.__cause__, PermissionError) or not is_parquet(path)
    return error.fix if known else AGAIN


def _parquet(path: Path, wanted: Wanted) -> Iterator[Block]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    first = 1
    with reading(path):
        types, textual = pq.read_schema(path), (pa.string(), pa.large_string(), pa.string_view())
        text = [name for name in wanted.words if types.field(name).type in textual]
        settings: dict[str, Any] = {"page_checksum_verification": True, "buffer_size": BUFFER}
        with pq.ParquetFile(path, read_dictionary=text, **settings) as file:
            for batch in file.iter_batches(AT_ONCE, columns=wanted.names, use_threads=False):
                batch.validate(full=True)
                columns = {name: batch.column(name) for name in wanted.names}
                if pa.types.is_integer(columns[wanted.id].type):
                    columns[wanted.id] = columns[wanted.id].cast(pa.string())
                yield Block(first, {name: column.to_pandas() for name, column in columns.items()}, typed=True)
                first += batch.num_rows
            if first != file.metadata.num_rows + 1:
                raise pa.ArrowInvalid(f"{first - 1:,} rows, {file.metadata.num_rows:,} announced")


def _csv(path: Path, wanted: Wanted) -> Iterator[Block]:
    import pyarrow as pa
    from pyarrow import csv as arrow

    first = 1
    kept = arrow.ConvertOptions(include_columns=wanted.names, column_types=dict.fromkeys(wanted.names, pa.string()))
    with reading(path):
        reader = arrow.open_csv(
            path,
            read_options=arrow.ReadOptions(use_threads=False, block_size=BLOCK),
            parse_options=arrow.ParseOptions(newlines_in_values=True),
            convert_options=kept,
        )
        for batch in reader:
            for start in range(0, batch.num_rows, AT_ONCE):
                part = batch.slice(start, AT_ONCE)
                yield Block(
                    first, {name: _cells(part.column(name), name, wanted) for name in wanted.names}, typed=False
                )
                first += part.num_rows


def _cells(cells: Any, name: str, wanted: Wanted) -> pd.Series:
    """Return the cells of a column: words as categories, numbers as such if all can be read, else as text."""
    import pyarrow as pa
    from pyarrow import compute

    trimmed = compute.utf8_trim_whitespace(cells)
    nothing = pa.scalar(None, pa.string())
    if name in wanted.numbers:
        missing = compute.is_in(trimmed, pa.array(MISSING_CELLS))
        try:
            numbers = compute.if_else(missing, nothing, trimmed).cast(pa.float64())
        except pa.ArrowInvalid:
            return trimmed.to_pandas()
        spelt = compute.any(compute.is_nan(numbers)).as_py()  # "-nan" is a number to Arrow, and a mistake to us
        return (trimmed if spelt else numbers).to_pandas()
    present = compute.if_else(compute.equal(trimmed, ""), nothing, trimmed)
    return (present if name == wanted.id else present.dictionary_encode()).to_pandas()


@contextmanager
def _csv_read_plainly(path: Path) -> Iterator[None]:
    """Turn what can be wrong with a CSV file into a `UserError`."""
    import pyarrow as pa

    name = files.shown(path)
    try:
        yield
    except FileNotFoundError as error:
        raise UserError(f"{name}: not found.", fix=AGAIN) from error
    except PermissionError as error:
        raise UserError(f"{name}: not readable.", fix=f"chmod u+r {name}") from error
    except (pa.ArrowException, OSError, ValueError, LookupError, csv.Error) as error:
        said = " ".join(str(error).split())
        raise UserError(
            f"{name}: not read as CSV: found {said:.200}, expected UTF-8, commas and a header.",
            fix="get it again from its source; if it is whole, save it as UTF-8 with a line break at its end",
        ) from error


class Scores:
    """A file of scores that is being written; what is the same in every row costs next to nothing."""

    def __init__(self, writer: Any, answers: Sequence[str], constants: list[Any]) -> None:
        self.rows = 0
        self._writer, self._schema, self._answers, self._constants = writer, writer.schema, answers, constants
        self._waiting: list[Any] = []

    def add(self, ids: pd.Series, scores: np.ndarray, places: np.ndarray) -> None:
        """Add rows: their ids, their scores, and the places of their labels among the answers, where there are any.

        Shapes: ids (n,), scores (n,) or (n, classes), places (n,).
        """
        import pyarrow as pa

        columns = [pa.array(ids, pa.string()), *(pa.array(one) for one in scores.reshape(len(scores), -1).T)]
        if self._answers:
            labels = pa.array(self._answers, pa.string())
            columns.append(pa.DictionaryArray.from_arrays(pa.array(places.astype("int16")), labels))
        constants = [constant.slice(0, len(scores)) for constant in self._constants]
        self._waiting.append(pa.RecordBatch.from_arrays([*columns, *constants], schema=self._schema))
        self.rows += len(scores)
        if sum(batch.num_rows for batch in self._waiting) >= ROW_GROUP:
            self.flush(ROW_GROUP)

    def flush(self, rows: int | None = None) -> None:
        """Write as many of the rows that wait, or all of them."""
        import pyarrow as pa

        if self._waiting:
            table = pa.Table.from_batches(self._waiting)
            self._writer.write_table(table.slice(0, rows))
            self._waiting = [] if rows is None else table.slice(rows).to_batches()


@contextmanager
def scores(draft: Path, id_name: str, target: Target, constants: Mapping[str, Any]) -> Iterator[Scores]:
    """Give a file of scores to add rows to; constants are in each of them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    made = [_constant(pa.scalar(value)) for value in constants.values()]
    labels = {LABEL: pa.dictionary(pa.int16(), pa.string())} if target.answers else {}
    names = (id_name, *target.score_names, *labels, *constants)
    numbers = [pa.float64()] * len(target.score_names)
    types = [pa.string(), *numbers, *labels.values(), *(one.type for one in made)]
    described = pa.schema([pa.field(name, kind, nullable=False) for name, kind in zip(names, types, strict=True)])
    settings = SETTINGS | {"use_dictionary": [*labels, *constants]}
    with pq.ParquetWriter(draft, described, **settings) as writer:
        file = Scores(writer, target.answers, made)
        yield file
        file.flush()


def _constant(value: Any) -> Any:
    """Return a value as many times as rows are added at once; words point to one copy."""
    import pyarrow as pa

    if not pa.types.is_string(value.type):
        return pa.repeat(value, AT_ONCE)
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(AT_ONCE, "int8")), pa.array([value.as_py()]))


def distinct(path: Path, names: list[str]) -> tuple[int, dict[str, set[Any]]]:
    """Return the number of rows of a Parquet file, and every value that some of its columns have.

    Raises: PartitionError where it is missing or damaged, or has no such column.
    """
    import pyarrow.parquet as pq

    found: dict[str, set[Any]] = {name: set() for name in names}
    rows = 0
    with reading(path), pq.ParquetFile(path, page_checksum_verification=True) as file:
        for batch in file.iter_batches(AT_ONCE, columns=names, use_threads=False):
            rows += batch.num_rows
            for name in names:
                found[name] |= set(batch.column(name).unique().to_pylist())
    return rows, found


def sha256(path: Path) -> str:
    """Return the hash of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
