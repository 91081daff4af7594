"""What a platform that builds from Git gets: HEAD and a model, the same commit each time, and no key in sight."""

import json
import os
import shutil
import stat
from pathlib import Path

import pytest

from conftest import ENVIRONMENT, Project, run
from holdfast import deploying
from holdfast.bundle import RELEASE, Bundle
from holdfast.commands import deploy
from holdfast.errors import DONE, UserError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with one commit."""
    root = tmp_path / "repository"
    root.mkdir()
    (root / "app.py").write_text("serve()\n")
    (root / ".gitignore").write_text("reports/\n")
    (root / ".gitattributes").write_text("* text\n")  # as if Git was free to change the ends of lines
    for command in ("git init --quiet --initial-branch main", "git add --all", "git commit --quiet --message first"):
        run(command, root)
    return root


@pytest.fixture
def platform(tmp_path: Path) -> Path:
    """The Git repository of a platform."""
    run("git init --quiet --bare platform.git", tmp_path)
    return tmp_path / "platform.git"


@pytest.fixture
def served(root: Path, finished_project: Project) -> Path:
    """An exported bundle, in a folder that Git ignores."""
    folder = Path(shutil.copytree(finished_project.workspace.evaluate / "bundle", root / "reports" / "served"))
    (folder / RELEASE).write_bytes(b'{"version": "7"}\r\n')
    return folder


def checked_out(platform: Path, into: Path) -> Path:
    run(f"git clone --quiet --branch main {platform} {into}", platform.parent)
    return into


def test_the_platform_gets_the_code_of_head_with_the_model_in_it(
    root: Path, platform: Path, served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "app.py").write_text("not committed\n")
    monkeypatch.chdir(root)

    assert deploy.run(root, "reports/served", str(platform)) == DONE

    there = checked_out(platform, tmp_path / "slug")
    assert (there / "app.py").read_text() == "serve()\n"
    assert Bundle.load(there / "served").version == "7"
    assert {path.name: path.read_bytes() for path in (there / "served").iterdir()} == {
        path.name: path.read_bytes() for path in served.iterdir()
    }
    assert run("git log --format=%s", there).splitlines()[-1] == "first"


def test_nothing_here_is_touched(root: Path, platform: Path, served: Path) -> None:
    (root / "app.py").write_text("not committed\n")
    before = [run(command, root) for command in ("git status --porcelain", "git log --all --format=%H", "git diff")]

    deploying.push(root, served, str(platform))

    after = [run(command, root) for command in ("git status --porcelain", "git log --all --format=%H", "git diff")]
    assert after == before


def test_the_same_code_and_model_are_the_same_commit_and_another_model_another(
    root: Path, platform: Path, served: Path
) -> None:
    first = deploying.push(root, served, str(platform))
    again = deploying.push(root, served, str(platform))
    (served / RELEASE).write_text(json.dumps({"version": "8"}))
    other = deploying.push(root, served, str(platform))

    assert first == again != other
    assert run("git rev-parse main", platform).strip() == other


def test_what_the_platform_refuses_is_no_success(root: Path, platform: Path, served: Path) -> None:
    hook = platform / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho the build failed >&2\nexit 1\n")
    hook.chmod(hook.stat().st_mode | stat.S_IXUSR)

    with pytest.raises(UserError, match=r"git push: exited with 1: it says why above"):
        deploying.push(root, served, str(platform))


def test_a_folder_without_a_bundle_is_refused(root: Path, platform: Path) -> None:
    (root / "empty").mkdir()

    with pytest.raises(UserError, match=r"empty: found no model\.json, expected an exported bundle"):
        deploying.push(root, root / "empty", str(platform))


def test_heroku_is_shown_the_key_and_no_one_else_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEROKU_API_KEY", "secret")
    settings = deploying._key("https://git.heroku.com/app.git")
    asked = "git config --get-urlmatch http.extraHeader"

    monkeypatch.setattr("conftest.ENVIRONMENT", ENVIRONMENT | settings)

    assert run(f"{asked} https://git.heroku.com/app.git", Path.cwd()) == "Authorization: Basic aGVyb2t1OnNlY3JldA==\n"
    assert run(f"{asked} https://git.example.org/app.git", Path.cwd(), expected=1) == ""
    assert deploying._key("https://git.example.org/app.git") == {}
    assert "HEROKU_API_KEY" in os.environ
