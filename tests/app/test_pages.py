"""The pages are made from the schema, say what is known, and never take a word for markup."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from html import unescape
from typing import Any
from urllib.request import urlopen

import numpy as np
import pytest
from browser import serving
from flask.testing import FlaskClient
from markup import fields_of, text_of
from strangers import EVIL, TAG, make_strange
from werkzeug.test import TestResponse

import app as service
from app import card, form, result, saying, slices
from app.config import Config
from app.saying import chance, percent
from conftest import MakeRows, Project
from holdfast.bundle import Bin, Bundle, Gate, Release
from holdfast.schema import Number

CHOICES: dict[str, Any] = {"prediction_log": False, "rate_limit": None, "secret_key": "only-for-these-tests"}


@pytest.fixture(scope="module")
def flights(finished_project: Project) -> Bundle:
    return Bundle.load(finished_project.workspace.evaluate / "bundle")


@pytest.fixture(scope="module")
def client(finished_project: Project) -> FlaskClient:
    folder = finished_project.workspace.evaluate / "bundle"
    return service.create_app(Config(model_uri=str(folder), **CHOICES)).test_client()


@pytest.fixture(scope="module")
def strange(tmp_path_factory: pytest.TempPathFactory, make_rows: MakeRows) -> tuple[Bundle, FlaskClient]:
    folder = tmp_path_factory.mktemp("strange")
    bundle = make_strange(folder, make_rows)
    uri = str(folder / "artifacts" / "evaluate" / "bundle")
    return bundle, service.create_app(Config(model_uri=uri, **CHOICES)).test_client()


def ask(client: FlaskClient, **words: str) -> TestResponse:
    """Open the form, change some of its fields, and send it."""
    changed = {form.PREFIX + name: word for name, word in words.items()}
    return client.post("/", data=fields_of(client.get("/").text) | changed)


def test_the_form_asks_for_every_column_of_the_schema(client: FlaskClient, flights: Bundle) -> None:
    page = client.get("/").text

    for name, column in flights.model.facts.data.columns.items():
        assert f'name="in.{name}"' in page
        assert column.label in text_of(page)
        assert column.help in text_of(page)
    assert "miles" in page
    assert "0 to 6,000." in page
    assert "On the clock of America/New York." in page


def test_the_form_opens_with_the_golden_row_of_the_middle_score(client: FlaskClient, flights: Bundle) -> None:
    answer = ask(client)

    middle = np.sort(flights.golden.scores)[(len(flights.golden.scores) - 1) // 2]
    assert answer.status_code == 200
    assert f"{percent(middle)} likely to be late" in text_of(answer.text)


@pytest.mark.parametrize(("name", "score"), [("lowest", min), ("highest", max)])
def test_an_example_is_a_golden_row(client: FlaskClient, flights: Bundle, name: str, score: Any) -> None:
    answer = client.post("/", data=fields_of(client.get(f"/?example={name}").text))

    assert f"{percent(score(flights.golden.scores))} likely to be late" in text_of(answer.text)


def test_an_example_that_does_not_exist_is_the_typical_one(client: FlaskClient) -> None:
    assert fields_of(client.get("/?example=best").text).keys() == fields_of(client.get("/").text).keys()


def test_declared_words_are_choices_by_their_names(client: FlaskClient) -> None:
    page = client.get("/").text

    assert '<option value="JFK"' in page
    assert "New York Kennedy (JFK)" in page


def test_words_that_are_not_declared_are_suggested_and_an_empty_choice_is_unknown(
    strange: tuple[Bundle, FlaskClient],
) -> None:
    page = strange[1].get("/").text

    assert re.search(r'<datalist id="(input-3-words)"><option value="blue">', page)
    assert 'list="input-3-words"' in page


def test_the_result_says_score_trust_effects_and_slices(client: FlaskClient, flights: Bundle) -> None:
    words = text_of(ask(client).text)

    assert re.search(r"[Aa]bout \d+ in \d+ such flights", words)
    assert re.search(r"Of [\d,]+ flights of April 2013 with a score from \d+% to \d+%, \d+% were late", words)
    assert "All flights" in words
    assert "Airline: " in words
    assert "Departure: " in words
    labels = [column.label for column in flights.model.facts.data.columns.values()]
    moved = words[words.index("What moved it most") : words.index("All other inputs together")]
    assert sum(label in moved for label in labels) >= 3


def test_effects_and_the_rest_are_the_whole_difference(flights: Bundle) -> None:
    from app.explanation import Explainer

    row, score = flights.golden.rows[0], flights.golden.scores[0]
    prediction: dict[str, Any] = {"score": score, "missing": [], "unknown": [], "prediction_id": "x-0"}

    found = result.result_of(flights, Explainer(flights), row, prediction)

    assert found.base + sum(move.effect for move in found.moves) + found.rest == pytest.approx(score, abs=1e-9)


def test_what_was_left_empty_is_said(client: FlaskClient) -> None:
    assert "Left empty: Relative humidity" in text_of(ask(client, humidity="").text)


def test_a_word_that_the_model_never_met_is_said(strange: tuple[Bundle, FlaskClient]) -> None:
    answer = ask(strange[1], ward="attic")

    assert answer.status_code == 200
    assert "Never met: Ward: attic" in text_of(answer.text)
    assert "none in the holdout: not judged" in text_of(answer.text)


def test_every_mistake_is_said_beside_its_field_and_above_the_form(client: FlaskClient) -> None:
    answer = ask(client, distance="99999", humidity="wet", scheduled_departure="")

    assert answer.status_code == 422
    words = text_of(answer.text)
    assert "3 fields need another look" in words
    assert 'Relative humidity: found "wet", expected a number, such as 12 or 0.5' in words
    assert 'Distance: found "99999", expected a number from 0 to 6000 miles' in words
    assert "Scheduled departure: found an empty field, expected a time" in words
    assert answer.text.count('aria-invalid="true"') == 3
    for key in re.findall(r'<li><a href="#(input-\d+)"', answer.text):
        assert f'id="{key}"' in answer.text
        assert f'id="{key}-error"' in answer.text
    assert 'value="wet"' in answer.text


def test_other_inputs_open_only_when_one_of_them_has_a_mistake(strange: tuple[Bundle, FlaskClient]) -> None:
    bundle, client = strange
    hidden = next(name for name in ("n0", "n1", "n2", "n3", "n4", "n5") if name not in form.matter_most(bundle))

    assert "<details>" in client.get("/").text
    assert "<details open>" in ask(client, **{hidden: "9"}).text


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (1020.8, "1,020.8 mg"),
        (6000.0, "6,000 mg"),
        (-5.0, "\N{MINUS SIGN}5 mg"),
        (0.28571, "0.2857 mg"),
        (None, "unknown"),
    ],
)
def test_a_number_is_said_with_its_unit(value: float | None, words: str) -> None:
    assert form.spoken(Number(kind="number", label="Dose", unit="mg"), value) == words


def test_what_matters_most_is_what_was_measured(flights: Bundle) -> None:
    names = list(flights.model.facts.data.columns)
    importance = tuple(
        flights.card.importance[0].model_copy(update={"column": name, "fall": fall})
        for name, fall in zip(names, (0.0, 0.3, -0.1, 0.2, 0.1), strict=True)
    )
    bundle = replace(flights, card=flights.card.model_copy(update={"importance": importance}))

    assert form.matter_most(bundle, 3) == {names[1], names[3], names[4]}


def test_a_form_from_elsewhere_is_refused(client: FlaskClient) -> None:
    for path in ("/", "/batch"):
        answer = client.post(path, data={"in.distance": "1"}, headers={"Accept": "text/html"})
        assert answer.status_code == 400
        assert "likely to be" not in answer.text


def test_a_form_that_was_open_for_too_long_can_be_sent_again_as_it_was(client: FlaskClient) -> None:
    fields = fields_of(client.get("/").text) | {"in.distance": "123.5"}

    late = client.post("/", data=fields | {"csrf_token": "of yesterday"}, headers={"Accept": "text/html"})
    again = client.post("/", data=fields_of(late.text))

    assert late.status_code == 400
    assert "Send it once more" in late.text
    assert "The CSRF token is invalid." in late.text
    assert fields_of(late.text)["in.distance"] == "123.5"
    assert again.status_code == 200
    assert "likely to be" in again.text


def test_a_file_that_is_sent_too_late_is_asked_for_again(client: FlaskClient) -> None:
    page = client.post("/batch", data={"csrf_token": "of yesterday"}, headers={"Accept": "text/html"})
    script = client.post("/batch", data={"csrf_token": "of yesterday"}, headers={"Accept": "text/csv"})

    assert (page.status_code, script.status_code) == (400, 400)
    assert "reload this page, and choose the file again" in page.text
    assert "reload this page, and choose the file again" in json.loads(script.data)["detail"]


def test_no_page_scores_before_the_model_is_proven(finished_project: Project) -> None:
    app = service.create_app(Config(model_uri=str(finished_project.workspace.evaluate / "bundle"), **CHOICES))
    client = app.test_client()
    app.extensions["holdfast"].predictor.ready = False

    assert client.get("/").status_code == 200
    assert ask(client).status_code == 503


@pytest.mark.parametrize(
    "path", ["/", "/?example=highest", "/batch", "/card", "/nowhere", "result", "mistake", "refused file"]
)
def test_no_word_of_a_schema_becomes_markup(strange: tuple[Bundle, FlaskClient], path: str) -> None:
    client = strange[1]
    if path == "result":
        page = ask(client, ward=EVIL).text
    elif path == "mistake":
        page = ask(client, dose=EVIL, csrf_token=TAG).text
    elif path == "refused file":
        page = upload(client, f"{TAG},key\n1,2".encode()).text
    else:
        page = client.get(path, headers={"Accept": "text/html"}).text

    assert "<main" in page
    assert "<script>alert" not in page
    assert "<b onmouseover" not in page
    assert "49" not in re.sub(r'value="[^"]*"|[0-9a-f]{12,}|\d+[.,%]\d*|\d{3,}', "", page).replace("{{7*7}}", "")


@pytest.mark.parametrize("path", ["/", "/batch", "/card"])
def test_pages_have_no_style_or_script_inside_and_load_nothing_from_elsewhere(client: FlaskClient, path: str) -> None:
    answer = client.get(path)

    assert not re.search(r"<style|\sstyle=|<script(?! src)|\son\w+=", answer.text)
    assert not re.search(r'(?:src|href|action)="(?:https?:)?//', answer.text)
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_files_of_ours_may_be_kept_until_they_change(client: FlaskClient) -> None:
    addresses = re.findall(r'(?:src|href)="(/(?:static|docs/swagger)/[^"]+)"', client.get("/docs").text)

    assert len(addresses) == 6
    for address in addresses:
        assert re.search(r"\?v=[0-9a-f]{12}$", address)
        with client.get(address) as answer:
            assert answer.status_code == 200
            assert answer.cache_control.max_age == 31_536_000
            assert answer.cache_control.no_cache is None


def test_every_page_leads_to_every_other(client: FlaskClient) -> None:
    paths = ["/", "/batch", "/card", "/docs"]

    for path in paths:
        navigation = client.get(path).text.partition("<nav")[2].partition("</nav>")[0]
        assert re.findall(r'href="([^"]+)"', navigation) == paths
        assert re.findall(r'href="([^"]+)" aria-current="page"', navigation) == [path]


def test_the_document_of_the_api_has_the_question_as_its_title(
    client: FlaskClient, strange: tuple[Bundle, FlaskClient]
) -> None:
    titles = [one.get("/openapi.json").get_json()["info"]["title"] for one in (client, strange[1])]

    assert titles == ["Will this flight arrive 15 minutes or more late?", f"outcome: very ill{TAG}?"]


def test_the_card_says_what_is_known(client: FlaskClient, flights: Bundle) -> None:
    words = text_of(client.get("/card").text)

    for text in flights.card.tags.values():
        assert text in words
    assert flights.sha256 in words
    assert f"{flights.card.metrics['roc_auc']:.3f}" in words
    assert re.search(r"It learned from [\d,]+ flights from before April 2013", words)
    assert "no verdict stands beside it" in words


def test_the_card_of_a_release_says_what_the_judge_said(finished_project: Project, flights: Bundle) -> None:
    app = service.create_app(Config(model_uri=str(finished_project.workspace.evaluate / "bundle"), **CHOICES))
    gates = (Gate(code="G1", passed=True, text="above the floor"), Gate(code="G3", passed=False, text="one harmed"))
    released = replace(
        flights,
        release=Release(version="7", commit="abc123", data="d" * 32, verdict="promote", against="6", gates=gates),
    )
    with app.test_request_context("/card"):
        app.jinja_env.globals["bundle"] = released
        page = app.jinja_env.get_template("card.html")
        context: dict[str, Any] = {}
        app.update_template_context(context)
        words = text_of(page.render(context | {"bundle": released, "slices": [], "figures": [], "origin": ""}))

    assert "Version 7" in words
    assert "promote, against 6" in words
    assert "G1 passed above the floor" in words
    assert "G3 not passed one harmed" in words


def test_data_without_a_time_has_a_card_too(strange: tuple[Bundle, FlaskClient]) -> None:
    page = text_of(strange[1].get("/card").text)

    assert "set aside by a hash of their id" in page
    assert f"had other visits{TAG} been drawn" in unescape(strange[1].get("/card").text)


def test_what_the_intervals_draw_again_is_named(flights: Bundle, strange: tuple[Bundle, FlaskClient]) -> None:
    schema = flights.model.facts.data

    assert result.drawn(schema) == "days"
    assert result.drawn(schema.model_copy(update={"group": "carrier"})) == "groups"
    assert result.drawn(strange[0].model.facts.data) == f"visits{TAG}"


@pytest.fixture
def address(flights: Bundle, client: FlaskClient) -> Iterator[str]:
    with serving(client.application) as address:
        yield address


@pytest.mark.slow
def test_the_examples_on_the_card_can_be_run(address: str, flights: Bundle, client: FlaskClient) -> None:
    with urlopen(f"{address}/card") as answer:
        page = answer.read().decode()
    curl, python = (unescape(code) for code in re.findall(r"<pre[^>]*><code>(.*?)</code></pre>", page, re.DOTALL))
    expected = client.post("/predict", json={"rows": [form.example(flights, "typical")]}).json
    assert expected is not None
    score = expected["predictions"][0]["score"]

    said = subprocess.run([sys.executable, "-c", python], text=True, capture_output=True, check=True).stdout
    assert float(said) == score
    answered = subprocess.run(["sh", "-c", curl], text=True, capture_output=True, check=True).stdout
    assert f'"score":{score}' in answered.replace(" ", "")


def test_quotes_in_a_row_do_no_harm_to_the_examples() -> None:
    row = {"it's": 'a "b" $HOME \\ `c`', "n": 1.5, "none": None}

    assert json.loads(shlex.split(card.curl("http://host/a'b", row))[-1]) == {"rows": [row]}
    assert shlex.split(card.curl("http://host/a'b", row))[1] == "http://host/a'b"
    assert repr(row["it's"]) in card.python("http://host", row)
    compile(card.python("http://host/a'b", row), "example", "exec")


@pytest.mark.parametrize(
    ("score", "words"),
    [
        (0.0, "fewer than 1 in 100"),
        (0.13, "about 1 in 8"),
        (0.27, "about 1 in 4"),
        (0.5, "about 1 in 2"),
        (0.66, "about 2 in 3"),
        (0.73, "about 3 in 4"),
        (0.99, "about 99 in 100"),
        (1.0, "more than 99 in 100"),
    ],
)
def test_a_probability_is_said_as_people_picture_it(score: float, words: str) -> None:
    assert chance(score) == words


def test_no_chance_is_far_from_its_score() -> None:
    for thousandth in range(8, 993):
        part, whole = map(int, re.findall(r"\d+", chance(thousandth / 1000)))
        assert abs(part / whole - thousandth / 1000) <= 0.051


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.0, "0%"),
        (0.0001, "less than 0.1%"),
        (0.004, "0.4%"),
        (0.274, "27%"),
        (0.995, "99.5%"),
        (0.9999, "more than 99.9%"),
        (1.0, "100%"),
    ],
)
def test_a_share_is_never_rounded_to_certainty(share: float, words: str) -> None:
    assert percent(share) == words


def bin_with(**known: Any) -> Bin:
    about = {
        "from_score": 0.2,
        "to_score": 0.3,
        "rows": 900,
        "mean_score": 0.25,
        "positive_share": 0.25,
        "low": 0.2,
        "high": 0.3,
    }
    return Bin(**(about | known))


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ({}, "That agrees with their scores, which were 25% on average."),
        (
            {"positive_share": 0.1, "low": 0.08, "high": 0.12},
            "promised too much there, by 15.0 percentage points. So reckon with less than 24%.",
        ),
        (
            {"positive_share": 0.5, "low": 0.4, "high": 0.6},
            "promised too little there, by 25.0 percentage points. So reckon with more than 24%.",
        ),
        (
            {"mean_score": 0.22, "positive_share": 0.23, "low": 0.225},  # above the mean, below the score
            "promised too little there, by 1.0 percentage points. So reckon with more than 24%.",
        ),
        ({"low": None, "high": None}, "They are on too few days to say how sure that is."),
    ],
)
def test_where_scores_did_not_come_true_it_is_said(flights: Bundle, known: dict[str, Any], words: str) -> None:
    assert words in result.trust(flights, 0.24, bin_with(**known))


def test_a_score_that_no_row_of_the_holdout_had_is_not_vouched_for(flights: Bundle) -> None:
    empty = flights.card.model_copy(update={"calibration": (bin_with(rows=0),)})

    assert result.bin_of(empty, 0.24) is None
    assert "No flights of the holdout had such a score" in result.trust(flights, 0.24, None)


@pytest.mark.parametrize("score", [0.0, 0.1, 0.3, 0.7, 0.9999, 1.0])
def test_a_score_belongs_to_the_bin_around_it(flights: Bundle, score: float) -> None:
    bins = tuple(bin_with(from_score=n / 10, to_score=(n + 1) / 10) for n in range(10))

    found = result.bin_of(flights.card.model_copy(update={"calibration": bins}), score)

    assert found is not None
    assert found.from_score <= score <= found.to_score
    assert score < found.to_score or score == 1


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        (date(2013, 9, 1), date(2013, 9, 30), "September 2013"),
        (date(2013, 8, 3), date(2013, 9, 9), "3 August 2013 to 9 September 2013"),
        (None, None, "the holdout"),
    ],
)
def test_the_holdout_is_named_by_its_time(flights: Bundle, first: date, last: date, words: str) -> None:
    assert saying.period(flights.card.model_copy(update={"holdout_first": first, "holdout_last": last})) == words


def test_small_and_one_sided_slices_carry_a_warning(flights: Bundle) -> None:
    def line(**known: Any) -> slices.Line:
        about = {"rows": 5_000, "positive_share": 0.2, "roc_auc": 0.7, "calibration_error": 0.01}
        one = flights.card.slices[0].model_copy(update={"metrics": about | known})
        card = flights.card.model_copy(update={"slices": (one,)})
        ((_, (found,)),) = slices.slice_lines(replace(flights, card=card))
        return found

    assert line().warning == ""
    assert line(rows=499).warning == "few: read with care"
    assert line(positive_share=0.001).warning == "few: read with care"
    assert line(roc_auc=None, positive_share=0.0).warning == "only one outcome: not judged"


@pytest.mark.parametrize(
    ("clock", "name"), [("08:59", "00:00 to 09:00"), ("09:00", "09:00 to 12:00"), ("11:59", "09:00 to 12:00")]
)
def test_a_slice_of_hours_ends_before_its_last(flights: Bundle, clock: str, name: str) -> None:
    row = flights.golden.rows[0] | {"scheduled_departure": f"2013-04-10T{clock}:00-04:00"}

    assert any(line.name.endswith(name) for line in slices.slices_of(flights, row))


def test_a_missing_value_is_in_the_slice_of_missing_ones(strange: tuple[Bundle, FlaskClient]) -> None:
    bundle = strange[0]
    names = [line.name for line in slices.slices_of(bundle, {"ward": None})]

    assert names[1].endswith(": unknown")


def upload(client: FlaskClient, content: bytes, accept: str = "text/html") -> TestResponse:
    import io

    token = fields_of(client.get("/batch").text)["csrf_token"]
    data = {"csrf_token": token, "file": (io.BytesIO(content), "rows.csv")}
    return client.post("/batch", data=data, headers={"Accept": accept})


def test_the_file_to_fill_in_can_be_sent_back(client: FlaskClient, flights: Bundle) -> None:
    template = client.get("/rows.csv")

    answer = upload(client, template.data)

    header, line = answer.text.splitlines()
    assert header == "row,id,prediction_id,score,label,unknown,missing,error"
    number, own, prediction, score, label, *_ = line.split(",")
    assert (number, own, prediction[-2:]) == ("1", "", "-1")
    assert float(score) in flights.golden.scores
    assert label in {"late", "on_time"}
    assert answer.headers["X-Rows"] == "1"
    assert "attachment" in answer.headers["Content-Disposition"]


def test_a_file_that_cannot_be_scored_is_refused_in_words(client: FlaskClient) -> None:
    answer = upload(client, b"distanse\n1\n")

    assert answer.status_code == 422
    assert "“distanse”, which is no column here, did you mean 'distance'?" in text_of(answer.text)


def test_a_script_is_told_the_same_as_a_problem(client: FlaskClient) -> None:
    answer = upload(client, b"", accept="application/problem+json, text/csv")

    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    assert answer.json is not None
    assert "The file is empty." in answer.json["detail"]


def test_no_file_is_said(client: FlaskClient) -> None:
    token = fields_of(client.get("/batch").text)["csrf_token"]

    answer = client.post("/batch", data={"csrf_token": token}, headers={"Accept": "text/html"})

    assert answer.status_code == 422
    assert "No file was chosen. To mend it: choose a CSV file." in text_of(answer.text)
