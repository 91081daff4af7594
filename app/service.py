"""What the views of one application share; `create_app` puts it together."""

from dataclasses import dataclass
from typing import cast

from flask import Flask, current_app

from app.config import Config
from app.metrics import Metrics
from app.predictor import Predictor
from app.requests import Reader
from holdfast.bundle import Bundle
from holdfast.schema import Schema

NAME = "holdfast"


@dataclass(frozen=True)
class Service:
    """The parts of the service, made once."""

    config: Config
    bundle: Bundle
    reader: Reader
    predictor: Predictor
    metrics: Metrics

    @property
    def schema(self) -> Schema:
        """The schema of the model, which all requests obey."""
        return self.bundle.model.facts.data


def of(app: Flask) -> Service:
    """Return the service of an application."""
    return cast("Service", app.extensions[NAME])


def current() -> Service:
    """Return the service of the application that handles the request."""
    return of(current_app)
