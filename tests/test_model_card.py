"""The card says what is true of a model, with its weak sides, in the same bytes each time; and what it lacks is known."""

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT, Project, made, run
from holdfast import files, model_card
from holdfast.bundle import Bin, Gate, Release
from holdfast.commands import card as command
from holdfast.errors import DONE, UserError
from holdfast.intervals import Interval, SliceInterval
from holdfast.leaks import Leak
from holdfast.model_card import About, Judged, Warned, Window
from holdfast.model_card_limits import limits
from holdfast.model_card_markdown import markdown
from holdfast.model_card_page import page
from holdfast.model_card_words import share, span, together
from holdfast.report import Side
from test_report import EVIL, well_formed

TITLES = [
    "What it is for",
    "Who answers for it",
    "Data",
    "Metrics",
    "Slices",
    "Calibration",
    "What moves it most",
    "Limits",
    "Ethics",
    "Verdict",
    "Where it comes from",
]
SURE = Interval(0.7, 0.65, 0.75)


@pytest.fixture(scope="module")
def collected(finished_project: Project) -> About:
    """The card of the small project, which is no repository."""
    return model_card.of_tree(finished_project.workspace.root)


@pytest.fixture(scope="module")
def about(collected: About) -> About:
    """The same, as if it were committed, and with nothing to say against it."""
    slices = (SliceInterval("airline", "AA", 900, 300, SURE, Interval(0.0, -0.1, 0.1), weak=False),)
    figures = collected.intervals._replace(
        metrics=dict.fromkeys(collected.intervals.metrics, SURE), slices=slices, answers=(Interval(0.5, 0.4, 0.6),)
    )
    calm = Bin(from_score=0.4, to_score=0.5, rows=300, mean_score=0.45, positive_share=0.45, low=0.4, high=0.5)
    return replace(
        collected,
        card=collected.card.model_copy(
            update={
                "metrics": collected.card.metrics | {"accuracy": 0.9, "positive_share": 0.5},
                "calibration": (calm,),
            }
        ),
        facts=collected.facts.model_copy(update={"positive_share": 0.5}),
        intervals=figures,
        release=Release(version="1" * 12, commit="1" * 40, data="2" * 32 + ".dir"),
        origin=Side("", "1" * 40, "2" * 32 + ".dir", "3" * 32 + ".dir", "4" * 64, "5" * 64, params="6" * 64),
        learned=Window(900, date(2012, 4, 1), date(2013, 3, 31)),
        gaps=dict.fromkeys(collected.gaps, (0.0, 0.0)),
    )


def tagged(about: About, **tags: str) -> About:
    return replace(about, card=about.card.model_copy(update={"tags": about.card.tags | tags}))


def of_card(about: About, **changes: Any) -> About:
    return replace(about, card=about.card.model_copy(update=changes))


def sized(about: About, **changes: Any) -> About:
    return replace(about, intervals=about.intervals._replace(**changes))


def measured(about: About, **metrics: Interval) -> About:
    return sized(about, metrics=dict(about.intervals.metrics) | metrics)


def binned(about: About, **changes: Any) -> About:
    return of_card(about, calibration=(about.card.calibration[0].model_copy(update=changes),))


def sliced(about: About, count: int, **changes: Any) -> About:
    (one,) = about.intervals.slices
    return sized(about, slices=tuple(one._replace(value=f"A{place}", **changes) for place in range(count)))


def untimed(about: About) -> About:
    facts = about.facts.model_copy(update={"data": about.facts.data.model_copy(update={"time": None})})
    return replace(of_card(about, holdout_first=None, holdout_last=None), facts=facts, learned=Window(900))


def test_the_parts_have_their_titles_in_their_order(collected: About, about: About) -> None:
    for one in (collected, about, untimed(about)):
        assert re.findall(r"^## (.*)", markdown(one), re.MULTILINE) == TITLES
        assert re.findall(r"<h2>(.*?)</h2>", page(one)) == TITLES


