"""A real server of MLflow on loopback: names in PostgreSQL, files in a stand-in for S3.

A test module that wants it says `pytest_plugins = ["postgres", "mlflow_server"]`.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

import s3_server
from conftest import unmeasured
from running import running

if TYPE_CHECKING:
    from postgres import Server

BUCKET = "s3://bucket/mlflow"


class Tracking(NamedTuple):
    """The address of a server, and the environment that whoever asks it needs."""

    address: str
    environment: dict[str, str]


def s3_environment(address: str) -> dict[str, str]:
    """Return what tells boto3 where S3 is."""
    keys = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "any")
    return {"AWS_ENDPOINT_URL": address, "AWS_DEFAULT_REGION": "us-east-1", **keys}


@contextmanager
def serving(database: str, s3: str, folder: Path, *options: str) -> Iterator[str]:
    """Start a server, wait until it is well, and give its address."""
    port = s3_server.free_port()
    address = f"http://127.0.0.1:{port}"
    uri = database.replace("postgres://", "postgresql+psycopg://")
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", uri, *options]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    environment = {**unmeasured(), **s3_environment(s3)}
    with running(command, folder, environment, f"{address}/health"):
        yield address


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """The address of a stand-in for S3 with an empty bucket."""
    with s3_server.serving() as address:
        yield address


@pytest.fixture(scope="session")
def through_server(postgres_server: "Server", s3: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tracking]:
    """A server that hands out the files itself: who asks it knows nothing of S3."""
    folder = tmp_path_factory.mktemp("mlflow-server")
    options = ("--serve-artifacts", "--artifacts-destination", BUCKET)
    with serving(postgres_server.make_database(), s3, folder, *options) as address:
        yield Tracking(address, {})


@pytest.fixture(scope="session")
def beside_server(postgres_server: "Server", s3: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tracking]:
    """A server that keeps names alone: who asks it reads and writes the files in S3."""
    folder = tmp_path_factory.mktemp("mlflow-server")
    options = ("--no-serve-artifacts", "--default-artifact-root", f"{BUCKET}-direct")
    with serving(postgres_server.make_database(), s3, folder, *options) as address:
        yield Tracking(address, s3_environment(s3))
