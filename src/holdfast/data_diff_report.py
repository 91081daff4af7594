"""The difference of two data versions in words and tables: for a terminal, and as markdown for a pull request.

Both say the same; a terminal is kept to one screen, markdown folds what is long.
"""

from collections import Counter
from collections.abc import Sequence

from holdfast.data_diff import DataDiff, Moved, Partition
from holdfast.distributions import DISTANCES
from holdfast.markdown import Markdown, Table, cut, few, folded, grid, listed, plain, printable
from holdfast.profiling import figure

SHOWN = 10  # partitions, and columns, in a terminal
MARKS = {"number": "KS", "category": "TV", "time": "TV"}
LEGEND = (
    f"KS: {DISTANCES['number']} distance, of numbers. TV: {DISTANCES['category']} distance, of words and hours.",
    "0: the same, 1: nothing in common. New rows: of added and changed partitions, against all before.",
)


def text(diff: DataDiff) -> str:
    """Say the difference for a terminal of 100 columns."""
    if not diff.partitions:
        return sentences(diff)[0]
    blocks = [facts(diff), *(few(table, SHOWN) for table in details(diff).values())]
    return "\n\n".join(["\n".join(map(printable, sentences(diff))), *map(_aligned, blocks), "\n".join(LEGEND)])


def markdown(diff: DataDiff, rows: int | None = None) -> Markdown:
    """Say the difference as GitHub's markdown, with the first `rows` of each table or all of them."""
    if not diff.partitions:
        return Markdown(f"**Data**: {plain(sentences(diff)[0])}\n")
    blocks = [
        " ".join(map(plain, sentences(diff))),
        grid(facts(diff), numbers=(1, 2)),
        *(
            folded(f"{what}: {len(table) - 1:,}", grid(table if rows is None else few(table, rows)))
            for what, table in details(diff).items()
        ),
        f"<sub>{' '.join(LEGEND)}</sub>",
    ]
    return Markdown("\n\n".join(blocks) + "\n")


def _same(diff: DataDiff) -> str:
    before, after = diff.names
    return (
        f"{before} and {after} have the same data, byte for byte: "
        f"{_counted(diff.unchanged, 'partition')}, {diff.rows.after:,} rows."
    )


def sentences(diff: DataDiff) -> list[str]:
    """Say what matters most."""
    if not diff.partitions:
        return [_same(diff)]
    change = diff.rows.after - diff.rows.before
    rows = f"{abs(change):,} rows {'more' if change > 0 else 'fewer'}" if change else "as many rows"
    was, now = (_answer(one, diff) for one in (diff.answers.before, diff.answers.after))
    course = f"went from {was} to {now}" if was != now else f"is {now}, as before"
    moved = [column.column for column in diff.moved if column.rank][:3]
    most = f"Most moved: {', '.join(moved)}." if moved else "No distribution moved."
    return [f"{rows.capitalize()}; the {diff.answer} {course}.", most]


def facts(diff: DataDiff) -> Table:
    """Return what is so on both sides, and a remark, under their header."""
    rows, answers = diff.rows, diff.answers
    change = rows.after - rows.before
    remark = f"{change:+,} ({change / rows.before:+.1%})" if change and rows.before else ""
    table = [
        ["data", *diff.names, ""],
        ["rows", f"{rows.before:,}", f"{rows.after:,}", remark],
        _partition_counts(diff),
    ]
    if diff.months.before or diff.months.after:
        table.append(["months", *(_span(list(m)) for m in (diff.months.before, diff.months.after)), _months(diff)])
    of_new = f"{_answer(answers.new, diff)} of new rows" if answers.new is not None else ""
    table.append([diff.answer, _answer(answers.before, diff), _answer(answers.after, diff), of_new])
    table.append(["columns", *(str(len(types)) for types in diff.types), _column_counts(diff)])
    return table


def details(diff: DataDiff) -> dict[str, Table]:
    """Return the long tables that have any row, each under its header, by what they say."""
    tables = {
        "Columns that came, went or changed their type": _columns(diff),
        "Partitions that differ": _partitions(diff),
        "Columns that moved": _moved(diff),
    }
    return {what: table for what, table in tables.items() if len(table) > 1}