def test_what_is_collected_is_what_was_measured(collected: About, finished_project: Project) -> None:
    rows = [len(files.read(finished_project.workspace.prepare / f"{side}.parquet")) for side in ("train", "validation")]

    assert collected.learned.rows == sum(rows) == collected.facts.fitted_rows
    assert (collected.learned.first, collected.card.holdout_first) == (date(2013, 1, 1), date(2013, 4, 1))
    for name, one in collected.intervals.metrics.items():
        assert one.value == pytest.approx(collected.card.metrics[name], abs=1e-6)
    found = {(one.label, one.value): one.found.value for one in collected.intervals.slices}
    for piece in collected.card.slices:
        assert found[piece.label, piece.value] == pytest.approx(piece.metrics["roc_auc"], abs=1e-6)
    assert collected.gaps["humidity"] == pytest.approx((0.1, 0.1), abs=0.05)
    assert [one.partition for one in collected.contract] == [f"data/flights/2013-0{month}.parquet" for month in "1234"]


def test_the_card_says_its_figures_with_their_intervals(about: About) -> None:
    said = markdown(about).replace("\u00a0", " ")

    for line in (
        "# Model card: 111111111111",
        "| ROC AUC ↑ | 0.7000 | 0.6500 to 0.7500 | how often one that was late gets the higher score",
        "- <b>Learned from</b>: 900 flights, 1 April 2012 to 31 March 2013",
        "| airline AA | 900 | 33.3% | 0.7000 | 0.6500 to 0.7500 | 0.0000 (-0.1000 to +0.1000) |",
        "| 40% to 50% | 300 | 45.0% | 45.0% | 40.0% to 50.0% |",
        f"- <b>Commit</b>: <code>{'1' * 40}</code>",
        f"- <b>Environment</b>: <code>{'4' * 64}</code>",
        f"```console\n$ python -m holdfast rebuild-check {'1' * 40}\n```",
    ):
        assert line in said


def test_the_same_card_is_the_same_bytes(collected: About, finished_project: Project) -> None:
    again = model_card.of_tree(finished_project.workspace.root)

    assert markdown(again) == markdown(collected)
    assert page(again) == page(collected)


def test_a_version_of_the_registry_is_called_by_its_name_and_restored_by_its_number(about: About) -> None:
    said = markdown(replace(about, name="flight-delay", number=7))

    assert said.startswith("# Model card: flight-delay, version 7\n")
    assert "- <b>Registered as</b>: flight-delay, version 7\n" in said
    assert "$ python -m holdfast restore 7\n" in said
    assert "rebuild-check" not in said


def test_every_tag_is_said_and_one_that_must_be_and_is_not_is_said_to_be_missing(about: About) -> None:
    told = tagged(
        about, owner=" ", reviewed_by="Ada", out_of_scope="sale", ethics="Ask first.", limits="Only New York."
    )

    parts = dict(zip(TITLES, re.split(r"^## .*\n", markdown(told), flags=re.MULTILINE)[1:], strict=True))

    assert "<b>Reviewed by</b>: Ada" in parts["What it is for"]
    assert "<b>Out of scope</b>: sale" in parts["What it is for"]
    assert "<b>Owner</b>: not said" in parts["Who answers for it"]
    assert "<b>Ethics</b>: Ask first." in parts["Ethics"]
    assert parts["Limits"].strip().startswith("- Only New York.")
    for words in filter(str.strip, told.card.tags.values()):
        assert words in page(told)


def test_without_any_tag_there_is_still_a_card(about: About) -> None:
    bare = replace(of_card(about, tags={}), required=())

    assert markdown(bare).count("Nothing is said of it under") == 3
    assert well_formed(page(bare))


@pytest.mark.parametrize("address", ["https://example.org/who?x=1", "flights@example.org"])
def test_an_address_can_be_copied_from_the_card(about: About, address: str) -> None:
    assert f"- <b>Contact</b>: <{address}>\n" in markdown(tagged(about, contact=address))
    assert "\u200b" in markdown(tagged(about, contact=f"{address} <b>"))


