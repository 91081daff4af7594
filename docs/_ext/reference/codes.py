"""The page of codes: what a program can rely on when it reads an exit code, a report, an answer or a file."""

import ast
import re
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import get_args

from docs._ext.reference import layout
from holdfast import errors, leaks, params
from holdfast.comparison import TITLES, Verdict
from holdfast.contract import Expectation, expectations

INTRODUCTION = "What stands here is permanent: a code is never given another meaning."
EXITS = {
    "DONE": "Done, or nothing to object to.",
    "REFUSED": "A gate or a check refused: nothing failed, and nothing was accepted.",
    "MISTAKE": "A mistake that its reader can mend; the last line of the message begins with `fix:`.",
    "INTERRUPTED": "Interrupted (Ctrl-C).",
}
OTHERS = """A traceback, with exit code 1 as Python has it, is a bug of ours: please report it. A command that is told
to end (`SIGTERM`) ends with 143, and the parser of the command line with 2."""
LEAKS = """`prepare` writes what gives the answer away into `artifacts/prepare/leaks.json`;
[`contract.leaks`](params.md#contractleaks) says whether that is a warning or an error."""
EXPECTED = """What is promised of a partition has a name: its kind, and the column or rule that it is about.
`python -m holdfast validate --names` lists all of them with what they promise. A name under `contract.warnings` is
reported and refuses nothing."""
PROBLEMS = """Whatever the web app refuses is an `application/problem+json` (RFC 9457); `errors` lists each mistake with
`row`, `field`, `found` and `expected`. Its `type` is one of these; where the status says it all, `about:blank`."""
FORMATS = """What machines wrote and later machines read carries a number; below is the one that is written now. A
reader may also know older ones (bundle and model: 1), and refuses any other."""


def page(root: Path) -> str:
    """Return the page, with the expectations that follow from the `params.yaml` of a repository."""
    verdicts = layout.listed(layout.code(verdict) for verdict in get_args(Verdict))
    return layout.page(
        "Codes",
        INTRODUCTION,
        "## Exit codes",
        layout.table(("code", "meaning"), ([str(getattr(errors, name)), said] for name, said in EXITS.items())),
        OTHERS,
        f"## Verdicts\n\nThe judge says {verdicts}; its [gates](gates.md) are {layout.listed(TITLES, 'and')}.",
        f"## Leaks\n\n{LEAKS}",
        layout.table(("code", "meaning"), _leaks()),
        f"## Expectations\n\n{EXPECTED}",
        layout.table(("name", "here", "promises, for example", "in Great Expectations"), _expectations(root)),
        f"## Problems of the API\n\n{PROBLEMS}",
        layout.table(("type", "status", "raised in"), _problems(root)),
        f"## Formats\n\n{FORMATS}",
        layout.table(("format", "module", "which says of itself"), _formats(root)),
    )


def _leaks() -> Iterator[list[str]]:
    found = re.findall(r"^- `(L\d)`: (.*?)(?=^- |\n\n|\Z)", leaks.__doc__ or "", re.MULTILINE | re.DOTALL)
    return ([code, layout.sentence(" ".join(said.split()))] for code, said in found)


def _expectations(root: Path) -> Iterator[list[str]]:
    """Give each kind of expectation with the first of its kind."""
    settings = params.load(root / "params.yaml")
    month = "2013-01" if settings.contract.partition else None
    kinds: dict[str, list[Expectation]] = {}
    for one in expectations(settings.data, settings.contract, month):
        kinds.setdefault(one.name.partition(".")[0], []).append(one)
    for kind, same in kinds.items():
        about = ".RULE" if kind == "rule" else ".COLUMN" if "." in same[0].name else ""
        made_of = layout.listed(sorted({layout.code(one.kind) for one in same}), "and")
        yield [
            layout.code(kind + about),
            str(len(same)),
            f"{layout.code(same[0].name)}: {layout.code(same[0].expected)}",
            made_of,
        ]


def _problems(root: Path) -> list[list[str]]:
    """Find every kind of problem that the app raises; the kind is a word in its source."""
    found = dict[str, list[str]]()
    for path in sorted((root / "app").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Problem":
                where = layout.source(path.relative_to(root).as_posix())
                found |= {kind: [layout.code(f"urn:holdfast:{kind}"), _status(node), where] for kind in _kinds(node)}
    return [found[kind] for kind in sorted(found)]


def _kinds(call: ast.Call) -> list[str]:
    values = [word.value for word in call.keywords if word.arg == "kind"]
    return [str(value.value) for value in values if isinstance(value, ast.Constant)]


def _status(call: ast.Call) -> str:
    status = HTTPStatus[call.args[0].attr] if isinstance(call.args[0], ast.Attribute) else None
    return f"{status.value} {status.phrase}" if status else "another in each case"


def _formats(root: Path) -> Iterator[list[str]]:
    for path in sorted((root / "src" / "holdfast").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        numbers = [
            node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and _is_format(node.targets[0])
        ]
        if numbers:
            summary = (ast.get_docstring(tree) or "").split("\n\n")[0]
            yield [str(numbers[0]), layout.source(path.relative_to(root).as_posix()), summary]


def _is_format(target: ast.expr) -> bool:
    return isinstance(target, ast.Name) and target.id == "FORMAT"
