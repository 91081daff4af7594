"""How records become rows: a batch in one statement, and texts made by compiled code.

Both are for the requests beside it. A process of Python runs one thread at a time, so what the
writer computes is taken from the answers; and a thread that waits for the database has to queue up
again to go on. `executemany` waits once for each record, which beside a busy thread is 20 times
slower than one `INSERT` of all of them, which waits once.

SQLite takes their values one by one. PostgreSQL takes the whole batch as one JSON and splits it up
itself, an eighth of the work here; it keeps numbers to the last bit, which SQLite's JSON does not.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

from orjson import dumps
from sqlalchemy import Engine
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError

from app.prediction_log.tables import as_text


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
        statement, values = STATEMENTS[engine.dialect.name](records)
        with engine.begin() as connection:
            connection.exec_driver_sql(statement, values)
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


def _for_sqlite(records: Sequence[Record]) -> tuple[str, tuple[Any, ...]]:
    return _marks(len(records)), tuple(chain.from_iterable(map(_values, records)))


def _values(record: Record) -> tuple[Any, ...]:
    return (record.prediction_id, _moment(record.at), *record[2:7], dumps(record.inputs).decode())


@lru_cache(maxsize=16)  # the records of one request have one moment
def _moment(at: float) -> str:
    return as_text(datetime.fromtimestamp(at, UTC))


@lru_cache(maxsize=16)
def _marks(rows: int) -> str:
    values = ", ".join(["(?, ?, ?, ?, ?, ?, ?, ?)"] * rows)
    return f"INSERT INTO predictions ({COLUMNS}) VALUES {values} ON CONFLICT DO NOTHING"  # noqa: S608


def _for_postgresql(records: Sequence[Record]) -> tuple[str, tuple[Any, ...]]:
    batch = dumps([tuple(record) for record in records])
    if rb"\u0000" in batch:  # PostgreSQL has no NUL, so it must not look into the inputs when it splits them up
        batch = dumps([(*record[:7], dumps(record.inputs).decode()) for record in records])
    return FROM_JSON, (batch.decode(),)


STATEMENTS = {"sqlite": _for_sqlite, "postgresql": _for_postgresql}
COLUMNS = ", ".join(Record._fields)
FROM_JSON = f"""
INSERT INTO predictions ({COLUMNS})
SELECT r->>0, to_timestamp((r->>1)::float8), r->>2, r->>3, r->>4, (r->>5)::float8, r->>6, (r->>7)::json
FROM json_array_elements(%s::json) AS r
ON CONFLICT DO NOTHING
"""  # noqa: S608
