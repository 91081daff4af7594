"""Whether a partition keeps its contract: Great Expectations says so, and this is its only door.

The expectations of `contract` become a suite, which is run on a view of the rows. What is broken is
named with how many rows break it, which share that is, and the first of them with their ids. The
suite is first asked for yes and no alone, which is three times as fast as with the details; these
are asked for what is broken.

An expectation about a column that is absent, or of another kind than declared, is not judged: that is
said by `columns` and `type.<column>`. Of a partition without rows, only `rows` and `columns` are judged.
"""

import os
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from holdfast.contract import Expectation, Severity, View, expectations, percent, view
from holdfast.schema import Schema, few
from holdfast.terms import Contract

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite
    from great_expectations.core import ExpectationSuiteValidationResult as SuiteResult

EXAMPLES = 5
LONGEST = 60  # characters of a word in an example
MISMATCHED = {"missing": "missing", "unexpected": "not expected"}
YES_OR_NO = {"result_format": "BOOLEAN_ONLY"}
DETAILS = {"result_format": "SUMMARY", "partial_unexpected_count": EXAMPLES}


@dataclass(frozen=True)
class Broken:
    """A promise that a partition does not keep; `rows` and `share` are missing where it is one about all rows."""

    expectation: str
    severity: Severity
    expected: str
    found: str
    rows: int | None
    share: float | None
    examples: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Result:
    """What was judged of a partition."""

    partition: str
    rows: int
    judged: int
    not_judged: tuple[str, ...]
    broken: tuple[Broken, ...]

    @property
    def refused(self) -> bool:
        """Tell whether anything is broken that is not only a warning."""
        return any(one.severity == "error" for one in self.broken)

    def as_json(self) -> dict[str, Any]:
        """Return it as `files.write_json` takes it."""
        return asdict(self)


def check(rows: pd.DataFrame, partition: str, schema: Schema, contract: Contract, month: str | None) -> Result:
    """Judge a partition; `month` is the one that it holds, where a partition is a month."""
    promised, seen = expectations(schema, contract, month), view(rows, schema, contract)
    judged = [one for one in promised if seen.allows(one)]
    kept = {_name(one): one["success"] for one in run(judged, seen, YES_OR_NO)["results"]}
    failed = [one for one in judged if not kept[one.name]]
    details = run(failed, seen, DETAILS) if failed else None
    return _result(partition, promised, seen, details, schema)


def check_in_detail(
    rows: pd.DataFrame, partition: str, schema: Schema, contract: Contract, month: str | None
) -> tuple[Result, list[tuple[Expectation, str]]]:
    """Judge a partition as `check` does, and say besides what was found for each expectation, kept or broken."""
    promised, seen = expectations(schema, contract, month), view(rows, schema, contract)
    judged = [one for one in promised if seen.allows(one)]
    details = run(judged, seen, DETAILS)
    said = {_name(one): one["result"] for one in details["results"]}
    found = [(one, _found(one, said[one.name], seen)) for one in judged]
    return _result(partition, promised, seen, details, schema), found


def suite(promised: Sequence[Expectation]) -> "ExpectationSuite":
    """Return the suite of Great Expectations; each of its expectations carries our name for it in `meta`."""
    gx = _great_expectations()
    made = []
    for one in promised:
        kind = getattr(gx.expectations, f"Expect{one.kind}")
        severity = "critical" if one.severity == "error" else "warning"
        made.append(kind(**one.settings, severity=severity, meta={"name": one.name}))
    return gx.ExpectationSuite(name="contract", expectations=made)


def run(promised: Sequence[Expectation], seen: View, detail: dict[str, Any]) -> "SuiteResult":
    """Run expectations on rows with Great Expectations."""
    gx = _great_expectations()
    context = gx.get_context(mode="ephemeral", project_config=_configuration())
    batches = context.data_sources.add_pandas("rows").add_dataframe_asset("rows")
    batch = batches.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": seen.rows})
    result = batch.validate(suite(promised), result_format=detail)
    for one in result["results"]:  # Great Expectations goes on where an expectation crashes
        if any(info["raised_exception"] for info in _infos(one["exception_info"])):
            raise RuntimeError(f"{_name(one)}: Great Expectations failed: {one['exception_info']}")
    return result


