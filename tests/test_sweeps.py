"""A sweep tries each point once, keeps what is done, touches nothing of the tree, and is chosen on validation alone."""

import errno
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import ENVIRONMENT, ROOT, MakeRepository, Project, run
from holdfast import grids, params_text, processes, scratch, store, sweep_runs, sweep_table, sweeps
from holdfast.commands import sweep
from holdfast.errors import DONE, UserError
from stores import open_in

RATE, LEAVES = "train.gradient_boosting.learning_rate", "train.gradient_boosting.max_leaf_nodes"
CONTENT: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text())

Finish = Callable[[list[str], list[float]], sweeps.Plan]


def points(*settings: str) -> list[dict[str, Any]]:
    return list(grids.expand(settings, CONTENT).points)


def with_train(**values: Any) -> dict[str, Any]:
    return grids.with_values(CONTENT, {f"train.{name.replace('__', '.')}": value for name, value in values.items()})


# What is tried.


def test_a_grid_has_every_combination_after_the_parameters_as_they_are() -> None:
    found = points(f"{RATE}=0.03,0.2", f"{LEAVES}=[15,31],63")

    assert found[0] == {RATE: [0.1], LEAVES: [15, 31]}
    assert [(point[RATE], point[LEAVES]) for point in found[1:]] == [
        ([0.03], [15, 31]), ([0.03], [63]), ([0.2], [15, 31]), ([0.2], [63])
    ]  # fmt: skip


def test_what_is_the_same_is_tried_once() -> None:
    assert points(f"{RATE}=0.1,0.2,0.2,2e-1,1,1.0") == [{RATE: [0.1]}, {RATE: [0.2]}, {RATE: [1.0]}]


@pytest.mark.parametrize(
    ("values", "expected"),
    [("range(100,200,50)", [100]), ("range(140,170,10)", [140, 160]), ("choice(7,8)", [7, 8]), ("150", [])],
)
def test_values_are_those_of_the_grammar_of_dvc(values: str, expected: list[int]) -> None:
    name = "train.gradient_boosting.max_iterations"

    assert [point[name] for point in points(f"{name}={values}")[1:]] == expected


@pytest.mark.parametrize("short", ["train.learning_rate", "learning_rate", "gradient_boosting.learning_rate"])
def test_a_name_may_be_short_where_it_is_the_only_one(short: str) -> None:
    assert points(f"{short}=0.2")[1] == {RATE: [0.2]}


def test_a_parameter_of_the_other_estimator_makes_no_point_of_its_own() -> None:
    found = points("train.estimator=logistic,gradient_boosting", f"{RATE}=0.1,0.2")

    assert [tuple(point.values()) for point in found] == [
        ("gradient_boosting", [0.1]), ("logistic",), ("gradient_boosting", [0.2])
    ]  # fmt: skip


