"""What the report says, in the comment and on the page, whatever models and data it is about."""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from conftest import ROOT
from holdfast import mermaid, report_body
from holdfast.comparison import Comparison, Gate, compare, impossible
from holdfast.data_diff import DataDiff, Moved, Partition, Sides
from holdfast.differences import Difference, Rows, Scored, Slice, SliceDifference, TooSmall
from holdfast.fitting import Block, fit, length
from holdfast.markdown import grid, plain
from holdfast.params import Gates
from holdfast.params import load as load_params
from holdfast.report import Cell, Change, Curves, Machine, Report, Side, Stage
from holdfast.report_markdown import LIMIT, MACHINE, markdown
from holdfast.report_page import page

ROWS, DAYS = 6_000, 30
SECTIONS = [
    "Metrics",
    "Slices",
    "Data",
    "Models and holdouts",
    "Parameters",
    "Gates",
    "What ran",
    "Where both models come from",
    "Packages",
]
EVIL = '<b>|@all`x`\n```\n</details>[a](http://evil.example)#1 $x$ "];%%{init}%% \x1b\u202e'

MakeReport = Callable[..., Report]


def scores(signal: float, seed: int = 0) -> np.ndarray:
    """Draw scores that tell the labels apart the better the stronger the signal."""
    noise = np.random.default_rng([7, seed]).normal(size=ROWS)
    return np.asarray(1 / (1 + np.exp(1.2 - signal * target() - noise)))


@cache
def target() -> np.ndarray:
    return (np.random.default_rng(5).random(ROWS) < 0.3).astype("int8")


@cache
def gates() -> Gates:
    found = load_params(ROOT / "params.yaml").gates
    sliced = found.slices.model_copy(update={"rows": 200, "labels": 30})
    return found.model_copy(update={"floor": {"roc_auc": 0.55}, "margin": {"roc_auc": 0.01}, "slices": sliced})


