"""What becomes of a report that someone else's code wrote, before it is posted in the name of the bot."""

import re
import time

import pytest

from holdfast import report_body
from holdfast.errors import UserError
from holdfast.report_body import LIMIT, MARKER, UNSEEN, compose, harmless, is_marked, same

HEAD = "a" * 40
RUN = "https://github.com/owner/name/actions/runs/5"
WATERMARK = f'![](https://cml.dev/watermark.png#{HEAD} "CML watermark")'

ORDINARY = """\
## promote

| metric | champion | challenger | difference |
|:--|--:|--:|:--|
| ROC AUC | 0.7281 | **0.7312** | +0.0031 <sub>95&nbsp;%: +0.0012 to +0.0050</sub> |
| log loss | 0.501 | 0.498 | &minus;0.003 |
| `carrier&#124;origin` | a \\| b | &lt;none&gt; | p &#x3c; 0.05, 3 < 4 |

<details open><summary>Slices: 12 judged, 3 too small &#35; rows</summary>

<table><tr><th align="left">slice</th><td colspan="2">JFK<br/>EWR</td></tr></table>

```mermaid
%%{init: {"themeVariables": {"xyChart": {"plotColorPalette": "#0969da, #238636, #cf222e"}}}}%%
xychart-beta
    title "Late or not: #quot;15#quot; minutes"
    x-axis [jan, feb]
    line [0.1, 0.2]
flowchart LR
    A --> B
    style A fill:#0969da,stroke:#238636
```

</details>

- [x] G1: `dvc repro --allow-missing` keeps 2 of 3, 50 % of #rows; high-5 is #1st
- see <https://example.org/a> and [the docs](https://github.com/owner/name/blob/main/docs/ci.md#top)

1. über, 東京, 😀
"""


def test_an_ordinary_report_comes_through_as_it_is() -> None:
    assert harmless(ORDINARY) == ORDINARY.strip()


def test_the_comment_begins_with_whose_report_it_is_and_ends_in_our_marker() -> None:
    body = compose(ORDINARY, HEAD, RUN)

    assert body.splitlines()[0].startswith(f"**Report on {'a' * 12}**, made by [this run]({RUN}) with the code of this")
    assert body.splitlines()[1] == ""
    assert body.endswith(f"\n\n{MARKER}")
    assert is_marked(body)


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("@victim", "@~victim"),
        ("| @victim | \\@victim |", "| @~victim | \\@~victim |"),
        ("**@org/team** _@victim_", "**@~org/team** _@~victim_"),
        ("<summary>@victim</summary>", "<summary>@~victim</summary>"),
        ("&#64;victim &#064;v &#x40;v &#X0040;v &commat;v", "&#64;~victim &#064;~v &#x40;~v &#X0040;~v &commat;~v"),
        ("<b>&#64victim</b> &#64; &#641;", "<b>&#~64~victim</b> &#64; &#641;"),
        ("@&#118;ictim @&#x76;ictim", "@~&#~118;ictim @~&#~x76;ictim"),
        ("`@victim`", "`@~victim`"),
        ("A@{ img: 'https://evil.example/x.png' }", "A@~{ img: 'https://evil.example/x.png' }"),
    ],
)
def test_nobody_is_mentioned(hostile: str, shown: str) -> None:
    assert harmless(hostile) == shown.replace("~", UNSEEN)


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("fixes #12, closes #3.", "fixes #~12, closes #~3."),
        ("GH-12 gh-1 (GH-3)", "GH-~12 gh-~1 (GH-~3)"),
        ("other/name#12 other/name#123456", "other/name#~12 other/name#~123456"),
        ("&#35;12 &#x23;12 &num;12", "&#35;~12 &#x23;~12 &num;~12"),
        ("#&#49; GH&#45;1", "#&#~49; GH&#~45;1"),
        ("&#12 and &#124;", "&#~12 and &#124;"),
        ("https://github.com/other/name/issues/12", "https://redirect.github.com/other/name/issues/12"),
        ("https://github.com:443/orgs/name/discussions/1", "https://redirect.github.com:443/orgs/name/discussions/1"),
        ("[x](//WWW.GitHub.com/a/b/pull/1)", "[x](//redirect.github.com/a/b/pull/1)"),
        (r"[x](https://github&period;com\/a/b&sol;discussions/1)", r"[x](https://redirect.github.com\/a/b&sol;discussions/1)"),
        ("/approve\n> /lgtm\n a/b", "~/approve\n> ~/lgtm\n a/b"),
    ],
)  # fmt: skip
def test_nothing_is_referred_to_and_no_bot_is_commanded(hostile: str, shown: str) -> None:
    assert harmless(hostile) == shown.replace("~", UNSEEN)


