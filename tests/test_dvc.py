"""The pipeline under real DVC, in real Git repositories, on a small data set."""

import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import s3_server
from conftest import ENVIRONMENT, MONTHS, ROOT, MakeRepository, MakeRows, Project, run, unmeasured
from holdfast import files, rebuild
from holdfast.model import Model

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory: pytest.TempPathFactory, make_repository: MakeRepository) -> Path:
    """This working tree with a small data set, committed, reproduced and pushed."""
    return make_repository(tmp_path_factory.mktemp("origin")).workspace.root


@pytest.fixture
def clone(reproduced: Path, tmp_path: Path) -> Project:
    """A fresh clone: nothing but what Git holds."""
    run(f"git clone --quiet {reproduced} {tmp_path / 'clone'}", tmp_path)
    return Project(tmp_path / "clone")


@pytest.fixture
def repository(reproduced: Path, tmp_path: Path) -> Project:
    """A copy with its artifacts and its cache."""
    return Project(Path(shutil.copytree(reproduced, tmp_path / "repository", symlinks=True)))


def stages_run(said: str) -> list[str]:
    return [line.split("'")[1] for line in said.splitlines() if line.startswith("Running stage")]


def damage(folder: Path) -> None:
    """Flip a bit in a partition that a DVC cache or remote holds."""
    path = next(path for path in sorted(folder.rglob("*")) if path.is_file() and path.read_bytes()[:4] == b"PAR1")
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 4
    path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(0o444)


def test_a_plain_pull_brings_data_and_model_and_finds_nothing_missing(clone: Project) -> None:
    root = clone.workspace.root

    said = run("dvc pull", root)

    assert "WARNING" not in said
    assert len(clone.workspace.partitions()) == len(MONTHS)
    Model.load(clone.workspace.train / "model")
    run("dvc checkout", root)
    assert run("git status --porcelain", root) == ""


def test_a_clone_without_data_is_up_to_date(clone: Project) -> None:
    assert stages_run(run("dvc repro --pull --allow-missing", clone.workspace.root)) == []


def test_a_clone_pulls_and_reproduces_what_was_committed(clone: Project) -> None:
    root = clone.workspace.root

    run("dvc pull --quiet data.dvc", root)
    said = run("dvc repro", root)

    assert stages_run(said) == ["prepare", "featurize", "train", "evaluate"]
    assert run("git status --porcelain", root) == ""
    assert stages_run(run("dvc repro", root)) == []


def test_the_remote_holds_no_intermediates(reproduced: Path) -> None:
    cached = [out for stage in yaml.safe_load((reproduced / "dvc.yaml").read_text())["stages"].values()
              for entry in stage["outs"] for out, options in entry.items() if options.get("cache", True)]  # fmt: skip

    held = [path for path in (reproduced / "dvc-remote").rglob("*") if path.is_file()]

    # The list of months and the months; each cached artifact, and the files of those that are folders: the model's two,
    # the two that the bundle has besides them, and the plots.
    plots = [path for path in (reproduced / "artifacts" / "evaluate" / "plots").iterdir() if path.is_file()]
    assert len(held) == 1 + len(MONTHS) + len(cached) + 2 + 2 + len(plots)


def runner(reproduced: Path, folder: Path, *, cached: bool) -> Project:
    """A checkout on a runner of CI, with what ci.yml restores of the first commit of main or without it."""
    run(f"git clone --quiet {reproduced} {folder}", folder.parent)
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
    (restored,) = (step["with"]["path"].split() for step in jobs["pipeline"]["steps"] if step.get("id") == "artifacts")
    for name in restored if cached else []:
        copy = shutil.copytree if (reproduced / name).is_dir() else shutil.copy
        copy(reproduced / name, folder / name)
    return Project(folder)


def repro_changed(root: Path) -> list[str]:
    """Run what `make repro-changed` runs in an environment that is set up; return the stages that ran."""
    planned = subprocess.run(
        ["make", "--dry-run", "repro-changed"], cwd=ROOT, text=True, capture_output=True, check=True
    )
    commands = [line for line in planned.stdout.splitlines() if line.startswith("dvc ")]
    assert commands[-1] == "dvc repro"
    return stages_run("".join(run(command, root) for command in commands))


