"""The card as a page: all that its markdown says, with what is better seen than read drawn beside it."""

from collections.abc import Callable, Iterable
from functools import partial

from holdfast import confusions, curves_svg, model_card_charts, pages
from holdfast.curves_svg import Row
from holdfast.figures import named, number
from holdfast.headline import heading
from holdfast.intervals import SliceInterval
from holdfast.markdown import Table
from holdfast.metrics import LOWER_IS_BETTER, Metric
from holdfast.model_card import About
from holdfast.model_card_blocks import Block, Code, Commands, Grid, Items, Pairs, Said
from holdfast.model_card_parts import lead, parts, title
from holdfast.model_card_words import (
    amount,
    ends,
    figure,
    gap,
    places,
    places_of,
    positive_of,
    share,
    unit_of,
)
from holdfast.pages import Html, element
from holdfast.targets import Kind

SHOWN = 40  # slices in a plot
FIRST: dict[Kind, tuple[Metric, ...]] = {
    "binary": ("roc_auc", "pr_auc", "calibration_error"),
    "classes": ("balanced_accuracy", "accuracy", "calibration_error"),
    "number": ("rmse", "mae", "r2"),
}
WORSE: dict[Kind, str] = {"binary": "ranks worse", "classes": "finds less", "number": "is farther off"}
CALLED: dict[Metric, str] = {"calibration_error": "Scores off by"}
CARDS, WIDE = 4, 6  # columns of a table whose rows become cards on a phone; with more than that it is moved sideways
STYLE = """
.pairs { display: grid; grid-template-columns: minmax(90px, 130px) minmax(0, 1fr); gap: 6px 20px; margin: 0 0 12px; }
.pairs dd { margin: 0; }
h1, p, li, dt, dd, th, figcaption { overflow-wrap: anywhere; } th[scope=row] { min-width: 6em; }
.lines { margin: 0; padding-left: 20px; max-width: 80ch; } .lines li { margin-bottom: 6px; }
.type { background: var(--wash); border-radius: 8px; padding: 12px 16px; margin: 0 0 12px; white-space: pre-wrap; }
.beside { align-items: start; } .beside > * { min-width: 0; } .pair { row-gap: 0; }
.worth { max-width: 640px; grid-template-columns: minmax(0, 1fr) max-content; font-variant-numeric: tabular-nums; }
.square { max-width: 440px; } .forest > svg { min-width: 500px; } .wide { overflow-x: auto; }
.wide table { max-width: none; } .wide td { white-space: nowrap; } .wide td, .wide thead th { padding-left: 4px; }
.wide th[scope=row] { min-width: 7em; position: sticky; left: 0; background: var(--page); }
@media (min-width: 761px) { .wide th[scope=row] { white-space: nowrap; } }
td, tbody th { padding-top: 5px; padding-bottom: 5px; } table + p { margin-top: 8px; }
@media (max-width: 760px) {
  .tight th, .tight td { padding-right: 9px; font-size: 13px; }
  .cards .number { text-align: left; } .cards td:last-child { grid-column: 1 / -1; }
}
@media print { .wide { overflow: visible; } }
"""


def page(about: About) -> str:
    """Write a page that loads nothing."""
    drawn: dict[str, Callable[[tuple[Html, ...]], Iterable[Html]]] = {
        "Data": lambda blocks: [_beside(*blocks)],
        "Slices": lambda blocks: (blocks[0], _forest(about), *blocks[1:]),
        "Calibration": lambda blocks: (blocks[0], _beside(model_card_charts.reliability(about), *blocks[1:])),
        "What came of its predictions": lambda blocks: (
            blocks[0],
            _beside(model_card_charts.predictions(about), *blocks[1:]),
        ),
        "Classes": lambda blocks: (*blocks, model_card_charts.classes(about)),
        "Errors": lambda blocks: (blocks[0], _beside(model_card_charts.errors(about), *blocks[1:])),
        "What moves it most": lambda blocks: (blocks[0], model_card_charts.bars(about)),
    }
    sections = [
        pages.section(part.title, *drawn.get(part.title, tuple)(tuple(map(_block, part.blocks))))
        for part in parts(about)
    ]
    of_classes = confusions.STYLE if about.kind == "classes" else ""
    style, first = Html(f"<style>{STYLE}{of_classes}</style>"), element("div", *sections[:2], class_="beside pair")
    return pages.page(title(about), style, _figures(about), first, *sections[2:], subtitle=lead(about))


