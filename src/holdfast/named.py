"""Which model a name means, wherever people type one.

In this order, the first that fits:

1. no name: the model of this working tree
2. `champion`, `challenger` or a number: an alias or a version in the registry of the environment that `HOLDFAST_ENV`
   names; `models:/NAME@ALIAS` says it in full
3. a folder that exists, with a bundle in it (write `./7` for a folder that is called like a version)
4. a Git revision: the bundle that its `dvc.lock` records, from DVC's cache or remote
5. at least seven digits of a hash: the version of the registry that has it

Whatever it is, it scores its golden rows before it scores anything else; and a version of the registry must have the
hash that was recorded when it was registered.
"""

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from holdfast import commits, environments, files, moves, rebuild, registry, releases, versions
from holdfast.bundle import CARD, SHORT, Bundle
from holdfast.errors import UserError
from holdfast.files import Workspace
from holdfast.manifest import ScoredBy

ALIASES = (moves.CHAMPION, moves.CHALLENGER)
BUNDLE = "artifacts/evaluate/bundle"
HASH = re.compile(r"[0-9a-f]{7,64}")


class Source(NamedTuple):
    """A folder with a bundle; what the model is called there, and the hash that was recorded, where these are known."""

    folder: Path
    version: str | None = None
    sha256: str | None = None


class Named(NamedTuple):
    """A bundle that has proved itself, and how every row that it scores names it."""

    bundle: Bundle
    by: ScoredBy


def load(root: Path, name: str | None) -> Named:
    """Return the model that a name means, once it has proved itself.

    Raises: UserError where there is none, it is damaged, or it is not the one that was registered.
    """
    with TemporaryDirectory(prefix="holdfast-") as scratch:
        source = find(root, name, Path(scratch))
        found = Bundle.load(source.folder)
        if source.sha256 not in {None, found.sha256}:
            raise UserError(
                f"{name}: found the hash {found.sha256[:SHORT]}, expected {str(source.sha256)[:SHORT]}, as registered.",
                fix="name another version: what the registry holds of this one is not what was registered",
            )
        found.prove()
    version, data_format = source.version or found.version, found.model.data_format
    return Named(found, ScoredBy(version=version, sha256=found.sha256, data_format=data_format))


def find(root: Path, name: str | None, scratch: Path) -> Source:
    """Return where the bundle is that a name means; what is not here already is brought into `scratch`.

    Raises: UserError where the name means nothing, or what it means is not to be had.
    """
    if name is None:
        return Source(Workspace(root).evaluate / "bundle", releases.of_tree(root).version)
    if name.startswith(registry.SCHEME) or name in ALIASES or name.isdecimal():
        return _registered(root, name, scratch)
    if Path(name).is_dir():
        return _folder(Path(name))
    if not commits.git(root, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}").returncode:
        return _committed(root, name, scratch)
    if HASH.fullmatch(name):
        return _registered(root, name, scratch)
    known = "champion, challenger, a version's number, a Git revision, a folder, or the first digits of a hash"
    raise UserError(f"--model: found '{name}', expected {known}.", fix="name one of these")


def _folder(folder: Path) -> Source:
    if not (folder / CARD).is_file():
        problem = f"{files.shown(folder)}: found no {CARD} in it, expected the folder of a bundle."
        raise UserError(problem, fix=f"name a folder that `python -m holdfast export` wrote, or {BUNDLE}")
    return Source(folder)


def _committed(root: Path, revision: str, scratch: Path) -> Source:
    """Bring the bundle of a commit out of DVC's cache or remote."""
    commit = commits.find(root, revision, path="dvc.lock")
    md5 = rebuild.recorded(root, commit, BUNDLE)
    if md5 is None:
        remedy = "name another revision: `git log --oneline -- dvc.lock` lists them"
        raise UserError(f"{commit.name}: its dvc.lock records no {BUNDLE}.", fix=remedy)
    versions.copy_folder(root, md5, commit, scratch / "bundle")
    return Source(scratch / "bundle", commit.hash[:SHORT])


def _registered(root: Path, name: str, scratch: Path) -> Source:
    """Bring the bundle of a registered version, of the environment that is chosen unless the name says another."""
    version, folder = moves.fetch(root, name, scratch, environments.chosen(root))
    return Source(folder, str(version.number), version.sha256)
