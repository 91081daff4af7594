"""How the service says what is wrong: `application/problem+json` (RFC 9457), with what was found and expected.

Whatever goes wrong on the way of a request becomes a `Problem`; a browser that asked for a page gets the same in
words. No answer shows a stack trace or an internal name: those are in the log, under the request id.
"""

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from flask import Response, render_template, request
from pydantic import BaseModel, Field

TYPE = "application/problem+json"


class FieldError(BaseModel):
    """One mistake in a request: where it is, what was found and what is expected."""

    row: int | None = Field(default=None, description="number of the row, from 0")
    field: str | None = Field(default=None, description="name of the column, or of the key beside `rows`")
    found: str
    expected: str


class ProblemDocument(BaseModel):
    """What every refusal looks like (RFC 9457)."""

    type: str = Field(description="names the kind of the problem; `about:blank` where the status says it all")
    title: str
    status: int
    detail: str
    instance: str = Field(description="path of the request")
    request_id: str
    errors: list[FieldError] = []


class Problem(Exception):  # noqa: N818 (RFC 9457 names it)
    """A refusal, on its way to become an answer."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        kind: str = "",
        errors: Sequence[FieldError] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.kind = f"urn:holdfast:{kind}" if kind else "about:blank"
        self.errors = errors
        self.headers = headers or {}

    def document(self, instance: str, request_id: str) -> dict[str, Any]:
        """Return what the answer says."""
        return {
            "type": self.kind,
            "title": self.status.phrase,
            "status": self.status.value,
            "detail": self.detail,
            "instance": instance,
            "request_id": request_id,
            "errors": [error.model_dump(exclude_none=True) for error in self.errors],
        }


def answer(problem: Problem, *, page: bool) -> Response:
    """Return the answer that says the problem, as a document or as a page."""
    document = problem.document(request.path, request.environ.get("holdfast.request_id", ""))
    if page:
        body, kind = render_template("error.html", **document), "text/html; charset=utf-8"
    else:
        body, kind = json.dumps(document), TYPE
    return Response(body, status=problem.status.value, content_type=kind, headers=problem.headers)
