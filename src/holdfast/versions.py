"""The data of a revision, read without touching the working tree.

Git holds `data.dvc` at every revision. It names, by its hash, a list of files with their hashes; DVC's cache has
them, or fetches them into the cache from the remote. A file is read only after its bytes are known to have the hash
that it is asked for by.
"""

import hashlib
import json
import logging
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd
import yaml
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from holdfast import commits, files
from holdfast.commits import Commit
from holdfast.errors import UserError
from holdfast.files import Workspace

TRACKED = "data.dvc"
ELSEWHERE = "compare with another revision: `git log --oneline -- data.dvc` lists them"


class _Folder(BaseModel):
    """The folder in `data.dvc`, known by the hash of the list of its files."""

    md5: str = Field(pattern=r"^[0-9a-f]{32}\.dir$")


class _Tracked(BaseModel):
    """A `data.dvc`."""

    outs: list[_Folder] = Field(min_length=1, max_length=1)


class _File(BaseModel):
    """A file in the list."""

    relpath: str
    md5: str = Field(pattern=r"^[0-9a-f]{32}$")


@dataclass(frozen=True)
class Version:
    """The partitions of a data version, by name: the hashes of their bytes, and where these can be read."""

    name: str
    hashes: dict[str, str]
    paths: dict[str, Path]
    committed: bool = True

    def read(self, partition: str, columns: list[str] | None = None) -> pd.DataFrame:
        """Read a partition, or some of its columns.

        Raises: UserError where it is not readable, or no Parquet file.
        """
        with self._named(partition):
            return files.read(self.paths[partition], columns)

    def rows(self, partition: str) -> int:
        """Return the number of rows of a partition."""
        return self._outlines[partition][0]

    def types(self, partition: str) -> dict[str, str]:
        """Return the columns of a partition, with their types."""
        return self._outlines[partition][1]

    @cached_property
    def _outlines(self) -> dict[str, tuple[int, dict[str, str]]]:
        found = {}
        for partition, path in self.paths.items():
            with self._named(partition):
                found[partition] = files.outline(path)
        return found

    @contextmanager
    def _named(self, partition: str) -> Iterator[None]:
        """Say which partition a file of the cache is; what was committed as it is, nothing here can mend."""
        try:
            yield
        except UserError as error:
            if not self.committed:
                raise
            raise UserError(f"{partition} at {self.name}: {error.problem}", fix=ELSEWHERE) from error


def here(workspace: Workspace) -> Version:
    """Return the version that is under `data/` now, whether or not DVC knows it.

    Raises: UserError where there is none, or a file that is no Parquet file.
    """
    paths = {path.relative_to(workspace.data).as_posix(): path for path in workspace.partitions()}
    return Version("data/ now", {name: _md5(path) for name, path in paths.items()}, paths, committed=False)


def at(root: Path, revision: str) -> Version:
    """Return the version of a Git revision.

    Raises: UserError where the revision or its `data.dvc` is not known or not valid, or its data is nowhere to be had.
    """
    commit = commits.find(root, revision, path=TRACKED)
    listed = recorded(root, commit)
    entries = _entries(objects(root, [listed], commit)[listed], commit)
    paths = objects(root, set(entries.values()), commit)
    return Version(commit.name, entries, {partition: paths[md5] for partition, md5 in entries.items()})


def of_folder(folder: Path) -> str:
    """Return the hash by which DVC knows a folder: that of the list of its files."""
    names = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    listed = [{"md5": _md5(path), "relpath": name} for name, path in sorted(names.items())]
    return hashlib.md5(json.dumps(listed).encode(), usedforsecurity=False).hexdigest() + ".dir"


def in_tracked(path: Path) -> str | None:
    """Return the hash of the folder that a `data.dvc` names; None where it is not there, or not whole."""
    try:
        return _Tracked.model_validate(yaml.safe_load(path.read_bytes())).outs[0].md5
    except (FileNotFoundError, yaml.YAMLError, ValueError, RecursionError):
        return None


