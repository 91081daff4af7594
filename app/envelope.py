"""What goes around every request, whatever answers it: an id, a clock, security headers, one line of log, one count.

It is a WSGI layer and not a hook of Flask, so that it also holds for what Flask refuses before any hook, and because
it costs a few microseconds.
"""

import random
import re
import time
from collections.abc import Iterable
from time import perf_counter
from typing import TYPE_CHECKING, Any

from app import logs
from app.metrics import Metrics

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
ID, ENDPOINT = "holdfast.request_id", "holdfast.endpoint"

HEADERS = [
    (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
]
SECURE = ("Strict-Transport-Security", "max-age=31536000")


def unique() -> str:
    """Return an id of 32 characters that no other request has; it is no secret.

    Ids of later milliseconds come later in the order, which keeps the index of a log small and quick. The kernel is not
    asked for randomness: each time that Python waits for it, another thread takes over.
    """
    return f"{time.time_ns() // 1_000_000:012x}{random.getrandbits(80):020x}"


class Envelope:
    """A WSGI application around another."""

    def __init__(self, inner: "WSGIApplication", metrics: Metrics) -> None:
        self._inner = inner
        self._metrics = metrics

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer a request."""
        started = perf_counter()
        given = environ.get("HTTP_X_REQUEST_ID", "")
        request_id = given if REQUEST_ID.fullmatch(given) else unique()
        environ[ID] = request_id
        code = "500"

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            nonlocal code
            code = status[:3]
            headers = [*headers, *HEADERS, ("X-Request-Id", request_id)]
            if environ["wsgi.url_scheme"] == "https":
                headers.append(SECURE)
            if not any(name == "Cache-Control" for name, _ in headers):
                headers.append(("Cache-Control", "no-store"))
            return start_response(status, headers, *error)

        try:
            return self._inner(environ, start)
        finally:
            self._finish(environ, request_id, code, perf_counter() - started)

    def _finish(self, environ: "WSGIEnvironment", request_id: str, code: str, seconds: float) -> None:
        endpoint, method = environ.get(ENDPOINT) or "none", environ["REQUEST_METHOD"]
        self._metrics.request(endpoint, method, code, seconds)
        address = environ.get("REMOTE_ADDR") or ""
        logs.access(request_id, method, environ.get("PATH_INFO", ""), endpoint, code, seconds, address)
