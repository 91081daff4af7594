"""Planted leaks are named exactly, and nothing is named where there is none."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from conftest import ROOT, MakeRows
from holdfast import files
from holdfast.files import Workspace
from holdfast.leaks import FEWEST, Leak, find
from holdfast.params import IdSplit, Params
from holdfast.schema import Category, Column, Number, Schema, Time
from holdfast.sources import nycflights
from holdfast.split import boundaries
from holdfast.targets import BinaryTarget
from holdfast.terms import Leaks

SETTINGS = Leaks()
ROWS = 2_000
SCHEMA = Schema(
    id="key",
    target=BinaryTarget(column="outcome", negative="kept", positive="broken", excluded=("lost", "sold")),
    columns={
        "made": Time(kind="time", zone="Europe/Vienna", label="Made"),
        "load": Number(kind="number", unit="kg", label="Load"),  # the outcome of drawn rows depends on it
        "wear": Number(kind="number", unit="mm", nullable=True, label="Wear"),
        "color": Category(kind="category", nullable=True, label="Color"),
    },
)
Named = set[tuple[str, tuple[str, ...]]]
Planted = tuple[pd.DataFrame, Schema]


def number(unit: str = "") -> Number:
    return Number(kind="number", unit=unit, label="planted", nullable=True)


def word() -> Category:
    return Category(kind="category", label="planted", nullable=True)


def time() -> Time:
    return Time(kind="time", zone="UTC", label="planted", nullable=True)


def plant(rows: pd.DataFrame, schema: Schema, columns: dict[str, tuple[Column, Any]]) -> Planted:
    """Add columns to a copy of the rows and to the schema."""
    declared = schema.columns | {name: column for name, (column, _) in columns.items()}
    planted = schema.model_copy(update={"columns": declared})
    values = {name: np.asarray(values) if isinstance(values, list) else values for name, (_, values) in columns.items()}
    return planted.rows(rows.assign(**values), "planted"), planted


def named(rows: pd.DataFrame, schema: Schema, sides: np.ndarray | None = None, settings: Leaks = SETTINGS) -> Named:
    """Return code and columns of what is found, each once; all rows are training rows, unless sides are given."""
    everywhere = np.full(len(rows), "train")
    leaks = find(rows, everywhere if sides is None else sides, schema, settings)
    found = {(leak.code, leak.columns) for leak in leaks}
    assert len(found) == len(leaks)
    return found


@pytest.fixture(scope="module")
def rows(make_rows: MakeRows) -> pd.DataFrame:
    """Rows without a leak; of one in five the outcome is lost, sold or missing, at random."""
    drawn = make_rows(SCHEMA, rows=ROWS)
    fate = np.random.default_rng(1).choice(["", "lost", "sold", "missing"], ROWS, p=[0.8, 0.1, 0.06, 0.04])
    outcome = drawn["outcome"].where(fate == "", pd.Series(fate)).replace("missing", np.nan)
    return SCHEMA.rows(drawn.assign(outcome=outcome), "drawn")


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture
def broken(rows: pd.DataFrame) -> np.ndarray:
    return (rows["outcome"] == "broken").to_numpy(bool)


@pytest.fixture
def labelled(rows: pd.DataFrame) -> np.ndarray:
    return rows["outcome"].isin(["broken", "kept"]).to_numpy(bool)


def test_rows_without_a_leak_have_none(rows: pd.DataFrame) -> None:
    assert find(rows, np.full(ROWS, "train"), SCHEMA, SETTINGS) == ()


TELLING_COLUMNS: dict[str, Callable[[np.ndarray, np.random.Generator], tuple[Column, Any]]] = {
    "a number above a limit": lambda broken, random: (number(), broken + random.uniform(0, 0.9, ROWS)),
    "a number between limits": lambda broken, random: (
        number(),
        np.where(broken, random.uniform(1, 2, ROWS), random.choice([0.0, 3.0], ROWS) + random.uniform(0, 0.9, ROWS)),
    ),
    "a few words": lambda broken, random: (word(), np.where(broken, "repair", random.choice(["sale", "stock"], ROWS))),
    "missing or not": lambda broken, random: (number(), np.where(broken, random.uniform(0, 1, ROWS), np.nan)),
    "a time": lambda broken, random: (
        time(),
        pd.to_datetime(np.where(broken, 2e9, 1e9) + random.uniform(0, 9e8, ROWS), unit="s", utc=True).as_unit("us"),
    ),
    "a placeholder": lambda broken, random: (number(), np.where(broken, -999.0, random.normal(0, 1, ROWS).round(3))),
}


@pytest.mark.parametrize("how", TELLING_COLUMNS)
def test_a_column_that_tells_the_label_is_named_alone(
    rows: pd.DataFrame, broken: np.ndarray, random: np.random.Generator, how: str
) -> None:
    planted = plant(rows, SCHEMA, {"hint": TELLING_COLUMNS[how](broken, random)})

    assert named(*planted) == {("L1", ("hint",))}


def test_two_words_that_tell_only_together_are_named(
    rows: pd.DataFrame, broken: np.ndarray, random: np.random.Generator
) -> None:
    coin = random.choice([False, True], ROWS)
    words = [np.where(coin, "heads", "tails"), np.where(coin ^ broken, "odd", "even")]
    planted = plant(rows, SCHEMA, {"one": (word(), words[0]), "two": (word(), words[1])})

    assert named(*planted) == {("L1", ("one", "two"))}


def test_a_word_and_a_number_that_tell_only_together_are_named(
    rows: pd.DataFrame, broken: np.ndarray, random: np.random.Generator
) -> None:
    shop = random.choice(["north", "south", "west"], ROWS)
    price = np.where(broken == (shop == "south"), random.uniform(0, 1, ROWS), random.uniform(1.05, 2, ROWS))
    planted = plant(rows, SCHEMA, {"price": (number("EUR"), price), "shop": (word(), shop)})

    assert named(*planted) == {("L1", ("price", "shop"))}


@pytest.mark.parametrize("sign", [1, -1])
def test_two_numbers_whose_sum_or_difference_tells_are_named(
    rows: pd.DataFrame, broken: np.ndarray, random: np.random.Generator, sign: int
) -> None:
    total, one = np.where(broken, 15, -5) + random.uniform(0, 15, ROWS), random.normal(0, 60, ROWS)
    planted = plant(rows, SCHEMA, {"one": (number(), one), "two": (number(), sign * (total - one))})

    [leak] = find(planted[0], np.full(ROWS, "train"), planted[1], SETTINGS)

    assert (leak.code, leak.columns) == ("L1", ("one", "two"))
    assert f"the sum `one {'+' if sign > 0 else '-'} two` tells broken from kept" in leak.text


def test_two_numbers_that_differ_only_in_broken_rows_are_named(
    rows: pd.DataFrame, broken: np.ndarray, random: np.random.Generator
) -> None:
    ordered = random.integers(0, 1_000, ROWS)
    delivered = ordered + broken * random.choice([-3, -2, -1, 1, 2, 3], ROWS)
    planted = plant(rows, SCHEMA, {"ordered": (number(), ordered), "delivered": (number(), delivered)})

    assert named(*planted) == {("L1", ("ordered", "delivered"))}


def test_a_duration_counts_in_the_unit_of_times(
    rows: pd.DataFrame, broken: np.ndarray, random: np.random.Generator
) -> None:
    hours = random.uniform(0, 200, ROWS)
    hours_late = np.where(broken, random.uniform(1, 30, ROWS), random.uniform(-30, 1, ROWS))
    returned = rows["made"].dt.tz_convert("UTC") + pd.to_timedelta((hours + hours_late) * 60, unit="min").round("s")
    planted = plant(rows, SCHEMA, {"rental": (number("hours"), hours), "returned": (time(), returned.dt.as_unit("us"))})

    assert named(*planted) == {("L1", ("made", "rental", "returned"))}


def test_three_numbers_are_named_even_if_their_clock_starts_again_at_midnight(
    rows: pd.DataFrame, broken: np.ndarray, random: np.random.Generator
) -> None:
    start, takes = random.integers(0, 1_440, ROWS), random.integers(60, 500, ROWS)
    late = np.where(broken, random.integers(15, 200, ROWS), random.integers(-40, 15, ROWS))
    columns = {"start": start, "takes": takes, "finish": (start + takes + late) % 1_440}
    planted = plant(rows, SCHEMA, {name: (number("minutes"), values) for name, values in columns.items()})

    assert named(*planted) == {("L1", ("start", "takes", "finish"))}


@pytest.mark.parametrize("spread", [20, 7], ids=["large parts", "one part is small"])
@pytest.mark.parametrize("high", [True, False])
def test_every_part_of_a_split_total_is_named_and_nothing_else(
    rows: pd.DataFrame, broken: np.ndarray, random: np.random.Generator, spread: int, high: bool
) -> None:
    total = np.where(broken == high, random.uniform(100, 150, ROWS), random.uniform(50, 100, ROWS))
    parts = random.normal(0, [60, 40, 30, spread], (ROWS, 4))
    last = total - parts.sum(axis=1)
    columns = {"one": parts[:, 0], "two": parts[:, 1], "three": parts[:, 2], "four": -parts[:, 3], "five": last}
    planted = plant(rows, SCHEMA, {name: (number("EUR"), values) for name, values in columns.items()})

    [leak] = find(planted[0], np.full(ROWS, "train"), planted[1], SETTINGS)

    assert leak.columns == tuple(columns)
    assert "`one + two + three - four + five`" in leak.text


def test_sums_that_share_columns_are_all_named(
    rows: pd.DataFrame, broken: np.ndarray, random: np.random.Generator
) -> None:
    total = np.where(broken, random.uniform(100, 150, ROWS), random.uniform(50, 100, ROWS))
    shared = random.normal(0, 60, (ROWS, 2))
    ends = random.normal(0, 60, (ROWS, 2))
    columns = {"one": shared[:, 0], "two": shared[:, 1]} | {
        name: values
        for end, (first, second) in zip(ends.T, (("red", "pink"), ("blue", "navy")), strict=True)
        for name, values in ((first, end), (second, total - shared.sum(axis=1) - end))
    }
    planted = plant(rows, SCHEMA, {name: (number(), values) for name, values in columns.items()})

    assert named(*planted) == {("L1", ("one", "two", "red", "pink")), ("L1", ("one", "two", "blue", "navy"))}


def test_what_contains_a_leak_is_no_news(rows: pd.DataFrame, broken: np.ndarray, random: np.random.Generator) -> None:
    hint, noise = np.where(broken, 5.0, 1.0) + random.uniform(0, 3, ROWS), random.normal(0, 1, ROWS)
    planted = plant(
        rows, SCHEMA, {"hint": (number(), hint), "noise": (number(), noise), "both": (number(), hint - noise)}
    )

    # not ("hint", "noise"), though the two tell it as well
    assert named(*planted) == {("L1", ("hint",)), ("L1", ("noise", "both"))}


def test_a_column_that_is_filled_only_where_the_outcome_is_known_is_named(
    rows: pd.DataFrame, labelled: np.ndarray, random: np.random.Generator
) -> None:
    planted = plant(rows, SCHEMA, {"invoice": (number(), np.where(labelled, random.normal(0, 1, ROWS), np.nan))})

    [leak] = find(planted[0], np.full(ROWS, "train"), planted[1], SETTINGS)

    assert (leak.code, leak.columns) == ("L2", ("invoice",))
    assert leak.text == (
        "`invoice` alone tells labelled from unlabelled training rows with a ROC AUC of 1.0000: unless it is known "
        "when a row is scored, take it out of the rows and of `data.columns` in params.yaml."
    )


def test_one_word_among_many_that_only_broken_rows_have_is_found(
    rows: pd.DataFrame, broken: np.ndarray, random: np.random.Generator
) -> None:
    client = np.where(broken, "nobody", [f"client-{place}" for place in random.permutation(ROWS) // 3])
    planted = plant(rows, SCHEMA, {"client": (word(), client)})

    assert named(*planted) == {("L1", ("client",))}


@pytest.mark.parametrize("reason", ["lost", "sold", "missing"])
def test_a_column_that_tells_one_reason_for_an_unknown_outcome_is_named(rows: pd.DataFrame, reason: str) -> None:
    remark = rows["outcome"].fillna("missing").where(rows["outcome"].fillna("missing") == reason, "nothing")
    planted = plant(rows, SCHEMA, {"remark": (word(), remark)})

    [leak] = find(planted[0], np.full(ROWS, "train"), planted[1], SETTINGS)

    assert (leak.code, leak.columns) == ("L2", ("remark",))
    assert f"`remark` alone tells labelled from {reason} training rows" in leak.text


def test_two_columns_that_tell_together_whether_the_outcome_is_known_are_named(
    rows: pd.DataFrame, labelled: np.ndarray, random: np.random.Generator
) -> None:
    booked = random.integers(0, 500, ROWS)
    paid = np.where(labelled, booked, booked + random.choice([-1, 1], ROWS))
    planted = plant(rows, SCHEMA, {"booked": (number(), booked), "paid": (number(), paid)})

    assert named(*planted) == {("L2", ("booked", "paid"))}


def test_a_column_may_tell_both_the_label_and_whether_there_is_one(
    rows: pd.DataFrame, broken: np.ndarray, labelled: np.ndarray
) -> None:
    planted = plant(rows, SCHEMA, {"repair": (word(), pd.Series(np.where(broken, "yes", "no")).where(labelled))})

    assert named(*planted) == {("L1", ("repair",)), ("L2", ("repair",))}


HARMLESS: dict[str, Callable[[np.ndarray, np.random.Generator], tuple[Column, Any]]] = {
    "a good column": lambda broken, random: (number(), broken * 2.33 + random.normal(0, 1, ROWS)),
    "a word for three rows": lambda _, random: (word(), [f"w{place}" for place in random.permutation(ROWS) // 3]),
    "nothing but missing": lambda *_: (number(), np.full(ROWS, np.nan)),
    "no word at all": lambda *_: (word(), np.full(ROWS, None)),
    "no time at all": lambda *_: (time(), pd.Series(pd.NaT, range(ROWS)).dt.tz_localize("UTC")),
    "the same number": lambda *_: (number(), np.full(ROWS, 3.0)),
    "the same word": lambda *_: (word(), ["same"] * ROWS),
    "a measured number, never twice": lambda _, random: (number(), random.permutation(ROWS) + 0.5),
    "a whole number, each twice": lambda _, random: (number(), random.permutation(ROWS) // 2),
    "a time, never twice": lambda _, random: (
        time(),
        pd.to_datetime(random.permutation(ROWS) * 3_600, unit="s", utc=True).as_unit("us"),
    ),
}


@pytest.mark.parametrize("how", HARMLESS)
def test_a_column_that_gives_nothing_away_is_not_named(
    rows: pd.DataFrame, broken: np.ndarray, random: np.random.Generator, how: str
) -> None:
    planted = plant(rows, SCHEMA, {"harmless": HARMLESS[how](broken, random)})

    assert named(*planted) == set()


def test_the_auc_from_which_a_column_is_named_is_a_setting(
    rows: pd.DataFrame, broken: np.ndarray, random: np.random.Generator
) -> None:
    planted = plant(rows, SCHEMA, {"good": HARMLESS["a good column"](broken, random)})

    [leak] = find(planted[0], np.full(ROWS, "train"), planted[1], Leaks(auc=0.9))

    assert leak.columns == ("good",)
    assert 0.92 < leak.figures["auc"] < 0.97


def test_a_pair_that_is_hardly_better_than_one_of_its_columns_is_not_named(
    rows: pd.DataFrame, broken: np.ndarray, random: np.random.Generator
) -> None:
    good, weak = (broken * gap * gap + random.normal(0, gap, ROWS) for gap in (2.66, 1.2))
    planted = plant(rows, SCHEMA, {"good": (number(), good), "weak": (number(), weak)})
    both = plant(rows, SCHEMA, {"both": (number(), good + weak)})

    assert named(*planted, settings=Leaks(auc=0.965)) == set()
    assert named(*both, settings=Leaks(auc=0.965)) == {("L1", ("both",))}  # for it is beyond the limit


@pytest.mark.parametrize("lost", [FEWEST - 1, FEWEST])
def test_a_kind_of_row_is_judged_from_a_certain_number_on(
    make_rows: MakeRows, lost: int, caplog: pytest.LogCaptureFixture
) -> None:
    rows = make_rows(SCHEMA, rows=ROWS)
    rows.loc[::100, "outcome"] = "lost"
    rows = rows.drop(index=rows.index[::100][lost:])
    planted = plant(rows, SCHEMA, {"invoice": (number(), np.where(rows["outcome"] == "lost", np.nan, 1.5))})
    caplog.set_level("INFO")

    found = named(*planted)

    assert found == ({("L2", ("invoice",))} if lost == FEWEST else set())
    assert ("only 19 training rows are lost, too few to judge by" in caplog.text) == (lost < FEWEST)


def test_without_a_training_row_there_is_nothing_to_find(rows: pd.DataFrame) -> None:
    assert find(rows, np.full(ROWS, "holdout"), SCHEMA, SETTINGS) == ()
    assert find(rows.head(0), np.full(0, "train"), SCHEMA, SETTINGS) == ()


def test_only_training_rows_are_judged(rows: pd.DataFrame, broken: np.ndarray, random: np.random.Generator) -> None:
    sides = random.choice(["train", "validation", "holdout"], ROWS, p=[0.6, 0.2, 0.2])
    hint = np.where((sides == "train") == broken, "this", "that")
    shuffled = np.where(sides == "train", random.choice(["this", "that"], ROWS), hint)
    planted_there = plant(rows, SCHEMA, {"hint": (word(), hint)})
    planted_elsewhere = plant(rows, SCHEMA, {"hint": (word(), shuffled)})

    assert named(*planted_there, sides) == {("L1", ("hint",))}
    assert named(*planted_elsewhere, sides) == set()


IDS: dict[str, Callable[[np.random.Generator], tuple[Column, Any]]] = {
    "words": lambda random: (word(), [f"serial-{place}" for place in random.permutation(ROWS)]),
    "whole numbers": lambda random: (number(), random.permutation(ROWS) + 5_000_000),
    "numbers with gaps": lambda random: (number(), np.where(random.random(ROWS) < 0.5, np.nan, random.permutation(ROWS))),
    "almost all different": lambda random: (number(), np.maximum(random.permutation(ROWS), ROWS * 0.04)),
}  # fmt: skip


@pytest.mark.parametrize("how", IDS)
def test_a_column_that_is_like_an_id_is_named(rows: pd.DataFrame, random: np.random.Generator, how: str) -> None:
    planted = plant(rows, SCHEMA, {"serial": IDS[how](random)})

    assert named(*planted) == {("L3", ("serial",))}
    assert named(planted[0].head(99), planted[1]) == set()  # so few rows often differ


@pytest.fixture
def sides(random: np.random.Generator) -> np.ndarray:
    return random.permutation(np.repeat(["train", "validation", "holdout"], [ROWS - 600, 200, 400]))


def copied(rows: pd.DataFrame, sides: np.ndarray, validation: int, holdout: int, columns: list[str]) -> pd.DataFrame:
    """Give so many validation and holdout rows what some training rows have in some columns."""
    to = [*np.flatnonzero(sides == "validation")[:validation], *np.flatnonzero(sides == "holdout")[:holdout]]
    origin = np.arange(len(rows))
    origin[to] = np.flatnonzero(sides == "train")[: len(to)]
    return rows.assign(**{name: rows[name].iloc[origin].reset_index(drop=True) for name in columns})


def test_rows_with_the_id_of_a_training_row_are_counted_and_shown(rows: pd.DataFrame, sides: np.ndarray) -> None:
    planted = copied(rows, sides, 2, 7, ["key"])
    same = set(planted["key"][sides != "train"]) & set(planted["key"][sides == "train"])

    [leak] = find(planted, sides, SCHEMA, SETTINGS)

    assert (leak.code, leak.columns, leak.figures) == ("L4", (), {"validation": 2, "holdout": 7})
    assert leak.examples == tuple(sorted(same)[:5])
    assert "2 validation and 7 holdout rows have the id of a training row, such as row-2013-01-0-" in leak.text


def test_rows_that_equal_a_training_row_are_counted_and_shown(rows: pd.DataFrame, sides: np.ndarray) -> None:
    planted = copied(rows, sides, 0, 3, [*SCHEMA.columns, "outcome"])

    [leak] = find(planted, sides, SCHEMA, SETTINGS)

    assert (leak.code, leak.columns, leak.figures) == ("L5", (), {"validation": 0, "holdout": 3})
    assert leak.examples == tuple(sorted(rows["key"][sides == "holdout"][:3]))
    assert "3 holdout rows equal a training row in all but the id" in leak.text


@pytest.mark.parametrize("other", ["outcome", *SCHEMA.columns])
def test_rows_that_differ_from_a_training_row_in_one_column_or_the_target_are_no_copies(
    rows: pd.DataFrame, sides: np.ndarray, other: str
) -> None:
    planted = copied(rows, sides, 5, 5, [name for name in (*SCHEMA.columns, "outcome") if name != other])
    same = planted[other].map(str).to_numpy() == copied(rows, sides, 5, 5, [other])[other].map(str).to_numpy()
    changed = planted[(sides == "train") | ~same]

    assert 0 < same.sum() < len(same)
    assert named(changed, SCHEMA, sides[(sides == "train") | ~same]) == set()


def test_copies_within_one_side_give_nothing_away(rows: pd.DataFrame, sides: np.ndarray) -> None:
    holdout = np.flatnonzero(sides == "holdout")
    origin = np.arange(ROWS)
    origin[holdout[:50]] = holdout[50:100]
    planted = rows.iloc[origin].reset_index(drop=True).assign(key=rows["key"])

    assert named(planted, SCHEMA, sides) == set()


@pytest.fixture
def everything(rows: pd.DataFrame, broken: np.ndarray, labelled: np.ndarray, random: np.random.Generator) -> Planted:
    """Rows with leaks of three codes."""
    total, one = np.where(broken, 15, -5) + random.uniform(0, 15, ROWS), random.normal(0, 60, ROWS)
    return plant(
        rows,
        SCHEMA,
        {
            "one": (number(), one),
            "two": (number(), total - one),
            "invoice": (number(), np.where(labelled, random.normal(0, 1, ROWS), np.nan)),
            "serial": (number(), random.permutation(ROWS)),
        },
    )


def test_neither_the_order_nor_the_index_of_the_rows_matters(
    everything: Planted, broken: np.ndarray, random: np.random.Generator
) -> None:
    rows, schema = everything
    rows, schema = plant(rows, schema, {"good": (number(), HARMLESS["a good column"](broken, random)[1])})
    rows = pd.concat([rows, rows.head(100).assign(key=[f"copy-{place}" for place in range(100)])], ignore_index=True)
    sides = np.repeat(["train", "holdout"], [ROWS, 100])
    order = random.permutation(len(rows))
    settings = Leaks(sample_rows=500, auc=0.85)

    found = find(rows, sides, schema, settings)
    again = find(rows.iloc[order], sides[order], schema, settings)

    assert [(leak.code, leak.columns) for leak in found] == [
        ("L1", ("good",)), ("L1", ("one", "two")), ("L2", ("invoice",)), ("L3", ("serial",)), ("L5", ()),
    ]  # fmt: skip
    assert found[0].figures["rows"] == 500
    assert again == found


def test_rows_and_sides_are_left_as_they_are(everything: Planted) -> None:
    rows, schema = everything
    before, sides = rows.copy(), np.full(ROWS, "train")

    find(rows, sides, schema, SETTINGS)

    pd.testing.assert_frame_equal(rows, before)
    assert (sides == "train").all()


def test_leaks_are_found_in_a_split_by_id_too(everything: Planted) -> None:
    rows, schema = everything
    by_id = boundaries(rows, IdSplit(by="id", validation_share=0.2, holdout_share=0.2), schema).sides(rows, schema)
    planted = copied(rows, by_id, 1, 1, [*schema.columns, "outcome"])

    assert named(planted, schema, by_id) == {
        ("L1", ("one", "two")), ("L2", ("invoice",)), ("L3", ("serial",)), ("L5", ()),
    }  # fmt: skip


def test_a_leak_comes_back_from_json_as_it_was(everything: Planted) -> None:
    for leak in find(everything[0], np.full(ROWS, "train"), everything[1], SETTINGS):
        assert Leak.model_validate_json(leak.model_dump_json()) == leak


def test_what_to_do_is_said_with_the_place_to_edit(everything: Planted) -> None:
    leaks = find(everything[0], np.full(ROWS, "train"), everything[1], SETTINGS)

    assert leaks[0].text == (
        f"the sum `one + two` tells broken from kept training rows with a ROC AUC of {leaks[0].figures['auc']}: unless "
        "all are known when a row is scored, take one of them out of the rows and of `data.columns` in params.yaml."
    )
    assert leaks[2].text == (
        "`serial` has 2,000 different values in 2,000 training rows, as an id has: nothing can be learned from it, "
        "so take it out of the rows and of `data.columns` in params.yaml."
    )


# The committed flights, and what the source knows of them that a model must not know.


@pytest.fixture(scope="module")
def flights(params: Params) -> pd.DataFrame:
    parts = [params.data.rows(files.read(path), path.name) for path in Workspace(ROOT).partitions()]
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def actual(flights: pd.DataFrame) -> pd.DataFrame:
    """What happened to each of the flights: delays and time in the air, in minutes, missing if it did not arrive."""
    table = nycflights.read().flights
    date = pd.to_datetime(table[["year", "month", "day"]]).dt.strftime("%Y%m%d")
    table["flight_id"] = table["carrier"] + table["flight"].astype("str") + "-" + table["origin"] + "-" + date
    return table.set_index("flight_id").loc[flights["flight_id"]].reset_index()


def planted_in_flights(flights: pd.DataFrame, actual: pd.DataFrame) -> list[dict[str, tuple[dict[str, Any], Named]]]:
    """Return for each copy of the flights the columns of each leak, and what must be named."""
    departure, duration = flights["scheduled_departure"], flights["scheduled_duration"]
    left, late, air = actual["dep_delay"], actual["arr_delay"], actual["air_time"]
    clock = departure.dt.hour * 60 + departure.dt.minute
    arrival = (departure + pd.to_timedelta(duration + late, unit="min")).dt.as_unit("us")
    minutes, moment = number("minutes"), Time(kind="time", zone="America/New_York", label="planted", nullable=True)
    return [
        {
            "one column": (
                {"arrival_delay": (minutes, late)},
                {("L1", ("arrival_delay",)), ("L2", ("arrival_delay",))},
            ),
            "one that is known on arrival": ({"air_time": (minutes, air)}, {("L2", ("air_time",))}),
            "two that add up": (
                {"left_late": (minutes, left), "lost": (minutes, late - left)},
                # who left may still be diverted: that tells the cancelled from the labelled, but not all unlabelled
                {("L1", ("left_late", "lost")), ("L2", ("lost",)), ("L2", ("left_late",))},
            ),
            "clocks that start again at midnight": (
                {"due_clock": (minutes, clock), "arrival_clock": (minutes, (clock + duration + late) % 1_440)},
                {("L1", ("scheduled_duration", "due_clock", "arrival_clock")), ("L2", ("arrival_clock",))},
            ),
        },
        {
            "a time and two columns that are no leak": (
                {"arrived": (moment, arrival)},
                {("L1", ("scheduled_departure", "scheduled_duration", "arrived")), ("L2", ("arrived",))},
            ),
            "the parts of a flight": (
                {"wait": (minutes, left), "air": (minutes, air), "ground": (minutes, duration + late - left - air)},
                {
                    ("L1", ("scheduled_duration", "wait", "air", "ground")),
                    ("L2", ("wait",)), ("L2", ("air",)), ("L2", ("ground",)),
                },
            ),
        },
    ]  # fmt: skip


@pytest.mark.slow
def test_the_committed_flights_have_no_leak(flights: pd.DataFrame, params: Params) -> None:
    sides = boundaries(flights, params.split, params.data).sides(flights, params.data)

    assert find(flights, sides, params.data, SETTINGS) == ()


@pytest.mark.slow
@pytest.mark.parametrize("copy", [0, 1])
def test_leaks_planted_in_a_copy_of_the_flights_are_named_and_nothing_else(
    flights: pd.DataFrame, actual: pd.DataFrame, params: Params, copy: int
) -> None:
    sides = boundaries(flights, params.split, params.data).sides(flights, params.data)
    leaks = planted_in_flights(flights, actual)[copy]
    columns = {name: column for columns, _ in leaks.values() for name, column in columns.items()}

    found = named(*plant(flights, params.data, columns), sides)

    assert found == set.union(*(expected for _, expected in leaks.values()))
