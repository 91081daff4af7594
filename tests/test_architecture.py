"""`dvc.yaml` cannot lie, imports go downwards, and the rules of the house hold."""

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from architecture import PACKAGE, ROOT, attributes_of, closure, imports
from conftest import Project
from holdfast.errors import UserError

STAGES: dict[str, Any] = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
LOCK = "requirements-work.txt"
APP = ROOT / "app"
SERVED = {"bundle", "cells", "errors", "metrics", "model", "moves", "registry", "schema", "targets"}
# Where rows run never changes a result (tests/test_rebuild.py), so it must not invalidate the cache.
NEVER_CHANGES_A_RESULT = {"threads"}

# Each module may import from the lines above its own.
LAYERS = [
    {"holdfast", "errors", "commands", "stages"},
    {
        "command_line_names",
        "dates",
        "distributions",
        "fitting",
        "markdown",
        "numerals",
        "pages",
        "playground",
        "playground.forgetting",
        "proposal_text",
        "sources",
        "strict",
        "terminal",
        "twins",
    },
    {
        "command_line",
        "commits",
        "files",
        "frames",
        "github",
        "logged",
        "model_card_blocks",
        "playground.borrowed",
        "playground.chapters",
        "playground.repositories",
        "processes",
        "proposals",
        "report_artifact",
        "report_body",
        "services",
        "store",
        "svg",
        "targets",
        "threads",
    },
    {
        "cml",
        "confusions",
        "curves_svg",
        "measuring",
        "metrics",
        "persistence",
        "playground.flights",
        "rebuild",
        "schema",
        "scratch",
        "tracking",
        "versions",
    },
    {
        "bootstrap",
        "cells",
        "data_diff",
        "features",
        "figures",
        "foreign",
        "moving_in",
        "outcomes",
        "playground.start",
        "poster",
        "profiling",
        "separation",
        "terms",
        "wiring",
    },
    {
        "contract",
        "data_diff_report",
        "guessing",
        "leaks",
        "measures",
        "params",
        "playground.reset",
        "profile_page",
        "streams",
    },
    {
        "differences",
        "environments",
        "estimators",
        "expectations",
        "grids",
        "inputs",
        "intake",
        "manifest",
        "sources.nycflights",
        "split",
        "targeting",
    },
    {"comparison", "data_docs", "dividing", "forest", "params_text", "roles", "validation"},
    {"model", "proposing", "quarantine", "report"},
    {
        "batch",
        "bundle",
        "contenders",
        "drafting",
        "evaluation",
        "growing",
        "headline",
        "report_curves",
        "scorer",
        "sealed",
    },
    {"card", "charts", "deploying", "explaining", "flavor", "provenance", "registry", "report_tables", "sweeps"},
    {"intervals", "mermaid", "moves", "report_page", "restoring", "sweep_table"},
    {
        "deployments",
        "judging",
        "model_card_words",
        "playground.checks",
        "release_steps",
        "releases",
        "report_markdown",
        "sweep_runs",
    },
    {"judging_releases", "lineage", "model_card", "named", "report_files"},
    {
        "ancestry",
        "model_card_classes",
        "model_card_figures",
        "model_card_label_limits",
        "model_card_number_limits",
        "promotion",
    },
    {"model_card_charts", "model_card_limits"},
    {"model_card_parts"},
    {"model_card_markdown", "model_card_page"},
    {"publishing"},
    {"stages.evaluate", "stages.featurize", "stages.prepare", "stages.train"},
    {
        "commands.alarm",
        "commands.card",
        "commands.completion",
        "commands.data_diff",
        "commands.deploy",
        "commands.deployed",
        "commands.explain_model",
        "commands.export",
        "commands.gate",
        "commands.history",
        "commands.ingest",
        "commands.init_data",
        "commands.lock_check",
        "commands.metrics",
        "commands.post",
        "commands.promote",
        "commands.propose",
        "commands.publish",
        "commands.rebuild_check",
        "commands.release",
        "commands.report",
        "commands.restore",
        "commands.rollback",
        "commands.score",
        "commands.sweep",
        "commands.tutorial",
        "commands.validate",
    },
    {"__main__", "stages.__main__"},
]
# Heavy libraries, and the modules that may import them.
HEAVY = {
    "dvc": {"grids", "versions"},
    "hydra": {"grids"},
    "dvc_data": {"versions"},
    "matplotlib": {"charts"},
    "great_expectations": {"expectations"},
    "mlflow": {"flavor", "registry", "store", "tracking"},
    "pyarrow": {"files", "streams"},
    "skops": {"persistence"},
}


def module(path: Path) -> str:
    name = path.relative_to(PACKAGE).with_suffix("").as_posix().replace("/", ".").removesuffix("__init__").rstrip(".")
    return name or "holdfast"


def names(entries: list[Any]) -> set[str]:
    return {entry if isinstance(entry, str) else next(iter(entry)) for entry in entries}


def relative(paths: set[Path]) -> set[str]:
    return {path.relative_to(ROOT).as_posix() for path in paths}


def loaded_by(stage: str, project: Project) -> set[str]:
    """Return the files of ours that are loaded when a stage really runs."""
    script = (
        "import runpy, sys, atexit\n"
        "shown = lambda: print(*[m.__file__ for n, m in sys.modules.items() if n.split('.')[0] == 'holdfast'], sep='\\n')\n"
        "atexit.register(shown)\n"
        f"sys.argv = ['stages', {stage!r}]\n"
        f"runpy.run_path({str(PACKAGE / 'stages')!r}, run_name='__main__')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=project.workspace.root, text=True, capture_output=True, check=True
    )
    return relative({Path(line) for line in done.stdout.splitlines() if line.startswith(str(PACKAGE))})