@pytest.mark.parametrize(
    "hostile",
    [
        "![](https://evil.example/pixel.png)",
        "![x][evil]\n\n[evil]: https://evil.example/pixel.png",
        "[![build](https://evil.example/b.svg)](https://evil.example)",
        '<img src="https://evil.example/pixel.png">',
        "<IMG\nsrc=https://evil.example/pixel.png>",
        '<picture><source srcset="https://evil.example/pixel.png"></picture>',
        '<p style="background:url(https://evil.example)">',
        '<table background="https://evil.example/pixel.png">',
        "<video src=https://evil.example>",
        "<svg/onload=alert(1)>",
        "<script>alert(1)</script>",
        '<a href="javascript:alert(1)">',
        "<!-- hidden",
        "<!doctype html>",
        "<?php",
        "<a href='https://evil.example",
        "<pre>",
        "<textarea>",
    ],
)
def test_no_image_and_no_other_html_is_left(hostile: str) -> None:
    made = harmless(hostile)

    assert "![" not in made
    assert not re.search(r"<(?!/?(?:p|table)>)[a-zA-Z!?]", made)
    assert made.replace(UNSEEN, "") == hostile


@pytest.mark.parametrize(
    "forged",
    [
        MARKER,
        f"x{MARKER}",
        f"<!-- a {MARKER}",
        "<!-- x <!-- holdfast-report --> -->",
        f"<!-{MARKER}- holdfast-report -->",
        f"<!<!-- x -->-- holdfast-report -->\n{MARKER}",
        f"\n\n{MARKER}\n\n```",
        WATERMARK,
        f"!{WATERMARK}[](https://cml.dev/watermark.png#{HEAD} \"CML watermark\")",
    ],
)  # fmt: skip
def test_no_report_forges_our_marker_or_the_watermark_of_cml(forged: str) -> None:
    made = harmless(f"text\n{forged}")

    assert MARKER not in made
    assert not report_body.WATERMARK.search(made)
    assert not is_marked(made)


def test_html_comments_are_left_out_and_arrows_are_not() -> None:
    assert harmless("a<!-- x\n\ny -->b --> c") == "ab --> c"
    assert harmless("A --> B\n<!-- C") == f"A --> B\n<{UNSEEN}!-- C"


def test_characters_that_nobody_sees_are_left_out() -> None:
    assert harmless("a\x00b\x1b[31m\u202ec\u2066d\r\ne\rf\tg") == "ab[31mcd\ne\nf\tg"


def test_two_comments_say_the_same_whatever_cml_and_github_put_at_their_end() -> None:
    body = compose("one\ntwo", HEAD, RUN)

    assert same(f"{body}\n\n{WATERMARK}", body)
    assert same(body.replace("\n", "\r\n"), f"{body}\n")
    assert is_marked(f"{body}\n\n{WATERMARK}")
    assert not same(body, compose("one\nthree", HEAD, RUN))


def test_a_marker_that_is_quoted_marks_nothing() -> None:
    assert not is_marked(f"> {MARKER}")
    assert not is_marked(f"{MARKER}\n\nI quote this")
    assert not is_marked(MARKER)


@pytest.mark.parametrize("length", [64_000, 65_000, 70_000, 500_000])
def test_a_long_report_is_cut_after_a_line_and_says_so(length: int) -> None:
    lines = [f"| row {number} | {'x' * 80} |" for number in range(length // 90)]
    body = compose("\n".join(lines), HEAD, RUN)

    kept = [line for line in body.splitlines() if line.startswith("| row")]
    assert len(body) <= LIMIT
    assert kept == lines[: len(kept)]
    assert (report_body.CUT in body) == (len(kept) < len(lines))
    assert len(body) > LIMIT - 200 or len(kept) == len(lines)
    assert is_marked(body)


def test_what_fits_exactly_is_not_cut() -> None:
    room = LIMIT - len(compose("", HEAD, RUN))

    assert report_body.CUT not in compose("x" * room, HEAD, RUN)
    assert report_body.CUT in compose(f"y\n{'x' * (room - 1)}", HEAD, RUN)
    with pytest.raises(UserError, match=r"report\.md: its first line does not fit"):
        compose("x" * (room + 1), HEAD, RUN)


@pytest.mark.parametrize(
    ("opened", "closing"),
    [
        ("<details>\n<summary>a</summary>\n\n<details open>", "\n\n</details>\n\n</details>"),
        ("```mermaid\n<details>", "\n```"),
        ("~~~~\n~~~\n```", "\n~~~~"),
        ("> ````\n> ```", "\n````"),
        ("<details>\n\n```\n</details>", "\n```\n\n</details>"),
        ("</details><details></details>", ""),
        ("```\n```text\n```", ""),
    ],
)
def test_nothing_is_left_open_that_would_swallow_the_marker(opened: str, closing: str) -> None:
    assert compose(opened, HEAD, RUN).endswith(f"{opened}{closing}\n\n{MARKER}")

    cut = compose(opened + "\ntext" * 20_000, HEAD, RUN)
    assert cut.endswith(f"text{closing}\n\n{report_body.CUT}\n\n{MARKER}")
    assert len(cut) <= LIMIT


@pytest.mark.parametrize(
    "part", ["<!--", "&#", "<a href='https://", "<details>\n", "@", "```\n", "&#64", "<a ", "![](", "\\", "> ", "0"]
)
def test_a_hostile_report_takes_no_long_time(part: str) -> None:
    begun = time.process_time()

    compose("report\n" + part * ((1 << 18) // len(part)), HEAD, RUN)

    assert time.process_time() - begun < 3