def test_the_verdict_stands_in_the_card_with_what_each_gate_found(about: About) -> None:
    gates = (Gate(code="G1", passed=True, text="above"), Gate(code="G2", passed=False, text="worse"))
    judged = about.release.model_copy(update={"verdict": "keep", "against": "version 3", "gates": gates})

    said = markdown(replace(about, release=judged))

    assert "## Verdict\n\nKeep, against version 3.\n\n" in said
    assert "| G1 | passed | above |\n| G2 | not passed | worse |" in said
    assert "None yet: no judge has compared it" in markdown(about)


LIMITS: list[tuple[Callable[[About], About], str]] = [
    (lambda about: tagged(about, limits="Only New York."), r"Only New York\."),
    (
        lambda about: measured(about, roc_auc=Interval(0.55, 0.49, 0.6)),
        r"not shown to rank better than chance: ROC AUC 0\.5",
    ),
    (
        lambda about: sliced(about, 1, gap=Interval(-0.1, -0.2, -0.05), weak=True),
        r"worse where airline is A0 than on the whole: ROC AUC 0\.7000, 0\.1000 \(0\.0500 to 0\.2000\) below that of all",
    ),
    (
        lambda about: sliced(about, 7, gap=Interval(-0.1, -0.2, -0.05), weak=True),
        r"It also ranks worse where airline is A5 and airline is A6\.",
    ),
    (lambda about: sliced(about, 2, gap=Interval(0.1)), r"airline is A0 and airline is A1 \(2 of 2 slices\)"),
    (
        lambda about: of_card(about, metrics=about.card.metrics | {"accuracy": 0.6, "positive_share": 0.1}),
        r"right for 60\.0% of the flights; to call none of the flights late would be right for 90\.0%",
    ),
    (
        lambda about: of_card(about, metrics=about.card.metrics | {"accuracy": 0.6, "positive_share": 0.9}),
        r"to call all flights late would be right for 90\.0%",
    ),
    (lambda about: binned(about, mean_score=0.6), r"Scores from 40% to 50% were too high in the holdout, by 15 points"),
    (lambda about: binned(about, mean_score=0.3), r"Scores from 40% to 50% were too low"),
    (lambda about: binned(about, rows=99), r"Scores from 40% to 50% are rare: 99 of "),
    (lambda about: binned(about, low=None, high=None), r"Scores from 40% to 50% are rare: 300 of "),
    (
        lambda about: sized(about, answers=(Interval(0.2, 0.1, 0.3),)),
        r"late moved: 50\.0% of those .* 20\.0% \(interval 10\.0% to 30\.0%\) in the holdout, .* 45\.0% on average",
    ),
    (lambda about: sized(about, answers=(Interval(0.4),)), r"late moved: 50\.0% of those .* 40\.0% in the holdout"),
    (
        lambda about: replace(about, gaps={"humidity": (0.4, 0.4)}),
        r"Often missing where it learned: Relative humidity \(40",
    ),
    (
        lambda about: replace(about, gaps={"humidity": (0.0, 0.06)}),
        r"Not missing as often in the holdout as before it: Relative humidity \(0\.0% before, 6\.0% there\)",
    ),
    (
        lambda about: replace(about, learned=Window(9, date(2012, 11, 3), date(2013, 9, 1))),
        r"no flights of October, what",
    ),
    (lambda about: measured(about, roc_auc=Interval(0.7)), r"The holdout has \d+ days, too few"),
    (
        lambda about: replace(
            about,
            contract=(Judged(partition="x.parquet", rows=1, judged=2, broken=[Warned(expectation="r", found="9")]),),
        ),
        r"did not keep all that it promised: r in x\.parquet \(9\)",
    ),
    (
        lambda about: replace(about, leaks=(Leak(code="L1", figures={}, text="dose tells the label."),)),
        r"Dose tells the label: its figures may be better than it is",
    ),
    (lambda about: replace(about, release=Release(version="x")), r"not committed, so nobody else can make it again"),
    (untimed, r"set aside by a hash of their id"),
]


