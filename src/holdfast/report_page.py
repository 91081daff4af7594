"""The report as a page: all that the comment says, uncut, and the plots that it has no room for."""

from collections.abc import Collection

from holdfast import confusions, curves_svg, data_diff_report, pages, report_curves, report_tables
from holdfast.curves_svg import Row
from holdfast.differences import Difference, SliceDifference
from holdfast.figures import named, number, signed
from holdfast.headline import Headline, heading, headline, interval
from holdfast.markdown import Table
from holdfast.pages import Html, element
from holdfast.report import Report

SHOWN = 40  # slices in a plot


def page(report: Report) -> str:
    """Write a page that loads nothing."""
    said = headline(report)
    parts = (_numbers, _metrics, _classes, _curves, _slices, _data, _cells, _params, _gates, _stages, _origin, _machine)
    content = [*_against(said, report), *(section for part in parts for section in part(report))]
    return pages.page(said.title, *content, subtitle=said.sentence)


def _against(said: Headline, report: Report) -> list[Html]:
    """Say what stands against the challenger, and what must be known first."""
    lines = [(element("strong", f"{what}: ", class_="bad"), found) for what, found in said.against]
    lines += [(element("strong", "Warning: ", class_="bad"), note) for note in report.notes]
    lines += [(element("strong", "What to do: "), said.remedy)] if said.remedy else []
    return [element("p", *line) for line in lines]


def _numbers(report: Report) -> list[Html]:
    comparison = report.comparison
    if not comparison.differences:
        return []
    main, passed = comparison.main, sum(gate.passed is True for gate in comparison.gates)
    judged, harmed = (
        len({(one.label, one.value) for one in found}) for found in (comparison.slices, comparison.harmed)
    )
    places = main.decimals()
    of_groups = f"of {comparison.groups:,} {comparison.unit}" if comparison.unit != "rows" else "none seen by either"
    change = f"{signed(main.difference, places)}, from {number(main.champion, places)}"
    return [
        pages.figures(
            (heading(named(main.metric, report.unit)), number(main.challenger, places), change),
            ("Rows", f"{comparison.rows:,}", of_groups),
            ("Gates passed", f"{passed} of {len(comparison.gates)}", comparison.verdict),
            ("Slices harmed", f"{harmed:,}", f"of {judged:,} judged, {len(comparison.not_judged):,} not"),
        )
    ]


def _metrics(report: Report) -> list[Html]:
    comparison = report.comparison
    if not comparison.differences:
        return []
    margins = comparison.by.margin if comparison.by else {}
    rows = [_row(report_tables.direction(one.metric), one, margins.get(one.metric)) for one in comparison.differences]
    together = [rows] if comparison.kind != "number" else [rows[:-1], rows[-1:]]  # R² has no unit, and its own scale
    note = f"To the right of 0 {report.challenger.name} is better, whatever the metric. Dashed: the margin of G2."
    title = f"Gains in every metric, with their {interval(comparison)}s"
    drawn = [
        pages.chart(note if not place else "", curves_svg.forest(some, title)) for place, some in enumerate(together)
    ]
    shown = [] if comparison.same_scores else drawn
    return [pages.section("Metrics", _table(report_tables.metrics(report), range(1, 5)), *shown)]


def _row(name: str, one: Difference, margin: float | None) -> Row:
    ends = sorted((one.sign * one.low, one.sign * one.high))
    places = one.decimals()
    gain = f"gain {signed(ends[0], places)} to {signed(ends[1], places)}"
    said = f"{number(one.champion, places)} → {number(one.challenger, places)}, {gain}"
    return Row(name, ends[0], one.gain, ends[1], said, margin)


def _classes(report: Report) -> list[Html]:
    table = report_tables.classes(report)
    if not table or not report.curves:
        return []
    style, names = Html(f"<style>{confusions.STYLE}</style>"), (report.champion.name, report.challenger.name)
    drawn = [
        confusions.shades(one["confusion"], f"Rows of each class, by what {name} calls them")
        for name, one in zip(names, report.curves, strict=True)
    ]
    return [pages.section("Classes", style, _table(table, range(1, 5)), element("div", *drawn, class_="beside"))]


def _curves(report: Report) -> list[Html]:
    drawn = report_curves.drawn(report)
    if not drawn:
        return []
    return [pages.section("Curves", element("div", *drawn, style=BESIDE if len(drawn) > 2 else FEW))]