def test_only_what_varies_is_named() -> None:
    assert grids.expand([f"{RATE}=0.2", "train.gradient_boosting.max_iterations=150"], CONTENT).names == (RATE,)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (["train.learnig_rate=1"], "found no parameter 'train.learnig_rate', did you mean 'learning_rate'"),
        (["gates=1"], "found no parameter 'gates'"),
        ([f"{RATE}=0.2,fast"], f"-S {RATE}: found 'fast', expected a valid number"),
        ([f"{RATE}=0.2,2"], f"-S {RATE}: found 2, expected less than or equal to 1"),
        ([f"{RATE}=null"], f"-S {RATE}: found None, expected"),
        ([f"{RATE}=[]"], f"-S {RATE}: found [], expected"),
        (["max_iterations=1.5"], "found 1.5, expected a valid integer"),
        (["seed=[1,2]"], "-S seed: found [1, 2], expected a valid integer"),
        (["train.estimator=forest"], "found 'forest', expected 'gradient_boosting', 'logistic' or 'linear'"),
        (["inverse_penalty=1,2"], "found a parameter of logistic, expected one that gradient_boosting reads"),
        (["split.validation_months=1,2"], "makes no other model of the same training rows"),
        (["threads=1,2"], "makes no other model of the same training rows"),
        (["seed=1", "seed=2"], "-S seed: found it twice"),
        (["seed=range(0,101)"], "found a grid of 101 points, expected at most 100"),
        (["seed=range(0,1e12)"], "found a grid of 1,000,000,000,000 points"),
        (["seed=range(0,20)", "max_categories=range(10,20)"], "found a grid of 200 points"),
        (["seed=range(2,1)"], "found a range without a value"),
        (["seed=range(1,2,0)"], "found a range without a value"),
        (["seed=interval(1,2)"], "found no list of values"),
        (["seed=glob(*)"], "found no list of values"),
        (["+seed=1"], "found no list of values"),
        (["~seed"], "found no list of values"),
        (["seed"], "-S 'seed': missing EQUAL at '<EOF>'"),
        (["seed=1,,2"], "input ',', expected NAME=A,B"),
        ([""], "-S ''"),
    ],
)
def test_what_is_no_setting_is_refused_before_anything_runs(settings: list[str], problem: str) -> None:
    with pytest.raises(UserError) as refused:
        grids.expand(settings, CONTENT)

    assert problem in refused.value.problem
    assert refused.value.fix


# What is written into params.yaml.


def test_a_parameter_of_another_estimator_than_all_points_have_is_told_by_the_names_of_both() -> None:
    said = "found a parameter of gradient_boosting, expected one that logistic reads, the estimator of every point"
    with pytest.raises(UserError, match=f"-S train.gradient_boosting.max_leaf_nodes: {said}") as refused:
        points("train.estimator=logistic", "train.max_leaf_nodes=3")

    assert refused.value.fix == "-S train.estimator=logistic,gradient_boosting, or name a parameter of logistic"


def test_a_value_is_changed_in_its_place_and_nothing_else() -> None:
    text = (ROOT / "params.yaml").read_text()
    point = {"train.estimator": "logistic", RATE: [0.03, 0.2], "train.gradient_boosting.max_iterations": 99}

    changed = params_text.edited(text, point)

    before, after = text.splitlines(), changed.splitlines()
    assert len(before) == len(after)
    assert [line for line, old in zip(after, before, strict=True) if line != old] == [
        "  estimator: logistic  # or logistic; for a number, or linear", "    learning_rate: [0.03, 0.2]", "    max_iterations: 99"
    ]  # fmt: skip
    assert yaml.safe_load(changed) == grids.with_values(CONTENT, point)


def test_a_list_with_a_line_for_each_value_stays_one() -> None:
    text = "train:\n  rates:  # tried\n    - 0.1  # slow\n    - 0.3  # fast\n  # the end\n  seed: 1\n"

    changed = params_text.edited(text, {"train.rates": [0.00001]})

    assert changed == "train:\n  rates:  # tried\n    - 1.0e-05  # fast\n  # the end\n  seed: 1\n"
    assert yaml.safe_load(changed)["train"]["rates"] == [0.00001]


def test_a_value_that_others_refer_to_is_not_changed() -> None:
    with pytest.raises(UserError, match="params.yaml: found b.rate written by a reference to another value"):
        params_text.edited("a: &same\n  rate: 1\nb: *same\n", {"b.rate": 2})


def test_what_is_as_it_should_be_is_not_even_written_another_way() -> None:
    text = "rate: [ 1e-1 , 0.2 ]\n"

    assert params_text.edited(text, {"rate": yaml.safe_load(text)["rate"]}) == text


# What came of it.


def outcome(point: dict[str, Any], loss: float | None, reason: str = "") -> sweeps.Outcome:
    return sweeps.Outcome(sweeps.Trial(point, "", ""), loss=loss, seconds=2.04, reason=reason)


def swept(*outcomes: sweeps.Outcome) -> sweeps.Sweep:
    return sweeps.Sweep(sweeps.Plan(tuple(one.trial for one in outcomes), (RATE, LEAVES), ""), outcomes)