@pytest.mark.parametrize(("change", "expected"), LIMITS)
def test_each_limit_is_said_where_the_figures_show_it_and_nowhere_else(
    about: About, change: Callable[[About], About], expected: str
) -> None:
    before, after = limits(about), limits(change(about))

    assert [sentence for sentence in before if re.search(expected, sentence)] == []
    assert len([sentence for sentence in after if re.search(expected, sentence)]) == 1
    assert all(sentence.endswith((".", ")")) for sentence in after)


def test_a_model_without_a_weak_side_is_limited_to_when_it_was_judged(about: About) -> None:
    (only,) = limits(about)

    assert re.fullmatch(
        r"It was judged on flights of .* April 2013 alone: how good it is at other times was not .*", only
    )


LACKING: list[tuple[Callable[[About], About], str]] = [
    (lambda about: tagged(about, owner=""), "tag `owner`"),
    (lambda about: tagged(about, risk_class=" "), "tag `risk_class`"),
    (lambda about: replace(about, release=about.release.model_copy(update={"commit": None})), "commit"),
    (
        lambda about: replace(
            about, release=about.release.model_copy(update={"data": None}), origin=about.origin._replace(data="")
        ),
        "data hash",
    ),
    (lambda about: replace(about, origin=about.origin._replace(lock="")), "hash of dvc.lock"),
    (lambda about: replace(about, origin=about.origin._replace(environment="")), "hash of the environment"),
    (lambda about: replace(about, sha256=""), "hash of the model"),
    (lambda about: replace(about, learned=Window(9)), "training window"),
    (lambda about: replace(untimed(about), learned=Window(0)), "training window"),
    (lambda about: replace(about, contract=()), "validation of the data"),
    (lambda about: of_card(about, metrics={}), "metrics"),
    (lambda about: measured(about, log_loss=Interval(0.4)), "intervals"),
    (lambda about: sized(about, metrics={}), "intervals"),
    (lambda about: of_card(about, slices=()), "slices"),
    (lambda about: of_card(about, calibration=()), "calibration"),
    (lambda about: of_card(about, importance=()), "importance"),
]


@pytest.mark.parametrize(("change", "lacking"), LACKING)
def test_what_a_card_lacks_is_named(about: About, change: Callable[[About], About], lacking: str) -> None:
    assert model_card.missing(change(about)) == [lacking]


def test_a_complete_card_lacks_nothing(about: About) -> None:
    assert model_card.missing(about) == []
    assert model_card.missing(untimed(about)) == []
    assert model_card.missing(measured(about, precision=Interval(None))) == []  # when nothing is called positive


def test_the_card_of_a_folder_that_is_no_repository_lacks_where_it_comes_from(collected: About) -> None:
    lacks = model_card.missing(collected)

    assert lacks == ["commit", "data hash", "hash of dvc.lock", "hash of the environment"]
    assert "It cannot be made again until dvc.lock, params.yaml and data.dvc are committed." in markdown(collected)


def test_words_of_others_are_no_markup(about: About) -> None:
    told = tagged(about, **dict.fromkeys(about.card.tags, EVIL), **{EVIL: EVIL}, limits=EVIL, ethics=EVIL)
    gate = Gate(code="G1", passed=True, text=EVIL)
    told = replace(
        sliced(told, 2, label=EVIL, gap=Interval(-0.1, -0.2, -0.05), weak=True),
        name=EVIL,
        release=told.release.model_copy(update={"verdict": "keep", "against": EVIL, "gates": (gate,)}),
        leaks=(Leak(code="L1", figures={}, text=EVIL),),
    )

    said = markdown(told)

    for forbidden in ("<b>|", "@all", "`x`", "[a]", "://", "\x1b", "\u202e", "#1", "$x$"):
        assert forbidden not in said
    assert "<b>|" not in page(told)
    assert well_formed(page(told))


def test_the_page_loads_nothing_and_is_well_formed(collected: About, about: About) -> None:
    for told in (
        collected,
        about,
        untimed(about),
        sized(about, slices=()),
        of_card(about, importance=(), calibration=()),
    ):
        said = page(told)

        assert well_formed(said)
        assert not re.search(r"<(script|link|img|iframe|object|a)\b|\b(src|href|srcset|on\w+)=|url\(|@import", said)
        assert "nan" not in said.split("</style>")[-1].lower()


