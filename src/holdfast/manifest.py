"""What a folder of scores says of itself: which files were scored, by which model, and what came of each.

`manifest.json` is written anew, whole, whenever a partition is done. What it does not list as scored does not count.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field

from holdfast import files, streams
from holdfast.errors import UserError
from holdfast.strict import Strict

FORMAT = 1
FILE = "manifest.json"
REFUSED_ROWS = "refused"
NUMBER = re.compile(r"(?:models:/[^/@]+/)?([0-9]+)")  # a version of the registry, as people name it
SHORTEST = 7  # characters of a hash that name a model


class ScoredBy(Strict):
    """A model, as every row of the scores names it."""

    version: str
    sha256: str
    data_format: int


class Entry(Strict):
    """A partition: the file that came in, and what came of it; what is not known yet is null."""

    input: str = Field(description="its path, as it was given")
    state: Literal["waiting", "scored", "failed"] = "waiting"
    size: int | None = Field(default=None, description="of the file that came in, in bytes")
    sha256: str | None = Field(default=None, description="of the file that came in")
    rows: int | None = Field(default=None, description="that came in")
    refused: int | None = Field(default=None, description="of these")
    output_sha256: str | None = None
    refused_sha256: str | None = None
    scored_at: str | None = None
    problem: str | None = Field(default=None, description="why it failed")
    fix: str | None = None


class Manifest(Strict):
    """All that is known of a folder of scores."""

    format: int = FORMAT
    asked: str | None = Field(default=None, description="the model, as it was named; null for that of the tree")
    model: ScoredBy
    started_at: str
    counts: dict[str, int] = Field(default_factory=dict)
    partitions: dict[str, Entry]

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Read the manifest of a folder; None where it has none.

        Raises: UserError where it is damaged, or of another format.
        """
        path = folder / FILE
        if not path.exists():
            return None
        remedy = f"score into another folder, or remove {files.shown(path)}: then everything is scored again"
        try:
            found = cls.model_validate(files.read_json(path, dict[str, Any]))
        except (UserError, ValueError) as error:
            raise UserError(f"{files.shown(path)}: not the file that was written.", fix=remedy) from error
        if found.format != FORMAT:
            raise UserError(f"{files.shown(path)}: found format {found.format}, expected {FORMAT}.", fix=remedy)
        return found

    def having(self, name: str, entry: Entry) -> Self:
        """Return the manifest with another entry."""
        return self.model_copy(update={"partitions": {**self.partitions, name: entry}})

    def write(self, folder: Path) -> None:
        """Write it, whole or not at all."""
        entries = self.partitions.values()
        counts = {state: sum(one.state == state for one in entries) for state in ("scored", "failed", "waiting")}
        counts |= {"rows": sum(one.rows or 0 for one in entries), "refused": sum(one.refused or 0 for one in entries)}
        with files.whole(folder / FILE) as draft:
            files.write_json(
                draft, self.model_copy(update={"counts": counts}).model_dump(mode="json", exclude_none=True)
            )


def scores_of(folder: Path, name: str) -> Path:
    """Return where the scores of a partition are."""
    return folder / f"{name}{streams.PARQUET}"


def refused_of(folder: Path, name: str) -> Path:
    """Return where the rows of a partition are that were refused."""
    return folder / REFUSED_ROWS / f"{name}{streams.CSV}"


def is_whole(folder: Path, name: str, entry: Entry) -> bool:
    """Tell whether the files of a partition are those that were written."""
    return entry.state == "scored" and (_sha256(scores_of(folder, name)), _sha256(refused_of(folder, name))) == (
        entry.output_sha256,
        entry.refused_sha256,
    )


def problems(folder: Path, found: Manifest, asked: ScoredBy | None) -> Iterator[str]:
    """Give everything that is not as the manifest says, or not by the model that was asked for."""
    number = NUMBER.fullmatch(found.asked or "")
    if number and found.model.version != number[1] and not is_hash(number[1], found.model):
        yield f"scored by {said(found.model)}, asked for was version {number[1]}"
    if asked is not None and not _is_asked(asked, found.model):
        yield f"scored by {said(found.model)}, asked for was {said(asked)}"
    for name, entry in found.partitions.items():
        yield from _of_partition(folder, name, entry, found.model)
    listed = {scores_of(folder, name) for name in found.partitions}
    listed |= {refused_of(folder, name) for name, entry in found.partitions.items() if entry.refused}
    refused = (folder / REFUSED_ROWS).rglob(f"*{streams.CSV}")
    for path in sorted({*folder.rglob(f"*{streams.PARQUET}"), *refused} - listed):
        yield f"{path.relative_to(folder)}: not in the manifest"


def _is_asked(asked: ScoredBy, found: ScoredBy) -> bool:
    """Tell whether a model is the one that was asked for; one that is only known by its hash has no other name."""
    same = (asked.sha256, asked.data_format) == (found.sha256, found.data_format)
    return same and (asked.version == found.version or is_hash(asked.version, asked))


def is_hash(name: str, model: ScoredBy) -> bool:
    """Tell whether a name is the beginning of a model's hash."""
    return len(name) >= SHORTEST and model.sha256.startswith(name)


def _of_partition(folder: Path, name: str, entry: Entry, model: ScoredBy) -> Iterator[str]:
    """Give what is not as it should be with the scores of a partition."""
    path = scores_of(folder, name)
    if entry.state != "scored":
        yield f"{name}: not scored{f': {entry.problem}' if entry.problem else ' yet'}"
    elif not path.exists():
        yield f"{path.name}: not there"
    elif not is_whole(folder, name, entry):
        yield f"{path.name}, or the rows that were refused: other bytes than were written"
    else:
        rows, values = streams.distinct(path, ["model_version", "model_sha256", "data_format"])
        if rows != (entry.rows or 0) - (entry.refused or 0):
            yield f"{path.name}: {rows:,} rows, expected those that came in less those that were refused"
        if rows and values != {
            "model_version": {model.version},
            "model_sha256": {model.sha256},
            "data_format": {model.data_format},
        }:
            yield f"{path.name}: rows by another model than {said(model)}"


def said(model: ScoredBy) -> str:
    """Say a model, short."""
    return f"version {model.version} ({model.sha256[:12]})"


def _sha256(path: Path) -> str | None:
    return streams.sha256(path) if path.is_file() else None
