"""What the report says of two models of classes, or of a number: in the words of their kind, and of no other."""

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from conftest import Project
from holdfast import confusions, mermaid, report_curves, report_tables
from holdfast.comparison import compare
from holdfast.curves_svg import Band, bands
from holdfast.differences import Rows, Scored, Slice, TooSmall
from holdfast.figures import counting, number, signed
from holdfast.frames import around
from holdfast.params import Gates
from holdfast.report import Report, as_json
from holdfast.report_markdown import markdown
from holdfast.report_page import page
from holdfast.targets import ClassesTarget, Kind
from kinds import judge, train_again
from test_report import well_formed

OF_TWO_LABELS = r"\bPR AUC|threshold|positive|Precision|\blate\b"


@pytest.fixture(scope="module")
def reports(
    project_of: Callable[[Kind], Project], tmp_path_factory: pytest.TempPathFactory
) -> dict[Kind, tuple[Report, Report]]:
    """For each kind the report of a model against a much simpler one, and the other way round."""
    found: dict[Kind, tuple[Report, Report]] = {}
    for kind in ("classes", "number"):
        good = project_of(kind)
        poor = train_again(
            good, tmp_path_factory.mktemp("poor") / kind, max_iterations=1, learning_rate=[0.01], max_leaf_nodes=[2]
        )
        found[kind] = judge(poor, good), judge(good, poor)
    return found


def title(report: Report) -> str:
    return markdown(report).split("\n", 1)[0]


def test_a_better_model_of_classes_is_told_by_balanced_accuracy(reports: dict[Kind, tuple[Report, Report]]) -> None:
    said = markdown(reports["classes"][0])

    assert said.startswith("## ✅ Promote: the model of after is better\n\nBalanced accuracy 0.")
    assert re.search(r"on 77 rows that neither model has seen; all six gates passed\.", said)
    assert not re.search(OF_TWO_LABELS, said)
    for words in ("means over the classes", "ROC\u00a0AUC\u00a0↑", "by drawing rows anew 2,000 times"):
        assert words in said


def test_a_better_model_of_numbers_is_told_by_its_error_in_the_unit(
    reports: dict[Kind, tuple[Report, Report]],
) -> None:
    said = markdown(reports["number"][0])

    assert said.startswith("## ✅ Promote: the model of after is better\n\nRMSE (points) ")
    assert re.search(r"RMSE \(points\) \d\d\.\d{3} → \d\d\.\d{3} \(-\d+\.\d{3}, 95% interval -\d+\.\d{3} to -", said)
    assert not re.search(rf"{OF_TWO_LABELS}|ROC|accuracy|label", said)
    assert "| mean\u00a0absolute\u00a0error (points)\u00a0↓ |" in said
    assert 'y-axis "missed by at most, points" 0 --> ' in said


def test_a_worse_model_is_kept_out_by_the_metric_of_its_kind(reports: dict[Kind, tuple[Report, Report]]) -> None:
    classes, numbers = (title(reports[kind][1]) for kind in ("classes", "number"))

    assert "that of after is below the floor (G1)" in classes
    assert "is worse by balanced accuracy (G2)" in classes
    assert "is worse by RMSE (G2)" in numbers
    assert "🟥 what it adds to before" in markdown(reports["number"][1])


def test_the_same_model_is_the_same_whatever_it_predicts(project_of: Callable[[Kind], Project]) -> None:
    for kind, main in (("classes", "Balanced accuracy is 0."), ("number", "RMSE (points) is ")):
        said = markdown(judge(project_of(kind), project_of(kind)))  # type: ignore[arg-type]

        assert said.startswith(f"## ✅ Promote: the same model, every score is the same to the last bit\n\n{main}")
        assert "```mermaid" not in said


