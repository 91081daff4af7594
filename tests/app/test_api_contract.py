"""What the document says is what the service does: schemathesis tries it with thousands of requests."""

from datetime import UTC, datetime
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import ignored_auth, negative_data_rejection

from app import create_app
from app.config import Config
from conftest import Project

TOKEN = "a token of the contract"
# What the document cannot say: which years are no mistake.
schemathesis.openapi.format(
    "date-time",
    st.datetimes(datetime(1700, 1, 1), datetime(2199, 12, 31), timezones=st.just(UTC)).map(datetime.isoformat),
)


@pytest.fixture(scope="module")
def served(finished_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return create_app(
        Config(
            model_uri=str(finished_project.workspace.evaluate / "bundle"),
            database_url=f"sqlite:///{tmp_path_factory.mktemp('log')}/predictions.db",
            rate_limit=None,
            outcomes_token=TOKEN,
            secret_key="a secret of the tests",
        )
    )


@pytest.fixture(scope="module")
def described(served: Flask) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_wsgi("/openapi.json", served)


MODES = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
CASES = {("/predict", "POST"): 500, ("/outcomes", "POST"): 300}
CASES |= {(path, "GET"): 20 for path in ("/model", "/healthz", "/readyz", "/metrics")}


def test_all_that_is_documented_is_tried(described: schemathesis.BaseSchema) -> None:
    operations: Any = described.get_all_operations()
    documented = {(one.ok().path, one.ok().method.upper()) for one in operations}

    assert documented == set(CASES)


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES, ids=["as documented", "not as documented"])
@pytest.mark.parametrize(("path", "method"), [one for one in CASES if one[1] == "POST"])
def test_every_answer_is_as_the_document_says_and_none_is_a_failure(
    path: str, method: str, mode: GenerationMode, described: schemathesis.BaseSchema
) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"} if path == "/outcomes" else {}
    tried = 0

    @settings(max_examples=CASES[path, method], deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(case=described[path][method].as_strategy(generation_mode=mode))
    def check(case: Any) -> None:
        nonlocal tried
        tried += 1
        # Rows that are not as documented are answered for, one by one, where they may be skipped.
        skips = isinstance(case.body, dict) and case.body.get("bad_rows") == "skip"
        excluded = [ignored_auth, negative_data_rejection] if skips else [ignored_auth]
        case.call_and_validate(headers=headers, excluded_checks=excluded)

    check()

    assert tried >= CASES[path, method]


@pytest.mark.parametrize("path", [path for path, method in CASES if method == "GET"])
def test_every_view_that_takes_nothing_answers_as_the_document_says(
    path: str, described: schemathesis.BaseSchema
) -> None:
    described[path]["GET"].Case().call_and_validate()
