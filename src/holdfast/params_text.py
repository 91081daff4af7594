"""Change values in the text of `params.yaml`, and nothing else: comments, order and layout stay as they are."""

from typing import Any

import yaml

from holdfast import grids
from holdfast.errors import UserError
from holdfast.grids import Point

WIDE = 1 << 16  # a value is one line


def edited(text: str, point: Point) -> str:
    """Return the text with the values of a point.

    Raises: UserError where a value is not written in a place of its own.
    """
    changed, now = text, yaml.safe_load(text)
    for name, value in point.items():
        if grids.with_values(now, {name: value}) != now:
            changed = _with_value(changed, name, value)
    if yaml.safe_load(changed) != grids.with_values(now, point):
        problem = f"params.yaml: found {', '.join(point)} written by a reference to another value."
        raise UserError(problem, fix="write these values out in params.yaml, without & and *")
    return changed


def _with_value(text: str, name: str, value: Any) -> str:
    node: Any = yaml.compose(text, yaml.SafeLoader)
    for key in name.split("."):
        node = next(below for one, below in node.value if one.value == key)
    start, end = node.start_mark.index, _last(node)
    if isinstance(node, yaml.SequenceNode) and not node.flow_style:
        between = f"\n{' ' * node.start_mark.column}"
        return text[:start] + between.join(f"- {_written(one)}" for one in value) + text[end:]
    return text[:start] + _written(value) + text[end:]


def _last(node: yaml.Node) -> int:
    """Return where a node ends; PyYAML counts what follows a block as a part of it."""
    if isinstance(node, yaml.SequenceNode) and not node.flow_style and node.value:
        return _last(node.value[-1])
    return int(node.end_mark.index)


def _written(value: Any) -> str:
    return str(yaml.safe_dump(value, default_flow_style=True, width=WIDE)).removesuffix("...\n").strip()
