"""Every choice a person may turn: `params.yaml`, typed. This module is its only reader.

Each section is a frozen class that refuses unknown keys, and each function receives the section
that it needs. What is wrong is named by its path, with what was found and what is expected.
"""

import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import pandas as pd
import yaml
from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from holdfast.errors import UserError, nearest
from holdfast.schema import Category, Schema, Strict, Time

Share = Annotated[float, Field(gt=0, lt=1)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]


class Ingest(Strict):
    """How the example's upstream tables become rows."""

    horizon_hours: float = Field(gt=0, description="prediction moment: so long before the scheduled departure")
    recent_hours: float = Field(gt=0, description="how far back the recent state of an airport reaches")
    weather_max_age_hours: float = Field(gt=0, description="an older weather observation counts as missing")
    late_minutes: int = Field(gt=0, description="a flight that arrives so much after its schedule is late")


class TimeSplit(Strict):
    """The newest months are the holdout, the ones before it the validation rows, the rest trains."""

    by: Literal["time"]
    validation_months: int = Field(ge=1)
    holdout_months: int = Field(ge=1)


class IdSplit(Strict):
    """Each row's side follows from a hash of its id alone, so that an inserted row moves no other row."""

    by: Literal["id"]
    validation_share: Share
    holdout_share: Share
    salt: str = Field(default="", description="another word gives another split")

    @model_validator(mode="after")
    def _something_is_left_to_train_on(self) -> Self:
        if self.validation_share + self.holdout_share >= 1:
            raise ValueError("validation_share and holdout_share leave nothing to train on")
        return self


class Leaks(Strict):
    """When columns or rows give the answer away, and what follows from it."""

    severity: Literal["warning", "error"] = Field(default="warning", description="an error stops the run")
    auc: float = Field(default=0.98, gt=0.5, le=1, description="columns that reach this ROC AUC tell the answer")
    id_share: float = Field(default=0.95, gt=0, le=1, description="so many different values a row make a column an id")
    sample_rows: int = Field(default=10_000, ge=100, description="training rows looked at for each question, at most")


class Counts(Strict):
    """How many rows a partition has."""

    min: int = Field(default=1, ge=1)
    max: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _range_is_not_empty(self) -> Self:
        if self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min} is above max {self.max}")
        return self


class Shares(Strict):
    """The share of the positive label among the labelled rows of a partition."""

    min: float = Field(default=0, ge=0, le=1)
    max: float = Field(default=1, ge=0, le=1)

    @model_validator(mode="after")
    def _range_is_not_empty(self) -> Self:
        if self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}")
        return self


class Rule(Strict):
    """What two columns promise each other, in rows that have both; `missing_with`: a row has both or neither."""

    column: str
    below: str | None = None
    at_most: str | None = None
    differs_from: str | None = None
    missing_with: str | None = None

    @model_validator(mode="after")
    def _one_promise(self) -> Self:
        said = self.model_dump(exclude={"column"}, exclude_none=True)
        if len(said) != 1:
            raise ValueError(f"expected one of below, at_most, differs_from and missing_with, found {len(said)}")
        return self

    @property
    def promise(self) -> tuple[str, str]:
        """Return which promise it is, and the other column."""
        return next(iter(self.model_dump(exclude={"column"}, exclude_none=True).items()))


