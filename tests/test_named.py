"""A name means one model, by a stated order, and the model has proved itself before anyone gets it."""

import json
import shutil
from pathlib import Path

import pytest

from conftest import ROOT, MakeRepository, Project, run
from holdfast import moves, named, registry, store
from holdfast.bundle import Bundle, Release
from holdfast.errors import UserError
from holdfast.files import write_json
from holdfast.model import FORMAT
from holdfast.moves import Move

# Of mlflow 3.17 on the newest SQLAlchemy.
QUIET = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")


@pytest.fixture
def tree(project: Project, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A committed project, with the current folder in it."""
    root = project.workspace.root
    shutil.copy(ROOT / "dvc.yaml", root)
    (root / "dvc.lock").write_text("schema: '2.0'\n")
    (root / ".gitignore").write_text("/served\n/artifacts\n/data\n")
    for line in ("git init --quiet", "git add --all", "git commit --quiet --message first", "git branch later"):
        run(line, root)
    monkeypatch.chdir(root)
    return root


def hash_of(tree: Path) -> str:
    return Bundle.load(tree / "artifacts/evaluate/bundle").sha256


def test_no_name_means_the_model_of_this_tree_called_by_its_commit(tree: Path) -> None:
    found = named.load(tree, None)

    assert (found.by.version, found.by.sha256) == (run("git rev-parse HEAD", tree).strip()[:12], hash_of(tree))
    assert found.by.data_format == FORMAT


def test_a_folder_means_the_bundle_in_it_called_as_it_was_released(tree: Path) -> None:
    shutil.copytree(tree / "artifacts/evaluate/bundle", tree / "served")
    assert named.load(tree, "served").by.version == hash_of(tree)[:12]

    write_json(tree / "served/release.json", Release(version="spring").model_dump(mode="json"))

    assert named.load(tree, "served").by.version == "spring"
    assert named.load(tree, str(tree / "served")).by.sha256 == hash_of(tree)


def test_a_folder_comes_before_a_revision(tree: Path) -> None:
    shutil.copytree(tree / "artifacts/evaluate/bundle", tree / "later")

    assert named.load(tree, "later").by.sha256 == hash_of(tree)


def test_a_folder_without_a_bundle_is_refused(tree: Path) -> None:
    with pytest.raises(UserError, match=r"^error: data: found no card\.json in it, expected the folder of a bundle"):
        named.load(tree, "data")


def test_a_revision_without_a_bundle_is_refused(tree: Path) -> None:
    with pytest.raises(UserError, match=r"^error: later \(\w{7}\): its dvc\.lock records no artifacts/evaluate/bundle"):
        named.load(tree, "later")


def test_a_name_that_means_nothing_is_refused(tree: Path) -> None:
    with pytest.raises(
        UserError, match=r"^error: --model: found 'sprong', expected champion, challenger, a version's number, a Git"
    ):
        named.load(tree, "sprong")


def test_a_model_that_does_not_prove_itself_is_refused(tree: Path) -> None:
    path = tree / "artifacts/evaluate/bundle/golden.json"
    content = json.loads(path.read_text())
    content["scores"][3] += 1e-9
    path.write_text(json.dumps(content))

    with pytest.raises(UserError, match="golden row 3: found the scores"):
        named.load(tree, None)


def test_a_model_that_has_another_hash_than_was_registered_is_refused(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tree / "artifacts/evaluate/bundle"
    monkeypatch.setattr(named, "_registered", lambda *_: named.Source(bundle, "7", "0" * 64))

    with pytest.raises(
        UserError, match=rf"^error: 7: found the hash {hash_of(tree)[:12]}, expected 000000000000, as registered"
    ):
        named.load(tree, "7")


@pytest.mark.slow
def test_a_revision_means_the_bundle_that_its_lock_records_wherever_dvc_has_it(
    tmp_path: Path, make_repository: MakeRepository
) -> None:
    project = make_repository(tmp_path)
    first = hash_of(tmp_path)
    project.change(lambda content: content["train"]["gradient_boosting"].update(learning_rate=[0.2]))
    for line in ("dvc repro --quiet", "git commit --quiet --all --message second"):
        run(line, tmp_path)
    shutil.rmtree(tmp_path / ".dvc/cache")  # the first is in the remote alone

    found = named.load(tmp_path, "HEAD~1")

    assert (found.by.sha256, found.by.version) == (first, run("git rev-parse HEAD~1", tmp_path).strip()[:12])
    assert first != hash_of(tmp_path)
    with pytest.raises(UserError, match="is in neither DVC's cache nor the remote"):
        named.load(tmp_path, "HEAD")


@pytest.fixture
def registered(tree: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tree with version 1 of its model in the registry, as the champion of dev."""
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):  # mlflow sets them too, for all that comes after
        monkeypatch.setenv(name, store.address(tree))
    folder = tree / "artifacts/evaluate/bundle"
    opened = store.connect(tree)
    run_id = opened.client.create_run(opened.client.create_experiment("flights", str(tree / "mlartifacts"))).info.run_id
    opened.client.log_artifacts(run_id, str(folder), registry.MODEL)
    tags = {registry.SHA256: hash_of(tree), registry.FILES: registry.digest(folder)}
    registry.register(opened, "flight-delay-dev", run_id, tags)
    registry.point(opened, "flight-delay-dev", "challenger", 1)
    return tree


def promoted(tree: Path) -> None:
    opened = store.connect(tree)
    move = Move("promote", champion=1, before=None, seen=0, by="somebody")
    moves.append(opened, "flight-delay-dev", move, registry.find(opened, "flight-delay-dev", "1"))


@pytest.mark.slow
@QUIET
def test_an_alias_a_number_and_a_hash_mean_versions_of_the_registry(registered: Path) -> None:
    names = (
        "challenger",
        "1",
        hash_of(registered)[:9],
        "models:/flight-delay-dev@challenger",
        "models:/flight-delay-dev/1",
    )

    found = [named.load(registered, name).by for name in names]

    assert {(one.version, one.sha256) for one in found} == {("1", hash_of(registered))}
    with pytest.raises(UserError, match="found no version '7'"):
        named.load(registered, "7")


@pytest.mark.slow
@QUIET
def test_the_champion_is_what_the_log_of_moves_says(registered: Path) -> None:
    opened = store.connect(registered)
    registry.point(opened, "flight-delay-dev", "champion", 1)  # by hand
    with pytest.raises(UserError, match=r"^error: flight-delay-dev: found no champion yet\."):
        named.load(registered, "champion")

    promoted(registered)
    opened.client.delete_registered_model_alias("flight-delay-dev", "champion")  # it has yet to follow

    assert named.load(registered, "champion").by.version == "1"


@pytest.mark.slow
@QUIET
def test_a_registered_model_with_one_byte_changed_is_refused(registered: Path) -> None:
    path = next((registered / "mlartifacts").rglob("golden.json"))
    path.write_bytes(path.read_bytes().replace(b"0.", b"0.0", 1))

    with pytest.raises(UserError, match="not those that were registered: their hash is another"):
        named.load(registered, "challenger")
