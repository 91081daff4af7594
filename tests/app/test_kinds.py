"""Classes and numbers are served as two labels are: by the page, by the API, in files, and told apart everywhere."""

import csv
import io
import json
import re
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from markup import fields_of, text_of
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import ignored_auth, negative_data_rejection
from sqlalchemy import Engine, select

from app import api, create_app, form, result, saying, smoke
from app.config import Config
from app.explanation import Explainer
from app.prediction_log import tables
from app.ranges import is_beyond, spread_of
from app.words import words_of
from conftest import Project
from holdfast import batch, files, flavor
from holdfast.batch import Batch, Progress
from holdfast.bundle import Bundle
from holdfast.inputs import partitions
from holdfast.manifest import ScoredBy
from holdfast.schema import Schema
from holdfast.targets import Kind, Target

TOKEN = "a token of the kinds"
KINDS: tuple[Kind, ...] = ("binary", "classes", "number")
COLUMNS = {
    "binary": ["score", "label"],
    "classes": ["score_barolo", "score_grignolino", "score_barbera", "label"],
    "number": ["score"],
}
HAPPENED: dict[Kind, dict[str, Any]] = {
    "binary": {"label": "malignant"},
    "classes": {"label": "barbera"},
    "number": {"number": 151},
}


class Served:
    """A service of the model of one project."""

    def __init__(self, project: Project, folder: Path) -> None:
        self.project = project
        self.folder = project.workspace.evaluate / "bundle"
        self.bundle = Bundle.load(self.folder)
        self.log = f"sqlite:///{folder}/predictions.db"
        self.app: Flask = create_app(
            Config(
                model_uri=str(self.folder),
                database_url=self.log,
                rate_limit=None,
                outcomes_token=TOKEN,
                secret_key="a secret of the tests",
            )
        )

    @cached_property
    def client(self) -> FlaskClient:
        return self.app.test_client()

    @property
    def schema(self) -> Schema:
        return self.bundle.model.facts.data

    @property
    def target(self) -> Target:
        return self.schema.target

    @cached_property
    def holdout(self) -> pd.DataFrame:
        return files.read(self.project.workspace.prepare / "holdout.parquet")

    @cached_property
    def evaluated(self) -> np.ndarray:
        """The scores that the evaluation saw."""
        return self.target.scores_in(files.read(self.project.workspace.evaluate / "scores.parquet"))

    def rows(self) -> list[dict[str, Any]]:
        """The rows of the holdout, as a request brings them."""
        lines = self.holdout[list(self.schema.columns)].to_dict("records")
        return [{str(name): None if pd.isna(value) else value for name, value in line.items()} for line in lines]

    def predict(self, *rows: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
        answer = self.client.post("/predict", json={"rows": rows, **more})
        assert answer.status_code == 200, answer.text
        predictions: list[dict[str, Any]] = json.loads(answer.data)["predictions"]
        return predictions

    def ask(self, **words: str) -> str:
        """Open the form, change some of its fields, send it, and return the page that comes."""
        changed = {form.PREFIX + name: word for name, word in words.items()}
        return self.client.post("/", data=fields_of(self.client.get("/").text) | changed).text

    def tell(self, *happened: tuple[str, dict[str, Any]]) -> Any:
        outcomes = [{"prediction_id": name, **what} for name, what in happened]
        headers = {"Authorization": f"Bearer {TOKEN}"}
        return self.client.post("/outcomes", json={"outcomes": outcomes}, headers=headers)


@pytest.fixture(scope="module")
def served_of(
    project_of: Callable[[Kind], Project], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[Kind], Served]]:
    made: dict[Kind, Served] = {}

    def served_of(kind: Kind) -> Served:
        if kind not in made:
            made[kind] = Served(project_of(kind), tmp_path_factory.mktemp(kind))
        return made[kind]

    yield served_of
    for one in made.values():
        if recorder := one.app.extensions["holdfast"].predictor.recorder:
            recorder.close(1)


@pytest.fixture(params=KINDS)
def served(request: pytest.FixtureRequest, served_of: Callable[[Kind], Served]) -> Served:
    return served_of(request.param)


@pytest.fixture
def wine(served_of: Callable[[Kind], Served]) -> Served:
    return served_of("classes")


@pytest.fixture
def patient(served_of: Callable[[Kind], Served]) -> Served:
    return served_of("number")


