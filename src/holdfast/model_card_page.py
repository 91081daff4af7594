"""The card as a page: all that its markdown says, with what is better seen than read drawn beside it."""

from collections.abc import Callable, Iterable

from holdfast import curves_svg, pages
from holdfast.curves_svg import Dot, Row
from holdfast.headline import number
from holdfast.intervals import SliceInterval
from holdfast.markdown import Table
from holdfast.model_card import About
from holdfast.model_card_blocks import Block, Code, Commands, Grid, Items, Pairs, Said
from holdfast.model_card_parts import lead, parts, title
from holdfast.model_card_words import ends, figure, gap, label, share, worded
from holdfast.pages import Html, element

SHOWN = 40  # slices in a plot
CARDS, WIDE = 4, 6  # columns of a table whose rows become cards on a phone; with more than that it is moved sideways
BAR = "background-size: {:.1%} 100%"
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
        "Calibration": lambda blocks: (blocks[0], _beside(_reliability(about), *blocks[1:])),
        "What moves it most": lambda blocks: (blocks[0], _bars(about)),
    }
    sections = [
        pages.section(part.title, *drawn.get(part.title, tuple)(tuple(map(_block, part.blocks))))
        for part in parts(about)
    ]
    style, first = Html(f"<style>{STYLE}</style>"), element("div", *sections[:2], class_="beside pair")
    return pages.page(title(about), style, _figures(about), first, *sections[2:], subtitle=lead(about))


def _beside(left: Html, *right: Html) -> Html:
    return element("div", left, element("div", *right), class_="beside")


def _figures(about: About) -> Html:
    found = about.intervals
    weak, large = sum(one.weak for one in found.slices), sum(one.gap.low is not None for one in found.slices)
    rows, positive = about.facts.data.noun[1], worded(about.facts.data.target.positive)
    boxes = [
        (name, figure(one), ends(one) or "no interval")
        for name, one in (("ROC AUC", found.metrics["roc_auc"]), ("PR AUC", found.metrics["pr_auc"]))
    ]
    error = found.metrics["calibration_error"]
    return pages.figures(
        *boxes,
        ("Scores off by", figure(error), ends(error) or "no interval"),
        ("Judged on", f"{about.card.holdout_rows:,}", f"{rows}, {share(found.positive_share.value)} {positive}"),
        ("Weaker slices", f"{weak:,}", f"of {large:,} that are large enough"),
    )


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
    least = sorted(known, key=lambda one: (one.gap.value or 0.0, one.label, one.value))[:SHOWN]
    which = f" (the {SHOWN} weakest of {len(known):,})" if len(known) > SHOWN else ""
    caption = f"ROC AUC of each slice, less that of all{which}; left of 0 it ranks worse. Each interval by itself."
    drawing = element("div", curves_svg.forest([_row(one) for one in least], caption), class_="forest")
    return element("figure", element("figcaption", caption), _scrolling(drawing, caption))


def _row(one: SliceInterval) -> Row:
    low, value, high = (end if end is not None else float("nan") for end in (one.gap.low, one.gap.value, one.gap.high))
    return Row(f"{one.label} {one.value}", low, value, high, gap(one.gap))


def _scrolling(drawing: Html, name: str) -> Html:
    """Let a wide drawing be moved sideways on a phone, where it would be too small to read."""
    return element("div", drawing, class_="wide", tabindex="0", role="region", aria_label=name)


def _reliability(about: About) -> Html:
    bins, positive = about.card.calibration, worded(about.facts.data.target.positive)
    most = max((one.rows for one in bins), default=1)
    drawn = [
        Dot(
            one.mean_score,
            one.positive_share,
            None if one.low is None or one.high is None else (one.low, one.high),
            one.rows / most,
            f"mean score {number(one.mean_score)}: {share(one.positive_share)} of {one.rows:,} were {positive}",
        )
        for one in bins
    ]
    caption = "On the dotted line scores come true; below it they are too high. The larger the dot, the more rows."
    plot = curves_svg.dots(drawn, "Share that came true, by score", ("mean score", f"share {positive}"))
    return element("div", pages.chart(caption, plot), class_="square")


def _bars(about: About) -> Html:
    """Draw what each column is worth; one that is worth nothing has no bar."""
    most = max((one.auc_fall for one in about.card.importance), default=0.0) or 1.0
    cells = []
    for one in about.card.importance:
        name, length = label(about.facts.data, one.column), BAR.format(max(one.auc_fall, 0.0) / most)
        cells += [element("span", name, style=length, title=name)]
        cells += [element("small", f"{one.auc_fall:.4f} ± {one.spread:.4f}")]
    return element("div", *cells, class_="share worth")
