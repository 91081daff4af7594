"""Runs a job of a workflow here: its `run:` steps in bash, in their order, under their conditions.

What GitHub brings along is done in a simple way: the checkout is a folder that is there already, a cache is the same
paths of another folder, and an artifact is the files that `upload-artifact` names. An expression that is not known
here is an error, so that no step is left out in silence.
"""

import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from conftest import unmeasured

Context = dict[str, str]


@dataclass
class Job:
    """What came of a job."""

    failed: list[str] = field(default_factory=list)
    said: dict[str, str] = field(default_factory=dict)
    artifact: dict[str, bytes] = field(default_factory=dict)
    summary: str = ""

    @property
    def passed(self) -> bool:
        return not self.failed


def run_job(
    workflow: Path, name: str, checkout: Path, context: Context, cache: Path, runner: Context | None = None
) -> Job:
    """Run the steps of a job in a checkout.

    `cache` is a folder that has what caches would bring, `runner` the variables that GitHub sets besides `CI`.
    """
    job = Job()
    summary = checkout.parent / f"summary-{time.monotonic_ns()}"
    content = yaml.safe_load(workflow.read_text())["jobs"][name]
    environment = _environment(checkout) | {"GITHUB_STEP_SUMMARY": str(summary), "CI": "true", **(runner or {})}
    environment |= _variables(content, context)
    for step in content["steps"]:
        if not _runs(step.get("if", "success()"), job, context):
            continue
        if "cache/restore" in step.get("uses", ""):
            _restore(step["with"]["path"].split(), cache, checkout)
        elif "upload-artifact" in step.get("uses", ""):
            paths = [checkout / path for path in _filled(step["with"]["path"], context).split()]
            job.artifact = {path.name: path.read_bytes() for path in paths}
        elif "run" in step:
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
                cwd=checkout, env=environment | _variables(step, context), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
            job.said[step["name"]] = done.stdout
            job.failed += [step["name"]] if done.returncode else []
    job.summary = summary.read_text() if summary.exists() else ""
    return job


def _variables(content: dict[str, Any], context: Context) -> dict[str, str]:
    """Return the environment variables that a job or a step sets."""
    return {key: _filled(str(value), context) for key, value in content.get("env", {}).items()}


def _restore(paths: list[str], cache: Path, checkout: Path) -> None:
    for path in (path for path in paths if path != ".venv"):
        if (cache / path).is_dir():
            shutil.copytree(cache / path, checkout / path, dirs_exist_ok=True)
        elif (cache / path).is_file():
            (checkout / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(cache / path, checkout / path)


def _runs(condition: str, job: Job, context: Context) -> bool:
    """Tell whether a step runs."""
    parts = condition.removeprefix("${{").removesuffix("}}").split("&&")
    known = {"success()": job.passed, "!cancelled()": True}
    answers = []
    for part in (part.strip() for part in parts):
        if part in known:
            answers.append(known[part])
        elif "==" in part:
            left, right = (word.strip() for word in part.split("=="))
            answers.append(context[left] == right.strip("'"))
        elif "!=" in part:
            left, right = (word.strip() for word in part.split("!="))
            answers.append(context.get(left) != right.strip("'"))
        else:
            raise ValueError(f"a condition that is not known here: {part}")
    implied = [] if any(part in condition for part in ("cancelled()", "always()", "failure()")) else [job.passed]
    return all(answers + implied)


def _filled(text: str, context: Context) -> str:
    """Put values in place of expressions."""
    for name, value in context.items():
        text = text.replace(f"${{{{ {name} }}}}", value)
    if "${{" in text:
        raise ValueError(f"an expression that is not known here: {text}")
    return text


def _environment(checkout: Path) -> dict[str, str]:
    """Return the environment of a runner that has installed the lock: that of these tests, and the checkout's code."""
    install(checkout)
    return {**unmeasured(), "PYTHONPATH": str(checkout / "src")}


def install(checkout: Path) -> None:
    """Let the checkout's .venv be the environment of these tests, as `scripts/setup` would leave it."""
    venv = checkout / ".venv"
    venv.mkdir(exist_ok=True)
    for name in ("bin", "lib", "include", "pyvenv.cfg"):
        if not (venv / name).exists() and (Path(sys.prefix) / name).exists():
            (venv / name).symlink_to(Path(sys.prefix) / name)
    made_from = [f"{checkout.resolve()}\n", *((checkout / name).read_text() for name in _MADE_FROM)]
    (venv / ".made-from").write_text("".join(made_from))


_MADE_FROM = ("requirements-work.txt", "pyproject.toml", "scripts/setup")
