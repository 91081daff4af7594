"""Every path, every read and every write.

A stage writes all its files or none: they are made in a folder beside the real one, which takes its place
at the end, so that a crash, a full disk or a kill leaves the last good artifacts as they were. Written
bytes depend on content alone: no timestamp, no path, fixed Parquet settings.

Only what is Parquet needs pyarrow: where a model is served, it is not installed.
"""

import errno
import io
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import TypeAdapter, ValidationError

from holdfast.errors import UserError

# Page checksums make every later reader notice a flipped bit, wherever the file has been in between.
PARQUET = {
    "compression": "zstd",
    "compression_level": 3,
    "version": "2.6",
    "row_group_size": 1 << 20,
    "write_page_checksum": True,
}

# DVC records changed data as a new version before any stage sees it, so going back begins with Git.
RESTORE = "`git checkout -- data.dvc && dvc checkout data.dvc`"


@dataclass(frozen=True)
class Workspace:
    """The folders of one checkout."""

    root: Path

    @property
    def params(self) -> Path:
        """The one file of choices."""
        return self.root / "params.yaml"

    @property
    def data(self) -> Path:
        """The inputs, owned by `data.dvc`; nothing in the pipeline writes here."""
        return self.root / "data"

    @property
    def quarantine(self) -> Path:
        """Partitions that broke their contract; neither Git nor DVC knows of them."""
        return self.root / "quarantine"

    @property
    def data_docs(self) -> Path:
        """The pages that `validate` writes."""
        return self.root / "reports" / "data-docs"

    @property
    def comparison(self) -> Path:
        """The report on this tree's model beside another."""
        return self.root / "reports" / "comparison"

    @property
    def times(self) -> Path:
        """How long each stage took when it ran here last."""
        return self.root / "reports" / "times"

    @property
    def environments(self) -> Path:
        """Environments of other commits, made from their locks, to score with their models."""
        return self.root / ".holdfast" / "environments"

    @property
    def prepare(self) -> Path:
        """Artifacts of stage `prepare`."""
        return self.root / "artifacts" / "prepare"

    @property
    def featurize(self) -> Path:
        """Artifacts of stage `featurize`."""
        return self.root / "artifacts" / "featurize"

    @property
    def train(self) -> Path:
        """Artifacts of stage `train`."""
        return self.root / "artifacts" / "train"

    @property
    def evaluate(self) -> Path:
        """Artifacts of stage `evaluate`."""
        return self.root / "artifacts" / "evaluate"

    def partitions(self) -> list[Path]:
        """Return the files below `data/`, in the order of their paths.

        Raises: UserError where there is none, or one that is no Parquet file.
        """
        files = sorted(path for path in self.data.rglob("*") if path.is_file() and not path.name.startswith("."))
        if not files:
            raise UserError("data/: found no partition, expected Parquet files.", fix="dvc pull data.dvc")
        for path in files:
            if path.suffix != ".parquet":
                raise UserError(
                    f"{self.name(path)}: found a file of type '{path.suffix}', expected only Parquet.",
                    fix=f"move {self.name(path)} out of data/, or convert it to Parquet",
                )
        return files

    def name(self, path: Path) -> str:
        """Return a path as people type it here."""
        return path.relative_to(self.root).as_posix()


def shown(path: Path) -> str:
    """Return a path as people would type it: relative to where they are, if it is below."""
    here = Path.cwd()
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else str(path)


def read(path: Path, columns: list[str] | None = None, *, exact: bool = False) -> pd.DataFrame:
    """Read a Parquet file, or some of its columns.

    Whole numbers some of which are missing become floats, or where all must be `exact`, Python's own.

    Raises: UserError where it is missing, not readable, truncated, damaged or no Parquet file.
    """
    import pyarrow.parquet as pq

    with reading(path):
        table = pq.ParquetFile(path, page_checksum_verification=True).read(columns, use_threads=False)
        table.validate(full=True)
        table = table.select([place for place, name in enumerate(table.column_names) if not _is_index(name)])
        # Our schema says what it is, not pandas.
        return table.to_pandas(use_threads=False, ignore_metadata=True, integer_object_nulls=exact)


def outline(path: Path) -> tuple[int, dict[str, str]]:
    """Return the number of rows of a Parquet file, and its columns with their types in Arrow's words.

    Raises: UserError as `read`.
    """
    import pyarrow.parquet as pq

    with reading(path):
        found = pq.read_metadata(path)
        schema = found.schema.to_arrow_schema()
    types = {field.name: str(field.type).replace("large_", "") for field in schema if not _is_index(field.name)}
    return found.num_rows, types


