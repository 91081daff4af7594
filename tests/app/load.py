"""The service as it is deployed, in a process of its own, and clients that ask it all the time and check every answer."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from holdfast.bundle import Bundle, Golden

ROOT = Path(__file__).parent.parent.parent
Scores = dict[str, Sequence[float]]  # of the golden rows, by the hash of the model that gives them


class Service:
    """gunicorn with its committed configuration and two workers, in a folder of its own."""

    def __init__(self, folder: Path, bundle: Path, database_url: str, **options: Any) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.log = folder / "service.log"
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
            "MODEL_URI": str(bundle),
            "DATABASE_URL": database_url,
            "RATE_LIMIT": "off",
            "WEB_CONCURRENCY": "2",
            "PORT": str(self.port),
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    Path(sys.executable).with_name("gunicorn"),
                    "--config",
                    str(ROOT / "gunicorn.conf.py"),
                    "app.wsgi:app",
                ],
                cwd=folder,
                env=environment,
                stdout=log,
                stderr=log,
                **options,
            )
        self.wait_until_ready()

    def wait_until_ready(self, seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            try:
                if self.get("/readyz")[0] == 200:
                    return
            except OSError:
                time.sleep(0.05)
        self.process.kill()
        self.process.wait()
        raise AssertionError(f"not ready:\n{self.log.read_text()[-3_000:]}")

    def get(self, path: str) -> tuple[int, bytes]:
        return ask(self.port, "GET", path)

    def workers(self, master: int | None = None) -> list[psutil.Process]:
        found: list[psutil.Process] = psutil.Process(master or self.process.pid).children()
        return [one for one in found if "gunicorn" in " ".join(one.cmdline())]

    def counted(self, name: str) -> float:
        """Return a number of /metrics, added up over its labels."""
        lines = self.get("/metrics")[1].decode().splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(40)


def ask(port: int, method: str, path: str, body: bytes | None = None, timeout: float = 10) -> tuple[int, bytes]:
    """Ask once, on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@dataclass
class Load:
    """Clients that ask for the score of one golden row after the other; what they were told is kept."""

    port: int
    golden: Golden
    scores: Scores
    rate: float = 50.0
    clients: int = 4
    answered: list[tuple[float, str]] = field(default_factory=list)  # when, and which model
    failed: list[tuple[float, str]] = field(default_factory=list)  # when, and how
    wrong: list[str] = field(default_factory=list)
    slowest: float = 0.0

    @contextmanager
    def going_on(self) -> Iterator["Load"]:
        """Ask while the block runs."""
        self._stop = threading.Event()
        threads = [threading.Thread(target=self._client, args=(number,)) for number in range(self.clients)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def _client(self, number: int) -> None:
        place = number
        while not self._stop.wait(self.clients / self.rate):
            place = (place + self.clients) % len(self.golden.rows)
            began = time.monotonic()
            try:
                status, content = ask(self.port, "POST", "/predict", body_of([self.golden.rows[place]]))
            except (OSError, http.client.HTTPException) as error:
                self.failed.append((began, repr(error)))
                continue
            self.slowest = max(self.slowest, time.monotonic() - began)
            self._check(began, place, status, content)

    def _check(self, began: float, place: int, status: int, content: bytes) -> None:
        if status != 200:
            self.failed.append((began, f"{status} {content[:300]!r}"))
            return
        answer = json.loads(content)
        model, score = answer["model"]["sha256"], answer["predictions"][0]["score"]
        if model not in self.scores or self.scores[model][place] != score:
            self.wrong.append(f"row {place}: {model} said {score!r}")
        self.answered.append((began, model))


def body_of(rows: Sequence[Any]) -> bytes:
    return json.dumps({"rows": rows}).encode()


def scores_of(*bundles: Path) -> tuple[Golden, Scores]:
    """Return the golden rows of the first bundle, and their scores by each bundle's model."""
    loaded = [Bundle.load(folder) for folder in bundles]
    golden = loaded[0].golden
    return golden, {one.sha256: one.model.score_columns(one.columns(golden.rows)).tolist() for one in loaded}
