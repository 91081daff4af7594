"""The versions of the flights, read from the history of the repository alone.

Each was a commit of `data.dvc`, and its bytes lay in the DVC remote inside the repository. So Git has all of them, in
whatever place the newest data may be.
"""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml

from holdfast import files
from holdfast.errors import UserError
from holdfast.playground.repositories import UPSTREAM, Repository

TRACKED = "data.dvc"
REMOTE = "dvc-remote"
MONTH = re.compile(r"flights/(\d{4}-\d{2})\.parquet")


def version(repository: Repository, month: str) -> bytes:
    """Return the `data.dvc` of the version whose newest month is this one.

    Raises: UserError where the history does not hold it.
    """
    commits = repository.git("log", "--format=%H", UPSTREAM, "--", TRACKED).decode().split()
    for commit in commits:
        content = repository.content(commit, TRACKED)
        if content and _newest(repository, content) == month:
            return content
    raise UserError(
        f"{TRACKED}: found no version with the flights up to {month} in the history, expected one.",
        fix="take a whole clone of the original (in a shallow one: `git fetch --unshallow`), and start from there",
    )


def bring(repository: Repository, tracked: bytes, remote: Path) -> None:
    """Put the objects of a version into a DVC remote, those that are not there yet."""
    for md5 in _objects(repository, tracked):
        target = remote / _place(md5)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            files.write_bytes(target, _object(repository, md5))


def forget(repository: Repository, tracked: bytes, place: Path, *, but: Iterable[str]) -> None:
    """Take the objects of a version out of a cache or a remote, but for some; the history has all of them."""
    for md5 in set(_objects(repository, tracked)).difference(but):
        (place / _place(md5)).unlink(missing_ok=True)


def months(tracked: bytes, places: Iterable[Path]) -> set[str]:
    """Return the months of a `data.dvc` whose list of files lies in one of some places, a cache or a remote."""
    names = [item["relpath"] for item in _listed(tracked, places)]
    return {found[1] for found in map(MONTH.fullmatch, names) if found}


def named(tracked: bytes, places: Iterable[Path]) -> set[str]:
    """Return the hashes of the list of files of a `data.dvc`, which lies in one of some places, and of the files."""
    return {_hash(tracked), *(item["md5"] for item in _listed(tracked, places))}


def lacking(hashes: Iterable[str], place: Path) -> set[str]:
    """Return the hashes of the objects that a cache or a remote does not have."""
    return {md5 for md5 in hashes if not (place / _place(md5)).is_file()}


def is_whole(tracked: bytes, place: Path) -> bool:
    """Tell whether a cache or a remote has the list of files of a `data.dvc`, and the files."""
    return not lacking(named(tracked, [place]), place)


def _listed(tracked: bytes, places: Iterable[Path]) -> list[dict[str, str]]:
    listed = next(filter(Path.is_file, (place / _place(_hash(tracked)) for place in places)), None)
    return json.loads(listed.read_bytes()) if listed else []


def _newest(repository: Repository, tracked: bytes) -> str | None:
    """Return the newest month of a version; None where it is not of flights alone."""
    months = [MONTH.fullmatch(item["relpath"]) for item in _files(repository, _hash(tracked))]
    return max((found[1] for found in months if found), default=None) if all(months) else None


def _objects(repository: Repository, tracked: bytes) -> list[str]:
    """Return the hashes of the list of files of a version, and of the files."""
    listed = _hash(tracked)
    return [listed, *(item["md5"] for item in _files(repository, listed))] if listed else []


def _files(repository: Repository, md5: str) -> Iterator[dict[str, str]]:
    content = _object(repository, md5)
    yield from json.loads(content) if content else ()


def _hash(tracked: bytes) -> str:
    try:
        return str(yaml.safe_load(tracked)["outs"][0]["md5"])
    except (yaml.YAMLError, KeyError, IndexError, TypeError):
        return ""


def _object(repository: Repository, md5: str) -> bytes:
    """Return an object as the commit that brought it had it; nothing where the history does not."""
    path = f"{REMOTE}/{_place(md5)}"
    brought = repository.line("log", "--max-count=1", "--diff-filter=A", "--format=%H", UPSTREAM, "--", path)
    return (repository.content(brought, path) or b"") if md5 and brought else b""


def _place(md5: str) -> str:
    return f"files/md5/{md5[:2]}/{md5[2:]}"