def judged(
    champion: np.ndarray,
    challenger: np.ndarray,
    *,
    name: str = "AA",
    tags: bool = True,
    size: int = 450_000,
    seen: int = 0,
) -> Comparison:
    """Compare scores by the real judge, on days, three slices and one that is too small."""
    every = np.arange(ROWS)
    slices = [Slice("airline", value, every % 3 == place) for place, value in enumerate((name, "B6", "DL"))]
    slices.append(Slice("airline", "HA", every < 20))
    rows = Rows(target(), every * DAYS // ROWS, "days", tuple(slices))
    one, two = (Scored(values, every < seen, 0.4, size, 1.5) for values in (champion, challenger))
    given = dict.fromkeys(gates().tags, "said") if tags else {}
    return compare(rows, one, two, gates(), bins=10, seed=1, tags=given)


def curves(signal: float) -> Curves:
    grid = np.linspace(0, 1, 201)
    return {
        "roc": pd.DataFrame({"false_positive_rate": grid, "true_positive_rate": grid**signal}),
        "precision_recall": pd.DataFrame({"recall": grid[1:], "precision": 1 - grid[1:] * signal}),
        "calibration": pd.DataFrame(
            {"mean_score": [0.1, 0.5], "positive_share": [0.2 * signal, 0.5], "rows": [10, 20]}
        ),
    }


@cache
def better() -> Comparison:
    return judged(scores(1.0), scores(1.3))


@cache
def blind_in_a_slice(name: str = "AA") -> Comparison:
    spoilt = scores(1.6)
    spoilt[::3] = 0.3
    return judged(scores(1.0), spoilt, name=name)


def make_diff(names: tuple[str, ...] = ("humidity",), positive: str = "late") -> DataDiff:
    return DataDiff(
        names=("1111111", "2222222"),
        partitions=tuple(Partition(f"{name}.parquet", (None, 90), (None, 0.2), None) for name in names),
        unchanged=8,
        rows=Sides(1_000, 1_090, 90),
        months=Sides({"2013-08": 1_000}, {"2013-08": 1_000, "2013-09": 90}, {"2013-09": 90}),
        answer=f"share of {positive}",
        answers=Sides(0.25, 0.24, 0.2),
        unit=None,
        types=({}, dict.fromkeys(names, "double")),
        moved=tuple(Moved(name, "number", 0.1, 0.4, "mean", (1.0, 2.0), "%", Sides(0.0, 0.0, 0.0)) for name in names),
    )


def make_side(name: str, digit: str) -> Side:
    return Side(name, digit * 40, digit * 32 + ".dir", digit * 32 + ".dir", "e" * 64, digit * 64, 400_000)


def make_report(comparison: Comparison | None = None, name: str = "plain") -> Report:
    """Make a report that has every part."""
    measured: dict[str, float | int | None] = {"rows": ROWS, "roc_auc": 0.7, "log_loss": 0.5}
    return Report(
        champion=make_side("base 1111111", "1"),
        challenger=make_side("this branch", "2"),
        comparison=comparison or better(),
        cells=(
            Cell("base 1111111", "holdout of this branch", ROWS, measured),
            Cell("this branch", "holdout of this branch", ROWS, measured),
            Cell("base 1111111", "holdout of base 1111111", 50, measured),
            Cell("this branch", "holdout of base 1111111", 50, None),
        ),
        data=make_diff((name,)),
        params=(Change(f"train.{name}", "0.1", None),),
        packages=(Change(name, None, "1.0"),),
        stages=(Stage("prepare", ()), Stage("train", (f"train.{name}",))),
        curves=(curves(0.5), curves(0.4)),
        machine=Machine("a far disk", (1.25, 1.5), {f"rows {name}": 2.0}, {"train": 9.0}),
    )


def first_line(comparison: Comparison) -> str:
    return markdown(make_report(comparison)).split("\n", 1)[0]


def test_a_better_model_is_called_better_with_its_figure_and_its_rows() -> None:
    title, _, sentence, *_ = markdown(make_report()).split("\n")

    assert title == "## ✅ Promote: the model of this branch is better"
    assert re.fullmatch(
        r"ROC AUC 0\.\d{4} → 0\.\d{4} \(\+0\.\d{4}, 95% interval \+0\.\d{4} to \+0\.\d{4}\) on 6,000 rows of 30 days "
        r"that neither model has seen; all six gates passed\.",
        sentence,
    )


def test_a_model_that_differs_by_chance_is_called_no_worse_and_not_better() -> None:
    close = scores(1.0) + np.random.default_rng(9).normal(0, 0.002, ROWS)

    said = first_line(judged(scores(1.0), close.clip(0, 1)))

    assert said == "## ✅ Promote: the model of this branch is no worse"


def test_the_same_scores_are_called_the_same_model() -> None:
    said = markdown(make_report(judged(scores(1.0), scores(1.0))))

    assert said.startswith("## ✅ Promote: the same model, every score is the same to the last bit\n\nROC AUC is 0.")
    assert "with both on 6,000 rows" in said
    assert "```mermaid" not in said  # which would show nothing


def test_a_model_that_is_worse_is_called_worse() -> None:
    said = markdown(make_report(judged(scores(1.3), scores(0.8))))

    assert said.startswith("## ❌ Keep the model of base 1111111: that of this branch is worse by ROC AUC (G2)")
    assert "\n- <b>G2 not worse</b>: ROC AUC is worse, by up to " in said
    assert re.search(r"; (three|four|five) of six gates passed\.", said)


def test_a_model_that_may_be_worse_is_not_called_worse() -> None:
    other = first_line(judged(scores(1.0), scores(1.0, seed=2)))

    assert "is not shown to be no worse by ROC AUC (G2)" in other
    assert "is worse" not in other


def test_a_harmed_slice_is_counted_in_the_first_line_and_stands_first_in_its_table() -> None:
    said = markdown(make_report(blind_in_a_slice()))

    assert "harms a slice (G3)" in said.split("\n", 1)[0]
    table = [line for line in said.split("### Slices")[1].split("\n") if line.startswith("| airline")]
    assert table[0].startswith("| airline AA | 2,000 | ROC\u00a0AUC\u00a0↑ |")
    assert table[0].endswith("| 🔴\u00a0harmed |")
    assert "1 harmed." in said
    assert "<summary>Not judged, for too few rows, labels or days: 1</summary>\n\n| slice |" in said


def test_a_harmed_slice_stands_before_one_that_fell_further_without_being_shown_to_be_harmed() -> None:
    small, harmed = (
        one._replace(value=value, difference=one.difference._replace(challenger=challenger, word="worse"))
        for one, value, challenger in zip(blind_in_a_slice().harmed * 2, ("tiny", "AA"), (0.1, 0.6), strict=False)
    )
    told = make_report(replace(blind_in_a_slice(), slices=(small, harmed), harmed=(harmed,)))

    rows = re.findall(
        r"^\| airline (\w+) .*? \| (\S+\s\w+) \|$", markdown(told).split("<details><summary>All")[0], re.MULTILINE
    )

    assert rows == [("AA", "🔴\u00a0harmed"), ("tiny", "🟠\u00a0worse")]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"tags": False}, "lacks what `tags` asks for (G5)".replace("`", "\\`")),
        ({"size": 99_000_000}, "is too large or too slow (G4)"),
    ],
)
def test_each_refusal_has_its_words(changed: dict[str, bool | int], words: str) -> None:
    assert words in first_line(judged(scores(1.0), scores(1.3), **changed))  # type: ignore[arg-type]


