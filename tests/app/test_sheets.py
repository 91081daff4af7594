"""A table is read as spreadsheets write it, and what comes back is safe to open."""

import csv
import io
import time

import pytest

import app as service
from app import service as parts
from app import sheets
from app.config import Config
from app.service import Service
from app.words import words_of
from conftest import Project
from holdfast.errors import UserError
from holdfast.schema import Schema

COLUMNS = "scheduled_departure,carrier,origin,distance,humidity"
ROW = "2013-09-15T14:05,UA,EWR,500,80.5"


@pytest.fixture(scope="module")
def served(finished_project: Project) -> Service:
    folder = finished_project.workspace.evaluate / "bundle"
    choices = Config(model_uri=str(folder), prediction_log=False, rate_limit=None)
    return parts.of(service.create_app(choices))


def score(served: Service, content: str, encoding: str = "utf-8") -> list[dict[str, str]]:
    sheet = sheets.read(content.encode(encoding), served.schema, served.reader.max_rows)
    return list(csv.DictReader(io.StringIO("".join(sheets.scored(sheet, served.reader, served.predictor)))))


def test_each_row_gets_the_score_that_it_gets_alone(served: Service) -> None:
    rows = served.bundle.golden.rows
    words = [words_of(row, served.schema) for row in rows]
    lines = [COLUMNS, *(",".join(line.values()) for line in words)]

    results = score(served, "\n".join(lines))

    assert [float(line["score"]) for line in results] == list(served.bundle.golden.scores)
    assert [line["row"] for line in results] == [str(number) for number in range(1, len(rows) + 1)]


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_any_usual_dialect_is_read(served: Service, mark: str, end: str, encoding: str) -> None:
    text = end.join([f"{COLUMNS},flight_id", f"{ROW},first", "", f"{ROW},second", ""]).replace(",", mark)

    results = score(served, text, encoding)

    assert [(line["row"], line["id"]) for line in results] == [("1", "first"), ("2", "second")]
    assert all(line["score"] and not line["error"] for line in results)


def test_a_decimal_comma_is_read_where_semicolons_part_the_cells(served: Service) -> None:
    (point,), (comma,) = (
        score(served, f"{COLUMNS}\n{ROW}"),
        score(served, f"{COLUMNS}\n{ROW}".replace(",", ";").replace("80.5", "80,5")),
    )

    assert comma["score"] == point["score"]


def test_cells_may_be_quoted(served: Service) -> None:
    (line,) = score(served, f'flight_id,{COLUMNS}\n"a ""b"", c",{ROW}')

    assert (line["id"], line["error"]) == ('a "b", c', "")


def test_optional_columns_may_be_left_out_and_the_label_may_be_there(served: Service) -> None:
    header, row = COLUMNS.removesuffix(",humidity"), ROW.removesuffix(",80.5")

    (line,) = score(served, f"{header},arrival\n{row},late")

    assert (line["missing"], line["error"]) == ("humidity", "")


def test_a_bad_row_has_its_errors_in_place_of_a_score_and_others_are_scored(served: Service) -> None:
    bad = ROW.replace("500", "far").replace("80.5", "900")

    good, refused, short, last = score(served, "\n".join([COLUMNS, ROW, bad, "1,2", ROW]))

    assert good["score"] == last["score"] != ""
    assert refused["score"] == refused["prediction_id"] == ""
    assert 'distance: found "far", expected a number' in refused["error"]
    assert refused["error"].count("distance: ") == 1
    assert 'humidity: found "900", expected a number from 0 to 100 %' in refused["error"]
    assert short["error"] == "row: found 2 cells, expected 5, as many as the header has"


def test_more_rows_than_are_scored_at_once_keep_their_order(served: Service) -> None:
    count = 2 * sheets.AT_ONCE + 3
    lines = [f"{ROW if number % 7 else ROW.replace('500', 'far')},id-{number}" for number in range(1, count + 1)]

    results = score(served, "\n".join([f"{COLUMNS},flight_id", *lines]))

    assert [line["id"] for line in results] == [f"id-{number}" for number in range(1, count + 1)]
    assert [line["row"] for line in results if line["error"]] == [str(n) for n in range(7, count + 1, 7)]
    assert all(line["prediction_id"].endswith(f"-{line['row']}") for line in results if not line["error"])


