"""The page of parameters: each key of `params.yaml` with its type, bounds, default and meaning, from the classes."""

import json
import re
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from app.config import Config
from docs._ext.reference import layout
from holdfast.metrics import Metric
from holdfast.params import Params

INTRODUCTION = f"""Every choice is in {layout.source("params.yaml")}. A key that is not listed here is refused, with
the name of the nearest one that is. The last column shows what the file says in this repository."""
HEAD = ("key", "type", "default", "meaning", "here")
SERVICE = """## Environment variables of the service

The web app reads no `params.yaml`: what is in the model comes with it, and the rest are environment variables. A
variable that is set and empty counts as not set."""
WORDS = {int: "whole number", float: "number", str: "text", bool: "`true` or `false`", Any: "anything"}
BOUNDS = {
    annotated_types.Gt: ("gt", "above {}"),
    annotated_types.Ge: ("ge", "at least {}"),
    annotated_types.Lt: ("lt", "below {}"),
    annotated_types.Le: ("le", "at most {}"),
    annotated_types.MinLen: ("min_length", "at least {} of them"),
    annotated_types.MaxLen: ("max_length", "at most {} of them"),
}


@dataclass(frozen=True)
class Section:
    """A class of settings: where it stands, and what `params.yaml` has there."""

    path: str
    which: str
    model: type[BaseModel]
    values: Mapping[str, Any]

    def markdown(self) -> str:
        """Describe each key."""
        rows = [_row(name, field, self.values) for name, field in self.model.model_fields.items()]
        level = "##" if self.path.removesuffix(".NAME").count(".") == 0 else "###"
        heading = f"{level} `{self.path}`{self.which}"
        return f"{heading}\n\n{layout.docstring(self.model)}\n\n{layout.table(HEAD, rows)}"


def page(path: Path) -> str:
    """Return the page, with the values of a `params.yaml`."""
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    plain = {name: field for name, field in Params.model_fields.items() if not _models(field.annotation)}
    top = layout.table(HEAD, (_row(name, field, values) for name, field in plain.items()))
    sections = [section.markdown() for section in _sections(Params, "", values)]
    variables = [_variable(name, field) for name, field in Config.model_fields.items()]
    service = layout.table(("variable", "default", "expected"), variables)
    return layout.page("Parameters", INTRODUCTION, top, *sections, SERVICE, service)


def _sections(model: type[BaseModel], path: str, values: Mapping[str, Any]) -> Iterator[Section]:
    """Give the sections below a class, each before those that are below it."""
    for name, field in model.model_fields.items():
        inner = _models(field.annotation)
        for one in inner:
            where = f"{path}{name}{_many(field.annotation)}"
            which = f" with {_sign(one)}" if len(inner) > 1 else ""
            example = _example(values.get(name), one)
            yield Section(where, which, one, example)
            yield from _sections(one, f"{where}.", example)


def _models(annotation: Any) -> list[type[BaseModel]]:
    """Return the classes of settings in an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]


def _many(annotation: Any) -> str:
    """Return what stands between a key and those of the classes below it."""
    origin: Any = get_origin(annotation)
    return ".NAME" if origin is dict else "[]" if origin in {list, tuple} else ""


def _sign(model: type[BaseModel]) -> str:
    """Return what tells a class from others that may stand in its place: `kind: number`."""
    signs = [(name, get_args(field.annotation)) for name, field in model.model_fields.items()]
    return layout.listed((f"`{name}: {said[0]}`" for name, said in signs if _is_one_word(model, name)), "and")


def _is_one_word(model: type[BaseModel], name: str) -> bool:
    annotation = model.model_fields[name].annotation
    return get_origin(annotation) is Literal and len(get_args(annotation)) == 1


def _example(value: Any, model: type[BaseModel]) -> Mapping[str, Any]:
    """Return the first settings of a class among those that a key has."""
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    for candidate in (value, *inner):
        try:
            model.model_validate_json(json.dumps(candidate, default=str))
        except ValidationError:
            continue
        return dict(candidate)
    return {}


def _row(name: str, field: FieldInfo, values: Mapping[str, Any]) -> list[str]:
    inner = _models(field.annotation)
    here = layout.code(_shown(values[name])) if name in values and not inner else ""
    meaning = layout.sentence(field.description or _summary(inner))
    return [layout.code(name), _type(field), _default(field), meaning, here]


def _summary(models: list[type[BaseModel]]) -> str:
    """Return what a section is, in a sentence; of several, each says it at its place."""
    return re.split(r"(?<=\.)\s", layout.docstring(models[0]))[0] if len(models) == 1 else ""


def _variable(name: str, field: FieldInfo) -> list[str]:
    return [layout.code(name.upper()), _default(field), layout.sentence(field.description or "")]


def _type(field: FieldInfo) -> str:
    return ", ".join([_named(field.annotation), *_bounds(field.metadata)])


def _named(annotation: Any) -> str:
    """Say a type in words."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        own = [part for extra in parts[1:] for part in getattr(extra, "metadata", [extra])]
        return f"{_named(parts[0])} ({', '.join(_bounds(own))})" if _bounds(own) else _named(parts[0])
    if annotation == Metric:
        return "[metric](gates.md#metrics)"
    if origin is Literal:
        return layout.listed(f"`{part}`" for part in parts)
    if origin in {Union, types.UnionType}:
        return layout.listed(dict.fromkeys(_named(part) for part in parts if part is not type(None)))
    if origin in {list, tuple}:
        several = len(parts) > 1 and parts[1] is not ...
        return f"{len(parts)} times {_named(parts[0])}" if several else f"list of {_named(parts[0])}"
    if origin is dict:
        return f"{_named(parts[1])} by {'name' if parts[0] is str else _named(parts[0])}"
    return WORDS.get(annotation, "section")


def _bounds(metadata: list[Any]) -> list[str]:
    said = []
    for one in metadata:
        if type(one) in BOUNDS:
            attribute, words = BOUNDS[type(one)]
            said.append(words.format(f"{getattr(one, attribute):,}"))
        elif getattr(one, "pattern", None):
            said.append(f"like `{one.pattern}`")
    return said


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None or value is PydanticUndefined or isinstance(value, BaseModel) or value in ("", (), {}, []):
        return ""
    return layout.code(_shown(list(value) if isinstance(value, tuple) else value))


def _shown(value: Any) -> str:
    """Write a value on one line, as YAML does."""
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10**6, sort_keys=False)
    return text.removesuffix("\n").removesuffix("\n...")
