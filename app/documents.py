"""What answers look like, for OpenAPI; what requests look like follows from the schema of the model."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from app.problems import TYPE, FieldError
from holdfast.bundle import Card, Release
from holdfast.model import Facts
from holdfast.targets import Kind

View = TypeVar("View", bound=Callable[..., Any])

PROBLEM = {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}
METRICS: dict[str | int | HTTPStatus, Any] = {
    "200": {"description": "The text format of Prometheus.", "content": {"text/plain": {"schema": {"type": "string"}}}}
}
MOST_OUTCOMES = 1_000


class Named(BaseModel):
    """Which model answered."""

    version: str = Field(description="the name that it was released under, or the start of its hash")
    sha256: str = Field(description="names the model to the last bit")


class Alive(BaseModel):
    """The process lives."""

    status: Literal["ok"]


class Ready(BaseModel):
    """The model is loaded and proven."""

    status: Literal["ready"]
    model: Named


class ModelAnswer(BaseModel):
    """Everything that is known of the model."""

    model_config = ConfigDict(protected_namespaces=())

    version: str
    sha256: str
    facts: Facts = Field(description="the schema of a row, the rows that it was trained on, its threshold")
    card: Card = Field(description="what was measured on the holdout")
    release: Release | None = Field(description="where it comes from, and what the gates said")


class Moved(BaseModel):
    """An input that moved the score."""

    model_config = ConfigDict(extra="allow")

    column: str
    effect: float = Field(description="how much higher the score is than with a usual value")


class RowAnswer(BaseModel):
    """What is said of any row."""

    row: int = Field(description="its number in the request, from 0")
    prediction_id: str
    unknown: list[str] = Field(description="columns whose word the model has not met")
    missing: list[str] = Field(description="columns that were left out or null")
    id: str | None = Field(default=None, description="as it was given")
    moved: list[Moved] | None = Field(default=None, description="what moved the score most; only with `explain`")


class PredictionAnswer(RowAnswer):
    """What is said of one row, which has one of two labels."""

    score: float = Field(ge=0, le=1, description="probability of the positive label")
    label: str


class ClassAnswer(RowAnswer):
    """What is said of one row, which is of one of several classes."""

    score: float = Field(ge=0, le=1, description="probability of the label")
    label: str = Field(description="the likeliest of the classes")
    scores: dict[str, float] = Field(description="probability of each class")


class NumberAnswer(RowAnswer):
    """What is said of one row, of which a number is predicted."""

    score: float = Field(description="the predicted number")
    range: tuple[float, float] | None = Field(
        description="between which numbers 80 of 100 outcomes of such predictions were on the holdout; null where none "
        "was so low or so high, or too few were like it"
    )


class RefusedAnswer(BaseModel):
    """A row that was not scored, and why."""

    row: int
    errors: list[FieldError]


class PredictAnswer(BaseModel):
    """The answer of `/predict`."""

    model: Named
    predictions: list[PredictionAnswer]
    refused: list[RefusedAnswer]


class ClassesAnswer(PredictAnswer):
    """The answer of `/predict`, of a model of several classes."""

    predictions: list[ClassAnswer]  # type: ignore[assignment]  # another kind of answer in the same place


class NumbersAnswer(PredictAnswer):
    """The answer of `/predict`, of a model of numbers."""

    predictions: list[NumberAnswer]  # type: ignore[assignment]


PREDICT: dict[Kind, type[PredictAnswer]] = {
    "binary": PredictAnswer,
    "classes": ClassesAnswer,
    "number": NumbersAnswer,
}


class OutcomesAnswer(BaseModel):
    """What became of each outcome, in the order of the request."""

    outcomes: list[Literal["stored", "already_known", "contradicts", "unknown"]]


def problems(*statuses: int) -> dict[str | int | HTTPStatus, Any]:
    """Return the documents of some refusals, and of those that may always come."""
    return {
        str(status): {"description": HTTPStatus(status).phrase, "content": {TYPE: PROBLEM}}
        for status in (*statuses, 429, 500)
    }


PROBLEMS = problems()


def takes(body: type[BaseModel]) -> Callable[[View], View]:
    """Document the body of a view, which reads and checks it itself."""

    def document(view: View) -> View:
        view.__annotations__["body"] = body
        view.__delay_validate_request__ = True  # type: ignore[attr-defined]  # so says the library
        return view

    return document
