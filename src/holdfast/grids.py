"""What a sweep tries: the settings that people type, expanded into points, and checked before anything runs.

Values are written as `dvc exp run -S` takes them: `0.03,0.1`, `[15,31],[31,63]`, `range(50,200,50)`. What may vary is
what makes another model of the same rows: models that were judged on other validation rows could not be compared.
"""

import json
import math
from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple

from pydantic import ValidationError

from holdfast.errors import UserError, nearest
from holdfast.params import Params

SECTIONS = ("featurize", "seed", "train")
LIMIT = 100
ESTIMATOR = "train.estimator"

Point = dict[str, Any]


class Grid(NamedTuple):
    """The points to try, the parameters of this tree first, and the names of the parameters that vary."""

    points: tuple[Point, ...]
    names: tuple[str, ...]


def expand(settings: Sequence[str], content: dict[str, Any]) -> Grid:
    """Return every combination of the values, each once; `content` is that of params.yaml.

    Raises: UserError where a name or a value is none that params.yaml could have, or the points are too many.
    """
    given = dict[str, list[Any]]()
    for setting in settings:
        name, values = _parsed(setting, content)
        if name in given:
            raise UserError(f"-S {name}: found it twice, expected all of its values in one.", fix=f"-S '{name}=A,B'")
        given[name] = values
    _refuse_too_many(given)
    now = _flat(content)
    as_it_is = {name: now[name] for name in given}
    combinations = [dict(zip(given, values, strict=True)) for values in product(*given.values())]
    found = [_read(point, content) for point in [as_it_is, *combinations]]
    _refuse_what_is_never_read(given, found[1:], content)
    points = tuple(dict(unique) for place, unique in enumerate(found) if unique not in found[:place])
    return Grid(points, tuple(name for name in given if len({_key(point.get(name)) for point in points}) > 1))


def with_values(content: dict[str, Any], point: Point) -> dict[str, Any]:
    """Return the content of params.yaml with the values of a point."""
    for name, value in point.items():
        content = _with_value(content, name.split("."), value)
    return content


def short(names: Sequence[str]) -> list[str]:
    """Return the last words of names, or the whole where two end alike."""
    ends = [name.rpartition(".")[2] for name in names]
    return [end if ends.count(end) == 1 else name for name, end in zip(names, ends, strict=True)]


def said(point: Point) -> str:
    """Return a point as people read it."""
    return ", ".join(f"{name.rpartition('.')[2]} {shown(value)}" for name, value in point.items())


def shown(value: Any) -> str:
    """Return a value as people read it; a list of one is that one."""
    values = value if isinstance(value, list) else [value]
    return ", ".join(f"{one:g}" if isinstance(one, float) else str(one) for one in values)


def _parsed(setting: str, content: dict[str, Any]) -> tuple[str, list[Any]]:
    """Return the full name and the values of one setting."""
    from dvc.utils.hydra import to_hydra_overrides
    from hydra.errors import HydraException

    name = setting.partition("=")[0]
    fix = "write it as -S 'NAME=A,B', 'NAME=[A,B],[C]' or 'NAME=range(START,STOP,STEP)'"
    try:
        (override,) = to_hydra_overrides([setting])
    except HydraException as error:
        found = str(error).splitlines()[-2].partition(" expecting ")[0].strip()
        raise UserError(f"-S '{setting}': {found}, expected NAME=A,B.", fix=fix) from error
    kind = override.value_type.name if override.value_type and override.type.name == "CHANGE" else ""
    if override.package or kind not in {"ELEMENT", "CHOICE_SWEEP", "SIMPLE_CHOICE_SWEEP", "RANGE_SWEEP"}:
        raise UserError(f"-S '{setting}': found no list of values for a parameter, expected NAME=A,B.", fix=fix)
    name = _full(override.key_or_group, content)
    values = _values(override.value(), f"-S {name}", fix)
    listed = isinstance(_flat(content)[name], list)
    return name, [[value] if listed and not isinstance(value, list) else value for value in values]


def _values(parsed: Any, where: str, fix: str) -> list[Any]:
    """Return what hydra's grammar means by a value: one, a choice, or a range."""
    if hasattr(parsed, "range"):
        steps = math.ceil((parsed.stop - parsed.start) / parsed.step) if parsed.step else 0
        if steps < 1:
            raise UserError(f"{where}: found a range without a value, expected at least one.", fix=fix)
        _refuse_more(steps)
        return list(parsed.range())
    values = [_plain(value) for value in (parsed.list if hasattr(parsed, "list") else [parsed])]
    return [value for place, value in enumerate(values) if value not in values[:place]]