def test_a_model_below_the_floor_is_kept_out_by_name() -> None:
    assert "is below the floor (G1)" in first_line(judged(scores(1.0), scores(0.0)))


def test_metrics_that_disagree_are_both_named() -> None:
    differences = tuple(
        Difference(one.metric, 0.2, 0.3, 0.05, 0.15, "worse") if one.metric == "brier" else one
        for one in better().differences
    )

    said = first_line(replace(better(), differences=differences))

    assert re.search(r"is better by ROC AUC.*, worse by .*Brier score.*; no margin is broken$", said)


def test_rows_that_were_left_out_are_counted() -> None:
    said = markdown(make_report(judged(scores(1.0), scores(1.3), seen=200)))

    assert "that neither model has seen (200 that one of them has seen are left out); " in said


def test_what_cannot_be_judged_says_why_and_what_to_do() -> None:
    empty = Side("models:/flights", "", "", "", "", "")
    told = Report(empty, make_side("this branch", "2"), impossible("there is no model", "run `dvc repro`"))

    said = markdown(told)

    assert said.startswith("## ⚠️ Cannot judge: there is no model\n\nNothing was compared, so nothing may be promoted.")
    assert "<b>What to do: </b>run \\`dvc repro\\`" in said
    assert re.findall(r"^### (.*)", said, re.MULTILINE) == ["Where both models come from"]
    assert "Mend that, then run" in markdown(replace(told, comparison=impossible("no")))
    assert well_formed(page(told))
    assert "there is no model" in page(told)


def test_a_gate_without_an_answer_is_named_and_the_figures_are_shown() -> None:
    unknown = tuple(
        Gate("G3", passed=None, text="not defined in AA") if one.code == "G3" else one for one in better().gates
    )

    said = markdown(make_report(replace(better(), gates=unknown)))

    assert said.startswith("## ⚠️ Cannot judge: G3 no slice harmed cannot be answered\n")
    assert "What to do: </b>Some metric has no number in every resample" in said
    assert "### Metrics" in said


def test_every_part_is_there_in_its_order() -> None:
    said = markdown(make_report())

    assert re.findall(r"^### (.*)", said, re.MULTILINE) == SECTIONS
    for fact in (
        "| has seen these rows |",
        "| <code>train.plain</code> | <code>0.1</code> | not there |",
        "Ran again: train. From the cache: prepare.",
        "| data | <code>111111111111</code> | <code>222222222222</code> | another |",
        "| environment | <code>eeeeeeeeeeee</code> | <code>eeeeeeeeeeee</code> | the same |",
        "| size of the model | 0.400 MB | 0.400 MB |",
        "share of late",
        "| one row scored by this branch | 1.50 ms |",
    ):
        assert fact in said


