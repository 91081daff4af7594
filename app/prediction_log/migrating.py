"""Bring the tables of a database to what this code expects, with Alembic.

All of it happens in one transaction under a lock, so that two processes that begin at once do not
collide: the second finds nothing left to do. There is no way back: code that was rolled back works
on with newer tables as long as migrations only add, and is told so if it is asked to migrate.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from app.prediction_log import tables
from holdfast.errors import UserError

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK = 0x686F6C64  # any number that nobody else uses as an advisory lock of PostgreSQL


def migrate(engine: Engine) -> list[str]:
    """Bring the tables up to date, and return what was done, one entry a migration.

    Raises: UserError where the database is newer than this code.
    """
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    with tables.writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
        pending = _pending(connection, scripts)
        config.attributes["connection"] = connection
        if pending:
            command.upgrade(config, "head")
    return pending


def _pending(connection: Connection, scripts: ScriptDirectory) -> list[str]:
    found = MigrationContext.configure(connection).get_current_revision()
    newest_first = list(scripts.walk_revisions())
    known = [script.revision for script in newest_first]
    if found is not None and found not in known:
        raise UserError(
            f"{tables.shown(connection.engine)}: found tables of revision '{found}', expected {known[0]} or older.",
            fix="deploy the code that made them or newer; or set DATABASE_URL to another database.",
        )
    missing = newest_first[: known.index(found)] if found else newest_first
    return [f"{script.revision}: {script.doc}" for script in reversed(missing)]
