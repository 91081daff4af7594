"""The page of gates: what each asks, by which thresholds, and where that is decided."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from docs._ext.reference import layout
from holdfast import comparison, params, promotion
from holdfast.comparison import TITLES
from holdfast.metrics import COMPARED, LABELS, LOWER_IS_BETTER, Metric
from holdfast.params import Gates

INTRODUCTION = f"""The judge ({layout.source("src/holdfast/comparison.py")}) asks these of a challenger, at a desk
(`python -m holdfast report`), on a pull request and at promotion. The codes are permanent. The verdict is `promote` if
every gate passes, `keep` if one refuses, and `cannot judge` if one has no answer.
[Comparing two models](../comparison.md) says how, and how often the judge errs."""
REQUIRED = """## What a promotion asks besides

Before the judge is asked, `promote` refuses a version of which one of these is not said, or a tag of G5, or a part of
its card:"""


def page(path: Path) -> str:
    """Return the page, with the thresholds of a `params.yaml`."""
    settings = params.load(path)
    rows = [_row(code, settings.gates) for code in TITLES]
    head = ("code", "title", "asks", "thresholds in `params.yaml`", "answered by")
    others = [
        [name, layout.code(key), layout.code(_shown(value))]
        for name, environment in settings.environments.items()
        for key, value in environment.gates.items()
    ]
    elsewhere = layout.table(("environment", "key", "there"), others) if others else "None in this repository."
    metrics = [[layout.code(name), said, _targets(name), _better(name)] for name, said in LABELS.items()]
    required = [[layout.code(name), layout.sentence(why)] for name, why in promotion.REQUIRED.items()]
    return layout.page(
        "Gates",
        INTRODUCTION,
        layout.table(head, rows),
        "## Other thresholds in an environment\n\nAn environment may have its own, under `environments.NAME.gates`.",
        elsewhere,
        "## Metrics\n\nA floor or a margin may be set for any of these.",
        layout.table(("key", "metric", "of targets of kind", "better is"), metrics),
        REQUIRED,
        layout.table(("tag", "what it is"), required),
    )


def _targets(metric: Metric) -> str:
    return layout.listed((layout.code(kind) for kind, names in COMPARED.items() if metric in names), "and")


def _better(metric: Metric) -> str:
    return "lower" if metric in LOWER_IS_BETTER else "higher"


def _row(code: str, gates: Gates) -> list[str]:
    """Describe a gate by the function that answers it, and by the keys whose description begins with its code."""
    answer = _answer(code)
    keys = [name for name, field in Gates.model_fields.items() if (field.description or "").startswith(f"{code}:")]
    thresholds = [layout.code(f"{name}: {_shown(getattr(gates, name))}") for name in keys or ["groups"]]
    return [code, TITLES[code], layout.docstring(answer), "<br>".join(thresholds), layout.code(answer.__name__)]


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return f"{len(value)} of them"
    plain = value.margin if isinstance(value, params.SliceGate) else value
    return ", ".join(f"{key} {bound:g}" for key, bound in plain.items()) if isinstance(plain, dict) else f"{plain}"


def _answer(code: str) -> Callable[..., Any]:
    """Return the function that answers a gate: it ends with the code of the gate; that of the first says why not."""
    for name, function in inspect.getmembers(comparison, inspect.isfunction):
        if f'_gate("{code}"' in inspect.getsource(function):
            answer: Callable[..., Any] = getattr(comparison, name)
            return answer
    return comparison._why_not
