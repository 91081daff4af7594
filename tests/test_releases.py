"""What is exported is the bundle of the tree or of a name, proven, with its name and its verdict, or nothing."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from conftest import ROOT, Project, run
from holdfast import files, moves, provenance, registry, releases
from holdfast.bundle import Bundle, Golden
from holdfast.errors import UserError
from stores import crown, open_in, register

Judge = Callable[..., None]


@pytest.fixture
def tree(project: Project) -> Path:
    root = project.workspace.root
    shutil.copy(ROOT / "dvc.yaml", root)
    (root / "dvc.lock").write_text("schema: '2.0'\n")
    (root / "data.dvc").write_text("outs:\n- md5: 0123456789abcdef.dir\n")
    (root / ".gitignore").write_text("/served\n/reports\n/artifacts\n/data\n")
    for command in ("git init --quiet", "git add --all", "git commit --quiet --message first"):
        run(command, root)
    return root


@pytest.fixture
def judge(tree: Path) -> Judge:
    def write(**changes: str) -> None:
        now = provenance.side(tree, None, "")
        path = tree / "reports" / "comparison" / "report.json"
        path.parent.mkdir(parents=True)
        side = {"name": "here", "commit": now.commit, "lock": now.lock, "params": now.params}
        gates = [{"code": "G1", "passed": True, "text": "above the floor"}, {"code": "G2", "passed": None, "text": "?"}]
        report = {"verdict": "keep", "champion": {**side, "name": "main"}, "challenger": side | changes, "gates": gates}
        path.write_text(json.dumps(report))

    return write


def test_the_model_of_a_committed_tree_is_called_by_its_commit(tree: Path) -> None:
    head = run("git rev-parse HEAD", tree).strip()

    exported = releases.export(tree, None, tree / "served")

    assert exported.version == head[:12]
    assert exported.release is not None
    assert (exported.release.commit, exported.release.data) == (head, "0123456789abcdef.dir")
    assert (exported.release.verdict, exported.release.gates) == (None, ())
    assert Bundle.load(tree / "served").sha256 == Bundle.load(tree / "artifacts/evaluate/bundle").sha256


def test_the_model_of_a_changed_tree_has_no_commit(tree: Path) -> None:
    (tree / "params.yaml").write_text((tree / "params.yaml").read_text() + "\n")

    release = releases.of_tree(tree)

    assert release.commit is None
    assert release.version.startswith("not-committed-")


def test_the_verdict_on_this_very_tree_travels_along(tree: Path, judge: Judge) -> None:
    judge()

    release = releases.of_tree(tree)

    assert (release.verdict, release.against) == ("keep", "main")
    assert [(gate.code, gate.passed) for gate in release.gates] == [("G1", True), ("G2", False)]


def test_the_verdict_on_another_tree_does_not(tree: Path, judge: Judge) -> None:
    judge(lock="another")

    assert releases.of_tree(tree).verdict is None


def test_a_bundle_that_does_not_prove_itself_is_not_exported_and_the_older_one_stays(tree: Path) -> None:
    releases.export(tree, None, tree / "served")
    before = {path.name: path.read_bytes() for path in (tree / "served").iterdir()}
    golden = tree / "artifacts" / "evaluate" / "bundle" / "golden.json"
    wrong = files.read_json(golden, Golden)
    scores = (np.nextafter(wrong.scores[0], 1), *wrong.scores[1:])
    files.write_json(golden, wrong.model_copy(update={"scores": scores}).model_dump(mode="json"))

    with pytest.raises(UserError, match="golden row 0: found the scores"):
        releases.export(tree, None, tree / "served")

    assert {path.name: path.read_bytes() for path in (tree / "served").iterdir()} == before


def test_a_folder_with_something_else_in_it_is_left_alone(tree: Path) -> None:
    with pytest.raises(UserError, match=r"found files that are no bundle, expected an empty folder or an older bundle"):
        releases.export(tree, None, tree / "data")
    with pytest.raises(UserError, match=r"params.yaml: found files that are no bundle"):
        releases.export(tree, None, tree / "params.yaml")

    assert list((tree / "data").rglob("*.parquet"))
    assert (tree / "params.yaml").is_file()


@pytest.mark.slow
def test_the_command_says_what_was_exported(tree: Path) -> None:
    said = run(f"{sys.executable} -m holdfast export served", tree)

    assert "served: version " in said
    assert "golden rows have the scores that the evaluation saw" in said
    assert "MODEL_URI=served" in said


def test_a_name_of_the_registry_is_resolved_to_its_version(
    tree: Path, tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, folder = open_in(tree, empty_store), tree / "artifacts" / "evaluate" / "bundle"
    for _ in range(2):
        version = register(opened, "delay", folder, **{registry.VERDICT: "promote", registry.AGAINST: "version 1"})
    crown(opened, version)

    by_alias = releases.export(tree, "models:/delay@champion", tmp_path / "by_alias")
    by_number = releases.export(tree, "models:/delay/1", tmp_path / "by_number")
    monkeypatch.setenv("HOLDFAST_ENV", "prod")
    in_prod = register(opened, "flight-delay", folder)
    short = releases.export(tree, str(in_prod.number), tmp_path / "short")

    assert short.version == "1"
    assert (by_alias.version, by_number.version) == ("2", "1")
    assert by_alias.release is not None
    assert (by_alias.release.verdict, by_alias.release.against) == ("promote", "version 1")
    with pytest.raises(UserError, match="delay: found no version 'nobody'; there are 1 to 2"):
        releases.export(tree, "models:/delay@nobody", tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


def test_a_name_is_looked_up_where_the_environment_keeps_its_names(
    tree: Path, tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "server").mkdir()
    opened = open_in(tmp_path / "server", empty_store)
    register(opened, "delay", tree / "artifacts" / "evaluate" / "bundle")
    elsewhere = {"model": "delay", "tracking": opened.address}
    Project(tree).change(lambda content: content["environments"].update(prod=elsewhere))

    monkeypatch.setenv("HOLDFAST_ENV", "prod")

    assert releases.export(tree, "models:/delay/1", tmp_path / "served").version == "1"
    assert not (tree / "mlflow.db").exists()


def test_without_mlflow_a_name_is_to_be_exported_elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)

    with pytest.raises(UserError, match=r"mlflow is not installed here\.\n  fix: .* export FOLDER --model NAME"):
        moves.fetch(tmp_path, "models:/a@b", tmp_path)
