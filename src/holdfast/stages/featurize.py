"""Stage `featurize`: fit the featurizer on the training rows, and turn rows into features.

Validation rows are transformed by what was learned from training rows. The holdout is not touched: it
is scored from raw rows, as everything is that the model meets later.
"""

import pandas as pd

from holdfast import files, persistence
from holdfast.features import Featurizer
from holdfast.files import Workspace
from holdfast.params import Params
from holdfast.schema import Schema


def main(params: Params, workspace: Workspace) -> None:
    """Read training and validation rows, write the featurizer and their features."""
    schema = files.read_json(workspace.prepare / "schema.json", Schema)
    train = files.read(workspace.prepare / "train.parquet")
    validation = files.read(workspace.prepare / "validation.parquet")

    featurizer = Featurizer.of(schema, params.featurize.max_categories).fit(train)

    with files.replacing(workspace.featurize) as folder:
        files.write_bytes(folder / "featurizer.skops", persistence.dumps(featurizer))
        files.write(folder / "train.parquet", _features(featurizer, train, schema))
        files.write(folder / "validation.parquet", _features(featurizer, validation, schema))


def _features(featurizer: Featurizer, rows: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Return features and, under its own name, the target, as an estimator takes it."""
    features = pd.DataFrame(featurizer.transform(rows), columns=featurizer.names)
    return features.assign(**{schema.target.column: schema.target.encoded(rows[schema.target.column])})
