"""One answer to: what is it made of, who let it in, on what grounds, where does it run, how is it made again."""

import json
import shutil
from pathlib import Path

import pytest

from conftest import ROOT, Project, run
from holdfast import ancestry, environments, moves, registry
from holdfast.bundle import Bundle
from holdfast.commands import explain_model
from holdfast.environments import Current
from holdfast.errors import DONE, UserError
from holdfast.lineage import Commit, Data, Lineage, Validation
from holdfast.manifest import Entry, Manifest, ScoredBy
from holdfast.moves import Move
from holdfast.params import Params
from holdfast.registry import Version
from holdfast.store import Store
from stores import register

NAME = "flight-delay-dev"
GATES = [{"code": "G1", "passed": True, "text": "ROC AUC 0.734"}, {"code": "G2", "passed": False, "text": "worse"}]


@pytest.fixture
def current(params: Params, monkeypatch: pytest.MonkeyPatch) -> Current:
    monkeypatch.delenv("HOLDFAST_ENV", raising=False)
    return environments.current(params)


@pytest.fixture
def folder(finished_project: Project) -> Path:
    return finished_project.workspace.evaluate / "bundle"


@pytest.fixture
def made(opened: Store, finished_project: Project, folder: Path) -> Version:
    """A version as `publish` makes it, of the commit that is checked out here."""
    version = register(
        opened, NAME, folder,
        **{registry.SHA256: Bundle.load(folder).sha256, registry.COMMIT: run("git rev-parse HEAD", ROOT).strip(),
           registry.DATA: "abc.dir", "training_window": "2013-01-01 to 2013-02-28", "holdfast.environment": "dev",
           "holdfast.python": "3.11.7", "holdfast.packages": "f" * 64, registry.VERDICT: "keep",
           registry.AGAINST: "version 3", registry.GATES: json.dumps(GATES)},
    )  # fmt: skip
    for name in ("contract.json", "leaks.json"):
        opened.client.log_artifact(version.run, str(finished_project.workspace.prepare / name), "data")
    return version


def crown(opened: Store, version: Version) -> Move:
    log = moves.history(opened, NAME)
    seen = log[-1].number if log else 0
    move = Move("promote", version.number, None, seen, "ann", approved_by=("ben",), verdict="promote")
    return moves.append(opened, NAME, move, version)


def test_a_version_tells_all_that_it_is_made_of(made: Version, current: Current, tmp_path: Path, folder: Path) -> None:
    found = ancestry.of_version(tmp_path, current, "1")
    card = Bundle.load(folder).card

    assert (found.name, found.version, found.sha256) == (NAME, 1, made.sha256)
    assert found.data.partitions == tuple(f"data/flights/2013-0{month}.parquet" for month in (1, 2, 3, 4))
    assert found.data.rows == 1200
    assert found.training is not None
    assert found.training.settings["max_leaf_nodes"] in (4, 7)
    assert found.holdout.metrics == card.metrics
    assert (found.holdout.first, found.holdout.last) == (card.holdout_first, card.holdout_last)
    assert found.validation is not None
    assert (found.validation.partitions, found.validation.broken) == (4, ())
    assert [one.passed for one in found.verdict.gates] == [True, False]
    assert found.environment.run == made.run
    assert found.rebuild == "python -m holdfast restore 1"
    assert found.problems == ()


