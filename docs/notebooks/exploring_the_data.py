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
# # Exploring the data
#
# What a row is, what is missing, what moves from month to month, and what would give the answer away. All of it is
# read from the artifacts of `prepare`, so `dvc repro` comes first. Nothing here names a column: with your own data
# the same cells tell of your own columns.

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from pydantic import TypeAdapter

from holdfast import distributions, files, params
from holdfast.charts import BLUE, ORANGE, STYLE
from holdfast.files import Workspace
from holdfast.leaks import Leak
from holdfast.profiling import PartitionProfile

root = next(folder for folder in (Path.cwd(), *Path.cwd().parents) if (folder / "params.yaml").is_file())
workspace = Workspace(root)
schema = params.load(workspace.params).data
plt.rcParams.update(STYLE | {"figure.figsize": (8, 3)})

# %% [markdown]
# ## What a row is
#
# The schema is declared once, under `data:` in `params.yaml`. Everything else is made from it: the check of the data,
# the features, the web form, the API.

# %%
pd.DataFrame(
    {
        "kind": column.kind,
        "unit": getattr(column, "unit", ""),
        "may be missing": "yes" if column.nullable else "",
        "label": column.label,
    }
    for column in schema.columns.values()
).set_axis(list(schema.columns))

# %% [markdown]
# ## How many rows, and what became of them
#
# `prepare` keeps a profile of each partition, from before any row was dropped. The base rate (or the mean, of a target
# that is a number) is the first thing to look at: a model is of use as far as it knows more than that, and where it
# moves, scores that were right become too high or too low.

# %%
found = files.read_json(workspace.prepare / "profile.json", dict[str, PartitionProfile])
profiles = {Path(name).stem: one for name, one in found.items()}
answer = schema.target.summarised
months = pd.DataFrame({name: {"rows": one.rows, answer: one.summary(schema)} for name, one in profiles.items()}).T
months.style.format({"rows": "{:,.0f}", answer: "{:.3f}"})

# %% alt="What became of the rows of each partition, in one figure"
axes = months[answer].plot.bar(color=BLUE, title=answer, rot=45)
axes.axhline(months[answer].mean(), color=ORANGE, linestyle="--", linewidth=1)
plt.show()

# %% [markdown]
# ## What is missing
#
# A value may be missing where the schema says `nullable`. How much of it is missing may differ from month to month: the
# contract has a largest share for each column, and refuses a month with more.

# %%
missing = pd.DataFrame(
    {
        name: {column: one.columns[column].missing / one.rows for column in schema.columns}
        for name, one in profiles.items()
    }
)
gaps = missing[missing.max(axis=1) > 0]
assert all(schema.columns[name].nullable for name in gaps.index), "only what may be missing is missing"

# %% alt="Which share of each column is missing in each partition"
figure, axes = plt.subplots(figsize=(8, 0.35 * len(gaps) + 1.5))
image = axes.imshow(gaps, aspect="auto", cmap="Blues", vmin=0)
axes.set_xticks(range(len(gaps.columns)), gaps.columns, rotation=45, ha="right")
axes.set_yticks(range(len(gaps)), gaps.index)
figure.colorbar(image, format="{x:.0%}")
plt.show()

# %% [markdown]
# ## What moves
#
# How far the holdout is from the training rows, column by column: 0 is the same distribution, 1 has nothing in common
# (Kolmogorov-Smirnov for numbers, total variation for words and for the hours of times). A column that moves is not a
# mistake. It is where to look first when the evaluation is worse than the validation.

# %%
train, holdout = (files.read(workspace.prepare / f"{side}.parquet") for side in ("train", "holdout"))
moved = pd.Series(
    {
        name: distributions.distance(
            distributions.counts(train[name], column.kind),
            distributions.counts(holdout[name], column.kind),
            column.kind,
        )
        for name, column in schema.columns.items()
    },
    dtype="float64",
).sort_values()
assert moved.dropna().between(0, 1).all()

# %% alt="How far each column of the holdout is from the training rows"
moved.plot.barh(figsize=(8, 0.28 * len(moved) + 1), color=BLUE, title="distance from training rows to holdout")
plt.show()

# %% [markdown]
# ## What would give the answer away
#
# `prepare` looks for columns from which the label can be read off, for ids among the columns, and for rows of the
# holdout that are training rows too. The reference has [the codes](../reference/codes.md#leaks).

# %%
leaks = TypeAdapter(list[Leak]).validate_python(files.read_json(workspace.prepare / "leaks.json", list[Leak]))
pd.DataFrame([{"code": leak.code, "what": leak.text} for leak in leaks]) if leaks else "Nothing was found."

# %% [markdown]
# ## What the model gets
#
# Rows without an answer are dropped, and counted by reason. The newest rows are the holdout: a model that is
# judged by what came before its own training rows is judged too kindly.

# %%
outcomes = pd.read_csv(workspace.prepare / "outcomes.csv", keep_default_na=False)
table = outcomes.pivot_table(index="side", columns="outcome", values="rows", fill_value=0).astype(int)
table = table.rename_axis(index=None, columns=None)
assert table.to_numpy().sum() == sum(one.rows for one in profiles.values()), "every row is counted once"
assert len(train) == table.loc["train", list(schema.target.answers) or ["number"]].sum()
table

# %% [markdown]
# ## Next
#
# [Reading an evaluation](reading_an_evaluation.py) goes on from here. `python -m holdfast data-diff HEAD~1` says what
# changed between two data versions, and `artifacts/prepare/profile.html` shows each column of each month.
