"""The Procfile run for real, as Heroku would: the files of a commit, only requirements.txt, the hook, release, web."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from conftest import ROOT, run

LARGEST = 150 * 10**6  # bytes of a compressed slug, with Python itself


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return what a platform sets: nothing of ours, and nothing of this test's Python."""
    home = tmp_path_factory.mktemp("home")
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_")) or "proxy" in name}
    return {
        **kept,
        "HOME": str(home),
        "PATH": f"{home.parent}/build/.heroku/python/bin:/usr/local/bin:/usr/bin:/bin",
        "DATABASE_URL": f"sqlite:///{home}/predictions.db",
        "SECRET_KEY": "only of this test, and long",
        "TRUSTED_PROXIES": "1",
    }


@pytest.fixture(scope="module")
def slug(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Path:
    """Build a slug from the tracked files of this working tree."""
    build = tmp_path_factory.getbasetemp() / "build"
    for name in run("git ls-files --cached --others --exclude-standard", ROOT).splitlines():
        if (ROOT / name).is_file():
            (build / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, build / name)
    packages = str(build / ".heroku/python")
    built([sys.executable, "-m", "venv", packages], build, environment)
    pip = [f"{packages}/bin/python", "-m", "pip", "install", "--quiet", "--no-compile"]
    built([*pip, "--require-hashes", "-r", "requirements.txt"], build, environment)
    built(["bin/post_compile"], build, environment | {"BUILD_DIR": str(build), "STACK": "heroku-24"})
    return build


def built(command: list[str], build: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(command, cwd=build, env=environment, text=True, capture_output=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


def honcho(process: str, slug: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    """Start one process of the Procfile; honcho itself is no part of the slug."""
    command = [sys.executable, "-m", "honcho", "-f", "Procfile", "start", "--no-colour", process]
    return subprocess.Popen(
        command, cwd=slug, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


@pytest.fixture(scope="module")
def released(slug: Path, environment: dict[str, str]) -> str:
    """Run the release process, and return what it said."""
    process = honcho("release", slug, environment)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    return said


@pytest.fixture
def web(slug: Path, environment: dict[str, str], released: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the web process on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = honcho("web", slug, environment | {"PORT": str(port)})
    yield process, f"http://127.0.0.1:{port}"
    if process.poll() is None:
        process.kill()
        process.communicate()
    elif process.stdout:
        process.stdout.close()


def ready(address: str, seconds: float) -> None:
    """Wait until the service can serve; `benchmarks/serving.py` measures how long that takes."""
    end = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(f"{address}/readyz", timeout=5):
                return
        except OSError:
            assert time.monotonic() < end, "it is not ready"
            time.sleep(0.02)


@pytest.mark.slow
def test_the_slug_has_what_serves_and_nothing_else(slug: Path) -> None:
    packages = {path.name.partition("-")[0].lower() for path in slug.glob(".heroku/python/lib/python*/site-packages/*")}

    assert not (slug / ".git").exists()
    assert {path.name for path in slug.iterdir()} == {".heroku", ".python-version"} | {
        *("LICENSE", "Procfile", "app", "artifacts", "gunicorn.conf.py", "requirements.txt", "src")
    }
    assert {"flask", "gunicorn", "sklearn"} <= packages
    assert packages.isdisjoint(
        {"mlflow", "mlflow_skinny", "pyarrow", "dvc", "pytest", "matplotlib", "great_expectations"}
    )


@pytest.mark.slow
def test_the_compressed_slug_is_small_enough_with_python_itself(slug: Path) -> None:
    standard = Path(sysconfig.get_path("stdlib"))
    without = [f"--exclude={name}" for name in ("site-packages", "test", "idlelib", "*.a", "__pycache__")]
    interpreter = Path(sys.base_prefix, "bin", f"python{sysconfig.get_python_version()}")
    library = Path(sysconfig.get_config_var("LIBDIR"), sysconfig.get_config_var("INSTSONAME"))

    sizes = {
        "app and packages": compressed(slug, "."),
        "standard library": compressed(standard.parent, *without, standard.name),
        "interpreter": compressed(interpreter.parent, interpreter.name),
        "its library": compressed(library.parent, library.name) if library.suffix != ".a" else 0,
    }

    sys.stdout.write(f"compressed slug: {sizes}\n")
    assert sum(sizes.values()) < LARGEST, sizes


def compressed(folder: Path, *what: str) -> int:
    """Return how many bytes tar and gzip make of it."""
    command = ["tar", "-C", str(folder), "-cz", *what]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as tar:
        assert tar.stdout
        return sum(len(piece) for piece in iter(partial(tar.stdout.read, 2**20), b""))


@pytest.mark.slow
def test_the_release_makes_the_tables_and_tries_the_app(released: str) -> None:
    assert "0001: Make the tables of predictions and outcomes." in released
    assert "100 golden rows, each with its score" in released


@pytest.mark.slow
def test_the_web_process_scores_as_the_evaluation_did_to_the_last_bit_and_stops_when_told(
    slug: Path, web: tuple[subprocess.Popen[str], str]
) -> None:
    process, address = web
    golden = json.loads((slug / "artifacts/evaluate/bundle/golden.json").read_text())

    ready(address, 60)
    request = urllib.request.Request(
        f"{address}/predict", json.dumps({"rows": golden["rows"]}).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        answer = json.load(response)
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=30)

    assert [prediction["score"] for prediction in answer["predictions"]] == golden["scores"]
    assert "mlflow" not in said
    assert "Shutting down: Master" in said  # of itself, before it would be killed
    assert "SIGKILL" not in said
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(address, timeout=1)
