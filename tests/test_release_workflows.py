"""Releases from the push to the service: the jobs of the workflows, with a registry, a GitHub and a platform of our own."""

import json
import os
import re
import shutil
import signal
import socket
import stat
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from actions import Context, Job, run_job
from conftest import ROOT, MakeRepository, Project, run
from github_api import GitHub
from holdfast import environments, moves, release_steps, store
from holdfast.bundle import Bundle
from holdfast.files import Workspace
from holdfast.release_steps import Plan

pytestmark = pytest.mark.slow

STEPS = {"uat": "Train, register, score a sample, verify which model scored",
         "prod": "Train, register, check, compare, promote, deploy"}  # fmt: skip
# A platform that builds from Git: it checks out what was pushed, and starts it.
HOOK = """#!/bin/sh
set -eu
mkdir -p {slug}
git --work-tree={slug} checkout --force main
cd {slug}
[ -f app.pid ] && kill "$(cat app.pid)" && sleep 2
unset GIT_DIR
MODEL_URI=served PORT= PREDICTION_LOG=off WEB_CONCURRENCY=1 PYTHONPATH={slug}/src:{slug} \\
    {python}/gunicorn --bind 127.0.0.1:{port} --pid app.pid --daemon app.wsgi:app
"""


class Platform(NamedTuple):
    """Where it is pushed to, where that is checked out, and where it listens."""

    repository: Path
    slug: Path
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def commits(self) -> list[str]:
        """Return what is deployed, with its history."""
        return run("git log --format=%H --branches", self.repository).split()

    def serves(self) -> str:
        """Return the hash of the model that the service says it serves."""
        with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as response:
            return str(json.load(response)["model"]["sha256"])


def for_few_rows(content: dict[str, Any]) -> None:
    """Set margins that a thousand rows can tell from nothing."""
    content["gates"]["margin"] = {"roc_auc": 0.05, "log_loss": 0.05}
    content["gates"]["slices"] = {"margin": {"roc_auc": 0.1, "log_loss": 0.1}, "rows": 50, "labels": 10}


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory, make_repository: MakeRepository) -> Path:
    """A repository with a model on main."""
    return make_repository(tmp_path_factory.mktemp("origin") / "seed", for_few_rows).workspace.root


@pytest.fixture
def checkout(origin: Path, tmp_path: Path) -> Path:
    """What a runner checks out: no cache, no artifacts."""
    run(f"git clone --quiet {origin} {tmp_path / 'checkout'}", tmp_path)
    return tmp_path / "checkout"


@pytest.fixture
def trained(origin: Path, tmp_path: Path) -> Path:
    """A clone in which nothing is to be trained any more."""
    return Path(shutil.copytree(origin, tmp_path / "trained", symlinks=True))


def release(name: str, checkout: Path, context: Context | None = None, runner: Context | None = None) -> Job:
    store = (f"MLFLOW_{name}" for name in ("TRACKING_URI", "TRACKING_USERNAME", "TRACKING_PASSWORD", "REGISTRY_URI"))
    known = {f"secrets.{secret}": "" for secret in (*store, "HEROKU_API_KEY")}
    known |= {"vars.DEPLOY_REMOTE": "", "vars.DEPLOY_URL": ""}
    workflow = ROOT / ".github" / "workflows" / f"{name}.yml"
    return run_job(workflow, "release", checkout, known | (context or {}), checkout / "no-cache", runner)


def took(job: Job, name: str) -> list[str]:
    """Return the steps of a release that are listed at its end."""
    return re.findall(r"^  (\S.*?) +[\d.]+ s(?:  exit code \d+)?$", job.said[STEPS[name]], re.MULTILINE)


def test_a_pull_request_is_trained_registered_and_scored_with_what_was_registered(checkout: Path) -> None:
    job = release("uat", checkout)

    assert job.passed, job.said[STEPS["uat"]]
    assert took(job, "uat") == ["train", "as committed", "publish", "score a sample", "which model scored"]
    manifest = json.loads((checkout / "reports/release/uat/scores/manifest.json").read_text())
    assert manifest["model"]["sha256"] == made(checkout)
    assert (manifest["model"]["version"], list(manifest["partitions"])) == ("1", ["2013-04"])
    assert "flight-delay-uat, version 1 (challenger)" in job.said[STEPS["uat"]]


def made(checkout: Path) -> str:
    return Bundle.load(checkout / "artifacts/evaluate/bundle").sha256


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    run("git init --quiet --bare platform.git", tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as free:
        found = Platform(tmp_path / "platform.git", tmp_path / "slug", free.getsockname()[1])
    hook = found.repository / "hooks" / "post-receive"
    hook.write_text(HOOK.format(slug=found.slug, python=Path(sys.executable).parent, port=found.port))
    hook.chmod(hook.stat().st_mode | stat.S_IXUSR)
    yield found
    if (found.slug / "app.pid").exists():
        os.kill(int((found.slug / "app.pid").read_text()), signal.SIGTERM)


def test_a_release_that_somebody_agrees_to_is_promoted_and_deployed(
    trained: Path, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    with GitHub() as github:
        number = github.add_run("a" * 40, event="push")
        github.add_approval(number, "ben", "prod")
        context = {
            "secrets.MLFLOW_TRACKING_URI": f"sqlite:///{trained / 'mlflow.db'}", "github.token": github.token,
            "vars.DEPLOY_REMOTE": str(platform.repository), "vars.DEPLOY_URL": platform.url,
        }  # fmt: skip
        runner = {
            "GITHUB_ACTIONS": "true", "GITHUB_ACTOR": "zoe", "GITHUB_API_URL": github.url,
            "GITHUB_REPOSITORY": github.repository, "GITHUB_RUN_ID": str(number),
        }  # fmt: skip

        job = release("prod", trained, context, runner)

    assert job.passed, job.said[STEPS["prod"]]
    assert took(job, "prod")[-4:] == ["promote", "export", "deploy", "what is served"]
    assert platform.serves() == made(trained)
    assert platform.commits()[1:] == run("git log --format=%H", trained).split()
    monkeypatch.setenv("HOLDFAST_ENV", "prod")
    plan = Plan(Workspace(trained), environments.current(Project(trained).params))
    (move,) = moves.history(store.connect(trained), plan.environment.settings.model)
    assert (move.by, move.approved_by, move.verdict) == ("zoe", ("ben",), "promote")
    (promote,) = (step for step in release_steps.steps(plan) if step.name == "promote")
    assert promote.done()  # whoever releases it again goes on with what comes after