@pytest.mark.parametrize("stage", STAGES)
def test_the_deps_of_a_stage_are_the_code_that_it_imports(stage: str) -> None:
    declared = {name for name in names(STAGES[stage]["deps"]) if name.startswith("src/")}

    assert declared == relative(closure("holdfast.stages.__main__", f"holdfast.stages.{stage}"))


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_nothing_else_of_ours_is_loaded_when_a_stage_runs(stage: str, project: Project) -> None:
    loaded = loaded_by(stage, project)

    assert f"src/holdfast/stages/{stage}.py" in loaded
    assert loaded <= names(STAGES[stage]["deps"])


@pytest.mark.parametrize("stage", STAGES)
def test_the_lock_is_a_dependency(stage: str) -> None:
    assert LOCK in names(STAGES[stage]["deps"])


@pytest.mark.parametrize("stage", STAGES)
def test_the_params_of_a_stage_are_the_sections_that_it_reads(stage: str) -> None:
    declared = names(STAGES[stage]["params"])

    assert declared == attributes_of(PACKAGE / "stages" / f"{stage}.py", "params") - NEVER_CHANGES_A_RESULT


def test_the_door_of_the_stages_reads_only_what_never_changes_a_result() -> None:
    door = PACKAGE / "stages" / "__main__.py"

    assert attributes_of(door, "choices") == NEVER_CHANGES_A_RESULT


@pytest.mark.parametrize("stage", STAGES)
def test_the_artifact_deps_of_a_stage_are_in_the_folders_that_it_reads(stage: str) -> None:
    deps = names(STAGES[stage]["deps"])
    declared = {Path(name).parts[1] for name in deps if name.startswith("artifacts/")}
    read = attributes_of(PACKAGE / "stages" / f"{stage}.py", "workspace") - {stage, "name"}

    assert declared == read - {"partitions"}
    assert ("data" in deps) == ("partitions" in read)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_reads_the_artifacts_that_it_declares_and_no_others(
    stage: str, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.workspace.root)
    declared = {name for name in names(STAGES[stage]["deps"]) if name.startswith("artifacts/")}
    for name in project.artifacts():
        if not any(name == path or name.startswith(f"{path}/") for path in declared):
            (project.workspace.root / name).unlink()

    project.run(stage)  # raises if it misses one of the others

    for name in declared:
        path = project.workspace.root / name
        aside = path.rename(path.with_name("aside"))
        with pytest.raises(UserError, match=rf"^error: {re.escape(name)}.*: not found\."):
            project.run(stage)
        aside.rename(path)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_writes_the_outs_that_it_declares_and_no_others(stage: str, finished_project: Project) -> None:
    outs = names([*STAGES[stage]["outs"], *STAGES[stage].get("metrics", [])])
    written = {name for name in finished_project.artifacts() if name.startswith(f"artifacts/{stage}/")}

    assert {next(out for out in outs if name == out or name.startswith(f"{out}/")) for name in written} == outs


@pytest.mark.parametrize("stage", STAGES)
def test_every_out_persists_and_intermediates_are_not_cached(stage: str) -> None:
    options = {name: value for out in STAGES[stage]["outs"] for name, value in out.items()}
    cached = {name for name, value in options.items() if value.get("cache", True)}

    assert all(value["persist"] for value in options.values())
    assert not cached or stage in {"train", "evaluate"}
    assert "artifacts/evaluate/scores.parquet" not in cached


def test_every_module_has_its_layer() -> None:
    assert {module(path) for path in PACKAGE.rglob("*.py")} - {"sources"} == set.union(*LAYERS) - {"sources"}


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=module)
def test_imports_go_downwards(path: Path) -> None:
    height = {name: layer for layer, names in enumerate(LAYERS) for name in names}
    ours = {name.removeprefix("holdfast.") for name in imports(path) if name.startswith("holdfast.")}

    assert not {name for name in ours if name in height and height[name] >= height[module(path)]}


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=module)
def test_heavy_libraries_stay_in_their_module(path: Path) -> None:
    found = {name.split(".")[0] for name in imports(path)} & set(HEAVY)

    assert all(module(path) in HEAVY[name] for name in found)


def test_the_app_takes_of_the_package_only_what_is_served() -> None:
    taken = {name for path in APP.rglob("*.py") for name in imports(path) if name.startswith("holdfast")}
    libraries = {name.split(".")[0] for path in APP.rglob("*.py") for name in imports(path)}

    assert {name.split(".")[1] for name in taken if "." in name} <= SERVED
    assert not libraries & set(HEAVY)


@pytest.mark.parametrize("path", sorted([*PACKAGE.rglob("*.py"), *APP.rglob("*.py")]), ids=str)
def test_a_module_starts_with_what_it_decides_and_is_not_long(path: Path) -> None:
    source = path.read_text()
    code = [line for line in source.splitlines() if line.strip() and not line.strip().startswith("#")]

    assert ast.get_docstring(ast.parse(source))
    assert len(code) <= 240
    assert path.name not in {"utils.py", "helpers.py", "common.py"}


def test_only_errors_and_the_door_know_of_a_terminal() -> None:
    talking = {
        module(path)
        for path in PACKAGE.rglob("*.py")
        if re.search(r"\bprint\(|sys\.stdout|sys\.stderr", path.read_text())
    }

    assert talking == {"errors", "__main__"}
