"""Scores for whole files: every partition on its own, whole or absent, and only what is not there already.

A partition that cannot be read leaves nothing behind, and the others are scored all the same. What cannot be written
ends the batch: no later partition would fare better. Whoever runs it again gets what is missing, and what is made of
other bytes or by another model than asked for.
"""

import csv
import fcntl
import logging
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from holdfast import cells, files, intake, manifest, streams
from holdfast.errors import UserError
from holdfast.inputs import Partition
from holdfast.intake import Refusal
from holdfast.manifest import Entry, Manifest, ScoredBy
from holdfast.model import Model
from holdfast.streams import PartitionError

logger = logging.getLogger(__name__)

CONSTANTS = ("model_version", "model_sha256", "data_format", "scored_at")
EVERY = 5.0  # seconds between two lines on how far it has come


@dataclass
class Progress:
    """Says how far a long batch has come, to people at a terminal."""

    terminal: bool = field(default_factory=lambda: os.isatty(1))
    every: float = EVERY
    rows: int = 0
    began: float = field(default_factory=time.monotonic)
    said: float = field(default_factory=time.monotonic)

    def add(self, rows: int, name: str) -> None:
        """Count rows that are done."""
        self.rows += rows
        now = time.monotonic()
        if self.terminal and now - self.said >= self.every:
            self.said = now
            logger.info("  %s rows so far, %s a second (%s)", *self._figures(now), name)

    def _figures(self, now: float) -> tuple[str, str]:
        return f"{self.rows:,}", f"{self.rows / (now - self.began):,.0f}"


@dataclass(frozen=True)
class Batch:
    """A model, how it is named, where its scores go, and the one moment that they carry."""

    model: Model
    by: ScoredBy
    asked: str | None
    into: Path
    moment: datetime
    progress: Progress

    @property
    def scored_at(self) -> str:
        """The moment, as the manifest writes it."""
        return self.moment.isoformat(timespec="seconds")


def score(batch: Batch, found: Sequence[Partition]) -> Manifest:
    """Score what is not scored yet, and return what is known of all then.

    Raises: UserError where the folder holds scores by another model of other files, or cannot be written.
    """
    _refuse_name(batch.model)
    with _alone(batch.into):
        kept = _begin(batch, found)
        width = max(len(one.given) for one in found)
        for one in found:
            entry = _attempt(batch, one, kept.partitions[one.name])
            if entry != kept.partitions[one.name]:
                kept = kept.having(one.name, entry)
                kept.write(batch.into)
            logger.info("%-*s  %s", width, one.given, _outcome(entry, batch))
        return kept