def test_the_winner_has_the_least_log_loss_on_the_validation_rows() -> None:
    found = swept(
        outcome({RATE: [0.1], LEAVES: [15]}, 0.5), outcome({RATE: [0.2], LEAVES: [15]}, 0.4), outcome({}, None)
    )

    assert found.winner is found.outcomes[1]
    assert found.gains == {RATE: [0.2]}


def test_what_is_only_as_good_changes_nothing() -> None:
    found = swept(outcome({RATE: [0.1]}, 0.5), outcome({RATE: [0.2]}, 0.5))

    assert found.winner is found.outcomes[0]
    assert found.gains == {}
    assert sweeps.offer(found) == ["no point is better than params.yaml as it is"]


def test_a_tree_that_fails_itself_is_beaten_by_any_point() -> None:
    assert swept(outcome({RATE: [0.1]}, None), outcome({RATE: [0.2]}, 0.7)).gains == {RATE: [0.2]}


def test_the_table_is_sorted_and_says_what_failed_and_why() -> None:
    found = swept(
        outcome({RATE: [0.1], LEAVES: [15, 31]}, 0.5),
        outcome({RATE: [0.3], LEAVES: [15, 31]}, None, "no memory left"),
        outcome({RATE: [0.2]}, 0.412345)._replace(seconds=None),
    )

    assert sweep_table.table(found) == [
        "learning_rate  max_leaf_nodes  log loss  seconds",
        "0.2            -               0.412345  before   winner",
        "0.1            15, 31          0.500000  2.0      as it is",
        "0.3            15, 31          -         2.0      failed: no memory left",
    ]


def test_a_sweep_of_a_number_is_ranked_by_its_error() -> None:
    found = swept(outcome({RATE: [0.1]}, 58.5), outcome({RATE: [0.2]}, 57.25))
    found = found._replace(plan=found.plan._replace(names=(RATE,), metric="rmse"))

    assert sweep_table.table(found) == [
        "learning_rate  RMSE       seconds",
        "0.2            57.250000  2.0      winner",
        "0.1            58.500000  2.0      as it is",
    ]


@pytest.fixture
def tree(project: Project) -> Path:
    """A committed tree whose experiments can be written by hand."""
    root = project.workspace.root
    for name in ("src", ".dvc/config"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).symlink_to(ROOT / name)
    for name in ("dvc.yaml", "requirements-work.txt"):
        shutil.copy(ROOT / name, root)
    (root / "data.dvc").write_text("outs:\n- md5: 0123456789abcdef.dir\n")
    (root / ".gitignore").write_text("/artifacts\n/data\n/src\n/.dvc\n/mlflow.db\n/mlartifacts\n")
    for line in ("git init --quiet", "git add --all", "git commit --quiet --message first"):
        run(line, root)
    return root


@pytest.fixture
def finish(tree: Path) -> Finish:
    """Leave the experiments of a sweep behind, as if it had run."""

    def write(settings: list[str], losses: list[float]) -> sweeps.Plan:
        plan = sweeps.plan(tree, settings)
        for trial, loss in zip(plan.trials, losses, strict=False):
            tried = f"log_loss\n0.9\n{loss}\n".encode()
            md5 = hashlib.md5(tried).hexdigest()
            cached = tree / ".dvc" / "cache" / "files" / "md5" / md5[:2] / md5[2:]
            cached.parent.mkdir(parents=True, exist_ok=True)
            cached.write_bytes(tried)
            lock = {"stages": {"train": {"outs": [{"path": "artifacts/train/tried.csv", "md5": md5}]}}}
            (tree / "dvc.lock").write_text(yaml.safe_dump(lock))
            run("git add dvc.lock", tree)
            run("git commit --quiet --message experiment", tree)
            run(f"git update-ref refs/exps/ab/cdef/{trial.name} HEAD", tree)
            run("git reset --quiet --hard HEAD~1", tree)
        return plan

    return write


