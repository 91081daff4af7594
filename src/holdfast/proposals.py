"""What machines ask of people on GitHub: to look at a new month, and at an outside world that broke us.

A month is asked about once: while its branch exists, whether its pull request is open, closed or being mended by
someone, nothing is pushed over it. The broken world has one issue at a time, and each further week is a comment on it.

Only Git and GitHub's `gh` are called, and nothing outside the standard library is imported: the alarm must also work
where the dependencies do not.
"""

import logging
import subprocess
from pathlib import Path
from tempfile import TemporaryFile

from holdfast.errors import UserError

logger = logging.getLogger(__name__)

BROKEN = "The newest versions of our dependencies break us"
# What a new month changes: other data have another model with other scores. Not there: what was moved elsewhere.
PROPOSED = ("data.dvc", "dvc.lock", "artifacts", "dvc-remote", "tests/model/golden.csv")
LONGEST_BODY = 60_000  # characters; GitHub takes 65,536


def propose(root: Path, month: str, report: str) -> str | None:
    """Commit a month to a branch of its own, push that, open a pull request with the report; return the branch.

    Raises: UserError where Git or `gh` fails.
    """
    branch = f"retrain/{month}"
    if not _run(root, "git", "status", "--porcelain", "--", "data.dvc"):
        logger.info("data.dvc is as committed: nothing to propose")
        return None
    if _run(root, "git", "ls-remote", "--heads", "origin", branch):
        logger.info("%s is proposed already; to propose it anew: git push origin --delete %s", month, branch)
        return None
    title = f"data: {month}"
    _run(root, "git", "switch", "--quiet", "--create", branch)
    _run(root, "git", "add", "--", *(name for name in PROPOSED if (root / name).exists()))
    _run(root, "git", "commit", "--quiet", "--message", title)
    _run(root, "git", "push", "--quiet", "origin", branch)
    request = ("pr", "create", "--base", "main", "--head", branch, "--title", title, "--body-file", "-")
    logger.info(_run(root, "gh", *request, told=_short(report)))
    return branch


def start_checks(root: Path, branch: str) -> None:
    """Start ci.yml on a branch, for GitHub starts nothing for a pull request that a workflow has opened.

    Raises: UserError where `gh` fails.
    """
    _run(root, "gh", "workflow", "run", "ci.yml", "--ref", branch)
    logger.info("started ci.yml on %s", branch)


def alarm(root: Path, run_url: str) -> None:
    """Open the issue that new versions break us, or add to the one that is open.

    Raises: UserError where `gh` fails.
    """
    body = (
        f"With today's versions of what we depend on, the README's two commands fail: {run_url}\n\n"
        "Everyone who installs from the locks is safe. To see it at your desk: `make lock UPGRADE=--upgrade`, "
        "`make repro`, `make test`."
    )
    mine = f'.[] | select(.title == "{BROKEN}") | .number'
    listed = _run(root, "gh", "issue", "list", "--state", "open", "--search", f'in:title "{BROKEN}"',
                  "--json", "number,title", "--jq", mine)  # fmt: skip
    if listed:
        logger.info(_run(root, "gh", "issue", "comment", listed.split()[0], "--body-file", "-", told=body))
    else:
        logger.info(_run(root, "gh", "issue", "create", "--title", BROKEN, "--body-file", "-", told=body))


def _short(report: str) -> str:
    """Cut a report to what a pull request holds, at the end of a line."""
    if len(report) <= LONGEST_BODY:
        return report
    return report[: report.rindex("\n", 0, LONGEST_BODY)] + "\n\nCut here: the whole report is the artifact of `ci`.\n"


def _run(root: Path, *command: str, told: str = "") -> str:
    """Run Git or `gh`, with something on its standard input or nothing; return what it said."""
    with TemporaryFile("w+", encoding="utf-8") as file:  # no pipe: whoever does not read it to the end would end us
        file.write(told)
        file.seek(0)
        try:
            done = subprocess.run(command, cwd=root, stdin=file, text=True, capture_output=True, check=False)
        except FileNotFoundError as error:
            fix = "install Git and https://cli.github.com, then run the command again"
            raise UserError(f"{command[0]}: not found, expected it on the path.", fix=fix) from error
    if done.returncode:
        raise UserError(f"{' '.join(command[:3])}: {done.stderr.strip()}", fix="mend that, then run the command again")
    return done.stdout.strip()
