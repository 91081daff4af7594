# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Reading an evaluation
#
# One figure never says whether a model is good. This goes through what `evaluate` wrote, in the order in which to read
# it: how sure the figures are, what the scores are worth as probabilities, what a threshold costs, who is served worse.

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from holdfast import bootstrap, evaluation, files, intervals, measuring, params
from holdfast.charts import BLUE, GREY, ORANGE, STYLE
from holdfast.differences import Rows, Slice
from holdfast.files import Workspace
from holdfast.metrics import COMPARED, LABELS, main
from holdfast.model import Model

root = next(folder for folder in (Path.cwd(), *Path.cwd().parents) if (folder / "params.yaml").is_file())
workspace = Workspace(root)
settings = params.load(workspace.params)
plt.rcParams.update(STYLE | {"figure.figsize": (5, 4)})

model = Model.load(workspace.train / "model")
schema, threshold, bins = model.facts.data, model.facts.threshold, settings.evaluate.calibration_bins
kind, binary = schema.target.kind, schema.target.kind == "binary"
holdout = files.read(workspace.prepare / "holdout.parquet")
table = files.read(workspace.evaluate / "scores.parquet")
target, score = table["target"].to_numpy(), schema.target.scores_in(table)

# %% [markdown]
# ## The scores are those of the model
#
# `scores.parquet` has the score of every row of the holdout. They are what the web app and batch scoring return for
# these rows, to the last bit, so everything below speaks of what is served.

# %%
assert np.array_equal(model.score(holdout.head(1_000)), score[:1_000])
metrics = files.read_json(workspace.evaluate / "metrics.json", dict[str, float | None])
again = measuring.measure(target, score, threshold, bins, kind)
assert all(metrics[name] == value for name, value in again.items())
pd.Series(metrics, name="found", dtype="float64").to_frame()

# %% [markdown]
# Read them beside what a model without any knowledge reaches: one that gives every row the same scores, the shares of
# the labels (or the mean, of a target that is a number). Accuracy flatters: whoever always says the most frequent label
# is right in all rows that have it.

# %%
if kind == "number":
    guess = np.full(len(target), target.mean())
else:
    shares = np.bincount(target, minlength=len(schema.target.answers)) / len(target)
    guess = np.full(len(target), shares[1]) if binary else np.tile(shares, (len(target), 1))
known = measuring.measure(target, guess, threshold, bins, kind)
compared = pd.DataFrame({"this model": again, "no knowledge": known}).loc[list(COMPARED[kind])].astype(float)
assert len(target) < 1_000 or compared.iloc[0].nunique() == 2
compared.round(4)

# %% [markdown]
# ## How sure is that?
#
# Rows that share a day are not independent, so whole days (or groups) are drawn anew, and all of it is measured on each
# draw. The interval says what could as well have been found on other days.

# %%
groups, unit = bootstrap.groups_of(holdout, schema)
pieces = tuple(Slice(*one) for one in evaluation.subsets(holdout, settings.evaluate.slices))
rows = Rows(target, groups, unit, pieces, kind)
sure = intervals.measure(rows, score, settings.gates, threshold=threshold, bins=bins, seed=settings.seed)
ends = pd.DataFrame({name: one._asdict() for name, one in sure.metrics.items()}).T.astype(float)
assert (ends["low"].isna() | (ends["low"] <= ends["high"])).all()
assert all(metrics[name] == value for name, value in ends["value"].dropna().items())
ends.round(3)

# %% [markdown]
# ## Do the scores come true?
#
# Of the rows with a score about 0.3, three in ten should be positive; numbers should lie around what was predicted.
# Below the diagonal the model promises too much. A model can rank well and promise badly: that happens where the
# holdout is another than the training rows, and no metric of ranking shows it.

# %% alt="What came true against what was promised"
figure, axes = plt.subplots()
if kind == "number":
    axes.scatter(score, target, s=4, color=BLUE, alpha=0.3)
    reach = [min(score.min(), target.min()), max(score.max(), target.max())]
    axes.set(xlabel="predicted", ylabel="found")
else:
    curve = measuring.calibration(*measuring.sureness(target, score), bins)
    axes.plot(curve["mean_score"], curve["positive_share"], marker="o", color=BLUE)
    reach = [0, 1]
    axes.set(xlabel="mean score", ylabel="share that came true")
axes.plot(reach, reach, color=GREY, linewidth=1, linestyle="--")
plt.show()

# %% [markdown]
# ## What does a threshold cost?
#
# Two labels have a threshold. The model's own was chosen on the validation rows, for the best F1. Nobody has to keep
# it: who pays more for a miss than for a false alarm takes a lower one.

# %%
thresholds = sorted({0.1, 0.2, threshold, 0.4, 0.5}) if binary else []
choices = pd.DataFrame([measuring.measure(target, score, at, bins) for at in thresholds])
if binary:
    choices = choices.set_index("threshold")[["flagged_share", "precision", "recall", "f1"]].astype(float).round(3)
    assert choices["recall"].is_monotonic_decreasing
choices

# %% [markdown]
# ## For whom is it worse?
#
# Slices are declared under `evaluate:`. A slice is called weak only if its first metric is shown to be worse than that
# of all rows, with all slices looked at together; those that are too small to say anything have no interval.

# %%
columns = ["slice", "rows", "value", "low", "high", "weak"]
found = [(f"{one.label} {one.value}", one.rows, *one.found, one.weak) for one in sure.slices]
slices = pd.DataFrame(found, columns=columns).set_index("slice").astype(dict.fromkeys(["value", "low", "high"], float))
slices = slices.sort_values("value", na_position="first")
slices.round(3)

# %% alt="The first metric of each slice that is large enough, with its interval"
shown = slices.dropna(subset=["low"])
if len(shown):
    figure, axes = plt.subplots(figsize=(7, 0.3 * len(shown) + 1))
    reach = [(shown["value"] - shown["low"]).abs(), (shown["high"] - shown["value"]).abs()]
    axes.errorbar(shown["value"], shown.index, xerr=reach, fmt="o", color=BLUE, ecolor=GREY)
    axes.axvline(sure.main.value, color=ORANGE, linestyle="--", linewidth=1)
    axes.set_xlabel(LABELS[main(kind)])
    plt.show()

# %% [markdown]
# ## What does it look at?
#
# How much worse the first metric gets when one column is shuffled. Columns that say the same share their importance:
# that of either can be small and that of both large. It tells what this model uses, not what causes anything.

# %% alt="How much worse it gets when a column is shuffled"
importance = pd.read_csv(workspace.evaluate / "plots" / "importance.csv").set_index("column").sort_values("fall")
assert set(importance.index) == set(schema.columns)
importance["fall"].plot.barh(
    figsize=(7, 0.28 * len(importance) + 1), xerr=importance["spread"], color=BLUE, ecolor=GREY
)
plt.show()

# %% [markdown]
# ## What this does not say
#
# Whether it is better than the model that is live: metrics of two models on two holdouts cannot be compared, and two
# figures without an interval say nothing. That is the judge's: [comparing two models](../comparison.md). And whether it
# will still be as good on the next month: no holdout contains it.
