"""The sealed rows: what is on the holdout side of a model's split, taken from the data itself.

No artifact of a stage is trusted for it. The rows are told apart by the boundaries that are saved with the model, and
are kept as they are in the files: another model may need columns that this one's schema has given up.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from holdfast.model import Facts
from holdfast.schema import Schema
from holdfast.versions import Version


class Holdout(NamedTuple):
    """The labelled rows on the holdout side of a model's split: as they are in the files, and in canonical form."""

    name: str
    raw: pd.DataFrame
    rows: pd.DataFrame

    def target(self, schema: Schema) -> np.ndarray:
        """Return the answers as the target encodes them.

        Shapes: (n,).
        """
        return schema.target.encoded(self.rows[schema.target.column])


def holdout(version: Version, facts: Facts, name: str) -> Holdout:
    """Return the rows of a data version that a model was neither fitted nor tuned on, one partition after the other.

    Raises: UserError where a partition cannot be read, or is of another schema.
    """
    schema, raw, rows = facts.data, [], []
    for partition in version.hashes:
        found = version.read(partition)
        canonical = schema.rows(found, partition)
        held_out = facts.split.sides(canonical, schema) == "holdout"
        mask = held_out & schema.target.answered(canonical[schema.target.column])
        raw.append(found[mask])
        rows.append(canonical[mask])
    together = pd.concat(rows, ignore_index=True)
    order = together.sort_values([schema.time, schema.id] if schema.time else schema.id).index
    return Holdout(name, pd.concat(raw).iloc[order].reset_index(drop=True), together.loc[order].reset_index(drop=True))
