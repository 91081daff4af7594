"""Pull requests from the push to the comment: Git, DVC, the jobs of the workflows, and a GitHub of our own."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from actions import Job, run_job
from conftest import ROOT, ROWS, MakeRepository, MakeRows, Project, run
from github_api import BOT, GitHub
from holdfast import files

pytestmark = pytest.mark.slow

CI, REPORT = (ROOT / ".github" / "workflows" / name for name in ("ci.yml", "report.yml"))


@dataclass
class Hub:
    """A bare repository as origin, the GitHub that shows its pull requests, and a warm runner."""

    folder: Path
    github: GitHub

    @property
    def origin(self) -> Path:
        return self.folder / "origin.git"

    def author(self) -> Project:
        """Give an author's clone of main, with its artifacts and its cache."""
        root = Path(shutil.copytree(self.folder / "seed", self.folder / "author", symlinks=True))
        run(f"git remote set-url origin {self.origin}", root)
        run("git checkout --quiet -b branch", root)
        return Project(root)

    def push(self, project: Project, *, reproduce: bool = True, message: str = "change") -> str:
        """Reproduce, commit and push as an author does; return the commit."""
        root = project.workspace.root
        for command in ("dvc repro --quiet", "dvc push --quiet") if reproduce else ():
            run(command, root)
        run("git add --all", root)
        run(f"git commit --quiet --message '{message}'", root)
        run("git push --quiet --force origin branch", root)
        return run("git rev-parse HEAD", root).strip()

    def check(self, head: str, number: int = 7) -> Job:
        """Run the pipeline job on the merge of the branch into main, on a runner with main's caches."""
        checkout = self.folder / f"runner-{head[:7]}"
        run(f"git clone --quiet {self.origin} {checkout}", self.folder)
        run("git checkout --quiet --detach origin/main", checkout)
        run(f"git merge --quiet --no-ff --no-edit {head}", checkout)
        context = {"github.event_name": "pull_request", "github.event.pull_request.number": str(number)}
        context["steps.artifacts.outputs.cache-hit"] = "true"
        return run_job(CI, "pipeline", checkout, context, self.folder / "seed")

    def comment(self, job: Job, head: str) -> None:
        """Run what report.yml runs, with the artifact of the job."""
        made = self.github.add_run(head)
        self.github.add_artifact(made, job.artifact)
        post = f"python3 -m holdfast post --repository {self.github.repository} --run {made} --head {head}"
        environment = {
            "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "src"), "GITHUB_API_URL": self.github.url,
            "GITHUB_SERVER_URL": self.github.server, "GITHUB_TOKEN": self.github.token,
        }  # fmt: skip
        subprocess.run(post.split(), cwd=ROOT, env=environment, check=True, capture_output=True)


def for_few_rows(content: dict[str, Any]) -> None:
    """Set margins that two thousand rows can tell from nothing."""
    content["gates"]["margin"] = {"roc_auc": 0.03, "log_loss": 0.05}
    content["gates"]["slices"] = {"margin": {"roc_auc": 0.05, "log_loss": 0.1}, "rows": 50, "labels": 10}


@pytest.fixture(scope="module")
def seed(tmp_path_factory: pytest.TempPathFactory, make_repository: MakeRepository) -> Path:
    """A clone of main with a model, and the bare origin beside it."""
    folder = tmp_path_factory.mktemp("hub")
    root = make_repository(folder / "seed", for_few_rows).workspace.root
    run(f"git clone --quiet --bare {root} {folder / 'origin.git'}", folder)
    run(f"git remote add origin {folder / 'origin.git'}", root)
    return folder


@pytest.fixture
def hub(seed: Path, tmp_path: Path) -> Iterator[Hub]:
    shutil.copytree(seed, tmp_path / "hub", symlinks=True)
    with GitHub() as github:
        yield Hub(tmp_path / "hub", github)


@pytest.fixture
def project(hub: Hub) -> Project:
    return hub.author()


def boosting(**settings: Any) -> Callable[[dict[str, Any]], None]:
    return lambda content: content["train"]["gradient_boosting"].update(settings)


def edit(project: Project, name: str, before: str, after: str) -> None:
    path = project.workspace.root / name
    content = path.read_text()
    assert before in content
    path.write_text(content.replace(before, after))


def verdict(job: Job) -> str:
    return str(json.loads(job.artifact["report.json"])["verdict"])


def failed_gates(job: Job) -> list[str]:
    return [gate["code"] for gate in json.loads(job.artifact["report.json"])["gates"] if not gate["passed"]]


def stages_run(job: Job) -> list[str]:
    lines = "\n".join(job.said.values()).splitlines()
    return [line.split("'")[1] for line in lines if line.startswith("Running stage")]


