"""Where names are kept: MLflow's store, in this folder or on a server.

Without an address it is `mlflow.db`, an SQLite file, with the files in `mlartifacts/` beside it; Git ignores both.
`MLFLOW_TRACKING_URI` and `MLFLOW_REGISTRY_URI` point at a server. The database holds absolute paths: a store in a
folder that was moved or copied is put right when it is opened, before MLflow sees it.

What a server does not answer within half a minute is an error with a remedy, not minutes of silence.
"""

import logging
import os
import re
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from holdfast.errors import UserError

if TYPE_CHECKING:
    from mlflow import MlflowClient

logger = logging.getLogger(__name__)

DATABASE, ARTIFACTS = "mlflow.db", "mlartifacts"
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # Three times 8 s, and 3 s between them: long enough for a server that starts again, short enough for people.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "8",
    "AWS_MAX_ATTEMPTS": "2",
    "PGCONNECT_TIMEOUT": "8",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
# What the words of libraries mean; the first that fits is said.
MEANINGS = (
    (r"Connection refused|Could not connect to the endpoint", "is not there: nobody answers"),
    (r"NameResolutionError|resolve host|Name or service not known", "is not there: no host has that name"),
    (r"[Tt]imed out|timeout expired", "does not answer in time"),
    (r"too many (?P<code>\d+) error responses", "answers with error {code}"),
    (r"error code (?P<code>40[13])\b", "does not let in who asks (error {code})"),
    (r"not in a valid JSON format|error code 40[45]\b", "is none: something else answers"),
    (r"filesystem tracking backend", "is a folder, where MLflow keeps nothing any more: name a database or a server"),
    (r"database or disk is full|No space left on device|File too large", "finds no room left on the disk"),
    (r"Failed to download artifacts|No such artifact", "does not have its files any more"),
)
PASSWORD = re.compile(r"(?<=://)\S*@|(?<=password=)[^&\s]+")
# Where paths stand in the database of a store.
PATHS = (("experiments", "artifact_location"), ("runs", "artifact_uri"), ("logged_models", "artifact_location"))


class Store(NamedTuple):
    """An opened store: its client, its address as people read it, and where its files lie if that is for us to say."""

    client: "MlflowClient"
    address: str
    artifacts: Path | None


def address(root: Path, configured: str | None = None) -> str:
    """Return where runs are kept: what the environment says, else what is configured, else a file in this folder."""
    return os.environ.get("MLFLOW_TRACKING_URI") or configured or f"sqlite:///{root / DATABASE}"


def connect(root: Path, configured: str | None = None) -> Store:
    """Open the store; one in this folder is made if there is none.

    Raises: UserError where mlflow is not installed, or the address is none.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    tracked = address(root, configured)
    registry = os.environ.get("MLFLOW_REGISTRY_URI") or tracked
    ours = tracked == f"sqlite:///{root / DATABASE}"
    if ours:
        _relocate(root)
    try:
        import mlflow
    except ImportError as error:
        problem = "the MLflow registry is asked for, but mlflow is not installed here."
        remedy = "where it is installed, run `python -m holdfast export FOLDER --model NAME`, and use that folder"
        raise UserError(problem, fix=remedy) from error
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    logging.getLogger("alembic").setLevel(logging.ERROR)
    with asked(tracked):
        if ours and not (root / DATABASE).exists():
            logger.info("making %s, where names are kept: a few seconds, once", DATABASE)
        _reach(tracked)
        return Store(mlflow.MlflowClient(tracked, registry), shown(tracked), root / ARTIFACTS if ours else None)


def shown(address: str) -> str:
    """Return an address without the name and the password in it."""
    return PASSWORD.sub("", address)


@contextmanager
def asked(what: str) -> Iterator[None]:
    """Turn what a store can answer, or fail to, into a `UserError`."""
    try:
        yield
    except _errors() as error:
        remedy = "check the name and MLFLOW_TRACKING_URI, and that the store is there, answers and has room; then again"
        raise UserError(f"{shown(what)}: the MLflow store {_meaning(error)}.", fix=remedy) from error


def _meaning(error: BaseException) -> str:
    """Return what an error of a library means to people; its own words where that is not known."""
    chain = [error]
    while reason := chain[-1].__cause__ or chain[-1].__context__:
        chain.append(reason)
    said = "\n".join(str(one) for one in chain)
    for pattern, meaning in MEANINGS:
        if found := re.search(pattern, said):
            return meaning.format(**found.groupdict())
    return "says: " + shown(" ".join(str(error).split()))[:300].rstrip(".")


def _errors() -> tuple[type[Exception], ...]:
    """Return what a store raises; asked for once something is raised, for these take long to load."""
    from mlflow.exceptions import MlflowException
    from requests import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    return MlflowException, RequestException, SQLAlchemyError, OSError, *_errors_of_s3()


def _errors_of_s3() -> tuple[type[Exception], ...]:
    """Return what boto3 raises, if it is in use: files may lie in S3 itself."""
    if "boto3" not in sys.modules:
        return ()
    from boto3.exceptions import Boto3Error  # type: ignore[import-untyped]
    from botocore.exceptions import BotoCoreError, ClientError

    return Boto3Error, BotoCoreError, ClientError


def _reach(tracked: str) -> None:
    """Ask a database once whether it is there: MLflow itself would ask for minutes."""
    if not tracked.startswith(("postgresql", "mysql", "mssql")):
        return
    from sqlalchemy import create_engine

    engine = create_engine(tracked)
    engine.connect().close()
    engine.dispose()


def _relocate(root: Path) -> None:
    """Write the paths of this folder into a database that was made in another."""
    path = root / DATABASE
    if not path.is_file():
        return
    here = str(root / ARTIFACTS)
    try:
        with closing(sqlite3.connect(path, timeout=10)) as database, database:
            if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'experiments'").fetchall():
                return  # whoever makes it has not come that far
            found = database.execute("SELECT artifact_location FROM experiments").fetchall()
            places = {one[0].rpartition(f"/{ARTIFACTS}/")[0] for one in found if one[0] and one[0].startswith("/")}
            for place in sorted(places - {"", str(root)}):
                for table, column in PATHS:
                    there = f"{place}/{ARTIFACTS}/"
                    moved = f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?"  # noqa: S608
                    database.execute(moved, (here, len(there), len(there), there))
                logger.info("%s was made in %s: its paths are put right", DATABASE, place)
    except sqlite3.DatabaseError as error:
        remedy = f"restore it from a backup, or move it and {ARTIFACTS}/ away and publish again"
        raise UserError(f"{DATABASE}: not a database that can be read: {error}.", fix=remedy) from error