def _refuse_name(model: Model) -> None:
    if model.facts.data.id in {"label", *CONSTANTS}:
        problem = f"id: found the name '{model.facts.data.id}', which a column of the scores has."
        raise UserError(problem, fix="rename the column, and `id` under `data:` in params.yaml, then `dvc repro`")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep others from scoring into the same folder."""
    with files.writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            problem = f"{files.shown(folder)}: another command is scoring into this folder."
            raise UserError(problem, fix="wait for it, or name another folder with --out") from error
        yield


def _begin(batch: Batch, found: Sequence[Partition]) -> Manifest:
    """Write the manifest to begin with, and return it: what was scored before by this model, and what waits.

    Of everything else nothing is left; files go only after the manifest says that they are not done.
    """
    before = Manifest.read(batch.into)
    known = before.partitions if before else {}
    scored = _scored_before(batch, found, before) if before else {}
    waiting = {one.name: scored.get(one.name, Entry(input=one.given)) for one in found}
    entries = dict(sorted({**scored, **waiting}.items()))
    begun = Manifest(asked=batch.asked, model=batch.by, started_at=batch.scored_at, partitions=entries)
    for name in known.keys() - entries.keys():
        _remove(batch.into, name)
    begun.write(batch.into)
    for name in entries.keys() - scored.keys():
        _remove(batch.into, name)
    return begun


def _scored_before(batch: Batch, found: Sequence[Partition], before: Manifest) -> dict[str, Entry]:
    """Return what was scored before by this model.

    Raises: UserError where the folder holds scores by another one, of files that are not named.
    """
    scored = {name: entry for name, entry in before.partitions.items() if entry.state == "scored"}
    if before.model == batch.by:
        return scored
    other = min(scored.keys() - {one.name for one in found}, default=None)
    if other is not None:
        problem = f"{files.shown(batch.into)}: found scores of {other} by {manifest.said(before.model)}"
        raise UserError(
            f"{problem}, expected those of one model in one folder.",
            fix="name all files of the folder, or another folder with --out",
        )
    return {}


def _remove(folder: Path, name: str) -> None:
    """Remove what there is of a partition."""
    for path in (manifest.scores_of(folder, name), manifest.refused_of(folder, name)):
        with files.writing(path):
            path.unlink(missing_ok=True)


def _done_already(batch: Batch, one: Partition, entry: Entry) -> Entry | None:
    """Return the entry if the scores are there, by this model, of these very bytes."""
    if not one.path.is_file() or not manifest.is_whole(batch.into, one.name, entry):
        return None
    with streams.reading(one.path):
        same = one.path.stat().st_size == entry.size and streams.sha256(one.path) == entry.sha256
    return entry.model_copy(update={"input": one.given}) if same else None


def _attempt(batch: Batch, one: Partition, entry: Entry) -> Entry:
    """Score a partition unless it is; where that cannot be done, say why, and leave nothing of another attempt."""
    try:
        return _done_already(batch, one, entry) or _scored(batch, one)
    except PartitionError as error:
        _remove(batch.into, one.name)
        return Entry(input=one.given, state="failed", problem=error.problem, fix=error.fix)


def _scored(batch: Batch, one: Partition) -> Entry:
    with streams.reading(one.path):
        before, digest = one.path.stat(), streams.sha256(one.path)
    intake.check_header(streams.header(one.path), batch.model.facts.data, one.given)
    scores, refused = manifest.scores_of(batch.into, one.name), manifest.refused_of(batch.into, one.name)
    with files.whole(scores) as draft, _refusals(refused) as refusals:
        rows = _write(batch, one, draft, refusals)
        with streams.reading(one.path):
            after = one.path.stat()
        if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            raise PartitionError(f"{one.given}: changed while it was scored.", fix="run it again when it is complete")
    return Entry(
        input=one.given,
        state="scored",
        size=before.st_size,
        sha256=digest,
        rows=rows,
        refused=refusals.rows,
        output_sha256=streams.sha256(scores),
        refused_sha256=streams.sha256(refused) if refusals.rows else None,
        scored_at=batch.scored_at,
    )


def _write(batch: Batch, one: Partition, draft: Path, refusals: "Refusals") -> int:
    """Write the scores of a partition, and return the number of its rows."""
    model, schema, rows = batch.model, batch.model.facts.data, 0
    values = (batch.by.version, batch.by.sha256, batch.by.data_format, batch.moment)
    with streams.scores(draft, schema.id, schema.target, dict(zip(CONSTANTS, values, strict=True))) as file:
        for block in streams.blocks(one.path, intake.wanted(schema)):
            taken = intake.take(block, schema, one.given)
            refusals.add(taken.refused, taken.refusals)
            if len(taken.ids):
                scores = model.score_columns(taken.columns)
                file.add(taken.ids, scores, schema.target.places(scores, model.facts.threshold))
            rows += taken.refused + len(taken.ids)
            batch.progress.add(taken.refused + len(taken.ids), one.given)
        if rows and not file.rows:
            problem = f"{one.given}: found no row that keeps the schema; the first: {refusals.first}."
            raise PartitionError(problem, fix="correct the rows, or take the model that such rows are for")
    return rows


class Refusals:
    """The file of rows that are refused; there is none where none is."""

    def __init__(self, path: Path, stack: ExitStack) -> None:
        self.rows = 0
        self.first = ""
        self._path, self._stack = path, stack
        self._writer: Any = None

    def add(self, rows: int, refusals: Iterable[Refusal]) -> None:
        """Write what is wrong with some rows."""
        self.rows += rows
        for one in refusals:
            if self._writer is None:
                self.first = f"{one.field}: found {one.found}, expected {one.expected}"
                draft = self._stack.enter_context(files.whole(self._path))
                self._writer = csv.writer(self._stack.enter_context(draft.open("w", newline="", encoding="utf-8")))
                self._writer.writerow(Refusal._fields)
            self._writer.writerow((one.row, cells.harmless(one.id), *one[2:]))


@contextmanager
def _refusals(path: Path) -> Iterator[Refusals]:
    """Give the file of refused rows to write to; whole if the block ends well, and else as it was."""
    with ExitStack() as stack:
        refusals = Refusals(path, stack)
        yield refusals
    if not refusals.rows:
        path.unlink(missing_ok=True)


def _outcome(entry: Entry, batch: Batch) -> str:
    """Say what came of a partition."""
    if entry.state == "failed":
        return "failed"
    there = "" if entry.scored_at == batch.scored_at else "  there already"
    return f"{entry.rows:>12,} rows {entry.refused or 0:>9,} refused{there}"
