"""The tables of a report, in words; a page and a comment show the same ones."""

from collections.abc import Iterable, Sequence

from holdfast.confusions import each
from holdfast.differences import Difference, SliceDifference
from holdfast.figures import decimals, named, number, signed
from holdfast.headline import interval
from holdfast.markdown import GAP, Table, listed
from holdfast.metrics import LOWER_IS_BETTER, Metric
from holdfast.report import Cell, Change, Report
from holdfast.targets import Kind

WORDS = {
    "better": f"🟢{GAP}better",
    "worse": f"🔴{GAP}worse",
    "same": f"⚪{GAP}the same",
    "unclear": f"⚪{GAP}unclear",
    "undefined": f"⚠️{GAP}not defined",
}
GATES = {"passed": f"✅{GAP}passed", "refused": f"❌{GAP}refused", "unknown": f"⚠️{GAP}unknown"}
ABSENT = "not there"
HARMED = f"🔴{GAP}harmed"
WORSE = f"🟠{GAP}worse"
OF_CELLS: dict[Kind, tuple[Metric, ...]] = {
    "binary": ("roc_auc", "log_loss"),
    "classes": ("balanced_accuracy", "log_loss"),
    "number": ("rmse", "mae"),
}


def direction(metric: Metric, unit: str = "") -> str:
    """Name a metric, with an arrow to where it is better."""
    return f"{named(metric, unit)} {'↓' if metric in LOWER_IS_BETTER else '↑'}".replace(" ", GAP).replace(
        f"{GAP}(", " ("
    )


def metrics(report: Report) -> Table:
    """Return every metric of both models, and its difference."""
    header = ["metric", *_names(report), "difference", interval(report.comparison), ""]
    return [
        header,
        *(
            [direction(one.metric, report.unit), *_figures(one), WORDS[one.word]]
            for one in report.comparison.differences
        ),
    ]


def classes(report: Report) -> Table:
    """Return of each class how many of its rows both models find, and what the challenger takes the others for."""
    if not report.curves or "confusion" not in report.curves[0]:
        return []
    both = zip(*(each(one["confusion"]) for one in report.curves), strict=True)
    header = ["class", "rows", *(f"found by {one}" for one in _names(report)), "difference", "mostly taken for"]
    return [
        header,
        *(
            [
                before.name,
                f"{before.rows:,}",
                *(_share(one) for one in (before.recall, after.recall)),
                _points(before.recall, after.recall),
                f"{after.taken_for} ({after.mistaken:,})" if after.taken_for else "",
            ]
            for before, after in both
        ),
    ]


def moved(report: Report) -> list[SliceDifference]:
    """Return the slices that are harmed, the most harmed first, then those that are worse, then the better ones."""
    harmed = set(map(key, report.comparison.harmed))
    order = {"worse": 1, "better": 2}
    found = [one for one in report.comparison.slices if key(one) in harmed or one.difference.word in order]
    return sorted(
        found,
        key=lambda one: (
            0 if key(one) in harmed else order[one.difference.word],
            -abs(one.difference.difference),
            *key(one),
        ),
    )


def slices(report: Report, found: Iterable[SliceDifference]) -> Table:
    """Return slices, each metric of one on a line."""
    harmed = set(map(key, report.comparison.harmed))
    header = ["slice", "rows", "metric", " → ".join(_names(report)), "difference", interval(report.comparison), ""]
    return [
        header,
        *(
            [
                name(one),
                f"{one.rows:,}",
                direction(one.difference.metric, report.unit),
                GAP.join([before, "→", after]),
                *rest,
                HARMED if key(one) in harmed else _word(one.difference),
            ]
            for one in found
            for before, after, *rest in [_figures(one.difference)]
        ),
    ]


def not_judged(report: Report) -> Table:
    """Return the slices that are too small."""
    found = report.comparison.not_judged
    header = ["slice", "rows", "of the positive label"]
    table = [[f"{one.label} {one.value}", f"{one.rows:,}", f"{one.positives or 0:,}"] for one in found]
    width = 3 if report.comparison.kind == "binary" else 2
    return [row[:width] for row in [header, *table]]


def why_not_judged(report: Report) -> str:
    """Say what there is too little of to judge a slice."""
    few = ["rows"] if report.comparison.kind == "number" else ["rows", "labels"]
    few += [report.comparison.unit] if report.comparison.unit not in few else []
    return f"Not judged, for too few {' or '.join([', '.join(few[:-1]), few[-1]] if few[1:] else few)}"


