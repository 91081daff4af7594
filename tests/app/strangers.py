"""A data set that nobody thought of when the pages were written, with markup wherever a word can stand."""

from pathlib import Path
from typing import Any

import yaml

from conftest import MONTHS, ROOT, SMALL, MakeRows, Project, merge
from holdfast import files
from holdfast.bundle import Bundle

EVIL = "<script>alert('x')</script>\"'{{7*7}}&amp;"
TAG = "<b onmouseover=alert(1)>"

DATA: dict[str, Any] = {
    "id": "key",
    "noun": [f"visit{TAG}", f"visits{TAG}"],
    "target": {"column": "outcome", "negative": f"no{TAG}", "positive": f"very_ill{TAG}", "help": EVIL},
    "columns": {
        "dose": {"kind": "number", "label": "Dose", "unit": "mg", "min": 0, "max": 100},
        "csrf_token": {"kind": "number", "label": EVIL, "unit": TAG, "help": EVIL, "nullable": True},
        f'a "b" {TAG}': {"kind": "category", "label": "Kind", "values": [EVIL, "=1+1", "plain"], "names": {EVIL: TAG}},
        "ward": {"kind": "category", "label": "Ward", "nullable": True},
        "moment": {"kind": "time", "label": "Moment", "nullable": True},
        **{f"n{n}": {"kind": "number", "label": f"Number {n}", "min": -5, "max": 5} for n in range(6)},
    },
}


def make_strange(folder: Path, make_rows: MakeRows) -> Bundle:
    """Run the pipeline on such data, and return what is to be served."""
    content = yaml.safe_load((ROOT / "params.yaml").read_text())
    merge(content, SMALL)
    content |= {"data": DATA, "contract": {}, "tags": dict.fromkeys(content["tags"], EVIL)}
    content["split"] = {"by": "id", "validation_share": 0.2, "holdout_share": 0.3}
    content["evaluate"]["slices"] = [{"column": "ward", "label": TAG}]
    (folder / "params.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    project = Project(folder)
    project.partition().parent.mkdir(parents=True)
    rows = make_rows(project.params.data, MONTHS[0], 1_500)
    files.write(project.workspace.data / "visits.parquet", rows)
    project.run()
    return Bundle.load(project.workspace.evaluate / "bundle")
