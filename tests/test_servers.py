"""Names on a real server of MLflow, with PostgreSQL and S3: from a commit to the champion and back, as on a desk."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import Request, urlopen

import pytest

import s3_server
from conftest import ENVIRONMENT, ROOT, MakeRepository, run, unmeasured
from holdfast import files, moves, registry, store
from holdfast.bundle import Bundle
from holdfast.model import Model
from running import running
from stores import register
from test_promotion import Registered, choices, iterations

if TYPE_CHECKING:
    from mlflow_server import Tracking

pytest_plugins = ["postgres", "mlflow_server"]
# The columns of the example that is saved with a model are compared with a range by mlflow 3.17.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:Operation with range")]

NAME, OTHER = "delay-dev", "delay-both"

LOAD = """
import sys
import mlflow.pyfunc
import pandas as pd

rows = pd.read_parquet(sys.argv[2])
for name in rows.select_dtypes("datetimetz"):
    rows[name] = rows[name].map(pd.Timestamp.isoformat)
mlflow.pyfunc.load_model(sys.argv[1]).predict(rows).to_parquet(sys.argv[3])
"""


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory, make_repository: MakeRepository) -> Path:
    """A repository with two commits, the second of a better model."""

    def change(content: dict[str, object]) -> None:
        choices(content)
        content["environments"]["both"] = {"model": OTHER}  # type: ignore[index]

    return make_repository(tmp_path_factory.mktemp("origin") / "repository", change).workspace.root


def chosen(tracking: "Tracking", patch: pytest.MonkeyPatch) -> None:
    """Let everything that asks for a store ask this server."""
    for name in ("MLFLOW_REGISTRY_URI", "HOLDFAST_ENV", "GITHUB_ACTOR"):
        patch.delenv(name, raising=False)
    for name, value in {"MLFLOW_TRACKING_URI": tracking.address, **tracking.environment}.items():
        patch.setenv(name, value)
        patch.setitem(ENVIRONMENT, name, value)


@pytest.fixture(scope="module")
def published(origin: Path, through_server: "Tracking", tmp_path_factory: pytest.TempPathFactory) -> Registered:
    """Two versions on the server: that of the first commit, and that of the second, which is better."""
    root = shutil.copytree(origin, tmp_path_factory.mktemp("published") / "repository", symlinks=True)
    registered = Registered(Path(root))
    with pytest.MonkeyPatch.context() as patch:
        chosen(through_server, patch)
        registered.publish()
        registered.commit(iterations(40), "better")
        registered.publish()
    return registered


@pytest.fixture
def registered(published: Registered, through_server: "Tracking", monkeypatch: pytest.MonkeyPatch) -> Registered:
    chosen(through_server, monkeypatch)
    return published


def loaded_by_mlflow(name: str, registered: Registered, into: Path) -> list[float]:
    """Return the scores of the holdout by what `mlflow.pyfunc.load_model` loads, in a process that knows only mlflow."""
    holdout, found = registered.project.workspace.prepare / "holdout.parquet", into / "found.parquet"
    environment = {key: value for key, value in unmeasured().items() if key != "PYTHONPATH"}
    subprocess.run([sys.executable, "-c", LOAD, name, holdout, found], cwd=into, env=environment, check=True)
    return list(files.read(found)["score"])


def test_from_two_commits_to_the_champion_and_back(registered: Registered, tmp_path: Path) -> None:
    assert registered.aliases() == {"challenger": 2}

    first, second = registered.promote("1"), registered.promote()
    promoted = registered.aliases()
    back = registered.rollback()

    assert [gate.code for gate in first.report.comparison.gates] == ["G0", "G1", "G4", "G5"]
    assert second.report.comparison.verdict == "promote"
    assert (promoted, registered.aliases()) == ({"champion": 2}, {"champion": 1})
    assert (back.kind, back.champion, back.before) == ("rollback", 1, 2)
    said = run("python -m holdfast history", registered.root).splitlines()
    assert [line.split()[0] for line in said[-3:]] == ["1", "2", "1"]
    assert second.move is not None
    listed = registered.client().list_artifacts(second.challenger.run, second.move.report)
    assert {Path(one.path).name for one in listed} == {"report.html", "report.json", "report.md"}
    scores = loaded_by_mlflow(f"models:/{NAME}@champion", registered, tmp_path)
    model = Model.load(moves.fetch(registered.root, f"models:/{NAME}@champion", tmp_path)[1])
    rows = files.read(registered.project.workspace.prepare / "holdout.parquet")
    assert scores == model.score(rows).tolist()


@pytest.fixture
def served(registered: Registered, tmp_path: Path) -> Iterator[str]:
    """The address where `mlflow models serve` serves version 2."""
    port = s3_server.free_port()
    command = [sys.executable, "-m", "mlflow", "models", "serve", "--env-manager", "local"]
    command += ["--model-uri", f"models:/{NAME}/2", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    environment = {key: value for key, value in unmeasured().items() if key != "PYTHONPATH"}
    address = f"http://127.0.0.1:{port}"
    with running(command, tmp_path, {**environment, "OMP_NUM_THREADS": "1"}, f"{address}/ping"):
        yield address


def test_make_mlflow_shows_runs_models_and_their_files(opened: store.Store, tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "model.json").write_text("a model")
    version = register(opened, NAME, tmp_path / "bundle")
    address = f"http://127.0.0.1:{s3_server.free_port()}"
    recipe = run(f"make --silent --dry-run --old-file=setup mlflow PORT={address.rpartition(':')[2]}", ROOT)

    with running(["sh", "-c", recipe], tmp_path, {**unmeasured(), "CI": "true"}, f"{address}/health"):
        with urlopen(f"{address}/api/2.0/mlflow/registered-models/search", timeout=30) as response:
            (shown,) = json.load(response)["registered_models"]
        file = f"{address}/get-artifact?run_uuid={version.run}&path={registry.MODEL}/data/bundle/model.json"
        with urlopen(file, timeout=30) as response:
            content = response.read()

    assert (shown["name"], content) == (NAME, b"a model")


def test_mlflow_serves_the_scores_that_the_evaluation_saw(registered: Registered, served: str, tmp_path: Path) -> None:
    version = registry.find(store.connect(registered.root), NAME, "2")
    example = registered.client().download_artifacts(version.run, "model/serving_input_example.json", str(tmp_path))
    request = Request(f"{served}/invocations", Path(example).read_bytes(), {"Content-Type": "application/json"})

    with urlopen(request, timeout=30) as response:
        found = json.load(response)["predictions"]

    golden = Bundle.load(registered.root / "artifacts" / "evaluate" / "bundle").golden
    assert [one["score"] for one in found] == list(golden.scores[: len(found)])
    assert len(found) == 2


def test_of_two_promotions_at_once_one_wins_and_the_other_is_told(registered: Registered) -> None:
    opened = store.connect(registered.root)
    for one in registry.versions(opened, NAME):
        registry.register(opened, OTHER, one.run, one.tags)
    command = [sys.executable, "-m", "holdfast", "promote"]
    environment = {**ENVIRONMENT, "HOLDFAST_ENV": "both"}

    both = [
        subprocess.Popen(
            [*command, number], cwd=registered.root, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        for number in "12"
    ]  # fmt: skip
    said = {one.args[-1]: (one.communicate()[0], one.returncode) for one in both}  # type: ignore[index]

    (winner,) = moves.history(opened, OTHER)
    loser = "2" if winner.champion == 1 else "1"
    assert said[str(winner.champion)][1] == 0, said
    assert said[loser][1] == 2, said
    assert f"at the same moment, version {winner.champion} became champion" in said[loser][0]
    assert [one.number for one in registry.versions(opened, OTHER) if "champion" in one.aliases] == [winner.champion]


def test_files_in_s3_itself_are_read_and_written_beside_the_server(
    origin: Path, beside_server: "Tracking", monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    registered = Registered(Path(shutil.copytree(origin, tmp_path / "repository", symlinks=True)))
    chosen(beside_server, monkeypatch)

    published = registered.publish()
    registered.promote()
    run(f"python -m holdfast export {tmp_path}/served --model models:/{NAME}@champion", registered.root)

    assert published.version is not None
    assert registered.client().get_run(published.run).info.artifact_uri.startswith("s3://bucket/mlflow-direct")
    bundle = Bundle.load(tmp_path / "served")
    assert (bundle.sha256, bundle.version) == (published.version.sha256, "1")
    monkeypatch.setitem(ENVIRONMENT, "AWS_ENDPOINT_URL", f"http://127.0.0.1:{s3_server.free_port()}")
    said = run(f"python -m holdfast export {tmp_path}/again --model models:/{NAME}@champion", registered.root, 2)
    assert f"error: models:/{NAME}/1: the MLflow store is not there: nobody answers." in said
