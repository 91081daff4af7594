"""What gives the answer away: columns and rows that a model must not learn from.

A `Leak` has a permanent code:

- `L1`: a column, or a few together, tell which label a training row has: the positive one, or one class from all
  others, whichever it is; of numbers, whether it is above the median.
- `L2`: a column, or a few together, tell whether a training row has a label at all, or for which reason
  it has none. (A column that is filled when the flight has landed does.)
- `L3`: a column has almost as many different words, or whole numbers, as there are training rows.
- `L4`: validation or holdout rows have the id of a training row.
- `L5`: validation or holdout rows equal a training row in every column and in the target. Equal columns
  with another target are no copy: who remembers the one is wrong about the other.

What "tell" means is decided in `separation.py`. It is asked of a sample of the training rows, as many of
either answer as there are, up to half of `sample_rows`, chosen by a hash of the id: the order of the rows
does not matter. A question with fewer than `FEWEST` rows of either answer is not asked.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from holdfast.schema import Category, Number, Schema
from holdfast.separation import Separator, separators
from holdfast.strict import Strict
from holdfast.targets import BinaryTarget, NumberTarget, Target
from holdfast.terms import Leaks

FEWEST = 20
FEWEST_FOR_AN_ID = 100
EXAMPLES = 5
DECIMALS = 4
REMOVE = "take {} out of the rows and of `data.columns` in params.yaml"

logger = logging.getLogger(__name__)


class Leak(Strict):
    """One finding: its columns, its figures, the ids of some of its rows, and a text for people."""

    code: str
    columns: tuple[str, ...] = ()
    figures: dict[str, int | float]
    examples: tuple[str, ...] = ()
    text: str


@dataclass(frozen=True)
class _Question:
    """Can rows of one kind be told from rows of the other? Masks say which rows these are."""

    code: str
    kinds: tuple[str, str]
    masks: tuple[np.ndarray, np.ndarray]

    def sample(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the places of the first rows of either kind, and which of them are of the first kind."""
        one, other = (mask & (np.cumsum(mask) <= size // 2) for mask in self.masks)
        places = np.flatnonzero(one | other)
        return places, one[places]


def find(rows: pd.DataFrame, sides: np.ndarray, schema: Schema, settings: Leaks) -> tuple[Leak, ...]:
    """Return the leaks in canonical rows, of which those without a label are also given, in the order of their codes.

    Shapes: sides (rows,) of 'train', 'validation' and 'holdout'.
    """
    # Two of a million rows have the same hash by accident about once in forty million cases.
    ids = pd.util.hash_pandas_object(rows[[schema.id]], index=False).to_numpy()
    content = pd.util.hash_pandas_object(rows[[*schema.columns, schema.target.column]], index=False).to_numpy()
    order = np.lexsort((content, ids))
    training = order[sides[order] == "train"]
    return (
        *_telling(rows, training, schema, settings),
        *_like_ids(rows, training, schema, settings),
        *_known_rows(rows[schema.id], sides, {"L4": ids, "L5": content}),
    )


def _telling(rows: pd.DataFrame, training: np.ndarray, schema: Schema, settings: Leaks) -> Iterator[Leak]:
    found: dict[str, list[Separator]] = {"L1": [], "L2": []}
    for question in _questions(rows[schema.target.column].iloc[training], schema.target):
        fewest, kind = min(zip((int(mask.sum()) for mask in question.masks), question.kinds, strict=True))
        if fewest < FEWEST:
            logger.info("leaks: only %s training rows are %s, too few to judge by", fewest, kind)
            continue
        places, group = question.sample(settings.sample_rows)
        sample = rows.iloc[training[places]]
        for separator in separators(sample, group, schema, settings.auc, known=found[question.code]):
            found[question.code].append(separator)
            yield _told(separator, question, len(places))


def _questions(outcome: pd.Series, target: Target) -> Iterator[_Question]:
    """Give the questions of the labels, that of whether there is one, and that of each reason if there are several."""
    labelled = target.answered(outcome)
    yield from _of_answers(outcome, labelled, target)
    reasons = {"missing": outcome.isna()} | {label: outcome == label for label in target.excluded}
    masks = {name: mask.to_numpy(bool) for name, mask in reasons.items() if mask.any()}
    if len(masks) > 1:
        masks = {"unlabelled": ~labelled} | masks
    for name, mask in masks.items():
        yield _Question("L2", ("labelled", name), (labelled, mask))


def _of_answers(outcome: pd.Series, labelled: np.ndarray, target: Target) -> Iterator[_Question]:
    if isinstance(target, NumberTarget):
        above = (outcome > outcome.median()).to_numpy(bool)
        yield _Question("L1", (f"{target.column} above the median", "lower"), (above, labelled & ~above))
        return
    words = (target.positive,) if isinstance(target, BinaryTarget) else target.answers
    for word in words:
        mask = (outcome == word).to_numpy(bool)
        other = target.negative if isinstance(target, BinaryTarget) else "other"
        yield _Question("L1", (word, other), (mask, labelled & ~mask))


def _told(separator: Separator, question: _Question, rows: int) -> Leak:
    one, other = question.kinds
    if separator.sum:
        telling = f"the sum `{separator.sum}` tells"
    elif len(separator.columns) > 1:
        telling = f"`{'` and `'.join(separator.columns)}` together tell"
    else:
        telling = f"`{separator.columns[0]}` alone tells"
    known, which = ("it is", "it") if len(separator.columns) == 1 else ("all are", "one of them")
    return Leak(
        code=question.code,
        columns=separator.columns,
        figures={"auc": round(separator.auc, DECIMALS), "rows": rows},
        text=f"{telling} {one} from {other} training rows with a ROC AUC of {separator.auc:.{DECIMALS}f}: "
        f"unless {known} known when a row is scored, {REMOVE.format(which)}.",
    )


def _like_ids(rows: pd.DataFrame, training: np.ndarray, schema: Schema, settings: Leaks) -> Iterator[Leak]:
    for name in (*schema.named(Category), *schema.named(Number)):
        values = rows[name].iloc[training].dropna()
        measured = isinstance(schema.columns[name], Number) and bool((values % 1 != 0).any())
        different = values.nunique()
        if len(values) >= FEWEST_FOR_AN_ID and not measured and different >= settings.id_share * len(values):
            yield Leak(
                code="L3",
                columns=(name,),
                figures={"values": different, "rows": len(values)},
                text=f"`{name}` has {different:,} different values in {len(values):,} training rows, as an id has: "
                f"nothing can be learned from it, so {REMOVE.format('it')}.",
            )


def _known_rows(ids: pd.Series, sides: np.ndarray, hashes: dict[str, np.ndarray]) -> Iterator[Leak]:
    sameness = {"L4": "have the id of a training row", "L5": "equal a training row in all but the id"}
    for code, values in hashes.items():
        known = (sides != "train") & np.isin(values, values[sides == "train"])
        if known.any():
            examples = tuple(sorted(ids[known])[:EXAMPLES])
            counts = {side: int((known & (sides == side)).sum()) for side in ("validation", "holdout")}
            yield Leak(
                code=code,
                figures=counts,
                examples=examples,
                text=f"{counts['validation']:,} validation and {counts['holdout']:,} holdout rows {sameness[code]}, "
                f"such as {', '.join(examples)}: remove the copies from the files under data/.",
            )
