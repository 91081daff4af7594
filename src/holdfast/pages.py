"""Pages that people read: one frame, and the few pieces that they are made of.

A page is one file that loads nothing: no script, no font, no address. It works offline, in light and dark, on
a phone and on paper, and its bytes depend on what it shows alone. All markup is made by `element`, which escapes every
word that is not `Html` already, so that no value of a data set can become markup.
"""

from collections.abc import Iterable, Sequence
from html import escape

STYLE = """
:root { color-scheme: light dark; --page: #fff; --ink: #1c2128; --soft: #59636e; --line: #d9dee3; --wash: #f5f7f9;
  --main: #2f6fb0; --second: #c2571a; --band: #2f6fb038; }
@media (prefers-color-scheme: dark) { :root { --page: #12161b; --ink: #e4e8ec; --soft: #9aa5b1; --line: #2d353e;
  --wash: #1a2027; --main: #62a8e8; --second: #f0945a; --band: #62a8e840; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 32px 20px 48px; }
h1 { font-size: 26px; line-height: 1.2; margin: 0 0 4px; }
h2 { font-size: 18px; margin: 40px 0 12px; }
p { margin: 0 0 12px; max-width: 75ch; }
a { color: var(--main); } .bad { color: var(--second); }
code { font: 12.5px ui-monospace, monospace; overflow-wrap: anywhere; }
small, .soft, figcaption { color: var(--soft); font-size: 13px; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 24px 0; }
.figures div { background: var(--wash); border-radius: 8px; padding: 12px 16px; }
.figures dt { color: var(--soft); font-size: 13px; }
.figures dd { margin: 0; font-size: 22px; font-weight: 600; line-height: 1.3; white-space: nowrap; }
.figures dd + dd { font-size: 13px; font-weight: 400; color: var(--soft); white-space: normal; }
.beside { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 16px 32px; }
figure { margin: 0; min-width: 0; }
figcaption { margin-bottom: 4px; }
svg { display: block; width: 100%; height: auto; overflow: visible; }
svg text { font: 12px system-ui, sans-serif; fill: var(--soft); }
svg .grid { stroke: var(--line); fill: none; }
svg .main { fill: var(--main); } svg .second { fill: var(--second); } svg .band { fill: var(--band); }
svg .stroke { fill: none; stroke: var(--main); stroke-width: 1.5; stroke-linejoin: round; stroke-linecap: round; }
svg .stroke.second { stroke: var(--second); stroke-width: 2; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: 10px 16px 10px 0; border-bottom: 1px solid var(--line); }
thead th { font-size: 13px; font-weight: 500; color: var(--soft); padding-bottom: 6px; }
tbody th { font-weight: 600; }
.narrow { max-width: 640px; }
.narrow th, .narrow td { padding-top: 5px; padding-bottom: 5px; }
.number { text-align: right; }
.under { font-weight: 400; max-width: 30ch; line-height: 1.35; }
.ends { display: flex; justify-content: space-between; line-height: 1.3; }
.facts { display: grid; grid-template-columns: repeat(2, max-content); gap: 0 10px; align-items: baseline; }
.facts.many { grid-template-columns: repeat(4, max-content); }
.facts > span { text-align: right; white-space: nowrap; font-size: 13.5px; }
td > svg { min-width: 110px; } td > svg, td > .ends, .share { max-width: 260px; } td > p { margin: 0; }
.share { display: grid; grid-template-columns: minmax(0, 1fr) 3.6em; gap: 0 8px; align-items: center; }
.share > span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; border-radius: 3px; padding: 0 6px;
  margin-bottom: 2px; font-size: 13px; background: linear-gradient(var(--band) 0 0) no-repeat var(--wash); }
.share > small { text-align: right; }
@media (max-width: 760px) {
  main { padding: 20px 14px 32px; }
  .figures { grid-template-columns: 1fr 1fr; gap: 8px; } .figures dd { font-size: 20px; }
  svg text { font-size: 14px; }
  .cards thead { display: none; }
  .cards tr { display: grid; grid-template-columns: 1fr 1fr; gap: 10px 20px; padding: 14px 0;
    border-bottom: 1px solid var(--line); }
  .cards th, .cards td { border: 0; padding: 0; min-width: 0; }
  .cards th { grid-column: 1 / -1; }
  .cards td:empty { display: none; }
  .cards td::before { content: attr(data-head); display: block; color: var(--soft); font-size: 12px; }
}
@media print {
  :root { color-scheme: light; --page: #fff; --ink: #000; --soft: #444; --line: #ccc; --wash: #f3f3f3; --main: #2f6fb0;
    --second: #c2571a; --band: #2f6fb038; }
  body { font-size: 11px; } main { max-width: none; padding: 0; } tr, figure, .figures { break-inside: avoid; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""


class Html(str):
    """Markup, all of whose words are escaped."""

    __slots__ = ()


def element(tag: str, *content: str, **attributes: str | float | None) -> Html:
    """Make an element; `class_` and `data_head` are the attributes `class` and `data-head`, None leaves one out."""
    given = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    return Html(f"<{tag}{given}>{together(content)}</{tag}>")


def together(parts: Iterable[str]) -> Html:
    """Put markup and words one after the other."""
    return Html("".join(part if isinstance(part, Html) else escape(part) for part in parts))


def page(title: str, *content: str, subtitle: str = "") -> str:
    """Return a whole page."""
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f"{element('title', title)}\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"{element('header', element('h1', title), element('p', subtitle, class_='soft'))}\n"
        + "".join(f"{together([part])}\n" for part in content)
        + "</main>\n</body>\n</html>\n"
    )


def section(heading: str, *content: str) -> Html:
    """Make a part of a page, under its heading."""
    return element("section", element("h2", heading), *content)


def figures(*entries: tuple[str, str, str]) -> Html:
    """Make the headline figures: each is what it is, its value, and a note below it."""
    boxes = [
        element("div", element("dt", what), element("dd", value), *([element("dd", note)] if note else []))
        for what, value, note in entries
    ]
    return element("dl", *boxes, class_="figures")


def chart(caption: str, drawing: Html) -> Html:
    """Put a caption over a drawing."""
    return element("figure", element("figcaption", caption), drawing)


def table(
    header: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Iterable[int] = (), cards: bool = False
) -> Html:
    """Make a table whose first cells name the rows; `numbers` are flushed right; `cards` on a phone if it is wide."""
    right = dict.fromkeys(numbers, "number")
    top = [element("th", name, scope="col", class_=right.get(place)) for place, name in enumerate(header)]
    body = []
    for first, *others in rows:
        cells = [
            element("td", cell, class_=right.get(place), data_head=header[place])
            for place, cell in enumerate(others, start=1)
        ]
        body.append(element("tr", element("th", first, scope="row"), *cells))
    head = element("thead", element("tr", *top))
    return element("table", head, element("tbody", *body), class_="cards" if cards else "narrow")


def shares(entries: Iterable[tuple[str, float]]) -> Html:
    """Make bars of words with their shares of the whole."""
    cells = []
    for word, share in entries:
        length = f"background-size: {share:.1%} 100%"
        cells += [element("span", word, style=length, title=word), element("small", f"{share:.1%}")]
    return element("div", *cells, class_="share")
