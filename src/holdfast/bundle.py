"""What is served, in one folder: a model, what was measured of it, and rows that prove that it scores here as there.

`evaluate` writes the folder beside the scores, from the model that it has just measured. The web app, batch scoring and
the registry take the whole of it. Whoever loads a bundle lets it score its golden rows before anything else is scored.

- `model.json`, `model.skops`: the model, as `Model` saves it
- `card.json`: what people must know before they use it
- `golden.json`: rows as a request would bring them, and the scores that the evaluation saw
- `release.json`: only where it was released: its name, where it comes from, and what the judge said
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from pydantic import AliasChoices, Field, model_validator

from holdfast import files
from holdfast import model as models
from holdfast.errors import UserError
from holdfast.model import Model
from holdfast.schema import Category, Schema, Time
from holdfast.strict import Strict

FORMAT = 2  # from 2 on of every kind of target
READABLE = (1, FORMAT)
CARD, GOLDEN, RELEASE = "card.json", "golden.json", "release.json"
FILES = (*models.FILES, CARD, GOLDEN)
SHORT = 12  # characters of a hash that people can tell apart

Metrics = dict[str, float | int | None]


class Slice(Strict):
    """A slice of the holdout, which rows are in it, and what was measured there.

    The rows have the value in the column; with `hours`, they are from the first hour of the day to before the second.
    """

    label: str
    value: str
    column: str
    hours: tuple[int, int] | None
    metrics: Metrics


class Bin(Strict):
    """Rows of the holdout with scores from one bound to the other, and the share of them that were positive.

    Of classes it is the highest score of a row, and the share for which that class was right.
    `low` and `high` bound the share in 95 of 100 cases, had other days (or groups) been drawn; None where too few were.
    """

    from_score: float
    to_score: float
    rows: int
    mean_score: float
    positive_share: float
    low: float | None
    high: float | None


class Spread(Strict):
    """Rows of the holdout with predicted numbers from one bound to the other, and what came of them.

    The outcomes of 80 of 100 rows lay between `low` and `high`; None where there were too few to tell.
    """

    from_score: float
    to_score: float
    rows: int
    mean_score: float
    mean_target: float
    low: float | None
    high: float | None


class Importance(Strict):
    """How much worse the first of the metrics gets when a column is shuffled, and the standard deviation of that."""

    column: str
    fall: float = Field(validation_alias=AliasChoices("fall", "auc_fall"))  # in format 1
    spread: float


class Card(Strict):
    """What people must know of a model before they use it."""

    format: int = FORMAT
    tags: dict[str, str]
    holdout_rows: int
    holdout_first: date | None = Field(description="of its rows, where they have a time")
    holdout_last: date | None
    metrics: Metrics
    slices: tuple[Slice, ...]
    calibration: tuple[Bin, ...]
    predictions: tuple[Spread, ...] = ()
    importance: tuple[Importance, ...]


class Golden(Strict):
    """Rows of the holdout, as a request brings them, and their scores."""

    rows: tuple[dict[str, float | str | None], ...] = Field(min_length=1)
    scores: tuple[float | tuple[float, ...], ...] = Field(description="for classes one for each of them")

    @model_validator(mode="after")
    def _each_row_has_its_score(self) -> Self:
        if len(self.rows) != len(self.scores):
            raise ValueError(f"found {len(self.rows)} rows and {len(self.scores)} scores, expected as many")
        return self

    @classmethod
    def of(cls, rows: pd.DataFrame, scores: np.ndarray, schema: Schema, count: int = 100) -> Self:
        """Take rows evenly from all of them."""
        places = np.unique(np.linspace(0, len(rows) - 1, min(count, len(rows))).astype("int64"))
        taken = rows.iloc[places][list(schema.columns)]
        plain = ({name: _plain(value) for name, value in row.items()} for row in taken.to_dict("records"))
        return cls(rows=tuple(plain), scores=kept(scores[places]))


class Gate(Strict):
    """What a gate of the judge said."""

    code: str
    passed: bool
    text: str


class Release(Strict):
    """What a bundle is called, where it comes from, and what the judge said of it when it was released."""

    version: str
    commit: str | None = None
    data: str | None = Field(default=None, description="hash of the data version")
    verdict: str | None = None
    against: str | None = Field(default=None, description="the champion that it was compared with")
    gates: tuple[Gate, ...] = ()


@dataclass(frozen=True)
class Bundle:
    """A model with its card and golden rows; what it is called, if it was released.

    `sha256` names the saved model: it is the hash of model.json, which holds the hash of the rest.
    """

    model: Model
    card: Card
    golden: Golden
    release: Release | None
    sha256: str

    @property
    def version(self) -> str:
        """The name that it was released under, or the first characters of its hash."""
        return self.release.version if self.release else self.sha256[:SHORT]

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a bundle.

        Raises: UserError where a file is missing or damaged, they do not belong together, or the format is newer.
        """
        model = Model.load(folder)
        card = files.read_json(folder / CARD, Card)
        models.check_format(card.format, READABLE, f"{files.shown(folder)}: found bundle format")
        golden = files.read_json(folder / GOLDEN, Golden)
        release = folder / RELEASE
        return cls(
            model,
            card,
            golden,
            files.read_json(release, Release) if release.exists() else None,
            models.identity(folder),
        )

    def prove(self) -> None:
        """Let the model score its golden rows, one by one and all together.

        Raises: UserError where a score is not, to the last bit, the one that the evaluation saw.
        """
        columns = self.columns(self.golden.rows)
        together = kept(self.model.score_columns(columns))
        alone = [
            kept(self.model.score_columns({name: values[place : place + 1] for name, values in columns.items()}))[0]
            for place in range(len(together))
        ]
        for place, (expected, *found) in enumerate(zip(self.golden.scores, together, alone, strict=True)):
            if found != [expected, expected]:
                raise UserError(
                    f"golden row {place}: found the scores {found[0]!r} and {found[1]!r}, expected {expected!r}.",
                    fix="install exactly what the lock says (`pip install -r requirements.txt`), or run `dvc repro`",
                )

    def columns(self, rows: Any) -> dict[str, list[Any]]:
        """Return rows, as a request brings them, column by column and in canonical form; they must be valid."""
        schema = self.model.facts.data
        return {name: [_canonical(column, row.get(name)) for row in rows] for name, column in schema.columns.items()}


def write(folder: Path, model: Path, card: Card, golden: Golden) -> None:
    """Write a bundle into a folder, with the very bytes of the saved model that was measured."""
    folder.mkdir(parents=True)
    for name in models.FILES:
        files.write_bytes(folder / name, files.read_bytes(model / name))
    files.write_json(folder / CARD, card.model_dump(mode="json"))
    files.write_json(folder / GOLDEN, golden.model_dump(mode="json"))


def kept(scores: np.ndarray) -> tuple[float | tuple[float, ...], ...]:
    """Return scores as they are kept: a number for each row, or for each class of it."""
    return tuple(tuple(one) if isinstance(one, list) else one for one in scores.tolist())


def _plain(value: Any) -> float | str | None:
    """Return a value as JSON has it."""
    if pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    return str(value) if isinstance(value, str) else float(value)


def _canonical(column: Any, value: Any) -> Any:
    """Return a value of a request in the form that `Model.score_columns` takes."""
    if isinstance(column, Time):
        return column.clock(value)
    if isinstance(column, Category):
        return value
    return np.nan if value is None else value
