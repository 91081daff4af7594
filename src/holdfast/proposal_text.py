"""The text of `params.yaml` and `dvc.yaml` with what is proposed in it, and all else to the letter as it was.

A section is a top-level key with the comment in front of it. Some are written anew, in some a few values change, the
others stay. What only a person can say is left empty, with a comment; what is left out says why. Two readers read these
files, one by YAML 1.1 and one by 1.2, so that every word which is more than a plain word stands in quotation marks.
"""

import io
import re
import textwrap
from collections.abc import Mapping, Sequence
from difflib import unified_diff
from itertools import groupby, pairwise
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

WIDTH = 120
FILL_IN = "fill in"
PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*([ ./-][A-Za-z0-9_]+)*")
SAID = {"yes", "no", "on", "off", "true", "false", "null", "none", "nan", "inf"}  # words that mean more
BESIDE = {"values", "excluded", "besides", "hours", "labels"}  # lists on one line, as far as they fit
KEY = re.compile(r"(?m)^(?=[A-Za-z])")

SHOWN = 5  # of the lines that go, one after the other


def sections(text: str) -> dict[str, str]:
    """Return the sections of a file by their keys; what stands before the first is called ''."""
    starts = [_with_comment(text, found.start()) for found in KEY.finditer(text)]
    ends = [*starts, len(text)]
    found = {"": text[: ends[0]]}
    for start, end in pairwise(ends):
        part = text[start:end]
        key = re.search(r"(?m)^[A-Za-z][^:]*", part)
        found[key[0] if key else ""] = part
    return found


def _with_comment(text: str, start: int) -> int:
    """Return where the comment begins that stands right above a place, or the place itself."""
    while start and text[text.rfind("\n", 0, start - 1) + 1 : start].startswith("#"):
        start = text.rfind("\n", 0, start - 1) + 1
    return start


def joined(parts: Mapping[str, str]) -> str:
    """Return the text of sections."""
    return "".join(parts.values())


def written(key: str, content: Any, comment: str = "", *, asking: bool = False, reasons: Sequence[str] = ()) -> str:
    """Return a section, with a comment in front.

    Where it is `asking`, what is empty is to be filled in; `reasons` stand behind the items of its only list.
    """
    told = "".join(f"# {line}\n" for line in textwrap.wrap(comment, WIDTH - 2))
    body = _dumped({key: _commented(content)})
    if asking:
        body = re.sub(r'(?m)^(.*: "")$', rf"\1  # {FILL_IN}", body)
    said = iter(reasons)
    body = re.sub(r"(?m)^( *- .*)$", lambda item: f"{item[1]}  # {plain(next(said))}" if reasons else item[1], body)
    return f"{told}{body}\n"


def changed(part: str, values: Mapping[str, Any]) -> str:
    """Return a section with other values, by their dotted paths from the top."""
    if not values:
        return part
    yaml = _yaml()
    head, body = _headed(part)
    content = yaml.load(body)
    for path, value in values.items():
        *above, last = path.split(".")
        place = content
        for one in above:
            place = place[one]
        place[last] = _like(place.get(last), value)
    before = set(body.splitlines())
    lines = [
        line if line in before else re.sub(r" +#", "  #", line) for line in _dumped(content).rstrip("\n").splitlines()
    ]
    return head + "\n".join(lines) + body[len(body.rstrip("\n")) :]


def _headed(part: str) -> tuple[str, str]:
    """Return the comment above a section, and the section."""
    found = KEY.search(part)
    place = found.start() if found else 0
    return part[:place], part[place:]


def _like(old: Any, value: Any) -> Any:
    """Return a value that is laid out as the one before it."""
    made = _commented(value)
    if isinstance(old, CommentedMap | CommentedSeq) and old.fa.flow_style() and hasattr(made, "fa"):
        made.fa.set_flow_style()
    return made


def plain(text: str) -> str:
    """Return a text that can stand in a comment."""
    return "".join(one if one.isprintable() else "?" for one in " ".join(text.split()))[:200]


def _commented(content: Any, key: str = "") -> Any:
    """Return content as ruamel's containers, with words in quotation marks where they need them."""
    match content:
        case dict():
            return CommentedMap({_quoted(name): _commented(value, name) for name, value in content.items()})
        case list() | tuple():
            made = CommentedSeq([_commented(value) for value in content])
            if key in BESIDE - {"besides"} or all(isinstance(value, int | float) for value in content):
                made.fa.set_flow_style()
            return made
        case str():
            return _quoted(content)
        case _:
            return content


def _quoted(word: str) -> str:
    if PLAIN.fullmatch(word) and word.lower() not in SAID:
        return word
    return DoubleQuotedScalarString(word)


def _dumped(content: Any) -> str:
    stream = io.StringIO()
    _yaml().dump(content, stream)
    return stream.getvalue()


def _yaml() -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = WIDTH
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.representer.add_representer(float, _number)
    return yaml


def _number(representer: Any, value: float) -> Any:
    """Write a number so that YAML 1.1 takes it for one: with a point, and a sign in its exponent."""
    text = repr(value)
    mantissa, mark, exponent = text.partition("e")
    if mark:
        text = f"{mantissa}{'' if '.' in mantissa else '.0'}e{'' if exponent[0] in '+-' else '+'}{exponent}"
    return representer.represent_scalar("tag:yaml.org,2002:float", text)


def diff(name: str, before: str, after: str) -> list[str]:
    """Return what changes in a file, as Git would show it; of many lines that go, only how many."""
    lines = unified_diff(before.splitlines(), after.splitlines(), f"a/{name}", f"b/{name}", lineterm="")
    found = list[str]()
    for goes, run in groupby(lines, lambda line: line.startswith("-") and not line.startswith("--- ")):
        some = list(run)
        kept = some[:SHOWN] if goes and len(some) > SHOWN + 1 else some
        found += [*kept, *([f"-… {len(some) - len(kept)} more lines go"] if len(kept) < len(some) else [])]
    return found
