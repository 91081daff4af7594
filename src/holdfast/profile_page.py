"""The profile of a data version as a page: its partitions side by side, and the distribution of each column.

Columns are shown over all rows, and partition by partition, so that a month unlike the others is seen.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from holdfast import pages, svg
from holdfast.pages import Html, element, together
from holdfast.profiling import (
    CategoryProfile,
    ColumnProfile,
    Histogram,
    NumberProfile,
    PartitionProfile,
    TimeProfile,
    figure,
    most_frequent,
)
from holdfast.schema import Column, Number, Schema
from holdfast.targets import BinaryTarget, NumberTarget, Target

TOP = 4  # words of a category that are shown


class Drawn(NamedTuple):
    """A column over all rows, partition by partition, and in figures."""

    whole: Html
    course: Html
    figures: Html


def page(profiles: Mapping[str, PartitionProfile], schema: Schema) -> str:
    """Show the profiles of partitions, by their names, in the order in which they are given."""
    names, parts = short(list(profiles)), list(profiles.values())
    content = [_headline(parts, schema)]
    if len(parts) > 1:
        content.append(_partitions(names, parts, schema))
    content += [_outcomes(parts, schema), _columns(parts, schema)]
    which = names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"
    return pages.page(f"Data profile: {which}", *content, subtitle="What the rows hold before any is left out.")


def short(names: Sequence[str]) -> list[str]:
    """Return names of files without the folders and the ending that they share."""
    paths = [PurePosixPath(name) for name in names]
    if len({path.suffix for path in paths}) == 1:
        paths = [path.with_suffix("") for path in paths]
    while all(len(path.parts) > 1 for path in paths) and len({path.parts[0] for path in paths}) == 1:
        paths = [PurePosixPath(*path.parts[1:]) for path in paths]
    return [str(path) for path in paths]


def _headline(parts: Sequence[PartitionProfile], schema: Schema) -> Html:
    rows, target = sum(part.rows for part in parts), schema.target
    entries = [
        ("Rows", f"{rows:,}", "in one partition" if len(parts) == 1 else f"in {len(parts)} partitions"),
        _answer(parts, target),
    ]
    if schema.time:
        first, last = _days(part.columns[schema.time] for part in parts)
        entries.append((schema.columns[schema.time].label, first, f"to {last}"))
    missing = sum(column.missing for part in parts for column in part.columns.values())
    entries.append(("Columns", f"{len(schema.columns)}", f"and {schema.id}, {target.column}"))
    entries.append(("Missing", _share(missing, rows * len(schema.columns)), "of all values"))
    return pages.figures(*entries)


def _answer(parts: Sequence[PartitionProfile], target: Target) -> tuple[str, str, str]:
    """Return the heading, the figure and the remark of what is predicted."""
    if isinstance(target, NumberTarget):
        known = [one.spread for one in (part.answers for part in parts) if one and one.spread]
        span = (
            f"{figure(min(one.min for one in known))} to {figure(max(one.max for one in known))}" if known else "none"
        )
        return target.title, span, target.unit
    rows = sum(part.outcomes[label] for part in parts for label in target.answers)
    followed = sum(part.outcomes[target.followed] for part in parts)
    return _worded(target.followed), _share(followed, rows), f"of {rows:,} labelled rows"


def _partitions(names: Sequence[str], parts: Sequence[PartitionProfile], schema: Schema) -> Html:
    rows, answers = [part.rows for part in parts], [part.summary(schema) for part in parts]
    target = schema.target
    said = ["no label" if one is None else _said(one, target) for one in answers]
    counts = svg.bars(names, rows, [f"{count:,} rows" for count in rows], "Rows of each partition")
    if isinstance(target, NumberTarget):
        title = f"Mean of {target.title}"
    else:
        title = f"Share of {_worded(target.followed).lower()} in labelled rows"
    course = svg.line(names, answers, said, f"{title}, by partition")
    return pages.section(
        "Partitions", element("div", pages.chart("Rows", counts), pages.chart(title, course), class_="beside")
    )


def _outcomes(parts: Sequence[PartitionProfile], schema: Schema) -> Html:
    target, rows = schema.target, sum(part.rows for part in parts)
    uses = _uses(target)
    counts = {label: sum(part.outcomes[label] for part in parts) for label in target.labels}
    counted = [(_worded(label), uses.get(label, "excluded"), count) for label, count in counts.items()]
    counted.append(("Missing", "unlabelled", sum(part.unknown_outcomes for part in parts)))
    cells = [[name, use, f"{count:,}", _share(count, rows)] for name, use, count in counted]
    table = pages.table(["Outcome", "Use", "Rows", "Share"], cells, numbers=[2, 3])
    return pages.section(target.title, _soft(target.help), table)


def _uses(target: Target) -> dict[str, str]:
    if isinstance(target, BinaryTarget):
        return {target.positive: "positive label", target.negative: "negative label"}
    return dict.fromkeys(target.answers, "class")


def _said(answer: float, target: Target) -> str:
    if isinstance(target, NumberTarget):
        return f"{figure(answer)} {target.unit}".rstrip()
    return f"{answer:.1%}"


def _columns(parts: Sequence[PartitionProfile], schema: Schema) -> Html:
    several = len(parts) > 1
    header = ["Column", "All rows", *(["By partition"] if several else []), "Missing", "Figures"]
    rows = []
    for name, column in schema.columns.items():
        found = [part.columns[name] for part in parts]
        drawn = _drawn(found, column)
        course = [drawn.course] if several else []
        rows.append([_heading(name, column), drawn.whole, *course, _missing(found, parts), drawn.figures])
    note = (
        "By partition: the median of a number in the band of its middle half, or the share of the most frequent word; "
        "bars for the share of missing values."
    )
    return pages.section("Columns", _soft(note if several else ""), pages.table(header, rows, cards=True))


def _heading(name: str, column: Column) -> Html:
    unit = f", {column.unit}" if isinstance(column, Number) and column.unit else ""
    below = [element("code", name), element("small", f"{column.kind}{unit}"), element("small", column.help)]
    return together([column.label, *(element("div", said, class_="under") for said in below)])


def _drawn(found: Sequence[ColumnProfile], column: Column) -> Drawn:
    match column.kind:
        case "number":
            return _numbers([part for part in found if isinstance(part, NumberProfile)])
        case "category":
            return _words([part for part in found if isinstance(part, CategoryProfile)], column.values)
        case "time":
            return _times([part for part in found if isinstance(part, TimeProfile)])


def _numbers(found: Sequence[NumberProfile]) -> Drawn:
    parts = [part.spread for part in found if part.spread]
    if not parts:
        return Drawn(_soft("no value"), Html(""), Html(""))
    whole = Histogram.total([part.histogram for part in parts])
    weighted = sum(part.mean * sum(part.histogram.counts) for part in parts)
    facts = [
        ("min", min(part.min for part in parts)),
        ("mean", weighted / sum(whole.counts)),
        ("max", max(part.max for part in parts)),
    ]
    if len(found) == 1:
        quarters = [("25%", parts[0].lower_quartile), ("median", parts[0].median), ("75%", parts[0].upper_quartile)]
        facts = [fact for pair in zip(facts, quarters, strict=True) for fact in pair]
    ends = min(part.lower_quartile for part in parts), max(part.upper_quartile for part in parts)
    quartiles = [
        (part.spread.lower_quartile, part.spread.median, part.spread.upper_quartile) if part.spread else None
        for part in found
    ]
    return Drawn(
        _over(svg.histogram(whole.counts, "Histogram of all rows"), figure(whole.start), figure(whole.end)),
        _over(svg.band(quartiles, "Quartiles by partition"), f"{figure(ends[0])} to {figure(ends[1])}"),
        _facts([(what, figure(value)) for what, value in facts]),
    )


def _words(found: Sequence[CategoryProfile], declared: Sequence[str] | None) -> Drawn:
    counts = most_frequent(part.words for part in found)
    if not counts:
        return Drawn(_soft("no value"), Html(""), Html(""))
    known, top = sum(count for _, count in counts), counts[0][0]
    shares = [part.words.get(top, 0) / sum(part.words.values()) if part.words else None for part in found]
    area = [None if share is None else (0.0, share, share) for share in shares]
    ends = [share for share in shares if share is not None]
    cut = any(part.distinct > len(part.words) for part in found)
    facts = [("words", f"{'over ' if cut else ''}{len(counts):,}")]
    facts += [("declared", f"{len(declared):,}")] if declared else []
    return Drawn(
        pages.shares((word, count / known) for word, count in counts[:TOP]),
        _over(
            svg.band(area, f"Share of {top} by partition"),
            f"{top}: {min(ends):.1%} to {max(ends):.1%}",
        ),
        _facts(facts),
    )


def _times(found: Sequence[TimeProfile]) -> Drawn:
    hours = [sum(counts) for counts in zip(*(part.hours for part in found), strict=True)]
    if not any(hours):
        return Drawn(_soft("no value"), Html(""), Html(""))
    first, last = _days(found)
    drawn = _over(svg.histogram(hours, "Rows in each hour of the day"), "0 h", "24 h")
    return Drawn(drawn, Html(""), _facts([("first", first), ("last", last)]))


def _missing(found: Sequence[ColumnProfile], parts: Sequence[PartitionProfile]) -> Html:
    missing = sum(column.missing for column in found)
    if not missing:
        return _soft("none")
    said = _share(missing, sum(part.rows for part in parts))
    if len(parts) == 1:
        return together([said])
    shares = [column.missing / part.rows if part.rows else 0.0 for column, part in zip(found, parts, strict=True)]
    drawn = svg.sparkline(shares, "Share of missing values by partition", top=max(*shares, 0.05))
    return together([said, _over(drawn, f"up to {max(shares):.1%}" if max(shares) >= 0.001 else "")])


def _days(found: Iterable[ColumnProfile]) -> tuple[str, str]:
    """Return the first and the last day of a time column."""
    times = [part for part in found if isinstance(part, TimeProfile)]
    first = min((part.first for part in times if part.first), default="never")
    return first[:10], max((part.last for part in times if part.last), default="never")[:10]


def _over(drawing: Html, *ends: str) -> Html:
    """Put small words under a drawing, at its ends."""
    return together([drawing, element("div", *(element("small", end) for end in ends), class_="ends")])


def _facts(facts: Sequence[tuple[str, str]]) -> Html:
    cells = [element(tag, said) for fact in facts for tag, said in zip(("small", "span"), fact, strict=True)]
    return element("div", *cells, class_="facts many" if len(facts) > 3 else "facts")


def _soft(words: str) -> Html:
    return element("p", words, class_="soft") if words else Html("")


def _worded(label: str) -> str:
    """Write a label of the target as people would."""
    return label.replace("_", " ").capitalize()


def _share(count: int, whole: int) -> str:
    """Say a share so that a few are never none."""
    if not whole:
        return "none"
    return "under 0.1%" if 0 < count / whole < 0.001 else f"{count / whole:.1%}"
