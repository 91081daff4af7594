"""What really happened, told later by prediction id.

The first label that arrives for a prediction stays. Telling it again changes nothing, so a caller
that is unsure may always repeat itself; another label is reported as a contradiction, and is not
stored. An id that is not in the log is "unknown" and is not stored either: its line was never
written (the log is off, or dropped it), was deleted for its age, or is still on its way, a fraction
of a second as a rule. A caller who has reason to think the last simply asks again.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import import_module
from typing import Any, Literal

from sqlalchemy import Connection, Engine, select

from app.prediction_log import tables

Verdict = Literal["stored", "already_known", "contradicts", "unknown"]
AT_ONCE = 500


def store(engine: Engine, outcomes: Sequence[tuple[str, str]]) -> list[Verdict]:
    """Store labels by prediction id, and say of each what became of it, in the order given."""
    verdicts: list[Verdict] = []
    for start in range(0, len(outcomes), AT_ONCE):
        some = outcomes[start : start + AT_ONCE]
        with tables.writing(engine) as connection:
            stored = _insert(connection, dict(reversed(some)))  # of two labels in one call, the first
            labels = _labels(connection, [prediction_id for prediction_id, _ in some])
        verdicts += [_verdict(*outcome, labels, stored) for outcome in some]
    return verdicts


def _insert(connection: Connection, labels: dict[str, str]) -> set[str]:
    """Store the labels of predictions that are in the log and have none, and return their ids."""
    ids = tables.predictions.c.prediction_id
    # A row that is referred to must not be deleted for its age in between; SQLite lets nobody else write anyway.
    logged = select(ids).where(ids.in_(filter(_is_possible, labels))).order_by(ids).with_for_update(key_share=True)
    at = datetime.now(UTC)
    new = [{"prediction_id": known, "label": labels[known], "at": at} for known in connection.scalars(logged)]
    if not new:
        return set()
    # Plain SQL has no ON CONFLICT, and to load the dialect that is not used delays the start.
    dialect: Any = import_module(f"sqlalchemy.dialects.{connection.dialect.name}")
    insert = dialect.insert(tables.outcomes).values(new).on_conflict_do_nothing()
    return set(connection.scalars(insert.returning(tables.outcomes.c.prediction_id)))


def _labels(connection: Connection, ids: list[str]) -> dict[str, str]:
    table = tables.outcomes.c
    possible = table.prediction_id.in_(filter(_is_possible, ids))
    found = connection.execute(select(table.prediction_id, table.label).where(possible))
    return {row.prediction_id: row.label for row in found}


def _is_possible(prediction_id: str) -> bool:
    """Tell whether an id can be looked up; PostgreSQL takes no NUL, for one."""
    return prediction_id.isascii() and prediction_id.isprintable()


def _verdict(prediction_id: str, label: str, labels: dict[str, str], stored: set[str]) -> Verdict:
    if prediction_id not in labels:
        return "unknown"
    if labels[prediction_id] != label:
        return "contradicts"
    if prediction_id not in stored:
        return "already_known"
    stored.remove(prediction_id)  # what is told a second time was known by then
    return "stored"