def test_the_page_has_every_part_uncut_and_the_curves_of_both() -> None:
    said = page(make_report())

    headings = re.findall(r"<h2>(.*?)</h2>", said)
    assert headings == ["Metrics", "Curves", *SECTIONS[1:], "On the machine that judged"]
    for what in ("ROC", "Precision and recall", "Calibration"):
        drawing = re.search(rf"<svg[^>]*><title>{what} of base 1111111 and of this branch</title>.*?</svg>", said)
        assert drawing
        assert (
            len(re.findall(r'class="stroke"', drawing[0])) == len(re.findall(r'class="stroke second"', drawing[0])) == 2
        )
        assert re.search(r">base 1111111</text>.*>this branch</text>", drawing[0])
    assert "2" * 64 in said
    assert said.count("<title>airline AA: ") == 2  # a row in the forest of each metric


def test_the_page_loads_nothing_and_is_well_formed() -> None:
    for told in (make_report(), make_report(blind_in_a_slice(EVIL), EVIL)):
        said = page(told)

        assert well_formed(said)
        assert not re.search(r"<(script|link|img|iframe|object|a)\b|\b(src|href|srcset|on\w+)=|url\(|@import", said)


def test_warnings_stand_right_below_the_verdict() -> None:
    told = replace(make_report(), notes=("dvc.lock is not the committed one.", "Gates are changed."))

    before = markdown(told).split("### Metrics")[0]

    assert before.endswith("> [!WARNING]\n> dvc.lock is not the committed one.\n>\n> Gates are changed.\n\n")
    assert "Warning: " in page(told)


def test_data_that_is_the_same_is_said_to_be() -> None:
    told = make_report()
    same = replace(told, data=None, cells=(), challenger=told.challenger._replace(data=told.champion.data))

    assert "### Data\n\nBoth models have the same data, byte for byte: <code>111111111111</code>." in markdown(same)
    assert "Models and holdouts" not in markdown(same)


def test_the_machine_changes_nothing_but_the_last_part() -> None:
    told = make_report()
    without = markdown(told, machine=False)

    assert markdown(told).startswith(without.rstrip("\n") + f"\n\n<details><summary>{MACHINE}</summary>")
    assert not re.search(r"1\.25 ms|a far disk", without)
    slow = Machine("elsewhere" * 99, (9.0, 9.0), {f"x{number}": 1.0 for number in range(999)}, {})
    for other in (None, slow):
        assert markdown(replace(told, machine=other), machine=False) == without
        assert markdown(replace(told, machine=other)).startswith(without.rstrip("\n"))


def test_two_reports_on_the_same_are_the_same_bytes() -> None:
    first, second = (make_report(judged(scores(1.0), scores(1.2))) for _ in range(2))

    assert markdown(first) == markdown(second)
    assert page(first) == page(second)


def test_words_of_the_data_are_no_markup() -> None:
    told = make_report(blind_in_a_slice(EVIL), EVIL)
    told = replace(told, champion=told.champion._replace(name=EVIL), notes=(EVIL,), data=make_diff((EVIL,), EVIL))

    said = markdown(told)

    for forbidden in ("<b>|", "@all", "`x`", "[a]", "://", "\x1b", "\u202e", "#1", "$x$"):
        assert forbidden not in said
    assert sound(said)
    assert "<b>|" not in page(told)


def test_a_comment_that_distrusts_reports_leaves_this_one_as_it_is() -> None:
    for told in (make_report(), replace(make_report(blind_in_a_slice(EVIL), EVIL), notes=(EVIL,))):
        said = markdown(told)

        assert report_body.harmless(said).replace("\u200b", "") == said.strip().replace("\u200b", "")


