"""What judging rows costs: Great Expectations as we call it, beside pandera and plain pandas on the same rules.

    python benchmarks/validation.py [RUNS]

The rows are all 336,776 flights of 2013 in one table, then the same in twelve partitions; the rules are those of
params.yaml, without the ones about months. Every judge runs in a process of its own, RUNS times in
turn (5 by default; medians are printed), so that importing it, judging, and the memory that it takes
on top of the rows are told apart. All judges must find the same broken rules in a spoilt copy. Then
where the time goes inside Great Expectations, and the peak memory of `python -m holdfast validate` on
1 x, 10 x and 30 x the partitions.
"""

import cProfile
import json
import logging
import os
import pstats
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from holdfast import files, params
from holdfast.contract import Expectation, expectations
from holdfast.expectations import check
from holdfast.schema import Schema
from holdfast.sources import nycflights
from holdfast.terms import Contract

ROOT = Path(__file__).resolve().parent.parent
Judge = Callable[[pd.DataFrame], set[str]]
JUDGES = ("holdfast", "pandera", "pandas")
TIMES = (1, 10, 30)


def main(runs: int) -> None:
    """Measure and print."""
    schema, _ = rules()
    with tempfile.TemporaryDirectory(prefix="holdfast-") as folder:
        year = Path(folder) / "year.parquet"
        note("building the rows of the year")
        rows = nycflights.build(nycflights.read(), params.load(ROOT / "params.yaml").ingest)
        files.write(year, rows)
        found: dict[str, list[dict[str, Any]]] = {name: [] for name in JUDGES}
        for turn in range(runs):
            for name in JUDGES:
                note(f"run {turn + 1} of {runs}: {name}")
                found[name].append(measured_apart(name, year))
        print_judges(found)
        print_profile(rows, schema)
        print_memory(rows, Path(folder))


def rules() -> tuple[Schema, Contract]:
    """Return the schema and the contract of params.yaml, without what is promised of a month."""
    choices = params.load(ROOT / "params.yaml")
    alike = choices.contract.model_dump(exclude={"partition", "freshness_days", "warnings", "rows"})
    return choices.data, Contract.model_validate(alike)


def measured_apart(name: str, year: Path) -> dict[str, Any]:
    """Run one judge in a process of its own."""
    done = subprocess.run([sys.executable, __file__, name, str(year)], text=True, check=True, stdout=subprocess.PIPE)
    return dict(json.loads(done.stdout))


def measure(name: str, year: Path) -> dict[str, Any]:
    """Import a judge, judge the year, its twelve months, and a spoilt copy."""
    rows = files.read(year)
    months = [part for _, part in nycflights.partitions(rows)]
    small = rows.head(100)
    began = time.perf_counter()
    judge = globals()[f"with_{name}"]()
    judge(small)  # imports, and what is only done once
    imported = time.perf_counter()
    before = peak()
    kept = judge(rows)
    judged = time.perf_counter()
    memory = peak() - before
    for month in months:
        judge(month)
    return {
        "import": imported - began,
        "seconds": judged - imported,
        "months": time.perf_counter() - judged,
        "memory": memory,
        "kept": sorted(kept),
        "spoilt": sorted(judge(spoil(rows))),
    }


def spoil(rows: pd.DataFrame) -> pd.DataFrame:
    """Break some rules of each kind."""
    first = rows.index < 1000
    return rows.assign(
        flight_id=rows["flight_id"].where(rows.index != 5, rows["flight_id"][6]),
        carrier=rows["carrier"].where(rows.index != 7, "ZZ"),
        distance=rows["distance"].where(rows.index != 9),
        humidity=rows["humidity"].where(~first, 101.0),
        temperature=rows["temperature"].where(rows.index > 30_000),
        wind_gust=rows["wind_gust"] / 2,
        destination=rows["destination"].where(rows.index != 3, rows["origin"]),
        origin_share_late=rows["origin_share_late"].where(rows.index != 600),
    )


def with_holdfast() -> Judge:
    """Return our judge."""
    schema, contract = rules()
    return lambda rows: {one.expectation for one in check(rows, "year", schema, contract, None).broken}


def with_pandas() -> Judge:
    """Return a judge in plain pandas: each rule is one expression."""
    schema, contract = rules()
    promised = expectations(schema, contract, None)
    return lambda rows: {one.name for one in promised if not in_pandas(one, rows, schema)}


def in_pandas(one: Expectation, rows: pd.DataFrame, schema: Schema) -> bool:
    """Tell whether a promise is kept."""
    kind = f"{one.kind} of two" if one.kind == "ColumnValuesToBeInSet" and len(one.columns) == 2 else one.kind
    return bool(PLAIN[kind](one, rows, schema))