def test_the_text_says_all_of_it_in_one_block(
    opened: Store, made: Version, current: Current, folder: Path, tmp_path: Path
) -> None:
    crown(opened, made)
    register(opened, NAME, folder, **{registry.SHA256: made.sha256})

    said = ancestry.of_version(tmp_path, current, "1").text()

    for part in (
        f"{NAME}, version 1 (champion)\n  model        {made.sha256} (also version 2)\n",
        f"  commit       {made.commit[:12]} (not in this clone)\n",
        "  data         abc.dir: 4 partitions, 2013-01 to 2013-04, 1,200 rows\n",
        "               training rows: 2013-01-01 to 2013-02-28; fitted on ",
        "  training     gradient_boosting: learning_rate 0.1, ",
        "  validation   contract: ",
        "  verdict      keep, against version 3\n                 G1 passed: ROC AUC 0.734\n"
        "                 G2 FAILED: worse\n",
        " UTC to now: promote by ann, approved by ben\n",
        "  deployed     nowhere that anybody noted\n",
        f"  environment  dev, Python 3.11.7, packages ffffffffffff\n               MLflow run {made.run}\n",
    ):
        assert part in said
    assert said.endswith("\n  rebuild      python -m holdfast restore 1")


def test_git_says_what_a_commit_is_where_the_clone_has_it(made: Version) -> None:
    subject, date = run("git log -1 --format=%s%n%as", ROOT).splitlines()

    found = ancestry.commit(ROOT, made)

    assert list(found.lines()) == [f"{made.commit[:12]} ({date}, {subject})"]


@pytest.mark.parametrize("what", ["1", "champion", "HASH"])
def test_it_is_found_by_number_alias_and_hash(
    opened: Store, made: Version, current: Current, tmp_path: Path, what: str
) -> None:
    crown(opened, made)

    assert ancestry.of_version(tmp_path, current, made.sha256[:8] if what == "HASH" else what).version == 1


def test_the_champion_is_whom_the_log_names_where_the_alias_has_not_followed_yet(
    opened: Store, made: Version, current: Current, folder: Path, tmp_path: Path
) -> None:
    crown(opened, made)
    second = register(opened, NAME, folder, **{registry.SHA256: made.sha256})
    crown(opened, second)
    registry.point(opened, NAME, "champion", 1)

    found = ancestry.of_version(tmp_path, current, "champion")

    assert found.version == 2
    assert [one.until for one in found.champion] == [None]
    earlier = ancestry.of_version(tmp_path, current, "1").champion
    assert [one.until for one in earlier] == [found.champion[0].since]


def test_what_is_lost_is_said_and_the_rest_is_told(
    opened: Store, made: Version, current: Current, tmp_path: Path
) -> None:
    assert opened.artifacts is not None
    opened.client.log_metric(made.run, "roc_auc", 0.7)
    opened.client.log_metric(made.run, "carrier/UA/roc_auc", 0.6)
    for name in ("card.json", "leaks.json"):
        next(opened.artifacts.rglob(f"{made.run}/**/{name}")).unlink()

    found = ancestry.of_version(tmp_path, current, "1")

    assert (found.training, found.validation) == (None, None)
    assert found.holdout.metrics == {"roc_auc": 0.7}
    assert [problem.partition(":")[2].split(",")[0][:40] for problem in found.problems] == [
        f"/{NAME}/1: the files are not those that were registered: their hash is another."[:40],
        f"/{NAME}/1",
    ]
    assert "problems     models:/" in found.text()


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ({"format": 3, "facts": {"of a later": "version"}}, "found model format 3, expected 1 or 2."),
        ({"format": 1, "facts": {}}, "model.json is not as Holdfast wrote it: "),
        ([], "model.json is not as Holdfast wrote it: "),
    ],
)
def test_a_model_whose_format_is_not_known_is_said_and_the_rest_is_told(
    opened: Store, current: Current, folder: Path, tmp_path: Path, model: object, said: str
) -> None:
    later = Path(shutil.copytree(folder, tmp_path / "later"))
    (later / "model.json").write_text(json.dumps(model))
    register(opened, NAME, later, **{registry.DATA: "abc.dir"})

    found = ancestry.of_version(tmp_path, current, "1")

    assert found.problems[0].startswith(f"models:/{NAME}/1: {said}")
    assert (found.training, found.data.hash) == (None, "abc.dir")