def other_train_parameter(content: dict[str, Any]) -> None:
    content["train"]["gradient_boosting"].update(learning_rate=[0.2])


@pytest.mark.parametrize("cached", [True, False])
def test_ci_ends_with_every_artifact_whether_or_not_its_cache_is_warm(
    reproduced: Path, tmp_path: Path, cached: bool
) -> None:
    project = runner(reproduced, tmp_path / "runner", cached=cached)

    ran = repro_changed(project.workspace.root)

    assert ran == ([] if cached else ["prepare", "featurize", "evaluate"])  # the model is in the remote
    assert project.artifacts() == Project(reproduced).artifacts()
    assert run("dvc status", project.workspace.root).strip() == "Data and pipelines are up to date."
    assert run("git status --porcelain", project.workspace.root) == ""


@pytest.mark.parametrize("cached", [True, False])
def test_ci_trains_what_its_author_only_edited(reproduced: Path, tmp_path: Path, cached: bool) -> None:
    project = runner(reproduced, tmp_path / "runner", cached=cached)
    project.change(other_train_parameter)

    assert repro_changed(project.workspace.root)[-2:] == ["train", "evaluate"]

    assert repro_changed(project.workspace.root) == []
    said = run("make --no-print-directory committed", project.workspace.root, expected=2)
    assert (
        "error: dvc.lock or metrics.json: not committed as dvc repro writes them.\n  fix: dvc repro && git add dvc.lock artifacts"
        in said
    )


@pytest.mark.parametrize("pushed", [True, False])
def test_ci_does_not_train_again_what_its_author_trained_and_pushed(
    repository: Project, reproduced: Path, tmp_path: Path, pushed: bool
) -> None:
    root = repository.workspace.root
    repository.change(other_train_parameter)
    run("dvc repro --quiet", root)
    if pushed:
        run("dvc push --quiet", root)
    run("git add --all", root)
    run("git commit --quiet --message faster", root)
    project = runner(reproduced, tmp_path / "runner", cached=True)
    run(f"git pull --quiet {root} main", project.workspace.root)

    assert repro_changed(project.workspace.root) == (["evaluate"] if pushed else ["train", "evaluate"])

    assert project.artifacts() == repository.artifacts()
    run("make --no-print-directory committed", project.workspace.root)


def test_the_shorter_command_fails_without_a_cache(clone: Project) -> None:
    clone.change(other_train_parameter)

    said = run("dvc repro --pull --allow-missing", clone.workspace.root, expected=255)

    assert re.search("failed to reproduce 'train': .*No such file or directory: .*artifacts/featurize", said)


def test_a_change_of_a_train_parameter_runs_train_and_evaluate_only(repository: Project) -> None:
    repository.change(lambda content: content["train"]["gradient_boosting"].update(l2_regularization=1.0))

    assert stages_run(run("dvc repro", repository.workspace.root)) == ["train", "evaluate"]


def test_another_number_of_threads_runs_nothing(repository: Project) -> None:
    repository.change(lambda content: content.update(threads=2))

    assert stages_run(run("dvc repro", repository.workspace.root)) == []


def test_a_stage_that_refuses_leaves_every_artifact_in_place_and_says_how_to_go_back(repository: Project) -> None:
    root, before = repository.workspace.root, repository.artifacts()
    lock = (root / "dvc.lock").read_bytes()
    repository.partition(MONTHS[1]).unlink()

    said = run("dvc repro", root, expected=255)

    assert "error: data/: found no rows in 2013-02" in said
    assert repository.artifacts() == before
    assert (root / "dvc.lock").read_bytes() == lock
    follow_the_remedy(said, root)
    assert stages_run(run("dvc repro", root)) == []
    assert run("git status --porcelain", root) == ""


def follow_the_remedy(said: str, root: Path) -> None:
    """Run the first command line that an error tells its reader to run."""
    commands = re.search(r"fix: .*?`(.*?)`", said)
    assert commands is not None
    for command in commands[1].split(" && "):
        run(command, root)


