"""How an application answers when something goes wrong: always as a problem, in words where a page was asked for."""

import logging
from http import HTTPStatus

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge

from app import envelope
from app.problems import Problem, answer

logger = logging.getLogger(__name__)

API = {"/predict", "/outcomes", "/model", "/openapi.json", "/healthz", "/readyz", "/metrics"}
DETAILS = {
    404: "Found no such address here.",
    500: "This is our mistake, not yours. It is in the log, under the request id.",
}


def register(app: Flask) -> None:
    """Let an application answer so."""

    @app.errorhandler(Problem)
    def answer_problem(problem: Problem) -> Response:
        return answer(problem, page=_asked_for_a_page())

    @app.errorhandler(HTTPException)
    def answer_http(error: HTTPException) -> Response | HTTPException:
        if error.code is None or error.code < 400:
            return error
        return answer(_problem(error, app), page=_asked_for_a_page())

    @app.errorhandler(Exception)
    def answer_mistake(error: Exception) -> Response:
        about = {"request_id": request.environ.get(envelope.ID), "path": request.path[:200]}
        logger.error("a request failed", exc_info=error, extra={"about": about})
        problem = Problem(HTTPStatus.INTERNAL_SERVER_ERROR, DETAILS[500])
        return answer(problem, page=_asked_for_a_page())


def _problem(error: HTTPException, app: Flask) -> Problem:
    status = HTTPStatus(error.code or 500)
    match error:
        case RequestEntityTooLarge():
            most = app.config["MAX_CONTENT_LENGTH"]
            size = f"{request.content_length:,}" if request.content_length else "more"
            detail = f"Body: found {size} bytes, expected at most {most:,}."
        case MethodNotAllowed():
            allowed = ", ".join(sorted(error.valid_methods or ()))
            detail = f"Found {request.method[:20]}, expected one of {allowed}."
            return Problem(status, detail, headers={"Allow": allowed})
        case _:
            detail = DETAILS.get(status.value, error.description or status.phrase)
    return Problem(status, detail)


def _asked_for_a_page() -> bool:
    return request.path not in API and "text/html" in request.headers.get("Accept", "")