class Contract(Strict):
    """What a partition promises, beyond the kind and the range of each column."""

    partition: Literal["month"] | None = Field(default=None, description="what a file holds and is named after")
    freshness_days: float | None = Field(
        default=None, ge=0, le=31, description="newest row: so long before the month's end"
    )
    rows: Counts = Counts()
    target_share: Shares | None = None
    missing: dict[str, Annotated[float, Field(ge=0, le=1)]] = Field(default={}, description="largest shares")
    patterns: dict[str, str] = Field(default={}, description="regular expressions for whole words")
    rules: dict[str, Rule] = Field(default={}, description="what columns promise each other")
    warnings: tuple[str, ...] = Field(default=(), description="expectations that are reported and do not refuse")
    leaks: Leaks = Leaks()

    @field_validator("patterns")
    @classmethod
    def _patterns_compile(cls, patterns: dict[str, str]) -> dict[str, str]:
        for name, pattern in patterns.items():
            try:
                pd.Series(["word"], dtype="str").str.contains(
                    pattern
                )  # as they are used: with fewer features than `re`
            except (re.error, ValueError) as error:
                raise ValueError(f"{name}: not a regular expression that can be used: {error}") from error
        return patterns

    @model_validator(mode="after")
    def _freshness_has_an_end(self) -> Self:
        if self.freshness_days is not None and self.partition is None:
            raise ValueError("freshness_days is counted from the end of a month; declare `partition: month`")
        return self


class Featurize(Strict):
    """How rows become features."""

    max_categories: int = Field(ge=2, le=254, description="rarer words of a category count as unknown")


class GradientBoosting(Strict):
    """Histogram gradient boosting; lists are tried, and the best on the validation rows is taken."""

    learning_rate: list[Annotated[float, Field(gt=0, le=1)]] = Field(min_length=1)
    max_leaf_nodes: list[Annotated[int, Field(ge=2)]] = Field(min_length=1)
    max_iterations: int = Field(ge=1, le=5_000)
    min_samples_leaf: int = Field(ge=1)
    l2_regularization: float = Field(ge=0)


class Logistic(Strict):
    """Logistic regression on one-hot and standardised features; `inverse_penalty` is tried as above."""

    inverse_penalty: list[Annotated[float, Field(gt=0)]] = Field(min_length=1)


class Train(Strict):
    """Which estimator, and what is tried for it."""

    estimator: Literal["gradient_boosting", "logistic"]
    gradient_boosting: GradientBoosting
    logistic: Logistic


class Slice(Strict):
    """Named subsets of the holdout: the categories of a column, or the hours of a time, cut at `hours`."""

    column: str
    label: str = ""
    hours: tuple[int, ...] | None = None

    @model_validator(mode="after")
    def _hours_grow(self) -> Self:
        if self.hours is not None and list(self.hours) != sorted({hour for hour in self.hours if 0 < hour < 24}):
            raise ValueError("hours must grow, each from 1 to 23")
        return self


class Evaluate(Strict):
    """How the model is measured on the holdout."""

    calibration_bins: int = Field(ge=2, le=100)
    slices: tuple[Slice, ...] = ()
    importance_rows: int = Field(ge=1, description="rows drawn from the holdout for permutation importance")
    importance_repeats: int = Field(ge=1)


class Params(Strict):
    """All of `params.yaml`."""

    seed: Seed
    threads: int = Field(ge=1, description="for fitting, featurizing and scoring; OMP_NUM_THREADS overrules it")
    data: Schema
    contract: Contract
    ingest: Ingest
    split: TimeSplit | IdSplit = Field(discriminator="by")
    featurize: Featurize
    train: Train
    evaluate: Evaluate

    @model_validator(mode="after")
    def _sections_fit_together(self) -> Self:
        if self.split.by == "time" and self.data.time is None:
            raise ValueError("split.by is 'time', but data.time is not declared")
        self._contract_fits_the_schema()
        for cut in self.evaluate.slices:
            column = self.data.columns.get(cut.column)
            if column is None:
                raise ValueError(f"evaluate.slices: no column '{cut.column}'{nearest(cut.column, self.data.columns)}")
            if not isinstance(column, Category if cut.hours is None else Time):
                raise ValueError(f"evaluate.slices: '{cut.column}' must be a category, or a time with `hours`")
        return self

    def _contract_fits_the_schema(self) -> None:
        schema, contract = self.data, self.contract
        if contract.partition is not None and schema.time is None:
            raise ValueError("contract.partition is 'month', but data.time is not declared")
        words = [schema.id, schema.target.column, *schema.named(Category)]
        optional = [schema.target.column, *(name for name, column in schema.columns.items() if column.nullable)]
        rules = [name for rule in contract.rules.values() for name in (rule.column, rule.promise[1])]
        alike: dict[str, object] = {name: column.kind for name, column in schema.columns.items()}
        for key, named, allowed, what in (
            ("missing", contract.missing, optional, "column that may be missing"),
            ("patterns", contract.patterns, words, "column of words"),
            ("rules", rules, [*words, *schema.columns], "column"),
        ):
            for name in named:
                if name not in allowed:
                    raise ValueError(f"contract.{key}: no {what} '{name}'{nearest(name, allowed)}")
        for name, rule in contract.rules.items():
            kinds = {alike.get(column, "category") for column in (rule.column, rule.promise[1])}
            if rule.promise[0] in {"below", "at_most"} and (len(kinds) > 1 or kinds == {"category"}):
                raise ValueError(f"contract.rules.{name}: only two numbers, or two times, have an order")


