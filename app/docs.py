"""The document of the API, and the page that shows it, with Swagger UI from files that lie in an installed package.

The page has no script of its own in it and loads nothing from elsewhere, for the content security policy forbids both.
"""

import json
from pathlib import Path
from typing import Any

import flask_openapi3_swagger
from flask import Blueprint, Response, render_template
from flask_openapi3 import Info, OpenAPI
from flask_openapi3.models import OPENAPI3_REF_PREFIX, SecurityScheme

from app.problems import ProblemDocument
from app.result import question
from app.service import Service

KEPT = 365 * 24 * 3600  # seconds: the address of a file changes with its content
FILES = Path(flask_openapi3_swagger.__file__).parent / "templates" / "swagger"


def application(service: Service) -> OpenAPI:
    """Return an application that can describe itself."""
    info = Info(
        title=question(service.schema),
        version=service.bundle.version,
        description=service.schema.target.help,
    )
    tokens = {"key": "one of API_KEYS", "outcomes": "OUTCOMES_TOKEN"}
    schemes: Any = {
        name: SecurityScheme(type="http", scheme="bearer", description=text) for name, text in tokens.items()
    }
    app = OpenAPI(
        __name__.partition(".")[0],
        info=info,
        security_schemes=schemes,
        doc_ui=False,
        validation_error_status=500,  # which every view documents itself
        validation_error_model=ProblemDocument,
    )
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = KEPT
    return app


def blueprint(app: OpenAPI, service: Service) -> Blueprint:
    """Return the views of the document, of an application that has all its views."""
    docs = Blueprint("docs", __name__, static_folder=FILES, static_url_path="/docs/swagger")
    described = app.api_doc
    # As pydantic says it: the library leaves out units and known words, which it has never heard of.
    request = service.reader.model.model_json_schema(ref_template=f"{OPENAPI3_REF_PREFIX}/{{model}}")
    described["components"]["schemas"] |= request.pop("$defs") | {"PredictRequest": request}
    document = json.dumps(described)

    @docs.get("/openapi.json")
    def openapi() -> Response:
        return Response(document, content_type="application/json")

    @docs.get("/docs")
    def page() -> str:
        return render_template("docs.html")

    return docs
