"""`tutorial reset`: back to the start of a chapter, and nothing is lost.

What was there is put aside first: branches under `mine/TIME/` here and in the origin, what was not committed as a
commit of its own, and what Git does not keep (data that DVC does not know, runs, reports) below `.holdfast/`.
"""

import logging
import shutil
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from holdfast import processes
from holdfast.playground import flights
from holdfast.playground.chapters import FIRST, NEXT, Chapter
from holdfast.playground.repositories import HEADS, STARTS, Repository
from holdfast.playground.start import Practice

logger = logging.getLogger(__name__)

MINE = "mine"
NOTHING = "{}"  # is what DVC says of data that it could bring back
MOVED = ("mlflow.db", "mlartifacts", "reports", "quarantine", "served", "predictions.db")


def go(practice: Practice, chapter: Chapter) -> str:
    """Go back to the start of a chapter; return the name under which what was there was put aside, if anything was.

    Raises: UserError where Git or DVC refuses.
    """
    name = f"{MINE}/{datetime.now(UTC):%Y-%m-%d-%H%M%S}"
    starts = practice.origin.refs(STARTS)
    kept = _put_aside(practice, name, starts)
    clone, begins = practice.clone, starts[chapter.branch]
    for branch, commit in {**starts, "main": begins}.items():
        practice.origin.point(f"{HEADS}/{branch}", commit)
        clone.point(f"{HEADS}/{branch}", commit)
    clone.git("checkout", "--quiet", "--force", "main")
    clone.git("clean", "-d", "--force", "--quiet")
    clone.git("fetch", "--quiet", "--prune", "origin")
    clone.git("branch", "--quiet", "--set-upstream-to=origin/main", "main")
    flights.bring(practice.origin, practice.origin.content(begins, flights.TRACKED) or b"", practice.remote)
    _run(practice, chapter)
    return name if kept else ""


def _put_aside(practice: Practice, name: str, starts: dict[str, str]) -> bool:
    """Put everything that was made under a name; tell whether there was anything.

    What Git does not keep is moved last: where Git refuses, it still lies where it was.
    """
    clone = practice.clone
    kept = [_keep_changes(clone, name), _keep_detached(clone, name)]
    moved = _not_kept(clone.folder)
    _end_what_is_in_progress(clone)
    clone.git("checkout", "--quiet", "--force", "--detach")
    kept += [_rename(one, name, starts) for one in (clone, practice.origin, practice.heroku)]
    return any([*kept, _move(clone.folder, moved, name)])


def _keep_detached(clone: Repository, name: str) -> bool:
    """Keep commits that are on no branch, as in the middle of a rebase."""
    on_a_branch = clone.line("symbolic-ref", "--quiet", "HEAD")
    alone = not (on_a_branch or clone.line("for-each-ref", "--contains", "HEAD", HEADS, "refs/remotes"))
    if alone:
        clone.point(f"{HEADS}/{name}/detached", clone.tip("HEAD"))
    return alone


def _end_what_is_in_progress(clone: Repository) -> None:
    """End a rebase, a merge and their like where they stand; those that there are not refuse, and nothing is done."""
    for begun in ("rebase", "am", "cherry-pick", "revert", "merge"):
        clone.line(begun, "--quit")
    clone.line("bisect", "reset", "HEAD")


def _rename(repository: Repository, name: str, starts: dict[str, str]) -> bool:
    """Give the branches of the learner another name, unless they are only starts of chapters."""
    changed = {
        branch: commit for branch, commit in repository.refs().items()
        if starts.get(branch) != commit and not branch.startswith(f"{MINE}/")
    }  # fmt: skip
    mine = {branch: commit for branch, commit in changed.items() if commit not in starts.values()}
    for branch, commit in mine.items():
        repository.point(f"{HEADS}/{name}/{branch}", commit)
    for branch in changed:
        repository.git("update-ref", "-d", f"{HEADS}/{branch}")
    return bool(mine)


def _keep_changes(clone: Repository, name: str) -> bool:
    """Keep what is not committed, as a commit on HEAD."""
    if not clone.line("status", "--porcelain"):
        return False
    with TemporaryDirectory(prefix="holdfast-") as scratch:
        index = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
        clone.git("read-tree", "HEAD", env=index)
        clone.git("add", "--all", env=index)
        tree = clone.git("write-tree", env=index).decode().strip()
    made = clone.git("commit-tree", tree, "-p", "HEAD", "-m", "what was not committed").decode().strip()
    clone.point(f"refs/heads/{name}/not-committed", made)
    return True


def _not_kept(folder: Path) -> list[Path]:
    """Return what Git does not keep; data that DVC has recorded, and has in its cache, can go."""
    status = processes.run(["dvc", "status", "--json", flights.TRACKED], folder)
    known = not status.returncode and status.stdout.strip() == NOTHING
    return [folder / one for one in (*MOVED, *([] if known else ["data"])) if (folder / one).exists()]


def _move(folder: Path, moved: list[Path], name: str) -> bool:
    """Move files away under a name, and remove the data that may go."""
    place = folder / ".holdfast" / name
    for path in moved:
        place.mkdir(parents=True, exist_ok=True)
        path.rename(place / path.name)
    shutil.rmtree(folder / "data", ignore_errors=True)
    return bool(moved)


def _run(practice: Practice, chapter: Chapter) -> None:
    """Fetch the data; where a chapter begins with a pipeline that has run, run it, commit what it made, push both."""
    clone = practice.clone
    if not chapter.reproduced:
        shutil.rmtree(clone.folder / "artifacts", ignore_errors=True)
    if not chapter.fetched:
        _forget_flights(practice)
        return
    _dvc(clone, "pull", "--quiet", "--force", flights.TRACKED)
    if chapter.reproduced:
        logger.info("running the pipeline on the flights from January to July: half a minute")
        _dvc(clone, "repro", "--quiet")
        clone.git("add", "dvc.lock", "artifacts")
        clone.git("commit", "--quiet", "--message", "pipeline: run on the flights from January to July")
        _dvc(clone, "push", "--quiet")
        clone.git("push", "--quiet", "origin", "main")


def _forget_flights(practice: Practice) -> None:
    """Leave the cache without flights, and the remote with the first version alone, as `tutorial start` does.

    Models stay where they are, and so do objects that a version of the learner names: in the remote, or if it lacks
    them in the cache.
    """
    origin, remote, cache = practice.origin, practice.remote, practice.clone.folder / ".dvc" / "cache"
    first, following = (flights.version(origin, month) for month in (FIRST, NEXT))
    mine = {
        one.content(tip, flights.TRACKED) or b""
        for one in (origin, practice.clone)
        for tip in one.refs(f"{HEADS}/{MINE}").values()
    }
    kept = {md5 for tracked in (first, *mine) for md5 in flights.named(tracked, (remote, cache))}
    flights.forget(origin, following, remote, but=kept)
    for version in (first, following):
        flights.forget(origin, version, cache, but=flights.lacking(kept, remote))


def _dvc(clone: Repository, *command: str) -> None:
    processes.checked(processes.run(["dvc", *command], clone.folder))