def test_each_class_is_told_with_what_it_is_mostly_taken_for(reports: dict[Kind, tuple[Report, Report]]) -> None:
    better, _ = reports["classes"]

    head, *table = report_tables.classes(better)

    assert head == ["class", "rows", "found by before", "found by after", "difference", "mostly taken for"]
    assert [row[:2] for row in table] == [["Barolo", "29"], ["Grignolino", "26"], ["Barbera", "22"]]
    assert table[1][5].endswith(")")
    assert "### Classes" in markdown(better)
    assert page(better).count('class="shades"') == 2
    assert "### Classes" not in markdown(reports["number"][0])


def test_the_page_draws_what_came_of_the_predictions_with_a_band_for_each_model(
    reports: dict[Kind, tuple[Report, Report]],
) -> None:
    said = page(reports["number"][0])

    drawing = re.search(
        r"<svg[^>]*><title>What came of the predictions of before and of after</title>.*?</svg>", said, re.DOTALL
    )
    assert drawing
    assert drawing[0].count("opacity: .2") == 2
    assert "predicted, points" in drawing[0]
    assert re.search(
        r"<title>after: of \d+ rows with predictions of [\d.]+ on average, [\d.]+ points came,", drawing[0]
    )
    assert "<title>Errors of before and of after</title>" in said


def test_the_pages_of_each_kind_are_well_formed_and_load_nothing(
    reports: dict[Kind, tuple[Report, Report]],
) -> None:
    for report in (*reports["classes"], *reports["number"]):
        said = page(report)

        assert well_formed(said)
        assert not re.search(r"<(script|link|img|iframe|object|a)\b|\b(src|href|srcset|on\w+)=|url\(|@import", said)
        assert not re.search(r"\bnan\b", said.split("</style>")[-1], re.IGNORECASE)


def test_programs_are_told_the_kind_and_the_unit(reports: dict[Kind, tuple[Report, Report]]) -> None:
    told = as_json(reports["number"][0])

    assert told["target"] == {"kind": "number", "unit": "points"}
    assert [one["metric"] for one in told["differences"]] == ["rmse", "mae", "r2"]
    assert told["slices"][0]["positives"] is None
    assert as_json(reports["classes"][0])["target"] == {"kind": "classes", "unit": ""}


def test_a_slice_that_is_too_small_is_told_without_a_label(
    reports: dict[Kind, tuple[Report, Report]],
) -> None:
    for kind, why in (("classes", "rows or labels"), ("number", "rows")):
        report = reports[kind][0]  # type: ignore[index]
        few = replace(report, comparison=replace(report.comparison, not_judged=(TooSmall("sex", "one", 9, None),)))

        assert report_tables.not_judged(few)[0] == ["slice", "rows"]
        assert f"<summary>Not judged, for too few {why}: 1</summary>" in markdown(few)


def test_the_gates_say_errors_by_the_digits_that_count(params_gates: Gates) -> None:
    random = np.random.default_rng(3)
    for scale, said in ((1e-5, r"RMSE 0\.0000\d{5} "), (1e6, r"RMSE [\d,]{7,9} ")):
        target = random.normal(size=400) * scale
        scored = Scored(target + random.normal(size=400) * scale, np.zeros(400, dtype=bool), None, 1_000, 1.0)
        rows = Rows(target, np.arange(400), "rows", (Slice("a", "b", np.arange(400) < 5),), "number")

        found = compare(rows, scored, scored, params_gates, bins=5, seed=1, tags={})

        assert re.search(said, found.gates[1].text)


@pytest.fixture
def params_gates(project_of: Callable[[Kind], Project]) -> Gates:
    """The gates of a number, which ask for no more than that there is an error."""
    return project_of("number").params.gates.model_copy(update={"floor": {"rmse": 1e9}})


@pytest.mark.parametrize(
    ("value", "said"),
    [(57.03274, "57.033"), (123_456.7, "123,457"), (0.000123456, "0.00012346"), (0.0, "0.0000"), (float("nan"), "not defined")],
)  # fmt: skip
def test_what_has_a_unit_is_said_by_five_digits(value: float, said: str) -> None:
    assert number(value, counting(value)) == said