def scores_of(predictions: list[dict[str, Any]]) -> np.ndarray:
    """Return the scores of an answer, as a model gives them."""
    return np.array([list(one["scores"].values()) if "scores" in one else one["score"] for one in predictions])


def upload(served: Served, rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Have a file scored on the page for many rows."""
    content = io.StringIO()
    writer = csv.DictWriter(content, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    token = fields_of(served.client.get("/batch").text)["csrf_token"]
    file = (io.BytesIO(content.getvalue().encode()), "rows.csv")
    answer = served.client.post("/batch", data={"csrf_token": token, "file": file}, headers={"Accept": "text/csv"})
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text)))


# Parity


def test_the_api_gives_the_scores_of_the_evaluation(served: Served) -> None:
    assert scores_of(served.predict(*served.rows())).tobytes() == served.evaluated.tobytes()


def test_the_page_for_many_rows_gives_the_scores_of_the_evaluation(served: Served) -> None:
    lines = upload(served, [words_of(row, served.schema) for row in served.rows()])

    found = pd.DataFrame(lines)[list(served.target.score_names)].astype("float64").to_numpy()
    assert found.reshape(served.evaluated.shape).tobytes() == served.evaluated.tobytes()


def test_the_page_for_one_row_says_what_the_evaluation_saw(served: Served) -> None:
    label = served.bundle.model.label(served.evaluated)[3]
    row, score = words_of(served.rows()[3], served.schema), served.evaluated[3].max()

    words = text_of(served.ask(**row))

    said = {
        "binary": f"{saying.percent(score)} likely to be malignant",
        "classes": f"{saying.called(str(label), served.target)} is likeliest: {saying.percent(score)}",
        "number": f"{form.figure(score)} points predicted",
    }
    assert said[served.target.kind] in words


def test_whole_files_get_the_scores_of_the_evaluation(served: Served, tmp_path: Path) -> None:
    files.write(tmp_path / "rows.parquet", served.holdout)
    by = ScoredBy(version="7", sha256=served.bundle.sha256, data_format=1)
    into = tmp_path / "scores"
    work = Batch(served.bundle.model, by, "7", into, datetime(2013, 9, 30, tzinfo=UTC), Progress(terminal=False))

    batch.score(work, partitions([str(tmp_path / "rows.parquet")], into))

    table, columns = pd.read_parquet(into / "rows.parquet"), COLUMNS[served.target.kind]
    assert list(table) == ["id", *columns, "model_version", "model_sha256", "data_format", "scored_at"]
    assert table["id"].tolist() == served.holdout["id"].tolist()
    assert served.target.scores_in(table).tobytes() == served.evaluated.tobytes()
    if "label" in columns:
        assert table["label"].tolist() == served.bundle.model.label(served.evaluated).tolist()


def test_a_model_of_mlflow_answers_with_the_scores_of_the_evaluation(served: Served) -> None:
    scorer = flavor.Scorer(served.bundle)

    answer, nothing = scorer.predict(served.holdout), scorer.predict(served.holdout.head(0))

    assert list(answer) == list(nothing) == COLUMNS[served.target.kind]
    assert len(nothing) == 0
    assert served.target.scores_in(answer).tobytes() == served.evaluated.tobytes()


@pytest.mark.slow
def test_mlflow_itself_loads_each_kind_and_keeps_to_its_signature(served: Served, tmp_path: Path) -> None:
    import mlflow.pyfunc

    flavor.save(tmp_path / "model", served.folder, ["pandas"])

    loaded = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    answer = loaded.predict(served.holdout[list(served.schema.columns)])

    assert loaded.metadata.get_output_schema().input_names() == list(answer) == COLUMNS[served.target.kind]
    assert served.target.scores_in(answer).tobytes() == served.evaluated.tobytes()


@pytest.mark.parametrize("served", KINDS[1:], indirect=True)
def test_what_is_tried_before_a_release_knows_each_kind(served: Served) -> None:
    said = list(smoke.answers(Config(model_uri=str(served.folder), max_rows=30)))

    assert f"{len(served.bundle.golden.rows)} golden rows, each with its score" in said[-2]


# What is said of a row


def test_classes_are_answered_with_the_likeliest_and_with_the_score_of_each(wine: Served) -> None:
    for one in wine.predict(*wine.rows()[:20]):
        assert list(one["scores"]) == ["barolo", "grignolino", "barbera"]
        assert one["score"] == max(one["scores"].values()) == one["scores"][one["label"]]
        assert sum(one["scores"].values()) == pytest.approx(1, abs=1e-8)
        assert "range" not in one


def test_numbers_are_answered_with_a_range_and_no_label(patient: Served) -> None:
    spreads = patient.bundle.card.predictions
    for one in patient.predict(*patient.rows()[:20]):
        assert one.keys() == {"row", "prediction_id", "score", "range", "unknown", "missing"}
        nearest = next((each for each in spreads if round(one["score"], 6) <= each.to_score), spreads[-1])
        assert one["range"] == [nearest.low, nearest.high]


def test_where_too_few_had_such_a_prediction_no_range_is_told(patient: Served, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(patient.folder, tmp_path / "bundle"))
    card = json.loads((folder / "card.json").read_text())
    for one in card["predictions"]:
        one.update(low=None, high=None, mean_target=one["to_score"] + 500)
    (folder / "card.json").write_text(json.dumps(card))
    log = f"sqlite:///{tmp_path}/predictions.db"
    service = create_app(
        Config(model_uri=str(folder), database_url=log, rate_limit=None, secret_key="a secret of tests")
    )
    client = service.test_client()

    said = client.post("/", data=fields_of(client.get("/").text)).text

    assert "Too few patients of the holdout had such a prediction to say how far from it they were." in text_of(said)
    assert "80 of 100" not in text_of(said)
    page = client.get("/card").text
    assert text_of(page).count("too few rows") == len(card["predictions"])
    dots = re.findall(r'<circle class="dot" cx="([^"]+)" cy="([^"]+)"', page)
    assert len(dots) == len(card["predictions"])
    assert all(78 <= float(x) <= 408 and 12 <= float(y) <= 280 for x, y in dots)  # in the frame
    answer = client.post("/predict", json={"rows": patient.rows()[:1]})
    assert json.loads(answer.data)["predictions"][0]["range"] is None


def test_of_two_labels_nothing_else_is_said(served_of: Callable[[Kind], Served]) -> None:
    (one,) = served_of("binary").predict(served_of("binary").rows()[0])

    assert one.keys() == {"row", "prediction_id", "score", "label", "unknown", "missing"}


def test_effects_add_up_to_what_is_predicted_less_the_mean(served: Served) -> None:
    explainer = Explainer(served.bundle)

    for row in served.rows()[:5]:
        (one,) = served.predict(row)
        place = served.target.answers.index(one["label"]) if served.target.kind == "classes" else None
        moved = explainer.moved(row, None)
        assert sum(each["effect"] for each in moved) == pytest.approx(one["score"] - explainer.base(place), abs=1e-7)


def test_the_api_explains_the_class_that_it_answers(wine: Served) -> None:
    row = wine.rows()[0]

    (one,) = wine.predict(row, explain=True)

    assert one["moved"] == Explainer(wine.bundle).moved(row)


@pytest.mark.parametrize(
    ("kind", "expected", "never"),
    [
        (
            "classes",
            ["Which grape is this wine made from?", "The model knows 3 classes", "the model was right about", "In percentage points"],
            ["likely to be", "positive", "predicted"],
        ),
        (
            "number",
            ["How far will the disease have gone in a year?", "80 of 100 patients", "points (root of the mean squared", "In points;"],
            ["likely", "positive", "ROC AUC", "percentage", "%"],
        ),
    ],
)  # fmt: skip
def test_a_result_has_the_words_of_its_kind(
    served_of: Callable[[Kind], Served], kind: Kind, expected: list[str], never: list[str]
) -> None:
    words = text_of(served_of(kind).ask())

    assert [phrase for phrase in expected if phrase not in words] == []
    assert [phrase for phrase in never if phrase in words] == []


@pytest.mark.parametrize(
    ("kind", "expected", "never"),
    [
        ("classes", ["Balanced accuracy", "Right", "Scores off by"], ["called", "threshold", "Threshold", "predicted"]),
        ("number", ["RMSE", "R²", "How much RMSE rises", "All figures are in points."], ["ROC AUC", "called", "threshold", "Share"]),
    ],
)  # fmt: skip
def test_a_card_has_the_figures_of_its_kind(
    served_of: Callable[[Kind], Served], kind: Kind, expected: list[str], never: list[str]
) -> None:
    words = text_of(served_of(kind).client.get("/card").text)

    assert [phrase for phrase in expected if phrase not in words] == []
    assert [phrase for phrase in never if phrase in words] == []


def test_a_form_invites_with_the_words_of_its_kind(served: Served) -> None:
    words = text_of(served.client.get("/").text)

    invited = {"binary": "How likely is it?", "classes": "Which is it?", "number": "Predict it"}
    assert [kind for kind, phrase in invited.items() if phrase in words] == [served.target.kind]


def test_a_prediction_beyond_all_of_the_holdout_is_said_to_be(patient: Served) -> None:
    highest = patient.bundle.card.predictions[-1].to_score

    assert "None of them had such a prediction" in result.trust(patient.bundle, highest + 1, None)
    assert "None of them" not in result.trust(patient.bundle, highest, None)


def test_each_row_of_the_holdout_is_said_to_be_among_those_that_it_was_counted_with(patient: Served) -> None:
    card = patient.bundle.card

    found = Counter(spread_of(card, score).to_score for score in patient.evaluated)

    assert found == {one.to_score: one.rows for one in card.predictions}
    assert not any(is_beyond(card, score) for score in patient.evaluated)


def test_of_many_classes_the_likeliest_are_shown_and_the_others_added_up(wine: Served) -> None:
    classes = [(f"class {number}", score) for number, score in enumerate([0.4, *[0.06] * 9, *[0.03] * 2])]
    macro = wine.app.jinja_env.get_template("charts.html").module.likelihoods  # type: ignore[attr-defined]

    words = text_of(macro({"classes": classes}, str, saying.percent))

    assert "class 9" in words
    assert "class 10" not in words
    assert words.endswith("The 2 others together: 6%.")


# Files of the page


def test_a_file_has_a_column_for_each_class_and_none_for_the_label_of_a_number(served: Served) -> None:
    words = words_of(served.rows()[0], served.schema)
    name = next(name for name, word in words.items() if word.replace(".", "").isdigit())

    good, bad = upload(served, [words, words | {name: "much"}])

    said = {
        "binary": ["score", "label"],
        "classes": ["score", "label", "score_barolo", "score_grignolino", "score_barbera"],
        "number": ["score"],
    }[served.target.kind]
    assert list(good) == ["row", "id", "prediction_id", *said, "unknown", "missing", "error"]
    (one,) = served.predict(served.rows()[0])
    assert float(good["score"]) == one["score"]
    assert good.get("label") == one.get("label")
    assert [bad[column] for column in said] == [""] * len(said)
    assert bad["error"].startswith(f'{name}: found "much"')


def test_the_page_for_many_rows_names_what_comes_back(served: Served) -> None:
    words = text_of(served.client.get("/batch").text)

    assert ("label" in words) == (served.target.kind != "number")
    assert ("score_barolo" in words) == (served.target.kind == "classes")
    assert ("malignant" in words) == (served.target.kind == "binary")


# What is kept, told later, and counted


def logged(served: Served, prediction_id: str) -> Any:
    """Return the record of a prediction, and what is said to have happened."""
    recorder = served.app.extensions["holdfast"].predictor.recorder
    engine: Engine = recorder.engine
    table, told = tables.predictions.c, tables.outcomes.c
    asked = select(table.score, table.label, table.inputs, told.label.label("outcome"))
    with engine.connect() as connection:
        return connection.execute(
            asked.join(tables.outcomes, told.prediction_id == table.prediction_id, isouter=True).where(
                table.prediction_id == prediction_id
            )
        ).one()


def predicted(served: Served) -> dict[str, Any]:
    """Predict a row, and wait until it is in the log."""
    (one,) = served.predict(served.rows()[1])
    for _ in range(200):
        if served.tell((one["prediction_id"], HAPPENED[served.target.kind])).json["outcomes"] != ["unknown"]:
            return one
        time.sleep(0.05)
    raise AssertionError("the log did not get the record")


def test_the_log_has_the_score_the_label_and_what_happened(served: Served) -> None:
    one = predicted(served)

    record = logged(served, one["prediction_id"])

    assert record.score == one["score"]
    assert record.label == one.get("label", repr(one["score"]))
    assert record.outcome == {"binary": "malignant", "classes": "barbera", "number": "151.0"}[served.target.kind]
    assert record.inputs == {}  # for none of them is declared loggable


def test_what_happened_is_told_once_and_another_outcome_contradicts(served: Served) -> None:
    name, right = predicted(served)["prediction_id"], HAPPENED[served.target.kind]
    other: dict[Kind, dict[str, Any]] = {
        "binary": {"label": "benign"},
        "classes": {"label": "barolo"},
        "number": {"number": 151.5},
    }

    answer = served.tell((name, right), (name, other[served.target.kind]), ("0" * 32 + "-0", right))

    assert answer.json == {"outcomes": ["already_known", "contradicts", "unknown"]}


@pytest.mark.parametrize(
    ("kind", "what", "found"),
    [
        ("classes", {"label": "merlot"}, 'found "merlot", expected \'barolo\', \'grignolino\' or \'barbera\''),
        ("classes", {"label": 1}, "found 1, expected"),
        ("classes", {"number": 1}, "found nothing"),
        ("number", {"number": "151"}, 'found "151", expected a valid number'),
        ("number", {"number": True}, "found true, expected a valid number"),
        ("number", {"number": 400.5}, "expected less than or equal to 400"),
        ("number", {"number": -1}, "expected greater than or equal to 0"),
        ("number", {"number": 10**400}, "expected"),
        ("number", {"number": None}, "expected a valid number"),
        ("number", {"label": "151"}, "found nothing"),
    ],
)  # fmt: skip
def test_an_outcome_of_another_kind_is_refused(
    served_of: Callable[[Kind], Served], kind: Kind, what: dict[str, Any], found: str
) -> None:
    answer = served_of(kind).tell(("0" * 32 + "-0", what))

    assert answer.status_code == 422, answer.text
    assert found in json.loads(answer.data)["detail"]


def test_a_zero_is_a_zero_whatever_its_sign() -> None:
    outcome: Any = type("Outcome", (), {"number": -0.0})

    assert api._told(outcome) == "0.0"


def test_scores_are_counted_where_they_are_and_the_counts_add_up(served: Served) -> None:
    rows = served.rows()

    before = counted(served)
    served.predict(*rows)
    after = counted(served)

    grown = {bound: count - before.get(bound, 0) for bound, count in after.items()}
    assert sum(grown.values()) == len(rows)
    if served.target.kind == "number":  # about as many in each part, for it is the holdout that they were cut by
        assert list(grown) == [*(f"{one.to_score:g}" for one in served.bundle.card.predictions[:-1]), "inf"]
        assert list(grown.values()) == pytest.approx([one.rows for one in served.bundle.card.predictions], abs=1)
    else:
        assert list(grown) == [f"{bound / 10:g}" for bound in range(1, 11)]


def counted(served: Served) -> dict[str, float]:
    found = re.findall(r'holdfast_scores_total\{up_to="([^"]+)"\} (\S+)', served.client.get("/metrics").text)
    return {bound: float(count) for bound, count in found}


# The document


@pytest.fixture
def described(served: Served) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_wsgi("/openapi.json", served.app)


@pytest.mark.parametrize("served", KINDS[1:], indirect=True)
def test_the_document_describes_the_answer_of_each_kind(served: Served, described: schemathesis.BaseSchema) -> None:
    body: Any = {"rows": served.rows()[:3], "explain": True}
    case = described["/predict"]["POST"].Case(body=body, media_type="application/json")

    case.call_and_validate()

    known = json.loads(served.client.get("/openapi.json").data)["components"]["schemas"]
    answers = {"binary": "PredictionAnswer", "classes": "ClassAnswer", "number": "NumberAnswer"}
    answer = answers[served.target.kind]
    assert known.keys() & set(answers.values()) == {answer}
    said = {"binary": {"label"}, "classes": {"label", "scores"}, "number": {"range"}}[served.target.kind]
    shared = {"row", "prediction_id", "score", "unknown", "missing", "id", "moved"}
    assert set(known[answer]["properties"]) == shared | said


@pytest.mark.slow
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["as documented", "not"])
@pytest.mark.parametrize("path", ["/predict", "/outcomes"])
@pytest.mark.parametrize("kind", KINDS[1:])
def test_every_answer_is_as_the_document_says(
    kind: Kind, path: str, mode: GenerationMode, served_of: Callable[[Kind], Served]
) -> None:
    described = schemathesis.openapi.from_wsgi("/openapi.json", served_of(kind).app)
    headers = {"Authorization": f"Bearer {TOKEN}"} if path == "/outcomes" else {}

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(case=described[path]["POST"].as_strategy(generation_mode=mode))
    def check(case: Any) -> None:
        skips = isinstance(case.body, dict) and case.body.get("bad_rows") == "skip"
        case.call_and_validate(
            headers=headers, excluded_checks=[ignored_auth, *([negative_data_rejection] if skips else [])]
        )

    check()
