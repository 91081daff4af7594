"""A small app behind which the tests look at the worker alone."""

import time
from collections.abc import Iterable, Iterator
from wsgiref.types import StartResponse, WSGIEnvironment

from flask import Flask, Response, request, send_file, stream_with_context
from werkzeug.exceptions import HTTPException

ERRORS = {"value": ValueError, "system": OSError}

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 1_000_000


@app.errorhandler(HTTPException)
def answer(error: HTTPException) -> tuple[str, int]:
    return str(error.code), error.code or 500


@app.post("/echo")
def echo() -> bytes:
    time.sleep(request.args.get("seconds", 0.0, float))
    return request.get_data()


@app.get("/large")
def large() -> Response:
    piece = b"x" * 1_000_000
    return Response((piece for _ in range(request.args.get("mb", 1, int))), mimetype="text/plain")


@app.get("/file")
def file() -> Response:
    return send_file(__file__, mimetype="text/plain")


@app.get("/broken")
def broken() -> Response:
    def pieces() -> Iterator[bytes]:
        yield b"the first half"
        raise ERRORS[request.args["error"]]("in the middle")

    length = {"Content-Length": "1000"} if "length" in request.args else {}
    return Response(stream_with_context(pieces()), headers=length)


inner = app.wsgi_app


def wsgi(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/fail":
        raise ValueError("outside of Flask's own error handling")
    return inner(environ, start_response)


app.wsgi_app = wsgi  # type: ignore[method-assign]