def _beside(left: Html, *right: Html) -> Html:
    return element("div", left, element("div", *right), class_="beside")


def _figures(about: About) -> Html:
    boxes = [_figure(about, name) for name in FIRST[about.kind]]
    return pages.figures(*boxes, ("Judged on", f"{about.card.holdout_rows:,}", _judged_on(about)), *_weaker(about))


def _figure(about: About, name: Metric) -> tuple[str, str, str]:
    one = about.intervals.metrics[name]
    digits = places(name, one)
    called = CALLED.get(name) or heading(named(name, unit_of(about.facts.data)))
    return called, figure(one, digits), ends(one, partial(number, decimals=digits)) or "no interval"


def _judged_on(about: About) -> str:
    """Say what the rows of the holdout were like."""
    rows, found = about.facts.data.noun[1], about.intervals.answers
    if about.kind == "binary":
        return f"{rows}, {share(found[0].value)} {positive_of(about.facts.data)}"
    if about.kind == "classes":
        return f"{rows} of {len(found):,} classes"
    return f"{rows}, {amount(found[0].value or 0.0, unit_of(about.facts.data))} on average"


def _weaker(about: About) -> list[tuple[str, str, str]]:
    found = about.intervals.slices
    if not found:
        return []
    weak, large = sum(one.weak for one in found), sum(one.gap.low is not None for one in found)
    return [("Weaker slices", f"{weak:,}", f"of {large:,} that are large enough")]


def _block(block: Block) -> Html:
    match block:
        case Said(text):
            return element("p", text)
        case Items(lines):
            return element("ul", *(element("li", line) for line in lines), class_="lines")
        case Pairs(entries):
            return element("dl", *(cell for entry in entries for cell in _pair(*entry)), class_="pairs")
        case Grid(table, numbers):
            return _table(table, numbers)
        case Commands(lines):
            return element("pre", element("code", "\n".join(lines)), class_="type")


def _table(table: Table, numbers: tuple[int, ...]) -> Html:
    head, *rows = table
    drawn = pages.table(head, rows, numbers=numbers, cards=len(head) == CARDS)
    if len(head) > WIDE:
        return _scrolling(drawn, head[0])
    return drawn if len(head) == CARDS else element("div", drawn, class_="tight")


def _pair(what: str, words: str) -> tuple[Html, Html]:
    said = element("code", words) if isinstance(words, Code) else words
    return element("dt", what, class_="soft"), element("dd", said)


def _forest(about: About) -> Html:
    """Draw how far each slice is from all rows, the weakest first."""
    known = [one for one in about.intervals.slices if one.gap.low is not None]
    if not known:
        return Html("")
    least = sorted(known, key=lambda one: (-one.behind, one.label, one.value))[:SHOWN]
    which = f" (the {SHOWN} weakest of {len(known):,})" if len(known) > SHOWN else ""
    metric = least[0].metric
    worse = "right of 0 it is farther off" if metric in LOWER_IS_BETTER else f"left of 0 it {WORSE[about.kind]}"
    what = heading(named(metric, unit_of(about.facts.data)))
    caption = f"{what} of each slice, less that of all{which}; {worse}. Each interval by itself."
    drawing = element("div", curves_svg.forest([_row(one) for one in least], caption), class_="forest")
    return element("figure", element("figcaption", caption), _scrolling(drawing, caption))


def _row(one: SliceInterval) -> Row:
    low, value, high = (end if end is not None else float("nan") for end in (one.gap.low, one.gap.value, one.gap.high))
    return Row(
        f"{one.label} {one.value}",
        low,
        value,
        high,
        gap(one.gap, places_of(one)),
        worse_above=one.metric in LOWER_IS_BETTER,
    )


def _scrolling(drawing: Html, name: str) -> Html:
    """Let a wide drawing be moved sideways on a phone, where it would be too small to read."""
    return element("div", drawing, class_="wide", tabindex="0", role="region", aria_label=name)
