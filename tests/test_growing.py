"""More rows for data that init-data has described."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import ugly
from conftest import ROOT
from holdfast import drafting, files, growing
from holdfast.errors import RefusedError, UserError
from holdfast.files import Workspace
from holdfast.moving_in import Move

DAYS = pd.date_range("2024-01-01", "2024-07-31", freq="12h")
SALES = pd.DataFrame(
    {
        "price": [f"{n * 37 % 1009},5" for n in range(len(DAYS))],
        "day": DAYS.strftime("%d/%m/%Y %H:%M"),
        "sold": ["yes", "no", "no"] * (len(DAYS) // 3) + ["yes"] * (len(DAYS) % 3),
    }
)
NEW = pd.DataFrame({"price": ["7,25"] * 3, "day": ["01/08/2024 00:00", "02/08/2024 00:00", "03/08/2024 00:00"]})


def described(root: Path, rows: pd.DataFrame, target: str = "sold") -> Workspace:
    """A checkout whose data is a table, `sales.csv`, as init-data wrote it."""
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(ROOT / name, root)
    rows.to_csv(root / "sales.csv", sep=";", index=False)
    found = Workspace(root)
    draft = drafting.draft(found, [root / "sales.csv"], target, None)
    for name, part in draft.partitions():
        with files.whole(found.data / name) as path:
            files.write(path, part)
    found.params.write_text(draft.texts["params.yaml"], encoding="utf-8")
    return found


def grown(workspace: Workspace, rows: pd.DataFrame, first: str = "sales.csv") -> Move:
    """More rows for it, from another file."""
    rows.to_csv(workspace.root / "new.csv", sep=";", index=False)
    return growing.grow(workspace, [workspace.root / first, workspace.root / "new.csv"])


def together(parts: Iterable[tuple[str, pd.DataFrame]]) -> pd.DataFrame:
    return pd.concat([rows for _, rows in parts], ignore_index=True)


@pytest.fixture(params=[True, False], ids=["by month", "in one file"])
def workspace(tmp_path: Path, request: pytest.FixtureRequest) -> Workspace:
    """A checkout whose data is sales, as init-data wrote them."""
    found = described(tmp_path, SALES if request.param else SALES.drop(columns="day"))
    rows = NEW if request.param else NEW.drop(columns="day")
    rows.assign(sold="no", price=["7,25", "8,25", "9,25"]).to_csv(tmp_path / "august.csv", sep=";", index=False)
    return found


def test_new_rows_come_to_those_that_are_there_which_stay_as_they_were(workspace: Workspace) -> None:
    move = growing.grow(workspace, [workspace.root / "sales.csv", workspace.root / "august.csv"])

    parts, before = dict(move.partitions()), {path.name: files.read(path) for path in workspace.partitions()}
    assert next(iter(move.lines)) == f"{len(SALES) + 3} rows, 3 of them new; params.yaml stays as it is"
    if "sales.parquet" in parts:
        old = parts["sales.parquet"]["id"].isin(before["sales.parquet"]["id"])
        parts = {"sales.parquet": parts["sales.parquet"][old].reset_index(drop=True)}
    else:  # whatever day and month of the new file alone might be
        assert len(parts.pop("sales/2024-08.parquet")) == 3
    pd.testing.assert_frame_equal(pd.concat(parts.values()), pd.concat(before.values()))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["some.csv"], "data/: found .* rows that are in none of these files, such as"),
        (["sales.csv"], "sales.csv: found no row that data/ does not have already"),
        (["august.csv"], "data/: found .* rows that are in none of these files"),
        (["sales.csv", "sales.csv"], "sales.csv: found rows that are there already, most of"),
        (
            ["sales.csv", "words.csv"],
            "price: found string values such as .*, expected numbers|found no column from which",
        ),
    ],
)
def test_what_would_lose_rows_or_repeat_them_or_change_a_column_is_refused(
    workspace: Workspace, names: list[str], message: str
) -> None:
    sales = pd.read_csv(workspace.root / "sales.csv", sep=";", dtype="str")
    sales.head(100).to_csv(workspace.root / "some.csv", sep=";", index=False)
    sales.assign(price="cheap").to_csv(workspace.root / "words.csv", sep=";", index=False)

    with pytest.raises(UserError, match=message) as refused:
        growing.grow(workspace, [workspace.root / name for name in names])

    assert "--target" not in refused.value.fix


PLAIN = ugly.plain(600).rename(columns={"outcome": "sold"})
MORE = PLAIN.head(20).assign(weight=range(1001, 1021))


def test_cells_and_labels_that_cannot_be_read_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="holdfast")
    workspace = described(tmp_path, PLAIN.assign(weight=[""] * 60 + [*range(100, 640)]))
    new = MORE.assign(size=MORE["size"] + 0.01, weight=[f"{n},5 kg" for n in range(20)], sold=[""] * 3 + ["no"] * 17)

    assert [*grown(workspace, new).lines] == ["620 rows, 20 of them new; params.yaml stays as it is"]
    assert caplog.messages == [
        "note: sales.csv: cells are parted by ;",
        "note: new.csv: cells are parted by ;",
        "note: weight: 20 cells are no numbers and count as missing: '0,5 kg', '1,5 kg', '2,5 kg' and 17 more",
        "note: sold: 3 rows have no value: they stay in the data, and are dropped before training",
    ]


def test_where_too_many_cells_cannot_be_read_it_is_told_why_they_are_missing_before_the_refusal(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="holdfast")
    with pytest.raises(RefusedError, match="missing.weight: found 20 of 620 rows") as refused:
        grown(described(tmp_path, PLAIN), MORE.assign(size=50, weight=[f"{n},5 kg" for n in range(20)]))

    assert "note: weight: 20 cells are no numbers and count as missing: '0,5 kg'" in caplog.text
    assert refused.value.fix == growing.CORRECT


MANY = pd.concat([MORE.assign(size=50 + n / 100) for n in range(30)], ignore_index=True)
DATES = [f"{1 + n % 12:02}/{1 + n // 12 % 12:02}/2024" for n in range(600)]


@pytest.mark.parametrize(
    ("days", "ids", "found"),
    [
        (DATES, True, "550 rows that would change, in 'seen', such as '10"),
        ("01/02/2024", True, "600 rows that would change, in 'seen', such as '10"),
        (DATES, False, "550 rows that are in none of these files"),
    ],
    ids=["an input", "left out", "part of the id"],
)
def test_rows_that_are_there_do_not_change_with_how_new_ones_write_a_date(
    tmp_path: Path, days: Any, ids: bool, found: str
) -> None:
    old, new = PLAIN.assign(seen=days), MANY.assign(seen="25/11/2024")
    if ids:
        old, new = old.assign(visit_id=range(1000, 1600)), new.assign(visit_id=range(9000, 9600))

    with pytest.raises(UserError, match=f"^error: data/: found {found}") as refused:
        grown(described(tmp_path, old), new)

    assert refused.value.fix.endswith("whose dates and numbers are written as theirs are")


@pytest.mark.parametrize("name", ["sold", "comment"])
def test_rows_that_are_there_cannot_be_edited_beside_new_ones(tmp_path: Path, name: str) -> None:
    rows = PLAIN.assign(visit_id=range(1000, 1600), comment=[f"said {n}" for n in range(600)])
    workspace = described(tmp_path, rows)
    edited = rows.assign(sold=rows["sold"].map({"yes": "no", "no": "yes"}), comment="edited")
    rows.assign(**{name: edited[name]}).to_csv(tmp_path / "edited.csv", sep=";", index=False)

    with pytest.raises(UserError, match=f"found 600 rows that would change, in '{name}'"):
        grown(workspace, MORE.assign(visit_id=range(9000, 9020), comment="new"), first="edited.csv")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ({"device_id": [100 + n % 25 for n in range(600)]}, {"device_id": [125 + n % 10 for n in range(600)]}, False),
        ({"customer_id": [100 + n % 60 for n in range(600)]}, {"customer_id": 100}, True),
        ({"customer_id": [f"a{n % 6}" if n % 8 == 0 else n % 60 for n in range(600)]}, {"customer_id": 7}, True),
        ({"code": [f"a{n}" if n % 6 == 0 else str(n % 9) for n in range(600)]}, {"code": "4"}, True),
        ({"ticket": [f"A/{n}" if n % 7 == 0 else str(n) for n in range(600)]}, {"ticket": range(600, 1200)}, True),
        ({"sold": ["3+" if n % 120 == 0 else str(n % 3) for n in range(600)]}, {"sold": "1"}, True),
    ],
    ids=["an input", "a group", "a group of words", "words", "left out", "the target"],
)
def test_a_column_stays_what_it_is_whatever_new_rows_hold(
    tmp_path: Path, old: dict[str, Any], new: dict[str, Any], words: bool
) -> None:
    both = pd.concat([PLAIN.assign(**old), MANY.assign(**new)], ignore_index=True)

    rows = together(grown(described(tmp_path, both.head(600)), both.tail(600)).partitions())

    (name,) = old
    assert len(rows) == 1200
    assert isinstance(rows[name].iloc[0], str) is words
    if words:
        assert sorted(rows[name]) == sorted(both[name].astype("str"))


def test_words_stay_words_beside_a_parquet_file_that_has_numbers_in_their_place(tmp_path: Path) -> None:
    rows = PLAIN.assign(code=[f"a{n % 5}" if n % 6 == 0 else str(n % 9) for n in range(600)])
    workspace = described(tmp_path, rows)
    files.write(tmp_path / "sales.parquet", rows)
    files.write(tmp_path / "new.parquet", MANY.assign(code=4))

    move = growing.grow(workspace, [tmp_path / "sales.parquet", tmp_path / "new.parquet"])

    assert together(move.partitions())["code"].value_counts()["4"] == 600 + (rows["code"] == "4").sum()


@pytest.mark.parametrize(
    ("new", "broken"),
    [
        ({"colour": "violet"}, "values.colour: found 20 of 620 rows"),
        ({"sold": "maybe"}, "values.sold: found 20 of 620 rows"),
        ({"visit_id": 1000}, "unique.visit_id: found"),
    ],
)
def test_new_rows_that_break_the_contract_are_refused_in_its_words(
    tmp_path: Path, new: dict[str, Any], broken: str
) -> None:
    workspace = described(tmp_path, PLAIN.assign(visit_id=range(1000, 1600)))

    with pytest.raises(RefusedError, match=broken):
        grown(workspace, MORE.assign(**{"visit_id": range(9000, 9020), **new}))


def test_an_id_in_two_months_is_refused(tmp_path: Path) -> None:
    rows = SALES.assign(visit_id=range(len(SALES)))
    again = NEW.assign(sold="no", visit_id=[0, 9001, 9002])

    with pytest.raises(RefusedError, match="unique_among_partitions: found 1 of"):
        grown(described(tmp_path, rows), again)


@pytest.mark.parametrize(
    ("day", "note"), [("", ""), ("soon", "note: day: 1 cell is no time and counts as missing: 'soon'")]
)
def test_where_partitions_are_months_every_new_row_has_its_time(
    tmp_path: Path, day: str, note: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="holdfast")
    new = NEW.assign(sold="no", day=[day, *NEW["day"][1:]])

    with pytest.raises(UserError, match="found rows without 'day', expected a time in every row"):
        grown(described(tmp_path, SALES), new)
    assert note in caplog.text


def test_a_column_that_is_missing_is_named(tmp_path: Path) -> None:
    workspace, rows = described(tmp_path, PLAIN), PLAIN.drop(columns="size")
    rows.to_csv(tmp_path / "narrow.csv", sep=";", index=False)

    with pytest.raises(UserError, match=r"params\.yaml: data: found no 'size' in the files"):
        grown(workspace, rows, first="narrow.csv")
