"""From a commit to the champion: what is published, on which verdict it is promoted, and the way back."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from conftest import MakeRepository, Project, run
from holdfast import environments, moves, promotion, publishing, registry, store
from holdfast.bundle import Bundle
from holdfast.commands import history, promote, publish
from holdfast.errors import RefusedError, UserError
from holdfast.promotion import Judgement
from holdfast.publishing import Published
from holdfast.registry import Version
from stores import forget, open_in

pytestmark = pytest.mark.slow

NAME = "delay-dev"
VARIABLES = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI", "HOLDFAST_ENV", "GITHUB_ACTOR")


def choices(content: dict[str, Any]) -> None:
    content["environments"] = {"dev": {"model": NAME}}


def strict(content: dict[str, Any]) -> None:
    content["environments"]["dev"]["gates"] = {"floor": {"roc_auc": 0.9999}}


def approved(content: dict[str, Any]) -> None:
    content["environments"]["dev"]["approvals"] = 2


class Registered:
    """A repository with its store, and what people do with them."""

    def __init__(self, root: Path) -> None:
        self.project, self.root = Project(root), root

    def commit(self, change: Callable[[dict[str, Any]], None], message: str = "change") -> None:
        self.project.change(change)
        for command in ("dvc repro --quiet", "git add --all", f"git commit --quiet --message {message}"):
            run(command, self.root)

    def publish(self) -> Published:
        return publishing.publish(self.root, self.project.params, environments.current(self.project.params))

    def promote(
        self, what: str = "challenger", *, dry_run: bool = False, approved_by: tuple[str, ...] = ()
    ) -> Judgement:
        params = self.project.params
        return promotion.promote(
            self.root, params, environments.current(params), what, approved_by=approved_by, dry_run=dry_run
        )

    def rollback(self, what: str | None = None) -> moves.Move:
        return promotion.rollback(self.root, environments.current(self.project.params), what)

    def aliases(self) -> dict[str, int]:
        found = registry.versions(store.connect(self.root), NAME)
        return {alias: one.number for one in found for alias in one.aliases}

    def client(self) -> MlflowClient:
        return store.connect(self.root).client


def iterations(count: int, **more: Any) -> Callable[[dict[str, Any]], None]:
    def change(content: dict[str, Any]) -> None:
        content["train"]["gradient_boosting"]["max_iterations"] = count
        content["train"]["gradient_boosting"].update(more)

    return change


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory, make_repository: MakeRepository, empty_store: Path) -> Path:
    """A repository with two commits: the model of the first is version 1, that of the second, a better one, is not."""
    root = make_repository(tmp_path_factory.mktemp("origin") / "repository", choices).workspace.root
    open_in(root, empty_store)
    registered = Registered(root)
    with pytest.MonkeyPatch.context() as patch:
        for name in VARIABLES:
            patch.delenv(name, raising=False)
        registered.publish()
        registered.commit(iterations(40), "better")
        registered.publish()
    return root


@pytest.fixture(scope="module")
def crowned_origin(origin: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, where the first version is champion."""
    root = Path(shutil.copytree(origin, tmp_path_factory.mktemp("crowned") / "repository", symlinks=True))
    with pytest.MonkeyPatch.context() as patch:
        for name in VARIABLES:
            patch.delenv(name, raising=False)
        forget()
        Registered(root).promote("1")
    return root


