"""The text of the comment: a report that is not trusted, between a first line and a marker that are ours.

No rule below parses markdown, so none can be led astray by markdown that GitHub reads differently: a rule looks at
characters wherever they stand, in code too, and puts one that is not seen (U+200B) between them. Whatever reads as
itself with that character in it stays. What the reports of this repository are made of matches no rule: tables,
`<details>`, `<sub>`, HTML entities, Mermaid charts.
"""

import re
from collections.abc import Iterator

from holdfast.errors import UserError

MARKER = "<!-- holdfast-report -->"
LIMIT = 65_000  # GitHub takes 65,536 characters; CML appends its watermark
UNSEEN = "\u200b"
WATERMARK = re.compile(r'!\[\]\(https://cml\.dev/watermark\.png#[0-9a-fA-F]+ "CML watermark"\)')
CUT = "*This report was too long for a comment: the rest of it was cut here. The whole of it is in the run's artifact.*"

ATTRIBUTE = r"""(?:open|align=["']?(?:left|center|right)["']?|(?:col|row)span=["']?[0-9]{1,3}["']?|href=["']https://[^"'<>]*["'])"""
TAG = (
    r"a|b|blockquote|br|code|del|details|em|h[1-6]|hr|i|ins|kbd|li|ol|p|s|samp|span|strong|sub|summary|sup|table|tbody"
    r"|td|tfoot|th|thead|tr|ul|var"
)
HARMLESS_TAG = rf"(?:/?(?:{TAG})(?:\s+{ATTRIBUTE})*\s*/?>|https://[^\s<>]*>)"
AT = r"(?:@|&#0*64(?![0-9]);?+|&#[xX]0*40(?![0-9a-fA-F]);?+|&commat;)"
# `&#124;` is an entity, and no reference to an issue.
HASH = r"(?:(?<!&)#|(?<=&)#(?![0-9]{1,7};)|&#0*35(?![0-9]);?|&#[xX]0*23(?![0-9a-fA-F]);?|&num;)"
COLOUR = r"(?<![\w/]#)(?<=#)[0-9]{6}(?![0-9a-zA-Z])"  # six digits, in Mermaid; too many for an issue
DOT = r"(?:\\?\.|&#0*46;|&#[xX]0*2[eE];|&period;)"
SLASH = r"(?:\\?/|&#0*47;|&#[xX]0*2[fF];|&sol;)"
PLACE = rf"(?::[0-9]+)?(?:{SLASH}[\w.-]+){{2}}{SLASH}(?:issues|pulls?|discussions){SLASH}"
HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
ENTITY = re.compile(r"&#(?=(?:[xX]0*([0-9a-fA-F]{1,6})(?![0-9a-fA-F])|0*([0-9]{1,7})(?![0-9])))")
RULES = [
    (re.compile(rf"<(?=[a-zA-Z/!?])(?!{HARMLESS_TAG})", re.IGNORECASE), f"<{UNSEEN}"),
    (re.compile(r"!(?=\[)"), f"!{UNSEEN}"),  # an image: its address would see who reads the comment
    (re.compile(rf"({AT})(?=\S)"), rf"\1{UNSEEN}"),  # a mention; in Mermaid a shape, which can load an image
    (re.compile(rf"({HASH})(?=[0-9]+(?![0-9a-zA-Z]))(?!{COLOUR})"), rf"\1{UNSEEN}"),  # a reference to an issue
    (re.compile(r"(?<![a-z0-9])(gh-)(?=[0-9])", re.IGNORECASE), rf"\1{UNSEEN}"),
    # Such an address is a reference too; the one that takes its place leads there without being one.
    (re.compile(rf"(?:www\.)?github{DOT}com(?={PLACE})", re.IGNORECASE), "redirect.github.com"),
    # A command to another bot, in a quote or a list too.
    (re.compile(r"^((?:[ \t>*+-]|[0-9]{1,9}[.)])*)/(?=[a-zA-Z])", re.MULTILINE), rf"\1{UNSEEN}/"),
]  # fmt: skip


def first_line(head: str, run_url: str) -> str:
    """Return the line that says whose report follows; it must begin every comment of ours."""
    return (
        f"**Report on {head[:12]}**, made by [this run]({run_url}) with the code of this pull request: "
        "read it as a part of what is proposed."
    )


def compose(markdown: str, head: str, run_url: str) -> str:
    """Return the body of the comment."""
    start, end = f"{first_line(head, run_url)}\n\n", f"\n\n{MARKER}"
    return f"{start}{_fitted(harmless(markdown), LIMIT - len(start) - len(end))}{end}"


def is_marked(body: str) -> bool:
    """Tell whether a comment ends in our marker; CML's watermark may follow."""
    return _without_watermark(body).endswith(f"\n{MARKER}")


def same(body: str, other: str) -> bool:
    """Tell whether two comments say the same, apart from CML's watermark and the line ends."""
    return _without_watermark(body) == _without_watermark(other)


def harmless(markdown: str) -> str:
    """Return a report without what would act in the name of the one who posts it."""
    text = HIDDEN.sub("", markdown.replace("\r\n", "\n").replace("\r", "\n"))
    commented, end, rest = WATERMARK.sub("", text).rpartition("-->")
    text = ENTITY.sub(_unhidden, COMMENT.sub("", commented + end) + rest)
    for pattern, replacement in RULES:
        text = pattern.sub(replacement, text)
    return text.strip()


def _unhidden(entity: re.Match[str]) -> str:
    """Break an entity for a letter, digit or hyphen: only who hides a name from the rules writes one."""
    code = int(entity[1], 16) if entity[1] else int(entity[2])
    hiding = code < 128 and (chr(code).isalnum() or chr(code) in "-_")
    return f"&#{UNSEEN}" if hiding else entity[0]


def _without_watermark(body: str) -> str:
    return WATERMARK.sub("", body.replace("\r\n", "\n")).rstrip()


def _fitted(text: str, limit: int) -> str:
    """Return the text, or as many whole lines of it as fit with a note; nothing in it is left open."""
    note, kept, closing = f"\n\n{CUT}", None, ""
    for end, closing in _ends(text):
        if end + len(closing) + len(note) <= limit:
            kept = (end, closing)
    if len(text) + len(closing) <= limit:
        return text + closing
    if kept is None:
        raise UserError(f"report.md: its first line does not fit into {limit:,} characters.", fix="shorten it")
    return text[: kept[0]] + kept[1] + note


def _ends(text: str) -> Iterator[tuple[int, str]]:
    """Give where each line ends, and what closes the code block and the `<details>` that are open there."""
    fence, depth, end = "", 0, -1
    for line in text.split("\n"):
        end += len(line) + 1
        found = re.match(r"[ \t>]*(`{3,}|~{3,})", line)
        if fence:
            fence = "" if found and found[1].startswith(fence) and not line.strip(" \t>`~") else fence
        elif found:
            fence = found[1]
        else:
            depth = max(0, depth + len(re.findall(r"(?i)<details\b", line)) - len(re.findall(r"(?i)</details>", line)))
        yield end, (f"\n{fence}" if fence else "") + "\n\n</details>" * depth