def recorded(root: Path, commit: Commit) -> str:
    """Return the hash of the list of files that `data.dvc` names at a commit."""
    content = commits.text(root, commit, TRACKED)
    if content is None:
        raise UserError(f"{commit.name}: found no {TRACKED} at this revision, expected one.", fix=ELSEWHERE)
    try:
        return _Tracked.model_validate(yaml.safe_load(content)).outs[0].md5
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        problem = f"{TRACKED} at {commit.name}: not a file that `dvc add data` writes: {_first(error)}."
        raise UserError(problem, fix=ELSEWHERE) from error


def _entries(path: Path, commit: Commit) -> dict[str, str]:
    """Return the partitions in a list of files, with their hashes."""
    entries = {name: md5 for name, md5 in _listed(path, commit).items() if not Path(name).name.startswith(".")}
    other = next((partition for partition in entries if not partition.endswith(".parquet")), None)
    if other is not None or not entries:
        raise UserError(
            f"data at {commit.name}: found {other or 'no file'}, expected only Parquet files.", fix=ELSEWHERE
        )
    return dict(sorted(entries.items()))


def _listed(path: Path, commit: Commit) -> dict[str, str]:
    """Return the files in a list of files, with their hashes."""
    try:
        listed = TypeAdapter(list[_File]).validate_json(path.read_bytes())
    except ValidationError as error:
        raise UserError(
            f"data at {commit.name}: its list of files is not readable: {_first(error)}.", fix=ELSEWHERE
        ) from error
    return {file.relpath: file.md5 for file in listed}


def copy_folder(root: Path, md5: str, commit: Commit, into: Path) -> None:
    """Copy a folder that DVC knows by its hash, say a model, out of the cache or the remote.

    Raises: UserError where a part of it is in neither, or is damaged.
    """
    entries = _listed(objects(root, [md5], commit)[md5], commit)
    found = objects(root, set(entries.values()), commit)
    for name, one in entries.items():
        target = into / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(found[one], target)


def objects(root: Path, hashes: Collection[str], commit: Commit) -> dict[str, Path]:
    """Return where DVC's cache has the bytes of these hashes, after fetching those that it lacks.

    Raises: UserError where one is neither in the cache nor in the remote, or is damaged.
    """
    from botocore.exceptions import BotoCoreError  # what S3 raises where it is not reached or gets no key
    from dvc.exceptions import DvcException
    from dvc.repo import Repo
    from dvc_data.hashfile.hash_info import HashInfo

    for name in ("dvc", "dvc_data", "dvc_objects"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what is missing is said below, with a remedy
    try:
        with Repo(str(root)) as repo:
            paths = {md5: Path(repo.cache.local.oid_to_path(md5)) for md5 in hashes}
            absent = [HashInfo("md5", md5) for md5, path in sorted(paths.items()) if not path.exists()]
            if absent:
                repo.cloud.pull(absent)
    except (DvcException, OSError, BotoCoreError) as error:
        problem = f"data at {commit.name}: not in DVC's cache, and not fetched: {_first(error)}."
        raise UserError(problem, fix="mend that (`dvc remote list` shows the remotes), then run it again") from error
    for md5, path in sorted(paths.items()):
        _refuse_missing_or_damaged(path, md5, commit)
    return paths


def _refuse_missing_or_damaged(path: Path, md5: str, commit: Commit) -> None:
    if not path.exists():
        raise UserError(
            f"data at {commit.name}: object {md5} is in neither DVC's cache nor the remote, or is damaged there.",
            fix=f"where it was made: `git checkout {commit.hash[:7]} -- {TRACKED} && dvc push {TRACKED} && "
            f"git checkout HEAD -- {TRACKED}`; DVC takes for granted that what was pushed once is still there: "
            f"where that is not so, copy files/md5/{md5[:2]}/{md5[2:]} from .dvc/cache there into the remote",
        )
    if _md5(path) != md5.removesuffix(".dir"):
        raise UserError(
            f"{files.shown(path)}: found damaged bytes, expected those with the hash {md5}.",
            fix=f"rm -f {files.shown(path)}, then run it again: the object is fetched from the remote",
        )


def _md5(path: Path) -> str:
    """Return the hash by which DVC knows a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _first(error: Exception) -> str:
    """Return the first thing that an error says."""
    said = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
    return " ".join(said.split()).rstrip(".")