def _is_index(name: str) -> bool:
    """Tell whether a column is an index without a name that pandas wrote along."""
    return name.startswith("__index_level_")


def read_json(path: Path, kind: Any) -> Any:
    """Read an object of a kind (a class, or a union of classes) that `write_json` wrote.

    Raises: UserError where it is missing or damaged.
    """
    try:
        return TypeAdapter(kind).validate_json(read_bytes(path))
    except ValidationError as error:
        first = error.errors()[0]["msg"]
        raise UserError(f"{shown(path)}: not the file that was written: {first}.", fix="dvc repro --force") from error


def read_bytes(path: Path) -> bytes:
    """Read a whole file.

    Raises: UserError where it is missing.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise UserError(
            f"{shown(path)}: not found.", fix="dvc repro, or `dvc pull` if it was made elsewhere"
        ) from error


def content(rows: pd.DataFrame) -> bytes:
    """Return a Parquet file whose bytes depend on the rows alone."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(rows, preserve_index=False, nthreads=1).replace_schema_metadata(None)
    made = io.BytesIO()
    pq.write_table(table, made, **PARQUET)
    return made.getvalue()


def write(path: Path, rows: pd.DataFrame) -> None:
    """Write a Parquet file whose bytes depend on the rows alone."""
    write_bytes(path, content(rows))


def write_bytes(path: Path, content: bytes) -> None:
    """Write bytes."""
    path.write_bytes(content)


def write_json(path: Path, content: Any) -> None:
    """Write JSON that people and `git diff` can read; a number that is none (NaN) is refused."""
    write_bytes(path, (json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode())


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """Write a table for `dvc plots`."""
    write_bytes(path, table.to_csv(index=False, lineterminator="\n").encode())


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give the path of a draft that takes the place of a file if the block ends well, and is removed if not.

    Raises: UserError where the disk is full or not writable; the file is then as it was.
    """
    draft = path.with_name(f".{path.name}.partial")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield draft
            _flush(draft)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """Give an empty folder to write into; when the block ends well, it takes the place of `folder` as a whole.

    Raises: UserError where the disk is full or not writable; `folder` is then as it was.
    """
    draft, old = _beside(folder)
    tidy(folder)
    try:
        with writing(folder):
            draft.mkdir(parents=True)
            yield draft
            for path in draft.rglob("*"):
                _flush(path)
            if folder.exists():
                folder.rename(old)
            draft.rename(folder)
    finally:
        tidy(folder)


def tidy(folder: Path) -> None:
    """Put the old folder back if the new one did not come to stand in its place, and remove what is left over."""
    draft, old = _beside(folder)
    if old.exists() and not folder.exists():
        old.rename(folder)
    for left in (draft, old):
        shutil.rmtree(left, ignore_errors=True)


def _beside(folder: Path) -> tuple[Path, Path]:
    """Return where the new folder is made, and where the old one waits while they change places."""
    return folder.with_name(f".{folder.name}.partial"), folder.with_name(f".{folder.name}.old")


def _flush(path: Path) -> None:
    if path.is_file():
        with path.open("rb") as file:
            os.fsync(file.fileno())


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what can be wrong with a Parquet file into a `UserError`."""
    import pyarrow as pa

    try:
        yield
    except FileNotFoundError as error:
        raise UserError(f"{shown(path)}: not found.", fix=f"dvc repro, or if it is below data/: {RESTORE}") from error
    except PermissionError as error:
        raise UserError(f"{shown(path)}: not readable.", fix=f"chmod u+r {shown(path)}") from error
    except (pa.ArrowException, OSError, LookupError, UnicodeDecodeError) as error:
        size, said = path.stat().st_size, str(error).splitlines()[0]
        again = "get it again from its source, as Parquet"
        back = (
            f"{RESTORE} (a new file: {again}); if it comes back damaged, DVC's cache is: "
            "move .dvc/cache aside, delete data/, then run `git checkout -- data.dvc && dvc pull data.dvc`"
        )
        raise UserError(
            f"{shown(path)}: found {size:,} bytes that are not a whole Parquet file ({said}).",
            fix=back if "data" in path.parts else again,
        ) from error


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what a disk can refuse into a `UserError`."""
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EROFS, errno.EPERM}:
            raise
        raise UserError(
            f"{shown(path)}: not written: {os.strerror(error.errno)}.",
            fix="make room on the disk (or make the folder writable), then run the command again",
        ) from error
