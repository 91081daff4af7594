"""Every choice a person may turn: `params.yaml`, typed. This module is its only reader.

Each section is a frozen class that refuses unknown keys, and each function receives the section
that it needs. What is wrong is named by its path, with what was found and what is expected.
"""

import json
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from holdfast.errors import UserError, nearest
from holdfast.metrics import COMPARED, Metric
from holdfast.schema import Category, Schema, Time
from holdfast.strict import Strict
from holdfast.terms import Contract

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
    """Each row's side follows from a hash of its id, or of its `data.group` if it has one: new rows move no other."""

    by: Literal["id"]
    validation_share: Share
    holdout_share: Share
    salt: str = Field(default="", description="another word gives another split")

    @model_validator(mode="after")
    def _something_is_left_to_train_on(self) -> Self:
        if self.validation_share + self.holdout_share >= 1:
            raise ValueError("validation_share and holdout_share leave nothing to train on")
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


class Linear(Strict):
    """Ridge regression of a number, on the same features; `penalty` is tried as above."""

    penalty: list[Annotated[float, Field(gt=0)]] = Field(min_length=1)


class Train(Strict):
    """Which estimator, and what is tried for it."""

    estimator: Literal["gradient_boosting", "logistic", "linear"]
    gradient_boosting: GradientBoosting
    logistic: Logistic
    linear: Linear


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


Margin = Annotated[float, Field(ge=0)]


class SliceGate(Strict):
    """When a slice counts as harmed, and how large it must be to be judged at all."""

    margin: dict[Metric, Margin] = Field(min_length=1, description="worse by more than this is harm")
    rows: int = Field(ge=1, description="smaller slices are not judged")
    labels: int = Field(ge=1, description="nor those with fewer rows of either label")


class Gates(Strict):
    """When the challenger may take the place of the champion."""

    resamples: int = Field(ge=2_000, description="of the paired bootstrap")
    confidence: float = Field(ge=0.8, lt=1, description="of the intervals, and of the slices together")
    groups: int = Field(ge=2, description="fewer days, or groups, or rows, say nothing of uncertainty")
    floor: dict[Metric, float] = Field(min_length=1, description="G1: the challenger is no worse than this")
    margin: dict[Metric, Margin] = Field(min_length=1, description="G2: nor worse than the champion by more than this")
    slices: SliceGate = Field(description="G3: nor is any slice harmed")
    size_mb: float = Field(gt=0, description="G4: of the model's files, in millions of bytes")
    latency_ms: float = Field(gt=0, description="G4: of one row, on the machine that judges")
    tags: tuple[str, ...] = Field(description="G5: what must be said of the model under `tags:`")


class Environment(Strict):
    """A place in which models live on their way to those who use them."""

    model: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$", description="its name in the registry")
    tracking: str | None = Field(default=None, description="of the MLflow server; MLFLOW_TRACKING_URI takes precedence")
    approvals: int = Field(default=0, ge=0, description="how many people must agree before a champion is another")
    gates: dict[str, Any] = Field(default={}, description="what differs here from `gates:`")


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
    gates: Gates
    tags: dict[str, str] = Field(default={}, description="what people must know of the model")
    environments: dict[str, Environment] = Field(default={}, description="by name; HOLDFAST_ENV chooses one")

    @model_validator(mode="after")
    def _sections_fit_together(self) -> Self:
        if self.split.by == "time" and self.data.time is None:
            raise ValueError("split.by is 'time', but data.time is not declared")
        self.contract.refuse_what_contradicts(self.data)
        for cut in self.evaluate.slices:
            column = self.data.columns.get(cut.column)
            if column is None:
                raise ValueError(f"evaluate.slices: no column '{cut.column}'{nearest(cut.column, self.data.columns)}")
            if not isinstance(column, Category if cut.hours is None else Time):
                raise ValueError(f"evaluate.slices: '{cut.column}' must be a category, or a time with `hours`")
        return self

    @model_validator(mode="after")
    def _target_is_fitted_and_judged_by_its_kind(self) -> Self:
        kind = self.data.target.kind
        other = {"logistic": "number", "linear": "labels"}.get(self.train.estimator)
        if other == ("number" if kind == "number" else "labels"):
            fits = "gradient_boosting or " + ("linear" if kind == "number" else "logistic")
            raise ValueError(f"train.estimator: '{self.train.estimator}' does not predict {other}, expected {fits}")
        asked = {"floor": self.gates.floor, "margin": self.gates.margin, "slices.margin": self.gates.slices.margin}
        for where, names in asked.items():
            for name in names:
                if name not in COMPARED[kind]:
                    expected = ", ".join(COMPARED[kind])
                    raise ValueError(f"gates.{where}: '{name}' is not measured of this target, expected {expected}")
        return self

    @model_validator(mode="after")
    def _every_environment_has_gates(self) -> Self:
        names = dict[str, str]()
        for name in self.environments:
            other = names.setdefault(self.environments[name].model, name)
            if other != name:
                raise ValueError(f"environments.{name}.model: found the name of {other}'s, expected one of its own")
            try:
                self.gates_in(name)
            except ValidationError as error:
                first = error.errors()[0]
                path = ".".join(str(key) for key in first["loc"])
                raise ValueError(f"environments.{name}.gates.{path}: {first['msg']}") from error
        return self

    def gates_in(self, environment: str) -> Gates:
        """Return the gates as an environment has them."""
        own = self.environments[environment].gates
        return Gates.model_validate_json(json.dumps(_merged(self.gates.model_dump(mode="json"), own)))


def _merged(settings: Any, own: Any) -> Any:
    """Return settings with those of another that differ."""
    if not isinstance(settings, dict) or not isinstance(own, dict):
        return own
    return settings | {name: _merged(settings.get(name), value) for name, value in own.items()}


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