def test_what_is_done_is_not_run_again_and_the_best_of_it_is_written(tree: Path, finish: Finish) -> None:
    settings = [f"{RATE}=0.1,0.25,0.5"]
    before = (tree / "params.yaml").read_text()

    found = sweeps.run(tree, finish(settings, [0.5, 0.3, 0.4]))

    assert [line.split() for line in sweep_table.table(found)[1:]] == [
        ["0.25", "0.300000", "before", "winner"],
        ["0.5", "0.400000", "before"],
        ["0.1", "0.500000", "before", "as", "it", "is"],
    ]
    assert sweeps.offer(found) == ["better than params.yaml as it is: learning_rate 0.25; --set-winner writes it there"]
    assert (tree / "params.yaml").read_text() == before
    assert sweeps.take(tree, found)[0] == "params.yaml: now learning_rate 0.25"
    assert (tree / "params.yaml").read_text() == before.replace("    - 0.1\n    max_leaf", "    - 0.25\n    max_leaf")
    again = sweeps.run(tree, sweeps.plan(tree, settings))
    assert sweeps.take(tree, again) == ["no point is better than params.yaml as it is: nothing to write"]


def test_a_sweep_is_one_run_and_each_point_one_below_it(tree: Path, finish: Finish, tmp_path: Path) -> None:
    found = sweeps.run(tree, finish([f"{RATE}=0.25,0.5"], [0.5, 0.3, 0.4]))
    again = sweeps.run(tree, sweeps.plan(tree, [f"{RATE}=0.25,0.5"]))

    whole = sweep_runs.parent(tree, found, tmp_path)
    points = [sweep_runs.child(whole, found, outcome, tmp_path) for outcome in found.outcomes]

    assert (whole.name, whole.metrics) == ("sweep of learning_rate", {"validation_log_loss": 0.3})
    assert whole.params == {RATE: "0.1 | 0.25 | 0.5"}
    assert whole.key == sweep_runs.parent(tree, again, tmp_path).key
    assert len({whole.key, *(point.key for point in points)}) == 4
    assert [point.name for point in points] == ["learning_rate 0.1", "learning_rate 0.25", "learning_rate 0.5"]
    assert [point.metrics["validation_log_loss"] for point in points] == [0.5, 0.3, 0.4]
    assert points[1].params[RATE] == "[0.25]"
    assert points[1].artifacts[0][0].read_text() == "log_loss\n0.9\n0.3\n"