def test_a_run_that_was_purged_is_said_and_the_rest_is_told(
    opened: Store, made: Version, current: Current, tmp_path: Path
) -> None:
    opened.client.delete_run(made.run)
    opened.client._tracking_client.store._hard_delete_run(made.run)

    found = ancestry.of_version(tmp_path, current, "1")

    assert (found.commit.hash, found.holdout.metrics) == (made.commit, {})
    assert f"models:/{NAME}/1: the MLflow store says: " in found.problems[0]


def test_each_environment_says_how_to_rebuild_its_own(
    opened: Store, folder: Path, params: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLDFAST_ENV", "prod")
    register(opened, "flight-delay", folder, **{registry.SHA256: "a" * 64})

    found = ancestry.of_version(tmp_path, environments.current(params), "1")

    assert found.rebuild == "HOLDFAST_ENV=prod python -m holdfast restore 1"
    assert "never" in found.text()


def test_what_was_broken_and_what_leaks_is_said_line_by_line() -> None:
    found = Validation(partitions=2, judged=1_234, broken=("2013-01: late", "2013-02: late"), leaks=("L1: x tells",))

    assert list(found.lines()) == [
        "contract: 1,234 promises of 2 partitions, 2 broken", "  2013-01: late", "  2013-02: late",
        "leaks: 1", "  L1: x tells",
    ]  # fmt: skip


def test_what_was_not_committed_and_what_is_not_known_is_said() -> None:
    assert list(Commit(hash="c" * 40, changed=True).lines()) == [
        "cccccccccccc (not in this clone)",
        "other files of the tree were changed and not committed when it was published",
    ]
    assert list(Data(hash="d.dir").lines()) == ["d.dir", "training rows: not said"]
    one = Data(hash="d.dir", partitions=("data/a.parquet",), rows=5)
    assert next(one.lines()) == "d.dir: 1 partition, a, 5 rows"


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_command_prints_it_and_nothing_else(
    opened: Store,
    made: Version,
    current: Current,
    tmp_path: Path,
    form: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    expected = ancestry.of_version(tmp_path, current, "1")
    caplog.clear()

    assert explain_model.run(tmp_path, "1", None, None, form) == DONE

    (said,) = caplog.messages
    assert said == expected.text() if form == "text" else Lineage.model_validate_json(said) == expected


def test_a_version_that_is_not_there_is_told(made: Version, current: Current, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="found no version 'challenger'; there are 1 to 1"):
        ancestry.of_version(tmp_path, current, "challenger")


def scores(folder: Path, sha256: str) -> Path:
    """Write the manifest of a folder of scores, as `score` does."""
    entries = {name: Entry(input=f"in/{name}.csv", state="scored", rows=1_000) for name in "ab"}
    by = ScoredBy(version="0123456789ab", sha256=sha256, data_format=1)
    folder.mkdir()
    Manifest(model=by, started_at="2026-11-21T16:00:00Z", partitions=entries).write(folder)
    return folder


def test_a_folder_of_scores_leads_back_to_the_version_that_gave_them(
    made: Version, current: Current, tmp_path: Path
) -> None:
    folder = scores(tmp_path / "scores", made.sha256)

    found = ancestry.of_scores(tmp_path, current, folder)

    assert (found.version, found.commit.hash) == (1, made.commit)
    assert f"{folder}: 2 partitions, 2,000 rows, begun 2026-11-21T16:00:00Z\n" in found.text()


def test_scores_by_a_model_that_nobody_registered_say_what_is_known(
    made: Version, current: Current, tmp_path: Path
) -> None:
    folder = scores(tmp_path / "scores", "f" * 64)

    with pytest.raises(
        UserError, match=r"no version has the model f{64}; the manifest says of .* by version 0123456789ab"
    ):
        ancestry.of_scores(tmp_path, current, folder)


def test_a_folder_without_scores_is_told(current: Current, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"found no manifest\.json, expected a folder of scores"):
        ancestry.of_scores(tmp_path, current, tmp_path)
