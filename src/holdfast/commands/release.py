"""`release`: take this commit into an environment: all that its workflow runs, at any desk."""

import logging
import os
from pathlib import Path

from holdfast import environments, github, params, release_steps
from holdfast.environments import Current
from holdfast.errors import DONE, UserError
from holdfast.files import Workspace
from holdfast.release_steps import PROD, Plan

logger = logging.getLogger(__name__)


def run(root: Path, approved_by: list[str]) -> int:
    """Run the steps of the environment that HOLDFAST_ENV names, up to the first that fails."""
    workspace = Workspace(root)
    current = environments.current(params.load(workspace.params))
    _refuse_what_would_be_lost(current)
    agreed = tuple(sorted({*approved_by, *_reviewers(current)}))
    remote, url = (os.environ.get(name, "") for name in ("DEPLOY_REMOTE", "DEPLOY_URL"))
    plan = Plan(workspace, current, agreed, remote, url)
    logger.info("release into %s, where the model is %s", current.name, current.settings.model)
    done = release_steps.carry_out(release_steps.steps(plan), root)
    for entry in done:
        logger.info("  %-20s %7.1f s%s", entry.step.name, entry.seconds, f"  exit code {entry.code}" * bool(entry.code))
    code = release_steps.exit_code(done)
    logger.info(_outcome(plan, done[-1].step.name, code))
    return code


def _outcome(plan: Plan, last: str, code: int) -> str:
    """Say what came of it."""
    name = plan.environment.name
    if code != DONE:
        return f"not released into {name}: it ended at `{last}`; the same command goes on from there"
    if name == PROD and not plan.remote:
        served = plan.folder(release_steps.SERVED)
        return f"released into {name}; not deployed, for DEPLOY_REMOTE is not set: the champion is in {served}"
    return f"released into {name}"


def _refuse_what_would_be_lost(current: Current) -> None:
    """Refuse to promote in a store that goes with the machine: there, every model would be the first champion."""
    kept = os.environ.get("MLFLOW_TRACKING_URI") or current.settings.tracking
    if _on_github() and not kept and current.name == PROD:
        problem = f"MLFLOW_TRACKING_URI: not set, expected the address of the registry of {PROD}"
        raise UserError(
            f"{problem}; the store of a runner goes with it.",
            fix=f"set the secret MLFLOW_TRACKING_URI of the GitHub environment {PROD}",
        )


def _reviewers(current: Current) -> list[str]:
    """Return who let this run of a workflow into the environment; nobody, where it is run at a desk."""
    if not (_on_github() and current.settings.approvals):
        return []
    client = github.from_environment("read actions")
    return client.approvals(os.environ["GITHUB_REPOSITORY"], os.environ["GITHUB_RUN_ID"], current.name)


def _on_github() -> bool:
    return os.environ.get("GITHUB_ACTIONS") == "true"
