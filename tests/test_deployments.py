"""That a version runs somewhere is noted only where the service says so itself and it is the champion."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conftest import ROOT
from holdfast import deployments, environments, moves, registry
from holdfast.commands import deployed, history
from holdfast.environments import Current
from holdfast.errors import DONE, RefusedError, UserError
from holdfast.moves import Move
from holdfast.params import Params
from holdfast.registry import Version
from holdfast.services import Serving
from holdfast.store import Store
from stores import register

if TYPE_CHECKING:
    from canned import Answers

pytest_plugins = ["canned"]

NAME = "flight-delay-dev"


@pytest.fixture
def current(params: Params, monkeypatch: pytest.MonkeyPatch) -> Current:
    for name in ("HOLDFAST_ENV", "GITHUB_SHA", "GITHUB_RUN_ID", "GITHUB_SERVER_URL", "GITHUB_REPOSITORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GITHUB_ACTOR", "ann")
    return environments.current(params)


@pytest.fixture
def two(opened: Store, tmp_path: Path) -> list[Version]:
    """Two versions, of which the first is champion."""
    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "model.json").write_text("{}")
    made = [register(opened, NAME, folder, **{registry.SHA256: letter * 64}) for letter in "ab"]
    moves.append(opened, NAME, Move("promote", 1, None, 0, "ann"), made[0])
    return made


def serve(service: Answers, version: str, sha256: str) -> None:
    named = {"version": version, "sha256": sha256}
    service.content = {"/readyz": {"status": "ready", "model": named}, "/model": named}


def tags(opened: Store, number: int = 1) -> dict[str, str]:
    found = registry.find(opened, NAME, str(number)).tags
    return {name: value for name, value in found.items() if name.startswith(deployments.PREFIX)}


def test_where_the_champion_runs_is_noted_each_time_and_nothing_is_written_over(
    opened: Store, two: list[Version], current: Current, service: Answers, tmp_path: Path
) -> None:
    serve(service, "1", two[0].sha256)

    first = deployments.note(tmp_path, current, f"{service.url}/", None)[1]
    before = tags(opened)
    second = deployments.note(tmp_path, current, service.url, None)[1]

    assert (first.url, first.by, first.commit) == (service.url, "ann", None)
    assert deployments.of(registry.find(opened, NAME, "1")) == (second, first)
    assert len(tags(opened)) == 2
    assert before.items() <= tags(opened).items()


def test_a_workflow_leaves_its_commit_and_its_run(
    opened: Store,
    two: list[Version],
    current: Current,
    service: Answers,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    serve(service, "1", two[0].sha256)
    for name, value in {
        "SHA": "c" * 40,
        "SERVER_URL": "https://github.com",
        "REPOSITORY": "a/b",
        "RUN_ID": "5",
    }.items():
        monkeypatch.setenv(f"GITHUB_{name}", value)

    noted = deployments.note(tmp_path, current, service.url, None)[1]

    assert (noted.commit, noted.run) == ("c" * 40, "https://github.com/a/b/actions/runs/5")
    assert noted.line().endswith(f" UTC: {service.url}, by ann, https://github.com/a/b/actions/runs/5")


@pytest.mark.parametrize(
    ("version", "letter", "said"),
    [
        ("2", "b", "serves flight-delay-dev, version 2; champion in dev is version 1"),
        (
            "cccccccccccc",
            "c",
            r"serves cccccccccccc \(ccccccc…\), which is no version of flight-delay-dev; champion in dev",
        ),
    ],
)
def test_what_is_not_the_champion_is_refused_and_not_noted(
    opened: Store, two: list[Version], current: Current, service: Answers, tmp_path: Path,
    version: str, letter: str, said: str,
) -> None:  # fmt: skip
    serve(service, version, letter * 64)

    with pytest.raises(RefusedError, match=said):
        deployments.note(tmp_path, current, service.url, None)

    assert [tags(opened, one.number) for one in two] == [{}, {}]


def test_where_nobody_is_champion_nothing_can_be_deployed(
    opened: Store, current: Current, service: Answers, tmp_path: Path
) -> None:
    with pytest.raises(RefusedError, match="which is no version of flight-delay-dev; champion in dev is nobody"):
        deployments.note(tmp_path, current, service.url, None)


def test_of_versions_with_the_same_model_the_name_decides_then_who_is_champion_then_the_age(two: list[Version]) -> None:
    twins = [two[0], two[1]._replace(sha256=two[0].sha256)]
    asked = (("1", None), ("2", 1), ("aaaaaaaaaaaa", 1), ("aaaaaaaaaaaa", None), ("3", 5))

    found = [deployments.which(twins, Serving(name, two[0].sha256), champion) for name, champion in asked]

    assert [one.number for one in found if one] == [1, 2, 1, 2, 2]
    assert deployments.which(twins, Serving("1", "f" * 64), 1) is None


def test_of_two_notes_at_the_same_moment_neither_is_written_over() -> None:
    moment = datetime(2026, 11, 21, 16, tzinfo=UTC)
    taken = {f"{deployments.PREFIX}2026-11-21T16:00:00.00000{last}Z": "{}" for last in (0, 1)}

    assert deployments.free_moment(taken, moment) == moment + timedelta(microseconds=2)


def test_notes_that_others_wrote_are_read_as_far_as_they_can_be(two: list[Version]) -> None:
    moment = "2026-11-21T16:00:00.000000Z"
    good = json.dumps({"url": "https://a", "by": "ann", "commit": None, "of a later version": 1})
    strange = {f"{deployments.PREFIX}yesterday": good, f"{deployments.PREFIX}{moment[:-2]}1Z": "[]", "other": good}

    (found,) = deployments.of(two[0]._replace(tags={**strange, f"{deployments.PREFIX}{moment}": good}))

    assert found.line() == "2026-11-21 16:00:00 UTC: https://a, by ann"


def test_the_command_takes_the_token_from_a_variable(
    two: list[Version], current: Current, service: Answers, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level("INFO", logger="holdfast")
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    serve(service, "1", two[0].sha256)
    monkeypatch.setenv("SERVICE_TOKEN", "a token of the tests")

    assert deployed.run(tmp_path, service.url, "SERVICE_TOKEN") == DONE

    assert {token for _, token in service.asked} == {"Bearer a token of the tests"}
    assert caplog.messages == [f"flight-delay-dev, version 1 runs at {service.url}: noted in the registry"]


def test_a_token_that_is_not_set_is_told_before_anything_is_asked(service: Answers, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--token: found no environment variable 'NOWHERE', or nothing in it"):
        deployed.run(tmp_path, service.url, "NOWHERE")

    assert service.asked == []


def test_the_history_says_under_each_champion_where_it_ran(
    opened: Store, two: list[Version], current: Current, service: Answers, tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    serve(service, "1", two[0].sha256)
    deployments.note(tmp_path, current, service.url, None)
    log = moves.history(opened, NAME)
    for kind, number, before in (("promote", 2, 1), ("rollback", 1, 2)):
        log.append(moves.append(opened, NAME, Move(kind, number, before, log[-1].number, "ann"), two[number - 1]))  # type: ignore[arg-type]
    deployments.note(tmp_path, current, service.url, None)
    caplog.set_level("INFO", logger="holdfast")

    history.run(tmp_path)

    _, first, ran, second, third, again = caplog.messages
    assert [line.split()[0] for line in (first, second, third)] == ["1", "2", "1"]
    for line in (ran, again):
        assert line.startswith("         deployed 20")
        assert line.endswith(f" UTC: {service.url}, by ann")