@pytest.fixture
def registered(origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registered:
    """A copy of it, with both versions published."""
    return copied(origin, tmp_path, monkeypatch)


@pytest.fixture
def crowned(crowned_origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registered:
    """A copy of that."""
    return copied(crowned_origin, tmp_path, monkeypatch)


def copied(origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registered:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    forget()
    return Registered(Path(shutil.copytree(origin, tmp_path / "repository", symlinks=True)))


def version(registered: Registered, number: int) -> Version:
    return registry.find(store.connect(registered.root), NAME, str(number))


def test_a_commit_becomes_one_run_with_all_that_was_measured(registered: Registered) -> None:
    head = run("git rev-parse HEAD", registered.root).strip()

    published = registered.publish()

    assert published.version is not None
    assert (published.version.number, published.version.aliases) == (2, ("challenger",))
    found = registered.client().get_run(published.run)
    measured = json.loads((registered.root / "artifacts/evaluate/metrics.json").read_text())
    assert found.data.metrics["roc_auc"] == measured["roc_auc"]
    assert any(name.startswith("airline/") and name.endswith("/roc_auc") for name in found.data.metrics)
    assert found.data.params["train.gradient_boosting.max_iterations"] == "40"
    assert (found.data.tags["holdfast.commit"], found.data.tags["holdfast.dirty"]) == (head, "false")
    listed = {
        one.path
        for folder in ("", "data", "evaluation/plots", "model")
        for one in registered.client().list_artifacts(published.run, folder)
    }
    assert {"dvc.lock", "params.yaml", "requirements-work.txt", "data/profile.html", "data/contract.json"} <= listed
    assert {"evaluation/plots/roc.png", "evaluation/plots/slices.csv", "model/MLmodel", "model/data"} <= listed
    assert published.version.sha256 == Bundle.load(registered.root / "artifacts/evaluate/bundle").sha256


def test_to_publish_a_commit_again_changes_nothing(registered: Registered) -> None:
    first = registered.publish()

    again = registered.publish()

    assert again == first
    assert len(registry.versions(store.connect(registered.root), NAME)) == 2


def test_what_is_not_committed_is_logged_and_not_registered(registered: Registered) -> None:
    registered.project.change(iterations(41))
    run("dvc repro --quiet", registered.root)

    published = registered.publish()

    assert published.version is None
    assert registered.client().get_run(published.run).data.tags["holdfast.dirty"] == "true"
    assert len(registry.versions(store.connect(registered.root), NAME)) == 2


def test_a_model_that_the_tree_would_not_make_is_not_published(registered: Registered) -> None:
    registered.project.change(iterations(41))

    with pytest.raises(UserError, match=r"train would run again: .*\n  fix: dvc repro"):
        registered.publish()


def test_the_first_champion_has_to_pass_the_floors_only(registered: Registered) -> None:
    judgement = registered.promote("1")

    assert [gate.code for gate in judgement.report.comparison.gates] == ["G0", "G1", "G4", "G5"]
    assert judgement.move is not None
    assert registered.aliases() == {"champion": 1, "challenger": 2}


def test_a_first_champion_below_the_floor_is_kept_out(registered: Registered) -> None:
    registered.project.change(strict)

    judgement = registered.promote("1")

    assert judgement.move is None
    assert judgement.report.comparison.verdict == "keep"
    assert registered.aliases() == {"challenger": 2}


def test_a_better_challenger_takes_the_place_and_the_way_back_is_one_step(crowned: Registered) -> None:
    judgement = crowned.promote()

    assert [gate.code for gate in judgement.report.comparison.gates] == ["G0", "G1", "G2", "G3", "G4", "G5"]
    assert judgement.report.comparison.verdict == "promote"
    assert crowned.aliases() == {"champion": 2}
    promoted = version(crowned, 2)
    assert promoted.release().verdict == "promote"
    assert promoted.release().against == "version 1"
    assert judgement.move is not None
    assert judgement.move.report is not None
    stored = crowned.client().list_artifacts(promoted.run, judgement.move.report)
    assert {Path(one.path).name for one in stored} == {"report.html", "report.json", "report.md"}

    back = crowned.rollback()

    assert (back.kind, back.champion, back.before) == ("rollback", 1, 2)
    assert crowned.aliases() == {"champion": 1}
    log = moves.history(store.connect(crowned.root), NAME)
    assert [(one.kind, one.champion) for one in log] == [("promote", 1), ("promote", 2), ("rollback", 1)]
    with pytest.raises(UserError, match="there is no champion before this one"):
        crowned.rollback()
    assert crowned.rollback("2").champion == 2


def test_the_verdict_on_a_former_champion_is_not_forgotten_when_it_is_judged_again(crowned: Registered) -> None:
    crowned.promote("2")

    again = crowned.promote("1")

    assert again.report.comparison.verdict == "keep"
    assert version(crowned, 1).release().verdict == "promote"


def test_a_dry_run_shows_all_and_changes_nothing(crowned: Registered) -> None:
    """Also of a champion whose commit is in another clone: the code here scores it, and says so."""
    crowned.client().set_model_version_tag(NAME, "1", registry.COMMIT, "0123456" + "0" * 33)
    before = crowned.aliases(), version(crowned, 2), moves.history(store.connect(crowned.root), NAME)

    judgement = crowned.promote(dry_run=True)

    assert (judgement.report.comparison.verdict, judgement.move) == ("promote", None)
    assert "version 1 is of a commit that is not in this clone (0123456)" in judgement.report.notes[0]
    assert (crowned.aliases(), version(crowned, 2), moves.history(store.connect(crowned.root), NAME)) == before
    assert (crowned.root / "reports" / "promotion" / "report.html").is_file()


def test_who_is_champion_already_is_not_promoted_again(crowned: Registered) -> None:
    with pytest.raises(UserError, match="delay-dev: version 1 is champion already"):
        crowned.promote("1")


def test_a_model_of_which_too_little_is_said_is_kept_out(registered: Registered) -> None:
    client = registered.client()
    client.delete_model_version_tag(NAME, "2", "owner")
    client.set_model_version_tag(NAME, "2", registry.CARD, json.dumps(["slices"]))

    with pytest.raises(
        RefusedError, match=r"delay-dev/2: not promoted, for it lacks the tag owner; in its card: slices"
    ):
        registered.promote()

    assert "champion" not in registered.aliases()


def test_nobody_is_promoted_before_enough_others_have_agreed(
    registered: Registered, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered.project.change(approved)
    monkeypatch.setenv("GITHUB_ACTOR", "ann")

    with pytest.raises(RefusedError, match="dev: the verdict is to promote, but 1 of 2 people have agreed"):
        registered.promote(approved_by=("ben", "Ann", "BEN ", " ", ""))
    assert "champion" not in registered.aliases()
    judgement = registered.promote(approved_by=("ben", "cat"))

    assert judgement.move is not None
    assert (judgement.move.by, judgement.move.approved_by) == ("ann", ("ben", "cat"))


def test_who_never_was_champion_is_no_way_back(crowned: Registered) -> None:
    with pytest.raises(UserError, match=r"version 2 has never been champion.*\n  fix: python -m holdfast promote 2"):
        crowned.rollback("2")


def test_there_is_no_way_back_to_what_is_not_what_was_registered(crowned: Registered) -> None:
    crowned.promote("2")
    path = next((crowned.root / "mlartifacts").rglob(f"{version(crowned, 1).run}/**/golden.json"))
    path.write_text(path.read_text() + " ")

    with pytest.raises(UserError, match="the files are not those that were registered"):
        crowned.rollback()

    assert crowned.aliases() == {"champion": 2}


def test_an_alias_that_was_moved_by_hand_is_put_back_by_a_rollback(crowned: Registered) -> None:
    registry.point(store.connect(crowned.root), NAME, moves.CHAMPION, 2)
    with pytest.raises(UserError, match="it was moved by hand"):
        crowned.promote("2")

    crowned.rollback("1")

    assert crowned.aliases() == {"champion": 1, "challenger": 2}


def test_the_commands_say_what_they_did(registered: Registered, caplog: pytest.LogCaptureFixture) -> None:
    """Promote the better one, then the worse: one is let in, the other is kept out, and the reason is stored."""
    caplog.set_level("INFO", logger="holdfast")
    root = registered.root

    codes = [
        publish.run(root),
        history.run(root),
        promote.run(root, "challenger", dry_run=False, approved_by=[]),
        promote.run(root, "1", dry_run=False, approved_by=[]),
        history.run(root),
    ]

    assert codes == [0, 0, 0, 1, 0]
    for said in (
        f"{NAME}, version 2 (challenger): model ",
        f"{NAME}: nobody has been champion yet",
        f"{NAME}: champion is version 2, was nobody",
        "verdict: keep",
        f"{NAME}: version 1 does not become champion; now it is version 2",
    ):
        assert said in caplog.text
    found = caplog.messages[-1].split()
    assert (found[0], found[3:6]) == ("2", ["now", moves.who(), "promote"])
    assert registered.aliases()["champion"] == 2
    assert version(registered, 1).release().verdict == "keep"
    place = registered.client().list_artifacts(version(registered, 1).run, "comparisons")[0].path
    report = registered.client().download_artifacts(version(registered, 1).run, f"{place}/report.json")
    assert place.endswith("-against-2")
    assert json.loads(Path(report).read_text())["verdict"] == "keep"
