"""What runs on GitHub and GitLab: pinned, with few rights, and nothing that a laptop could not run."""

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from conftest import ENVIRONMENT, ROOT
from holdfast import release_steps
from holdfast.command_line import parser
from holdfast.params import Params

FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS = {path.stem: yaml.safe_load(path.read_text()) for path in sorted(FOLDER.glob("*.yml"))}
CI = WORKFLOWS["ci"]
ON = True  # YAML 1.1 reads the key `on` so
GITLAB = yaml.safe_load((ROOT / ".gitlab-ci.yml").read_text())
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


class Step(NamedTuple):
    """A step, with the job and the workflow that it belongs to."""

    workflow: str
    job: str
    content: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.workflow}: {self.job}: {self.content.get('name', self.content.get('uses'))}"


JOBS = [(name, job, content) for name, workflow in WORKFLOWS.items() for job, content in workflow["jobs"].items()]
STEPS = [Step(name, job, step) for name, job, content in JOBS for step in content.get("steps", [])]
RUNS = [step for step in STEPS if "run" in step.content]


def steps_of(job: str) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = CI["jobs"][job]["steps"]
    return steps


def using(action: str) -> list[Step]:
    return [step for step in STEPS if step.content.get("uses", "").startswith(f"actions/{action}@")]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yml")), ids=lambda path: path.name)