def values(one: Expectation, rows: pd.DataFrame) -> pd.Series:
    """Return the values of the column that a promise is about."""
    return rows[one.columns[0]]


def within(one: Expectation, found: Any) -> Any:
    """Tell which values, or whether a value, is between the bounds of a promise."""
    return (found >= one.settings["min_value"]) & (found <= one.settings["max_value"])


def two(one: Expectation, rows: pd.DataFrame) -> bool:
    """Tell whether two columns differ, or are missing together."""
    left, right = (rows[name] for name in one.columns)
    return bool(((left != right) if "differs" in one.expected else (left.isna() == right.isna())).all())


def share(rows: pd.DataFrame, schema: Schema) -> float:
    """Return the share of the positive label among the labelled rows."""
    return schema.target.summary(rows[schema.target.column].value_counts().to_dict()) or 0.0


def kind_of(one: Expectation) -> str:
    """Return the type of pandas that a promise is about."""
    return str(one.settings["type_"]).replace("Timestamp", "datetime64[us, America/New_York]")


PLAIN: dict[str, Callable[[Expectation, pd.DataFrame, Schema], Any]] = {
    "TableRowCountToBeBetween": lambda one, rows, _: len(rows) >= one.settings["min_value"],
    "TableColumnsToMatchSet": lambda _, rows, schema: set(rows) == {schema.id, schema.target.column, *schema.columns},
    "ColumnValuesToBeOfType": lambda one, rows, _: str(values(one, rows).dtype) == kind_of(one),
    "ColumnValuesToNotBeNull": lambda one, rows, _: values(one, rows).notna().mean() >= one.settings["mostly"],
    "ColumnValuesToBeUnique": lambda one, rows, _: values(one, rows).is_unique,
    "ColumnValuesToMatchRegex": lambda one, rows, _: values(one, rows).str.match(one.settings["regex"]).all(),
    "ColumnValuesToBeBetween": lambda one, rows, _: within(one, values(one, rows).dropna()).all(),
    "ColumnValuesToBeInSet": lambda one, rows, _: values(one, rows).dropna().isin(one.settings["value_set"]).all(),
    "ColumnValuesToBeInSet of two": lambda one, rows, _: two(one, rows),
    "ColumnMeanToBeBetween": lambda one, rows, schema: within(one, share(rows, schema)),
    "ColumnPairValuesAToBeGreaterThanB": lambda one, rows, _: (
        not (rows[one.settings["column_A"]] < rows[one.settings["column_B"]]).any()
    ),
}


def with_pandera() -> Judge:
    """Return a judge in pandera: its own checks where it has them, an expression where it has none."""
    import pandera.pandas as pa

    schema, contract = rules()
    promised = expectations(schema, contract, None)
    own: dict[str, Callable[[Expectation], Any]] = {
        "ColumnValuesToMatchRegex": lambda one: pa.Check.str_matches(one.settings["regex"], error=one.name),
        "ColumnValuesToBeInSet": lambda one: pa.Check.isin(one.settings["value_set"], error=one.name),
        "ColumnValuesToBeBetween": lambda one: pa.Check.in_range(
            one.settings["min_value"], one.settings["max_value"], error=one.name
        ),
        "ColumnValuesToNotBeNull": lambda one: pa.Check(
            enough(one.settings["mostly"]), ignore_na=False, error=one.name
        ),
    }
    by_column = {
        name: [one for one in promised if one.columns == (name,)]
        for name in [schema.id, schema.target.column, *schema.columns]
    }
    columns = {}
    for name, ours in by_column.items():
        never = any(one.kind == "ColumnValuesToNotBeNull" and one.settings["mostly"] == 1 for one in ours)
        columns[name] = pa.Column(
            kind_of(next(one for one in ours if one.kind == "ColumnValuesToBeOfType")),
            [own[one.kind](one) for one in ours if one.kind in own and one.settings.get("mostly") != 1],
            nullable=not never,
            unique=any(one.kind == "ColumnValuesToBeUnique" for one in ours),
        )
    rest = [one for one in promised if one.kind in {"TableRowCountToBeBetween", "ColumnMeanToBeBetween"}]
    rest += [one for one in promised if len(one.columns) == 2]
    whole = [pa.Check(whether(one, schema), error=one.name) for one in rest]
    made = pa.DataFrameSchema(columns, checks=whole, strict=True)

    def judge(rows: pd.DataFrame) -> set[str]:
        try:
            made.validate(rows, lazy=True)
        except pa.errors.SchemaErrors as error:
            cases = error.failure_cases[["column", "check"]].drop_duplicates().to_numpy()
            return {PANDERA[check].format(name) if check in PANDERA else str(check) for name, check in cases}
        return set()

    return judge


PANDERA = {"not_nullable": "missing.{}", "field_uniqueness": "unique.{}"}