def _partition_counts(diff: DataDiff) -> list[str]:
    added = sum(part.rows[0] is None for part in diff.partitions)
    removed = sum(part.rows[1] is None for part in diff.partitions)
    changed = len(diff.partitions) - added - removed
    counts = {"added": added, "removed": removed, "changed": changed, "the same": diff.unchanged}
    said = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    return ["partitions", str(diff.unchanged + changed + removed), str(diff.unchanged + changed + added), said]


def _months(diff: DataDiff) -> str:
    """Name the months that have more or fewer rows."""
    before, after = diff.months.before, diff.months.after
    changes = {month: after.get(month, 0) - before.get(month, 0) for month in sorted({*before, *after})}
    said = [f"{month} {change:+,}" for month, change in changes.items() if change]
    return listed(said)


def _column_counts(diff: DataDiff) -> str:
    changes = Counter(change for _, change, _ in _columns(diff)[1:])
    return ", ".join(f"{count} {change}" for change, count in changes.items()) or "the same, of the same types"


def _columns(diff: DataDiff) -> Table:
    """Return the columns that came, went or changed their type, under their header."""
    before, after = diff.types
    table = [["column", "change", "type"]]
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            change = "added" if name not in before else "removed" if name not in after else "of another type"
            table.append([name, change, _change(before.get(name), after.get(name))])
    return table


def _partitions(diff: DataDiff) -> Table:
    """Return the partitions that are not the same, under their header."""
    table = [["partition", "change", "rows", diff.answer, ""]]
    for part in diff.partitions:
        change = "added" if part.rows[0] is None else "removed" if part.rows[1] is None else "changed"
        rows = _change(*(None if count is None else f"{count:,}" for count in part.rows))
        answers = _change(*(None if one is None else _answer(one, diff) for one in part.answers))
        table.append([part.name, change, rows, answers, _edits(part)])
    return table


def _edits(part: Partition) -> str:
    if part.edits is None:
        return ""
    edits = part.edits
    counts = {"added": edits.added, "removed": edits.removed, "edited": edits.edited}
    said = ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)
    most = sorted(edits.columns, key=lambda name: (-edits.columns[name], name))
    where = listed(most)
    return f"{said or 'no row is another'}{f' in {where}' if where else ''}"


def _moved(diff: DataDiff) -> Table:
    """Return the columns that moved, most moved first, under their header."""
    table = [["column", "moved", "new rows", "before → after", "missing"]]
    shown = [column for column in diff.moved if column.rank or column.kind is None]
    table += [[column.column, _distance(column), _number(column.distance_of_new), *_values(column)] for column in shown]
    return table


def _distance(column: Moved) -> str:
    if column.kind is None:
        return "of another type"
    return f"{MARKS[column.kind]} {_number(column.distance)}" if column.distance is not None else "no value"


def _values(column: Moved) -> list[str]:
    shares = column.missing.before, column.missing.after
    missing = _change(*(_percent(share) for share in shares)) if any(round(share, 3) for share in shares) else ""
    if column.values is None:
        return ["", missing]
    if column.kind == "number":
        values = _change(*(figure(value) for value in column.values))
        return [f"{column.what} {values} {column.unit}".rstrip(), missing]
    return [f"{cut(column.what, 24)} {_change(*(_percent(value) for value in column.values))}", missing]


def _change(before: str | None, after: str | None) -> str:
    """Say what was and what is, once if it is the same or only on one side."""
    sides = [side for side in (before, after) if side is not None]
    return " → ".join(dict.fromkeys(sides))


def _answer(value: float | None, diff: DataDiff) -> str:
    """Say the share of a label, or the mean of a number."""
    if value is None or diff.unit is None:
        return _percent(value)
    return f"{value:.4g} {diff.unit}".rstrip()


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{share:.1%}"


def _number(distance: float | None) -> str:
    return "" if distance is None else f"{distance:.3f}"


def _span(names: Sequence[str]) -> str:
    return _change(min(names), max(names)).replace("→", "to") if names else "none"


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _aligned(table: Table) -> str:
    cells = [[cut(printable(cell), 60) for cell in row] for row in table]
    widths = [max(len(row[place]) for row in cells if place < len(row)) for place in range(max(map(len, cells)))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)) for row in cells]
    return "\n".join(line.rstrip() for line in lines)
