"""Bring two models before the judge: find them, take the sealed rows, let each be scored by its own code.

Whatever goes wrong on the way is said in the report, for a report that does not come is taken for one that has nothing
against it.
"""

import logging
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from holdfast import (
    bootstrap,
    commits,
    contenders,
    environments,
    evaluation,
    files,
    measuring,
    moves,
    provenance,
    rebuild,
    registry,
    threads,
    versions,
)
from holdfast.comparison import compare, impossible
from holdfast.confusions import confusion
from holdfast.contenders import Contender
from holdfast.data_diff import DataDiff
from holdfast.data_diff import compare as compare_data
from holdfast.differences import Rows, Scored, Slice
from holdfast.errors import UserError
from holdfast.files import Workspace
from holdfast.model import Facts, Model
from holdfast.params import Params
from holdfast.params import Slice as DeclaredSlice
from holdfast.params import load as load_params
from holdfast.report import Cell, Curves, Machine, Report, Side
from holdfast.schema import Category, Schema, Time
from holdfast.sealed import Holdout, holdout
from holdfast.targets import ClassesTarget, NumberTarget

logger = logging.getLogger(__name__)

CHALLENGER = "this branch"
NOBODY = Side("nobody yet", "", "", "", "", "")


def judge(root: Path, base: str | None = None) -> Report:
    """Judge the model of the working tree against that of a commit, or of the one that the tree is a change of.

    Raises: UserError where the commit that was asked for is not known.
    """
    commit = commits.find(root, base) if base else commits.of_change(root)
    if commit is None:
        return Report(
            champion=NOBODY._replace(name="nothing"),
            challenger=provenance.side(root, None, CHALLENGER),
            comparison=impossible("there is no commit before this one", "commit a change, and judge that"),
        )
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
            return judged(root, champion, contenders.here(root), report, params)
    except UserError as error:
        return without_judgement(report, error)


def judge_named(root: Path, name: str) -> Report:
    """Judge the model of the working tree against that of a folder, or of a name in the registry."""
    report = Report(
        champion=NOBODY._replace(name=name),
        challenger=provenance.side(root, None, CHALLENGER),
        comparison=impossible("nothing was judged"),
        notes=provenance.notes(root, None),
    )
    try:
        params = _settled(root)
        with _given(root, name) as champion:
            return judged(root, champion, contenders.here(root), report, params)
    except UserError as error:
        return without_judgement(report, error)


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


def without_judgement(report: Report, error: UserError) -> Report:
    """Return the report where something went wrong on the way to the judge."""
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
        if name.startswith(registry.SCHEME):
            folder = moves.fetch(root, name, Path(scratch), environments.chosen(root))[1]
        else:
            folder = Path(name)
        yield contenders.of_folder(root, folder)


def judged(root: Path, champion: Contender, challenger: Contender, report: Report, params: Params) -> Report:
    """Score the rows with both models, and ask the judge."""
    clock, ours_is = _Clock(), report.challenger.name
    _refuse_other_target(champion, challenger)
    facts = Model.load(challenger.model).facts
    sealed = holdout(versions.here(Workspace(root)), facts, f"holdout of {ours_is}")
    if not len(sealed.rows):
        raise UserError(
            "the holdout is empty: no labelled row is on that side of the split",
            fix="give it rows under `split:` in params.yaml, then `dvc repro`",
        )
    clock.lap("rows")
    ours = _scored(challenger, ours_is, sealed, clock)
    theirs = ours if champion is challenger else _scored(champion, report.champion.name, sealed, clock)
    logger.info("judging by %s resamples", f"{params.gates.resamples:,}")
    comparison = compare(
        _rows(sealed, facts.data, _slices(root, report, facts.data, params)),
        theirs,
        ours,
        params.gates,
        bins=params.evaluate.calibration_bins,
        seed=params.seed,
        tags=params.tags,
    )
    clock.lap("judge")
    judged = [(sealed, champion, theirs), (sealed, challenger, ours)]
    return replace(
        report,
        champion=report.champion._replace(size=champion.size),
        challenger=report.challenger._replace(size=challenger.size),
        comparison=comparison,
        cells=_cells(root, judged, report, facts, params),
        curves=_curves(sealed, theirs, ours, facts.data, params) if comparison.differences else None,
        machine=Machine(champion.source, (theirs.latency, ours.latency), clock.taken, _stage_times(root)),
        unit=facts.data.target.unit if isinstance(facts.data.target, NumberTarget) else "",
    )


