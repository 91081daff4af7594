"""From a served prediction back to the commit, and from the registry to where the champion runs: with a real service."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from load import Service, ask, body_of

from app.prediction_log import migrating
from conftest import ROOT, Project, run
from holdfast import moves, registry
from holdfast.bundle import Bundle
from holdfast.moves import Move
from stores import register

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from holdfast.registry import Version
    from holdfast.store import Store
    from postgres import Database

pytest_plugins = ["postgres"]
pytestmark = pytest.mark.slow

NAME = "flight-delay-dev"


@pytest.fixture
def champion(opened: Store, tmp_path: Path, finished_project: Project) -> Version:
    """The champion of a store beside a params.yaml: version 2, whose commit is that of this repository."""
    for name in ("params.yaml", "dvc.yaml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    folder = finished_project.workspace.evaluate / "bundle"
    said = {registry.SHA256: Bundle.load(folder).sha256, registry.COMMIT: run("git rev-parse HEAD", ROOT).strip()}
    register(opened, NAME, folder, **{registry.SHA256: "ab" * 32, registry.COMMIT: "f" * 40})
    made = register(opened, NAME, folder, **said)
    moves.append(opened, NAME, Move("promote", made.number, None, 0, "ann"), made)
    return made


@pytest.fixture
def service(opened: Store, champion: Version, database: Database, tmp_path: Path) -> Iterator[Service]:
    """The service, on the bundle of the champion as the registry gives it."""
    (tmp_path / "fetched").mkdir()
    folder = registry.download(opened, champion, tmp_path / "fetched")
    migrating.migrate(database.engine)
    served = Service(tmp_path, folder, database.url)
    yield served
    assert served.stop() == 0


def holdfast(command: str, folder: Path, **environment: str) -> tuple[int, str]:
    """Go through the door, as people do; return the exit code and what was said."""
    done = subprocess.run(
        [sys.executable, "-m", "holdfast", *shlex.split(command)],
        cwd=folder, env=os.environ | environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return done.returncode, done.stdout


def explained(prediction: str, folder: Path, url: str) -> Any:
    """Return the lineage behind a prediction, as soon as the log has it."""
    for _ in range(20):
        code, said = holdfast(f"explain-model --prediction {prediction} --format json", folder, DATABASE_URL=url)
        if code == 0:
            return json.loads(said)
        assert "found no prediction" in said
        time.sleep(0.2)
    raise AssertionError(said)


def test_a_prediction_leads_back_to_the_commit_and_the_registry_to_the_service(
    service: Service, champion: Version, database: Database, tmp_path: Path
) -> None:
    golden = Bundle.load(next((tmp_path / "fetched").rglob("model.json")).parent).golden
    answer = json.loads(ask(service.port, "POST", "/predict", body_of(golden.rows[:3]))[1])
    asked = answer["predictions"][2]
    url = f"http://127.0.0.1:{service.port}"

    noted = holdfast(f"deployed {url}", tmp_path, GITHUB_ACTOR="ben")
    found = explained(asked["prediction_id"], tmp_path, database.url)

    assert noted == (0, f"{NAME}, version 2 runs at {url}: noted in the registry\n")
    assert (found["version"], found["sha256"]) == (2, answer["model"]["sha256"])
    assert found["commit"]["hash"] == champion.commit
    assert found["prediction"]["score"] == asked["score"] == golden.scores[2]
    assert (found["prediction"]["label"], found["prediction"]["source"]) == (asked["label"], "api")
    assert [(one["url"], one["by"]) for one in found["deployments"]] == [(url, "ben")]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_service_that_still_serves_the_champion_before_is_refused(
    opened: Store, champion: Version, tmp_path: Path, service: Service
) -> None:
    log = moves.history(opened, NAME)
    first = registry.find(opened, NAME, "1")
    moves.append(opened, NAME, Move("promote", 1, 2, log[-1].number, "ann"), first)

    code, said = holdfast(f"deployed http://127.0.0.1:{service.port}", tmp_path)

    assert code == 1
    assert f"serves {NAME}, version 2; champion in dev is version 1.\n  fix: deploy the champion" in said
    assert not any(tag.startswith("holdfast.deployed.") for tag in registry.find(opened, NAME, "2").tags)
