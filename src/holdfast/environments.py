"""In which environment a command works: `HOLDFAST_ENV` names one of those under `environments:` in `params.yaml`.

The code is the same in each, and each trains its own model from the same commit: what is deployed is code. They differ
in the name that a model has, where it is tracked, by which gates it is judged, and who has to agree.
"""

import os
from pathlib import Path
from typing import NamedTuple

from holdfast.errors import UserError, nearest
from holdfast.files import Workspace
from holdfast.params import Environment, Gates, Params, load

DEFAULT = "dev"


class Current(NamedTuple):
    """The environment that was chosen."""

    name: str
    settings: Environment
    gates: Gates


def current(params: Params) -> Current:
    """Return the environment that `HOLDFAST_ENV` names, `dev` where it is not set.

    Raises: UserError where `params.yaml` has none of that name.
    """
    name = os.environ.get("HOLDFAST_ENV") or DEFAULT
    if name not in params.environments:
        known = ", ".join(params.environments) or "none"
        problem = f"HOLDFAST_ENV: found no environment '{name}' in params.yaml{nearest(name, params.environments)}"
        raise UserError(f"{problem}; there are: {known}.", fix="export HOLDFAST_ENV=dev, or add it there")
    return Current(name, params.environments[name], params.gates_in(name))


def chosen(root: Path) -> Environment | None:
    """Return the environment that was chosen; None where `params.yaml` has none at all.

    Raises: UserError as `current`.
    """
    params = load(Workspace(root).params)
    return current(params).settings if params.environments else None
