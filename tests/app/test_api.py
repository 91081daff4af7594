"""The service for programs: what it answers is what the model says, and what it refuses it says why."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic_core import to_json

from app import create_app, find_bundle
from app.config import Config
from app.requests import Row
from conftest import Project, make_small
from holdfast.bundle import Bundle
from holdfast.errors import UserError

TOKEN = "a token for the outcomes"


def predict(client: FlaskClient, *rows: object, **more: object) -> Any:
    return client.post("/predict", json={"rows": rows, **more})


def get(client: FlaskClient, path: str) -> Any:
    return client.get(path)


def test_scores_are_those_of_the_evaluation_bit_for_bit(client: FlaskClient, bundle: Bundle) -> None:
    answer = predict(client, *bundle.golden.rows).json

    assert [one["score"] for one in answer["predictions"]] == list(bundle.golden.scores)
    assert [one["label"] for one in answer["predictions"]] == bundle.model.label(
        np.array(bundle.golden.scores)
    ).tolist()


def test_one_row_scores_as_it_does_among_others(client: FlaskClient, bundle: Bundle) -> None:
    alone = [predict(client, row).json["predictions"][0]["score"] for row in bundle.golden.rows[:10]]

    assert alone == list(bundle.golden.scores[:10])


def test_every_answer_names_the_model_and_every_prediction_has_its_own_id(
    client: FlaskClient, bundle: Bundle, row: Row
) -> None:
    first, second = predict(client, row, row).json, predict(client, row).json

    ids = [one["prediction_id"] for answer in (first, second) for one in answer["predictions"]]
    assert first["model"] == {"version": bundle.version, "sha256": bundle.sha256}
    assert len(set(ids)) == 3
    assert all(re.fullmatch(r"[0-9a-f]{32}-[01]", one) for one in ids)


def test_an_unknown_word_and_a_missing_input_are_scored_and_flagged(client: FlaskClient, row: Row) -> None:
    one, two = predict(client, row | {"carrier": "ZZ", "humidity": None}, row | {"humidity": 5}).json["predictions"]

    assert (one["unknown"], one["missing"]) == (["carrier"], ["humidity"])
    assert (two["unknown"], two["missing"]) == ([], [])


def test_the_id_of_a_row_is_sent_back(client: FlaskClient, row: Row) -> None:
    named, unnamed = predict(client, row | {"flight_id": "UA1"}, row).json["predictions"]

    assert named["id"] == "UA1"
    assert "id" not in unnamed


def test_a_batch_with_bad_rows_says_which_and_scores_nothing(client: FlaskClient, row: Row) -> None:
    answer = predict(client, row, row | {"distance": "far"})

    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    assert answer.json["errors"] == [
        {"row": 1, "field": "distance", "found": '"far"', "expected": "a number from 0 to 6000 miles"}
    ]


def test_good_rows_are_scored_when_bad_ones_are_skipped(client: FlaskClient, row: Row) -> None:
    answer = predict(client, {}, row, bad_rows="skip")

    assert answer.status_code == 200
    assert [one["row"] for one in answer.json["predictions"]] == [1]
    assert answer.json["predictions"][0]["prediction_id"].endswith("-1")
    assert [one["row"] for one in answer.json["refused"]] == [0]


def test_no_good_row_is_no_mistake_when_bad_ones_are_skipped(client: FlaskClient) -> None:
    answer = predict(client, {}, bad_rows="skip")

    assert (answer.status_code, answer.json["predictions"]) == (200, [])


def test_what_moved_a_score_is_said_when_asked(client: FlaskClient, row: Row) -> None:
    (one,) = predict(client, row, explain=True).json["predictions"]

    assert len(one["moved"]) == 3
    assert {moved["column"] for moved in one["moved"]} <= set(row)


def test_the_model_says_what_is_known_of_it(client: FlaskClient, bundle: Bundle) -> None:
    about = get(client, "/model").json

    assert (about["version"], about["sha256"]) == (bundle.version, bundle.sha256)
    assert about["facts"]["split"] == json.loads(bundle.model.facts.split.model_dump_json())
    assert about["card"]["metrics"] == bundle.card.metrics
    assert "release" in about


def test_the_document_describes_the_columns_by_the_schema(client: FlaskClient) -> None:
    document = get(client, "/openapi.json").json
    row = document["components"]["schemas"]["Row"]

    assert row["additionalProperties"] is False
    assert row["properties"]["distance"] | {"minimum": 0, "maximum": 6000} == row["properties"]["distance"]
    assert row["properties"]["distance"]["x-unit"] == "miles"
    assert row["properties"]["carrier"]["title"] == "Airline"
    assert set(row["required"]) == {"scheduled_departure", "carrier", "origin", "distance"}
    assert set(document["paths"]) >= {"/predict", "/model", "/outcomes", "/healthz", "/readyz", "/metrics"}


def test_the_page_of_the_document_needs_nothing_from_elsewhere_and_no_script_of_its_own(client: FlaskClient) -> None:
    page = client.get("/docs").text
    files = re.findall(r'(?:src|href)="([^#"][^"]*)"', page)

    assert len(files) >= 4
    for file in files:
        with client.get(file) as answer:
            assert (file[0], answer.status_code) == ("/", 200)
    assert not re.search(r"<script>|<style|style=|onload=|https?://", page)


def test_another_schema_makes_another_service(tmp_path: Path, finished_project: Project, config: Config) -> None:
    other = Project(tmp_path / "other")
    _copy_with_other_columns(finished_project, other)
    client = create_app(config.model_copy(update={"model_uri": str(other.workspace.evaluate / "bundle")})).test_client()
    row = dict(Bundle.load(other.workspace.evaluate / "bundle").golden.rows[0])

    assert set(row) == {"scheduled_departure", "origin", "wind_speed"}
    assert predict(client, row).status_code == 200
    assert predict(client, row | {"distance": 1}).json["errors"][0]["field"] == "distance"
    assert "wind_speed" in get(client, "/openapi.json").json["components"]["schemas"]["Row"]["properties"]


def _copy_with_other_columns(finished: Project, other: Project) -> None:
    """Make a project whose rows have other columns; its data follow the schema."""
    from holdfast import files

    other.workspace.root.mkdir()
    (other.workspace.root / "params.yaml").write_bytes((Path(__file__).parents[2] / "params.yaml").read_bytes())

    def choose(content: dict[str, Any]) -> None:
        every = content["data"]["columns"].copy()
        make_small(content)
        content["data"]["columns"] = {name: every[name] for name in ("scheduled_departure", "origin", "wind_speed")}
        content["evaluate"]["slices"] = []

    other.change(choose)
    for month in ("2013-01", "2013-02", "2013-03", "2013-04"):
        rows = files.read(finished.partition(month)).rename(columns={"humidity": "wind_speed"})
        other.partition(month).parent.mkdir(parents=True, exist_ok=True)
        files.write(
            other.partition(month), rows[["flight_id", "scheduled_departure", "origin", "wind_speed", "arrival"]]
        )
    other.run()


def test_a_model_that_is_not_there_is_said_at_once(config: Config, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not found"):
        create_app(config.model_copy(update={"model_uri": str(tmp_path / "nowhere")}))


def test_a_name_of_a_registry_needs_mlflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "mlflow", None)

    with pytest.raises(UserError, match="mlflow is not installed here"):
        find_bundle("models:/flight-delay@champion")


@pytest.fixture
def logging_app(config: Config) -> Iterator[Flask]:
    app = create_app(config.model_copy(update={"prediction_log": True, "outcomes_token": _secret(TOKEN)}))
    yield app
    app.extensions["holdfast"].predictor.recorder.close(5)


def _secret(text: str) -> Any:
    from pydantic import SecretStr

    return SecretStr(text)


def tell(client: FlaskClient, prediction_id: str, label: str, token: str = TOKEN) -> Any:
    outcomes = [{"prediction_id": prediction_id, "label": label}]
    return client.post("/outcomes", json={"outcomes": outcomes}, headers={"Authorization": f"Bearer {token}"})


def test_outcomes_are_taken_by_prediction_id_and_only_once(logging_app: Flask, row: Row) -> None:
    client, recorder = logging_app.test_client(), logging_app.extensions["holdfast"].predictor.recorder
    known = predict(client, row).json["predictions"][0]["prediction_id"]
    recorder.close(5)  # what was predicted is in the log now

    answers = [
        tell(client, known, "late"),
        tell(client, known, "late"),
        tell(client, known, "on_time"),
        tell(client, "0" * 32 + "-0", "late"),
    ]

    assert [answer.json["outcomes"] for answer in answers] == [
        ["stored"],
        ["already_known"],
        ["contradicts"],
        ["unknown"],
    ]


def test_outcomes_are_taken_before_anything_was_predicted(logging_app: Flask) -> None:
    client, deadline = logging_app.test_client(), time.monotonic() + 5
    answer = tell(client, "0" * 32 + "-0", "late")
    while answer.status_code == 503 and time.monotonic() < deadline:
        answer = tell(client, "0" * 32 + "-0", "late")

    assert (answer.status_code, answer.json.get("outcomes")) == (200, ["unknown"])


def test_outcomes_need_the_token(logging_app: Flask) -> None:
    answer = tell(logging_app.test_client(), "0" * 32 + "-0", "late", token="another")

    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_a_label_that_the_target_does_not_have_is_refused(logging_app: Flask) -> None:
    answer = tell(logging_app.test_client(), "0" * 32 + "-0", "very late")

    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == "outcomes.0.label"


@pytest.mark.parametrize("around", [b"{%b}", b'{"outcomes": [{%b}]}'])
def test_a_body_of_outcomes_with_very_many_keys_is_little_work(logging_app: Flask, around: bytes) -> None:
    body, seconds = around % b", ".join(b'"%d": 1' % number for number in range(200_000)), []

    for _ in range(3):
        started = time.process_time()
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answer: Any = logging_app.test_client().post(
            "/outcomes", data=body, headers=headers, content_type="application/json"
        )
        seconds.append(time.process_time() - started)

    assert answer.status_code == 422
    assert answer.json["detail"] == "found 199,999 commas, expected at most 5,000."
    assert min(seconds) < 0.1


def test_outcomes_are_not_taken_where_nothing_is_configured(client: FlaskClient, config: Config) -> None:
    without_log = create_app(config.model_copy(update={"outcomes_token": _secret(TOKEN)})).test_client()

    first, second = tell(client, "0" * 32 + "-0", "late"), tell(without_log, "0" * 32 + "-0", "late")

    assert (first.status_code, second.status_code) == (503, 503)
    assert "OUTCOMES_TOKEN is not set" in first.json["detail"]
    assert "PREDICTION_LOG=off" in second.json["detail"]


def test_only_loggable_inputs_reach_the_log(logging_app: Flask, row: Row, bundle: Bundle) -> None:
    predictor = logging_app.extensions["holdfast"].predictor
    taken: list[Any] = []
    predictor.recorder.put = taken.extend

    predict(logging_app.test_client(), row | {"flight_id": "UA1"})

    loggable = {name for name, column in bundle.model.facts.data.columns.items() if column.loggable}
    assert set(taken[0].inputs) == set(row) & loggable
    assert to_json(taken[0].inputs)