@pytest.mark.parametrize(
    ("stage", "moments"),
    [("prepare", ["half", "move"]), ("train", ["draft", "move"]), ("evaluate", ["half", "draft", "move"])],
)
def test_a_killed_stage_leaves_all_of_the_old_artifacts_or_all_of_the_new(
    repository: Project, stage: str, moments: list[str]
) -> None:
    """Kill a stage that would write other bytes: on the way, while it writes, while it moves."""
    root = repository.workspace.root
    folder = root / "artifacts" / stage
    old = bytes_below(folder)
    repository.change(lambda content: content.update(seed=7))
    repository.change(lambda content: content["train"]["gradient_boosting"].update(l2_regularization=0.5))
    repository.change(lambda content: content["data"]["columns"]["carrier"].update(help="Another text."))
    repository.run(stage)
    new = bytes_below(folder)
    assert new != old

    for when in moments:
        shutil.rmtree(folder)
        write_below(folder, old)
        assert kill_stage(stage, root, when) == -signal.SIGKILL
        files.tidy(folder)  # as the door of the stages does first
        assert bytes_below(folder) in (old, new)

        repository.run(stage)
        assert bytes_below(folder) == new
        assert sorted(path.name for path in folder.parent.iterdir()) == ["evaluate", "featurize", "prepare", "train"]


def test_a_stage_that_was_killed_and_then_refuses_its_input_still_has_the_old_artifacts(repository: Project) -> None:
    root, folder = repository.workspace.root, repository.workspace.prepare
    old = bytes_below(folder)
    assert kill_stage("prepare", root, "move") == -signal.SIGKILL
    assert not folder.exists()
    repository.partition(MONTHS[1]).unlink()

    run(f"{sys.executable} src/holdfast/stages prepare", root, expected=2)

    assert bytes_below(folder) == old


