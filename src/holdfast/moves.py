"""Who is champion: a log of moves that is only ever added to; the alias `champion` follows it.

A move is a version of the registered model NAME.moves, for the registry hands out its numbers one at a time, whoever
asks. Each says which move it has seen last. If two people promote at once, both write a move after the same one; the
first counts, the other does not, and is told. So nothing is locked, and nothing can be left locked.

The log decides, the alias is what others read. Whoever was killed between the two has decided: the next call, whatever
it is, lets the alias follow. An alias that points at what the log never said was moved by hand, and is not followed.
"""

import getpass
import json
import logging
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal, NamedTuple
from uuid import uuid4

from holdfast import registry
from holdfast.errors import UserError
from holdfast.registry import Version
from holdfast.store import Store, asked

logger = logging.getLogger(__name__)

CHAMPION, CHALLENGER = "champion", "challenger"
TAG = "holdfast.move"
AGAIN = "python -m holdfast history"


class Move(NamedTuple):
    """An entry of the log; `seen` is the number of the one before, 0 where there was none."""

    kind: Literal["promote", "rollback"]
    champion: int
    before: int | None
    seen: int
    by: str
    approved_by: tuple[str, ...] = ()
    verdict: str | None = None
    report: str | None = None  # where the comparison lies, among the files of the champion's run
    once: str = ""  # tells this attempt from every other: a request that was lost on the way back is sent again
    number: int = 0
    at: datetime = datetime.fromtimestamp(0, UTC)


def log(name: str) -> str:
    """Return the name of the registered model whose versions are the moves."""
    return f"{name}.moves"


def history(store: Store, name: str) -> list[Move]:
    """Return the moves that count, the oldest first."""
    counted = list[Move]()
    for entry in registry.versions(store, log(name)):
        move = _parse(entry)
        if move.seen == (counted[-1].number if counted else 0):
            counted.append(move)
    return counted


def champion(moves: Sequence[Move]) -> int | None:
    """Return the version that is champion, if any is."""
    return moves[-1].champion if moves else None


def previous(moves: Sequence[Move]) -> int | None:
    """Return the champion before this one; who was rolled back from does not count."""
    held = list[int]()
    for move in moves:
        if move.kind == "rollback" and move.champion in held:
            del held[held.index(move.champion) + 1 :]
        elif not held or held[-1] != move.champion:
            held.append(move.champion)
    return held[-2] if len(held) > 1 else None


def append(store: Store, name: str, move: Move, source: Version) -> Move:
    """Add a move, and let the alias follow.

    Raises: UserError where another move was quicker; the champion is then the other's.
    """
    move = move._replace(once=uuid4().hex)
    with asked(store.address):
        registry.make(store, log(name), "The moves of the alias champion: only ever added to, by Holdfast.")
        content = {field: getattr(move, field) for field in Move._fields[:-2]}
        store.client.create_model_version(log(name), source.uri, tags={TAG: json.dumps(content)})
    counted = history(store, name)
    mine = next((one for one in counted if one.once == move.once), None)
    if mine is None:
        winner = next(one for one in counted if one.seen == move.seen)
        problem = f"{name}: version {winner.champion} became champion at the same moment, by {winner.by}: this did not."
        raise UserError(problem, fix=f"look at `{AGAIN}`, then judge against the new champion: the same command again")
    _follow(store, name, counted)
    return mine


def settled(store: Store, name: str) -> list[Move]:
    """Return the moves that count, after the alias has followed the last of them.

    Raises: UserError where the alias was moved by hand.
    """
    moves, aliases = history(store, name), _aliases(store, name)
    found, expected = aliases.get(CHAMPION), champion(moves)
    if found == expected:
        if found is not None and aliases.get(CHALLENGER) == found:
            _follow(store, name, moves)
        return moves
    if not moves or found != moves[-1].before:
        said = f"version {expected}" if moves else "none"
        problem = f"{name}: the alias champion points at version {found}, but the log of moves says {said}."
        put_back = f"python -m holdfast rollback {expected}" if moves else f"remove the alias, and promote {found}"
        raise UserError(problem, fix=f"it was moved by hand; put it back: {put_back}")
    logger.info("the last move was broken off: the alias now follows it, to version %s", expected)
    _follow(store, name, moves)
    return moves


def is_broken_off(store: Store, name: str, moves: Sequence[Move]) -> bool:
    """Tell whether the last move still waits for the alias to follow."""
    return bool(moves) and _aliases(store, name).get(CHAMPION) == moves[-1].before != champion(moves)


def _aliases(store: Store, name: str) -> dict[str, int]:
    return {alias: one.number for one in registry.versions(store, name) for alias in one.aliases}


def _follow(store: Store, name: str, moves: Sequence[Move]) -> None:
    """Let the alias follow the log; who is champion is challenger no more.

    Whoever was held up, while others moved on, goes on to where they are.
    """
    number = None
    while number != champion(moves):
        number = moves[-1].champion
        registry.point(store, name, CHAMPION, number)
        if _aliases(store, name).get(CHALLENGER) == number:
            with asked(store.address):
                store.client.delete_registered_model_alias(name, CHALLENGER)
        moves = history(store, name)


def who() -> str:
    """Return who is at work here."""
    return os.environ.get("GITHUB_ACTOR") or getpass.getuser()


def _parse(entry: Version) -> Move:
    moment = datetime.fromtimestamp(entry.created / 1000, UTC)
    try:
        content = dict(json.loads(entry.tags.get(TAG, "{}")))
        approved = tuple(content.pop("approved_by"))
        return Move(**content, approved_by=approved, number=entry.number, at=moment)
    except (KeyError, TypeError, ValueError) as error:
        problem = f"{entry.uri}: not a move that Holdfast wrote: {error}."
        raise UserError(problem, fix="remove that version from the registry") from error