def comments(hub: Hub) -> list[str]:
    """Return what the bot has written, which is all that was."""
    assert {author for author, _ in hub.github.comments(7)} <= {BOT}
    return [body for _, body in hub.github.comments(7)]


def carried_out(hub: Hub, project: Project, **how: Any) -> Job:
    """Push, check and comment, as the first run of a pull request."""
    head = hub.push(project, **how)
    hub.github.add_pull(7, head)
    job = hub.check(head)
    hub.comment(job, head)
    return job


def test_a_better_model_is_promoted_and_a_second_push_changes_the_one_comment(hub: Hub, project: Project) -> None:
    project.change(boosting(max_iterations=60))
    job = carried_out(hub, project)

    assert (verdict(job), job.failed) == ("promote", [])
    assert stages_run(job) == ["evaluate"]  # the author has pushed the model, and no scores: they are made again
    (first,) = comments(hub)
    assert job.summary.rstrip() in first
    assert "Promote" in first

    project.change(boosting(max_iterations=70))
    head = hub.push(project)
    hub.github.push(7, head)
    hub.comment(hub.check(head), head)

    (second,) = comments(hub)
    assert second != first
    assert [write.method for write in hub.github.writes] == ["POST", "PATCH"]


def test_a_worse_model_is_refused(hub: Hub, project: Project) -> None:
    project.change(boosting(max_iterations=1))

    job = carried_out(hub, project)

    assert verdict(job) == "keep"
    assert "G2" in failed_gates(job)
    assert job.failed == ["The gate"]
    assert "Keep" in comments(hub)[0]


def test_a_model_that_ruins_one_slice_is_refused_though_it_is_better_elsewhere(hub: Hub, project: Project) -> None:
    project.change(boosting(max_iterations=60))
    edit(
        project, "src/holdfast/model.py",
        "return np.round(self._forest.positive(features), DECIMALS)",
        "blind = np.where(inputs['carrier'] == 'AA', 0.5, self._forest.positive(features))\n"
        "            return np.round(blind, DECIMALS)",
    )  # fmt: skip

    job = carried_out(hub, project)

    assert (verdict(job), failed_gates(job), job.failed) == ("keep", ["G3"], ["The gate"])
    assert "airline AA" in comments(hub)[0]


def test_words_alone_run_no_stage(hub: Hub, project: Project) -> None:
    (project.workspace.root / "README.md").write_text("Better words.\n")

    job = carried_out(hub, project, reproduce=False)

    assert (verdict(job), job.failed, stages_run(job)) == ("promote", [], [])
    assert json.loads(job.artifact["report.json"])["same_scores"]


def test_a_month_more_is_judged_on_that_month(hub: Hub, project: Project, make_rows: MakeRows) -> None:
    files.write(project.partition("2013-05"), make_rows(project.params.data, "2013-05", ROWS))
    run("dvc add --quiet data", project.workspace.root)

    job = carried_out(hub, project)

    assert job.failed == [] if verdict(job) == "promote" else ["The gate"]
    assert verdict(job) != "cannot judge"
    assert "2013-05" in comments(hub)[0]
    assert len(json.loads(job.artifact["report.json"])["cells"]) == 4


def test_who_forgets_to_commit_the_lock_is_told_the_command(hub: Hub, project: Project) -> None:
    project.change(boosting(max_iterations=60))

    job = carried_out(hub, project, reproduce=False)

    assert stages_run(job) == ["train", "evaluate"]
    assert job.failed == ["Was what ran also committed?"]
    assert "dvc repro" in job.said["Was what ran also committed?"]
    assert verdict(job) == "promote"
    assert "dvc.lock is not the one that was committed" in comments(hub)[0]


def test_a_base_without_a_model_cannot_be_judged(hub: Hub, project: Project) -> None:
    root = project.workspace.root
    run("git checkout --quiet main", root)
    run("git rm --quiet dvc.lock", root)
    run("git commit --quiet --message 'no model yet'", root)
    run("git push --quiet origin main", root)
    run("git checkout --quiet -B branch", root)
    run("git checkout --quiet HEAD~1 -- dvc.lock", root)

    job = carried_out(hub, project, reproduce=False)

    assert (verdict(job), job.failed) == ("cannot judge", ["The gate"])
    assert "has no model" in comments(hub)[0]


def test_a_pipeline_that_fails_still_gets_its_comment(hub: Hub, project: Project) -> None:
    project.change(lambda content: content["contract"].update(rows={"min": 5_000}))

    job = carried_out(hub, project, reproduce=False)

    assert verdict(job) == "cannot judge"
    assert job.failed[0] == "Run what changed"
    assert job.failed[-1] == "The gate"
    assert "would run again" in comments(hub)[0]