def _plain(value: Any) -> Any:
    """Return a value without the quotes in which it was typed."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return getattr(value, "text", value)


def _full(given: str, content: dict[str, Any]) -> str:
    """Return the full name of a parameter; `train.learning_rate` is enough where just one ends and begins so."""
    known = _flat(content)
    fitting = [given] if given in known else [name for name in known if _is_short_for(given, name)]
    allowed = [name for name in known if name.split(".")[0] in SECTIONS]
    if len(fitting) != 1:
        found = f"'{given}', which may be {' or '.join(fitting)}." if fitting else f"no parameter '{given}'"
        ends = [name.rpartition(".")[2] for name in allowed]
        end = "" if fitting else nearest(given.rpartition(".")[2], ends) or "."
        raise UserError(f"-S: found {found}{end}", fix=f"name one of {', '.join(allowed)}")
    if fitting[0] not in allowed:
        problem = f"-S {fitting[0]}: found a parameter that makes no other model of the same training rows"
        raise UserError(f"{problem}, expected one of {', '.join(SECTIONS)}.", fix=f"edit {fitting[0]} in params.yaml")
    return fitting[0]


def _is_short_for(given: str, name: str) -> bool:
    parts, left = given.split("."), iter(name.split("."))
    return parts[-1] == name.split(".")[-1] and all(part in left for part in parts)


def _read(point: Point, content: dict[str, Any]) -> Point:
    """Return the values of a point that its estimator reads, as typed as params.yaml has them.

    Raises: UserError where params.yaml could not have them.
    """
    changed = with_values(content, point)
    try:
        typed = Params.model_validate_json(json.dumps(changed, default=str), strict=True).model_dump()
    except ValidationError as error:
        raise _mendable(error, point) from error
    flat = _flat(typed)
    return {name: flat[name] for name in point if not _is_of_another_estimator(name, typed)}


def _is_of_another_estimator(name: str, content: dict[str, Any]) -> bool:
    section, *below = name.split(".")
    return section == "train" and len(below) > 1 and below[0] != content["train"]["estimator"]


def _refuse_what_is_never_read(given: dict[str, list[Any]], points: Sequence[Point], content: dict[str, Any]) -> None:
    for name in given:
        if not any(name in point for point in points):
            estimators = [str(one) for one in given.get(ESTIMATOR, [content["train"]["estimator"]])]
            read, other = " or ".join(estimators), name.split(".")[1]
            problem = f"-S {name}: found a parameter of {other}, expected one that {read} reads"
            remedy = f"-S {ESTIMATOR}={','.join([*estimators, other])}, or name a parameter of {read}"
            raise UserError(f"{problem}, the estimator of every point.", fix=remedy)


def _refuse_too_many(given: dict[str, list[Any]]) -> None:
    _refuse_more(math.prod(len(values) for values in given.values()))


def _refuse_more(count: int) -> None:
    if count > LIMIT:
        problem = f"-S: found a grid of {count:,} points, expected at most {LIMIT}."
        raise UserError(problem, fix="try fewer values at once: coarse ones first, then those around the best")


def _mendable(error: ValidationError, point: Point) -> UserError:
    """Turn the first complaint of pydantic into what was found for which name."""
    first = error.errors()[0]
    where = ".".join(str(key) for key in first["loc"])
    name = next((one for one in point if where == one or where.startswith(f"{one}.")), ", ".join(point))
    expected = first["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    return UserError(f"-S {name}: found {first['input']!r}, expected {expected}.", fix=f"correct the values of {name}")


def _with_value(content: dict[str, Any], path: list[str], value: Any) -> dict[str, Any]:
    """Return content that is its own on the way to the value: in YAML, two places can be one object."""
    first, *below = path
    return content | {first: _with_value(content[first], below, value) if below else value}


def _flat(content: dict[str, Any], path: str = "") -> dict[str, Any]:
    """Return nested settings by their full names."""
    found = dict[str, Any]()
    for key, value in content.items():
        found |= _flat(value, f"{path}{key}.") if isinstance(value, dict) else {f"{path}{key}": value}
    return found


def _key(value: Any) -> str:
    return json.dumps(value)
