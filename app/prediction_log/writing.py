"""How records become rows: many of them in one statement, and texts made by compiled code.

Both are for the requests beside it. A process of Python runs one thread at a time, so what the
writer computes is taken from the answers; and a thread that waits for the database has to queue up
again to go on. `executemany` waits once for each record: 20 to 30 times slower beside a busy
thread than one `INSERT` of many rows, which waits once for all of them.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

from pydantic_core import to_json
from sqlalchemy import Engine
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError

from app.prediction_log.tables import as_text, predictions


class Record(NamedTuple):
    """One prediction, as it is written down; the fields are the columns of the table.

    Units: `at` is in seconds since 1970, UTC.
    """

    prediction_id: str
    at: float
    version: str
    sha256: str
    source: str
    score: float
    label: str
    inputs: Mapping[str, Any]


class RefusedRecordsError(Exception):
    """Report that at least one of some records can never be written, whatever the state of the database."""


def insert(engine: Engine, records: Sequence[Record]) -> None:
    """Write all of some records, or none; one that is there already stays as it is.

    So a batch can be written again when its fate is unknown, as after a lost connection.

    Raises: RefusedRecordsError where a record is at fault; an error of SQLAlchemy where the database is.
    """
    try:
        values = tuple(chain.from_iterable(map(_row, records)))
        with engine.begin() as connection:
            connection.exec_driver_sql(_statement(engine.dialect.paramstyle, len(records)), values)
    except (
        TypeError,
        ValueError,
        ArithmeticError,
        RecursionError,
    ) as error:  # no text, or no number, can be made of it
        raise RefusedRecordsError(type(error).__name__) from error
    except DBAPIError as error:
        if _is_about_records(error):
            raise RefusedRecordsError(type(error).__name__) from error
        raise


def _is_about_records(error: DBAPIError) -> bool:
    if isinstance(error, ProgrammingError):  # with a code: from the server, as of a missing table; else of a value
        return getattr(error.orig, "sqlstate", None) is None
    return isinstance(error, DataError | IntegrityError)


def _row(record: Record) -> tuple[Any, ...]:
    moment = as_text(datetime.fromtimestamp(record.at, UTC))
    return (record.prediction_id, moment, *record[2:7], to_json(record.inputs).decode())


@lru_cache(maxsize=16)
def _statement(paramstyle: str, rows: int) -> str:
    columns = predictions.columns.keys()
    mark = "?" if paramstyle == "qmark" else "%s"
    values = ", ".join([f"({', '.join([mark] * len(columns))})"] * rows)
    return f"INSERT INTO predictions ({', '.join(columns)}) VALUES {values} ON CONFLICT DO NOTHING"  # noqa: S608
