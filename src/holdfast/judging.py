"""Bring two models before the judge: find them, take the sealed rows, let each be scored by its own code.

The rows are taken from the data itself, by the boundaries that the challenger was trained with, as they are in the
files: a champion may need columns that the challenger has given up. Whatever goes wrong on the way is said in the
report, for a report that does not come is taken for one that has nothing against it.
"""

import logging
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from holdfast import commits, contenders, evaluation, files, provenance, rebuild, registry, threads, versions
from holdfast.comparison import compare, impossible
from holdfast.contenders import Contender
from holdfast.data_diff import DataDiff
from holdfast.data_diff import compare as compare_data
from holdfast.differences import Rows, Scored, Slice
from holdfast.errors import UserError
from holdfast.files import Workspace
from holdfast.model import Facts, Model
from holdfast.params import Params
from holdfast.params import load as load_params
from holdfast.report import Cell, Curves, Machine, Report, Side
from holdfast.schema import Schema
from holdfast.versions import Version

logger = logging.getLogger(__name__)

CHALLENGER = "this branch"


class Holdout(NamedTuple):
    """The labelled rows on the holdout side of a model's split: as they are in the files, and in canonical form."""

    name: str
    raw: pd.DataFrame
    rows: pd.DataFrame

    def target(self, schema: Schema) -> np.ndarray:
        """Return 1 for the positive label, else 0.

        Shapes: (n,).
        """
        return (self.rows[schema.target.column] == schema.target.positive).to_numpy("int8")


def holdout(version: Version, facts: Facts, name: str) -> Holdout:
    """Return the rows of a data version that a model was neither fitted nor tuned on, one partition after the other.

    Raises: UserError where a partition cannot be read, or is of another schema.
    """
    schema, raw, rows = facts.data, [], []
    for partition in version.hashes:
        found = version.read(partition)
        canonical = schema.rows(found, partition)
        labelled = canonical[schema.target.column].isin([schema.target.negative, schema.target.positive])
        mask = labelled & (facts.split.sides(canonical, schema) == "holdout")
        raw.append(found[mask])
        rows.append(canonical[mask])
    together = pd.concat(rows, ignore_index=True)
    order = together.sort_values([schema.time, schema.id] if schema.time else schema.id).index
    return Holdout(name, pd.concat(raw).iloc[order].reset_index(drop=True), together.loc[order].reset_index(drop=True))


def judge(root: Path, base: str) -> Report:
    """Judge the model of the working tree against that of a commit.

    Raises: UserError where the commit is not known.
    """
    commit = commits.find(root, base)
    report = Report(
        champion=provenance.side(root, commit, f"base {commit.hash[:7]}"),
        challenger=provenance.side(root, None, CHALLENGER),
        comparison=impossible("nothing was judged"),
        params=provenance.changed_params(root, commit),
        packages=provenance.changed_packages(root, commit),
        stages=provenance.changed_stages(root, commit),
        notes=provenance.notes(root, commit),
    )
    try:
        params = _settled(root)
        report = replace(report, data=_data_diff(root, report, params))
        with contenders.of_commit(root, commit) as champion:
            return _judged(root, champion, report, params)
    except UserError as error:
        return _without_judgement(report, error)


def judge_named(root: Path, name: str) -> Report:
    """Judge the model of the working tree against that of a folder, or of a name in the registry."""
    report = Report(
        champion=Side(name, "", "", "", "", ""),
        challenger=provenance.side(root, None, CHALLENGER),
        comparison=impossible("nothing was judged"),
        notes=provenance.notes(root, None),
    )
    try:
        params = _settled(root)
        with _given(root, name) as champion:
            return _judged(root, champion, report, params)
    except UserError as error:
        return _without_judgement(report, error)


def _settled(root: Path) -> Params:
    """Return the parameters of this tree, whose model is the one that they make.

    Raises: UserError where it is not.
    """
    params = load_params(Workspace(root).params)
    threads.limit(params.threads)
    stale = rebuild.stale_stages(root)
    if stale or not (Workspace(root).train / "model").is_dir():
        problem = f"{', '.join(stale)} would run again" if stale else "there is no model in artifacts/train"
        raise UserError(problem, fix="`dvc repro` first; if it fails, mend that")
    return params


def _without_judgement(report: Report, error: UserError) -> Report:
    return replace(report, comparison=impossible(error.problem.rstrip("."), error.fix))


def _data_diff(root: Path, report: Report, params: Params) -> DataDiff | None:
    """Compare the data, unless the base has none or it is the same."""
    if not report.champion.data or report.champion.data == report.challenger.data:
        return None
    return compare_data(versions.at(root, report.champion.commit), versions.here(Workspace(root)), params.data)


@contextmanager
def _given(root: Path, name: str) -> Iterator[Contender]:
    """Give the model of a folder, or of a name in the registry."""
    with tempfile.TemporaryDirectory(prefix="holdfast-") as scratch:
        folder = registry.fetch(name, Path(scratch)) if name.startswith(registry.SCHEME) else Path(name)
        yield contenders.of_folder(root, folder)


