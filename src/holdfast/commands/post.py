"""`post`: put the report of a run of `ci` on its pull request, as one comment."""

import os
from pathlib import Path

from holdfast import github
from holdfast.cml import Cml
from holdfast.errors import DONE
from holdfast.poster import Poster, run_named


def run(root: Path, repository: str, run: str, head: str, author: str) -> int:  # noqa: ARG001
    """Post the report of a run, or bring its comment up to date."""
    named = run_named(repository, run, head)
    client = github.from_environment("write to pull requests")
    server = os.environ.get("GITHUB_SERVER_URL") or "https://github.com"
    Poster(client, Cml(server.rstrip("/"), repository, client.token), author).post(named)
    return DONE
