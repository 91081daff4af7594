"""`post`: put the report of a run of `ci` on its pull request, as one comment."""

import os
from pathlib import Path

from holdfast.cml import Cml
from holdfast.errors import DONE, UserError
from holdfast.github import Client
from holdfast.poster import Poster, run_named


def run(root: Path, repository: str, run: str, head: str, author: str) -> int:  # noqa: ARG001
    """Post the report of a run, or bring its comment up to date."""
    named = run_named(repository, run, head)
    token = os.environ.get("GITHUB_TOKEN", "")
    if not token:
        raise UserError("GITHUB_TOKEN: not set.", fix="set it to a token that may write to pull requests")
    server = os.environ.get("GITHUB_SERVER_URL") or "https://github.com"
    client = Client((os.environ.get("GITHUB_API_URL") or "https://api.github.com").rstrip("/"), token)
    Poster(client, Cml(server.rstrip("/"), repository, token), author).post(named)
    return DONE