@given(st.text(st.sampled_from("a1@#$<>&|`*_~[]()\\:/w.\n\u202e") | st.characters(), max_size=60))
@example("@all")
@example("http://x www.y")
def test_no_word_can_call_somebody_or_open_markup(words: str) -> None:
    written = plain(words)

    assert not re.search(r"@(?!\u200b)|(?<!\\)[`*_\[\]|~#]|\n|://|www\.", written)
    assert (
        re.sub(r"<span>\$</span>|&(amp|lt|gt);", "", written).isprintable()
        or "\u200b" in written
        or "\u00a0" in written
    )
    assert "<" not in written.replace("<span>$</span>", "")


@pytest.mark.slow
@given(st.lists(st.text(), min_size=1, max_size=12))
def test_names_become_labels_that_break_no_chart(names: list[str]) -> None:
    written = mermaid.labels(names)

    assert len(set(written)) == len(names)
    for label in written:
        assert re.fullmatch(r'"[^"%;#<>\[\]{}()`\\\n&]{1,30}"', label)


def test_charts_have_a_number_for_each_name_and_an_axis_that_holds_them() -> None:
    for told in (make_report(), make_report(blind_in_a_slice(EVIL))):
        curve, bars = re.findall(r"```mermaid\n(.*?)\n```", markdown(told), re.DOTALL)

        assert [line.split()[0] for line in bars.split("---\n")[2].splitlines()] == [
            "xychart-beta", "title", "x-axis", "y-axis", "bar", "bar", "bar",
        ]  # fmt: skip
        names = re.findall(r'"([^"]*)"', bars.split("x-axis")[1].split("\n")[0])
        low, high = map(float, re.findall(r"y-axis ([\d.]+) --> ([\d.]+)", bars)[0])
        for series in re.findall(r"bar \[(.*)\]", bars):
            values = [float(value) for value in series.split(", ")]
            assert len(values) == len(names) == 3
            assert low < min(values) <= max(values) < high
        assert [len(line.split(", ")) for line in re.findall(r"line \[(.*)\]", curve)] == [21, 21, 21]


def test_a_chart_that_has_nothing_to_show_is_not_drawn() -> None:
    one = better().slices[:1]
    undefined = one[0]._replace(difference=one[0].difference._replace(champion=float("nan")))

    assert mermaid.of_slices(make_report(replace(better(), slices=one))) is None
    assert mermaid.of_slices(make_report(replace(better(), slices=(undefined, undefined)))) is None
    assert mermaid.of_curves(None) is None


def test_metrics_that_are_not_defined_are_said_to_be() -> None:
    nothing = float("nan")
    undefined = tuple(
        Difference(one.metric, nothing, nothing, nothing, nothing, "undefined") for one in better().differences
    )
    told = make_report(replace(better(), differences=undefined))

    assert "| not defined | not defined | not defined |  | ⚠️\u00a0not defined |" in markdown(told)
    assert well_formed(page(told))
    assert "nan" not in page(told).lower().split("</style>")[1]


def test_a_small_difference_never_looks_like_none() -> None:
    tiny = Difference("brier", 0.2, 0.199991, -0.00001, -0.000008, "better")

    said = markdown(make_report(replace(better(), differences=(better().of("roc_auc"), tiny))))

    assert "| -0.00001\u00a0to\u00a0-0.00001 |" in said


@pytest.fixture(scope="module")
def endless() -> Report:
    """A report on thousands of slices, columns, partitions, parameters and packages with long names."""
    long = ["\U0001d518nicode|$@ü" * 30 + str(number) for number in range(5_000)]
    difference = Difference("roc_auc", 0.8, 0.5, -0.4, -0.2, "worse")
    slices = tuple(SliceDifference(name, name, 900, 90, difference, 0.001) for name in long)
    small = tuple(TooSmall(name, name, 9, 1) for name in long)
    refused = (*better().gates[:3], Gate("G3", passed=False, text="; ".join(long)), *better().gates[4:])
    comparison = replace(better(), slices=slices, not_judged=small, harmed=slices, gates=refused)
    return replace(
        make_report(comparison),
        data=make_diff(tuple(long), long[0]),
        params=tuple(Change(name, name, name) for name in long),
        packages=tuple(Change(name, name, None) for name in long),
        stages=tuple(Stage(name, (name,)) for name in long),
        notes=tuple(long),
        champion=make_side(long[0], "1"),
        machine=Machine(long[0], (1.0, 1.0), dict.fromkeys(long, 1.0), dict.fromkeys(long, 1.0)),
    )


