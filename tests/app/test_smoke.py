"""What is tried before a release, on the bundle of a small project."""

import json
from pathlib import Path

import pytest

from app import smoke
from app.__main__ import main
from app.config import Config
from app.prediction_log import tables
from conftest import Project
from holdfast.errors import UserError


@pytest.fixture
def bundle(project: Project) -> Path:
    return project.workspace.root / "artifacts/evaluate/bundle"


def test_every_address_answers_and_every_golden_row_gets_its_score(bundle: Path) -> None:
    golden = json.loads((bundle / "golden.json").read_text())

    said = list(smoke.answers(Config(model_uri=str(bundle), max_rows=30)))

    assert "200 GET /readyz" in said
    assert "200 GET /metrics" in said
    assert f"{len(golden['rows'])} golden rows, each with its score" in said[-2]
    assert said[-1] == "503 POST /outcomes, without its token"


def test_what_is_protected_is_asked_with_its_token_and_refused_without(bundle: Path) -> None:
    secrets = {"api_keys": ["a" * 16], "metrics_token": "b" * 16, "outcomes_token": "c" * 16}

    said = list(smoke.answers(Config.model_validate({"model_uri": str(bundle), **secrets})))

    assert "200 GET /metrics" in said
    assert said[-1] == "401 POST /outcomes, without its token"


def test_a_model_that_scores_otherwise_than_it_was_measured_is_not_released(bundle: Path) -> None:
    golden = json.loads((bundle / "golden.json").read_text())
    golden["scores"][3] += 1e-16
    (bundle / "golden.json").write_text(json.dumps(golden))

    with pytest.raises(UserError, match="GET /readyz: found 503, expected 200"):
        list(smoke.answers(Config(model_uri=str(bundle))))


def test_the_command_asks_for_the_tables_first(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MODEL_URI", str(bundle))
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/log.db")

    without = main(["smoke"])
    said_without = capsys.readouterr()
    migrated = main(["migrate"])
    capsys.readouterr()
    with_tables = main(["smoke"])
    said = capsys.readouterr().out

    assert (without, migrated, with_tables) == (2, 0, 0)
    assert "fix: run `python -m app migrate`" in said_without.err
    assert said_without.out == ""
    assert f"log.db: revision {tables.REVISION}" in said


def test_nothing_is_written_where_the_prediction_log_is_off(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL_URI", str(bundle))
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/log.db")
    monkeypatch.setenv("PREDICTION_LOG", "off")

    assert main(["smoke"]) == 0

    assert not (tmp_path / "log.db").exists()