def load(path: Path) -> Params:
    """Read and check `params.yaml`.

    Raises: UserError where the file is missing, is not YAML, or holds something unexpected.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 (a SafeLoader)
        # By way of JSON, in which a list can be a tuple and nothing else is taken for what it is not.
        typed = json.dumps(content, default=str)
    except OSError as error:
        problem = f"{path.name}: not found or not readable in {path.parent}."
        raise UserError(problem, fix=f"git checkout -- {path.name}") from error
    except (yaml.YAMLError, TypeError, ValueError, RecursionError) as error:
        problem = " ".join(str(error).split())
        raise UserError(f"{path.name}: not readable as YAML: {problem}.", fix=f"correct {path.name}") from error
    try:
        return Params.model_validate_json(typed, strict=True)
    except ValidationError as error:
        raise _mendable(error, content, path.name) from error


class _Loader(yaml.SafeLoader):
    """A safe loader that refuses a key given twice, where YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        merge = "tag:yaml.org,2002:merge"
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value if key.tag != merge]
        twice = next((key for place, key in enumerate(keys) if key in keys[:place]), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(None, None, f"found the key '{twice}' twice", node.start_mark)
        return super().construct_mapping(node, deep=deep)


def _mendable(error: ValidationError, content: Any, name: str) -> UserError:
    """Turn the first complaint of pydantic into where, what was found, what is expected, and the edit."""
    first = error.errors()[0]
    path = _typed_path(first["loc"], content, absent=first["type"] == "missing")
    where = f"{name}: {path}: " if path else f"{name}: "
    fix = f"edit {f'`{path}` in ' if path else ''}{name}, then run `dvc repro`"
    return UserError(f"{where}{_complaint(first)}", fix=fix)


def _complaint(details: ErrorDetails) -> str:
    context = details.get("ctx", {})
    match details["type"]:
        case "extra_forbidden":
            return f"unknown key{nearest(str(details['loc'][-1]), _every_key()) or '.'}"
        case "missing":
            return "missing, expected a value."
        case "value_error":
            return f"{str(context['error']).rstrip('.')}."
        case "union_tag_invalid":
            return f"found {context['discriminator']} '{context['tag']}', expected {context['expected_tags']}."
        case "union_tag_not_found":
            return f"found no {context['discriminator']}, expected one."
        case _:
            return f"found {details['input']!r}, expected {details['msg'].removeprefix('Input should be ')}."


def _typed_path(keys: tuple[int | str, ...], content: Any, *, absent: bool) -> str:
    """Join the keys that a person typed; pydantic adds the kind of a column or split as one more."""
    typed = []
    for place, key in enumerate(keys):
        try:
            content = content[key]
        except (KeyError, IndexError, TypeError):
            if not (absent and place == len(keys) - 1):
                continue
        typed.append(str(key))
    return ".".join(typed)


def _every_key(section: type[Strict] = Strict) -> list[str]:
    below = [key for kind in section.__subclasses__() for key in _every_key(kind)]
    return sorted({*section.model_fields, *below})
