"""One door for the commands of the app: `python -m app COMMAND`.

They read the environment variables that the app reads, and no others.
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError, ProgrammingError

from app.config import Config
from app.prediction_log import migrating, retention, tables
from holdfast.errors import DONE, UserError, exit_code


def migrate() -> int:
    """Bring the tables of the prediction log up to date."""
    config = Config.from_environment()
    if not config.prediction_log:
        sys.stdout.write("PREDICTION_LOG is off: there are no tables to bring up to date\n")
        return DONE
    with _database(config) as engine:
        for what in migrating.migrate(engine) or [f"is up to date, revision {tables.REVISION}"]:
            sys.stdout.write(f"{tables.shown(engine)}: {what}\n")
    return DONE


def prune() -> int:
    """Delete predictions older than LOG_RETENTION_DAYS, and their outcomes."""
    config = Config.from_environment()
    days = config.log_retention_days
    with _database(config) as engine:
        deleted = retention.prune(engine, days)
        sys.stdout.write(f"{tables.shown(engine)}: deleted {deleted:,} predictions older than {days} days\n")
    return DONE


def smoke() -> int:
    """Try the app before it is released: every address, every golden row, and the tables of the log."""
    from app import smoke as trial  # which loads the whole app

    config = Config.from_environment()
    if config.prediction_log:
        with _database(config) as engine:
            sys.stdout.write(f"{trial.require_tables(engine)}\n")
    for line in trial.answers(config):
        sys.stdout.write(f"{line}\n")
    return DONE


@contextmanager
def _database(config: Config) -> Iterator[Engine]:
    engine = tables.engine(config.database_url)
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


def main(arguments: list[str]) -> int:
    """Run one command."""
    parser = argparse.ArgumentParser(prog="python -m app", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in (migrate, prune, smoke):
        described = commands.add_parser(command.__name__, help=command.__doc__, description=command.__doc__)
        described.set_defaults(run=command)
    return exit_code(parser.parse_args(arguments).run)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