def enough(mostly: float) -> Callable[[pd.Series], bool]:
    """Return a check of the share of values that are there."""
    return lambda found: bool(found.notna().mean() >= mostly)


def whether(one: Expectation, schema: Schema) -> Callable[[pd.DataFrame], bool]:
    """Return a check of a whole table."""
    return lambda rows: in_pandas(one, rows, schema)


def print_judges(found: dict[str, list[dict[str, Any]]]) -> None:
    """Print the table, after a look at whether the judges agree."""
    for key in ("kept", "spoilt"):
        said = {name: runs[0][key] for name, runs in found.items()}
        if len({tuple(names) for names in said.values()}) > 1:
            sys.exit(f"the judges differ on the {key} rows: {said}")
    broken = found["holdfast"][0]["spoilt"]
    print(f"all three find the same {len(broken)} broken rules in a spoilt copy: {', '.join(broken)}\n")
    medians = {
        name: {key: statistics.median(run[key] for run in runs) for key in ("import", "seconds", "months", "memory")}
        for name, runs in found.items()
    }
    print(f"{'':10}{'one table':>11}{'ratio':>7}{'12 months':>11}{'ratio':>7}{'import':>9}{'memory':>10}")
    for name, figures in medians.items():
        ratios = {key: figures[key] / medians["pandera"][key] for key in ("seconds", "months")}
        print(
            f"{name:10}{figures['seconds']:10.2f}s{ratios['seconds']:7.2f}{figures['months']:10.2f}s{ratios['months']:7.2f}"
            f"{figures['import']:8.2f}s{figures['memory']:7.0f} MB"
        )
    print("\nratios are to pandera\n")


def print_profile(rows: pd.DataFrame, schema: Schema) -> None:
    """Print who spends the time of judging a month."""
    note("profile")
    _, contract = rules()
    month = rows.head(28_000)
    check(month, "month", schema, contract, None)
    profile = cProfile.Profile()
    profile.runcall(check, month, "month", schema, contract, None)
    spent: dict[str, float] = {}
    for (path, _, _), (_, _, alone, _, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        spent[owner(path)] = spent.get(owner(path), 0.0) + alone
    total = sum(spent.values())
    print("where the time of one month (28,000 rows) goes, by a profiler:")
    for name, seconds in sorted(spent.items(), key=lambda item: -item[1]):
        print(f"  {name:34}{seconds / total:6.0%}")
    print()


def owner(path: str) -> str:
    """Return whose code it is."""
    for part, name in {
        "great_expectations": "Great Expectations",
        "pydantic": "pydantic, for Great Expectations",
        "pandas": "pandas and pyarrow",
        "pyarrow": "pandas and pyarrow",
        "numpy": "pandas and pyarrow",
        "holdfast": "ours",
    }.items():
        if f"/{part}/" in path:
            return name
    return "Python and its library"


def print_memory(rows: pd.DataFrame, folder: Path) -> None:
    """Validate more and more partitions of the same size, each in its own process."""
    months = [part for _, part in nycflights.partitions(rows)]
    choices = (ROOT / "params.yaml").read_text()
    print(f"{'partitions':>10}{'rows':>12}{'seconds':>9}{'peak MB':>9}")
    for times in TIMES:
        root = folder / str(times)
        (root / "data").mkdir(parents=True)
        for number in range(times):
            for place, month in enumerate(months):
                copy = month.assign(flight_id=month["flight_id"] + f"-{number}")
                files.write(root / "data" / f"{number:02}-{place + 1:02}.parquet", copy)
        alike = choices.replace("  partition: month", "  # partition: month").replace(
            "  freshness_days", "  # freshness_days"
        )
        alike = alike.replace("warnings: [freshness, target_share]", "warnings: []").replace(
            "[0-9]{8}", "[0-9]{8}-[0-9]+"
        )
        (root / "params.yaml").write_text(alike)
        (root / "dvc.yaml").write_text("stages: {}\n")
        note(f"validating {times * len(months)} partitions")
        began = time.perf_counter()
        process = subprocess.Popen([sys.executable, "-m", "holdfast", "validate"], cwd=root, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            sys.exit("validate failed")
        seconds = time.perf_counter() - began
        print(f"{times * len(months):10}{times * len(rows):12,}{seconds:9.1f}{usage.ru_maxrss / UNIT:9.0f}")


UNIT = 1024 if sys.platform == "linux" else 1024**2  # Linux counts in KiB, macOS in bytes


def peak() -> float:
    """Return the peak memory of this process until now, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / UNIT


def note(progress: str) -> None:
    """Say where the measurement is, where it does not mix with the table."""
    sys.stderr.write(f"{progress}\n")


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    if len(sys.argv) == 3:
        sys.stdout.write(json.dumps(measure(sys.argv[1], Path(sys.argv[2]))))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