def kill_stage(stage: str, root: Path, when: str) -> int:
    """Start a stage, kill it at some moment, return its exit code.

    The moments inside `files.replacing` are found by a pause that is patched in, for they are short.
    """
    pause = {"draft": "pathlib.Path.write_bytes", "move": "pathlib.Path.rename"}.get(when)
    script = (
        "import pathlib, runpy, sys, time\n"
        f"sys.argv = ['stages', '{stage}']\n"
        + (
            f"def paused(*a, real={pause}):\n    real(*a); open('reached', 'w').close(); time.sleep(60)\n{pause} = paused\n"
            if pause
            else ""
        )
        + "runpy.run_path('src/holdfast/stages', run_name='__main__')\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script], cwd=root, env=unmeasured(), stderr=subprocess.DEVNULL)
    if pause:
        while not (root / "reached").exists() and process.poll() is None:
            time.sleep(0.01)
        (root / "reached").unlink(missing_ok=True)
    else:
        time.sleep(0.3)
    process.kill()
    return process.wait()


def bytes_below(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def write_below(folder: Path, content: dict[str, bytes]) -> None:
    for name, value in content.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(value)


def test_of_two_at_once_one_is_refused(repository: Project) -> None:
    root = repository.workspace.root
    first = subprocess.Popen(
        ["dvc", "repro", "--force"],
        cwd=root,
        env=unmeasured(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert first.stdout is not None
    while "Running stage 'prepare'" not in first.stdout.readline():
        assert first.poll() is None

    said = run("dvc repro --force", root, expected=255)

    assert "is busy, it is being blocked by" in said or "Unable to acquire lock" in said
    first.communicate()
    assert first.returncode == 0
    assert run("git status --porcelain", root) == ""
    assert stages_run(run("dvc repro", root)) == []


def test_a_damaged_object_in_the_remote_is_not_let_in(clone: Project) -> None:
    root = clone.workspace.root
    damage(root / "dvc-remote")

    said = run("dvc pull data.dvc", root, expected=1)

    assert "failed to pull data from the cloud" in said
    assert not clone.workspace.data.exists()
    run("git checkout -- dvc-remote", root)
    run("dvc pull data.dvc", root)
    assert len(clone.workspace.partitions()) == len(MONTHS)


def test_a_damaged_object_in_the_cache_is_noticed_and_mended_as_the_error_says(clone: Project) -> None:
    root = clone.workspace.root
    run("dvc pull --quiet data.dvc", root)
    shutil.rmtree(clone.workspace.data)
    damage(root / ".dvc" / "cache")
    run("dvc checkout --quiet data.dvc", root)

    said = run("dvc repro prepare", root, expected=255)

    assert "that are not a whole Parquet file" in said
    follow_the_remedy(said, root)
    said = run("dvc repro prepare", root, expected=255)
    assert "move .dvc/cache aside, delete data/, then run `git checkout -- data.dvc && dvc pull data.dvc`" in said
    (root / ".dvc" / "cache").rename(root / ".dvc" / "tmp" / "aside")
    shutil.rmtree(clone.workspace.data)
    run("git checkout -- data.dvc", root)
    run("dvc pull data.dvc", root)
    run("dvc repro --quiet prepare", root)
    assert run("git status --porcelain", root) == ""


def test_a_damaged_partition_comes_back_by_the_remedy(repository: Project) -> None:
    root = repository.workspace.root
    repository.partition().write_bytes(repository.partition().read_bytes()[:1000])

    said = run("dvc repro", root, expected=255)

    follow_the_remedy(said, root)
    assert stages_run(run("dvc repro", root)) == []


def add_a_month(project: Project, month: str, make_rows: MakeRows) -> None:
    """Do what the README says when a month arrives."""
    root = project.workspace.root
    files.write(project.partition(month), make_rows(project.params.data, month))
    for command in ("dvc add --quiet data", "dvc repro --quiet", "dvc push --quiet"):
        run(command, root)
    run("git add data.dvc dvc.lock artifacts dvc-remote", root)
    run(f"git commit --quiet --message {month}", root)


def test_an_older_data_version_comes_back(repository: Project, tmp_path: Path, make_rows: MakeRows) -> None:
    root = repository.workspace.root
    add_a_month(repository, "2013-05", make_rows)
    run(f"git clone --quiet {root} {tmp_path / 'clone'}", tmp_path)
    clone = Project(tmp_path / "clone")

    run("dvc pull --quiet", clone.workspace.root)
    assert [path.stem for path in clone.workspace.partitions()] == [*MONTHS, "2013-05"]
    run("git checkout --quiet HEAD~1 -- data.dvc", clone.workspace.root)
    run("dvc checkout --quiet", clone.workspace.root)

    assert [path.stem for path in clone.workspace.partitions()] == list(MONTHS)


def test_a_pull_does_not_lose_a_new_partition(clone: Project, make_rows: MakeRows) -> None:
    root = clone.workspace.root
    run("dvc pull --quiet data.dvc", root)
    files.write(clone.partition("2013-05"), make_rows(clone.params.data, "2013-05"))

    said = run("dvc pull data.dvc", root, expected=1)

    assert "Can't remove the following unsaved files without confirmation" in said
    assert clone.partition("2013-05").is_file()


@pytest.fixture
def s3() -> Iterator[str]:
    """A stand-in for S3 on loopback, with an empty bucket; it does not check secrets, as real S3 does."""
    with s3_server.serving() as address:
        yield address


def test_every_data_version_moves_to_s3_by_the_commands_of_the_readme(
    repository: Project, tmp_path: Path, s3: str, monkeypatch: pytest.MonkeyPatch, make_rows: MakeRows
) -> None:
    root, clone = repository.workspace.root, Project(tmp_path / "clone")
    monkeypatch.setitem(ENVIRONMENT, "AWS_ENDPOINT_URL", s3)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setitem(ENVIRONMENT, name, "any")
    add_a_month(repository, "2013-05", make_rows)
    readme = (ROOT / "README.md").read_text().partition("## Keep the data in S3")[2]
    commands = [line.removeprefix("$ ").partition("  #")[0] for line in readme.splitlines() if line.startswith("$ ")]

    for command in commands:
        run(command.replace("<bucket>", "bucket").replace("<folder>", "holdfast"), root)

    assert not (root / "dvc-remote").exists()
    run(f"git clone --quiet {root} {clone.workspace.root}", tmp_path)
    run("dvc pull", clone.workspace.root)
    Model.load(clone.workspace.train / "model")
    assert len(clone.workspace.partitions()) == len(MONTHS) + 1
    run("git checkout --quiet HEAD~2 -- data.dvc", clone.workspace.root)
    run("dvc checkout data.dvc", clone.workspace.root)
    assert len(clone.workspace.partitions()) == len(MONTHS)


def test_lock_check_names_the_stages_that_would_run(repository: Project) -> None:
    root = repository.workspace.root
    assert rebuild.stale_stages(root) == []
    assert "dvc.lock is current" in run(f"{sys.executable} -m holdfast lock-check", root)

    repository.change(lambda content: content["evaluate"].update(calibration_bins=5))

    assert rebuild.stale_stages(root) == ["evaluate"]
    said = run(f"{sys.executable} -m holdfast lock-check", root, expected=1)
    assert (
        "dvc.lock is not current: evaluate would run again, and what depends on it.\n  fix: dvc repro, then commit dvc.lock"
        in said
    )


def test_lock_check_works_in_a_clone_without_data(clone: Project) -> None:
    assert rebuild.stale_stages(clone.workspace.root) == []


def edit(path: Path, old: str, new: str) -> None:
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


@pytest.mark.parametrize(
    ("plant", "expected"),
    [
        (lambda root: edit(root / "src/holdfast/stages/evaluate.py", "params.seed)", "__import__('time').time_ns() % 999)"),
         "artifacts/evaluate/bundle/card.json, artifacts/evaluate/plots/importance.csv, artifacts/eval"),
        (lambda root: edit(root / "src/holdfast/model.py", '"format": FORMAT', '"x": id([]), "format": FORMAT'),
         "artifacts/evaluate/bundle/model.json, artifacts/train/model/model.json"),
    ],
    ids=["clock-as-seed", "address-in-the-model"],
)  # fmt: skip
def test_rebuild_check_names_the_files_that_differ(
    repository: Project, plant: Callable[[Path], None], expected: str
) -> None:
    root = repository.workspace.root
    plant(root)
    run("dvc repro --quiet", root)
    run("dvc push --quiet", root)
    run("git add --all", root)
    run("git commit --quiet --allow-empty --message planted", root)

    said = run(f"{sys.executable} -m holdfast rebuild-check", root, expected=1)

    assert f"not to the same bytes: {expected}" in said


def test_rebuild_check_finds_the_same_bytes_also_of_an_older_commit(repository: Project, make_rows: MakeRows) -> None:
    root = repository.workspace.root
    older = run("git rev-parse HEAD", root)[:12]
    add_a_month(repository, "2013-05", make_rows)

    said = run(f"{sys.executable} -m holdfast rebuild-check HEAD~1", root)

    assert f"cloning {older}" in said
    assert "rebuilt to the same bytes" in said
    assert "error: git rev-parse" in run(f"{sys.executable} -m holdfast rebuild-check nowhere", root, expected=2)


def test_rebuild_check_of_data_that_was_never_pushed_says_so(repository: Project, make_rows: MakeRows) -> None:
    root = repository.workspace.root
    files.write(repository.partition("2013-05"), make_rows(repository.params.data, "2013-05"))
    run("dvc add --quiet data", root)
    run("git commit --quiet --all --message 'data: May'", root)

    said = run(f"{sys.executable} -m holdfast rebuild-check", root, expected=2)

    assert "error: dvc pull data.dvc: " in said
    assert "do not exist neither locally nor on remote" in said


def test_what_dvc_shows_is_worth_looking_at(repository: Project) -> None:
    root = repository.workspace.root

    assert "roc_auc" in run("dvc metrics show", root)
    assert "featurize" in run("dvc dag", root)
    page = run("dvc plots show --out shown", root)
    assert "index.html" in page
    html = (root / "shown" / "index.html").read_text()
    assert all(
        word in html
        for word in ("Precision and recall", "ROC AUC by slice", "Labels at the threshold", "calibration.png")
    )
    repository.change(lambda content: content.update(seed=1))
    assert "seed" in run("dvc params diff", root)


def test_artifacts_names_the_model_that_is_there(reproduced: Path) -> None:
    entries = yaml.safe_load((reproduced / "dvc.yaml").read_text())["artifacts"]

    assert all((reproduced / entry["path"] / "model.skops").is_file() for entry in entries.values())