def _great_expectations() -> Any:
    """Import it, which takes seconds, for those alone who judge rows; it would send usage statistics."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it imports modules that Python is about to drop
        import great_expectations

    return great_expectations


def _configuration() -> Any:
    """Return a configuration that writes nothing: by default it leaves a temporary folder behind for each use."""
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    return DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )


def _name(result: Any) -> str:
    return result["expectation_config"]["meta"]["name"]


def _infos(info: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what is said of exceptions: of the expectation, or of each metric that it asked for."""
    return [info] if "raised_exception" in info else list(info.values())


def _result(
    partition: str, promised: list[Expectation], seen: View, details: "SuiteResult | None", schema: Schema
) -> Result:
    said = {_name(one): one for one in details["results"]} if details else {}
    broken = [one for one in promised if one.name in said and not said[one.name]["success"]]
    not_judged = tuple(one.name for one in promised if not seen.allows(one))
    return Result(
        partition=partition,
        rows=len(seen.rows),
        judged=len(promised) - len(not_judged),
        not_judged=not_judged,
        broken=tuple(_broken(one, said[one.name]["result"], seen, schema) for one in broken),
    )


def _broken(one: Expectation, details: dict[str, Any], seen: View, schema: Schema) -> Broken:
    count = details.get("unexpected_count")
    examples = seen.rows.loc[details.get("partial_unexpected_index_list", [])[:EXAMPLES]]
    shown = [schema.id, *one.columns]
    known = schema.id in seen.rows
    return Broken(
        expectation=one.name,
        severity=one.severity,
        expected=one.expected,
        found=_found(one, details, seen),
        rows=count,
        share=None if count is None else round(count / len(seen.rows), 6),
        examples=tuple(
            ({} if known else {"row": str(place)})
            | {name: _plain(row[name]) for name in dict.fromkeys(shown) if name in row}
            for place, row in zip(examples.index, examples.to_dict("records"), strict=True)
        ),
    )


def _found(one: Expectation, details: dict[str, Any], seen: View) -> str:
    """Say what was found: rows that break the promise, or what it is about."""
    count, observed = details.get("unexpected_count"), details.get("observed_value")
    if count is not None:
        return f"{count:,} of {len(seen.rows):,} rows ({percent(count / len(seen.rows))})" if count else "no other row"
    if one.name.startswith("type."):
        return seen.mistyped.get(one.columns[0], one.expected).split(", expected")[0].removeprefix("found ")
    if one.name == "columns":
        differ = details.get("details", {}).get("mismatched", {})
        return (
            " and ".join(f"{few(differ[key])} {word}" for key, word in MISMATCHED.items() if key in differ) or "these"
        )
    if one.name == "target_share":
        return "nothing labelled" if observed is None else percent(observed)
    return f"{observed:,} rows" if isinstance(observed, int) else str(observed)


def _plain(value: Any) -> str | float | None:
    """Return a value of a row as JSON can hold it."""
    if pd.isna(value):
        return None
    return float(value) if isinstance(value, float | int) and np.isfinite(value) else str(value)


def in_words(example: dict[str, Any]) -> str:
    """Say an example in words: the id, and the values of the columns that the promise is about."""
    (_, name), *others = example.items()
    values = [(column, _word(value)) for column, value in others]
    said = values[0][1] if len(values) == 1 else ", ".join(f"{column} {word}" for column, word in values)
    return f"{_word(name)}: {said}" if said else _word(name)


def _word(value: Any) -> str:
    """Return a value as a few words that no terminal obeys."""
    if isinstance(value, float):
        return f"{value:.6g}"
    words = "missing" if value is None else "".join(one if one.isprintable() else "?" for one in str(value)[:LONGEST])
    return words if len(words) < LONGEST else f"{words[:-1]}…"
