"""One door for the commands of the app: `python -m app COMMAND`.

They read the environment variables that the app reads, and no others.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError, ProgrammingError

from app.prediction_log import migrating, retention, tables
from holdfast.errors import DONE, UserError, exit_code

LONGEST_DAYS = 36_500


def migrate() -> int:
    """Bring the tables of the prediction log up to date."""
    with _database() as engine:
        done = migrating.migrate(engine) or [f"is up to date, revision {tables.REVISION}"]
        for what in done:
            sys.stdout.write(f"{tables.shown(engine)}: {what}\n")
    return DONE


def prune() -> int:
    """Delete predictions older than LOG_RETENTION_DAYS, and their outcomes."""
    days = _days()
    with _database() as engine:
        deleted = retention.prune(engine, days)
        sys.stdout.write(f"{tables.shown(engine)}: deleted {deleted:,} predictions older than {days} days\n")
    return DONE


@contextmanager
def _database() -> Iterator[Engine]:
    engine = tables.engine(os.environ.get("DATABASE_URL", "sqlite:///predictions.db"))
    try:
        yield engine
    except (OperationalError, ProgrammingError) as error:
        reason = str(error.orig).partition("\n")[0]
        raise UserError(
            f"DATABASE_URL: {tables.shown(engine)} says: {reason}; expected a database that answers.",
            fix="check DATABASE_URL, and that the database runs; `python -m app migrate` makes the tables.",
        ) from error
    finally:
        engine.dispose()


def _days() -> int:
    found = os.environ.get("LOG_RETENTION_DAYS", "")
    if not found.isdecimal() or not 1 <= int(found) <= LONGEST_DAYS:
        raise UserError(
            f"LOG_RETENTION_DAYS: found {found!r}, expected a number of days from 1 to {LONGEST_DAYS:,}.",
            fix="set it, for example LOG_RETENTION_DAYS=90.",
        )
    return int(found)


def main(arguments: list[str]) -> int:
    """Run one command."""
    parser = argparse.ArgumentParser(prog="python -m app", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in (migrate, prune):
        described = commands.add_parser(command.__name__, help=command.__doc__, description=command.__doc__)
        described.set_defaults(run=command)
    return exit_code(parser.parse_args(arguments).run)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
