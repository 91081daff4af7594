"""A service on loopback that answers what it is told to, for what asks services.

A test module that wants it says `pytest_plugins = ["canned"]`.
"""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

SERVING = {"version": "7", "sha256": "ab" * 32}
GOOD: dict[str, Any] = {"/readyz": {"status": "ready", "model": SERVING}, "/model": {**SERVING, "card": {}}}


class Answers:
    """A server that answers as it is told to, and keeps what it was asked with."""

    def __init__(self) -> None:
        self.content: dict[str, Any] = dict(GOOD)
        self.asked: list[tuple[str, str | None]] = []
        answers = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answers.asked.append((self.path, self.headers.get("Authorization")))
                status, headers, body = parts(answers.content.get(self.path, (404, {}, b"")))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


def parts(answer: Any) -> tuple[int, dict[str, str], bytes]:
    return answer if isinstance(answer, tuple) else (200, {}, json.dumps(answer).encode())


@pytest.fixture
def make_service() -> Iterator[Callable[[], Answers]]:
    made: list[Answers] = []

    def make() -> Answers:
        made.append(Answers())
        threading.Thread(target=made[-1].server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        return made[-1]

    yield make
    for each in made:
        each.server.shutdown()
        each.server.server_close()


@pytest.fixture
def service(make_service: Callable[[], Answers]) -> Answers:
    return make_service()
