"""How long predictions are kept: their outcomes go with them, and only for their age.

Rows are deleted a thousand at a time, so that nobody who writes waits long. In PostgreSQL one
process does it at a time; the others leave it to that one. In SQLite the write lock sees to that.
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Engine, delete, select

from app.prediction_log import tables

AT_ONCE = 1_000
LOCK = 0x6B656570  # not the one of migrations


def prune(engine: Engine, days: float) -> int:
    """Delete all predictions older than so many days, and return how many there were."""
    deleted = some = prune_some(engine, days)
    while some == AT_ONCE:
        some = prune_some(engine, days)
        deleted += some
    return deleted


def prune_some(engine: Engine, days: float) -> int:
    """Delete the oldest of them, and return how many: fewer than `AT_ONCE` when there are no more."""
    table = tables.predictions
    limit = datetime.now(UTC) - timedelta(days=days)
    oldest = select(table.c.prediction_id).where(table.c.at < limit).order_by(table.c.at).limit(AT_ONCE)
    with tables.writing(engine) as connection:
        if not _is_alone(connection):
            return 0
        return connection.execute(delete(table).where(table.c.prediction_id.in_(oldest))).rowcount


def _is_alone(connection: Connection) -> bool:
    if connection.dialect.name != "postgresql":
        return True
    return bool(connection.exec_driver_sql(f"SELECT pg_try_advisory_xact_lock({LOCK})").scalar())
