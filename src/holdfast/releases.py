"""A bundle leaves its tree: it gets a name, says where it comes from, and keeps what the judge said of it.

A name of the registry is resolved here, before a deploy, so that nothing is looked up when the service starts.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from holdfast import bundle, commits, environments, files, moves, provenance
from holdfast.bundle import SHORT, Bundle, Gate, Release
from holdfast.errors import UserError
from holdfast.files import Workspace
from holdfast.report import Judged, Side


def export(root: Path, name: str | None, into: Path) -> Bundle:
    """Write the bundle of this tree, or the one that a name of the registry stands for, into a folder, and prove it.

    Raises: UserError where there is none, it does not score as it was evaluated, or the folder holds something else.
    """
    if into.exists() and not (into / bundle.CARD).is_file() and (into.is_file() or any(into.iterdir())):
        problem = f"{files.shown(into)}: found files that are no bundle, expected an empty folder or an older bundle."
        raise UserError(problem, fix="name another folder")
    with TemporaryDirectory() as scratch:
        if name is None:
            return _written(Workspace(root).evaluate / "bundle", of_tree(root), into)
        version, folder = moves.fetch(root, name, Path(scratch), environments.chosen(root))
        return _written(folder, version.release(), into)


def of_tree(root: Path) -> Release:
    """Return what is known of this tree's model: its commit if it is committed, and its verdict if it was judged."""
    side = provenance.side(root, None, "")
    if any(commits.is_changed(root, path) for path in ("dvc.lock", "params.yaml", "data.dvc")):
        return Release(version=f"not-committed-{side.lock[:SHORT]}", data=side.data, **_verdict(root, side))
    return Release(version=side.commit[:SHORT], commit=side.commit, data=side.data, **_verdict(root, side))


def _verdict(root: Path, side: Side) -> dict[str, Any]:
    """Return what the last report says, if it judged just this."""
    path = Workspace(root).comparison / "report.json"
    judged = files.read_json(path, Judged) if path.is_file() else None
    if judged is None or not judged.is_of(side):
        return {}
    gates = tuple(Gate(code=one.code, passed=bool(one.passed), text=one.text) for one in judged.gates)
    return {"verdict": judged.verdict, "against": judged.champion.name, "gates": gates}


def _written(source: Path, release: Release, into: Path) -> Bundle:
    """Copy a bundle with what it is called; it takes its place only once it has proved itself."""
    with files.replacing(into) as draft:
        for name in bundle.FILES:
            files.write_bytes(draft / name, files.read_bytes(source / name))
        files.write_json(draft / bundle.RELEASE, release.model_dump(mode="json"))
        found = Bundle.load(draft)
        found.prove()
    return found
