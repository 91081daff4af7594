"""The log of moves decides who is champion: it grows, nothing else; the alias follows, whoever was killed on the way."""

import json
import threading
from pathlib import Path

import pytest

from holdfast import moves, registry
from holdfast.errors import UserError
from holdfast.moves import CHAMPION, Move
from holdfast.registry import Version
from holdfast.store import Store
from stores import register

NAME = "delay"


@pytest.fixture
def three(opened: Store, tmp_path: Path) -> list[Version]:
    """Three registered versions of something."""
    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "model.json").write_text("{}")
    return [register(opened, NAME, folder, **{registry.SHA256: f"{number}abcdef"}) for number in range(3)]


def move(opened: Store, version: Version, kind: str = "promote", by: str = "ann") -> Move:
    log = moves.history(opened, NAME)
    seen, before = (log[-1].number, log[-1].champion) if log else (0, None)
    return moves.append(opened, NAME, Move(kind, version.number, before, seen, by, verdict="promote"), version)  # type: ignore[arg-type]


def champion(opened: Store) -> int:
    return next(one.number for one in registry.versions(opened, NAME) if CHAMPION in one.aliases)


def broken_off(*_: object) -> None:
    raise KeyboardInterrupt("as if killed")


def test_a_move_is_kept_and_the_alias_follows(opened: Store, three: list[Version]) -> None:
    move(opened, three[0])
    made = move(opened, three[1], by="ben")

    found = moves.history(opened, NAME)

    assert [(one.champion, one.before, one.by, one.verdict) for one in found] == [
        (1, None, "ann", "promote"),
        (2, 1, "ben", "promote"),
    ]
    assert found[-1] == made._replace(followed=True)
    assert found[0].at <= found[1].at
    assert champion(opened) == 2


def test_of_two_moves_after_the_same_one_the_first_counts_and_the_second_is_told(
    opened: Store, three: list[Version]
) -> None:
    move(opened, three[0])
    seen = moves.history(opened, NAME)[-1].number
    ours, theirs = (Move("promote", one.number, 1, seen, by) for one, by in ((three[1], "ann"), (three[2], "ben")))
    moves.append(opened, NAME, ours, three[1])

    with pytest.raises(UserError, match=r"at the same moment, version 2 became champion, by ann: this did not count"):
        moves.append(opened, NAME, theirs, three[2])

    assert [one.champion for one in moves.history(opened, NAME)] == [1, 2]
    assert champion(opened) == 2


def test_ten_at_once_make_one_champion(opened: Store, three: list[Version]) -> None:
    won, lost = list[int](), list[str]()

    def promote(place: int) -> None:
        one = three[place % 3]
        try:
            won.append(moves.append(opened, NAME, Move("promote", one.number, None, 0, f"p{place}"), one).champion)
        except UserError as error:
            lost.append(error.problem)

    threads = [threading.Thread(target=promote, args=[place]) for place in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(won), len(lost)) == (1, 9)
    assert [one.champion for one in moves.settled(opened, NAME)] == won
    assert champion(opened) == won[0]


def test_an_alias_that_lags_behind_the_log_follows_it(
    opened: Store, three: list[Version], monkeypatch: pytest.MonkeyPatch
) -> None:
    move(opened, three[0])
    with monkeypatch.context() as patch:
        patch.setattr(registry, "point", broken_off)
        with pytest.raises(KeyboardInterrupt, match="as if killed"):
            move(opened, three[1])
    before = champion(opened)

    moves.settled(opened, NAME)

    assert (before, champion(opened)) == (1, 2)


def test_an_alias_that_was_moved_by_hand_is_told_and_not_followed(opened: Store, three: list[Version]) -> None:
    move(opened, three[0])
    registry.point(opened, NAME, CHAMPION, 3)

    with pytest.raises(UserError, match=r"points at version 3, but the log of moves says 1.*\n  fix: .*rollback 1"):
        moves.settled(opened, NAME)


def test_an_alias_that_was_put_back_by_hand_is_told_and_not_taken_for_one_that_lags(
    opened: Store, three: list[Version]
) -> None:
    move(opened, three[0])
    move(opened, three[1])
    registry.point(opened, NAME, CHAMPION, 1)

    with pytest.raises(UserError, match=r"points at version 1, but the log of moves says 2"):
        moves.settled(opened, NAME)


def test_another_version_of_the_same_number_is_not_taken_for_the_champion(
    opened: Store, three: list[Version], tmp_path: Path
) -> None:
    move(opened, three[0])
    opened.client.delete_registered_model(NAME)
    (tmp_path / "bundle" / "card.json").write_text("{}")
    again = register(opened, NAME, tmp_path / "bundle")

    with pytest.raises(UserError, match=r"version 1 is champion, but it was deleted.*\n  fix: .*rollback VERSION"):
        moves.settled(opened, NAME)

    with pytest.raises(UserError, match="version 1 is champion, but it was deleted"):
        moves.find(opened, NAME, CHAMPION)

    assert again.number == 1
    assert registry.find(opened, NAME, "1").aliases == ()


def test_who_was_overtaken_leaves_the_alias_where_the_other_put_it(
    opened: Store, three: list[Version], monkeypatch: pytest.MonkeyPatch
) -> None:
    move(opened, three[0])
    point = registry.point
    others = [three[2]]

    def slow(store: Store, name: str, alias: str, number: int) -> None:
        if others:
            move(opened, others.pop())
        point(store, name, alias, number)

    monkeypatch.setattr(registry, "point", slow)
    move(opened, three[1])

    assert champion(opened) == moves.history(opened, NAME)[-1].champion == 3


def test_the_champion_is_what_the_log_says_wherever_the_alias_points(opened: Store, three: list[Version]) -> None:
    move(opened, three[0])
    registry.point(opened, NAME, CHAMPION, 2)

    assert moves.find(opened, NAME, CHAMPION).number == 1
    assert moves.find(opened, NAME, "2").number == 2


def test_an_alias_that_no_move_stands_for_makes_no_champion(opened: Store, three: list[Version]) -> None:
    registry.point(opened, NAME, CHAMPION, 2)

    with pytest.raises(UserError, match=r"delay: found no champion yet.*\n  fix: python -m holdfast promote"):
        moves.find(opened, NAME, CHAMPION)


def test_an_alias_without_any_move_is_told(opened: Store, three: list[Version]) -> None:
    registry.point(opened, NAME, CHAMPION, three[1].number)

    with pytest.raises(UserError, match=r"points at version 2, but the log of moves says nobody"):
        moves.settled(opened, NAME)


def test_the_champion_before_is_never_one_that_was_rolled_back_from() -> None:
    def made(kind: str, number: int) -> Move:
        return Move(kind, number, None, 0, "ann")  # type: ignore[arg-type]

    log = [made("promote", 1), made("promote", 2), made("promote", 3)]

    assert moves.previous(log[:1]) is None
    assert moves.previous(log) == 2
    assert moves.previous([*log, made("rollback", 2)]) == 1
    assert moves.previous([*log, made("rollback", 2), made("promote", 4)]) == 2
    assert moves.previous([*log, made("rollback", 1)]) is None


def test_an_entry_that_is_no_move_is_told(opened: Store, three: list[Version]) -> None:
    registry.make(opened, moves.log(NAME))
    opened.client.create_model_version(moves.log(NAME), three[0].uri, tags={moves.TAG: json.dumps({"champion": 1})})

    with pytest.raises(UserError, match=r"models:/delay\.moves/1: not a move that Holdfast wrote"):
        moves.history(opened, NAME)
