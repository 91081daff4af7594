"""The service for programs: `/predict`, `/outcomes`, `/model`, and the document that describes them."""

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, Literal

import orjson
import pydantic
from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import SQLAlchemyError

from app import documents
from app.bodies import checked
from app.health import require_ready
from app.prediction_log import outcomes
from app.predictor import Prediction
from app.problems import Problem
from app.requests import PredictRequest
from app.security import json_body, require
from app.service import Service
from holdfast.targets import NumberTarget, Target

if TYPE_CHECKING:
    from app.explanation import Explainer

JSON = "application/json"
MISTAKES = documents.problems(400, 401, 413, 415, 422, 503)  # that may be answered to what is sent
MOST_COMMAS = 5 * documents.MOST_OUTCOMES  # an outcome needs two, and a label may have some


def blueprint(service: Service, explainer: "Explainer") -> APIBlueprint:
    """Return the views of one service."""
    api = APIBlueprint("api", __name__, abp_tags=[Tag(name="model")])
    name = {"version": service.bundle.version, "sha256": service.bundle.sha256}
    _take_rows(api, service, explainer, name)
    _tell_of_model(api, service, name)
    _take_outcomes(api, service)
    return api


def _take_rows(api: APIBlueprint, service: Service, explainer: "Explainer", name: dict[str, str]) -> None:
    @api.post(
        "/predict",
        summary="Score rows",
        description=f"From 1 to {service.config.max_rows} rows; with bad rows, see `bad_rows`.",
        responses={200: documents.PREDICT[service.schema.target.kind], **MISTAKES},
        security=[{"key": []}] if service.config.api_keys else None,
    )
    @documents.takes(service.reader.model)
    def predict() -> Response:
        require_ready(service)
        asked = service.reader.read(json_body())
        if asked.refused:
            service.metrics.refused(len(asked.refused))
        predictions = service.predictor.predict(asked.rows, source="api", numbers=asked.numbers, table=asked.table)
        if asked.explain:
            predictions = _explained(predictions, asked, explainer)
        refused = [
            {"row": row, "errors": [error.model_dump(exclude_none=True) for error in errors]}
            for row, errors in asked.refused
        ]
        answer = {"model": name, "predictions": predictions, "refused": refused}
        return Response(orjson.dumps(answer), content_type=JSON)


def _tell_of_model(api: APIBlueprint, service: Service, name: dict[str, str]) -> None:
    bundle = service.bundle
    about = documents.ModelAnswer(
        **name, facts=bundle.model.facts, card=bundle.card, release=bundle.release
    ).model_dump_json()

    @api.get(
        "/model", summary="What is known of the model", responses={200: documents.ModelAnswer, **documents.PROBLEMS}
    )
    def model() -> Response:
        return Response(about, content_type=JSON)


def _take_outcomes(api: APIBlueprint, service: Service) -> None:
    told = _outcomes_model(service.schema.target)

    @api.post(
        "/outcomes",
        summary="Say what really happened",
        description="By prediction id; to say it twice does no harm.",
        responses={200: documents.OutcomesAnswer, **MISTAKES},
        security=[{"outcomes": []}],
    )
    @documents.takes(told)
    def take_outcomes() -> dict[str, Any]:
        engine = _log_of(service)
        content: Any = checked(told, json_body(), MOST_COMMAS)
        try:
            verdicts = outcomes.store(engine, [(one.prediction_id, _told(one)) for one in content.outcomes])
        except SQLAlchemyError as error:
            raise _unavailable("The database of the prediction log is not reached; ask again later.") from error
        return {"outcomes": verdicts}


def _explained(predictions: list[Prediction], asked: PredictRequest, explainer: "Explainer") -> list[Prediction]:
    return [
        {**prediction, "moved": explainer.moved(row)} for prediction, row in zip(predictions, asked.rows, strict=True)
    ]


def _told(outcome: Any) -> str:
    """Return what happened as it is kept: a label, or a number in as many digits as it has."""
    return outcome.label if hasattr(outcome, "label") else repr(outcome.number + 0.0)  # which is 0.0 of -0.0, too


def _log_of(service: Service) -> Any:
    """Return the database that outcomes go to, for a caller who may.

    Raises: Problem where there is none, or the caller may not.
    """
    token, recorder = service.config.outcomes_token, service.predictor.recorder
    if token is None:
        raise _unavailable("Outcomes are not taken here: OUTCOMES_TOKEN is not set.")
    require(token, "OUTCOMES_TOKEN")
    if recorder is None:
        raise _unavailable("Outcomes are not taken here: the prediction log is off (PREDICTION_LOG=off).")
    recorder.start()  # it makes the tables of a new file, also where nothing was predicted yet
    return recorder.engine


def _unavailable(detail: str) -> Problem:
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers={"Retry-After": "10"})


def _outcomes_model(target: Target) -> type[BaseModel]:
    """Return the model of a request to `/outcomes`: what happened is one of the target's labels, or a number."""
    strict = ConfigDict(extra="forbid")
    prediction_id = Annotated[str, Field(pattern=r"^[0-9a-f]{32}-[0-9]{1,6}$", examples=["0" * 32 + "-0"])]
    what: dict[str, Any] = {"number" if isinstance(target, NumberTarget) else "label": (_answer_of(target), ...)}
    outcome = pydantic.create_model("Outcome", __config__=strict, prediction_id=(prediction_id, ...), **what)
    some = Annotated[list[outcome], Field(min_length=1, max_length=documents.MOST_OUTCOMES)]
    return pydantic.create_model("OutcomesRequest", __config__=strict, outcomes=(some, ...))


def _answer_of(target: Target) -> Any:
    """Return the type of what can happen."""
    if isinstance(target, NumberTarget):
        return Annotated[float, Field(ge=target.min, le=target.max, allow_inf_nan=False)]
    return Literal[target.answers]
