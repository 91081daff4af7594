"""Stage `train`: tune and fit the estimator, then freeze featurizer and estimator into one model.

The saved model takes raw rows. No later stage, batch job or web request ever sees a feature
matrix, so there is no second transform to drift away from this one.
"""

import logging
from functools import partial
from pathlib import Path

import numpy as np
from sklearn.pipeline import Pipeline

from holdfast import estimators, files, persistence
from holdfast.features import Featurizer
from holdfast.files import Workspace
from holdfast.model import Facts, Model
from holdfast.params import Params
from holdfast.schema import Schema
from holdfast.split import Boundaries

logger = logging.getLogger(__name__)


def main(params: Params, workspace: Workspace) -> None:
    """Read features, write the model and what was tried on the way to it."""
    featurizer = persistence.load(workspace.featurize / "featurizer.skops", [Featurizer])
    schema = files.read_json(workspace.prepare / "schema.json", Schema)
    split = files.read_json(workspace.prepare / "split.json", Boundaries)
    train = _read(workspace.featurize / "train.parquet", schema)
    validation = _read(workspace.featurize / "validation.parquet", schema)

    kind = schema.target.kind
    build = partial(estimators.build, params.train, featurizer=featurizer, seed=params.seed, kind=kind)
    choice = estimators.choose(build, params.train, fit_on=train, judge_on=validation, kind=kind)
    features, target = (np.concatenate(pair) for pair in zip(train, validation, strict=True))
    logger.info("fitting on %s rows", f"{len(target):,}")
    estimator = build(choice.settings).fit(features, target)
    facts = Facts(
        data=schema,
        split=split,
        threshold=choice.threshold,
        estimator=params.train.estimator,
        settings=choice.settings,
        fitted_rows=len(target),
        positive_share=round(float(target.mean()), 6) if kind == "binary" else None,
    )
    model = Model(Pipeline([("featurizer", featurizer), ("estimator", estimator)]), facts)

    with files.replacing(workspace.train) as folder:
        model.save(folder / "model")
        files.write_csv(folder / "tried.csv", choice.tried)


def _read(path: Path, schema: Schema) -> tuple[np.ndarray, np.ndarray]:
    """Return features (n, features) and target (n,)."""
    table = files.read(path)
    target = table.pop(schema.target.column).to_numpy()
    return table.to_numpy("float64"), target
