"""The report's comment on a pull request: one, ours, and never anybody else's.

A comment is ours if the bot wrote it and it ends in our marker: a person cannot be the bot, and a report cannot hold
the marker. CML posts where it would do just that; whatever it does is looked at afterwards, and what it left undone is
done here. Where two runs at once made two comments, the older one stays, for it is the one that people have seen and
linked to, and the newer is removed: two reports on one pull request contradict each other, and both can be made again.
"""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from holdfast import cml, report_artifact, report_body
from holdfast.errors import RefusedError, UserError
from holdfast.github import Client, NotFoundError, UnclearError
from holdfast.report_artifact import ARCHIVE_LIMIT, Report

logger = logging.getLogger(__name__)

ARTIFACT = "report"
TRIES = 3
AGAIN = "run the workflow `ci` of that pull request again"


class Run(NamedTuple):
    """The run that made the report, as the event names it: nothing here comes from the pull request."""

    repository: str
    id: int
    head: str


class Comment(NamedTuple):
    """A comment on a pull request."""

    id: int
    author: str
    body: str


@dataclass(frozen=True)
class Poster:
    """Who posts: a view of GitHub, a way to call CML, and the name that the comments of this token bear."""

    client: Client
    cml: cml.Cml
    author: str

    def post(self, run: Run) -> None:
        """Post the report of a run, or bring its comment up to date.

        Raises: RefusedError where the report is not one of this run for its pull request; nothing is then written.
        """
        seen = self._get_run(run)
        report = self._report(run)
        self._refuse_other_pull(run, report.number, seen)
        body = report_body.compose(report.markdown, run.head, str(seen["html_url"]))
        self._publish(run, report.number, body)

    def _get_run(self, run: Run) -> dict[str, Any]:
        """Return what GitHub knows of the run."""
        seen: dict[str, Any] = self.client.get(f"/repos/{run.repository}/actions/runs/{run.id}")
        if seen["event"] != "pull_request" or seen["head_sha"] != run.head:
            raise RefusedError(
                f"run {run.id}: found event '{seen['event']}' on {seen['head_sha']}, expected a pull request's "
                f"on {run.head}.",
                fix="give the --run and the --head of one and the same run of `ci`",
            )
        return seen

    def _report(self, run: Run) -> Report:
        """Return the newest report that the run uploaded."""
        listed = self.client.pages(
            f"/repos/{run.repository}/actions/runs/{run.id}/artifacts?name={ARTIFACT}", "artifacts"
        )
        found = [one for one in listed if one["name"] == ARTIFACT and not one["expired"]]
        if not found:
            raise RefusedError(f"run {run.id}: found no artifact '{ARTIFACT}' that has not expired.", fix=AGAIN)
        newest = max(found, key=lambda one: int(one["id"]))
        if newest["size_in_bytes"] > ARCHIVE_LIMIT:
            raise RefusedError(
                f"run {run.id}: artifact '{ARTIFACT}' has {newest['size_in_bytes']:,} bytes, expected at most "
                f"{ARCHIVE_LIMIT:,}.",
                fix=report_artifact.FIX,
            )
        path = f"/repos/{run.repository}/actions/artifacts/{int(newest['id'])}/zip"
        return report_artifact.read(self.client.download(path, ARCHIVE_LIMIT))

    def _refuse_other_pull(self, run: Run, number: int, seen: dict[str, Any]) -> None:
        """Refuse a number that is not the pull request of the commit, in the repository, that the run was of."""
        try:
            pull = self.client.get(f"/repos/{run.repository}/pulls/{number}")
        except NotFoundError as error:
            raise RefusedError(
                f"artifact: number: found {number}, which is no pull request here.", fix=AGAIN
            ) from error
        if pull["head"]["sha"] != run.head:
            raise RefusedError(
                f"pull request {number}: its head is {pull['head']['sha']}, but the report is of {run.head}.",
                fix="nothing, if it has newer commits: their run posts a report of its own",
            )
        source, expected = _name(pull["head"]["repo"]), _name(seen["head_repository"])
        if source != expected:
            problem = f"pull request {number}: it comes from {source}, but the report from {expected}."
            raise RefusedError(problem, fix=AGAIN)

    def _publish(self, run: Run, number: int, body: str) -> None:
        comments = self._comments(run, number)
        own = self._own(comments)
        if _says(own, body):
            logger.info("pull request %d: its comment says the same already; left alone", number)
            return
        if len(own) < 2 and self._cml_posts(run, number, body, comments):
            logger.info("pull request %d: posted by CML", number)
            return
        self._write(run, number, body)
        logger.info("pull request %d: posted by Holdfast itself", number)

    def _cml_posts(self, run: Run, number: int, body: str, comments: list[Comment]) -> bool:
        """Let CML post if it would do what we want; tell whether it did."""
        if self.cml.asks() != self.client.base:
            logger.info("CML is not asked: it would call %s", self.cml.asks())
            return False
        own = self._own(comments)
        if not cml.would_take(comments, own[0] if own else None):
            logger.info("CML is not asked: it would not change the right comment, or not see it")
            return False
        if not self.cml.run(number, run.head, body):
            return False
        for attempt in range(TRIES):  # what was made a moment ago may not be in the list yet
            if _says(self._own(self._comments(run, number)), body):
                return True
            self.client.wait(float(2**attempt))
        logger.info("CML did not post what it was given")
        return False

    def _write(self, run: Run, number: int, body: str) -> None:
        """Change our comment or make one; look again before another try, so that a lost answer makes no second one."""
        for attempt in range(TRIES):
            try:
                self._change_or_make(run, number, body)
            except (NotFoundError, UnclearError):
                if attempt == TRIES - 1:
                    raise
                self.client.wait(float(2**attempt))
            else:
                return

    def _change_or_make(self, run: Run, number: int, body: str) -> None:
        own = self._own(self._comments(run, number))
        if not own:
            made = self.client.post(f"/repos/{run.repository}/issues/{number}/comments", {"body": body})
            self._refuse_other_author(_login(made), number)
        elif not report_body.same(own[0].body, body):
            self.client.patch(f"/repos/{run.repository}/issues/comments/{own[0].id}", {"body": body})
        for double in own[1:]:
            self.client.delete(f"/repos/{run.repository}/issues/comments/{double.id}")

    def _refuse_other_author(self, login: str, number: int) -> None:
        """Refuse a name that would not be found again: the next report would get another comment."""
        if login != self.author:
            raise UserError(
                f"pull request {number}: posted, but by {login!r} and not by {self.author!r}, so that no later report "
                "will find its comment.",
                fix=f"--author '{login}'",
            )

    def _comments(self, run: Run, number: int) -> list[Comment]:
        """Return every comment, the oldest first."""
        listed = self.client.pages(f"/repos/{run.repository}/issues/{number}/comments")
        found = [Comment(int(one["id"]), _login(one), str(one["body"] or "")) for one in listed]
        return sorted(found, key=lambda comment: comment.id)

    def _own(self, comments: Sequence[Comment]) -> list[Comment]:
        return [one for one in comments if one.author == self.author and report_body.is_marked(one.body)]


def run_named(repository: str, run: str, head: str) -> Run:
    """Return the run that the command line names.

    Raises: UserError where a part of it cannot be what it is given as.
    """
    rules = {
        "--repository": (repository, r"[\w.-]+/[\w.-]+", "OWNER/NAME"),
        "--run": (run, r"[1-9][0-9]{0,18}", "the number of a run"),
        "--head": (head, r"[0-9a-f]{40}", "a full commit hash"),
    }
    for option, (given, rule, expected) in rules.items():
        if not re.fullmatch(rule, given, re.ASCII):
            raise UserError(f"{option}: found {given!r}, expected {expected}.", fix="python -m holdfast post --help")
    return Run(repository, int(run), head)


def _says(own: list[Comment], body: str) -> bool:
    return len(own) == 1 and report_body.same(own[0].body, body)


def _name(repository: dict[str, Any] | None) -> str:
    """Return the name of a repository; a fork can be gone."""
    return str(repository["full_name"]) if repository else "a repository that is gone"


def _login(comment: dict[str, Any]) -> str:
    """Return who wrote a comment; an account can be gone."""
    return str(comment["user"]["login"]) if comment["user"] else ""
