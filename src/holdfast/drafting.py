"""A strange table → all that is proposed for it: the texts of the files that describe it, its partitions, its split.

Nothing is written here. What is proposed is read as every stage will read it, before anyone is asked about it.
"""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from holdfast import dividing, foreign, guessing, leaks, params, proposing, roles, wiring
from holdfast import proposal_text as text
from holdfast.dividing import Division
from holdfast.files import Workspace
from holdfast.leaks import Leak
from holdfast.params import Params, TimeSplit
from holdfast.proposing import Held, Section
from holdfast.roles import Roles
from holdfast.schema import Schema
from holdfast.targeting import Kind

MOST_SEARCHED = 60  # columns that are searched for leaks here; of more, `prepare` tells
COMMENTS = {
    "data": "What a row is. The check of the data, the features, the web form and the API are made from this. Only "
    "what is declared `loggable` is written to the log of predictions.",
    "contract": "What every partition promises, beyond the kind, range and values of each column above.",
    "tags": "What people must know of the model before they use it. The gates ask for what is listed in `gates.tags`.",
}


@dataclass(frozen=True)
class Draft:
    """All that is proposed: the roles of the columns, the new texts by their names, the split, and what was noticed."""

    name: str
    roles: Roles
    division: Division
    held: Held
    texts: dict[str, str]
    params: Params
    leaks: tuple[Leak, ...]
    notes: tuple[str, ...]
    given: tuple[str, ...]

    def partitions(self) -> Iterator[tuple[str, pd.DataFrame]]:
        """Give the files below `data/`, by their names there."""
        return proposing.files_of(self.roles, isinstance(self.division.split, TimeSplit), self.name)


def draft(workspace: Workspace, paths: Sequence[Path], target: str | None, kind: Kind | None) -> Draft:
    """Propose what is to be said of the table in some files.

    Raises: UserError where they cannot be read, or nothing can be predicted in them.
    """
    table = foreign.read(paths)
    given = roles.give(guessing.table(table.rows, table.delimiter), target, kind)
    rows = _rows(given)
    division = dividing.divide(rows, _schema(given), given.outcome.values)
    name = proposing.slug(paths[0].stem)
    before = workspace.params.read_text(encoding="utf-8")
    held = _held(given, division, rows, before)
    said = _said(given, division, held, before, [path.name for path in paths], name)
    wired = _wired(given, (workspace.root / "dvc.yaml").read_text(encoding="utf-8"), name, slices=bool(said[1]))
    choices = _read(said[0])
    found = () if len(given.columns) > MOST_SEARCHED else _leaks(rows, division, choices)
    return Draft(
        name,
        given,
        division,
        held,
        {"params.yaml": said[0], "dvc.yaml": wired},
        choices,
        found,
        table.notes,
        tuple(map(str, table.rows)),
    )


def _rows(given: Roles) -> pd.DataFrame:
    """Return the rows as stages see them, in the order in which they came."""
    columns = {guess.name: guess.values for guess in given.columns}
    if given.group:
        columns[given.group.name] = given.group.as_words()
    return pd.DataFrame({str(given.id.name): given.id, given.outcome.name: given.outcome.values, **columns})


def _schema(given: Roles, dropped: Sequence[str] = ()) -> Schema:
    return Schema.model_validate(_as_json(proposing.data(given, dropped)))


def _as_json(content: Any) -> Any:
    """Return content with tuples in place of lists, as strict classes want it."""
    if isinstance(content, dict):
        return {key: _as_json(value) for key, value in content.items()}
    return tuple(map(_as_json, content)) if isinstance(content, list) else content


def _leaks(rows: pd.DataFrame, division: Division, choices: Params) -> tuple[Leak, ...]:
    kept = ~rows[choices.data.target.column].isin(division.dropped).to_numpy(bool)
    return leaks.find(rows[kept].reset_index(drop=True), division.sides[kept], choices.data, choices.contract.leaks)


def _held(given: Roles, division: Division, rows: pd.DataFrame, before: str) -> Held:
    resamples = yaml.safe_load(before)["gates"]["resamples"]
    return proposing.held(rows[division.holdout], _schema(given, division.dropped), resamples)


def _said(
    given: Roles, division: Division, held: Held, before: str, sources: Sequence[str], name: str
) -> tuple[str, list[Section]]:
    """Return the text of params.yaml, and the slices in it."""
    parts, old = text.sections(before), yaml.safe_load(before)
    slices = proposing.slices(given, division.holdout)
    by_month = isinstance(division.split, TimeSplit)
    data = proposing.data(given, division.dropped)
    contract = proposing.contract(given, by_month)
    tags = proposing.tags(given, sources, old.get("tags") or {})
    parts["data"] = text.written("data", data, COMMENTS["data"], asking=True)
    parts["contract"] = text.written("contract", contract, COMMENTS["contract"], reasons=[one.out for one in given.out])
    split = division.split.model_dump(exclude_defaults=True) | {"by": division.split.by}
    parts["split"] = text.written("split", split, f"{division.why[:1].upper()}{division.why[1:]}.")
    parts["tags"] = text.written("tags", tags, COMMENTS["tags"], asking=True)
    values = _values(given, division.answered, held, slices, old, name)
    for key in {path.partition(".")[0] for path in values}:
        parts[key] = text.changed(
            parts[key], {path: value for path, value in values.items() if path.startswith(f"{key}.")}
        )
    return text.joined(parts), slices


def _values(
    given: Roles,
    answered: np.ndarray,
    held: Held,
    slices: list[dict[str, Any]],
    old: dict[str, Any],
    name: str,
) -> Section:
    """Return the values that change in sections that stay, by their paths."""
    floor, margin = proposing.thresholds(given.outcome, answered, held)
    return {
        **proposing.sizes(int(answered.sum()), held, len(given.outcome.labels)),
        "train.estimator": "gradient_boosting",
        "evaluate.slices": slices,
        "gates.floor": floor,
        "gates.margin": margin,
        "gates.slices.margin": {metric: float(f"{4 * value:.4g}") for metric, value in margin.items()},
        **{
            f"environments.{place}.model": name if place == "prod" else f"{name}-{proposing.slug(place)}"
            for place in old.get("environments") or {}
        },
    }


def _wired(given: Roles, before: str, name: str, *, slices: bool) -> str:
    parts, outcome = text.sections(before), given.outcome
    parts["plots"] = text.written("plots", wiring.plots(outcome.kind, slices=slices))
    parts["artifacts"] = text.written("artifacts", wiring.artifacts(name, outcome.kind, outcome.name))
    return text.joined(parts).rstrip("\n") + "\n"


def _read(params_text: str) -> Params:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "params.yaml"
        path.write_text(params_text, encoding="utf-8")
        return params.load(path)
