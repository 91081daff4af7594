"""What is another in the working tree than at a commit: parameters, packages, stages, and what both are made of."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import yaml

from holdfast import commits
from holdfast.commits import Commit
from holdfast.contenders import MODEL
from holdfast.params import Slice
from holdfast.rebuild import LOCK
from holdfast.report import Change, Side, Stage

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # a lock has 1,000 lines: in C they take a sixth of the time
# Parameters that decide what a row and its label mean, which rows are judged, how they are drawn, and which slices.
ASKED = ("data.group", "data.id", "data.target.", "data.time", "evaluate.slices", "ingest.", "seed", "split.")
PACKAGE = re.compile(r"[A-Za-z0-9_.-]+")
PINNED = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[[^]]*\])?==([^\s;\\]+)", re.MULTILINE)


def side(root: Path, commit: Commit | None, name: str) -> Side:
    """Return where a model comes from: a commit, or the working tree."""
    read = _Files(root, commit)
    outs = {out["path"]: out["md5"] for stage in read.stages().values() for out in stage.get("outs", [])}
    return Side(
        name=name,
        commit=commit.hash if commit else commits.git(root, "rev-parse", "HEAD").stdout.strip(),
        data=_data(read.yaml("data.dvc")),
        model=outs.get(MODEL, ""),
        environment=_sha256(read.text(LOCK)),
        lock=_sha256(read.text("dvc.lock")),
        params=_sha256(read.text("params.yaml")),
    )


def changed_params(root: Path, commit: Commit) -> tuple[Change, ...]:
    """Return every parameter that is another, by its path."""
    before, after = (flat(_Files(root, one).yaml("params.yaml")) for one in (commit, None))
    return _changes(before, after)


def changed_packages(root: Path, commit: Commit) -> tuple[Change, ...]:
    """Return every package of the work lock that is another."""
    before, after = (dict(PINNED.findall(_Files(root, one).text(LOCK))) for one in (commit, None))
    return _changes(before, after)


def changed_stages(root: Path, commit: Commit) -> tuple[Stage, ...]:
    """Return the stages, each with what makes its result another than the commit's."""
    before, after = (_Files(root, one).stages() for one in (commit, None))
    return tuple(Stage(name, _because(before.get(name), stage)) for name, stage in after.items())


def slices(root: Path, commit: Commit) -> tuple[Slice, ...]:
    """Return the slices that a commit declares; what cannot be read declares none."""
    try:
        return tuple(
            Slice.model_validate(one) for one in _Files(root, commit).yaml("params.yaml")["evaluate"]["slices"]
        )
    except (TypeError, KeyError, ValueError):
        return ()


def notes(root: Path, commit: Commit | None) -> tuple[str, ...]:
    """Return what a reader must know before the verdict is worth anything."""
    found = []
    # What is judged against the last commit is the change that is not committed yet: no need to say so.
    changed = commit is None or commit.hash != commits.git(root, "rev-parse", "HEAD").stdout.strip()
    for path, mend in (
        ("dvc.lock", "run `dvc repro`, then commit dvc.lock and artifacts"),
        ("params.yaml", "commit params.yaml"),
        ("data.dvc", "commit data.dvc"),
    ):
        if changed and commits.is_changed(root, path):
            found.append(f"{path} is not the one that was committed: {mend}.")
    names = [change.name for change in changed_params(root, commit)] if commit else []
    if any(name.startswith("gates.") for name in names):
        found.append("The gates themselves are changed: this is judged by the new ones.")
    asked = [name for name in names if name.startswith(ASKED)]
    if asked:
        few = ", ".join(asked[:3]) + (f" and {len(asked) - 3} more" if len(asked) > 3 else "")
        found.append(f"What is asked of a model is changed: {few}.")
    return tuple(found)


class _Files:
    """The files of a commit, or without one of the working tree."""

    def __init__(self, root: Path, commit: Commit | None) -> None:
        self.root, self.commit = root, commit

    def text(self, name: str) -> str:
        """Return a file; nothing where there is none."""
        if self.commit:
            return commits.text(self.root, self.commit, name) or ""
        path = self.root / name
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    def yaml(self, name: str) -> Any:
        try:
            return yaml.load(self.text(name), LOADER)  # noqa: S506 (a SafeLoader)
        except yaml.YAMLError:
            return None

    def stages(self) -> dict[str, Any]:
        lock = self.yaml("dvc.lock")
        return dict(lock.get("stages") or {}) if isinstance(lock, dict) else {}


def _data(tracked: Any) -> str:
    try:
        return str(tracked["outs"][0]["md5"])
    except (TypeError, KeyError, IndexError):
        return ""


def _because(before: dict[str, Any] | None, after: dict[str, Any]) -> tuple[str, ...]:
    """Return which of its command, dependencies and parameters are others."""
    if before is None:
        return ("is new",)
    deps = [{one["path"]: one["md5"] for one in stage.get("deps", [])} for stage in (before, after)]
    params = [flat(stage.get("params", {}).get("params.yaml", {})) for stage in (before, after)]
    command = ["its command"] if before["cmd"] != after["cmd"] else []
    return tuple(command + [change.name for pair in (deps, params) for change in _changes(*pair)])


def _changes(before: dict[str, str], after: dict[str, str]) -> tuple[Change, ...]:
    return tuple(
        Change(name, before.get(name), after.get(name))
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    )


def flat(content: Any, path: str = "") -> dict[str, str]:
    """Return nested settings by their paths."""
    if not isinstance(content, dict):
        return {path: content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, default=str)}
    below = [flat(value, f"{path}.{key}" if path else str(key)) for key, value in content.items()]
    return {name: value for one in below for name, value in one.items()}


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest() if text else ""
