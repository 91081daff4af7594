"""A release: the right commands in the right order, up to the first that fails, by people or by a workflow."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import Project, run
from github_api import GitHub
from holdfast import environments, moves, registry, release_steps, store
from holdfast.bundle import Bundle
from holdfast.commands import release
from holdfast.errors import DONE, MISTAKE, REFUSED, RefusedError, UserError
from holdfast.moves import Move
from holdfast.release_steps import Plan, Step
from stores import open_in, register

SHELL = ("sh", "-c")


def plan(project: Project, name: str, monkeypatch: pytest.MonkeyPatch, **more: str) -> Plan:
    monkeypatch.setenv("HOLDFAST_ENV", name)
    return Plan(project.workspace, environments.current(project.params), **more)  # type: ignore[arg-type]


def typed(step: Step) -> str:
    return " ".join("python" if word == sys.executable else word for word in step.command)


def commands(planned: Plan) -> list[str]:
    return [typed(step) for step in release_steps.steps(planned)]


@pytest.fixture
def committed(project: Project, empty_store: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project of one's own, with a commit and an empty store."""
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        monkeypatch.delenv(name, raising=False)
    run("git init --quiet", project.workspace.root)
    commit(project)
    open_in(project.workspace.root, empty_store)
    return project


def commit(project: Project) -> None:
    """Make a commit with the same model."""
    run("git commit --quiet --allow-empty --message another", project.workspace.root)


def publish(planned: Plan, **tags: str) -> int:
    """Register the model of the commit that is checked out, as `publish` does; return its number."""
    root, folder = planned.workspace.root, planned.workspace.evaluate / "bundle"
    told = {registry.COMMIT: run("git rev-parse HEAD", root).strip(), registry.SHA256: Bundle.load(folder).sha256}
    return register(store.connect(root), planned.environment.settings.model, folder, **told | tags).number


def crown(planned: Plan, number: int) -> None:
    """Let the log say that a version is champion now."""
    opened, name = store.connect(planned.workspace.root), planned.environment.settings.model
    last = moves.history(opened, name)[-1:]
    move = Move("promote", number, last[0].champion if last else None, last[0].number if last else 0, "ann")
    moves.append(opened, name, move, registry.find(opened, name, str(number)))


