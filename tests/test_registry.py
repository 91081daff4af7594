"""A name stands for the very bytes that were registered under it, or is refused."""

from pathlib import Path

import pytest

from conftest import Project
from holdfast import moves, registry, store
from holdfast.bundle import Bundle
from holdfast.errors import UserError
from holdfast.registry import COMMIT, SHA256, Version
from holdfast.store import Store
from stores import crown, open_in, register

NAME = "delay"


@pytest.fixture
def folder(finished_project: Project) -> Path:
    return finished_project.workspace.evaluate / "bundle"


@pytest.fixture
def version(opened: Store, folder: Path) -> Version:
    return register(opened, NAME, folder, **{SHA256: Bundle.load(folder).sha256, COMMIT: "0123456"})


def artifact(opened: Store, version: Version, name: str) -> Path:
    """Return where the default store keeps a file of a bundle."""
    assert opened.artifacts is not None
    return next(opened.artifacts.rglob(f"{version.run}/**/{name}"))


def test_what_is_fetched_is_what_was_registered(opened: Store, version: Version, folder: Path, tmp_path: Path) -> None:
    crown(opened, version)

    found, fetched = moves.fetch(tmp_path, "models:/delay@champion", tmp_path / "into")

    assert found == version._replace(aliases=("champion",))
    bundle = Bundle.load(fetched)
    assert bundle.sha256 == Bundle.load(folder).sha256
    assert bundle.release is not None
    assert (bundle.version, bundle.release.commit) == ("1", "0123456")


@pytest.mark.parametrize("name", ["model.json", "model.skops", "card.json", "golden.json"])
def test_a_byte_that_changed_is_refused(opened: Store, version: Version, tmp_path: Path, name: str) -> None:
    path = artifact(opened, version, name)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)

    with pytest.raises(UserError, match=r"models:/delay/1: the files are not those that were registered"):
        registry.download(opened, version, tmp_path)


def test_a_file_that_is_gone_is_refused(opened: Store, version: Version, tmp_path: Path) -> None:
    artifact(opened, version, "golden.json").unlink()

    with pytest.raises(UserError, match=r"models:/delay/1: the files are not those that were registered"):
        registry.download(opened, version, tmp_path)


def test_a_version_of_something_else_is_refused(opened: Store, version: Version, tmp_path: Path) -> None:
    other = opened.client.create_model_version(NAME, f"runs:/{version.run}/model", version.run)

    with pytest.raises(UserError, match=r"models:/delay/2: found no model of Holdfast with its hashes"):
        moves.fetch(tmp_path, f"models:/delay/{other.version}", tmp_path / "into")


def test_to_register_a_run_twice_makes_one_version(opened: Store, version: Version) -> None:
    again = registry.register(opened, NAME, version.run, version.tags)

    assert again == version
    assert len(registry.versions(opened, NAME)) == 1


def test_a_version_is_found_by_alias_number_and_hash(opened: Store, version: Version, folder: Path) -> None:
    second = register(opened, NAME, folder, **{SHA256: "f" * 64})
    registry.point(opened, NAME, "challenger", second.number)

    found = [
        registry.find(opened, NAME, what).number for what in ("challenger", "1", "2", version.sha256[:7], "fffffff")
    ]

    assert found == [2, 1, 2, 1, 2]


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("chalenger", r"found no version 'chalenger', did you mean 'challenger'\?; there are 1 to 2"),
        ("7", "found no version '7'; there are 1 to 2"),
        ("ffff", "found no version 'ffff'.*a hash by 7 characters"),
        ("1234567", "begins the hash of several versions"),
    ],
)
def test_what_is_not_found_is_told(opened: Store, folder: Path, what: str, said: str) -> None:
    for end in "ab":
        register(opened, NAME, folder, **{SHA256: "1234567" + end * 57})
    registry.point(opened, NAME, "challenger", 1)

    with pytest.raises(UserError, match=f"(?s){said}"):
        registry.find(opened, NAME, what)


def test_an_empty_registry_says_what_to_do(opened: Store) -> None:
    with pytest.raises(UserError, match=r"delay: the registry at sqlite:.* has no version of it.*\n  fix: .*publish"):
        registry.find(opened, NAME, "champion")


@pytest.mark.parametrize("name", ["models:/delay", "models:/delay/", "models:/delay/1/2", "models:/"])
def test_a_name_of_another_form_is_refused(name: str) -> None:
    with pytest.raises(UserError, match="expected models:/NAME@ALIAS or models:/NAME/NUMBER"):
        registry.split(name)


def test_a_store_that_was_moved_is_put_right(empty_store: Path, folder: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    version = register(open_in(first, empty_store), NAME, folder)
    first.rename(second)

    found, fetched = moves.fetch(second, "models:/delay/1", tmp_path / "into")

    assert found == version
    assert Bundle.load(fetched).sha256 == Bundle.load(folder).sha256


def test_a_store_that_is_no_database_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / store.DATABASE).write_text("something else" * 100)

    with pytest.raises(UserError, match=r"mlflow.db: not a database that can be read"):
        store.connect(tmp_path)
