"""Rows and projects for the tests: drawn from the schema, so that they obey whatever it says."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from threading import current_thread, main_thread
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import settings

from holdfast import files, threads
from holdfast.files import Workspace
from holdfast.params import Params
from holdfast.params import load as load_params
from holdfast.schema import Category, Number, Schema, Time
from holdfast.targets import ClassesTarget, Kind, NumberTarget, Target
from sharing import made_once

if TYPE_CHECKING:  # the process that hands out tests to others loads this file too, but no model and no service
    from flask import Flask
    from flask.testing import FlaskClient
    from playwright.sync_api import Browser

    from app.config import Config
    from holdfast.bundle import Bundle
    from holdfast.model import Model
    from holdfast.store import Store

pytest.register_assert_rewrite("mlflow_server", "postgres")  # plugins that others import, too
ROOT = Path(__file__).parent.parent
threads.limit(1)
# Never the registry or the environment of whoever runs the tests.
for name in ("HOLDFAST_ENV", "MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI", "GITHUB_ACTIONS", "GITHUB_ACTOR"):
    os.environ.pop(name, None)
# Whoever starts the tests in the background lets them ignore Ctrl-C, and all that they start.
if current_thread() is main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)
# For the commands that tests start, wherever they start them, installed or not.
os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
ENVIRONMENT = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
ENVIRONMENT |= {
    f"GIT_{role}_{what}": "tests@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
}
# In CI a property is tried on the same examples each time; at a desk on new ones, and those that failed once first.
settings.register_profile("desk", max_examples=20, deadline=None)
settings.register_profile("ci", max_examples=20, deadline=None, derandomize=True, database=None)
settings.register_profile("deep", max_examples=2_000, deadline=None)  # pytest --hypothesis-profile deep
settings.load_profile("ci" if os.environ.get("CI") else "desk")

# Files whose slow tests take minutes.
LONGEST = ("documentation", "judging", "dvc", "pull_requests", "restoring", "sweeps", "servers", "procfile")

STAGES = ("prepare", "featurize", "train", "evaluate")
MONTHS = ("2013-01", "2013-02", "2013-03", "2013-04")

ROWS = 2_000  # of each month in a repository: as many as a judge needs to tell two models apart

# Small enough to run all four stages in a second.
COLUMNS = ("scheduled_departure", "carrier", "origin", "distance", "humidity")
SMALL: dict[str, Any] = {
    "train": {"gradient_boosting": {"max_iterations": 8, "max_leaf_nodes": [4, 7], "min_samples_leaf": 5}},
    "evaluate": {"importance_rows": 100, "importance_repeats": 1},
    "gates": {"slices": {"rows": 100, "labels": 20}},
}


class MakeRows(Protocol):
    """Draw rows that obey a schema; their target depends on the first number."""

    def __call__(self, schema: Schema = ..., month: str = ..., rows: int = ..., seed: int = ...) -> pd.DataFrame: ...


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the scores of tests/model/golden.csv anew")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest files begin, so that no process is left alone with one of them."""
    places = {f"test_{name}.py": place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


def pytest_report_header() -> str:
    """Say how much of the documentation is run."""
    import documentation

    blocks = [block for page in documentation.pages() for block in page.blocks]
    marked = [block for block in blocks if block.not_run]
    return f"documentation: {len(blocks)} blocks of commands, of which {len(marked)} are marked as not run"


@pytest.fixture(scope="session")
def params() -> Params:
    return load_params(ROOT / "params.yaml")


@pytest.fixture(scope="session")
def make_rows(params: Params) -> MakeRows:
    def make(schema: Schema = params.data, month: str = "2013-01", rows: int = 300, seed: int = 0) -> pd.DataFrame:
        random = np.random.default_rng([seed, *month.encode()])
        columns: dict[str, Any] = {schema.id: [f"row-{month}-{seed}-{number}" for number in range(rows)]}
        for name, column in schema.columns.items():
            columns[name] = draw(column, month, rows, random)
        signal = next(columns[name] for name in schema.named(Number))
        chance = pd.Series(signal).rank(pct=True).fillna(0.5)
        columns[schema.target.column] = answer(schema.target, chance.to_numpy(), random)
        return pd.DataFrame(columns)

    return make


def answer(target: Target, chance: np.ndarray, random: np.random.Generator) -> Any:
    """Draw answers that depend on a chance, which grows with the first of the numbers."""
    if isinstance(target, NumberTarget):
        low, high = 0.0 if target.min is None else target.min, 100.0 if target.max is None else target.max
        return (low + (high - low) * (0.9 * chance + 0.1 * random.random(len(chance)))).round(3)
    if isinstance(target, ClassesTarget):
        place = len(target.values) * (0.9 * chance + 0.1 * random.random(len(chance)))
        return np.array(target.values)[np.minimum(place.astype(int), len(target.values) - 1)]
    return np.where(random.random(len(chance)) < chance, target.positive, target.negative)


def draw(column: Number | Category | Time, month: str, rows: int, random: np.random.Generator) -> Any:
    """Draw values that obey one column; one in ten is missing where that is allowed."""
    if isinstance(column, Time):
        minutes = random.integers(0, 27 * 24 * 60, rows)
        times = pd.Timestamp(f"{month}-01 04:00") + pd.to_timedelta(minutes, unit="min")
        return (
            pd.Series(times).dt.tz_localize(column.zone, ambiguous="NaT", nonexistent="shift_forward").dt.as_unit("us")
        )
    if isinstance(column, Category):
        values: Any = random.choice(column.values or ("red", "green", "blue"), rows).astype(object)
    else:
        low = -100.0 if column.min is None else column.min
        high = low + 200 if column.max is None else column.max
        values = np.round(random.uniform(low, high, rows), 3).clip(low, high)
    if column.nullable:
        values[random.random(rows) < 0.1] = None if isinstance(column, Category) else np.nan
    return values


class Project:
    """A folder with its own params.yaml and data, on which stages can be run."""

    def __init__(self, folder: Path) -> None:
        self.workspace = Workspace(folder)

    @property
    def params(self) -> Params:
        return load_params(self.workspace.params)

    def partition(self, month: str = MONTHS[-1]) -> Path:
        return self.workspace.data / "flights" / f"{month}.parquet"

    def change(self, edit: Callable[[dict[str, Any]], None]) -> None:
        """Edit params.yaml."""
        content = yaml.safe_load(self.workspace.params.read_text())
        edit(content)
        self.workspace.params.write_text(yaml.safe_dump(content, sort_keys=False))

    def run(self, *stages: str) -> None:
        """Run some stages, or all of them as `dvc repro` would."""
        for stage in stages or STAGES:
            import_module(f"holdfast.stages.{stage}").main(self.params, self.workspace)

    def artifacts(self) -> dict[str, bytes]:
        """Return every artifact with its bytes."""
        found = (self.workspace.root / "artifacts").rglob("*")
        return {self.workspace.name(path): path.read_bytes() for path in sorted(found) if path.is_file()}


@pytest.fixture(scope="session")
def finished_project(tmp_path_factory: pytest.TempPathFactory, make_rows: MakeRows) -> Project:
    """A small project whose stages have run; for reading only."""

    def finish(folder: Path) -> None:
        shutil.copy(ROOT / "params.yaml", folder)
        project = Project(folder)
        project.change(make_small)
        for month in MONTHS:
            project.partition(month).parent.mkdir(parents=True, exist_ok=True)
            files.write(project.partition(month), make_rows(project.params.data, month))
        project.run()

    return Project(made_once(tmp_path_factory, "project", finish))


@pytest.fixture
def project(tmp_path: Path, finished_project: Project) -> Project:
    """A small project of one's own, whose stages have run."""
    shutil.copytree(finished_project.workspace.root, tmp_path / "project")
    return Project(tmp_path / "project")


@pytest.fixture(scope="session")
def project_of(tmp_path_factory: pytest.TempPathFactory) -> "Callable[[Kind], Project]":
    """A small project for each kind of target, whose stages have run; for reading only."""
    from kinds import make_project

    def project_of(kind: Kind) -> Project:
        return Project(made_once(tmp_path_factory, f"project-{kind}", partial(make_project, kind)))

    return project_of


class MakeRepository(Protocol):
    """Make a Git repository of this working tree with a small data set, reproduced, pushed and committed on main."""

    def __call__(self, root: Path, change: Callable[[dict[str, Any]], None] = ...) -> Project: ...


@pytest.fixture(scope="session")
def make_repository(tmp_path_factory: pytest.TempPathFactory, make_rows: MakeRows) -> MakeRepository:
    def reproduced(folder: Path) -> None:
        reproduce(folder, make_rows)

    def make(root: Path, change: Callable[[dict[str, Any]], None] | None = None) -> Project:
        shutil.copytree(made_once(tmp_path_factory, "repository", reproduced), root, symlinks=True, dirs_exist_ok=True)
        project = Project(root)
        if change:
            project.change(change)
            run("dvc repro --quiet", root)
        for command in ("dvc push --quiet", "git add --all", "git commit --quiet --message first"):
            run(command, root)
        return project

    return make


def reproduce(root: Path, make_rows: MakeRows) -> None:
    """Run all stages on a small data set in a copy of this working tree; nothing is pushed or committed."""
    for name in run("git ls-files --cached --others --exclude-standard", ROOT).splitlines():
        if not name.startswith(("dvc-remote/", "dvc.lock", "data.dvc", "artifacts/")) and (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, root / name)
    project = Project(root)
    project.change(make_small)
    project.partition().parent.mkdir(parents=True)
    for month in MONTHS:
        files.write(project.partition(month), make_rows(project.params.data, month, ROWS))
    run("git init --quiet --initial-branch main", root)
    run("dvc remote default embedded", root)  # never the remote of whoever runs the tests
    for command in ("dvc add --quiet data", "dvc repro --quiet"):
        run(command, root)


def make_small(content: dict[str, Any]) -> None:
    """Shrink params.yaml to a few of its columns, and to what drawn rows and a second allow."""
    merge(content, SMALL)
    content["data"]["columns"] = {name: content["data"]["columns"][name] for name in COLUMNS}
    content["contract"] = {}


def made(path: Path) -> Path:
    """Return the path of an artifact; where it was not made yet, skip what would judge it, but never in CI."""
    if not path.exists():
        lacking = f"{path.parent.name}/{path.name} is not there yet: `make repro` makes it"
        if os.environ.get("CI"):
            pytest.fail(lacking)
        pytest.skip(lacking)
    return path


@pytest.fixture(scope="session")
def real_model() -> "Model":
    """The model of this repository."""
    from holdfast.model import Model

    return Model.load(made(Workspace(ROOT).train / "model"))


@pytest.fixture(scope="session")
def holdout() -> pd.DataFrame:
    """Its holdout; for reading only."""
    return files.read(made(Workspace(ROOT).prepare / "holdout.parquet"))


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of a store with nothing in it: made once, and copied by those who want one."""
    from holdfast import store

    with pytest.MonkeyPatch.context() as patch:
        for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
            patch.delenv(name, raising=False)
        return made_once(tmp_path_factory, "store", store.connect) / store.DATABASE


@pytest.fixture
def opened(tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch) -> "Store":
    """A store beside the project of the test, with nothing in it."""
    from stores import open_in

    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        monkeypatch.delenv(name, raising=False)
    return open_in(tmp_path, empty_store)


@pytest.fixture(scope="session")
def bundle(finished_project: Project) -> "Bundle":
    """The bundle of the small project."""
    from holdfast.bundle import Bundle

    return Bundle.load(finished_project.workspace.evaluate / "bundle")


@pytest.fixture(scope="session")
def browser() -> "Iterator[Browser]":
    """The one browser of a process: a second one would wait for the first."""
    from browser import chromium

    with chromium() as started:
        yield started


@pytest.fixture
def config(finished_project: Project, tmp_path: Path) -> "Config":
    """A service of it that limits nobody and keeps no log."""
    from app.config import Config

    return Config(
        model_uri=str(finished_project.workspace.evaluate / "bundle"),
        database_url=f"sqlite:///{tmp_path}/predictions.db",
        prediction_log=False,
        rate_limit=None,
        secret_key="a secret of the tests",
    )


@pytest.fixture
def app(config: "Config") -> "Iterator[Flask]":
    from app import create_app

    app = create_app(config)
    yield app
    if recorder := app.extensions["holdfast"].predictor.recorder:
        recorder.close(1)


@pytest.fixture
def client(app: "Flask") -> "FlaskClient":
    return app.test_client()


@pytest.fixture
def row(bundle: "Bundle") -> dict[str, Any]:
    """A good row, as a request brings it."""
    return dict(bundle.golden.rows[0])


def merge(content: dict[str, Any], changes: dict[str, Any]) -> None:
    """Put nested changes into nested content."""
    for key, value in changes.items():
        if isinstance(value, dict):
            merge(content[key], value)
        else:
            content[key] = value


def unmeasured() -> dict[str, str]:
    """Return the environment for what runs no code of this tree: to count its lines would take half as long again."""
    return {name: value for name, value in ENVIRONMENT.items() if name != "COVERAGE_PROCESS_CONFIG"}


def run(command: str, folder: Path, expected: int = 0) -> str:
    """Run a command line, check its exit code, return all that it said."""
    environment = ENVIRONMENT if "-m holdfast" in command else unmeasured()
    done = subprocess.run(
        shlex.split(command), cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert done.returncode == expected, f"{command} exited with {done.returncode}:\n{done.stdout}"
    return done.stdout