def _judged(root: Path, champion: Contender, report: Report, params: Params) -> Report:
    """Score the rows with both models, and ask the judge."""
    clock = _Clock()
    challenger = contenders.here(root)
    facts = Model.load(challenger.model).facts
    sealed = [holdout(versions.here(Workspace(root)), facts, f"holdout of {CHALLENGER}")]
    if not len(sealed[0].rows):
        return replace(
            report, comparison=impossible("the holdout is empty: no labelled row is on that side of the split")
        )
    sealed += _other_holdout(root, champion, report)
    clock.lap("rows")
    names = report.champion.name, report.challenger.name
    logger.info("scoring %s rows with the model of %s", f"{len(sealed[0].rows):,}", names[0])
    theirs = champion.score([one.raw for one in sealed])
    clock.lap(f"scores of {names[0]}")
    logger.info("scoring them with that of %s", names[1])
    ours = challenger.score([one.raw for one in sealed])
    clock.lap(f"scores of {names[1]}")
    logger.info("judging by %s resamples", f"{params.gates.resamples:,}")
    comparison = compare(
        _rows(sealed[0], facts.data, params), theirs[0], ours[0], params.gates,
        bins=params.evaluate.calibration_bins, seed=params.seed, tags=params.tags,
    )  # fmt: skip
    clock.lap("judge")
    cells = [
        _cell(name, one, scored, facts.data, params)
        for one, both in zip(sealed, zip(theirs, ours, strict=True), strict=True)
        for name, scored in zip(names, both, strict=True)
    ]
    return replace(
        report,
        champion=report.champion._replace(size=champion.size),
        challenger=report.challenger._replace(size=challenger.size),
        comparison=comparison,
        cells=tuple(cells) if len(sealed) > 1 else (),
        curves=_curves(sealed[0], theirs[0], ours[0], facts.data, params) if comparison.differences else None,
        machine=Machine(champion.source, (theirs[0].latency, ours[0].latency), clock.taken, _stage_times(root)),
    )


def _other_holdout(root: Path, champion: Contender, report: Report) -> list[Holdout]:
    """Return the champion's own holdout, if it has other rows than the challenger's."""
    try:
        theirs, ours = (Model.load(one.model).facts for one in (champion, contenders.here(root)))
    except UserError:  # the champion is of another format, which its own code reads
        return []
    if (theirs.split, report.champion.data) == (ours.split, report.challenger.data) or not report.champion.data:
        return []
    found = holdout(versions.at(root, report.champion.commit), theirs, f"holdout of {report.champion.name}")
    return [found] if len(found.rows) else []


def _rows(found: Holdout, schema: Schema, params: Params) -> Rows:
    """Return what the judge needs to know of the rows."""
    groups, unit = _groups(found.rows, schema)
    slices = (Slice(*piece) for piece in evaluation.subsets(found.rows, params.evaluate.slices))
    return Rows(found.target(schema), groups, unit, tuple(slices))


def _groups(rows: pd.DataFrame, schema: Schema) -> tuple[np.ndarray, str]:
    """Return which rows are drawn together, and what to call them: declared groups, else days, else single rows."""
    if schema.group:
        return pd.factorize(rows[schema.group], use_na_sentinel=False)[0], f"values of {schema.group}"
    if schema.time:
        return pd.factorize(rows[schema.time].dt.date, sort=True)[0], "days"
    return np.arange(len(rows)), "rows"


def _cell(name: str, found: Holdout, scored: Scored, schema: Schema, params: Params) -> Cell:
    if scored.seen.any() or not len(found.rows):
        return Cell(name, found.name, len(found.rows), None)
    bins = params.evaluate.calibration_bins
    measured = evaluation.measure(found.target(schema), scored.scores, scored.threshold, bins)
    return Cell(name, found.name, len(found.rows), measured)


def _curves(found: Holdout, theirs: Scored, ours: Scored, schema: Schema, params: Params) -> tuple[Curves, Curves]:
    """Return the curves of both models on the rows that were judged."""
    fair, target = ~(theirs.seen | ours.seen), found.target(schema)
    bins = params.evaluate.calibration_bins
    one, two = (
        Curves(
            evaluation.roc(target[fair], scored.scores[fair]),
            evaluation.precision_recall(target[fair], scored.scores[fair]),
            evaluation.calibration(target[fair], scored.scores[fair], bins),
        )
        for scored in (theirs, ours)
    )
    return one, two


def _stage_times(root: Path) -> dict[str, float]:
    """Return how long the stages took that ran here."""
    return {path.stem: files.read_json(path, float) for path in sorted(Workspace(root).times.glob("*.json"))}


class _Clock:
    """How long what took, in seconds."""

    def __init__(self) -> None:
        self.taken: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.taken[name] = round(now - self._last, 2)
        self._last = now
