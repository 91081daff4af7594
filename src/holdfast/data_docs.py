"""Data Docs: what was promised of each partition and what was found, as pages that people read.

They are made from the results of Great Expectations, but not by its renderer: its pages load styles,
scripts and pictures from five hosts, are put under paths with timestamps, and take values from the data as markup.
"""

from collections.abc import Iterable, Sequence

from holdfast.contract import Expectation
from holdfast.expectations import Broken, Result, in_words
from holdfast.pages import Html, element, figures, page, section, table, together


def index(entries: Sequence[tuple[Result, str | None]]) -> str:
    """Return the first page: what was judged of each partition; the second of each pair is the address of its page."""
    results = [result for result, _ in entries]
    partitions = [result for result, link in entries if link]
    header = ("Partition", "Rows", "Expectations", "Verdict")
    rows = [
        (
            element("a", result.partition, href=link) if link else result.partition,
            f"{result.rows:,}",
            f"{result.judged:,}",
            _marked(verdict(result), broken=result.refused),
        )
        for result, link in entries
    ]
    return page(
        "Data Docs",
        figures(
            ("Partitions", f"{len(partitions):,}", ""),
            ("Rows", f"{sum(result.rows for result in partitions):,}", ""),
            ("Expectations judged", f"{sum(result.judged for result in results):,}", ""),
            ("Partitions refused", f"{sum(result.refused for result in partitions):,}", ""),
        ),
        *_broken(results),
        section("Every partition", table(header, rows, numbers=(1, 2), cards=True)),
        subtitle="What the contract promises of each partition, and what was found.",
    )


def partition(result: Result, found: Iterable[tuple[Expectation, str]], first_page: str | None = None) -> str:
    """Return the page of a partition, with a link to the first page if there is one."""
    broken = {one.expectation for one in result.broken}
    rows = [
        (
            element("code", one.name),
            what,
            one.expected,
            _marked(one.severity, broken=True) if one.name in broken else "kept",
        )
        for one, what in found
    ]
    rows += [(element("code", name), "", "", "not judged") for name in result.not_judged]
    skipped = f"{len(result.not_judged)} not judged: their columns are absent, or of another kind"
    return page(
        result.partition,
        *([element("p", element("a", "Every partition", href=first_page))] if first_page else []),
        figures(
            ("Verdict", verdict(result), ""),
            ("Rows", f"{result.rows:,}", ""),
            ("Expectations judged", f"{result.judged:,}", skipped if result.not_judged else ""),
        ),
        *_broken([result]),
        section("Every expectation", table(("Expectation", "Found", "Promised", "Verdict"), rows, cards=True)),
        subtitle="Judged by Great Expectations, from the schema and the contract in params.yaml.",
    )


def verdict(result: Result) -> str:
    """Say in a few words how a partition keeps its contract."""
    errors = sum(one.severity == "error" for one in result.broken)
    warnings = len(result.broken) - errors
    said = [f"{errors} broken"] * bool(errors) + [f"{warnings} warning{'s' * (warnings > 1)}"] * bool(warnings)
    return ", ".join(said) or "kept"


def _marked(word: str, *, broken: bool) -> str | Html:
    return element("strong", word, class_="bad") if broken else word


def _broken(results: Sequence[Result]) -> list[Html]:
    """Return a table of what is broken for each partition that breaks anything."""
    header = ("Expectation", "Found", "Promised", "First rows")
    return [
        section(
            f"Broken in {result.partition}",
            table(header, [(_name(one), one.found, one.expected, _examples(one)) for one in result.broken], cards=True),
        )
        for result in results
        if result.broken
    ]


def _name(one: Broken) -> Html:
    return together([element("code", one.expectation), " ", _marked(one.severity, broken=one.severity == "error")])


def _examples(one: Broken) -> Html:
    return together(element("div", in_words(example)) for example in one.examples)
