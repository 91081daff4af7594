"""The practice copy: what it holds, that it leads nowhere, how it goes back, and what it finds missing."""

import hashlib
import json
import logging
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ENVIRONMENT, ROOT, run
from holdfast.commands import tutorial
from holdfast.errors import UserError
from holdfast.playground import borrowed, chapters, checks, flights, forgetting, reset, start
from holdfast.playground.chapters import CHAPTERS
from holdfast.playground.start import Practice

# A pipeline of a moment, with the names that the checks look for.
PIPELINE = """\
stages:
  evaluate:
    cmd: mkdir -p artifacts/evaluate && cat data/flights/* > artifacts/evaluate/metrics.json
    deps: [data]
    params: [seed]
    outs: [artifacts/evaluate/metrics.json: {cache: false}]
"""
# What whoever releases has exported.
REAL = {
    "AWS_SECRET_ACCESS_KEY": "secret",
    "DEPLOY_REMOTE": "https://git.heroku.com/real.git",
    "DEPLOY_URL": "https://real.example.org",
    "DVC_REMOTE": "ours",
    "HEROKU_API_KEY": "secret",
    "MLFLOW_TRACKING_PASSWORD": "secret",
    "MLFLOW_TRACKING_TOKEN": "secret",
    "MLFLOW_TRACKING_URI": "https://models.example.org",
    "MLFLOW_TRACKING_USERNAME": "me",
}
PARAMS = "seed: 1\ndata: {id: flight}\n"


