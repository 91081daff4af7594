"""Ugly tables: what is guessed of each, and what is told."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import ugly
from conftest import ROOT
from holdfast import drafting, explaining, files, proposing
from holdfast import proposal_text as text
from holdfast.bootstrap import groups_of
from holdfast.comparison import Comparison, compare
from holdfast.differences import Rows, Scored, Slice
from holdfast.drafting import Draft
from holdfast.evaluation import subsets
from holdfast.files import Workspace
from holdfast.params import IdSplit, TimeSplit
from holdfast.proposing import Held
from holdfast.schema import Category, Number
from holdfast.split import SIDES, boundaries
from holdfast.targeting import Outcome
from holdfast.targets import BinaryTarget


def drafted(path: Path, target: str | None = None) -> Draft:
    return drafting.draft(Workspace(ROOT), [path], target, None)


@pytest.fixture
def draft(tmp_path: Path, request: pytest.FixtureRequest) -> Draft:
    """What is proposed for one of the ugly tables."""
    return drafted(ugly.TABLES[request.param](tmp_path / "table.csv"))


def said(draft: Draft) -> str:
    return "\n".join(explaining.lines(draft))


def reasons(draft: Draft) -> dict[str, str]:
    return {guess.name: guess.out for guess in draft.roles.out}


@pytest.mark.parametrize("draft", ["semicolons_and_decimal_commas", "byte_order_mark"], indirect=True)
def test_the_dialect_of_a_file_does_not_show_in_what_is_proposed(draft: Draft, tmp_path: Path) -> None:
    ugly.plain().to_csv(tmp_path / "plain.csv", index=False)
    plain = drafted(tmp_path / "plain.csv")

    assert draft.params.data == plain.params.data
    assert draft.roles.id.tolist() == plain.roles.id.tolist()
    assert draft.notes
    assert not plain.notes


@pytest.mark.parametrize("draft", ["mixed_types"], indirect=True)
def test_a_few_words_among_numbers_are_missing_and_a_true_mix_is_words(draft: Draft) -> None:
    size, level = draft.params.data.columns["size"], draft.params.data.columns["level"]

    assert isinstance(size, Number)
    assert size.nullable
    assert isinstance(level, Category)
    assert level.values == ("3.5", "7", "high", "low")
    assert "5 cells are no numbers and count as missing: 'broken'" in said(draft)


@pytest.mark.slow
@pytest.mark.parametrize("draft", ["wide"], indirect=True)
def test_three_hundred_columns_are_all_proposed_and_told(draft: Draft) -> None:
    assert len(draft.params.data.columns) == 299
    assert said(draft).count("sensor") >= 299
    assert "and 293 more" in said(draft)


@pytest.mark.parametrize("draft", ["unicode_headers"], indirect=True)
def test_names_in_any_script_stay(draft: Draft) -> None:
    assert list(draft.params.data.columns) == ["Größe (cm)", "重量", "цвет 'a\"b<c>", "شكل"]
    assert draft.params.data.target.column == "výsledek"
    size = draft.params.data.columns["Größe (cm)"]
    assert isinstance(size, Number)
    assert (size.unit, size.label) == ("cm", "Größe")


@pytest.mark.parametrize("draft", ["duplicate_headers"], indirect=True)
def test_headers_that_repeat_are_renamed_in_what_is_written_and_told(draft: Draft) -> None:
    (_, rows), *_ = draft.partitions()

    assert list(draft.params.data.columns) == ["x", "x_3", "column_3", "x_2"]
    assert set(rows) == {"id", "outcome", "x", "x_3", "column_3", "x_2"}
    assert "column 2 is named 'x', as another is: it is called 'x_3'" in said(draft)


@pytest.mark.parametrize("draft", ["constant_and_empty"], indirect=True)
def test_constant_and_empty_columns_stay_in_the_files_and_out_of_the_model(draft: Draft) -> None:
    assert reasons(draft) == {
        "country": "it is the same in every row: CZ",
        "nothing": "it is empty in every row",
    }
    assert draft.params.contract.besides == ("country", "nothing")
    assert "    - country  # it is the same in every row: CZ\n" in draft.texts["params.yaml"]


@pytest.mark.parametrize("draft", ["three_formats"], indirect=True)
def test_one_way_of_writing_times_is_read_and_three_in_a_column_are_left_out(draft: Draft) -> None:
    assert reasons(draft)["seen"].startswith("times written in 3 ways (2024-01-01, 02.01.2024, 01/03/2024)")
    assert draft.params.data.time == "delivered"
    delivered, billed = (
        next(one for one in draft.roles.columns if one.name == name) for name in ("delivered", "billed")
    )
    assert delivered.values.equals(billed.values)
    assert isinstance(draft.params.split, TimeSplit)
    assert draft.params.contract.partition == "month"
    assert [name for name, _ in draft.partitions()] == [f"table/2024-0{month}.parquet" for month in range(1, 8)]


@pytest.mark.parametrize("draft", ["much_missing"], indirect=True)
def test_what_is_missing_is_nullable_and_tolerated_with_slack(draft: Draft) -> None:
    assert all(column.nullable for column in draft.params.data.columns.values())
    assert set(draft.params.contract.missing) == {"size", "weight", "colour", "shape"}
    assert 0.4 < draft.params.contract.missing["size"] < 0.8
    assert "38% missing" in said(draft)


@pytest.mark.parametrize("draft", ["five_of_one_class"], indirect=True)
def test_five_rows_of_a_label_are_on_every_side_and_said_to_be_few(draft: Draft) -> None:
    assert isinstance(draft.params.data.target, BinaryTarget)
    assert draft.params.data.target.positive == "broken"
    sides = draft.division.sides[(draft.roles.outcome.values == "broken").to_numpy(bool)]
    assert set(sides) == set(SIDES)
    assert "only 5 rows of 'broken'" in said(draft)


@pytest.mark.parametrize("draft", ["fifty_rows"], indirect=True)
def test_fifty_rows_get_small_gates_and_a_warning(draft: Draft) -> None:
    assert draft.params.gates.groups <= 5
    assert draft.params.gates.slices.rows <= 10
    assert draft.params.train.gradient_boosting.min_samples_leaf == 5
    assert draft.params.gates.margin == {"log_loss": 0.0692}
    assert draft.params.gates.slices.margin == {"log_loss": 0.2768}
    assert "what is measured on them is uncertain" in said(draft)
    assert "the gates ask for the log loss alone" in said(draft)


def with_positives(count: int, path: Path) -> Draft:
    """Return what is proposed for 2,000 rows of which so many are positive."""
    ugly.plain(2_000).assign(outcome=["yes"] * count + ["no"] * (2_000 - count)).to_csv(path, index=False)
    return drafted(path, target="outcome")


def test_the_gates_ask_for_every_metric_that_each_draw_of_the_holdout_defines(tmp_path: Path) -> None:
    draft = with_positives(70, tmp_path / "table.csv")

    assert set(draft.params.gates.floor) == set(draft.params.gates.margin) == {"roc_auc", "log_loss"}
    assert "log loss alone" not in said(draft)
    for one in judged(draft):
        assert one.verdict in {"promote", "keep"}, one.lines()


def test_of_a_rare_label_no_model_may_lose_much_of_what_guessing_loses(tmp_path: Path) -> None:
    draft = with_positives(20, tmp_path / "table.csv")

    assert draft.params.gates.margin["log_loss"] == pytest.approx(0.1 * draft.params.gates.floor["log_loss"])
    assert "some draws of so few rows of a label lack it" in said(draft)


@pytest.mark.parametrize("positives", [1, 12, 2_000])
def test_however_rare_a_label_is_the_gates_are_a_share_of_what_guessing_loses(positives: int) -> None:
    labels = pd.Series(["no"] * (400_000 - positives) + ["yes"] * positives)
    outcome = Outcome("outcome", "binary", labels, ("no", "yes"), "yes", "", ())

    floor, margin = proposing.thresholds(outcome, np.ones(400_000, dtype=bool), Held(80_000, 80_000, is_whole=False))

    share = positives / 400_000
    lost = -share * np.log(share) - (1 - share) * np.log1p(-share)
    assert floor == {"log_loss": pytest.approx(lost, rel=0.005)}
    assert margin == {"log_loss": pytest.approx(0.1 * lost, rel=0.01)}


def test_however_small_the_numbers_are_a_slice_may_seem_a_little_worse(tmp_path: Path) -> None:
    ugly.plain().assign(size=ugly.plain()["size"] / 1e9).to_csv(tmp_path / "table.csv", index=False)

    gates = drafted(tmp_path / "table.csv", target="size").params.gates

    assert gates.slices.margin == {"rmse": pytest.approx(4 * gates.margin["rmse"], rel=0.001)}


@pytest.mark.parametrize("draft", ["repeated_ids"], indirect=True)
def test_ids_that_repeat_are_no_ids_and_told(draft: Draft) -> None:
    assert draft.params.data.id == "row_id"
    assert draft.roles.id.is_unique
    assert "'id' repeats, in 11 rows (such as '7')" in said(draft)


def test_a_group_is_known_and_no_input(tmp_path: Path) -> None:
    ugly.plain().assign(patient=[f"P{n // 4}" for n in range(200)], outcome=ugly.plain()["outcome"]).to_csv(
        tmp_path / "table.csv", index=False
    )

    draft = drafted(tmp_path / "table.csv")

    assert draft.params.data.group == "patient"
    assert isinstance(draft.params.split, IdSplit)
    assert "a hash of the patient holds out" in said(draft)
    (_, rows), *_ = draft.partitions()
    canonical = draft.params.data.rows(rows, "rows")
    sides = boundaries(canonical, draft.params.split, draft.params.data).sides(canonical, draft.params.data)
    assert pd.Series(sides).groupby(canonical["patient"]).nunique().eq(1).all()
    assert "patient" in next(rows for _, rows in draft.partitions())


def test_an_id_that_gets_another_name_is_in_the_files_by_it_and_counted_once(tmp_path: Path) -> None:
    rows = ugly.plain().assign(score_no=[f"A{n}" for n in range(200)], outcome=["no", "yes", "late", "yes"] * 50)
    rows.to_csv(tmp_path / "table.csv", index=False)

    draft = drafted(tmp_path / "table.csv", target="outcome")

    assert draft.params.data.id == "id"
    assert "score_no" not in next(rows for _, rows in draft.partitions())
    assert said(draft).startswith(f"200 rows of {rows.shape[1]} columns")


def test_a_column_that_gives_the_answer_away_is_told(tmp_path: Path) -> None:
    rows = ugly.plain(400)
    rows.insert(0, "refund", np.where(rows["outcome"] == "yes", 10.5, 0.5) + np.arange(400) % 7 / 10)
    rows.to_csv(tmp_path / "table.csv", index=False)

    assert "leak L1: `refund` alone tells" in said(drafted(tmp_path / "table.csv"))


def test_a_number_gets_a_floor_and_a_margin_of_its_own_size(tmp_path: Path) -> None:
    ugly.plain().drop(columns="outcome").to_csv(tmp_path / "table.csv", index=False)

    draft = drafted(tmp_path / "table.csv", target="size")

    assert draft.params.data.target.kind == "number"
    assert draft.params.gates.floor == {"rmse": pytest.approx(ugly.plain()["size"].std(), rel=0.01)}
    assert "predictions.csv" in draft.texts["dvc.yaml"]


def test_rows_whose_number_is_not_yet_known_are_no_holdout(tmp_path: Path) -> None:
    days = pd.date_range("2024-01-01", "2024-12-31")
    prices = np.where(days.month > 9, np.nan, np.random.default_rng(0).normal(100, 9, len(days)).round(2))
    pd.DataFrame({"day": days, "x": np.arange(len(days)) % 97 + 0.5, "price": prices}).to_csv(
        tmp_path / "table.csv", index=False
    )

    draft = drafted(tmp_path / "table.csv", target="price")

    held = int(draft.division.holdout.sum())
    assert held >= 0.1 * np.isfinite(prices).sum()
    assert np.isfinite(prices[draft.division.holdout]).all()
    assert f"the holdout has {held:,} rows with an answer" in said(draft)


@pytest.mark.parametrize("kind", ["number", "binary"])
def test_the_gates_ask_for_no_more_days_than_a_holdout_has(kind: str, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    rows = pd.DataFrame({"month": np.repeat(pd.date_range("2022-01-01", periods=24, freq="MS"), 100)})
    rows["x"] = random.normal(size=len(rows)).round(3)
    rows["y"] = random.normal(size=len(rows)).round(3) if kind == "number" else random.choice(["no", "yes"], len(rows))
    rows.to_csv(tmp_path / "table.csv", index=False)

    draft = drafted(tmp_path / "table.csv", target="y")

    assert isinstance(draft.params.split, TimeSplit)
    days = rows["month"][draft.division.holdout].nunique()
    assert 2 <= draft.params.gates.groups <= days < 10
    assert f"the holdout has rows of {days} different days only" in said(draft)
    itself, another = judged(draft)
    assert (itself.verdict, another.gates[0].passed) == ("promote", True)
    assert another.verdict != "cannot judge"


def test_that_nothing_can_be_judged_by_one_day_is_told(tmp_path: Path) -> None:
    ugly.plain().assign(day="2024-05-01", hour=[f"2024-05-01 {n % 24:02d}:30" for n in range(200)]).drop(
        columns="day"
    ).to_csv(tmp_path / "table.csv", index=False)

    draft = drafted(tmp_path / "table.csv", target="outcome")

    assert "rows of one day only: no model can be judged until there are more" in said(draft)


def small(kind: str, seed: int) -> pd.DataFrame:
    """Fifty rows, with an outcome of a kind of target."""
    rows = ugly.plain(50, seed)
    if kind == "number":
        return rows.drop(columns="outcome").assign(y=rows["size"] * 2 + np.arange(50) % 7)
    if kind == "classes":
        rows["outcome"] = [f"class {n}" for n in np.arange(50) % 3]
    elif kind == "rare":
        rows["outcome"] = np.where(np.arange(50) % 10 == 0, "yes", "no")
    return rows.rename(columns={"outcome": "y"})


def judged(draft: Draft) -> list[Comparison]:
    """Judge a model by the proposed gates against itself, and another against it, both by chance about right."""
    schema, gates, random = draft.params.data, draft.params.gates, np.random.default_rng(0)
    rows = pd.concat(
        [schema.rows(rows, "rows") for _, rows in draft.partitions()]
    ).sort_values([schema.time, schema.id] if schema.time else schema.id)  # fmt: skip
    sides = boundaries(rows, draft.params.split, schema).sides(rows, schema)
    held = rows[(sides == "holdout") & schema.target.answered(rows[schema.target.column])]
    target = schema.target.encoded(held[schema.target.column])
    slices = tuple(Slice(*one) for one in subsets(held, draft.params.evaluate.slices))
    faced = Rows(target, *groups_of(held, schema), slices, schema.target.kind)

    def scored() -> Scored:
        if faced.kind == "number":
            scores = target + random.normal(0, target.std() / 3, len(target))
        elif faced.kind == "binary":
            scores = np.clip(0.25 + 0.5 * target + random.normal(0, 0.1, len(target)), 0.05, 0.95)
        else:
            scores = random.dirichlet(np.ones(len(schema.target.answers)), len(target)) / 2
            scores[np.arange(len(target)), target] += 0.5
        threshold = 0.5 if faced.kind == "binary" else None
        return Scored(scores, np.zeros(len(target), dtype=bool), threshold, size=1_000, latency=1.0)

    champion = scored()
    tags = dict.fromkeys(gates.tags, "known")
    bins = draft.params.evaluate.calibration_bins
    return [compare(faced, champion, one, gates, bins=bins, seed=1, tags=tags) for one in (champion, scored())]


@pytest.mark.parametrize("kind", ["binary", "rare", "classes", "number"])
@pytest.mark.parametrize("seed", [0, 1])
def test_models_of_a_small_table_can_be_judged(kind: str, seed: int, tmp_path: Path) -> None:
    small(kind, seed).to_csv(tmp_path / "table.csv", index=False)

    itself, another = judged(drafted(tmp_path / "table.csv", target="y"))

    assert itself.verdict == "promote", itself.lines()
    assert another.verdict in {"promote", "keep"}, another.lines()


def test_classes_that_are_too_rare_are_left_out_and_told(tmp_path: Path) -> None:
    rows = ugly.plain()
    rows["outcome"] = ["a", "b", "c", "d"] * 49 + ["a", "b", "rare", "rare"]
    rows.to_csv(tmp_path / "table.csv", index=False)

    draft = drafted(tmp_path / "table.csv")

    assert draft.params.data.target.answers == ("a", "b", "c", "d")
    assert draft.params.data.target.excluded == ("rare",)
    assert "'rare': too few rows for each side of the split" in said(draft)


def test_parquet_and_csv_of_one_table_are_proposed_alike(tmp_path: Path) -> None:
    ugly.plain().to_csv(tmp_path / "table.csv", index=False)
    files.write(tmp_path / "table.parquet", ugly.plain())

    csv, parquet = drafted(tmp_path / "table.csv"), drafted(tmp_path / "table.parquet")

    assert csv.params.data == parquet.params.data
    assert csv.roles.id.tolist() == parquet.roles.id.tolist()


def test_other_sections_and_their_comments_stay_to_the_letter(tmp_path: Path) -> None:
    ugly.plain().to_csv(tmp_path / "table.csv", index=False)
    before = text.sections((ROOT / "params.yaml").read_text())

    now = text.sections(drafted(tmp_path / "table.csv").texts["params.yaml"])

    assert list(now) == list(before)
    assert {name: now[name] for name in ("", "seed", "threads", "ingest", "featurize")} == {
        name: before[name] for name in ("", "seed", "threads", "ingest", "featurize")
    }
    for name in ("train", "evaluate", "gates", "environments"):
        comments = [line.partition("#")[2] for line in before[name].splitlines() if "#" in line]
        assert [line.partition("#")[2] for line in now[name].splitlines() if "#" in line] == comments


def test_the_lines_of_the_explanation_are_aligned_in_any_script(tmp_path: Path) -> None:
    rows = ugly.plain().rename(columns={"size": "大きさ"})
    rows.to_csv(tmp_path / "table.csv", index=False)

    lines = said(drafted(tmp_path / "table.csv")).splitlines()

    size, weight = (next(line for line in lines if line.startswith(f"  {name}")) for name in ("大きさ", "weight"))
    assert size.index("number") + 3 == weight.index("number")


def test_a_draft_writes_nothing(tmp_path: Path) -> None:
    before = (ROOT / "params.yaml").read_bytes(), (ROOT / "dvc.yaml").read_bytes()
    pd.DataFrame({"x": [0.5, 1.5, 2.5] * 10, "y": ["a", "b"] * 15}).to_csv(tmp_path / "table.csv", index=False)

    drafted(tmp_path / "table.csv")

    assert before == ((ROOT / "params.yaml").read_bytes(), (ROOT / "dvc.yaml").read_bytes())
