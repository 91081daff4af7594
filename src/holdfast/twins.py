"""Ids that more than one partition has, found with the memory of one partition.

The ids' hashes are dealt to piles on the disk by their value, so that equal ids meet in the same
pile, and one pile is looked at after the other. The hashes have 64 bits: among ten million different
ids, two share one once in 400,000 such data sets.
"""

import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

DEALT = np.dtype([("hash", "u8"), ("partition", "u4"), ("row", "u4")])
PILES = 64


def find(partitions: Iterable[pd.Series]) -> np.ndarray:
    """Return where ids are that an earlier partition has too.

    Shapes: the ids of each partition → (twins,) with the fields partition and row, both counted from 0.
    """
    with tempfile.TemporaryDirectory(prefix="holdfast-") as folder:
        piles = [Path(folder) / str(number) for number in range(PILES)]
        for number, ids in enumerate(partitions):
            _deal(number, ids, piles)
        found = np.concatenate([_twins(pile) for pile in piles])
    return np.sort(found, order=["partition", "row"])


def _deal(number: int, ids: pd.Series, piles: list[Path]) -> None:
    dealt = np.empty(len(ids), DEALT)
    dealt["hash"] = pd.util.hash_array(ids.astype("str").to_numpy(object))
    dealt["partition"], dealt["row"] = number, np.arange(len(ids))
    dealt = dealt[ids.notna().to_numpy()]
    place = dealt["hash"] % PILES
    for pile, path in enumerate(piles):
        with path.open("ab") as file:
            file.write(dealt[place == pile].tobytes())


def _twins(pile: Path) -> np.ndarray:
    dealt = np.sort(np.fromfile(pile, DEALT), order=["hash", "partition", "row"])
    same = dealt["hash"][1:] == dealt["hash"][:-1]
    first = np.concatenate([[True], ~same])[: len(dealt)]
    owner = dealt["partition"][np.maximum.accumulate(np.where(first, np.arange(len(dealt)), 0))]
    return dealt[dealt["partition"] != owner][["partition", "row"]]
