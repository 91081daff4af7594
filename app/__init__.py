"""The service: a page for people and an API for programs, made from the schema inside the model that it serves.

`create_app` puts the parts together; nothing is read, opened or started before it is called. It fails at once where a
choice or the model is wrong, and starts without being ready where the model does not score as it did when it was
measured.
"""

import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from app.config import Config
    from holdfast.bundle import Bundle


def create_app(config: "Config") -> "Flask":
    """Make the application that serves one model.

    Raises: UserError where the model is not found or damaged.
    """
    from app import answers, api, docs, health, pages, security, service
    from app.explanation import Explainer
    from app.metrics import SCORES, Metrics
    from app.prediction_log import Recorder
    from app.predictor import Predictor, known_words
    from app.ranges import bounds
    from app.requests import Reader

    bundle = find_bundle(config.model_uri)
    metrics = Metrics(bounds(bundle.card, SCORES))
    recorder = (
        Recorder(config.database_url, retention_days=config.log_retention_days) if config.prediction_log else None
    )
    predictor = Predictor(bundle, metrics, recorder)
    reader = Reader(bundle.model.facts.data, known_words(bundle.model), config.max_rows, bundle.golden.rows[0])
    predictor.rehearse(reader)
    parts = service.Service(config, bundle, reader, predictor, metrics)
    explainer = Explainer(bundle)

    app = docs.application(parts)
    app.extensions[service.NAME] = parts
    security.protect(app, config, metrics)
    answers.register(app)
    app.register_api(api.blueprint(parts, explainer))
    app.register_api(health.blueprint(parts))
    app.register_blueprint(docs.blueprint(app, parts))
    app.register_blueprint(pages.blueprint(parts, explainer))
    if not config.secret_key:
        logging.getLogger(__name__).warning("SECRET_KEY is not set: forms that are open now will not survive a restart")
    return app


def find_bundle(uri: str) -> "Bundle":
    """Load the bundle that an address names: a folder, or a name in a registry where mlflow is installed.

    Raises: UserError where it is not found or damaged.
    """
    from holdfast import registry
    from holdfast.bundle import Bundle

    if not uri.startswith(registry.SCHEME):
        return Bundle.load(Path(uri))
    from holdfast import moves

    with tempfile.TemporaryDirectory() as folder:
        return Bundle.load(moves.fetch(Path.cwd(), uri, Path(folder))[1])
