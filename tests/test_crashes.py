"""Whoever is killed at any step of publish, promote or rollback: the next call finishes it, as if nothing had been."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import crashing
from conftest import Project, unmeasured
from holdfast import moves, promotion, registry, store

pytestmark = pytest.mark.slow

# Of the steps, one more than there are: that one is never reached.
STEPS = {"publish": 11, "promote": 11, "rollback": 5}


@pytest.fixture(scope="module")
def began(tmp_path_factory: pytest.TempPathFactory, finished_project: Project, empty_store: Path) -> dict[str, Path]:
    """For each of the three, a folder in which it can begin."""
    root = tmp_path_factory.mktemp("began")
    first = root / "publish"
    first.mkdir()
    shutil.copyfile(empty_store, first / store.DATABASE)
    shutil.copyfile(finished_project.workspace.params, first / "params.yaml")
    shutil.copytree(finished_project.workspace.evaluate / "bundle", first / "bundle")
    (first / "key").write_text("the first")
    second = Path(shutil.copytree(first, root / "promote"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(promotion, "_judged", None)  # put back at the end
        crashing.publish(second)
        crashing.promote(second)
        (second / "key").write_text("the second")
        crashing.publish(second)
        third = Path(shutil.copytree(second, root / "rollback"))
        crashing.promote(third)
    return {"publish": first, "promote": second, "rollback": third}


@pytest.mark.parametrize("what", STEPS)
def test_the_next_call_finishes_what_was_killed_at_any_step(
    what: str, began: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promotion, "_judged", None)
    whole = Path(shutil.copytree(began[what], tmp_path / "whole"))
    crashing.WHAT[what](whole)
    expected = crashing.state(whole)
    roots = [Path(shutil.copytree(began[what], tmp_path / str(step))) for step in range(STEPS[what])]

    told = json.dumps([(what, str(root), step) for step, root in enumerate(roots)])
    done = subprocess.run(
        [sys.executable, crashing.__file__], input=told, env=unmeasured(), text=True, capture_output=True, check=True
    )

    ends = json.loads(done.stdout)
    assert set(ends) == {0, crashing.KILLED}, done.stderr
    assert ends == sorted(ends, reverse=True)  # the last ones came to their end
    for step in range(ends.count(crashing.KILLED)):
        check_that_it_is_finished(what, roots[step], expected, f"{what}: killed after step {step}")


def check_that_it_is_finished(what: str, root: Path, expected: object, where: str) -> None:
    """Do it again, unless the log says that it is done, and compare all that the store says."""
    opened = store.connect(root)
    before = [one.champion for one in moves.history(opened, crashing.NAME)]
    moves.settled(opened, crashing.NAME)
    aliases = {alias: one.number for one in registry.versions(opened, crashing.NAME) for alias in one.aliases}
    assert aliases.get(moves.CHAMPION) == (before[-1] if before else None), where
    decided = len(before) == {"publish": 0, "promote": 2, "rollback": 3}[what]
    if what == "publish" or not decided:
        crashing.WHAT[what](root)
    assert crashing.state(root) == expected, where


def broken_off(*_: object) -> None:
    raise KeyboardInterrupt("as if killed")


def test_a_rollback_that_was_broken_off_is_finished_and_not_done_twice(
    began: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promotion, "_judged", None)
    root = Path(shutil.copytree(began["rollback"], tmp_path / "root"))
    (root / "key").write_text("the third")
    crashing.publish(root)
    crashing.promote(root)  # champions were 1, 2 and 3
    with monkeypatch.context() as patch:
        patch.setattr(registry, "point", broken_off)
        with pytest.raises(KeyboardInterrupt, match="as if killed"):
            crashing.rollback(root)

    crashing.rollback(root)

    found = crashing.state(root)
    assert [(kind, champion) for kind, champion, *_ in found["moves"]][-2:] == [("promote", 3), ("rollback", 2)]
    assert [number for number, aliases, _ in found["versions"] if moves.CHAMPION in aliases] == [2]
