"""Which model answered: a row of the prediction log, found by its prediction id.

The log belongs to the web app, which writes it; here it is only read, by the names of its columns, wherever
`DATABASE_URL` says that it is: an SQLite file (`predictions.db`), which is neither made nor changed, or PostgreSQL.
"""

import os
import re
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.errors import UserError
from holdfast.strict import Strict

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine

DEFAULT = "predictions.db"
SECONDS = 10
FORM = re.compile(r"[0-9a-f]{32}-[0-9]{1,6}")
DRIVERS = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg", "sqlite": "sqlite"}
POSTGRESQL = {"application_name": "holdfast", "connect_timeout": SECONDS}


class Prediction(Strict):
    """What the log knows of one prediction, but not what was asked: that is nobody's business here."""

    prediction_id: str
    at: datetime
    source: str
    score: float
    label: str
    version: str
    sha256: str

    def line(self) -> str:
        """Say it on one line; a predicted number is its own label, and is said once."""
        said = self.label if self.label == repr(self.score) else f"{self.label}, {self.score:g}"
        return f"{self.prediction_id}: {said}, {self.at:%Y-%m-%d %H:%M:%S} UTC ({self.source})"


def find(root: Path, prediction_id: str) -> Prediction:
    """Return what the log knows of a prediction.

    Raises: UserError where it is not in the log, or the log is not reached.
    """
    if not FORM.fullmatch(prediction_id):
        problem = f"--prediction: found '{prediction_id:.100}', expected 32 digits of a hash, a hyphen and a number."
        raise UserError(problem, fix="copy it from the answer of /predict, `prediction_id`, or from the result page")
    address = _address(root)
    row = _read(address, prediction_id)
    if row is None:
        problem = f"{_shown(address)}: found no prediction {prediction_id}."
        remedy = "see that DATABASE_URL is that of the service; what is older than LOG_RETENTION_DAYS is gone"
        raise UserError(problem, fix=remedy)
    at = datetime.fromisoformat(row["at"]) if isinstance(row["at"], str) else row["at"]
    return Prediction.model_validate({**row, "at": at.astimezone(UTC)})


def _address(root: Path) -> "URL":
    """Return where the log is.

    Raises: UserError where DATABASE_URL is not that of an SQLite file or of PostgreSQL.
    """
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(os.environ.get("DATABASE_URL") or f"sqlite:///{root / DEFAULT}")
        driver = DRIVERS.get(url.drivername.partition("+")[0])
    except (ArgumentError, ValueError):  # what is said of the URL may hold its password: it is not repeated
        driver = None
    if driver is None or (driver == "sqlite" and not url.database):
        problem = "DATABASE_URL: found something else, expected sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME."
        raise UserError(problem, fix=f"set it as the service has it, or unset it to read {DEFAULT} here")
    return url.set(drivername=driver)


def _read(address: "URL", prediction_id: str) -> dict[str, Any] | None:
    """Ask the log.

    Raises: UserError where it does not answer, or holds no predictions.
    """
    from sqlalchemy import column, select, table
    from sqlalchemy.exc import SQLAlchemyError

    columns: list[Any] = [column(name) for name in Prediction.model_fields]
    wanted = select(*columns).select_from(table("predictions")).where(column("prediction_id") == prediction_id)
    try:
        with _engine(address).connect() as connection:
            if connection.dialect.name != "sqlite":
                connection.exec_driver_sql(f"SET statement_timeout = '{SECONDS}s'")
            row = connection.execute(wanted).mappings().first()
    except SQLAlchemyError as error:
        said = " ".join(str(getattr(error, "orig", None) or error).split())
        remedy = "check DATABASE_URL, and that the database answers and is the one that the service writes to"
        raise UserError(f"{_shown(address)}: the prediction log is not read: {said:.200}.", fix=remedy) from error
    return dict(row) if row is not None else None


def _engine(address: "URL") -> "Engine":
    """Prepare a connection that is closed after use; a file is opened for reading, so that none is made."""
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    options: dict[str, Any] = {"poolclass": NullPool, "hide_parameters": True}
    if address.get_backend_name() == "sqlite":
        _require_file(Path(str(address.database)))
        place = f"{Path(str(address.database)).absolute().as_uri()}?mode=ro"
        return create_engine("sqlite://", creator=lambda: sqlite3.connect(place, uri=True, timeout=SECONDS), **options)
    arguments = {name: value for name, value in POSTGRESQL.items() if name not in address.query}
    return create_engine(address, connect_args=arguments, **options)


def _require_file(path: Path) -> None:
    if not path.is_file():
        problem = f"{path}: found no prediction log."
        raise UserError(problem, fix="set DATABASE_URL as the service has it, or run this in the folder of its file")


def _shown(address: "URL") -> str:
    """Name a database for people, without its password."""
    if address.get_backend_name() == "sqlite":
        return str(address.database)
    return f"{address.host or 'localhost'}/{address.database}"
