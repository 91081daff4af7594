"""Where predictions and outcomes are kept: two tables, in SQLite or PostgreSQL.

SQLite is the default, for it needs no server; it is opened so that readers and one writer do not
wait for each other (WAL) and so that a commit does not wait for the disk (synchronous NORMAL: a
crash of the process loses nothing, a power cut the last moments). PostgreSQL is reached through
psycopg 3, however its URL is spelled. A database that does not answer is given up after seconds,
never waited for: see `POSTGRESQL` below.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    URL,
    Column,
    Connection,
    DateTime,
    Dialect,
    Double,
    Engine,
    ForeignKey,
    Index,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    create_engine,
    event,
    inspect,
    make_url,
)
from sqlalchemy.exc import ArgumentError
from sqlalchemy.types import TypeEngine

from holdfast.errors import UserError

REVISION = "0001"  # what the newest of the migrations makes
BUSY_SECONDS = 5
STATEMENT_SECONDS = 10
# What the URL says itself (?connect_timeout=2, ?sslmode=require) goes first.
POSTGRESQL: dict[str, Any] = {
    "application_name": "holdfast",
    "connect_timeout": 5,
    # A server that vanished without a word is noticed within half a minute.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,  # milliseconds
    "prepare_threshold": None,  # poolers such as PgBouncer hand each transaction to another connection
}
# Few statements, but long: one for each number of rows that was ever written at once.
SQLITE: dict[str, Any] = {"timeout": BUSY_SECONDS, "cached_statements": 16}
DRIVERS = {"sqlite": "sqlite", "postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}
DRIVERS |= {driver: driver for driver in DRIVERS.values()}


class Moment(TypeDecorator[datetime]):
    """Keep a moment in UTC; SQLite has no times, so there it is ISO 8601 text, which sorts as moments do."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the type that the database has."""
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Turn a moment into what the database takes."""
        return as_text(value) if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Turn what the database gave into a moment."""
        return (datetime.fromisoformat(value) if isinstance(value, str) else value).astimezone(UTC) if value else None


def as_text(moment: datetime) -> str:
    """Spell a moment always at the same length, so that texts sort as moments do."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    }
)
predictions = Table(
    "predictions",
    metadata,
    Column("prediction_id", Text, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("version", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("score", Double, nullable=False),
    Column("label", Text, nullable=False),
    Column("inputs", JSON, nullable=False),
    Index(None, "at"),
)
outcomes = Table(
    "outcomes",
    metadata,
    Column("prediction_id", ForeignKey(predictions.c.prediction_id, ondelete="CASCADE"), primary_key=True),
    Column("label", Text, nullable=False),
    Column("at", Moment, nullable=False),
)


def engine(url: str) -> Engine:
    """Prepare connections to the database at a URL; the first one is made when it is needed.

    Raises: UserError where the URL is not that of an SQLite file or of PostgreSQL.
    """
    parsed = parse(url)
    defaults = SQLITE if parsed.get_backend_name() == "sqlite" else POSTGRESQL
    made = create_engine(
        parsed,
        connect_args={name: value for name, value in defaults.items() if name not in parsed.query},
        hide_parameters=True,  # what people asked about must not get into the logs with an error
        pool_pre_ping=True,
        pool_timeout=BUSY_SECONDS,
    )
    event.listen(made, "connect", _set_up_sqlite if defaults is SQLITE else _set_up_postgresql)
    return made


def parse(url: str) -> URL:
    """Read the URL of a database, `postgres://` as well."""
    expected = "expected sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE"
    fix = "set DATABASE_URL, or unset it to write predictions.db in the current folder."
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # what is said of the URL may hold its password: it is not repeated
        raise UserError(f"DATABASE_URL: found something that is no URL, {expected}.", fix=fix) from None
    if parsed.drivername not in DRIVERS:
        raise UserError(f"DATABASE_URL: found '{parsed.drivername}://...', {expected}.", fix=fix)
    if parsed.drivername == "sqlite" and parsed.database in {None, "", ":memory:"}:
        raise UserError(f"DATABASE_URL: found no file after '{parsed.drivername}://', {expected}.", fix=fix)
    if parsed.drivername != "sqlite" and "@" in f"{parsed.host}{parsed.database}":
        raise UserError(f"DATABASE_URL: found more than one @, {expected}.", fix="write @ as %40 in the password.")
    return parsed.set(drivername=DRIVERS[parsed.drivername])


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that reads before it writes.

    SQLite waits for its turn only where a transaction begins; later it refuses.
    """
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection


def are_current(engine: Engine) -> bool:
    """Tell whether a database has the tables that this code expects, without loading Alembic for it."""
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return False
        return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == REVISION


def shown(engine: Engine) -> str:
    """Name a database for people, without its password."""
    url = engine.url
    return str(url.database) if engine.dialect.name == "sqlite" else f"{url.host or 'localhost'}/{url.database}"


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    # The file beside it may grow to 16 MB before it is written back: pages of the indexes are then written back once
    # for many records, which spares a fifth of the work.
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON", "wal_autocheckpoint = 4000"):
        connection.execute(f"PRAGMA {pragma}").close()


def _set_up_postgresql(connection: Any, _record: Any) -> None:
    connection.execute(f"SET statement_timeout = '{STATEMENT_SECONDS}s'")
    connection.commit()
