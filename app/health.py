"""What those who run the service ask: does it live, can it serve, what has it counted."""

from http import HTTPStatus

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from prometheus_client import CONTENT_TYPE_LATEST

from app import documents
from app.problems import Problem
from app.security import require
from app.service import Service

NOT_READY = "The model has not given its golden rows exactly their scores; the log says what was found."


def blueprint(service: Service) -> APIBlueprint:
    """Return the views of one service."""
    health = APIBlueprint("health", __name__, abp_tags=[Tag(name="health")])

    @health.get("/healthz", summary="Does the process live?", responses={200: documents.Alive, **documents.PROBLEMS})
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @health.get("/readyz", summary="Can it serve?", responses={200: documents.Ready, **documents.problems(503)})
    def readyz() -> dict[str, object]:
        require_ready(service)
        return {"status": "ready", "model": {"version": service.bundle.version, "sha256": service.bundle.sha256}}

    @health.get(
        "/metrics", summary="Numbers for Prometheus", responses={**documents.METRICS, **documents.problems(401)}
    )
    def metrics() -> Response:
        if service.config.metrics_token:
            require(service.config.metrics_token, "METRICS_TOKEN")
        if service.predictor.recorder:
            service.metrics.follow(service.predictor.recorder)
        return Response(service.metrics.exposed(), content_type=CONTENT_TYPE_LATEST)

    return health


def require_ready(service: Service) -> None:
    """Refuse while the model is not proven.

    Raises: Problem with status 503.
    """
    if not service.predictor.ready:
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, NOT_READY, kind="not-ready", headers={"Retry-After": "10"})