def _slices(report: Report) -> list[Html]:
    comparison, content = report.comparison, list[Html]()
    if not (comparison.slices or comparison.not_judged):
        return []
    moved = report_tables.moved(report)
    metrics = dict.fromkeys(one.difference.metric for one in comparison.slices)
    content += [] if comparison.same_scores else [_forest(report, metric) for metric in metrics]
    if moved:
        content += [element("h3", "Those that moved"), _table(report_tables.slices(report, moved), SLICES)]
    if comparison.slices:
        content.append(_folded("All that were judged", report_tables.slices(report, comparison.slices), SLICES))
    if comparison.not_judged:
        content.append(_folded(report_tables.why_not_judged(report), report_tables.not_judged(report), (1, 2)))
    return [pages.section("Slices", *content)]


def _forest(report: Report, metric: str) -> Html:
    """Draw the slices, those with the least gain first."""
    comparison = report.comparison
    found = [one for one in comparison.slices if one.difference.metric == metric]
    least = sorted(found, key=_gain)[:SHOWN]
    margin = comparison.by.slices.margin.get(least[0].difference.metric) if comparison.by else None
    rows = [_row(report_tables.name(one), one.difference, margin) for one in least]
    title = report_tables.direction(least[0].difference.metric, report.unit)
    which = f", the {SHOWN} slices with the least gain of {len(found):,}" if len(found) > SHOWN else ""
    caption = f"Gain in {title}{which}, with the {interval(comparison)} of each by itself; dashed: the margin of G3"
    return pages.chart(caption, curves_svg.forest(rows, caption))


def _gain(one: SliceDifference) -> tuple[float, str]:
    gain = one.difference.gain
    return (gain if gain == gain else float("inf"), report_tables.name(one))


def _data(report: Report) -> list[Html]:
    diff = report.data
    if not diff:
        same = report.champion.data and report.champion.data == report.challenger.data
        return [pages.section("Data", _soft("Both models have the same data, byte for byte."))] if same else []
    content = [element("p", " ".join(data_diff_report.sentences(diff)))]
    if diff.partitions:
        content.append(_table(data_diff_report.facts(diff), (1, 2)))
        content += [_folded(what, table) for what, table in data_diff_report.details(diff).items()]
        content.append(_soft(" ".join(data_diff_report.LEGEND)))
    return [pages.section("Data", *content)]


def _cells(report: Report) -> list[Html]:
    return _section("Models and holdouts", report_tables.cells(report) if report.cells else [])


def _params(report: Report) -> list[Html]:
    return _section("Parameters", report_tables.changes("parameter", report, report.params) if report.params else [])


def _gates(report: Report) -> list[Html]:
    return _section("Gates", report_tables.gates(report))


def _stages(report: Report) -> list[Html]:
    return _section("What ran", report_tables.stages(report) if report.stages else [])


def _origin(report: Report) -> list[Html]:
    head, *rows = report_tables.sides(report)
    coded = [[row[0], *(element("code", value) for value in row[1:3]), row[3]] for row in rows]
    packages = report_tables.changes("package", report, report.packages) if report.packages else []
    return [*_section("Where both models come from", [head, *coded]), *_section("Packages", packages)]


def _machine(report: Report) -> list[Html]:
    if not report.machine:
        return []
    where = _soft(f"May be another at the next run. The model of {report.champion.name}: {report.machine.source}.")
    return [pages.section("On the machine that judged", where, _table(report_tables.machine(report), (1,)))]


def _section(title: str, table: Table) -> list[Html]:
    return [pages.section(title, _table(table))] if len(table) > 1 else []


def _table(table: Table, numbers: Collection[int] = ()) -> Html:
    head, *rows = table
    return pages.table(head, rows, numbers=numbers, cards=len(head) > 3)


def _folded(title: str, table: Table, numbers: Collection[int] = ()) -> Html:
    return element("details", element("summary", f"{title}: {len(table) - 1:,}"), _table(table, numbers))


def _soft(words: str) -> Html:
    return element("p", words, class_="soft")


SLICES = (1, 3, 4, 5)  # columns of numbers in the tables of slices
FEW = "display: grid; grid-template-columns: repeat(auto-fit, minmax(280px, 440px)); gap: 16px 28px"
BESIDE = "display: grid; grid-template-columns: repeat(auto-fit, minmax(280px, 1fr)); gap: 16px 28px"