@pytest.mark.parametrize("own", ["=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0"])
def test_no_cell_comes_back_as_a_formula(served: Service, own: str) -> None:
    content = io.StringIO()
    csv.writer(content).writerows([[*COLUMNS.split(","), "flight_id"], [*ROW.split(","), own]])

    (line,) = score(served, content.getvalue())

    assert line["id"] == f"'{own}"


def test_a_line_of_the_result_is_one_line_whatever_an_id_holds(served: Service) -> None:
    sheet = sheets.read(f'{COLUMNS},flight_id\n{ROW},"a\nb"'.encode(), served.schema, 10)

    lines = list(sheets.scored(sheet, served.reader, served.predictor))

    assert "".join(lines).count("\n") == 2
    assert "flight_id: found" in lines[1]


@pytest.mark.parametrize(
    ("content", "problem", "fix"),
    [
        (b"", "The file is empty.", "header"),
        (b"\n\n", "The file is empty.", "header"),
        (COLUMNS.encode(), "The file has a header and no rows.", "at least one row"),
        (f"{COLUMNS},{COLUMNS}\n".encode(), "names “scheduled_departure” twice", "remove one"),
        (f"{COLUMNS},humidty\n".encode(), "“humidty”, which is no column here, did you mean 'humidity'", "rename or remove"),
        (b"carrier,origin\nUA,EWR\n", "does not name scheduled_departure, distance", "add what is missing"),
        (f"{COLUMNS}\n".encode() + b"\xff\xfe,", "Line 2 is not written in UTF-8.", "CSV UTF-8"),
        (f"{COLUMNS}\n{ROW}".encode("utf-16"), "Line 1 is not written in UTF-8.", "CSV UTF-8"),
        (f"{COLUMNS}\n{ROW}\0".encode(), "The file is not text.", "CSV UTF-8"),
        (f'{COLUMNS}\n"{ROW}'.encode(), "Line 2 is not CSV", "CSV UTF-8"),
        (f"{COLUMNS}\n{'x' * 200_000}".encode(), "Line 2 is not CSV: field larger", "CSV UTF-8"),
        ("\n".join([COLUMNS, *[ROW] * 11]).encode(), "more than 10 rows", "split it"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_says_why_and_what_to_do(
    served: Service, content: bytes, problem: str, fix: str
) -> None:
    with pytest.raises(UserError, match=problem.replace("(", r"\(")) as refused:
        sheets.read(content, served.schema, 10)

    assert fix in refused.value.fix


def test_cells_beyond_the_header_do_no_harm_when_they_are_empty(served: Service) -> None:
    (line,) = score(served, f"{COLUMNS},,\n{ROW},,")

    assert line["error"] == ""


def test_a_schema_decides_what_the_header_may_name() -> None:
    number = {"kind": "number", "label": "Dose"}
    about = {"id": "key", "group": "patient", "target": {"column": "outcome", "negative": "no", "positive": "yes"}}
    schema = Schema.model_validate(about | {"columns": {"dose": number}})

    sheet = sheets.read(b"key;patient;outcome;dose\n1;2;yes;3", schema, 10)

    assert (sheet.header, sheet.decimal) == (["key", "patient", "outcome", "dose"], ",")


@pytest.mark.parametrize("names", [",".join(f"x{number}" for number in range(50_000)), ",".join(["carrier"] * 50_000)])
def test_a_header_of_many_names_is_refused_at_once(served: Service, names: str) -> None:
    start = time.process_time()

    with pytest.raises(UserError, match="The header names “"):
        sheets.read(f"{names}\n{ROW}".encode(), served.schema, served.reader.max_rows)

    assert time.process_time() - start < 0.5
