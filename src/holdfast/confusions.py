"""Which class was taken for which: the counts, what they say of each class, and the counts in shades.

A class is named as people call it. Of very many classes, those are shown that are found least often.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from holdfast.pages import Html, element
from holdfast.targets import ClassesTarget

SHOWN = 24  # classes in shades


class Found(NamedTuple):
    """A class: its rows, how many of them got its label, how many rows got it, and what it is mostly taken for."""

    name: str
    rows: int
    right: int
    called: int
    taken_for: str = ""
    mistaken: int = 0  # rows that were taken for that

    @property
    def recall(self) -> float | None:
        """The share of its rows that got its label."""
        return self.right / self.rows if self.rows else None

    @property
    def precision(self) -> float | None:
        """The share of the rows with its label that are of it."""
        return self.right / self.called if self.called else None


def confusion(target: np.ndarray, scores: np.ndarray, classes: ClassesTarget) -> pd.DataFrame:
    """Count the rows of each class (lines) by the class that is predicted (columns).

    Shapes: target (n,) of places, scores (n, classes) → (classes, classes).
    """
    count = len(classes.values)
    counts = np.bincount(target * count + scores.argmax(axis=1), minlength=count * count).reshape(count, count)
    names = [called(classes, value) for value in classes.values]
    return pd.DataFrame(counts, index=names, columns=names)


def called(classes: ClassesTarget, value: str) -> str:
    """Name a class as people do."""
    return classes.names.get(value, value.replace("_", " "))


def each(matrix: pd.DataFrame) -> list[Found]:
    """Return what the counts say of each class, in their order."""
    counts, names = matrix.to_numpy(), [str(name) for name in matrix.columns]
    found = []
    for place, name in enumerate(names):
        wrong = counts[place].copy()
        wrong[place] = 0
        worst = int(wrong.argmax())
        mistaken = int(wrong[worst])
        right, rows = int(counts[place, place]), int(counts[place].sum())
        taken_for = names[worst] if mistaken else ""
        found.append(Found(name, rows, right, int(counts[:, place].sum()), taken_for, mistaken))
    return found


def shades(matrix: pd.DataFrame, caption: str) -> Html:
    """Draw the counts as a table, each cell the darker, the larger its share of the rows of its class."""
    places, counts = _shown(matrix), matrix.to_numpy()
    names = [str(matrix.columns[place]) for place in places]
    head = element("tr", element("th", "is ↓ called →", scope="col"), *(_head(name, "col") for name in names))
    lines = [
        element("tr", _head(name, "row"), *_cells(counts[place], places, place))
        for name, place in zip(names, places, strict=True)
    ]
    table = element("table", element("thead", head), element("tbody", *lines), class_="shades")
    less = len(matrix) - len(places)
    more = f" ({less:,} classes that are found more often are left out)" if less else ""
    scrolling = element("div", table, class_="wide", tabindex="0", role="region", aria_label=caption)
    return element("figure", element("figcaption", caption + more), scrolling, class_="matrix")


def _shown(matrix: pd.DataFrame) -> list[int]:
    found = each(matrix)
    least = sorted(range(len(found)), key=lambda place: 1.0 if (share := found[place].recall) is None else share)
    return sorted(least[:SHOWN])


def _head(name: str, scope: str) -> Html:
    return element("th", name, scope=scope)


def _cells(counts: np.ndarray, places: Sequence[int], own: int) -> list[Html]:
    rows = max(int(counts.sum()), 1)
    return [
        element(
            "td",
            f"{counts[place]:,}",
            class_="number",
            style=_shade(counts[place] / rows, right=place == own),
            title=f"{counts[place] / rows:.1%}",
        )
        for place in places
    ]


def _shade(share: float, *, right: bool) -> str:
    colour = "--main" if right else "--second"
    return f"background: color-mix(in srgb, var({colour}) {60 * share:.0f}%, transparent)"


STYLE = """
.matrix { margin-top: 20px; } .shades { width: auto; }
.shades th, .shades td { padding: 6px 12px; border: 1px solid var(--page); }
.shades thead th, .shades tbody th { font-weight: 500; font-size: 13px; color: var(--soft); white-space: nowrap; }
.shades .number { min-width: 4em; } .wide { overflow-x: auto; }
"""
