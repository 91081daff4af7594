"""Fifty raw rows and their scores, in Git: what changes a score changes a file that a reviewer sees.

The rows are whole and in full precision, so that nothing but the model is needed to score them. They stay when the
scores are written anew; only a schema with other columns has other rows drawn.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from holdfast.model import Model
from holdfast.schema import Category, Schema, Time

GOLDEN = Path(__file__).with_name("golden.csv")
ROWS = 50
REWRITE = "pytest tests/model --update-golden"


def read(path: Path, schema: Schema) -> pd.DataFrame:
    words = dict.fromkeys([schema.id, *schema.named(Category)], "str")
    golden = pd.read_csv(path, dtype=words, keep_default_na=False, na_values=[""])
    for name, column in schema.columns.items():
        if isinstance(column, Time):
            times = pd.to_datetime(golden[name], utc=column.zone is not None)
            golden[name] = times if column.zone is None else times.dt.tz_convert(column.zone)
    return golden


def columns(path: Path) -> list[str]:
    """Return the names of the columns of a golden file; a file that is not there has none."""
    return pd.read_csv(path, nrows=0).columns.tolist() if path.is_file() else []


def expected_columns(schema: Schema) -> list[str]:
    return [schema.id, "score", *schema.columns]


def rewrite(path: Path, model: Model, holdout: pd.DataFrame) -> None:
    """Write the scores anew; the rows too where the schema has other columns now."""
    schema = model.facts.data
    rows = read(path, schema) if columns(path) == expected_columns(schema) else drawn(model, holdout)
    rows.assign(score=model.score(rows))[expected_columns(schema)].to_csv(path, index=False, lineterminator="\n")


def drawn(model: Model, holdout: pd.DataFrame) -> pd.DataFrame:
    """Return rows of the holdout from the lowest score to the highest."""
    order = np.argsort(model.score(holdout), kind="stable")
    return holdout.iloc[order[np.linspace(0, len(order) - 1, ROWS).astype(int)]]


def complaint(path: Path, model: Model) -> str:
    """Say what differs from a golden file, with the command that accepts it; nothing where nothing differs."""
    schema = model.facts.data
    fix = f"\n  fix: find out why; if it is on purpose, run `{REWRITE}` and commit {path.name}"
    if columns(path) != expected_columns(schema):
        return f"{path.name}: not there, or its columns are not those of the schema.{fix}"
    golden = read(path, schema)
    now = model.score(golden)
    changed = [
        f"\n  {name}: {before!r} before, {after!r} now"
        for name, before, after in zip(golden[schema.id], golden["score"].tolist(), now.tolist(), strict=True)
        if before != after
    ]
    return (
        f"{path.name}: {len(changed)} of {len(golden)} rows have other scores:{''.join(changed)}{fix}"
        if changed
        else ""
    )


def test_golden_rows_have_the_scores_that_were_committed(real_model: Model, request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--update-golden"):
        rewrite(GOLDEN, real_model, request.getfixturevalue("holdout"))

    found = complaint(GOLDEN, real_model)

    if found:
        pytest.fail(found, pytrace=False)


def test_golden_rows_are_fifty_and_have_all_kinds_of_scores(real_model: Model) -> None:
    golden = read(GOLDEN, real_model.facts.data)

    assert len(golden) == golden[real_model.facts.data.id].nunique() == ROWS
    assert golden["score"].max() - golden["score"].min() > 0.5
    assert golden.isna().any().any()


@pytest.fixture
def golden(real_model: Model, holdout: pd.DataFrame, tmp_path: Path) -> Path:
    """A golden file of one's own, of rows that were drawn just now."""
    rewrite(tmp_path / "golden.csv", real_model, holdout)
    return tmp_path / "golden.csv"


def with_score(path: Path, place: int, score: float) -> str:
    """Change one score of a golden file, return the id of its row."""
    table = pd.read_csv(path, dtype="str")
    table.iloc[place, 1] = str(score)
    table.to_csv(path, index=False)
    return str(table.iloc[place, 0])


def test_drawn_rows_come_back_to_the_bit(real_model: Model, holdout: pd.DataFrame, golden: Path) -> None:
    schema = real_model.facts.data

    back = read(golden, schema).set_index(schema.id)[list(schema.columns)]

    there = holdout.set_index(schema.id).loc[back.index, list(schema.columns)]
    pd.testing.assert_frame_equal(back, there, check_exact=True, check_dtype=False)
    assert complaint(golden, real_model) == ""


def test_another_score_is_named_with_the_command_that_accepts_it(real_model: Model, golden: Path) -> None:
    now = read(golden, real_model.facts.data)["score"][20]
    before = round(now + 1e-9, 9)
    name = with_score(golden, 20, before)

    found = complaint(golden, real_model)

    assert f"golden.csv: 1 of 50 rows have other scores:\n  {name}: {before} before, {now} now\n  fix: " in found
    assert "`pytest tests/model --update-golden`" in found


def test_scores_written_anew_leave_the_rows_as_they_are(real_model: Model, holdout: pd.DataFrame, golden: Path) -> None:
    content = golden.read_bytes()
    with_score(golden, 20, 0.5)

    rewrite(golden, real_model, holdout.head(100))

    assert golden.read_bytes() == content


def test_a_file_of_other_columns_is_named_and_drawn_again(
    real_model: Model, holdout: pd.DataFrame, golden: Path
) -> None:
    content = golden.read_bytes()
    pd.read_csv(golden, dtype="str").drop(columns="carrier").to_csv(golden, index=False)
    assert "not there, or its columns are not those of the schema" in complaint(golden, real_model)

    rewrite(golden, real_model, holdout)

    assert golden.read_bytes() == content