def test_every_action_is_pinned_by_its_hash_with_the_version_beside_it(path: Path) -> None:
    used = [line.strip().removeprefix("- ") for line in path.read_text().splitlines() if "uses:" in line]

    assert [line for line in used if not re.fullmatch(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []


def test_an_action_has_one_version_everywhere() -> None:
    pins = {step.content["uses"] for step in STEPS if "uses" in step.content}
    repositories = ["/".join(pin.partition("@")[0].split("/")[:2]) + pin.partition("@")[2] for pin in pins]

    assert len(set(repositories)) == len({pin.split("@")[0].split("/")[1] for pin in pins})


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_a_workflow_may_do_nothing_until_a_job_asks_and_no_two_of_it_collide(workflow: str) -> None:
    assert WORKFLOWS[workflow]["permissions"] == {}
    assert WORKFLOWS[workflow]["name"] == workflow
    assert WORKFLOWS[workflow]["concurrency"]["group"].startswith(workflow)


@pytest.mark.parametrize(("workflow", "job", "content"), JOBS, ids=[f"{name}-{job}" for name, job, _ in JOBS])
def test_every_job_ends_in_time_and_says_what_it_may_do(workflow: str, job: str, content: dict[str, Any]) -> None:
    assert 0 < content["timeout-minutes"] <= 90
    assert isinstance(content["permissions"], dict)


@pytest.mark.parametrize("step", RUNS, ids=lambda step: step.name)
def test_a_step_is_one_command_without_expressions(step: Step) -> None:
    command = step.content["run"]

    assert "${{" not in command  # a title of a pull request is code, where it is put into a script
    assert not re.search(r"\n|;|&&|\|", command.strip())


def test_every_command_that_a_workflow_names_exists() -> None:
    for step in RUNS:
        words = [word for word in shlex.split(step.content["run"]) if not re.match(r"[A-Z_]+=", word)]
        if words[0] == "make":
            assert words[1] in TARGETS, step.name
        elif words[1:3] == ["-m", "holdfast"]:
            parser().parse_args(words[3:])  # exits where it does not know them
        else:
            assert words[0] in {"cat", "echo", "gh", "npm"} or (ROOT / words[0]).is_file(), step.name


@pytest.mark.parametrize("command", sorted(set(re.findall(r"-m holdfast ([a-z-]+)", (ROOT / "Makefile").read_text()))))
def test_every_command_that_make_calls_exists(command: str) -> None:
    with pytest.raises(SystemExit, match="^0$"):  # help was shown
        parser().parse_args([command, "--help"])


def test_no_checkout_leaves_a_token_behind() -> None:
    assert using("checkout")
    assert all(step.content["with"]["persist-credentials"] is False for step in using("checkout"))


def test_make_takes_the_python_that_was_set_up() -> None:
    for step in using("setup-python"):
        job = WORKFLOWS[step.workflow]["jobs"][step.job]
        if any(other.get("run", "").startswith(("make", ".ci/run")) for other in job["steps"]):
            assert job["env"]["PYTHON"] == f"python{step.content['with']['python-version']}", step.name


def test_ci_judges_every_change_needs_no_secret_and_writes_nothing() -> None:
    assert CI[ON] == {
        "pull_request": None, "push": {"branches": ["main"]}, "merge_group": None, "workflow_dispatch": None,
    }  # fmt: skip
    assert not re.search(r"secrets|github\.token", (FOLDER / "ci.yml").read_text())
    assert all(job["permissions"] == {"contents": "read"} for job in CI["jobs"].values())


def test_nothing_that_runs_the_code_of_strangers_may_write() -> None:
    strange = {"pull_request", "pull_request_target", "issues", "issue_comment"}
    writing = {name for name, _, job in JOBS if "write" in job["permissions"].values()}

    assert writing == {"docs", "report", "retrain", "tools"}  # the first is started by ci, and runs the code of main
    assert not any(strange & set(WORKFLOWS[name][ON]) for name in writing)


def test_the_tests_run_on_every_python_that_is_supported_from_nothing_but_the_lock() -> None:
    assert CI["jobs"]["tests"]["strategy"]["matrix"] == {"python": ["3.11", "3.12", "3.13"]}
    assert steps_of("tests")[-1]["run"] == ".ci/run"
    assert all(step["with"]["path"] == ".venv" for step in steps_of("tests") if "/cache" in step.get("uses", ""))


def test_the_pipeline_reports_also_after_a_failure_and_ends_with_the_gate() -> None:
    steps = steps_of("pipeline")
    commands = [step["run"] for step in steps if "run" in step]

    assert commands == [
        "make setup",
        "make repro-changed",
        "make committed",
        "make report",
        'cat reports/comparison/report.md >> "$GITHUB_STEP_SUMMARY"',
        'echo "$NUMBER" > reports/comparison/number',
        "make gate",
    ]
    reporting = steps[[step.get("run") for step in steps].index("make report") :]
    assert all("!cancelled()" in step["if"] for step in reporting)
    assert steps[-1]["run"] == "make gate"


def test_the_report_is_handed_over_under_names_that_others_rely_on() -> None:
    (upload,) = (step["with"] for step in steps_of("pipeline") if "upload-artifact" in step.get("uses", ""))
    (number,) = (step for step in steps_of("pipeline") if "number" in step.get("run", ""))

    assert upload["name"] == "report"
    assert upload["path"].split() == [
        f"reports/comparison/{name}" for name in ("report.md", "report.html", "report.json", "number")
    ]
    assert number["env"] == {"NUMBER": "${{ github.event.pull_request.number }}"}
    assert "github.event_name == 'pull_request'" in number["if"]


def test_only_main_saves_a_cache() -> None:
    saving = using("cache/save")

    assert [step.job for step in saving] == ["tests", "pipeline"]
    assert all(step.content["if"].startswith("github.event_name == 'push' && ") for step in saving)
    assert not using("cache")
    assert not any("cache" in step.content.get("with", {}) for step in using("setup-python"))
    assert {step.workflow for step in using("cache/restore")} == {"ci", "dev", "uat"}  # nothing foreign gets into prod


def test_the_cache_of_artifacts_holds_what_dvc_does_not_cache_and_nothing_of_git() -> None:
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].values()
    outs = [entry for stage in stages for entry in [*stage["outs"], *stage.get("metrics", [])]]
    uncached = {path for out in outs for path, options in out.items() if not options.get("cache", True)}
    listed = subprocess.run(["git", "ls-files", "artifacts"], cwd=ROOT, text=True, capture_output=True, check=True)
    paths = {tuple(step["with"]["path"].split()) for step in steps_of("pipeline") if ".dvc" in str(step.get("with"))}

    (kept,) = paths  # the same when saved and when restored, or it is not found
    covered = {out for out in uncached if any(out == path or out.startswith(f"{path}/") for path in kept)}
    assert uncached - covered == set(listed.stdout.split())


def test_the_required_checks_are_the_jobs_of_ci() -> None:
    rules = json.loads((ROOT / ".github" / "rulesets" / "main.json").read_text())["rules"]
    (checks,) = (rule["parameters"] for rule in rules if rule["type"] == "required_status_checks")

    names = [
        job["name"].replace("${{ matrix.python }}", python)
        for job in CI["jobs"].values()
        for python in job.get("strategy", {"matrix": {"python": [""]}})["matrix"]["python"]
    ]

    assert [check["context"] for check in checks["required_status_checks"]] == names


def test_main_takes_no_rebased_commits_for_the_first_parent_is_the_base() -> None:
    rules = json.loads((ROOT / ".github" / "rulesets" / "main.json").read_text())["rules"]
    (request,) = (rule["parameters"] for rule in rules if rule["type"] == "pull_request")

    assert request["allowed_merge_methods"] == ["merge", "squash"]


RELEASES = ("dev", "uat", "prod")
STORE = ("MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_REGISTRY_URI")


def release_job(name: str) -> dict[str, Any]:
    (job,) = WORKFLOWS[name]["jobs"].values()
    return dict(job)


@pytest.mark.parametrize("name", RELEASES)
def test_a_release_is_one_command_in_the_environment_that_the_workflow_is_named_after(name: str) -> None:
    job = release_job(name)
    commands = [step["run"] for step in job["steps"] if "run" in step]

    assert (job["environment"], job["env"]["HOLDFAST_ENV"]) == (name, name)
    assert commands == ["make setup", *(["scripts/services"] if name == "dev" else []), "make release"]
    assert {key: job["steps"][-1]["env"][key] for key in STORE} == {key: f"${{{{ secrets.{key} }}}}" for key in STORE}


def test_a_branch_goes_to_dev_a_pull_request_to_uat_and_a_release_to_prod() -> None:
    assert WORKFLOWS["dev"][ON] == {"push": {"branches-ignore": ["main", "release/*", "gh-readonly-queue/**"]}}
    assert WORKFLOWS["uat"][ON] == {"pull_request": None}
    assert WORKFLOWS["prod"][ON] == {"push": {"branches": ["release/*"], "tags": ["v*"]}}


def test_uat_tries_a_commit_that_can_be_found_again_and_not_the_merge_that_github_makes_for_a_while() -> None:
    places = {name: release_job(name)["steps"][0]["with"].get("ref") for name in RELEASES}

    assert places == {"dev": None, "uat": "${{ github.event.pull_request.head.sha }}", "prod": None}


def test_only_a_release_may_see_who_agreed_and_deploy() -> None:
    rights = {name: release_job(name)["permissions"] for name in RELEASES}
    given = {name: set(release_job(name)["steps"][-1]["env"]) - set(STORE) for name in RELEASES}

    assert rights["dev"] == rights["uat"] == {"contents": "read"}
    assert rights["prod"] == {"contents": "read", "actions": "read"}
    assert given["dev"] == given["uat"] == set()
    assert given["prod"] == {"GITHUB_TOKEN", "DEPLOY_REMOTE", "DEPLOY_URL", "HEROKU_API_KEY"}


def test_two_releases_wait_for_each_other_and_a_newer_commit_ends_the_trial_of_the_older() -> None:
    together = {name: WORKFLOWS[name]["concurrency"] for name in RELEASES}

    assert together["prod"] == {"group": "prod", "cancel-in-progress": False}
    assert "github.ref" in together["dev"]["group"]
    assert "github.event.pull_request.number" in together["uat"]["group"]
    assert together["dev"]["cancel-in-progress"] is together["uat"]["cancel-in-progress"] is True


def test_only_a_release_is_let_into_prod_and_only_once_a_person_agrees() -> None:
    found = {path.stem: json.loads(path.read_text()) for path in (ROOT / ".github" / "environments").iterdir()}
    only_named = {"protected_branches": False, "custom_branch_policies": True}

    assert {name: entry["deployment_branch_policy"] for name, entry in found.items()} == {
        "dev": None, "uat": None, "prod": only_named,
    }  # fmt: skip
    assert found["prod"]["prevent_self_review"] is True
    guide = (ROOT / "docs" / "environments.md").read_text()
    assert "deployment-branch-policies -f name='release/*'" in guide
    assert "deployment-branch-policies -f name='v*' -f type=tag" in guide
    assert ".reviewers = " in guide


def test_each_environment_has_a_section_a_workflow_and_steps(params: Params) -> None:
    assert tuple(params.environments) == tuple(release_steps.KINDS) == RELEASES
    assert params.environments["prod"].approvals == 1  # as many as GitHub asks before it lets a job start


def test_retraining_only_proposes() -> None:
    (job,) = WORKFLOWS["retrain"]["jobs"].values()
    commands = [step["run"] for step in job["steps"] if "run" in step]

    assert commands[1:] == [
        "make retrain", "gh auth setup-git", ".venv/bin/python -m holdfast propose --start-checks",
    ]  # fmt: skip
    assert list(WORKFLOWS["retrain"][ON]["workflow_dispatch"]["inputs"]) == ["month"]


def test_retraining_takes_the_next_month_unless_it_is_told_another() -> None:
    done = subprocess.run(["make", "--dry-run", "retrain"], cwd=ROOT, text=True, capture_output=True, check=True)
    (ingest,) = (line for line in done.stdout.splitlines() if "holdfast ingest" in line)
    printed = ingest.replace("python -m holdfast", "echo")
    said = [
        subprocess.run(["sh", "-c", printed], env={"MONTH": month}, text=True, capture_output=True).stdout.strip()
        for month in ("", "2013-11", "2013-11; echo no")
    ]

    assert said == ["ingest --next", "ingest --through 2013-11", "ingest --through 2013-11; echo no"]


def test_what_nobody_has_looked_at_runs_where_nothing_can_be_written() -> None:
    fresh, alarm = WORKFLOWS["tools"]["jobs"]["fresh"], WORKFLOWS["tools"]["jobs"]["alarm"]

    assert [step["run"] for step in fresh["steps"] if "run" in step] == [
        "make lock UPGRADE=--upgrade", "make repro", "make test",
    ]  # fmt: skip
    assert fresh["permissions"] == {"contents": "read"}
    assert (alarm["needs"], alarm["if"]) == ("fresh", "${{ failure() }}")
    assert alarm["permissions"] == {"contents": "read", "issues": "write"}


def test_only_what_main_says_is_published_and_what_builds_it_may_not_publish() -> None:
    build, publish = WORKFLOWS["docs"]["jobs"]["build"], WORKFLOWS["docs"]["jobs"]["publish"]

    assert WORKFLOWS["docs"][ON] == {"push": {"branches": ["main"]}, "workflow_dispatch": None}
    assert [step["run"] for step in build["steps"] if "run" in step] == ["make docs"]
    assert build["permissions"] == {"contents": "read"}
    assert (publish["needs"], publish["permissions"]) == ("build", {"pages": "write", "id-token": "write"})
    assert not any("run" in step or "checkout" in step["uses"] for step in publish["steps"])


def test_gitlab_runs_the_commands_of_ci() -> None:
    scripts = [line for job in ("tests", "pipeline") for line in GITLAB[job]["script"]]
    commands = re.findall(r"(?:make [a-z-]+|\.ci/run)", "\n".join(scripts))

    github = [re.match(r"make [a-z-]+|\.ci/run|", step.content["run"]) for step in RUNS if step.workflow == "ci"]
    assert commands == [found[0] for found in github if found and found[0] not in {"", "make setup"}]
    assert GITLAB["tests"]["parallel"]["matrix"][0]["PYTHON_VERSION"] == ["3.11", "3.12", "3.13"]


def test_ci_can_be_run_on_a_laptop() -> None:
    done = subprocess.run(["make", "--dry-run", "ci"], cwd=ROOT, text=True, capture_output=True, check=True)
    lines = [line for line in done.stdout.splitlines() if not line.startswith(("make", "\t"))]
    wanted = [".ci/run", "dvc repro", "git status --porcelain -- dvc.lock", "holdfast report", "holdfast gate"]

    found = [next(place for place, line in enumerate(lines) if part in line) for part in wanted]

    assert found == sorted(found)


@pytest.mark.parametrize("name", ["ci", "environments"])
def test_the_files_that_a_guide_names_exist(name: str) -> None:
    guide = (ROOT / "docs" / f"{name}.md").read_text()
    named = set(re.findall(r"\.github/[\w/.-]+\.(?:json|yml)", guide))

    assert {"ci": "ruleset", "environments": "environment"}[name] in {
        word.rstrip("s") for path in named for word in path.split("/")
    }
    assert [path for path in named if not (ROOT / path).is_file()] == []
    assert set(re.findall(r"(?:`|\$ )make ([a-z-]+)", guide)) <= TARGETS


@pytest.mark.parametrize("step", RUNS, ids=lambda step: step.name)
def test_shellcheck_finds_nothing_in_a_step(step: Step) -> None:
    assert shellcheck(step.content["run"]) == ""


def test_shellcheck_would_find_something() -> None:
    assert "Double quote to prevent globbing" in shellcheck("cat $FILE")


def shellcheck(script: str) -> str:
    done = subprocess.run(
        ["shellcheck", "--shell", "bash", "-"], input=script, env=ENVIRONMENT, text=True, capture_output=True
    )
    return done.stdout


LINTERS = ("zizmor", "check-jsonschema", "shellcheck")
FAULTS = {
    "zizmor": (".github/workflows/ci.yml", r"@[0-9a-f]{40}", "@v7"),
    "vendor.github-workflows": (".github/workflows/tools.yml", "runs-on", "runs-in"),
    "vendor.dependabot": (".github/dependabot.yml", "weekly", "often"),
    "vendor.github-issue-forms": (".github/ISSUE_TEMPLATE/bug.yml", "textarea", "text"),
    "vendor.gitlab-ci": (".gitlab-ci.yml", "script:", "scripts:"),
    "vendor.citation-file-format": ("CITATION.cff", "authors:", "author:"),
    "shellcheck": ("scripts/setup", r"\"\$0\"", "$0"),
}


def linters(folder: Path) -> dict[str, int]:
    """Run the linters of `make check` that read workflows and scripts; return their exit codes."""
    planned = subprocess.run(["make", "--dry-run", "check"], cwd=ROOT, text=True, capture_output=True, check=True)
    lines = [line for line in planned.stdout.splitlines() if line.startswith(LINTERS)]
    names = {
        next((part for part in line.split() if part.startswith("vendor.")), line.split()[0]): line for line in lines
    }
    return {
        name: subprocess.run(["sh", "-c", line], cwd=folder, env=ENVIRONMENT, capture_output=True).returncode
        for name, line in names.items()
    }


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copy")
    for name in (".github", ".ci", "scripts"):
        shutil.copytree(ROOT / name, folder / name)
    for name in (".gitlab-ci.yml", "CITATION.cff"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.mark.slow
def test_the_linters_find_nothing(copied: Path) -> None:
    assert linters(copied) == dict.fromkeys(FAULTS, 0)


@pytest.mark.slow
def test_each_linter_finds_a_planted_fault(copied: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(copied, tmp_path / "copy"))
    for name, pattern, planted in FAULTS.values():
        text = (folder / name).read_text()
        assert re.search(pattern, text), name
        (folder / name).write_text(re.sub(pattern, planted, text))

    assert [name for name, code in linters(folder).items() if code == 0] == []