def test_dev_trains_registers_and_tests(committed: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = plan(committed, "dev", monkeypatch)
    publish(planned)

    assert commands(planned) == ["make repro", "make committed", "python -m holdfast publish", "make test-fast"]


@pytest.mark.parametrize("name", ["dev", "uat", "prod"])
def test_nothing_is_released_where_nothing_was_registered_of_this_commit(
    committed: Project, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    planned = plan(committed, name, monkeypatch)
    publish(planned, **{registry.SHA256: "a" * 64})  # of this commit, but another model
    publish(planned, **{registry.COMMIT: "a" * 40})  # this model, but of another commit
    head = run("git rev-parse HEAD", committed.workspace.root)[:12]
    steps = release_steps.steps(planned)

    assert [next(steps).name for _ in range(3)] == ["train", "as committed", "publish"]
    with pytest.raises(UserError, match=f"found no version of commit {head} with the model .*\n  fix: commit dvc.lock"):
        next(steps)


def test_uat_lets_the_registered_model_score_and_checks_that_it_was_this_one(
    committed: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned, scores = plan(committed, "uat", monkeypatch), "reports/release/uat/scores"
    assert publish(planned) == 1

    assert commands(planned) == [
        "make repro",
        "make committed",
        "python -m holdfast publish",
        f"python -m holdfast score data/flights/2013-04.parquet --out {scores} --model 1",
        f"python -m holdfast score --check {scores} --model 1",
    ]


def test_a_commit_with_the_same_model_as_another_is_released_under_its_own_number(
    committed: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = plan(committed, "prod", monkeypatch)
    publish(planned)
    commit(committed)
    number = publish(planned)
    publish(planned, **{registry.COMMIT: "a" * 40})  # by somebody else, a moment later
    crown(planned, 1)

    promote = next(step for step in release_steps.steps(planned) if step.name == "promote")

    assert typed(promote) == f"python -m holdfast promote {number}"
    assert not promote.done()  # champion is its twin


def test_prod_does_all_of_it_then_promotes_and_deploys_what_was_promoted(
    committed: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = plan(committed, "prod", monkeypatch, remote="https://git.heroku.com/a.git", url="https://a.b")
    publish(planned)
    crown(planned, 1)

    found = commands(planned._replace(approved_by=("ann", "ben")))

    assert [line.replace("python -m holdfast ", "")[:5] for line in found[:5]] == [
        "make ", "make ", "publi", "score", "score",
    ]  # fmt: skip
    assert found[5:] == [
        "python -m holdfast promote 1 --approved-by ann --approved-by ben",
        "python -m holdfast export reports/release/prod/served --model models:/flight-delay/1",
        "python -m holdfast deploy reports/release/prod/served https://git.heroku.com/a.git",
        "python -m holdfast deployed https://a.b",
    ]


@pytest.mark.parametrize("last", ["promote", "export"])
def test_what_is_champion_no_more_is_not_deployed(
    committed: Project, monkeypatch: pytest.MonkeyPatch, last: str
) -> None:
    planned = plan(committed, "prod", monkeypatch, remote="https://git.heroku.com/a.git")
    publish(planned)
    crown(planned, 1)
    steps = release_steps.steps(planned)
    while next(steps).name != last:
        pass
    crown(planned, publish(planned, **{registry.COMMIT: "a" * 40}))  # by another release

    said = r"flight-delay: version 1 is not champion any more, version 2 is\.\n  fix: `python -m holdfast history`"
    with pytest.raises(RefusedError, match=said):
        next(steps)


def test_without_an_address_it_ends_with_the_exported_champion(
    committed: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = plan(committed, "prod", monkeypatch)
    publish(planned)
    crown(planned, 1)

    assert commands(planned)[-1].startswith("python -m holdfast export")


def test_what_can_only_be_known_after_training_is_asked_for_then(
    committed: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    untrained = plan(committed, "uat", monkeypatch)
    shutil.rmtree(committed.workspace.evaluate)

    planned = release_steps.steps(untrained)

    assert [next(planned).name for _ in range(3)] == ["train", "as committed", "publish"]
    with pytest.raises(UserError, match=r"model\.json: not found"):
        next(planned)


def test_an_environment_without_a_list_is_refused(finished_project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = plan(finished_project, "uat", monkeypatch)

    with pytest.raises(UserError, match=r"environment 'uta': found no list of steps for it, did you mean 'uat'\?"):
        release_steps.steps(planned._replace(environment=planned.environment._replace(name="uta")))


@pytest.mark.parametrize(("ends", "expected"), [(0, DONE), (1, REFUSED), (2, MISTAKE), (251, MISTAKE)])
def test_it_ends_at_the_first_step_that_fails_with_its_exit_code(tmp_path: Path, ends: int, expected: int) -> None:
    todo = [
        Step("first", (*SHELL, "echo first >> said")),
        Step("second", (*SHELL, f"echo second >> said; exit {ends}")),
        Step("third", (*SHELL, "echo third >> said")),
    ]

    done = release_steps.carry_out(todo, tmp_path)

    names = ["first", "second"] + ["third"] * (ends == 0)
    assert (tmp_path / "said").read_text().split() == [entry.step.name for entry in done] == names
    assert release_steps.exit_code(done) == expected


def test_each_step_says_what_it_is_and_how_long_it_took(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="holdfast")

    (entry,) = release_steps.carry_out([Step("a nap", (*SHELL, "sleep 0.1; exit 1"))], tmp_path)

    assert caplog.messages[0] == "\na nap: sh -c 'sleep 0.1; exit 1'"
    assert caplog.messages[1] == f"a nap: exit code 1 after {entry.seconds:.1f} s"
    assert entry.seconds >= 0.1


def test_a_step_with_patience_is_tried_again_until_it_is_done(tmp_path: Path) -> None:
    waited: list[float] = []
    ready = Step("third time lucky", (*SHELL, "echo x >> tries; [ $(wc -l < tries) = 3 ]"), patience=60)

    (entry,) = release_steps.carry_out([ready], tmp_path, waited.append)

    assert (entry.code, waited) == (0, [release_steps.EVERY] * 2)


def test_what_is_to_be_mended_is_not_tried_again(tmp_path: Path) -> None:
    mistake = Step("a bad address", (*SHELL, "echo x >> tries; exit 2"), patience=60)

    (entry,) = release_steps.carry_out([mistake], tmp_path, lambda _: pytest.fail("it waits"))

    assert (entry.code, (tmp_path / "tries").read_text()) == (2, "x\n")


def test_what_is_done_already_is_not_done_again(tmp_path: Path) -> None:
    done = release_steps.carry_out([Step("x", (*SHELL, "touch x"), done=lambda: True)], tmp_path)

    assert [entry.code for entry in done] == [0]
    assert list(tmp_path.iterdir()) == []


def test_a_command_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no-such-tool: not found, expected it on the path"):
        release_steps.carry_out([Step("x", ("no-such-tool",))], tmp_path)


# On GitHub


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    """A GitHub on which this is a run that waits for no one."""
    with GitHub() as running:
        number = running.add_run("a" * 40, event="push")
        for name, value in {
            "GITHUB_ACTIONS": "true", "GITHUB_API_URL": running.url, "GITHUB_TOKEN": running.token,
            "GITHUB_REPOSITORY": running.repository, "GITHUB_RUN_ID": str(number), "HOLDFAST_ENV": "prod",
            "MLFLOW_TRACKING_URI": "http://127.0.0.1:1",
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    """Environments in which nothing is to be done; the plans that were asked for."""
    seen: list[Plan] = []

    def nothing(plan: Plan) -> Iterator[Step]:
        seen.append(plan)
        yield Step("nothing", ("true",))

    for name in release_steps.KINDS:
        monkeypatch.setitem(release_steps.KINDS, name, nothing)
    return seen


def test_who_let_the_run_into_the_environment_has_agreed(
    github: GitHub, planned: list[Plan], finished_project: Project
) -> None:
    (number,) = github._runs
    github.add_approval(number, "ben", "prod")
    github.add_approval(number, "ann", "prod")
    github.add_approval(number, "eve", "uat")
    github.add_approval(number, "mallory", "prod", state="rejected")

    assert release.run(finished_project.workspace.root, ["ann", "zoe"]) == DONE

    assert planned[0].approved_by == ("ann", "ben", "zoe")


def test_a_token_that_may_not_read_who_agreed_is_said(
    github: GitHub, planned: list[Plan], finished_project: Project
) -> None:
    github.permissions.pop("actions")

    with pytest.raises(UserError, match=r"GET /repos/owner/name/actions/runs/\d+/approvals: GitHub answered 403"):
        release.run(finished_project.workspace.root, [])
    assert planned == []


def test_where_no_one_is_asked_github_is_not_either(
    github: GitHub, planned: list[Plan], finished_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLDFAST_ENV", "uat")

    assert release.run(finished_project.workspace.root, []) == DONE

    assert (planned[0].environment.name, planned[0].approved_by, github.requests) == ("uat", (), [])


@pytest.mark.parametrize("address", ["", None])
def test_no_champion_is_made_in_a_registry_that_goes_with_the_runner(
    github: GitHub, planned: list[Plan], finished_project: Project, monkeypatch: pytest.MonkeyPatch, address: str | None
) -> None:  # fmt: skip
    if address is None:
        monkeypatch.delenv("MLFLOW_TRACKING_URI")
    else:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)

    with pytest.raises(UserError, match="MLFLOW_TRACKING_URI: not set, expected the address of the registry of prod"):
        release.run(finished_project.workspace.root, [])
    assert planned == []


def test_at_a_desk_the_store_of_the_folder_will_do_and_no_one_is_asked(
    planned: list[Plan], finished_project: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="holdfast")
    for name in ("GITHUB_ACTIONS", "MLFLOW_TRACKING_URI", "DEPLOY_REMOTE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOLDFAST_ENV", "prod")

    assert release.run(finished_project.workspace.root, ["ann"]) == DONE

    assert planned[0].approved_by == ("ann",)
    assert caplog.messages[-1] == (
        "released into prod; not deployed, for DEPLOY_REMOTE is not set: the champion is in reports/release/prod/served"
    )


def test_a_release_that_ends_early_says_where(
    finished_project: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="holdfast")
    monkeypatch.setenv("HOLDFAST_ENV", "uat")
    monkeypatch.setitem(release_steps.KINDS, "uat", lambda _: iter([Step("promote", ("false",))]))

    assert release.run(finished_project.workspace.root, []) == REFUSED

    assert caplog.messages[-1] == "not released into uat: it ended at `promote`; the same command goes on from there"
