"""What the page of a card draws beside its tables: what came of its scores, its errors, what its columns are worth."""

from holdfast import confusions, curves_svg, pages
from holdfast.curves_svg import Curve, Dot
from holdfast.figures import number
from holdfast.frames import around
from holdfast.model_card import About
from holdfast.model_card_figures import worth
from holdfast.model_card_words import label, positive_of, share, unit_of
from holdfast.pages import Html, element
from holdfast.report_curves import band

BAR = "background-size: {:.1%} 100%"


def reliability(about: About) -> Html:
    """Draw whether scores come true."""
    bins, positive = about.card.calibration, positive_of(about.facts.data) or "right"
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
    across = "mean score" if about.kind == "binary" else "mean of the highest scores"
    plot = curves_svg.dots(drawn, "Share that came true, by score", (across, f"share {positive}"))
    return element("div", pages.chart(caption, plot), class_="square")


def predictions(about: About) -> Html:
    """Draw what came of predicted numbers."""
    unit = unit_of(about.facts.data)
    found = [band(one.model_dump(), unit) for one in about.card.predictions]
    if not found:
        return Html("")
    of_unit = f", {unit}" if unit else ""
    axes = f"predicted{of_unit}", f"came{of_unit}"
    caption = "On the dotted line predictions come true. In the band lay 80 of 100 rows that look the same to it."
    plot = curves_svg.bands([("", found)], "What came, by what was predicted", axes)
    return element("div", pages.chart(caption, plot), class_="square")


def errors(about: About) -> Html:
    """Draw how many rows are missed by how much."""
    curve, unit = about.outcomes.errors, unit_of(about.facts.data)
    if curve is None:
        return Html("")
    axes = f"missed by at most{f', {unit}' if unit else ''}", "share of the rows"
    frame = around([0.0, float(curve["error"].max())], [0.0, 1.0])
    plot = curves_svg.curves((Curve("", curve[["error", "share"]]),), "Errors", axes, frame=frame)
    return element("div", pages.chart("How many rows are missed by how much at most.", plot), class_="square")


def classes(about: About) -> Html:
    """Draw which class is taken for which."""
    if about.outcomes.confusion is None:
        return Html("")
    return confusions.shades(
        about.outcomes.confusion, f"The {about.facts.data.noun[1]} of each class, by what it calls them"
    )


def bars(about: About) -> Html:
    """Draw what each column is worth; one that is worth nothing has no bar."""
    most = max((one.fall for one in about.card.importance), default=0.0) or 1.0
    cells = []
    for one in about.card.importance:
        name, length = label(about.facts.data, one.column), BAR.format(max(one.fall, 0.0) / most)
        cells += [element("span", name, style=length, title=name)]
        cells += [element("small", " ".join(worth(about, one.fall, one.spread)))]
    return element("div", *cells, class_="share worth")
