"""Which files a batch scores: those that are named, and those of the folders that are named.

Two files never share a file of scores, and scores never lie where files are looked for.
"""

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from holdfast import files, streams
from holdfast.errors import UserError

logger = logging.getLogger(__name__)

ANOTHER = "name another folder with --out"


class Partition(NamedTuple):
    """A file that is scored: what its scores are called, where it is, and how it was named."""

    name: str
    path: Path
    given: str


def partitions(inputs: Sequence[str], into: Path) -> list[Partition]:
    """Return the files that are named, and those of folders that are named.

    Raises: UserError where one is not there, is of another type, or two would be scored into one file; and where
    scores cannot go where they are to, or would be taken for rows there.
    """
    found = [partition for given in inputs for partition in _below(given)]
    _check_out(inputs, into)
    taken: dict[str, Partition] = {}
    for one in found:
        other = taken.setdefault(one.name, one)
        if other.path.resolve() != one.path.resolve():
            problem = f"{one.given}: its scores would take the place of those of {other.given}"
            raise UserError(f"{problem}, {one.name}{streams.PARQUET}.", fix="score the two into folders of their own")
        if one.path.resolve().is_relative_to(into.resolve()):
            problem = f"{one.given}: found it below {files.shown(into)}, where the scores go."
            raise UserError(problem, fix=ANOTHER)
    return list(taken.values())


def _check_out(inputs: Sequence[str], into: Path) -> None:
    there = next(path for path in [into, *into.absolute().parents] if os.path.lexists(path))
    if not there.is_dir():
        raise UserError(f"--out: {files.shown(there)}: found no folder, expected one.", fix=ANOTHER)
    for given in inputs:
        if Path(given).is_dir() and into.resolve().is_relative_to(Path(given).resolve()):
            problem = f"--out: {files.shown(into)}: found it below {given}, where files are looked for."
            raise UserError(problem, fix=ANOTHER)


def _below(given: str) -> list[Partition]:
    path = Path(given)
    if path.is_file():
        if path.suffix.lower() not in streams.SUFFIXES:
            problem = f"{given}: found a file of type '{path.suffix}', expected {' or '.join(streams.SUFFIXES)}."
            raise UserError(problem, fix="convert it to Parquet or CSV")
        return [Partition(path.stem, path, given)]
    inside = sorted(file for file in path.rglob("*") if file.is_file() and not _is_hidden(file.relative_to(path)))
    fitting = [file for file in inside if file.suffix.lower() in streams.SUFFIXES]
    if not fitting:
        what = "no Parquet or CSV file" if path.is_dir() else "nothing"
        raise UserError(f"{given}: found {what} there, expected rows.", fix="name a file, or a folder of files")
    for file in set(inside) - set(fitting):
        logger.warning("%s: left out, for it is neither Parquet nor CSV", file)
    below = [file.relative_to(path) for file in fitting]
    return [Partition(one.with_suffix("").as_posix(), path / one, (Path(given) / one).as_posix()) for one in below]


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
