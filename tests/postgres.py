"""Databases for the tests: files of SQLite, and a real server of PostgreSQL that can be stopped and started.

A test module that wants them says `pytest_plugins = ["postgres"]`.
"""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine

from app.prediction_log import tables

NUMBERS = count()


class Server:
    """A server of PostgreSQL on a port of its own, run by somebody who is not root, for root may not."""

    def __init__(self, binaries: Path) -> None:
        self._binaries = binaries
        self.folder = Path(tempfile.mkdtemp(prefix="postgres-"))  # the user below may not enter pytest's own
        self._user = "postgres" if os.getuid() == 0 else None
        if self._user:
            shutil.chown(self.folder, self._user)
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self._port = found.getsockname()[1]
        self._run("initdb", "--auth=trust", "--username=holdfast", "--encoding=UTF8", "--no-sync")

    def url(self, database: str = "postgres") -> str:
        return f"postgres://holdfast@127.0.0.1:{self._port}/{database}"

    def make_database(self) -> str:
        """Make an empty database and return its URL."""
        name = f"test_{next(NUMBERS)}"
        with closing(psycopg.connect(self.url(), autocommit=True)) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name)

    def start(self) -> None:
        options = f"-p {self._port} -k {self.folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        self._run("pg_ctl", "--wait", "--silent", f"--log={self.folder}/log", f"--options={options}", "start")

    def stop(self) -> None:
        """Stop it as a crash would: connections break, what was committed stays."""
        self._run("pg_ctl", "--wait", "--silent", "--mode=immediate", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._binaries / program, f"--pgdata={self.folder}/data", *arguments],
            cwd=self.folder,
            env={"LC_ALL": "C", "PATH": os.environ["PATH"]},
            user=self._user,
            group=pwd.getpwnam(self._user).pw_gid if self._user else None,
            extra_groups=[] if self._user else None,
            stdout=subprocess.DEVNULL,
            check=True,
        )


def binaries() -> Path:
    """Find the newest PostgreSQL of this machine; without one, skip what needs it, but never in CI."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    initdb = str(found[-1]) if found else shutil.which("initdb")
    if initdb:
        return Path(initdb).parent
    lacking = "PostgreSQL is not installed: on Debian, `apt-get install postgresql`"
    if os.environ.get("CI"):
        pytest.fail(lacking)
    pytest.skip(lacking)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    server = Server(binaries())
    server.start()
    yield server
    server.stop()
    shutil.rmtree(server.folder)


@pytest.fixture
def postgres(postgres_server: Server) -> str:
    """The URL of an empty database on a server."""
    return postgres_server.make_database()


@dataclass(frozen=True)
class Database:
    """An empty database of one of both kinds."""

    url: str
    engine: Engine

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Run the test on both."""
    url = f"sqlite:///{tmp_path}/log.db" if request.param == "sqlite" else request.getfixturevalue("postgres")
    engine = tables.engine(url)
    yield Database(url, engine)
    engine.dispose()
