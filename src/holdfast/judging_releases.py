"""Bring two released models before the judge: on the rows under `data/` that neither has seen, each by its own code.

The first champion takes nobody's place. It is held against itself, and of the gates only the floors are asked.
"""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from holdfast import commits, contenders, judging, provenance, threads
from holdfast.comparison import alone, impossible
from holdfast.contenders import Contender
from holdfast.errors import UserError
from holdfast.judging import NOBODY
from holdfast.params import Params
from holdfast.report import Report, Side


class Released(NamedTuple):
    """A model that has a name: the folder of its bundle, and where it comes from."""

    name: str
    bundle: Path
    commit: str
    data: str


def judge(root: Path, champion: Released | None, challenger: Released, params: Params) -> Report:
    """Judge a released model against another, on the rows under `data/` that neither has seen; the first one, alone.

    Raises: UserError where the data is not here.
    """
    report = Report(
        champion=_side(root, champion) if champion else NOBODY,
        challenger=_side(root, challenger),
        comparison=impossible("nothing was judged"),
        notes=tuple(
            f"{one.name} is of a commit that is not in this clone ({one.commit[:7]}): the code here has scored it."
            for one in (champion, challenger)
            if one and not commits.known(root, one.commit)
        ),
    )
    try:
        threads.limit(params.threads)
        with (
            _released(root, "the challenger", challenger) as ours,
            _released(root, "the champion", champion) if champion else nullcontext(ours) as theirs,
        ):
            judged = judging.judged(root, theirs, ours, report, params)
    except UserError as error:
        return judging.without_judgement(report, error)
    return judged if champion else replace(judged, comparison=alone(judged.comparison))


def _released(root: Path, name: str, released: Released) -> AbstractContextManager[Contender]:
    return contenders.of_release(root, name, released.bundle, commits.known(root, released.commit))


def _side(root: Path, released: Released) -> Side:
    known = commits.known(root, released.commit)
    found = provenance.side(root, known, released.name) if known else NOBODY
    return found._replace(name=released.name, commit=released.commit, data=released.data)