def remember(root: Path, months: tuple[str, ...]) -> None:
    """Commit a data version with these months, and its bytes in the remote inside the repository."""

    def put(content: bytes, suffix: str = "") -> str:
        md5 = hashlib.md5(content).hexdigest() + suffix
        path = root / "dvc-remote" / "files" / "md5" / md5[:2] / md5[2:]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return md5

    listed = [{"md5": put(f"{month}\n".encode()), "relpath": f"flights/{month}.parquet"} for month in months]
    md5 = put(json.dumps(listed).encode(), ".dir")
    size = 8 * len(months)
    (root / "data.dvc").write_text(
        f"outs:\n- md5: {md5}\n  size: {size}\n  nfiles: {len(months)}\n  hash: md5\n  path: data\n"
    )
    run("git add --all", root)
    run(f"git commit --quiet --message 'data: {months[-1]}'", root)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small project with the history that the tutorial needs, in which the data has moved on and elsewhere."""
    root = tmp_path_factory.mktemp("original")
    run("git init --quiet --initial-branch main", root)
    for name in (
        ".dvc/.gitignore",
        ".gitignore",
        "scripts/setup",
        "pyproject.toml",
        "requirements-work.txt",
        "src/holdfast/__init__.py",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, root / name)
    (root / ".dvc" / "config").write_text("[core]\n    remote = ours\n['remote \"ours\"']\n    url = s3://ours/data\n")
    (root / "dvc.yaml").write_text(PIPELINE)
    (root / "dvc.lock").write_text("stages: {}\n")
    (root / "params.yaml").write_text(PARAMS)
    for months in (("2013-05",), ("2013-05", "2013-06"), ("2013-05", "2013-06", "2013-07"), ("2013-08",)):
        remember(root, months)
    run("git rm -r --quiet dvc-remote", root)
    run("git commit --quiet --message 'data: moves to S3'", root)
    return root


@pytest.fixture(scope="module")
def template(original: Path, tmp_path_factory: pytest.TempPathFactory) -> Practice:
    """A practice copy of it, for reading only."""
    return start.make(original, tmp_path_factory.mktemp("template") / "practice")


def said_by(practice: Practice, command: str) -> str:
    """Run a command in the clone, with its environment activated, as a learner does."""
    line = f". .venv/bin/activate && {command}"
    environment = {**os.environ, **REAL, "HOLDFAST_ENV": "prod"}
    done = subprocess.run(
        ["bash", "-c", line], cwd=practice.clone.folder, env=environment, text=True, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_it_has_an_origin_a_remote_and_a_branch_at_the_start_of_each_chapter(template: Practice) -> None:
    clone = template.clone

    assert {"main", *(chapter.branch for chapter in CHAPTERS)} == set(clone.refs())
    assert clone.refs() == template.origin.refs()
    assert clone.tip("main") == clone.tip("chapter-1")
    assert clone.line("status", "--porcelain") == ""
    assert clone.content("main", "dvc.lock") is None
    assert flights.is_whole(clone.content("chapter-1", "data.dvc") or b"", template.remote)
    assert not flights.is_whole(clone.content("chapter-2", "data.dvc") or b"", template.remote)
    months = flights.months(clone.content("main", "data.dvc") or b"", [template.remote])
    assert months == {"2013-05", "2013-06"}


def naming(folder: Path, place: Path) -> set[str]:
    """Return the files and links below a folder that name a place."""
    paths = [path for path in folder.rglob("*") if path.is_symlink() or path.is_file()]
    said = {path: str(path.readlink()).encode() if path.is_symlink() else path.read_bytes() for path in paths}
    return {path.relative_to(folder).as_posix() for path, content in said.items() if str(place).encode() in content}


def test_nothing_in_it_leads_back_to_the_original(template: Practice, original: Path) -> None:
    linked = [path for path in template.folder.rglob("*") if path.is_file() and path.stat().st_nlink > 1]

    assert naming(template.folder, original) == set()
    assert linked == []
    assert "s3://" not in (template.clone.folder / ".dvc" / "config").read_text()
    assert template.clone.line("remote").split() == ["heroku", "origin"]
    assert template.origin.line("remote") == ""


def test_only_its_environment_names_what_it_borrows(template: Practice) -> None:
    environment = template.clone.folder / ".venv"
    packages = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"

    named = {name: naming(template.folder, Path(name)) for name in (sys.prefix, ROOT)}

    allowed = {"pyvenv.cfg", f"{packages}/borrowed.pth", *(f"bin/{name}" for name in borrowed.BINARIES)}
    within = {f"{environment.relative_to(template.folder).as_posix()}/{name}" for name in allowed}
    assert all(names <= within for names in named.values()), named
    assert f"{environment.relative_to(template.folder)}/{packages}/borrowed.pth" in named[sys.prefix]
    borrowing = (environment / packages / "borrowed.pth").read_text().splitlines()
    assert borrowing[0] == str(template.clone.folder / "src")
    assert all(line.endswith(("site-packages')", "dist-packages')")) for line in borrowing[1:])


def test_its_environment_borrows_packages_and_forgets_addresses(template: Practice) -> None:
    said = said_by(template, 'python -c "import numpy, sys; print(numpy.__version__, sys.prefix)"; which ruff pytest')
    known = said_by(template, f"echo ${'$'.join(REAL)}$HOLDFAST_ENV.$VIRTUAL_ENV; scripts/setup")

    environment = template.clone.folder / ".venv"
    assert said.split()[1:] == [str(environment), f"{environment}/bin/ruff", f"{environment}/bin/pytest"]
    assert known == f".{environment}"  # and `make` does not set it up again


def test_by_a_symlink_its_environment_is_not_set_up_again(original: Path, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    clone = start.make(original, tmp_path / "link" / "practice").clone.folder  # as it is written, not where it lies
    ends = {"PYTHON": "there-is-none", "PATH": os.environ["PATH"]}  # where it would be set up

    for folder in (clone, clone.resolve()):
        done = subprocess.run(
            ["sh", "-c", 'cd "$0" && scripts/setup', folder], env=ends, text=True, capture_output=True
        )
        assert (done.returncode, done.stderr) == (0, "")


def test_a_command_forgets_addresses_where_nothing_is_activated(template: Practice) -> None:
    command = [sys.executable, "-m", "holdfast", "tutorial", "check", "9"]
    done = subprocess.run(
        command, cwd=template.clone.folder, env={**ENVIRONMENT, **REAL}, text=True, capture_output=True
    )

    assert f"a practice copy: what the shell has in {', '.join(REAL)} is not used" in done.stdout
    assert done.returncode == 2, done.stderr


def test_what_a_chapter_sets_is_kept(template: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**REAL, "HOLDFAST_ENV": "prod", "MODEL_URI": "served"}.items():
        monkeypatch.setenv(name, value)

    forgetting.forget(template.clone.folder)

    assert not set(REAL) & set(os.environ)
    assert (os.environ["HOLDFAST_ENV"], os.environ["MODEL_URI"]) == ("prod", "served")


def test_every_address_that_a_command_takes_from_the_shell_is_forgotten() -> None:
    sources = [path.read_text() for path in (ROOT / "src" / "holdfast").rglob("*.py")]
    named = {name for source in sources for name in re.findall(r'"([A-Z_]+_(?:URI|URL|TOKEN|KEY|REMOTE))"', source)}

    assert named - set(forgetting.ADDRESSES) <= {"GITHUB_API_URL", "GITHUB_SERVER_URL", "MODEL_URI"}  # public ones


def test_a_worktree_of_a_practice_copy_is_one_and_a_clone_of_the_original_is_none(
    template: Practice, original: Path, tmp_path: Path
) -> None:
    run(f"git worktree add --quiet --detach {tmp_path / 'tree'}", template.clone.folder)

    found = [forgetting.is_practice(root) for root in (template.clone.folder, tmp_path / "tree", original, tmp_path)]

    run(f"git worktree remove {tmp_path / 'tree'}", template.clone.folder)
    assert found == [True, True, False, False]


def test_the_addresses_of_the_real_repository_stay(original: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in REAL.items():
        monkeypatch.setenv(name, value)

    forgetting.forget(original)

    assert set(REAL) <= set(os.environ)


def test_its_code_comes_before_what_it_borrows(template: Practice) -> None:
    said = said_by(template, 'python -c "import sys; print(*sys.path, sep=chr(10))"').splitlines()

    borrowed_from = min(said.index(path) for path in sys.path if path.endswith("site-packages"))
    assert said.index(str(template.clone.folder / "src")) < borrowed_from


def test_a_path_with_a_space_gets_scripts_that_a_shell_can_start(tmp_path: Path) -> None:
    clone = tmp_path / "my practice"
    clone.mkdir()
    for name in borrowed.MADE_FROM:
        (clone / name).parent.mkdir(exist_ok=True)
        (clone / name).touch()

    borrowed.make(clone)

    done = subprocess.run([clone / ".venv" / "bin" / "tabulate", "--help"], text=True, capture_output=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("source", "folder", "problem"),
    [
        ("{root}", "{root}/practice", r"lies in the repository itself.*\n  fix: name \.\./practice"),
        ("{root}", "{tmp}/full", "holds something already, expected a new or an empty folder"),
        ("{root}", '{tmp}/a"quote', "found a quote in the path"),
        ("{tmp}", "{tmp}-new", "found no commit, expected a clone of the repository"),
        ("{root}/scripts", "{tmp}/new", "found a part of a repository, expected the whole of one"),
    ],
    ids=["inside", "full", "quote", "no-git", "part"],
)
def test_a_folder_or_a_repository_that_does_not_suit_is_refused(
    source: str, folder: str, problem: str, original: Path, tmp_path: Path
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").touch()
    before = sorted(tmp_path.rglob("*"))

    with pytest.raises(UserError, match=problem):
        start.make(*(Path(one.format(root=original, tmp=tmp_path)) for one in (source, folder)))

    assert sorted(tmp_path.rglob("*")) == before
    assert not Path(f"{tmp_path}-new").exists()


def test_a_history_that_lacks_the_data_is_refused_and_leaves_nothing_behind(original: Path, tmp_path: Path) -> None:
    run(f"git clone --quiet --depth 1 file://{original} {tmp_path / 'shallow'}", tmp_path)

    with pytest.raises(UserError, match=r"found no version with the flights up to 2013-06.*\n.*git fetch --unshallow"):
        start.make(tmp_path / "shallow", tmp_path / "practice")

    assert not (tmp_path / "practice").exists()


def test_the_real_repository_is_never_reset(original: Path) -> None:
    before = run("git status --porcelain", original), run("git log --format=%H --all", original)

    with pytest.raises(
        UserError, match=r"not a practice copy, and nothing in it was touched.*\n  fix: .*tutorial start"
    ):
        tutorial.run(original, "reset", chapter=1)

    assert before == (run("git status --porcelain", original), run("git log --format=%H --all", original))


def test_a_copy_of_the_clone_is_not_taken_for_it(template: Practice, tmp_path: Path) -> None:
    run(f"git clone --quiet {template.clone.folder} {tmp_path / 'copy'}", tmp_path)

    with pytest.raises(UserError, match="not a practice copy"):
        start.find(tmp_path / "copy")


def test_a_chapter_that_there_is_not_is_refused(template: Practice) -> None:
    with pytest.raises(UserError, match="chapter: found 9, expected a number from 1 to 8"):
        tutorial.run(template.clone.folder, "check", chapter=9)


def test_the_last_chapter_leads_back_to_the_first_page() -> None:
    assert chapters.after(CHAPTERS[0]) == CHAPTERS[1].page
    assert chapters.after(CHAPTERS[-1]) == "docs/tutorial/README.md"


def test_it_says_what_to_do_first(original: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="holdfast")

    assert tutorial.run(original, "start", folder=str(tmp_path / "practice")) == 0

    assert f"cd {tmp_path}/practice/holdfast" in caplog.text
    assert "docs/tutorial/1-data.md" in caplog.text


@pytest.fixture
def practice(original: Path, tmp_path: Path) -> Practice:
    """A practice copy to work in."""
    return start.make(original, tmp_path / "practice")


def found(practice: Practice, number: int) -> list[bool]:
    return [finding.there for finding in checks.look(practice, chapters.of(number))]


def test_a_deployment_is_found_in_the_repository_of_the_platform(practice: Practice) -> None:
    root = practice.clone.folder
    assert found(practice, 6) == [False, False, False]
    (root / "served").mkdir()
    (root / "served" / "release.json").write_text("{}")
    run("git push --quiet heroku main", root)
    assert found(practice, 6) == [True, True, False]

    run("git add --force served", root)
    run("git commit --quiet --message served", root)
    run("git push --quiet heroku main", root)

    assert found(practice, 6) == [True, True, True]


def test_a_branch_is_found_with_the_report_of_its_last_commit(practice: Practice) -> None:
    root = practice.clone.folder
    report = root / "reports" / "comparison" / "report.json"
    report.parent.mkdir(parents=True)
    report.write_text(json.dumps({"challenger": {"commit": practice.clone.tip("HEAD")}}))
    assert found(practice, 5) == [False, False]

    run("git switch --quiet --create faster", root)
    run("git commit --quiet --allow-empty --message faster", root)
    run("git push --quiet origin faster", root)
    assert found(practice, 5) == [True, False]
    report.write_text(json.dumps({"challenger": {"commit": practice.clone.tip("HEAD")}}))

    assert found(practice, 5) == [True, True]


@pytest.mark.slow
def test_a_test_of_ones_own_is_found_and_run(practice: Practice) -> None:
    root = practice.clone.folder
    assert found(practice, 4) == [False, False]
    test = root / "tests" / "test_mine.py"
    test.parent.mkdir()
    test.write_text("def test_that_fails() -> None:\n    assert 1 == 2\n")
    run("git add tests", root)
    run("git commit --quiet --message tests", root)
    assert found(practice, 4) == [True, False]

    test.write_text("def test_that_passes() -> None:\n    assert 1 == 1\n")

    assert found(practice, 4) == [True, True]


@pytest.mark.slow
def test_what_the_first_chapters_leave_behind_is_found_step_by_step(
    practice: Practice, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="holdfast")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    root = practice.clone.folder
    run("dvc pull --quiet data.dvc", root)
    assert found(practice, 1) == [False, True, True, True]
    (root / "data" / "flights" / "2013-07.parquet").write_text("2013-07\n")
    run("dvc add --quiet data", root)
    assert found(practice, 1) == [False, True, False, True]
    run("git commit --quiet --all --message July", root)
    assert found(practice, 1) == [True, False, True, False]
    assert tutorial.run(root, "check", chapter=1) == 1
    assert "2 of 4 missing; read docs/tutorial/1-data.md again" in caplog.text
    run("dvc push --quiet", root)
    run("git push --quiet", root)
    assert tutorial.run(root, "check", chapter=1) == 0
    assert "all there; go on with docs/tutorial/2-pipeline.md" in caplog.text

    assert found(practice, 2) == [False, False]
    run("dvc repro --quiet", root)
    assert found(practice, 2) == [True, False]
    run("git add dvc.lock artifacts", root)
    run("git commit --quiet --message pipeline", root)
    assert found(practice, 2) == [True, True]

    (root / "params.yaml").write_text(PARAMS.replace("1", "2"))
    assert found(practice, 3) == [False, False, False, False]
    run("dvc repro --quiet", root)
    run("git commit --quiet --all --message seed", root)
    assert found(practice, 3) == [True, True, True, False]
    assert found(practice, 7) == [False, False]
    assert found(practice, 8) == [False, True, True]


def test_a_version_is_taken_from_a_remote_but_for_what_another_has(template: Practice, tmp_path: Path) -> None:
    june, july = (template.clone.content(f"chapter-{number}", "data.dvc") or b"" for number in (1, 2))
    flights.bring(template.origin, july, tmp_path)
    flights.bring(template.origin, june, tmp_path)

    flights.forget(template.origin, july, tmp_path, but=flights.named(june, [tmp_path]))

    assert flights.is_whole(june, tmp_path)
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 3


@pytest.mark.slow
def test_going_back_keeps_all_that_was_done(practice: Practice, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="holdfast")
    clone, root = practice.clone, practice.clone.folder
    run("dvc pull --quiet data.dvc", root)
    (root / "mine.txt").write_text("mine\n")
    run("git add mine.txt", root)
    run("git commit --quiet --message mine", root)
    committed = clone.tip("HEAD")
    run("git push --quiet origin main main:other", root)
    run("git switch --quiet --create faster", root)
    (root / "params.yaml").write_text(PARAMS.replace("1", "2"))
    (root / "new.txt").write_text("new\n")
    (root / "data" / "flights" / "2014-01.parquet").write_text("2014-01\n")
    (root / "mlflow.db").write_text("runs")

    assert tutorial.run(root, "reset", chapter=3) == 0

    (place,) = (root / ".holdfast" / "mine").iterdir()
    name = f"mine/{place.name}"
    assert clone.tip(f"{name}/main") == clone.tip(f"{name}/faster") == committed
    assert clone.content(f"{name}/not-committed", "new.txt") == b"new\n"
    assert clone.content(f"{name}/not-committed", "params.yaml") == PARAMS.replace("1", "2").encode()
    assert practice.origin.tip(f"{name}/other") == committed
    assert (place / "data" / "flights" / "2014-01.parquet").is_file()
    assert (place / "mlflow.db").read_text() == "runs"
    assert f"under the name {name}" in caplog.text
    assert not {"mine.txt", "new.txt", "mlflow.db"} & {path.name for path in root.iterdir()}


def diverge(root: Path) -> None:
    """Let `main` and `other` say different things in one file."""
    for branch, said in (("other", "theirs"), ("main", "ours")):
        run(f"git switch --quiet {'--create' if branch == 'other' else ''} {branch}", root)
        (root / "mine.txt").write_text(said)
        run("git add mine.txt", root)
        run(f"git commit --quiet --message {said}", root)


def in_progress(practice: Practice) -> set[str]:
    """Return what Git would have to be asked to continue or to abort."""
    states = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply", "BISECT_LOG")
    return {name for name in states if (practice.clone.folder / ".git" / name).exists()}


@pytest.mark.slow
@pytest.mark.parametrize("begun", ["merge", "rebase", "cherry-pick"])
def test_going_back_ends_what_is_in_progress_and_keeps_it(practice: Practice, begun: str) -> None:
    clone, root = practice.clone, practice.clone.folder
    diverge(root)
    (root / "mlflow.db").write_text("runs")
    subprocess.run(["git", begun, "other"], cwd=root, env=ENVIRONMENT, capture_output=True, check=False)
    assert in_progress(practice)

    name = reset.go(practice, chapters.of(1))

    assert in_progress(practice) == set()
    assert clone.line("status", "--porcelain", "--branch") == "## main...origin/main"
    assert "<<<<<<<" in str(clone.content(f"{name}/not-committed", "mine.txt"))
    assert clone.content(f"{name}/main", "mine.txt") == b"ours"
    assert clone.content(f"{name}/other", "mine.txt") == b"theirs"
    assert (root / ".holdfast" / name / "mlflow.db").read_text() == "runs"


def test_where_git_refuses_to_go_back_nothing_is_moved(practice: Practice) -> None:
    root = practice.clone.folder
    (root / "mlflow.db").write_text("runs")
    (root / ".git" / "index.lock").touch()

    with pytest.raises(UserError, match=r"git checkout: .*index\.lock"):
        reset.go(practice, chapters.of(1))

    assert (root / "mlflow.db").read_text() == "runs"
    assert not (root / ".holdfast").exists()


@pytest.mark.slow
def test_going_back_keeps_commits_on_no_branch(practice: Practice) -> None:
    root = practice.clone.folder
    run("git switch --quiet --detach", root)
    run("git commit --quiet --allow-empty --message alone", root)
    alone = practice.clone.tip("HEAD")

    name = reset.go(practice, chapters.of(1))

    assert practice.clone.tip(f"{name}/detached") == alone


@pytest.mark.slow
def test_going_back_keeps_data_that_no_cache_has(practice: Practice) -> None:
    root = practice.clone.folder
    run("dvc pull --quiet data.dvc", root)
    (root / "data" / "flights" / "2014-01.parquet").write_text("2014-01\n")
    run("dvc add --quiet data", root)
    run("git commit --quiet --all --message January", root)
    shutil.rmtree(root / ".dvc" / "cache")

    name = reset.go(practice, chapters.of(1))

    assert (root / ".holdfast" / name / "data" / "flights" / "2014-01.parquet").read_text() == "2014-01\n"


@pytest.mark.slow
def test_going_back_ends_at_the_start_of_the_chapter(practice: Practice) -> None:
    clone, root = practice.clone, practice.clone.folder

    assert reset.go(practice, chapters.of(3)) == ""

    assert clone.line("status", "--porcelain", "--branch") == "## main...origin/main"
    assert clone.line("log", "--format=%s", "--max-count=2").splitlines() == [
        "pipeline: run on the flights from January to July", "data: July 2013",
    ]  # fmt: skip
    assert run("dvc status", root).strip() == "Data and pipelines are up to date."
    assert found(practice, 1) == [True, True, True, True]
    assert found(practice, 2) == [True, True]
    assert reset.go(practice, chapters.of(1)).startswith("mine/")
    assert clone.tip("main") == clone.tip("origin/main") == clone.tip("chapter-1")
    assert not (root / "artifacts").exists()


@pytest.mark.slow
def test_the_first_chapter_begins_with_flights_in_the_remote_alone_and_without_july(practice: Practice) -> None:
    root = practice.clone.folder
    june, july = (practice.clone.content(f"chapter-{number}", "data.dvc") or b"" for number in (1, 2))
    cache = root / ".dvc" / "cache"
    reset.go(practice, chapters.of(2))
    (root / "data" / "flights" / "2014-01.parquet").write_text("2014-01\n")
    run("dvc add --quiet data", root)
    run("dvc push --quiet", root)
    assert flights.is_whole(july, cache)
    assert flights.is_whole(july, practice.remote)
    mine = (root / "data.dvc").read_bytes()

    name = reset.go(practice, chapters.of(1))

    assert not (root / "data").exists()
    assert flights.months(july, [cache, practice.remote]) == set()
    assert flights.is_whole(june, practice.remote)
    assert "2014-01" in flights.months(mine, [cache])
    assert flights.is_whole(mine, practice.remote)
    assert run("dvc pull data.dvc", root).splitlines()[-1] == "3 files fetched and 2 files added"
    run(f"git switch --quiet {name}/not-committed", root)
    run("dvc pull --quiet data.dvc", root)
    assert len(list((root / "data" / "flights").iterdir())) == 4
    reset.go(practice, chapters.of(2))
    assert flights.is_whole(july, practice.remote)


@pytest.mark.slow
def test_the_door_of_the_real_repository_opens_it(tmp_path: Path) -> None:
    run(f"{sys.executable} -m holdfast tutorial start {tmp_path / 'practice'}", ROOT)

    clone = tmp_path / "practice" / "holdfast"
    python = clone / ".venv" / "bin" / "python"
    bare = {name: value for name, value in ENVIRONMENT.items() if name != "PYTHONPATH"}
    where = subprocess.run(
        [python, "-c", "import holdfast; print(holdfast.__file__)"], cwd=clone, env=bare, text=True, capture_output=True
    )
    assert where.stdout.strip() == str(clone / "src" / "holdfast" / "__init__.py")
