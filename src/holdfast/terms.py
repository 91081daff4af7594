"""The terms of the contract, as the section `contract:` of `params.yaml` states them.

What follows from them for a partition is in `contract`, what gives the answer away in `leaks`.
"""

import re
from typing import Annotated, Literal, Self

import pandas as pd
from pydantic import Field, field_validator, model_validator

from holdfast.errors import nearest
from holdfast.schema import Category, Schema
from holdfast.strict import Strict


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
    besides: tuple[str, ...] = Field(default=(), description="columns that files may have too; nothing looks at them")
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

    def refuse_what_contradicts(self, schema: Schema) -> None:
        """Refuse terms about columns that the schema does not have, or has of another kind.

        Raises: ValueError.
        """
        if self.partition is not None and schema.time is None:
            raise ValueError("contract.partition is 'month', but data.time is not declared")
        if self.target_share is not None and schema.target.kind != "binary":
            raise ValueError("contract.target_share is of a positive label, and the target has none")
        for name in self.besides:
            if name in schema.names:
                raise ValueError(f"contract.besides: '{name}' is declared under data, so that it is looked at")
        outcome = [schema.target.column] if schema.target.kind != "number" else []
        words = [schema.id, *outcome, *schema.named(Category)]
        optional = [name for name in schema.names if name not in schema.columns and name != schema.id]
        optional += [name for name, column in schema.columns.items() if column.nullable]
        ruled = [name for rule in self.rules.values() for name in (rule.column, rule.promise[1])]
        for key, named, allowed, what in (
            ("missing", self.missing, optional, "column that may be missing"),
            ("patterns", self.patterns, words, "column of words"),
            ("rules", ruled, [*words, *schema.columns], "column"),
        ):
            for name in named:
                if name not in allowed:
                    raise ValueError(f"contract.{key}: no {what} '{name}'{nearest(name, allowed)}")
        self._refuse_what_has_no_order(words, schema)

    def _refuse_what_has_no_order(self, words: list[str], schema: Schema) -> None:
        for name, rule in self.rules.items():
            kind, other = rule.promise
            kinds = {"words" if column in words else schema.columns[column].kind for column in (rule.column, other)}
            if kind in {"below", "at_most"} and (len(kinds) > 1 or "words" in kinds):
                raise ValueError(f"contract.rules.{name}: only two numbers, or two times, have an order")