def test_what_is_logged_is_of_the_commit_and_not_of_the_winner_that_is_written_after(
    tree: Path, finish: Finish, empty_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI", "HOLDFAST_ENV"):
        monkeypatch.delenv(name, raising=False)
    finish([f"{RATE}=0.25"], [0.5, 0.3])
    opened = open_in(tree, empty_store)

    assert sweep.run(tree, [f"{RATE}=0.25"], set_winner=True) == DONE

    assert run("git status --porcelain", tree).split() == ["M", "params.yaml"]
    experiments = [one.experiment_id for one in opened.client.search_experiments()]
    assert [one.data.tags["holdfast.dirty"] for one in opened.client.search_runs(experiments)] == ["false"] * 3


def test_a_store_that_does_not_answer_is_told_before_anything_runs(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setattr(sweeps, "run", lambda *_: pytest.fail("it runs"))

    with pytest.raises(UserError, match="the MLflow store is not there: nobody answers"):
        sweep.run(tree, [f"{RATE}=0.25"], set_winner=False)


def test_a_params_yaml_that_changed_meanwhile_is_left_alone(tree: Path, finish: Finish) -> None:
    settings = [f"{RATE}=0.25"]
    done = sweeps.run(tree, finish(settings, [0.5, 0.3]))
    changed = (tree / "params.yaml").read_text() + "# mine\n"
    (tree / "params.yaml").write_text(changed)

    with pytest.raises(UserError, match="found it changed since the sweep began; nothing was written"):
        sweeps.take(tree, done)

    assert (tree / "params.yaml").read_text() == changed


def test_a_disk_that_takes_no_more_leaves_params_yaml_whole(
    tree: Path, finish: Finish, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = sweeps.run(tree, finish([f"{RATE}=0.25"], [0.5, 0.3]))
    before = (tree / "params.yaml").read_text()

    def full(path: Path, content: bytes) -> int:
        with path.open("wb") as file:
            file.write(content[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)

    with pytest.raises(UserError, match="params.yaml: not written: No space left on device"):
        sweeps.take(tree, done)

    assert (tree / "params.yaml").read_text() == before
    assert not list(tree.glob(".params*"))


def test_an_experiment_is_that_of_all_that_train_depends_on_and_of_nothing_else(tree: Path) -> None:
    def name() -> str:
        return sweeps.plan(tree, ["seed=1"]).trials[1].name

    def edit(path: str, before: str, after: str) -> None:
        text = (tree / path).read_text()
        assert before in text
        (tree / path).write_text(text.replace(before, after))

    first = name()
    edit("params.yaml", "latency_ms: 100", "latency_ms: 99")
    assert name() == first
    for path, before, after in (
        ("params.yaml", "max_iterations: 8", "max_iterations: 9"),
        ("params.yaml", "validation_months: 1", "validation_months: 2"),
        ("data.dvc", "0123", "3210"),
        ("requirements-work.txt", "pandas==", "pandas===="),
        ("dvc.yaml", "src/holdfast/stages featurize", "src/holdfast/stages  featurize"),
    ):
        edit(path, before, after)
        assert name() != first, path
        edit(path, after, before)
        assert name() == first


def test_the_folder_of_a_process_that_is_no_more_is_removed_and_one_in_use_is_not(tmp_path: Path) -> None:
    place = tmp_path / "sweeps"
    with scratch._locked(place) as ours:
        died = place / f"{os.getpid()}-died"  # in another container, where the numbers of processes begin anew
        died.mkdir()
        (died / "lock").touch()
        (place / "before-its-lock").mkdir()
        with scratch._locked(place) as theirs:
            assert set(place.iterdir()) == {ours, theirs}

    assert list(place.iterdir()) == []


def test_what_a_command_started_ends_with_it(tmp_path: Path) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(KeyboardInterrupt):
            processes.run(["sh", "-c", "(sleep 0.5; touch late) & wait"], tmp_path)
    finally:
        signal.signal(signal.SIGALRM, before)
    time.sleep(0.5)

    assert not (tmp_path / "late").exists()


def test_what_is_for_our_code_alone_is_not_handed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PYTHONPATH", "COVERAGE_PROCESS_CONFIG", "HANDED_ON"):
        monkeypatch.setenv(name, "ours")

    said = processes.run(["sh", "-c", "env"], tmp_path).stdout.splitlines()

    assert [line for line in said if line.endswith("=ours")] == ["HANDED_ON=ours"]


# With DVC, for real.


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory: pytest.TempPathFactory, make_repository: MakeRepository) -> Path:
    return make_repository(tmp_path_factory.mktemp("origin")).workspace.root


@pytest.fixture
def repository(reproduced: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(reproduced, tmp_path / "repository", symlinks=True))


def state(root: Path) -> tuple[bytes, bytes, str, dict[str, bytes]]:
    """What a sweep must leave as it is."""
    status = run("git status --porcelain", root)
    return (root / "params.yaml").read_bytes(), (root / "dvc.lock").read_bytes(), status, Project(root).artifacts()


def logged(root: Path) -> list[Any]:
    """Return the runs in the store of a repository."""
    opened = store.connect(root)
    experiment = opened.client.get_experiment_by_name("flight-delay-dev")
    assert experiment
    return list(opened.client.search_runs([experiment.experiment_id]))


SWEEP = f"{sys.executable} -m holdfast sweep -S {RATE}="


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The ``noload`` loader")  # MLflow with SQLAlchemy 2.1
def test_each_point_is_an_experiment_and_the_tree_stays_as_it_is(repository: Path) -> None:
    before = state(repository)

    said = run(f"{SWEEP}0.1,0.3", repository)

    assert "2 points, of which 0 are done\n1 of 2: learning_rate 0.1\n  log loss 0." in said
    assert state(repository) == before
    assert len(run("dvc exp list --name-only", repository).split()) == 2
    refs = run("git for-each-ref --format=%(refname) refs/exps", repository).split()
    for ref in refs:  # nothing was evaluated: what Git holds of the holdout is what it held before
        changed = run(f"git diff --name-only HEAD {ref}", repository).split()
        assert set(changed) <= {"params.yaml", "dvc.lock"}
    runs = logged(repository)
    (whole,) = (one for one in runs if "mlflow.parentRunId" not in one.data.tags)
    points = [one for one in runs if one.data.tags.get("mlflow.parentRunId") == whole.info.run_id]
    assert len(points) == len(runs) - 1 == 2
    assert min(one.data.metrics["validation_log_loss"] for one in points) == whole.data.metrics["validation_log_loss"]
    again = run(f"{SWEEP}0.1,0.3 --set-winner", repository)
    assert len(logged(repository)) == 3
    assert "2 points, of which 2 are done\nlearning_rate" in again
    assert "params.yaml: now learning_rate 0.3" in again
    assert "\n+    - 0.3\n" in run("git diff params.yaml", repository)


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_what_was_done_before_the_end_is_kept(repository: Path, how: signal.Signals) -> None:
    (repository / "README.md").write_text("Words that are not committed.")
    before = state(repository)
    with subprocess.Popen(
        f"{SWEEP}0.2".split(), cwd=repository, env={**ENVIRONMENT, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        assert process.stdout
        for line in process.stdout:
            if line.startswith("2 of 2"):
                process.send_signal(how)

    assert process.returncode == {signal.SIGINT: 130, signal.SIGKILL: -9}[how]
    assert state(repository) == before
    assert "2 points, of which 1 are done" in run(f"{SWEEP}0.2", repository)
    assert state(repository) == before
    assert list((repository / ".holdfast" / "sweeps").iterdir()) == []


@pytest.mark.slow
def test_code_that_is_not_committed_is_what_is_tried_and_a_point_that_fails_says_why(repository: Path) -> None:
    path = repository / "src" / "holdfast" / "estimators.py"
    path.write_text(path.read_text().replace(
        "    grid, found, loss = _grid(train)",
        "    import holdfast.mine as mine\n    mine.look(train)\n    grid, found, loss = _grid(train)"
    ))  # fmt: skip
    (path.parent / "mine.py").write_text(
        "from holdfast.errors import UserError\n"
        "def look(train):\n"
        "    rate = train.gradient_boosting.learning_rate\n"
        "    if rate in ([0.2], [0.4]): raise UserError(f'too fast: {rate}.', fix='slower')\n"
    )
    before = state(repository)

    said = run(f"{SWEEP}0.2", repository)

    assert "failed: too fast: [0.2]" in next(line for line in said.splitlines() if line.startswith("0.2 "))
    assert "winner, as it is" in next(line for line in said.splitlines() if line.startswith("0.1 "))
    assert state(repository) == before
    (repository / "params.yaml").write_text(
        (repository / "params.yaml").read_text().replace("- 0.1\n    max", "- 0.4\n    max")
    )
    assert "no point was reproduced: there is no winner" in run(f"{SWEEP}0.2", repository, expected=2)


@pytest.mark.slow
def test_data_that_dvc_does_not_know_is_not_tried(repository: Path) -> None:
    Project(repository).partition().unlink()
    assert "fix: dvc add data" in run(f"{SWEEP}0.2", repository, expected=2)

    shutil.rmtree(repository / "data")
    shutil.rmtree(repository / ".dvc" / "cache")
    assert "fix: dvc pull data.dvc" in run(f"{SWEEP}0.2", repository, expected=2)
