"""A small project for each kind of target, from tables that scikit-learn ships: breast cancer, wine and diabetes.

What would be a nuisance in one of them is in another: wine has missing numbers, diabetes a column with few words, and
breast cancer declares no slice.
"""

import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

from conftest import ROOT, Project, merge
from holdfast import files, judging
from holdfast.comparison import impossible
from holdfast.contenders import Contender
from holdfast.differences import Scored
from holdfast.model import Model
from holdfast.report import Report
from holdfast.targets import Kind

BOOSTING = {"learning_rate": [0.2], "max_iterations": 12, "max_leaf_nodes": [3, 5], "min_samples_leaf": 5}
SETTINGS: dict[str, Any] = {
    "contract": {},
    "split": {"by": "id", "validation_share": 0.2, "holdout_share": 0.4},
    "train": {"gradient_boosting": BOOSTING},
    "evaluate": {"calibration_bins": 5, "importance_rows": 200, "importance_repeats": 2, "slices": []},
    "gates": {"slices": {"rows": 20, "labels": 5}},
}
GATES: dict[Kind, dict[str, Any]] = {
    "binary": {"floor": {"roc_auc": 0.8}, "margin": {"roc_auc": 0.02}, "slices": {"roc_auc": 0.1}},
    "classes": {
        "floor": {"balanced_accuracy": 0.7, "log_loss": 0.9},
        "margin": {"balanced_accuracy": 0.1},
        "slices": {"balanced_accuracy": 0.3},
    },
    "number": {"floor": {"rmse": 75, "r2": 0.2}, "margin": {"rmse": 5}, "slices": {"rmse": 20}},
}


def make_project(kind: Kind, folder: Path) -> Project:
    """Make the project of a kind in an empty folder, and run its stages."""
    table, target, columns, slices = {"binary": _cancer, "classes": _wine, "number": _diabetes}[kind]()
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "params.yaml", folder)
    project = Project(folder)
    project.change(lambda content: _describe(content, kind, target, columns, slices))
    path = project.workspace.data / "table.parquet"
    path.parent.mkdir()
    files.write(path, table)
    project.run()
    return project


def train_again(project: Project, folder: Path, **boosting: Any) -> Project:
    """Return a copy of a project whose model was trained with other settings of the boosting."""
    shutil.copytree(project.workspace.root, folder)
    other = Project(folder)
    other.change(lambda content: merge(content, {"train": {"gradient_boosting": boosting}}))
    other.run("train", "evaluate")
    return other


class InProcess(Contender):
    """A contender that scores with the code of the tests, in their process."""

    def score(self, rows: pd.DataFrame) -> Scored:
        model = Model.load(self.model)
        seen = model.facts.split.sides(rows, model.facts.data) != "holdout"
        return Scored(model.score(rows), seen, model.facts.threshold, self.size, latency=1.0)


def judge(champion: Project, challenger: Project) -> Report:
    """Judge the model of a project against that of another, which has the same rows."""
    both = [
        InProcess(name, one.workspace.train / "model", ROOT, Path(sys.executable), "a folder")
        for name, one in (("the champion", champion), ("the challenger", challenger))
    ]
    blank = Report(judging.NOBODY._replace(name="before"), judging.NOBODY._replace(name="after"), impossible(""))
    return judging.judged(challenger.workspace.root, both[0], both[1], blank, challenger.params)


def _describe(
    content: dict[str, Any], kind: Kind, target: dict[str, Any], columns: dict[str, Any], slices: list[Any]
) -> None:
    """Let params.yaml be that of the table."""
    noun = {"binary": ["tumour", "tumours"], "classes": ["wine", "wines"], "number": ["patient", "patients"]}[kind]
    content |= SETTINGS | {"train": content["train"], "gates": content["gates"]}
    merge(content, {"train": SETTINGS["train"], "gates": SETTINGS["gates"]})
    content["evaluate"] = SETTINGS["evaluate"] | {"slices": slices}
    content["data"] = {"id": "id", "noun": noun, "target": {"kind": kind, **target}, "columns": columns}
    content["gates"]["floor"], content["gates"]["margin"] = GATES[kind]["floor"], GATES[kind]["margin"]
    content["gates"]["slices"]["margin"] = GATES[kind]["slices"]


def _cancer() -> tuple[pd.DataFrame, dict[str, Any], dict[str, Any], list[Any]]:
    found = load_breast_cancer(as_frame=True)
    table = _identified(found.frame[["mean radius", "mean texture", "mean smoothness", "target"]], "tumour")
    table["target"] = found.target_names[table["target"]]
    target = {"column": "target", "negative": "benign", "positive": "malignant", "label": "Tumour"}
    return table, target, _numbers(table), []


def _wine() -> tuple[pd.DataFrame, dict[str, Any], dict[str, Any], list[Any]]:
    found = load_wine(as_frame=True).frame
    table = _identified(found[["alcohol", "flavanoids", "proline", "color_intensity", "target"]], "wine")
    table["colour"] = np.where(table.pop("color_intensity") > 4.5, "deep", "light")
    table.loc[::9, "proline"] = np.nan
    table["target"] = np.array(["barolo", "grignolino", "barbera"])[table["target"]]
    target = {
        "column": "target",
        "values": ["barolo", "grignolino", "barbera"],
        "names": {"barolo": "Barolo", "grignolino": "Grignolino", "barbera": "Barbera"},
        "label": "Cultivar",
        "question": "Which grape is this wine made from?",
    }
    colour = {"kind": "category", "values": ["deep", "light"], "label": "Colour"}
    return table, target, _numbers(table) | {"colour": colour}, [{"column": "colour"}]


def _diabetes() -> tuple[pd.DataFrame, dict[str, Any], dict[str, Any], list[Any]]:
    found = load_diabetes(as_frame=True, scaled=False).frame
    table = _identified(found[["age", "sex", "bmi", "bp", "s5", "target"]], "patient")
    table["sex"] = np.array(["one", "other"])[table["sex"].astype(int) - 1]
    target = {
        "column": "target",
        "unit": "points",
        "min": 0,
        "max": 400,
        "label": "Progression",
        "help": "How far the disease has gone, one year after.",
        "question": "How far will the disease have gone in a year?",
    }
    sex = {"kind": "category", "values": ["one", "other"], "label": "Sex"}
    return table, target, _numbers(table) | {"sex": sex}, [{"column": "sex"}]


def _identified(table: pd.DataFrame, noun: str) -> pd.DataFrame:
    return table.assign(id=[f"{noun}-{number:03d}" for number in range(len(table))])


def _numbers(table: pd.DataFrame) -> dict[str, Any]:
    """Declare the columns of numbers."""
    return {
        name: {"kind": "number", "label": name.capitalize(), "nullable": bool(table[name].isna().any())}
        for name in table.select_dtypes("number").columns
        if name != "target"
    }