def test_a_small_difference_of_large_figures_does_not_look_like_none() -> None:
    assert signed(0.004, 2) == "+0.004"
    assert signed(-1_234.5, 0) == "-1,234"
    assert signed(0.0, 2) == "0.00"


def test_what_a_matrix_of_counts_says_of_each_class() -> None:
    target = ClassesTarget(kind="classes", column="kind", values=("a", "b_c", "d"), names={"d": "Dora"})
    scores = np.array([[1, 0, 0], [1, 0, 0], [1, 0, 0], [0, 1, 0]], dtype=float)

    first, second, absent = confusions.each(confusions.confusion(np.array([0, 1, 1, 1]), scores, target))

    assert (first.recall, first.precision, first.taken_for) == (1.0, 1 / 3, "")
    assert (second.name, second.rows, second.right, second.taken_for, second.mistaken) == ("b c", 3, 1, "a", 2)
    assert (absent.name, absent.recall, absent.precision) == ("Dora", None, None)


def test_of_very_many_classes_those_that_are_found_least_are_in_shades() -> None:
    names = [f"class {place}" for place in range(60)]
    counts = np.eye(60, dtype=int) * 10
    counts[7, 8] = 90

    drawn = confusions.shades(pd.DataFrame(counts, index=names, columns=names), "caption")

    assert drawn.count("<tr>") == confusions.SHOWN + 1
    assert "class 7<" in drawn
    assert "(36 classes that are found more often are left out)" in drawn


@pytest.mark.parametrize("values", [[0.0, 0.0], [5.0, 5.0], [-3e-9, 2e-9], [1e12, 3e12], [-120.0, 40.0]])
def test_a_frame_holds_all_values_between_round_ticks(values: list[float]) -> None:
    frame = around(values, [0.0, 1.0])

    assert frame.across[0] <= min(values) + 1e-20
    assert max(values) - 1e-20 <= frame.across[-1]
    assert 2 <= len(frame.across) <= 12
    drawn = bands([("one", [Band(value, value, (value, value), "said") for value in values])], "summary", ("x", "y"))
    assert well_formed(f"<!doctype html><html><body>{drawn}</body></html>")
    assert "nan" not in drawn


def test_the_band_has_a_gap_where_too_few_rows_tell_how_far_apart_they_are() -> None:
    table = pd.DataFrame({"mean_score": [1.0, 2, 3, 4, 5], "mean_target": [1.0, 2, 30, 4, 5], "rows": 20})
    table = table.assign(low=[0, 1, np.nan, 3, np.nan], high=[2, 3, np.nan, 5, np.nan])

    found = report_curves.bands(table, "")
    drawn = bands([("one", found)], "summary", ("x", "y"))

    assert found[2].ends is None
    filled = re.findall(r'<path d="([^"]*)" style="fill: var\(--main\)', drawn)
    assert [len(set(re.findall(r"[ML]([\d.]+) ", one))) for one in filled] == [2, 1]
    heights = [float(found) for found in re.findall(r'cy="([^"]+)"', drawn)]
    assert len(heights) == 5
    assert 10 <= min(heights) < max(heights) <= 310  # in the frame, the lone mean too


def test_a_chart_of_errors_needs_two_finite_lines() -> None:
    table = {"errors": pd.DataFrame({"share": np.linspace(0, 1, 201), "error": np.linspace(0, 9e6, 201)})}
    broken = {"errors": table["errors"].assign(error=np.nan)}

    drawn = mermaid.of_curves((table, table), 'a"]unit')

    assert drawn
    assert 'y-axis "missed by at most, a unit" 0 --> 8110000' in drawn
    assert mermaid.of_curves((table, broken)) is None
    assert mermaid.of_curves(({}, {})) is None
