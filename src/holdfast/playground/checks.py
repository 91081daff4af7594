"""`tutorial check`: what the learner's own repository says about a chapter.

Each check looks at what is there, not at what was typed. What is missing, it names with the command that makes it.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from holdfast import environments, processes, rebuild, store
from holdfast.files import Workspace
from holdfast.params import load
from holdfast.playground import flights
from holdfast.playground.chapters import NEXT, Chapter
from holdfast.playground.repositories import HEADS, STARTS, Repository
from holdfast.playground.start import HEROKU, Practice

METRICS = "artifacts/evaluate/metrics.json"
RELEASED = "served/release.json"  # as `export served` and `deploy` leave it
OURS = ("main", "HEAD", "chapter-", "mine/")


class Finding(NamedTuple):
    """Something that a chapter leaves behind; `fix` is what makes it, where it is not there."""

    what: str
    there: bool
    fix: str


Look = Callable[[Practice, Chapter], Iterator[Finding]]


def look(practice: Practice, chapter: Chapter) -> list[Finding]:
    """Look for what a chapter leaves behind."""
    return list(LOOKS[chapter.number](practice, chapter))


def _data(practice: Practice, _: Chapter) -> Iterator[Finding]:
    clone = practice.clone
    tracked = clone.content("HEAD", flights.TRACKED) or b""
    months = flights.months(tracked, (practice.remote, clone.folder / ".dvc" / "cache"))
    add = "dvc add data && git add data.dvc && git commit --message 'data: July 2013'"
    yield Finding("data.dvc of the last commit has the flights of July", NEXT in months, add)
    yield Finding("the DVC remote has all of it", _is_in_the_remote(practice, tracked), "dvc push data.dvc")
    yield _clean(clone)
    yield Finding("the origin has the last commit", _is_pushed(clone), "git push")


def _pipeline(practice: Practice, _: Chapter) -> Iterator[Finding]:
    yield from _current(practice.clone)


def _experiments(practice: Practice, chapter: Chapter) -> Iterator[Finding]:
    clone = practice.clone
    changed = clone.content("HEAD", "params.yaml") != _at_start(practice, chapter, "params.yaml")
    yield Finding("params.yaml has other values than at the start", changed, "edit params.yaml, then dvc repro")
    yield from _current(clone)
    yield Finding("a run is in the MLflow store", _has_run(clone.folder), "python -m holdfast publish")


def _tests(practice: Practice, chapter: Chapter) -> Iterator[Finding]:
    clone = practice.clone
    started = practice.origin.tip(f"{STARTS}/{chapter.branch}")
    added = clone.line("diff", "--name-only", "--diff-filter=A", started, "HEAD", "--", "tests").split()
    mine = [name for name in added if Path(name).name.startswith("test_") and name.endswith(".py")]
    add = "git add tests/test_mine.py && git commit --message 'tests: one of mine'"
    yield Finding("a file of tests of your own is committed", bool(mine), f"write tests/test_mine.py, then {add}")
    passing = bool(mine) and not processes.run(["pytest", "--quiet", *mine], clone.folder).returncode
    yield Finding("its tests pass", passing, f"pytest {' '.join(mine) or 'tests/test_mine.py'}")


def _automation(practice: Practice, _: Chapter) -> Iterator[Finding]:
    clone = practice.clone
    branches = {name: commit for name, commit in practice.origin.refs().items() if not name.startswith(OURS)}
    push = "git switch --create faster, commit, then git push --set-upstream origin faster"
    yield Finding("a branch of yours is on the origin", bool(branches), push)
    report = Workspace(clone.folder).comparison / "report.json"
    said = json.loads(report.read_bytes()) if report.is_file() else {}
    judged = said.get("challenger", {}).get("commit") in branches.values()
    yield Finding("its last commit has a report", judged, "python -m holdfast report, on that branch")


def _deploy(practice: Practice, _: Chapter) -> Iterator[Finding]:
    exported = (practice.clone.folder / RELEASED).is_file()
    yield Finding("a model is exported into served/", exported, "python -m holdfast export served")
    deployed = practice.heroku.tip(f"{HEADS}/main")
    push = "python -m holdfast deploy served heroku"
    yield Finding(f"{HEROKU} has a commit to build", bool(deployed), push)
    held = bool(deployed) and practice.heroku.content(deployed, RELEASED) is not None
    yield Finding("... with a model in it", held, push)


def _registry(practice: Practice, _: Chapter) -> Iterator[Finding]:
    kinds = _moves(practice.clone.folder)
    promote = "python -m holdfast publish && python -m holdfast promote"
    yield Finding("the log of moves has a champion", "promote" in kinds, promote)
    back = "promote a second version, then python -m holdfast rollback"
    yield Finding("... and a way back that was gone", "rollback" in kinds, back)


def _your_data(practice: Practice, chapter: Chapter) -> Iterator[Finding]:
    clone = practice.clone
    other = _section(clone.content("HEAD", "params.yaml")) != _section(_at_start(practice, chapter, "params.yaml"))
    yield Finding("`data:` in params.yaml describes a table of yours", other, "python -m holdfast init-data FILE")
    yield from _current(clone)


def _current(clone: Repository) -> Iterator[Finding]:
    """Tell whether what the pipeline made is what is committed."""
    stale = rebuild.stale_stages(clone.folder) if (clone.folder / "dvc.lock").is_file() else ["all"]
    yield Finding("dvc.lock is what `dvc repro` writes", not stale, "dvc repro")
    held = all(clone.content("HEAD", name) is not None for name in ("dvc.lock", METRICS))
    same = not clone.line("status", "--porcelain", "--", "dvc.lock", METRICS, "params.yaml", flights.TRACKED)
    add = f"git add params.yaml data.dvc dvc.lock {METRICS} && git commit"
    yield Finding("dvc.lock and the metrics are committed", held and same, add)


def _clean(clone: Repository) -> Finding:
    changed = clone.line("status", "--porcelain")
    return Finding("nothing is left to commit", not changed, "git status says what, git add and git commit keep it")


def _is_pushed(clone: Repository) -> bool:
    return bool(clone.line("branch", "--remotes", "--contains", "HEAD"))


def _at_start(practice: Practice, chapter: Chapter, path: str) -> bytes | None:
    return practice.origin.content(f"{STARTS}/{chapter.branch}", path)


def _is_in_the_remote(practice: Practice, tracked: bytes) -> bool:
    """Tell whether a data version is in the remote; where that is another than the one of the start, DVC is asked."""
    if flights.is_whole(tracked, practice.remote):
        return True
    known = processes.run(["dvc", "status", "--cloud", "--json", flights.TRACKED], practice.clone.folder)
    return not known.returncode and known.stdout.strip() in {"", "{}"}


def _section(params: bytes | None) -> Any:
    return (yaml.safe_load(params or b"") or {}).get("data")


def _has_run(folder: Path) -> bool:
    """Tell whether the store that commands use here has any run; none is made to look."""
    if not _has_store(folder):
        return False
    client = store.connect(folder).client
    experiments = [one.experiment_id for one in client.search_experiments()]
    return bool(client.search_runs(experiments, max_results=1))


def _moves(folder: Path) -> list[str]:
    """Return of which kind the moves of the champion were."""
    from holdfast import moves  # it loads the libraries that models need

    if not _has_store(folder):
        return []
    settings = environments.current(load(Workspace(folder).params)).settings
    return [move.kind for move in moves.history(store.connect(folder, settings.tracking), settings.model)]


def _has_store(folder: Path) -> bool:
    is_file = store.address(folder).startswith("sqlite:///")
    return not is_file or (folder / store.DATABASE).is_file()


LOOKS: dict[int, Look] = {
    1: _data, 2: _pipeline, 3: _experiments, 4: _tests, 5: _automation, 6: _deploy, 7: _registry, 8: _your_data,
}  # fmt: skip