def _refuse_other_target(champion: Contender, challenger: Contender) -> None:
    """Refuse to compare answers to two questions, of which neither is the better answer to the other."""
    asked = champion.target, challenger.target
    if asked[0] != asked[1]:
        named = next(name for name in (asked[0] | asked[1]) if asked[0].get(name) != asked[1].get(name))
        was, now = (one.get(named) for one in asked)
        problem = f"the models predict two things: target.{named} was {was!r} and is {now!r}"
        raise UserError(problem, fix="let a person decide: no judge can say which question is the better one")


def _scored(contender: Contender, name: str, sealed: Holdout, clock: "_Clock") -> Scored:
    logger.info("scoring %s rows with the model of %s", f"{len(sealed.rows):,}", name)
    found = contender.score(sealed.raw)
    clock.lap(f"scores of {name}")
    return found


def _slices(root: Path, report: Report, schema: Schema, params: Params) -> tuple[DeclaredSlice, ...]:
    """Return the slices that are declared here, and those of the base: to take one off the list does not hide it."""
    declared = {(one.column, one.hours): one for one in params.evaluate.slices}
    known = commits.known(root, report.champion.commit)
    base = provenance.slices(root, known) if known else ()
    for one in base:
        if isinstance(schema.columns.get(one.column), Category if one.hours is None else Time):
            declared.setdefault((one.column, one.hours), one)
    return tuple(declared.values())


def _cells(
    root: Path, judged: list[tuple[Holdout, Contender, Scored]], report: Report, facts: Facts, params: Params
) -> tuple[Cell, ...]:
    """Return the two-by-two of models and holdouts, if the champion's own holdout is another."""
    (_, champion, _), (_, challenger, _) = judged
    other, schema = _other_holdout(root, champion, facts, report), facts.data
    if other is None:
        return ()
    names = report.champion.name, report.challenger.name
    cells = [
        _cell(name, sealed, scored, schema, params) for name, (sealed, _, scored) in zip(names, judged, strict=True)
    ]
    for name, contender in zip(names, (champion, challenger), strict=True):
        try:
            cells.append(_cell(name, other, contender.score(other.raw), schema, params))
        except UserError as error:  # say, a column that was not there then
            cells.append(Cell(name, other.name, len(other.rows), None, why=f"cannot be scored: {error.problem}"))
    return tuple(cells)


def _other_holdout(root: Path, champion: Contender, ours: Facts, report: Report) -> Holdout | None:
    """Return the champion's own holdout, if it has other rows than the challenger's, and rows at all."""
    if not report.champion.commit or not report.champion.data:
        return None
    try:
        theirs = Model.load(champion.model).facts
        if (theirs.split, report.champion.data) == (ours.split, report.challenger.data):
            return None
        found = holdout(versions.at(root, report.champion.commit), theirs, f"holdout of {report.champion.name}")
    except UserError:  # the champion is of another format, which its own code reads
        return None
    return found if len(found.rows) else None


def _rows(found: Holdout, schema: Schema, slices: tuple[DeclaredSlice, ...]) -> Rows:
    """Return what the judge needs to know of the rows."""
    groups, unit = bootstrap.groups_of(found.rows, schema)
    pieces = tuple(Slice(*piece) for piece in evaluation.subsets(found.rows, slices))
    return Rows(found.target(schema), groups, unit, pieces, schema.target.kind)


def _cell(name: str, found: Holdout, scored: Scored, schema: Schema, params: Params) -> Cell:
    if scored.seen.any() or not len(found.rows):
        return Cell(name, found.name, len(found.rows), None)
    bins = params.evaluate.calibration_bins
    measured = measuring.measure(found.target(schema), scored.scores, scored.threshold, bins, schema.target.kind)
    return Cell(name, found.name, len(found.rows), measured)


def _curves(found: Holdout, theirs: Scored, ours: Scored, schema: Schema, params: Params) -> tuple[Curves, Curves]:
    """Return the curves of both models on the rows that were judged."""
    fair, target = ~(theirs.seen | ours.seen), found.target(schema)
    bins, asked = params.evaluate.calibration_bins, schema.target
    both = [(target[fair], scored.scores[fair]) for scored in (theirs, ours)]
    one, two = (measuring.curves(*pair, bins, asked.kind) for pair in both)
    if isinstance(asked, ClassesTarget):
        one, two = (
            curves | {"confusion": confusion(*pair, asked)} for curves, pair in zip((one, two), both, strict=True)
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
