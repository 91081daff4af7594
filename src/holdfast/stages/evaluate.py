"""Stage `evaluate`: score the holdout from raw rows, and measure.

The scores are kept with the ids of their rows: they are what the web app and batch scoring must
return to the last bit. What is served is written here too: the model that was measured, in a bundle with its card.
"""

import logging

from holdfast import bundle, charts, files, metrics
from holdfast.bundle import Golden
from holdfast.card import card
from holdfast.evaluation import evaluate
from holdfast.files import Workspace
from holdfast.model import Model
from holdfast.params import Params

logger = logging.getLogger(__name__)


def main(params: Params, workspace: Workspace) -> None:
    """Read the model and the holdout, write scores, metrics, tables, charts and the bundle."""
    model = Model.load(workspace.train / "model")
    holdout = files.read(workspace.prepare / "holdout.parquet")

    evaluation = evaluate(model, holdout, params.evaluate, params.seed)
    target = model.facts.data.target
    first = metrics.main(target.kind)
    logger.info("%s %s on %s rows", metrics.LABELS[first], evaluation.metrics[first], f"{len(holdout):,}")
    scores = target.scores_in(evaluation.scores)
    about = card(evaluation, holdout, model.facts.data, params.evaluate, params.tags, params.seed)

    with files.replacing(workspace.evaluate) as folder:
        files.write_json(folder / "metrics.json", evaluation.metrics)
        files.write(folder / "scores.parquet", evaluation.scores)
        plots = folder / "plots"
        plots.mkdir()
        for name, table in evaluation.tables.items():
            files.write_csv(plots / f"{name}.csv", table)
        for name, picture in charts.draw(evaluation, target).items():
            files.write_bytes(plots / f"{name}.png", picture)
        bundle.write(folder / "bundle", workspace.train / "model", about, Golden.of(holdout, scores, model.facts.data))
