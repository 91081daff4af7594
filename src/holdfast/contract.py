"""What is promised of a partition: schema and contract, as expectations with permanent names.

Nothing is judged here; `expectations` does that, with Great Expectations. What it has no expectation
for becomes one about a column that is computed for the purpose: "origin differs from destination"
must be 1.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal

import numpy as np
import pandas as pd

from holdfast.errors import UserError, nearest
from holdfast.schema import Category, Column, Number, Schema, Time, few
from holdfast.targets import BinaryTarget, NumberTarget, Target
from holdfast.terms import Contract, Rule

Severity = Literal["error", "warning"]
Columns = dict[str, pd.Series]
Compute = Callable[[Columns, int], pd.Series]
LARGEST = float(np.finfo("float64").max)
ORDER = {"below": "less than", "at_most": "at most"}
ROUNDING = 1e-9
COMPARED = {"differs_from": "differs from", "missing_with": "is missing exactly with"}


@dataclass(frozen=True)
class Expectation:
    """One promise about some columns, in words, and what it is to Great Expectations."""

    name: str
    expected: str
    columns: tuple[str, ...]
    kind: str
    settings: dict[str, Any] = field(default_factory=dict)
    severity: Severity = "error"


@dataclass(frozen=True)
class View:
    """Rows in canonical form as far as they go, and why some columns cannot be judged further."""

    rows: pd.DataFrame
    absent: frozenset[str]
    mistyped: dict[str, str]

    def allows(self, expectation: Expectation) -> bool:
        """Tell whether an expectation says more than that a column is absent, mistyped or without rows."""
        if expectation.name.startswith("type."):
            return self.absent.isdisjoint(expectation.columns)
        usable = self.absent.isdisjoint(expectation.columns) and not set(self.mistyped) & set(expectation.columns)
        return usable and (not self.rows.empty or not expectation.columns)


def view(rows: pd.DataFrame, schema: Schema, contract: Contract) -> View:
    """Return what is judged: the rows, and the columns that are computed for the contract.

    Instead of values that nobody can judge, of columns of another kind or that nobody promised, there is False.
    """
    rows = rows.reset_index(drop=True)
    rows = rows.loc[:, ~rows.columns.isin(contract.besides)]
    computed = _computed(schema, contract)
    found = dict(zip(_distinct(rows.columns, [*computed]), (column for _, column in rows.items()), strict=True))
    nothing = pd.Series(data=False, index=rows.index)
    seen, mistyped = dict.fromkeys(found, nothing), {}
    for name in [name for name in schema.names if name in found]:
        try:
            seen[name] = schema.canonical(name, found[name])
        except TypeError as error:
            mistyped[name] = str(error)
    usable = {name: seen[name] for name in schema.names if name in seen and name not in mistyped}
    absent = frozenset(schema.names) - seen.keys()
    seen |= {name: compute(usable, len(rows)) for name, compute in computed.items()}
    return View(pd.DataFrame(seen, index=rows.index), absent, mistyped)


def expectations(schema: Schema, contract: Contract, month: str | None) -> list[Expectation]:
    """Return everything that is promised of a partition; `month` is the one that it holds, if it holds one.

    Raises: UserError where `contract.warnings` names no expectation.
    """
    target = schema.target
    found = [
        _rows(contract),
        _columns(schema, contract),
        *_words(schema.id, contract, missing=0),
        Expectation(f"unique.{schema.id}", "every id once", (schema.id,), "ColumnValuesToBeUnique", _on(schema.id)),
        *_target(target, contract),
        *_target_share(schema, contract),
    ]
    if schema.group and schema.group not in schema.columns:
        found += _words(schema.group, contract, missing=contract.missing.get(schema.group, 0))
    for name, column in schema.columns.items():
        missing = contract.missing.get(name) if column.nullable else 0
        if isinstance(column, Category):
            found += _words(name, contract, missing=missing, values=column.values)
        else:
            found += [_type(name, column), *_missing(name, missing)]
            found += [_range(name, column)] if isinstance(column, Number) else []
    found += _time(schema, contract, month)
    found += [_rule(name, rule) for name, rule in contract.rules.items()]
    return _with_severity(found, schema, contract)


def _with_severity(found: list[Expectation], schema: Schema, contract: Contract) -> list[Expectation]:
    needed = {"columns", f"missing.{schema.id}", f"missing.{schema.time}", f"unique.{schema.id}"}
    needed |= {f"type.{name}" for name in schema.names} | {f"values.{schema.target.column}"}
    names = [expectation.name for expectation in found]
    for name in contract.warnings:
        if name in needed:
            raise UserError(
                f"params.yaml: contract.warnings: '{name}' cannot be a warning: no stage can go on without it.",
                fix="take it out of `contract.warnings` in params.yaml",
            )
        if name not in names:
            raise UserError(
                f"params.yaml: contract.warnings: no expectation '{name}'{nearest(name, names) or '.'}",
                fix="edit `contract.warnings` in params.yaml; `python -m holdfast validate --names` lists them",
            )
    return [replace(one, severity="warning") if one.name in contract.warnings else one for one in found]


def _on(column: str, **settings: Any) -> dict[str, Any]:
    return {"column": column, **settings}


def _rows(contract: Contract) -> Expectation:
    low, high = contract.rows.min, contract.rows.max
    expected = f"from {low:,} to {high:,} rows" if high else f"at least {low:,} row{'s' if low > 1 else ''}"
    return Expectation("rows", expected, (), "TableRowCountToBeBetween", {"min_value": low, "max_value": high})


def _columns(schema: Schema, contract: Contract) -> Expectation:
    names = schema.names
    settings = {"column_set": [*names, *_computed(schema, contract)], "exact_match": True}
    return Expectation("columns", f"the {len(names)} columns of the schema", (), "TableColumnsToMatchSet", settings)


def _words(
    name: str, contract: Contract, *, missing: float | None, values: tuple[str, ...] | None = None
) -> list[Expectation]:
    """Return what is promised of words: an id, an outcome, a category."""
    found = [Expectation(f"type.{name}", "words", (name,), "ColumnValuesToBeOfType", _on(name, type_="str"))]
    found += _missing(name, missing)
    if values is not None:
        settings = _on(name, value_set=list(values))
        found.append(Expectation(f"values.{name}", f"one of {few(values)}", (name,), "ColumnValuesToBeInSet", settings))
    if name in contract.patterns:
        settings = _on(name, regex=rf"^(?:{contract.patterns[name]})\Z")
        expected = f"words like {contract.patterns[name]}"
        found.append(Expectation(f"pattern.{name}", expected, (name,), "ColumnValuesToMatchRegex", settings))
    return found


def _type(name: str, column: Number | NumberTarget | Time) -> Expectation:
    if not isinstance(column, Time):
        expected, kind = "numbers", "float64"
    else:
        expected, kind = f"times, zone {column.zone or 'none'}", "Timestamp" if column.zone else "datetime64"
    return Expectation(f"type.{name}", expected, (name,), "ColumnValuesToBeOfType", _on(name, type_=kind))


def _missing(name: str, share: float | None) -> list[Expectation]:
    if share is None:
        return []
    expected = f"at most {percent(share)} missing" if share else "none missing"
    settings = _on(name, mostly=max(1 - share - ROUNDING, 0) if share else 1)
    return [Expectation(f"missing.{name}", expected, (name,), "ColumnValuesToNotBeNull", settings)]


def _range(name: str, column: Number | NumberTarget) -> Expectation:
    low, high = (-LARGEST if column.min is None else column.min), (LARGEST if column.max is None else column.max)
    bounds = [f"{word} {bound:g}" for word, bound in (("from", column.min), ("to", column.max)) if bound is not None]
    expected = f"finite numbers {' '.join(bounds)} {column.unit}".rstrip()
    settings = _on(name, min_value=low, max_value=high)
    return Expectation(f"range.{name}", expected, (name,), "ColumnValuesToBeBetween", settings)


def _target(target: Target, contract: Contract) -> list[Expectation]:
    missing = contract.missing.get(target.column)
    if isinstance(target, NumberTarget):
        return [_type(target.column, target), *_missing(target.column, missing), _range(target.column, target)]
    return _words(target.column, contract, missing=missing, values=target.labels)


def _target_share(schema: Schema, contract: Contract) -> list[Expectation]:
    target, bounds = schema.target, contract.target_share
    if bounds is None or not isinstance(target, BinaryTarget):
        return []
    expected = f"{bounds.min:.1%} to {bounds.max:.1%} {target.positive}, of what is labelled"
    settings = _on(_share_name(target), min_value=bounds.min, max_value=bounds.max)
    return [Expectation("target_share", expected, (target.column,), "ColumnMeanToBeBetween", settings)]


def _time(schema: Schema, contract: Contract, month: str | None) -> list[Expectation]:
    """Return what is promised of the time that rows are ordered by."""
    if schema.time is None or contract.partition is None or month is None:
        return []
    time, column = schema.time, schema.columns[schema.time]
    first = pd.Timestamp(f"{month}-01")
    start, end = (_midnight(day, column) for day in (first, first + pd.DateOffset(months=1)))
    inside = _on(time, min_value=start, max_value=end, strict_max=True)
    found = [
        Expectation(f"month.{time}", f"times in {month}", (time,), "ColumnValuesToBeBetween", inside),
        Expectation(f"order.{time}", "rows in the order of time", (time,), "ColumnValuesToBeIncreasing", _on(time)),
    ]
    if contract.freshness_days is not None:
        since = end - pd.Timedelta(days=contract.freshness_days)
        expected = f"the newest row at {since:%Y-%m-%d %H:%M} or later"
        found.append(Expectation("freshness", expected, (time,), "ColumnMaxToBeBetween", _on(time, min_value=since)))
    return found


def _midnight(day: pd.Timestamp, column: Column) -> pd.Timestamp:
    """Return when a day begins; where the clock skips midnight or strikes it twice, that is its first moment."""
    zone = column.zone if isinstance(column, Time) else None
    return day.tz_localize(zone, nonexistent="shift_forward", ambiguous=True) if zone else day


def _rule(name: str, rule: Rule) -> Expectation:
    kind, other = rule.promise
    columns = (rule.column, other)
    if kind in ORDER:
        settings = {"column_A": other, "column_B": rule.column, "or_equal": kind == "at_most"}
        settings["ignore_row_if"] = "either_value_is_missing"
        expected = f"{rule.column} {ORDER[kind]} {other}"
        return Expectation(f"rule.{name}", expected, columns, "ColumnPairValuesAToBeGreaterThanB", settings)
    settings = _on(_rule_name(rule), value_set=[1.0])
    return Expectation(f"rule.{name}", _rule_name(rule), columns, "ColumnValuesToBeInSet", settings)


def _computed(schema: Schema, contract: Contract) -> dict[str, Compute]:
    """Return how to make each column that is computed for the contract."""
    target, rules = schema.target, [rule for rule in contract.rules.values() if rule.promise[0] in COMPARED]
    share = {_share_name(target): partial(_is_positive, target)} if isinstance(target, BinaryTarget) else {}
    return {**share, **{_rule_name(rule): partial(_keeps, rule) for rule in rules}}


def _share_name(target: BinaryTarget) -> str:
    return f"{target.column} is {target.positive}"


def _rule_name(rule: Rule) -> str:
    kind, other = rule.promise
    return f"{rule.column} {COMPARED[kind]} {other}"


def _is_positive(target: BinaryTarget, usable: Columns, rows: int) -> pd.Series:
    """Return 1 for the positive label, 0 for the negative, missing for the rest."""
    outcome = usable.get(target.column, pd.Series(index=range(rows), dtype="str"))
    return pd.Series(np.select([outcome == target.positive, outcome == target.negative], [1.0, 0.0], np.nan))


def _keeps(rule: Rule, usable: Columns, rows: int) -> pd.Series:
    """Return 1 for a row that keeps a rule, 0 for one that breaks it."""
    kind, other = rule.promise
    if not {rule.column, other} <= usable.keys():
        return pd.Series(np.nan, index=range(rows))
    left, right = usable[rule.column], usable[other]
    both = left.notna() & right.notna()
    kept = ~both | (left != right) if kind == "differs_from" else left.isna() == right.isna()
    return kept.astype("float64")


def _distinct(names: Iterable[object], taken: list[str]) -> list[str]:
    """Return names of columns as words; what is taken, or was there before, gets a name that nobody promised."""
    given: list[str] = []
    for name in map(str, names):
        again = name
        while again in taken or again in given:
            again += " (again)"
        given.append(again)
    return given


def percent(share: float) -> str:
    """Return a share in words; a little is not nothing."""
    return f"{share:.1%}" if share >= 0.001 or not share else f"{100 * share:.1g}%"
