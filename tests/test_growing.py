"""More rows for data that init-data has described."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from conftest import ROOT
from holdfast import drafting, files, growing
from holdfast.errors import UserError
from holdfast.files import Workspace

DAYS = pd.date_range("2024-01-01", "2024-07-31", freq="12h")
SALES = pd.DataFrame(
    {
        "price": [f"{n * 37 % 1009},5" for n in range(len(DAYS))],
        "day": DAYS.strftime("%d/%m/%Y %H:%M"),
        "sold": ["yes", "no", "no"] * (len(DAYS) // 3) + ["yes"] * (len(DAYS) % 3),
    }
)
NEW = pd.DataFrame({"price": ["7,25"] * 3, "day": ["01/08/2024 00:00", "02/08/2024 00:00", "03/08/2024 00:00"]})


@pytest.fixture(params=[True, False], ids=["by month", "in one file"])
def workspace(tmp_path: Path, request: pytest.FixtureRequest) -> Workspace:
    """A checkout whose data is sales, as init-data wrote them."""
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    rows = SALES if request.param else SALES.drop(columns="day")
    rows.to_csv(tmp_path / "sales.csv", sep=";", index=False)
    NEW.assign(sold="no")[list(rows)].assign(price=["7,25", "8,25", "9,25"]).to_csv(
        tmp_path / "august.csv", sep=";", index=False
    )
    found = Workspace(tmp_path)
    draft = drafting.draft(found, [tmp_path / "sales.csv"], "sold", None)
    for name, part in draft.partitions():
        with files.whole(found.data / name) as path:
            files.write(path, part)
    found.params.write_text(draft.texts["params.yaml"], encoding="utf-8")
    return found


def test_new_rows_come_to_those_that_are_there_which_stay_as_they_were(workspace: Workspace) -> None:
    grown = growing.grow(workspace, [workspace.root / "sales.csv", workspace.root / "august.csv"])

    parts, before = dict(grown.parts), {path.name: files.read(path) for path in workspace.partitions()}
    assert grown.lines[0] == f"{len(SALES) + 3} rows, 3 of them new; params.yaml stays as it is"
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
        (["august.csv"], "august.csv: found no rows such as params.yaml describes"),
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
