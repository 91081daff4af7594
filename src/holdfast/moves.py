"""Who is champion: a log of moves that is only ever added to; the alias `champion` follows it.

A move is a version of the registered model NAME.moves, for the registry hands out its numbers one at a time, whoever
asks. Each says which move it has seen last. If two people promote at once, both write a move after the same one; the
first counts, the other does not, and is told. So nothing is locked, and nothing can be left locked.

The log decides, the alias is what others read. Whoever was killed between the two has decided: the next call, whatever
it is, lets the alias follow. An alias that has followed and points elsewhere now was moved by hand: that is told, and
put back by a move, never in silence.
"""

import getpass
import json
import logging
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple
from uuid import uuid4

from holdfast import registry
from holdfast.errors import UserError
from holdfast.params import Environment
from holdfast.registry import Version
from holdfast.store import Store, asked, connect

logger = logging.getLogger(__name__)

CHAMPION, CHALLENGER = "champion", "challenger"
TAG, FOLLOWED = "holdfast.move", "holdfast.followed"
AGAIN = "python -m holdfast history"


class Move(NamedTuple):
    """An entry of the log; `seen` is the number of the one before, 0 where there was none.

    A number is given out anew where somebody has deleted a version: `files`, its hash, tells which one was meant.
    """

    kind: Literal["promote", "rollback"]
    champion: int
    before: int | None
    seen: int
    by: str
    files: str = ""
    approved_by: tuple[str, ...] = ()
    verdict: str | None = None
    report: str | None = None  # where the comparison lies, among the files of the champion's run
    once: str = ""  # tells this attempt from every other: a request that was lost on the way back is sent again
    number: int = 0
    at: datetime = datetime.fromtimestamp(0, UTC)
    followed: bool = False  # by the alias

    @property
    def content(self) -> dict[str, Any]:
        """What is written down of it; the registry adds the rest."""
        return {name: getattr(self, name) for name in self._fields if name not in {"number", "at", "followed"}}


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


def find(store: Store, name: str, what: str) -> Version:
    """Return the version that people mean; who is champion, the log says, and not the alias.

    Raises: UserError where there is none, or the champion was deleted.
    """
    if what != CHAMPION:
        return registry.find(store, name, what)
    moves = history(store, name)
    if not moves:
        problem = f"{name}: found no champion yet."
        raise UserError(problem, fix="python -m holdfast promote, or name another version")
    versions = registry.versions(store, name)
    _require_the_same(name, moves[-1], versions)
    return next(one for one in versions if one.number == moves[-1].champion)


def fetch(root: Path, name: str, into: Path, environment: Environment | None = None) -> tuple[Version, Path]:
    """Return a version, and the folder of its bundle, fetched into another folder.

    Its name is whole, as `models:/flight-delay@champion`, or an alias, a number or a hash of the environment's model.

    Raises: UserError where the registry is not reached, knows no such name, or holds no model of ours under it.
    """
    if environment is None or name.startswith(registry.SCHEME):
        model, what = registry.split(name)
    else:
        model, what = environment.model, name
    store = connect(root, environment.tracking if environment else None)
    version = find(store, model, what)
    return version, registry.download(store, version, into)


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
    move = move._replace(once=uuid4().hex, files=source.files)
    with asked(store.address):
        registry.make(store, log(name), "The moves of the alias champion: only ever added to, by Holdfast.")
        store.client.create_model_version(log(name), source.uri, tags={TAG: json.dumps(move.content)})
    counted = history(store, name)
    mine = next((one for one in counted if one.once == move.once), None)
    if mine is None:
        winner = next((one for one in counted if one.seen == move.seen), None)
        who_won = f"version {winner.champion} became champion, by {winner.by}" if winner else "the log is another now"
        problem = f"{name}: at the same moment, {who_won}: this did not count."
        raise UserError(problem, fix=f"look at `{AGAIN}`, then judge against the new champion: the same command again")
    follow(store, name, counted)
    return mine


def settled(store: Store, name: str) -> list[Move]:
    """Return the moves that count, after the alias has followed the last of them.

    Raises: UserError where the alias was moved by hand, or the champion is no more.
    """
    moves, versions = history(store, name), registry.versions(store, name)
    aliases = _aliases(versions)
    found, expected = aliases.get(CHAMPION), champion(moves)
    if expected is not None:
        _require_the_same(name, moves[-1], versions)
    lags = bool(moves) and not moves[-1].followed and found in {moves[-1].before, expected}
    if lags or (found == expected and found is not None and aliases.get(CHALLENGER) == found):
        if found != expected:
            logger.info("the last move was broken off: the alias now follows it, to version %s", expected)
        follow(store, name, moves)
    elif found != expected:
        points = f"points at version {found}" if found else "is gone"
        problem = f"{name}: the alias champion {points}, but the log of moves says {expected or 'nobody'}."
        put_back = f"python -m holdfast rollback {expected}" if moves else f"remove the alias, and promote {found}"
        raise UserError(problem, fix=f"it was moved by hand; put it back: {put_back}")
    return moves


def _require_the_same(name: str, last: Move, versions: Sequence[Version]) -> None:
    """Refuse to take another version for the champion, only because it has been given the same number.

    Raises: UserError.
    """
    if not any((one.number, one.files) == (last.champion, last.files) for one in versions):
        problem = f"{name}: version {last.champion} is champion, but it was deleted from the registry."
        remedy = f"python -m holdfast rollback VERSION; where none is left, delete {log(name)} and begin anew"
        raise UserError(problem, fix=remedy)


def is_broken_off(store: Store, name: str, moves: Sequence[Move]) -> bool:
    """Tell whether the last move still waits for the alias to follow."""
    if not moves or moves[-1].followed:
        return False
    return _aliases(registry.versions(store, name)).get(CHAMPION) == moves[-1].before


def _aliases(versions: Sequence[Version]) -> dict[str, int]:
    return {alias: one.number for one in versions for alias in one.aliases}


def follow(store: Store, name: str, moves: Sequence[Move]) -> None:
    """Let the alias follow the log; who is champion is challenger no more.

    Whoever was held up, while others moved on, goes on to where they are.
    """
    number = None
    while number != champion(moves):
        number = moves[-1].champion
        registry.point(store, name, CHAMPION, number)
        if _aliases(registry.versions(store, name)).get(CHALLENGER) == number:
            with asked(store.address):
                store.client.delete_registered_model_alias(name, CHALLENGER)
        with asked(store.address):
            store.client.set_model_version_tag(log(name), str(moves[-1].number), FOLLOWED, "true")
        moves = history(store, name)


def who() -> str:
    """Return who is at work here."""
    try:
        return os.environ.get("GITHUB_ACTOR") or getpass.getuser()
    except (KeyError, OSError):  # a number without a name, as in a container
        return f"user {os.getuid()}"


def _parse(entry: Version) -> Move:
    moment = datetime.fromtimestamp(entry.created / 1000, UTC)
    try:
        content = dict(json.loads(entry.tags.get(TAG, "{}")))
        approved = tuple(content.pop("approved_by"))
        return Move(**content, approved_by=approved, number=entry.number, at=moment, followed=FOLLOWED in entry.tags)
    except (KeyError, TypeError, ValueError) as error:
        problem = f"{entry.uri}: not a move that Holdfast wrote: {error}."
        raise UserError(problem, fix="remove that version from the registry") from error
