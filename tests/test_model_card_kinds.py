"""The card of a model of classes, or of a number, says what is true of it in the words of its kind."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from conftest import Project
from holdfast import model_card
from holdfast.intervals import Interval
from holdfast.model_card import About
from holdfast.model_card_limits import limits
from holdfast.model_card_markdown import markdown
from holdfast.model_card_page import page
from holdfast.outcomes import Numbers
from holdfast.targets import Kind
from test_model_card import TITLES
from test_report import well_formed

BY_KIND: dict[Kind, list[str]] = {
    "binary": TITLES,
    "classes": [*TITLES[:4], "Classes", *TITLES[4:]],
    "number": [*TITLES[:4], "Errors", TITLES[4], "What came of its predictions", *TITLES[6:]],
}


@pytest.fixture(scope="module")
def cards(project_of: Callable[[Kind], Project]) -> dict[Kind, About]:
    return {kind: model_card.of_tree(project_of(kind).workspace.root) for kind in BY_KIND}


def sized(about: About, **changes: Any) -> About:
    return replace(about, intervals=about.intervals._replace(**changes))


def measured(about: About, **metrics: Interval) -> About:
    return sized(about, metrics=dict(about.intervals.metrics) | metrics)


def came(about: About, **changes: Any) -> About:
    return replace(about, outcomes=replace(about.outcomes, **changes))


def of_card(about: About, **changes: Any) -> About:
    return replace(about, card=about.card.model_copy(update=changes))


def binned(about: About, **changes: Any) -> About:
    return of_card(about, holdout_rows=900, calibration=(about.card.calibration[-1].model_copy(update=changes),))


def weak(about: About, *gap: float) -> About:
    slices = tuple(one._replace(weak=True, gap=Interval(*gap)) for one in about.intervals.slices[:1])
    return sized(about, slices=slices)


@pytest.mark.parametrize("kind", BY_KIND)
def test_the_parts_of_each_kind_have_their_titles_in_their_order(cards: dict[Kind, About], kind: Kind) -> None:
    assert re.findall(r"^## (.*)", markdown(cards[kind]), re.MULTILINE) == BY_KIND[kind]
    assert re.findall(r"<h2>(.*?)</h2>", page(cards[kind])) == BY_KIND[kind]


@pytest.mark.parametrize("kind", BY_KIND)
def test_the_page_of_each_kind_is_well_formed_and_loads_nothing(cards: dict[Kind, About], kind: Kind) -> None:
    said = page(cards[kind])

    assert well_formed(said)
    assert not re.search(r"<(script|link|img|iframe|object|a)\b|\b(src|href|srcset|on\w+)=|url\(|@import", said)
    assert not re.search(r"\bnan\b", said.split("</style>")[-1], re.IGNORECASE)


def test_the_card_of_classes_speaks_of_classes(cards: dict[Kind, About]) -> None:
    said = markdown(cards["classes"]).replace("\u00a0", " ")

    for words in (
        "Which grape is this wine made from? It learned from 101 wines",
        "the probabilities that a wine is each of 3 classes, and add up to 1",
        "<b>Their cultivar</b>: 29.7% Barolo, 44.6% Grignolino and 25.7% Barbera",
        "| balanced accuracy ↑ | 0.9592 |",
        "on average over the classes; by chance 0.3333",
        "| Grignolino | 26 | 92.3% | 96.0% | Barolo (2) |",
        "| slice | wines | balanced accuracy | 95% interval | less that of all | calibration error | remark |",
        "| highest score | wines | mean score | were right | 95% interval |",
        "| column | fall of balanced accuracy | standard deviation |",
    ):
        assert words in said
    assert not re.search(r"threshold|PR AUC|positive|Precision", said)


def test_the_card_of_a_number_speaks_of_errors_in_its_unit(cards: dict[Kind, About]) -> None:
    said = markdown(cards["number"]).replace("\u00a0", " ")

    for words in (
        "A score is the progression that it predicts for a patient, in points.",
        "<b>Their progression</b>: 158.1 points on average, 80 of 100 from 64 to 275",
        "| RMSE (points) ↓ | 57.033 |",
        "saying the mean, 142.7, for each would be 71.137",
        "| of the patients | missed by at most, points |",
        "| 50% | 42.3 |",
        "| predicted, points | patients | mean | mean of what came | 80 of 100 were |",
        "| column | rise of RMSE (points) | standard deviation |",
    ):
        assert words in said
    assert not re.search(r"ROC AUC|threshold|positive|probabilit|calibration|label", said)


def test_the_card_of_a_number_draws_the_band_and_the_errors(cards: dict[Kind, About]) -> None:
    said = page(cards["number"])

    assert re.search(r"<title>of 3\d rows with predictions of [\d.]+ on average, [\d.]+ points came, and of 80", said)
    assert "<title>Errors</title>" in said
    assert "<dt>RMSE (points)</dt>" in said


def test_where_too_few_rows_had_such_a_prediction_no_range_is_told(cards: dict[Kind, About]) -> None:
    some = cards["number"].card.predictions
    about = of_card(
        cards["number"], predictions=tuple(one.model_copy(update={"low": None, "high": None}) for one in some)
    )

    assert markdown(about).replace("\u00a0", " ").count("| too few rows |") == len(some)
    assert page(about).count("points came, too few to tell how far apart</title>") == len(some)
    assert well_formed(page(about))


def test_without_slices_the_card_says_so_and_lacks_nothing_for_it(cards: dict[Kind, About]) -> None:
    said = cards["binary"]

    assert "No slice is declared: `evaluate.slices`".replace("`", "\\`") in markdown(said)
    assert "Weaker slices" not in page(said)
    assert "slices" not in model_card.missing(said)
    assert "slices" in model_card.missing(of_card(cards["number"], slices=()))


def test_each_kind_lacks_what_came_of_its_scores_by_its_name(cards: dict[Kind, About]) -> None:
    assert "outcomes by prediction" in model_card.missing(of_card(cards["number"], predictions=()))
    assert "calibration" not in model_card.missing(cards["number"])
    assert "calibration" in model_card.missing(of_card(cards["classes"], calibration=()))
    assert "intervals" in model_card.missing(measured(cards["number"], rmse=Interval(57.0)))
    assert "intervals" not in model_card.missing(cards["classes"])


def test_the_figures_of_the_card_are_those_of_the_evaluation(cards: dict[Kind, About]) -> None:
    for about in cards.values():
        for name, one in about.intervals.metrics.items():
            assert one.value == pytest.approx(about.card.metrics[name], abs=1e-6)
        found = {(one.label, one.value): one.found.value for one in about.intervals.slices}
        for piece in about.card.slices:
            main = next(iter(about.intervals.metrics))
            assert found[piece.label, piece.value] == pytest.approx(piece.metrics[main], abs=1e-6)
    assert cards["number"].intervals.answers[0].value == pytest.approx(cards["number"].card.metrics["target_mean"])
    assert sum(one.value or 0 for one in cards["classes"].intervals.answers) == pytest.approx(1)


LIMITS: list[tuple[Kind, Callable[[About], About], str]] = [
    (
        "classes",
        lambda about: measured(about, balanced_accuracy=Interval(0.4, 0.3, 0.5)),
        r"not shown to find the classes better than chance, 0\.3333: balanced accuracy 0\.4000, interval 0\.3",
    ),
    (
        "classes",
        lambda about: of_card(about, metrics=about.card.metrics | {"accuracy": 0.2}),
        r"is right for 20\.0% of the wines; to call all wines Barolo would be right for 37\.7%\. Go by scores",
    ),
    (
        "classes",
        lambda about: came(about, confusion=rare(about, 900, 100)),
        r"Of the 1,000 wines that were Barolo it finds 10\.0%, and takes 900 of them for Grignolino\.",
    ),
    ("classes", lambda about: came(about, confusion=rare(about, 0, 99)), r"has few wines of Barolo \(99\)[,:]"),
    (
        "classes",
        lambda about: sized(about, answers=(Interval(0.1, 0.05, 0.2), *about.intervals.answers[1:])),
        r"wines that were Barolo moved: 37\.7% of those .* 10\.0% \(interval 5\.0% to 20\.0%\) in the holdout\.",
    ),
    (
        "classes",
        lambda about: binned(about, rows=500, mean_score=0.9, positive_share=0.6, low=0.5, high=0.7),
        r"Highest scores from 80% to 100% were too high in the holdout, by 30 points: more than other rows would",
    ),
    ("classes", lambda about: binned(about, rows=9), r"Highest scores from 80% to 100% are rare: 9 of 900 wines got"),
    (
        "classes",
        lambda about: weak(about, -0.2, -0.3, -0.1),
        r"It finds the classes of wines less often where colour is deep than on the whole: balanced accuracy 0\.9008, "
        r"0\.2000 \(0\.1000 to 0\.3000\) below that of all\.",
    ),
    (
        "number",
        lambda about: weak(about, 9.0, 5.0, 12.5),
        r"It is farther off where sex is one than on the whole: RMSE \(points\) 56\.976, 9\.000 \(5\.000 to 12\.500\) above",
    ),
    (
        "number",
        lambda about: measured(about, r2=Interval(0.1, -0.1, 0.2)),
        r"not shown to be closer than the mean of all patients would be: R² 0\.1000, interval -0\.1000 to 0\.2000",
    ),
    (
        "number",
        lambda about: sized(about, bias=Interval(-8.0, -12.0, -4.0)),
        r"too low in the holdout, by 8 points on average \(interval 4 to 12\)",
    ),
    (
        "number",
        lambda about: came(about, beyond=0.25),
        r"below 85\.\d+ points or above 268\.\d points, but 25\.0% of the",
    ),
    (
        "number",
        lambda about: came(about, numbers=(Numbers(300, 70, 200, 400), about.outcomes.numbers[1])),  # type: ignore[index]
        r"What it predicts has moved: 300 points on average where it learned, 142\.7 points \(interval",
    ),
    (
        "number",
        lambda about: of_card(about, metrics=about.card.metrics | {"median_absolute_error": 5.0}),
        r"A few rows are missed by far: half of them by 5 points at most, but the RMSE is 11\.4 times that",
    ),
    (
        "number",
        lambda about: measured(about, rmse=Interval(57.0)),
        r"The holdout has 171 rows, too few \(or too much a",
    ),
]


def rare(about: About, wrong: int, right: int) -> pd.DataFrame:
    """Return what came of classes of which the first is found so often."""
    names = [str(name) for name in about.outcomes.confusion.columns]  # type: ignore[union-attr]
    counts = np.diag([right, 5_000, 5_000])
    counts[0, 1] = wrong
    return pd.DataFrame(counts, index=names, columns=names)


def calm(about: About) -> About:
    """Return a card with nothing to say against its model."""
    if about.kind == "number":
        numbers = (about.outcomes.numbers or ())[1:] * 2
        return came(sized(about, bias=Interval(0.0, -1.0, 1.0), slices=()), beyond=0.0, numbers=numbers)
    fine = {"rows": 800, "mean_score": 0.9, "positive_share": 0.9, "low": 0.85, "high": 0.95}
    learned = {name: one.value or 0.0 for name, one in zip("abc", about.intervals.answers, strict=True)}
    return sized(binned(came(about, confusion=rare(about, 0, 5_000), learned=learned), **fine), slices=())


@pytest.mark.parametrize(("kind", "change", "expected"), LIMITS)
def test_each_limit_of_a_kind_is_said_where_the_figures_show_it_and_nowhere_else(
    cards: dict[Kind, About], kind: Kind, change: Callable[[About], About], expected: str
) -> None:
    quiet = calm(cards[kind])
    sliced = replace(quiet, intervals=quiet.intervals._replace(slices=cards[kind].intervals.slices))

    assert not [sentence for sentence in limits(quiet) if re.search(expected, sentence)]
    assert len([sentence for sentence in limits(change(sliced)) if re.search(expected, sentence)]) == 1


def test_a_prediction_that_says_little_of_one_row_is_said_to(cards: dict[Kind, About]) -> None:
    (said,) = [one for one in limits(cards["number"]) if one.startswith("One prediction says little")]

    assert re.search(
        r"where it predicted \d+(\.\d)? points on average, 80 of 100 were [\d.]+ to \d+(\.\d)? points", said
    )