@pytest.mark.slow
@pytest.mark.parametrize("limit", [LIMIT, 30_000, 20_000])
def test_an_endless_report_is_cut_where_it_matters_least_and_says_so(endless: Report, limit: int) -> None:
    said = markdown(endless, limit=limit)

    assert length(said) <= limit
    assert sound(said)
    assert said.startswith("## ❌ Keep the model of ")
    assert "> This report was too long. " in said
    assert "report.html has everything." in said
    assert MACHINE in said
    if limit == LIMIT:
        assert {"### Metrics", "### Slices", "### Gates"} <= set(said.splitlines())
        assert length(said) > limit / 2  # not more than need be


@pytest.mark.slow
def test_the_page_of_an_endless_report_has_every_name(endless: Report) -> None:
    said = page(replace(endless, params=endless.params[:100], data=None))

    assert "\U0001d518nicode|$@ü4999" in said
    assert well_formed(said)


def test_what_fits_is_not_cut() -> None:
    assert "too long" not in markdown(make_report())


def test_the_least_important_block_gives_way_first_and_all_grow_in_turns() -> None:
    blocks = [
        Block("vital", 0, ("V" * 10,)),
        Block("extra", 9, ("E" * 100, "E" * 10)),
        Block("main", 1, ("M" * 50, "M")),
    ]

    assert fit(blocks, 1_000).text == "\n\n".join(["V" * 10, "E" * 100, "M" * 50])
    assert fit(blocks, 100).text == "\n\n".join(["V" * 10, "E" * 10, "M" * 50])
    assert fit(blocks, 100).shortened == ["extra"]
    assert fit(blocks, 20).text == "V" * 10 + "\n\nM"
    assert fit(blocks, 20).dropped == ["extra"]
    assert fit([], 10).text == ""
    assert length("a\U0001f642") == 3  # by the strictest count


def test_a_table_has_as_many_cells_in_each_line() -> None:
    said = grid([["a", "b"], ["x|y", "\\|"]], numbers=(1,))

    assert said == "| a | b |\n| --- | ---: |\n| x\\|y | \\\\\\| |"


def sound(said: str) -> bool:
    """Tell whether no fold, fence or table is left open or broken."""
    fences = re.findall(r"^```", said, re.MULTILINE)
    outside = re.sub(r"^```mermaid\n.*?^```$", "", said, flags=re.DOTALL | re.MULTILINE)
    folds = re.findall(r"^</?details>", outside, re.MULTILINE)
    tables = [line for line in outside.split("\n") if line.startswith("| ")]
    cells = [len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in tables]
    lines = outside.split("\n")
    together = [(one, two) for one, two in pairwise(lines) if one.startswith("| ") and two.startswith("| ")]
    same = all(len(re.findall(r" \| ", one)) == len(re.findall(r" \| ", two)) for one, two in together)
    return (
        len(fences) % 2 == 0
        and folds == ["<details>", "</details>"] * (len(folds) // 2)
        and outside.count("<details>") == outside.count("</details>") == len(folds) // 2
        and bool(cells)
        and same
    )


class _Balance(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.balanced = True

    def handle_starttag(self, tag: str, _: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.balanced = self.balanced and bool(self.open) and self.open.pop() == tag


def well_formed(said: str) -> bool:
    """Tell whether every element that is opened is closed in its order."""
    parser = _Balance()
    parser.feed(said)
    parser.close()
    return parser.balanced and not parser.open