def name(one: SliceDifference) -> str:
    """Name a slice."""
    return f"{one.label} {one.value}"


def key(one: SliceDifference) -> tuple[str, str, Metric]:
    """Return what tells a figure of a slice from all others."""
    return one.label, one.value, one.difference.metric


def cells(report: Report) -> Table:
    """Return the two-by-two of models and holdouts."""
    holdouts = {one.holdout: one.rows for one in report.cells}
    known = {(one.model, one.holdout): _measured(one, report) for one in report.cells}
    models = dict.fromkeys(one.model for one in report.cells)
    header = ["model", *(f"{holdout} ({rows:,} rows)" for holdout, rows in holdouts.items())]
    return [header, *([model, *(known.get((model, holdout), "") for holdout in holdouts)] for model in models)]


def changes(what: str, report: Report, found: Sequence[Change]) -> Table:
    """Return what has another value."""
    sides = ([_present(value) for value in (one.before, one.after)] for one in found)
    return [[what, *_names(report)], *([one.name, *values] for one, values in zip(found, sides, strict=True))]


def gates(report: Report) -> Table:
    """Return what each gate asks for, and what it found."""
    found = ([gate.code, gate.title, GATES[gate.word], gate.text] for gate in report.comparison.gates)
    return [["gate", "asks", "", "found"], *found]


def stages(report: Report) -> Table:
    """Return what ran again and what came from the cache."""
    found = (
        [one.name, "ran again" if one.because else "from the cache", listed(list(one.because), 5)]
        for one in report.stages
    )
    return [["stage", "", "because of"], *found]


def sides(report: Report) -> Table:
    """Return what both models are made of."""
    both = report.champion, report.challenger
    hashes = {"commit": "commit", "data": "data", "model": "model", "environment": "environment", "lock": "dvc.lock"}
    table = [["", *_names(report), ""]]
    for field, what in hashes.items():
        before, after = (str(getattr(one, field)) for one in both)
        same = "" if not (before and after) else "the same" if before == after else "another"
        table.append([what, before or "not known", after or "not known", same])
    old, new = (one.size for one in both)
    change = f"{new / old - 1:+.1%}" if old and new and old != new else ""
    size = (f"{one / 1e6:.3f} MB" if one else "not known" for one in (old, new))
    return [*table, ["size of the model", *size, change]]


def machine(report: Report) -> Table:
    """Return what was measured on the machine that judged."""
    found = report.machine
    if not found:
        return []
    latencies = (
        [f"one row scored by {one}", f"{value:.2f} ms"]
        for one, value in zip(_names(report), found.latencies, strict=True)
    )
    times = ([what, f"{seconds:.2f} s"] for what, seconds in found.times.items())
    stages = ([f"stage {what}", f"{seconds:.2f} s"] for what, seconds in found.stages.items())
    return [["measured", "took"], *latencies, *times, *stages]


def _names(report: Report) -> list[str]:
    return [report.champion.name, report.challenger.name]


def _figures(one: Difference) -> list[str]:
    places = one.decimals()
    ends = (
        ""
        if one.word == "undefined"
        else "0"
        if one.word == "same"
        else GAP.join([signed(one.low, places), "to", signed(one.high, places)])
    )
    return [number(one.champion, places), number(one.challenger, places), signed(one.difference, places), ends]


def _word(one: Difference) -> str:
    return WORSE if one.word == "worse" else WORDS[one.word]


def _measured(cell: Cell, report: Report) -> str:
    if cell.metrics is None:
        return cell.why
    found = {one: cell.metrics.get(one) for one in OF_CELLS[report.comparison.kind]}
    return ", ".join(
        f"{named(one, report.unit)} {'not defined' if value is None else number(value, decimals(one, value))}"
        for one, value in found.items()
    )


def _share(value: float | None) -> str:
    return "not defined" if value is None else f"{value:.1%}"


def _points(before: float | None, after: float | None) -> str:
    """Say how many of a hundred rows more are found."""
    return "" if before is None or after is None else f"{100 * (after - before):+.1f}".replace("+0.0", "0")


def _present(value: str | None) -> str:
    return ABSENT if value is None else value or "empty"