def test_the_page_draws_each_slice_each_bin_and_each_column(about: About) -> None:
    said = page(about)

    assert "<title>airline AA: 0.0000 (-0.1000 to +0.1000)</title>" in said
    assert "<title>mean score 0.4500: 45.0% of 300 were late</title>" in said
    for one in about.card.importance:
        assert f'title="{about.facts.data.columns[one.column].label}"' in said


def test_of_very_many_slices_the_page_draws_the_weakest_and_the_markdown_names_the_first(about: About) -> None:
    many = sliced(about, 300)

    assert "(the 40 weakest of 300)" in page(many)
    assert page(many).count("<title>airline A") == 40
    assert "| and 100 more |" in markdown(many)


def test_days_and_shares_are_said_as_people_say_them() -> None:
    assert span(date(2013, 9, 1), date(2013, 9, 30)) == "1 to 30 September 2013"
    assert span(date(2013, 1, 2), date(2013, 8, 31)) == "2 January to 31 August 2013"
    assert span(date(2012, 12, 31), date(2013, 1, 1)) == "31 December 2012 to 1 January 2013"
    assert span(date(2013, 9, 1), date(2013, 9, 1)) == "1 September 2013"
    assert (span(None, None), together([]), together(["a"])) == ("", "", "a")
    assert [share(value) for value in (None, 0.0, 0.0004, 0.5, 0.9999, 1.0)] == [
        "not defined", "0.0%", "under 0.1%", "50.0%", "over 99.9%", "100.0%",
    ]  # fmt: skip


def test_the_command_writes_both_formats_and_says_what_is_lacking(
    finished_project: Project, collected: About, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="holdfast")
    root = tmp_path / "project"
    shutil.copytree(finished_project.workspace.root, root)

    assert command.run(root, None) == DONE

    folder = root / "reports" / "model-card"
    assert (folder / "card.md").read_text(encoding="utf-8") == markdown(collected)
    assert (folder / "card.html").read_text(encoding="utf-8") == page(collected)
    assert caplog.messages[0] == "lacks: commit"
    assert caplog.messages[-1].endswith("reports/model-card/card.html")


@pytest.mark.parametrize(
    "lost",
    [
        "evaluate/bundle/card.json", "evaluate/scores.parquet", "prepare/holdout.parquet", "prepare/train.parquet",
        "prepare/contract.json", "prepare/leaks.json",
    ],
)  # fmt: skip
def test_what_is_not_there_is_named(project: Project, lost: str) -> None:
    (project.workspace.root / "artifacts" / lost).unlink()

    with pytest.raises(UserError, match=rf"{lost}: not found\."):
        model_card.of_tree(project.workspace.root)


def test_scores_of_other_rows_are_refused(project: Project) -> None:
    path = project.workspace.evaluate / "scores.parquet"
    files.write(path, files.read(path).iloc[::-1].reset_index(drop=True))

    with pytest.raises(UserError, match="the holdout, its scores and the card of the model are not of the same rows"):
        model_card.of_tree(project.workspace.root)


@pytest.mark.slow
def test_the_card_does_not_depend_on_the_process_that_writes_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, written = project.workspace.root, []
    shutil.copy(ROOT / "dvc.yaml", root)
    for seed in ("1", "2"):
        monkeypatch.setenv("PYTHONHASHSEED", seed)
        said = run("python -m holdfast card --format md", root)
        written.append((said, (root / "reports" / "model-card" / "card.html").read_bytes()))

    assert written[0] == written[1]
    assert written[0][0].startswith("# Model card: ")


@pytest.mark.slow
def test_the_card_of_the_flights_says_what_is_weak_of_them() -> None:
    made(ROOT / "artifacts" / "evaluate" / "bundle")

    found = model_card.of_tree(ROOT)

    said = " ".join(limits(found))
    assert "The share of flights that were late moved: 26.4% of those that it learned from, 13.7%" in said
    assert "worse where departure is 00:00-09:00" in said
    assert "Wind gusts (75" in said
    assert model_card.missing(found) in ([], ["commit"])  # while something is not committed
