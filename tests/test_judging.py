"""Two commits before the judge: their own code, the sealed rows, and where the models are found."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT, ROWS, MakeRepository, MakeRows, Project, made, run
from holdfast import commits, contenders, files, report_markdown, sealed, versions
from holdfast.errors import UserError
from holdfast.files import Workspace
from holdfast.judging import judge, judge_named
from holdfast.model import Model
from holdfast.report import Report, as_json
from stores import crown, open_in, register

pytestmark = pytest.mark.slow

NEXT_MONTH = "2013-05"


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory, make_repository: MakeRepository) -> Path:
    """A repository whose main has a model, and a branch with nothing of its own yet."""
    root = make_repository(tmp_path_factory.mktemp("origin")).workspace.root
    run("git checkout --quiet -b branch", root)
    run("git commit --quiet --allow-empty --message 'to be continued'", root)
    return root


@pytest.fixture
def repository(origin: Path, tmp_path: Path) -> Project:
    """A copy with its artifacts and its cache."""
    return Project(Path(shutil.copytree(origin, tmp_path / "repository", symlinks=True)))


def reproduce(project: Project, message: str = "change") -> None:
    """Run what changed, and commit it."""
    run("dvc repro --quiet", project.workspace.root)
    run("git add --all", project.workspace.root)
    run(f"git commit --quiet --message {message}", project.workspace.root)


def judged(project: Project, base: str = "main") -> Report:
    return judge(project.workspace.root, base)


def edit(path: Path, before: str, after: str) -> None:
    content = path.read_text()
    assert before in content
    path.write_text(content.replace(before, after))


def refused(report: Report) -> dict[str, bool | None]:
    return {gate.code: gate.passed for gate in report.comparison.gates if not gate.passed}


def without(name: str) -> Any:
    def change(content: dict[str, Any]) -> None:
        del content["data"]["columns"][name]
        content["contract"]["besides"] = [name]

    return change


def by_id(content: dict[str, Any]) -> None:
    content["split"] = {"by": "id", "validation_share": 0.2, "holdout_share": 0.3}


def test_the_sealed_rows_are_the_holdout_of_prepare() -> None:
    workspace = Workspace(ROOT)
    facts = Model.load(made(workspace.train / "model")).facts
    prepared = files.read(workspace.prepare / "holdout.parquet")

    found = sealed.holdout(versions.here(workspace), facts, "holdout")

    assert found.rows.astype("str").equals(prepared[found.rows.columns].astype("str"))
    assert list(found.raw[facts.data.id]) == list(prepared[facts.data.id])


def test_the_sealed_rows_of_a_split_by_id_are_the_holdout_of_prepare(project: Project) -> None:
    project.change(by_id)
    project.run()
    facts = Model.load(project.workspace.train / "model").facts
    prepared = files.read(project.workspace.prepare / "holdout.parquet")

    found = sealed.holdout(versions.here(project.workspace), facts, "holdout")

    assert list(found.rows[facts.data.id]) == list(prepared[facts.data.id])


def test_a_branch_that_changes_nothing_is_promoted_and_says_that_the_model_is_the_same(repository: Project) -> None:
    (repository.workspace.root / "README.md").write_text("Better words.")
    run("git commit --quiet --all --message docs", repository.workspace.root)

    report = judged(repository)

    assert report.comparison.verdict == "promote"
    assert report.comparison.same_scores
    assert report.champion.model == report.challenger.model != ""
    assert [stage.because for stage in report.stages] == [(), (), (), ()]
    assert (report.params, report.packages, report.notes, report.cells, report.data) == ((), (), (), (), None)


def test_no_worktree_and_no_file_is_left_behind(repository: Project) -> None:
    root = repository.workspace.root

    judged(repository)

    assert len(run("git worktree list", root).splitlines()) == 1
    assert run("git status --porcelain", root) == ""


def test_each_model_is_scored_by_the_code_of_its_own_commit(repository: Project) -> None:
    path = repository.workspace.root / "src" / "holdfast" / "model.py"
    edit(path, "return np.round(self._forest.positive(features), DECIMALS)", "return np.full(len(features), 0.25)")
    reproduce(repository)

    report = judged(repository)

    assert report.comparison.of("roc_auc").champion > 0.7
    assert report.comparison.of("roc_auc").challenger == 0.5
    assert refused(report) == {"G1": False, "G2": False, "G3": False}
    assert report.comparison.verdict == "keep"
    assert [stage.name for stage in report.stages if stage.because] == ["train", "evaluate"]
    assert "src/holdfast/model.py" in report.stages[2].because


def test_what_is_not_committed_is_judged_and_said(repository: Project) -> None:
    repository.change(lambda content: content["train"]["gradient_boosting"].update(max_iterations=20))
    run("dvc repro --quiet", repository.workspace.root)

    report = judged(repository)

    assert not report.comparison.same_scores
    assert [note.split(" ")[0] for note in report.notes] == ["dvc.lock", "params.yaml"]
    assert report.params[0] == ("train.gradient_boosting.max_iterations", "8", "20")


def test_a_champion_keeps_the_columns_that_the_challenger_gives_up(repository: Project) -> None:
    repository.change(without("humidity"))
    reproduce(repository)

    report = judged(repository)

    assert report.comparison.verdict in {"promote", "keep"}
    assert report.comparison.rows == ROWS
    assert ("data.columns.humidity.kind", "number", None) in report.params


def test_a_new_month_is_judged_on_that_month_and_shown_on_both_holdouts(
    repository: Project, make_rows: MakeRows
) -> None:
    root = repository.workspace.root
    files.write(repository.partition(NEXT_MONTH), make_rows(repository.params.data, NEXT_MONTH, ROWS))
    run("dvc add --quiet data", root)
    reproduce(repository)

    report = judged(repository)

    seen = {(cell.model, cell.holdout): cell.metrics is None for cell in report.cells}
    base = report.champion.name
    assert seen == {
        (base, "holdout of this branch"): False,
        ("this branch", "holdout of this branch"): False,
        (base, f"holdout of {base}"): False,
        ("this branch", f"holdout of {base}"): True,  # it was tuned on the month that was held out before
    }
    assert report.comparison.left_out == 0
    assert report.data is not None
    assert [part.name for part in report.data.partitions] == ["flights/2013-05.parquet"]


def test_a_column_that_is_new_in_the_data_stops_no_judgement(repository: Project) -> None:
    root = repository.workspace.root
    for path in repository.workspace.partitions():
        rows = files.read(path)
        files.write(path, rows.assign(crew_size=(rows["distance"] % 7).round()))
    column = {"kind": "number", "label": "Crew"}
    repository.change(lambda content: content["data"]["columns"].update(crew_size=column))
    run("dvc add --quiet data", root)
    reproduce(repository)

    report = judged(repository)

    assert report.comparison.verdict in {"promote", "keep"}
    assert report.cells[3].metrics is None
    assert "missing column 'crew_size'" in report.cells[3].why


def test_models_that_predict_two_things_are_not_compared(repository: Project) -> None:
    def swap(content: dict[str, Any]) -> None:
        content["data"]["target"].update(positive="on_time", negative="late")

    repository.change(swap)
    reproduce(repository)

    report = judged(repository)

    assert report.comparison.verdict == "cannot judge"
    told = "the models predict two things: target.negative was 'on_time' and is 'late'"
    assert report.comparison.gates[0].text == told
    assert "What is asked of a model is changed: data.target.negative, data.target.positive." in report.notes


def test_a_slice_that_is_taken_off_the_list_is_judged_all_the_same(repository: Project) -> None:
    repository.change(lambda content: content["evaluate"].update(slices=[]))
    reproduce(repository)

    report = judged(repository)

    assert "airport" in {one.label for one in report.comparison.slices}
    assert "What is asked of a model is changed: evaluate.slices." in report.notes


def test_rows_that_the_champion_was_fitted_on_do_not_count(repository: Project) -> None:
    repository.change(by_id)
    reproduce(repository)

    report = judged(repository)

    assert 0 < report.comparison.rows < ROWS  # of April
    assert report.comparison.left_out > 0
    facts = Model.load(repository.workspace.train / "model").facts
    held_out = len(sealed.holdout(versions.here(repository.workspace), facts, "").rows)
    assert report.comparison.rows + report.comparison.left_out == held_out


def test_rows_of_a_declared_group_are_drawn_together(repository: Project) -> None:
    repository.change(lambda content: content["data"].update(group="carrier"))
    reproduce(repository)

    report = judged(repository)

    assert (report.comparison.groups, report.comparison.unit) == (16, "values of carrier")


def test_a_base_without_a_model_cannot_be_judged(repository: Project) -> None:
    root = repository.workspace.root
    run("git checkout --quiet --orphan empty", root)
    run("git rm --quiet -r --cached .", root)
    run("git add README.md", root)
    run("git commit --quiet --message nothing", root)
    run("git checkout --quiet --force branch", root)

    report = judged(repository, "empty")

    assert report.comparison.verdict == "cannot judge"
    assert "has no model: its dvc.lock records none" in report.comparison.gates[0].text


def test_a_model_that_is_in_no_cache_is_made_again(repository: Project) -> None:
    root = repository.workspace.root
    recorded = contenders.recorded_model(root, commits.find(root, "main"))
    for store in (root / ".dvc" / "cache" / "files" / "md5", root / "dvc-remote" / "files" / "md5"):
        (store / recorded[:2] / recorded[2:]).unlink()
    run("git commit --quiet --all --message 'the remote lost it'", root)

    report = judged(repository)

    assert report.machine is not None
    assert report.machine.source == "made again"
    assert report.comparison.same_scores


def test_a_tree_whose_model_is_not_what_it_makes_cannot_be_judged(repository: Project) -> None:
    repository.change(lambda content: content["train"]["gradient_boosting"].update(max_iterations=9))

    report = judged(repository)

    assert report.comparison.verdict == "cannot judge"
    assert report.comparison.gates[0].text == "train would run again"
    assert report.comparison.fix == "`dvc repro` first; if it fails, mend that"


def test_a_broken_params_file_is_said_in_the_report(repository: Project) -> None:
    repository.change(lambda content: content["train"].update(estimator="forest"))

    report = judged(repository)

    assert report.comparison.verdict == "cannot judge"
    assert "params.yaml: train.estimator: found 'forest'" in report.comparison.gates[0].text


def test_changed_gates_are_said(repository: Project) -> None:
    repository.change(lambda content: content["gates"]["margin"].update(roc_auc=0.5))

    report = judged(repository)

    assert "The gates themselves are changed: this is judged by the new ones." in report.notes


def test_a_champion_that_crashes_cannot_be_judged(repository: Project) -> None:
    root = repository.workspace.root
    run("git checkout --quiet main", root)
    path = root / "src" / "holdfast" / "model.py"
    edit(path, "        features =", "        raise MemoryError('no room')\n        features =")
    run("git commit --quiet --all --message crash", root)
    run("git checkout --quiet branch", root)

    report = judged(repository)

    assert report.comparison.verdict == "cannot judge"
    assert report.comparison.gates[0].text == "the champion does not score the rows: MemoryError: no room"


def test_a_champion_that_scores_too_few_rows_cannot_be_judged(repository: Project) -> None:
    root = repository.workspace.root
    run("git checkout --quiet main", root)
    edit(
        root / "src" / "holdfast" / "model.py",
        "round(self._forest.positive(features), DECIMALS)",
        "round(self._forest.positive(features)[1:], DECIMALS)",
    )
    run("git commit --quiet --all --message short", root)
    run("git checkout --quiet branch", root)

    report = judged(repository)

    assert report.comparison.verdict == "cannot judge"
    assert report.comparison.gates[0].text == f"the champion gives scores of shape ({ROWS - 1},) for {ROWS:,} rows"


def test_an_environment_that_cannot_be_set_up_is_said(repository: Project) -> None:
    root = repository.workspace.root
    lock = root / "requirements-work.txt"
    kept = lock.read_bytes()
    lock.write_text("no-such-package-of-holdfast==1 --hash=sha256:" + "0" * 64)
    run("git commit --quiet --all --message lock", root)
    run("git branch other", root)
    lock.write_bytes(kept)

    report = judged(repository, "other")

    assert report.comparison.verdict == "cannot judge"
    assert "was not set up from its requirements-work.txt" in report.comparison.gates[0].text
    assert not list(repository.workspace.environments.glob("*"))


def test_a_commit_with_another_lock_is_scored_in_an_environment_of_its_own(repository: Project) -> None:
    root = repository.workspace.root
    whole = (root / "requirements-work.txt").read_text()
    pyarrow = whole[whole.index("\npyarrow==") :].partition("\n    #")[0]
    (root / "requirements-work.txt").write_text((root / "requirements.txt").read_text() + pyarrow)  # enough to score
    run("git commit --quiet --all --message lock", root)
    run("git branch other", root)
    run("git revert --no-edit HEAD", root)

    report = judged(repository, "other")

    assert report.comparison.same_scores
    assert report.champion.environment != report.challenger.environment
    (environment,) = repository.workspace.environments.glob("*/complete")
    stamp = environment.stat().st_mtime_ns
    assert judged(repository, "other").comparison.same_scores
    assert environment.stat().st_mtime_ns == stamp  # made once


def test_a_folder_can_be_the_champion(repository: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository.workspace.root)
    shutil.copytree("artifacts/train/model", "kept")

    report = judge_named(repository.workspace.root, "kept")

    assert report.comparison.same_scores
    assert (report.champion.name, report.champion.commit) == ("kept", "")
    nothing = judge_named(repository.workspace.root, "nowhere")
    assert "nowhere: found no model.json" in nothing.comparison.gates[0].text


def test_a_name_of_the_registry_can_be_the_champion(repository: Project, empty_store: Path) -> None:
    root = repository.workspace.root
    opened = open_in(root, empty_store)
    crown(opened, register(opened, "delay", repository.workspace.evaluate / "bundle"))

    report = judge_named(root, "models:/delay@champion")
    unknown = judge_named(root, "models:/delay@nobody")

    assert report.comparison.same_scores
    assert "delay: found no version 'nobody'; there are 1 to 1" in unknown.comparison.gates[0].text


def test_an_unknown_base_is_a_mistake(repository: Project) -> None:
    with pytest.raises(UserError, match="REV: found no revision 'mian', did you mean 'main'"):
        judged(repository, "mian")


def test_the_same_two_commits_give_the_same_report_but_for_the_machine(repository: Project, tmp_path: Path) -> None:
    repository.change(lambda content: content["train"]["gradient_boosting"].update(max_iterations=20))
    reproduce(repository)
    elsewhere = tmp_path / "another folder"
    run(f"git clone --quiet '{repository.workspace.root}' '{elsewhere}'", tmp_path)
    run("git branch --quiet main origin/main", elsewhere)
    run("dvc pull --quiet --allow-missing", elsewhere)
    run("dvc repro --quiet", elsewhere)

    one, two = judged(repository), judge(elsewhere, "main")

    assert report_markdown.markdown(one, machine=False) == report_markdown.markdown(two, machine=False)
    assert not one.comparison.same_scores
    assert {**as_json(one), "machine": None} == {**as_json(two), "machine": None}


def test_the_command_prints_the_form_that_was_asked_for_and_nothing_else(repository: Project) -> None:
    root = repository.workspace.root

    said = run("python -m holdfast report --format json", root)

    assert json.loads(said) == json.loads((root / "reports" / "comparison" / "report.json").read_text())
    assert json.loads(said)["verdict"] == "promote"
    assert sorted(path.name for path in (root / "reports" / "comparison").iterdir()) == [
        "report.html",
        "report.json",
        "report.md",
    ]


def test_the_command_says_each_gate_and_where_the_report_is(repository: Project) -> None:
    said = run("python -m holdfast report", repository.workspace.root).splitlines()

    assert [line[:2] for line in said[-8:-2]] == ["G0", "G1", "G2", "G3", "G4", "G5"]
    assert said[-2:] == ["verdict: promote", "report: reports/comparison/report.html"]
