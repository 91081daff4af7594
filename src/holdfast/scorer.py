"""The one script that every commit's code can run: read rows, let a model score them, write what it says.

It is started with the `src/` of the model's commit on the path, and so uses the `Model` of that commit, not the one
beside it. It may ask only for what every commit has had from the first one on.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

SINGLE_ROWS = 50


def main(model_folder: Path, path: Path) -> None:
    """Score the rows of a file, and write beside it the scores, which rows the model has seen, and its facts."""
    from holdfast import files
    from holdfast.model import Model

    model = Model.load(model_folder)
    schema = model.facts.data
    rows = files.read(path)
    if schema.id not in rows:
        raise SystemExit(f"error: the rows have no column '{schema.id}', its id\n  fix: keep the name of the id")
    known = schema.inputs(rows, "holdout").assign(**{schema.id: rows[schema.id].astype("str")})
    together = getattr(model.facts.split, "group", None)  # rows that are on one side; older commits knew of none
    if together and together not in known:
        if together not in rows:
            raise SystemExit(f"error: the rows have no column '{together}', its group\n  fix: keep that column")
        known[together] = rows[together].astype("str")
    seen = model.facts.split.sides(known, schema) != "holdout"
    np.savez(path.with_suffix(".npz"), scores=model.score(rows), seen=seen)
    facts = {"threshold": model.facts.threshold, "latency": _latency(model, rows)}
    path.with_name("facts.json").write_text(json.dumps(facts), encoding="utf-8")


def _latency(model: Any, rows: Any) -> float:
    """Return how long a model takes for one row, in milliseconds: the median of some, after one to warm up."""
    taken = []
    for place in range(min(SINGLE_ROWS + 1, len(rows))):
        row = rows.iloc[[place]]
        start = time.perf_counter()
        model.score(row)
        taken.append((time.perf_counter() - start) * 1_000)
    return float(np.median(taken[1:] or taken))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
