"""What makes a build folder a slug: what it brings, keeps, deletes and refuses."""

import os
import re
import shutil
import subprocess
import sys
from importlib import import_module, metadata
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement

from conftest import ROOT, Project, run

LOCK = (ROOT / "requirements-work.txt").read_text()


@pytest.fixture(scope="module")
def slug() -> ModuleType:
    sys.path.insert(0, str(ROOT / "bin"))
    try:
        return import_module("slug")
    finally:
        sys.path.remove(str(ROOT / "bin"))


def post_compile(build: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it as Heroku's build pack does: in the build folder, with the Python that will serve first on PATH."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV"))}
    return subprocess.run(
        ["bin/post_compile"], cwd=build, env={**plain, "PATH": path, **environment}, capture_output=True, text=True
    )


def tracked() -> list[str]:
    """Return the files of this repository, with those that are new."""
    names = run("git ls-files --cached --others --exclude-standard", ROOT).splitlines()
    return [name for name in names if (ROOT / name).is_file()]


def copy(names: list[str], build: Path) -> None:
    for name in names:
        (build / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, build / name)


def test_a_repository_is_not_touched(tmp_path: Path) -> None:
    copy(["bin/post_compile", "bin/slug.py", "README.md"], tmp_path)
    (tmp_path / ".git").mkdir()

    done = post_compile(tmp_path)

    assert done.returncode == 1
    assert re.search(r"this is a Git repository, expected a build folder.*\n  fix: git archive", done.stderr)
    assert (tmp_path / "README.md").exists()


def test_an_alias_is_resolved_before_it_is_deployed(tmp_path: Path) -> None:
    copy(["bin/post_compile", "bin/slug.py", "README.md"], tmp_path)

    done = post_compile(tmp_path, MODEL_URI="models:/flight-delay@champion")

    assert done.returncode == 1
    assert re.search(r"MODEL_URI: found models:/flight-delay@champion, expected a folder.*\n  fix: export", done.stderr)
    assert (tmp_path / "README.md").exists()


@pytest.mark.parametrize("s3", [False, True])
def test_dvc_is_installed_with_all_that_it_needs_and_nothing_for_s3_unless_asked(slug: ModuleType, s3: bool) -> None:
    lines = slug.needed(LOCK, s3=s3)

    names = set(re.findall(r"^([\w.-]+)(?:\[.*\])?==", lines, re.MULTILINE))
    assert required_by("dvc[s3]" if s3 else "dvc") <= names
    assert {"dvc-s3" in names, "botocore" in names} == {s3}
    assert names.isdisjoint({"mlflow", "pandas", "great-expectations"})
    assert lines.count("==") <= lines.count("--hash=sha256:")


def required_by(root: str) -> set[str]:
    """Return what a package needs here, as the installed packages say."""
    found: set[str] = set()
    left = [Requirement(root)]
    while left:
        parent = left.pop()
        name = re.sub(r"[-_.]+", "-", parent.name).lower()
        if name in found:
            continue
        found.add(name)
        needs = map(Requirement, metadata.requires(name) or [])
        extras = parent.extras or {""}
        left += [need for need in needs if not need.marker or any(need.marker.evaluate({"extra": e}) for e in extras)]
    return found


def test_the_remote_is_the_default_or_the_one_that_is_named(
    slug: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".dvc").mkdir()
    config = "[core]\n    remote = embedded\n['remote \"embedded\"']\n    url = ../dvc-remote\n"
    (tmp_path / ".dvc/config").write_text(config + "['remote \"cloud\"']\n    url = s3://bucket/path\n")

    default = slug.address(tmp_path)
    monkeypatch.setenv("DVC_REMOTE", "cloud")

    assert (default, slug.address(tmp_path)) == ("../dvc-remote", "s3://bucket/path")


def test_only_what_serves_stays(slug: ModuleType, tmp_path: Path) -> None:
    copy(tracked(), tmp_path)
    for name in (".heroku/python/bin/python", ".profile.d/python.sh", "artifacts/evaluate/bundle/model.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    slug.remove(tmp_path, "artifacts/evaluate/bundle")

    left = {path.name for path in tmp_path.iterdir()}
    assert left == {".heroku", ".profile.d", ".python-version"} | {
        *("LICENSE", "Procfile", "app", "artifacts", "gunicorn.conf.py", "requirements.txt", "src")
    }
    files = [path.relative_to(tmp_path).as_posix() for path in (tmp_path / "artifacts").rglob("*") if path.is_file()]
    assert files == ["artifacts/evaluate/bundle/model.json"]


@pytest.mark.slow
def test_an_exported_champion_is_served_as_it_is_and_nothing_pulled(tmp_path: Path, project: Project) -> None:
    copy([name for name in tracked() if not name.startswith("dvc-remote/")], tmp_path)
    shutil.copytree(project.workspace.root / "artifacts/evaluate/bundle", tmp_path / "champion")

    done = post_compile(tmp_path, MODEL_URI="champion")

    assert done.returncode == 0, done.stderr
    assert "through DVC" not in done.stdout
    assert "golden rows, each with its score" in done.stdout
    assert (tmp_path / "champion/model.skops").exists()
    assert not (tmp_path / "dvc.lock").exists()


@pytest.mark.slow
def test_a_damaged_model_ends_the_build(tmp_path: Path, project: Project) -> None:
    copy([name for name in tracked() if not name.startswith("dvc-remote/")], tmp_path)
    shutil.copytree(project.workspace.root / "artifacts/evaluate/bundle", tmp_path / "champion")
    model = tmp_path / "champion/model.skops"
    model.write_bytes(model.read_bytes()[:-1])

    done = post_compile(tmp_path, MODEL_URI="champion")

    assert done.returncode == 1
    assert "model.skops" in done.stderr
