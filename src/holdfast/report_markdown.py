"""The report as GitHub's markdown, for the comment on a pull request.

It stays under a limit of characters, whatever the data holds. All but its last part follows from the two commits, and
is the same wherever it is made; what was measured on one machine stands last, and takes no room from the rest.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial

from holdfast import data_diff_report, mermaid, report_tables
from holdfast.differences import SliceDifference
from holdfast.fitting import Block, Fitted, fit, shorter
from holdfast.headline import headline, interval
from holdfast.markdown import Markdown, Table, alert, code, cut, few, folded, grid, listed, plain, strong, together
from holdfast.report import Change, Report
from holdfast.targets import Kind

LIMIT = 60_000
OF_THE_MACHINE = 4_000  # characters that are kept free for it, so that it changes nothing else
OF_THE_CUT = 1_000
OPEN = 12  # lines of a table that are not folded
FIGURES = (1, 3, 4, 5)  # columns of the tables of slices
NAME = 60  # characters of the name of a model
SHORT = 12  # hexadecimal digits of a hash
MACHINE = "On the machine that judged: may be another at the next run"
LEGENDS: dict[Kind, str] = {
    "binary": "Precision, recall and F1 are at the threshold of each model.",
    "classes": "Balanced accuracy, macro F1 and ROC AUC (each class against the others) are means over the classes, "
    "of which each counts as much as another.",
    "number": "R² is the share of the squared distance from the mean that the model explains.",
}
CURVES: dict[Kind, str] = {"binary": "ROC curves", "classes": "", "number": "error curves"}


def markdown(report: Report, *, machine: bool = True, limit: int = LIMIT) -> str:
    """Write the report; `machine=False` leaves out what another run may measure otherwise."""
    champion, challenger = (one._replace(name=cut(one.name, NAME)) for one in (report.champion, report.challenger))
    report = replace(report, champion=champion, challenger=challenger)
    blocks = [block for part in PARTS for block in part(report)]
    body = fit(blocks, limit - OF_THE_MACHINE - OF_THE_CUT)
    parts = [body.text, *_said(body), *(_machine(report) if machine else [])]
    return "\n\n".join(parts) + "\n"


def _verdict(report: Report) -> list[Block]:
    said = headline(report)
    title = Markdown(f"## {plain(said.title)}\n\n{plain(said.sentence)}")
    against = [Markdown(f"- {strong(what)}: {plain(found)}") for what, found in said.against]
    remedy = [together(strong("What to do: "), said.remedy)] if said.remedy else []
    blocks = [_block("the verdict", 0, title)]
    blocks += [_block("what stands against it", 0, "\n".join(against))] if against else []
    blocks += [_block("what to do", 0, *remedy)] if remedy else []
    notes = [cut(note, 400) for note in report.notes]
    return blocks + ([_block("warnings", 0, alert("WARNING", notes), alert("WARNING", notes[:5]))] if notes else [])


def _metrics(report: Report) -> list[Block]:
    comparison = report.comparison
    if not comparison.differences:
        return []
    what = comparison.unit if comparison.unit == "rows" else f"whole {comparison.unit}"
    draws = f" by drawing {what} anew {comparison.by.resamples:,} times" if comparison.by else ""
    legend = (
        f"↑ more is better, ↓ less is better. Difference: {report.challenger.name} less {report.champion.name}; "
        f"its {interval(comparison)}{draws}. "
        f"Unclear: it holds 0. {LEGENDS[comparison.kind]}"
    )
    return [
        _block("metrics", 1, _part("Metrics", grid(report_tables.metrics(report), range(1, 5)), _small(legend))),
        *_classes(report),
        *_chart(CURVES[comparison.kind], report),
    ]


def _classes(report: Report) -> list[Block]:
    """Say how each class fares, where there are classes."""
    table = report_tables.classes(report)
    if not table:
        return []
    words = "Of the rows of each class, the share that is found: here to be looked at, and judged as balanced accuracy."
    few_of_them = len(table) <= OPEN

    def inside(block: str) -> str:
        shown = block if few_of_them else folded(f"All {len(table) - 1:,} classes", block)
        return _part("Classes", shown, _small(words))

    return [_table("classes", 3, table, numbers=range(1, 5), inside=inside)]


def _chart(what: str, report: Report) -> list[Block]:
    drawn = mermaid.of_curves(report.curves, report.unit)
    if not drawn or report.comparison.same_scores:
        return []
    chance = "; grey: chance" if report.comparison.kind == "binary" else ""
    caption = plain(f"🟦 {report.champion.name}, 🟧 {report.challenger.name}{chance}. All plots are in report.html.")
    return [_block(what, 8, folded(what, f"{caption}\n\n{drawn}"))]


def _slices(report: Report) -> list[Block]:
    comparison = report.comparison
    if not (comparison.slices or comparison.not_judged):
        return []
    moved = report_tables.moved(report)
    first = Markdown(f"### Slices\n\n{plain(_sentence(report, moved))}")
    blocks = [_block("the sentence on slices", 1, first)]
    if moved:
        blocks.append(_table("slices that moved", 2, few(report_tables.slices(report, moved), OPEN), numbers=FIGURES))
    drawn = mermaid.of_slices(report)
    if drawn:
        blocks.append(_block("the chart of slices", 5, f"{_caption(report)}\n\n{drawn}"))
    table, small = report_tables.slices(report, comparison.slices), report_tables.not_judged(report)
    if comparison.slices:
        fold = partial(folded, f"All slices that were judged: {len(table) - 1:,}")
        blocks.append(_table("all slices", 6, table, numbers=FIGURES, inside=fold))
    if comparison.not_judged:
        fold = partial(folded, f"{report_tables.why_not_judged(report)}: {len(small) - 1:,}")
        blocks.append(_table("slices that were not judged", 9, small, numbers=(1, 2), inside=fold))
    return blocks


def _sentence(report: Report, moved: Sequence[SliceDifference]) -> str:
    comparison = report.comparison
    judged, harmed = (
        len({(one.label, one.value) for one in found}) for found in (comparison.slices, comparison.harmed)
    )
    found = f"{judged:,} slice{'s' * (judged != 1)} judged, {f'{harmed:,}' if harmed else 'none'} harmed."
    known = set(map(report_tables.key, comparison.harmed))
    words = [one.difference.word for one in moved if report_tables.key(one) not in known]
    if not words:
        return found
    return (
        f"{found} Beyond that, {words.count('better'):,} of {len(comparison.slices):,} figures are better and "
        f"{words.count('worse'):,} worse, each looked at by itself: of so many, a few are so by chance. "
        "Harm is tested for all of them together (Holm)."
    )


def _caption(report: Report) -> Markdown:
    names = report.champion.name, report.challenger.name
    if report.comparison.main.sign < 0:
        return plain(f"⬜ by how much both models miss, 🟩 what {names[1]} saves, 🟥 what it adds to {names[0]}:")
    return plain(f"⬜ what both models reach, 🟩 what {names[1]} gains, 🟥 what it loses against {names[0]}:")


def _data(report: Report) -> list[Block]:
    diff, blocks = report.data, []
    if diff:
        forms = [_part("Data", data_diff_report.markdown(diff, rows).rstrip()) for rows in (None, 50, 10, 3)]
        blocks.append(_block("what changed in the data", 3, *forms))
    elif report.champion.data and report.champion.data == report.challenger.data:
        same = f"Both models have the same data, byte for byte: {code(report.challenger.data[:SHORT])}."
        blocks.append(_block("what changed in the data", 3, _part("Data", Markdown(same))))
    if report.cells:
        words = "Each model on each holdout, as far as it has not seen the rows; the verdict is about the first."
        table = grid(report_tables.cells(report))
        blocks.append(_block("models and holdouts", 3, _part("Models and holdouts", plain(words), table)))
    return blocks


def _params(report: Report) -> list[Block]:
    if not report.params:
        return (
            [_block("parameters", 4, _part("Parameters", plain("None is another.")))] if report.champion.commit else []
        )
    return _changes("Parameters", "parameter", report, report.params, rank=4)


def _gates(report: Report) -> list[Block]:
    if not report.comparison.differences:
        return []
    return [_block("gates", 1, _part("Gates", grid(report_tables.gates(report))))]


def _stages(report: Report) -> list[Block]:
    if not report.stages:
        return []
    again, cached = ([one.name for one in report.stages if bool(one.because) == ran] for ran in (True, False))
    said = [
        f"{what}: {listed(names, 8)}." for what, names in (("Ran again", again), ("From the cache", cached)) if names
    ]
    fold = partial(folded, "Why")
    table = [row for row in report_tables.stages(report) if row[2]]
    first = _block("stages", 4, _part("What ran", plain(" ".join(said))))
    return [first, _table("why stages ran", 6, table, inside=fold)] if again else [first]


def _origin(report: Report) -> list[Block]:
    head, *rows = report_tables.sides(report)
    table = [head, *([row[0], *map(_hash, row[1:3]), row[3]] for row in rows[:-1]), rows[-1]]
    blocks = [_block("where both models come from", 2, _part("Where both models come from", grid(table)))]
    return blocks + (_changes("Packages", "package", report, report.packages, rank=5) if report.packages else [])


def _changes(title: str, what: str, report: Report, found: Sequence[Change], *, rank: int) -> list[Block]:
    head, *rows = report_tables.changes(what, report, found)
    table: Table = [head, *(list(map(_value, row)) for row in rows)]
    if len(rows) <= OPEN:
        return [_table(title.lower(), rank, table, inside=partial(_part, title))]
    fold = partial(folded, f"{len(rows):,} are others")
    return [_table(title.lower(), rank, table, inside=lambda block: _part(title, fold(block)))]


def _value(words: str) -> str:
    return words if words == report_tables.ABSENT else code(cut(words, 80))


def _said(body: Fitted) -> list[Markdown]:
    """Say what was cut."""
    cuts = {"Shortened": body.shortened, "Left out": body.dropped}
    said = [f"{what}: {', '.join(names)}." for what, names in cuts.items() if names]
    return (
        [alert("NOTE", [" ".join(["This report was too long.", *said, "report.html has everything."])])] if said else []
    )


def _machine(report: Report) -> list[str]:
    found = report.machine
    if not found:
        return []
    where = plain(f"The model of {report.champion.name} was found here: {cut(found.source, 200)}.")
    forms = [f"{where}\n\n{grid(few(report_tables.machine(report), rows), (1,))}" for rows in (30, 8, 2)]
    block = Block("", 0, tuple(folded(MACHINE, form) for form in (*forms, where)))
    return [fit([block], OF_THE_MACHINE).text]


def _table(
    name: str,
    rank: int,
    table: Table,
    *,
    numbers: Collection[int] = (),
    inside: Callable[[str], str] = str,
) -> Block:
    """Make a block of a table, whose shorter forms have fewer rows."""
    forms = [inside(grid(few(table, rows), numbers)) for rows in (len(table), 100, 30, 10, 3)]
    return _block(name, rank, *forms)


def _block(name: str, rank: int, *forms: str) -> Block:
    return Block(name, rank, shorter(forms))


def _part(title: str, *blocks: str) -> Markdown:
    return Markdown("\n\n".join([f"### {title}", *blocks]))


def _small(words: str) -> Markdown:
    return Markdown(f"<sub>{plain(words)}</sub>")


def _hash(words: str) -> str:
    return words if " " in words else code(words[:SHORT])


PARTS: tuple[Callable[[Report], list[Block]], ...] = (
    _verdict, _metrics, _slices, _data, _params, _gates, _stages, _origin,
)  # fmt: skip
