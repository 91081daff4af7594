"""GitHub's REST API, as far as the report's comment and a release need it, on the standard library alone.

Decides what is tried again: whatever a limit kept from happening, and on the server's errors only what may happen
twice. A `POST` after which the server failed may have been done: it is left to its caller, as an `UnclearError`.
The token goes to the API and nowhere else: no redirect is followed with it.
"""

import json
import os
import re
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import Message
from http.client import HTTPException
from typing import Any
from urllib.parse import urljoin, urlsplit

from holdfast.errors import RefusedError, UserError

ATTEMPTS = 5
PATIENCE = 300.0  # seconds that all waiting of a request may take
SECONDARY_LIMIT = 60.0  # what GitHub asks for where it names no time
TIMEOUT = 30.0
PAGES = 100
ANSWER_LIMIT = 32 << 20
REDIRECTS = {301, 302, 303, 307, 308}
AGAIN = "run the job again: `gh run rerun RUN`"


class NotFoundError(UserError):
    """Report that GitHub knows no such thing, or does not show it to this token."""


class UnclearError(UserError):
    """Report that the server failed, so that it is not known whether it did what was asked."""


@dataclass(frozen=True)
class Answer:
    """What a server answered."""

    status: int
    headers: Message
    body: bytes

    @property
    def message(self) -> str:
        """What GitHub says of an error, on one line."""
        try:
            said = json.loads(self.body)
        except ValueError:
            return ""
        if not isinstance(said, dict):
            return ""
        more = [error.get("message", "") for error in said.get("errors") or [] if isinstance(error, dict)]
        return "; ".join(" ".join(str(part).split()) for part in (said.get("message"), *more) if part)[:300]


class _AsItCame(urllib.request.HTTPErrorProcessor):
    """Give every answer back as it came: errors are judged here, and redirects would take the token along."""

    def http_response(self, request: urllib.request.Request, response: Any) -> Any:  # noqa: ARG002
        """Return the answer."""
        return response

    https_response = http_response


@dataclass(frozen=True)
class Client:
    """A token's view of GitHub's API at `base`, such as https://api.github.com."""

    base: str
    token: str = field(repr=False)
    wait: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time

    def get(self, path: str) -> Any:
        """Return what is at a path."""
        return self._parsed(self._asked("GET", path))

    def pages(self, path: str, key: str | None = None) -> Iterator[Any]:
        """Give the items of every page of a list; `key` names the list where the answer holds more than that."""
        place = f"{path}{'&' if '?' in path else '?'}per_page=100"
        for _ in range(PAGES):
            answer = self._asked("GET", place)
            content = self._parsed(answer)
            yield from content[key] if key else content
            following = re.search(r'<([^<>]+)>;[^,<]*\brel="next"', answer.headers.get("Link", ""))
            if following is None:
                return
            place = following[1]
        raise UserError(f"GET {path}: found more than {PAGES} pages.", fix="tidy up there, then run the job again")

    def post(self, path: str, content: dict[str, Any]) -> Any:
        """Make something.

        Raises: UnclearError where it may or may not have been made.
        """
        return self._parsed(self._asked("POST", path, content))

    def patch(self, path: str, content: dict[str, Any]) -> Any:
        """Change something."""
        return self._parsed(self._asked("PATCH", path, content))

    def delete(self, path: str) -> None:
        """Remove something."""
        self._asked("DELETE", path)

    def approvals(self, repository: str, run: str, environment: str) -> list[str]:
        """Return who let a run of a workflow into an environment, by their logins."""
        reviews = self.get(f"/repos/{repository}/actions/runs/{run}/approvals")
        agreed = (one for one in reviews if one["state"] == "approved")
        return sorted({one["user"]["login"] for one in agreed if environment in _names(one["environments"])})

    def download(self, path: str, limit: int) -> bytes:
        """Return the bytes that a path redirects to, without showing the token to whoever serves them.

        Raises: RefusedError where they are more than `limit`.
        """
        answer = self._asked("GET", path, redirected=True)
        target = urljoin(f"{self.base}/", answer.headers.get("Location", ""))
        if urlsplit(target).scheme != urlsplit(self.base).scheme:
            raise UserError(f"GET {path}: redirected to something other than HTTPS.", fix=AGAIN)
        got = self._tried(urllib.request.Request(target), "GET", path, limit)  # noqa: S310
        if got.status >= 300:
            raise UserError(f"GET {path}: its storage answered {got.status}.", fix=AGAIN)
        return got.body

    def _asked(
        self, method: str, path: str, content: dict[str, Any] | None = None, *, redirected: bool = False
    ) -> Answer:
        """Ask the API; turn what it refuses into a `UserError`."""
        answer = self._tried(self._request(method, path, content), method, path)
        if answer.status in (REDIRECTS if redirected else range(200, 300)):
            return answer
        raise _error(answer, f"{method} {path}")

    def _request(self, method: str, path: str, content: dict[str, Any] | None) -> urllib.request.Request:
        """Return a request; the address of a next page comes from an answer, and must be the API's too."""
        address = path if "://" in path else f"{self.base}{path}"
        if not address.startswith(f"{self.base}/"):
            raise UserError(f"{method} {path}: found an address outside {self.base}.", fix=AGAIN)
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "User-Agent": "holdfast",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        data = None if content is None else json.dumps(content).encode()
        return urllib.request.Request(address, data, headers, method=method)  # noqa: S310

    def _tried(self, request: urllib.request.Request, method: str, path: str, limit: int = ANSWER_LIMIT) -> Answer:
        """Send a request, and again after a limit or an error of the server that a second try may mend."""
        waited = 0.0
        for attempt in range(ATTEMPTS):
            answer = _sent(request, limit)
            pause = self._pause(answer, attempt, method)
            if pause is None:
                break
            if attempt == ATTEMPTS - 1 or waited + pause > PATIENCE:
                raise _given_up(answer, f"{method} {path}", pause)
            self.wait(pause)
            waited += pause
        if answer is None or answer.status >= 500:
            raise UnclearError(f"{method} {path}: the server failed while it was asked.", fix=AGAIN)
        if len(answer.body) > limit:
            raise RefusedError(f"{method} {path}: found more than {limit:,} bytes.", fix="make the report smaller")
        return answer

    def _pause(self, answer: Answer | None, attempt: int, method: str) -> float | None:
        """Return for how long to wait before the next try, or None where the answer stands."""
        if answer is None or answer.status >= 500:
            return None if method == "POST" else float(2**attempt)
        if answer.status not in {403, 429}:
            return None
        asked = answer.headers.get("Retry-After", "")
        if re.fullmatch(r"[0-9]{1,9}", asked):
            return float(asked)
        reset = answer.headers.get("x-ratelimit-reset", "")
        if answer.headers.get("x-ratelimit-remaining") == "0" and re.fullmatch(r"[0-9]{1,12}", reset):
            return max(1.0, float(reset) - self.now() + 1)
        limited = answer.status == 429 or "secondary rate limit" in answer.message
        return SECONDARY_LIMIT if limited else None

    def _parsed(self, answer: Answer) -> Any:
        try:
            return json.loads(answer.body)
        except ValueError as error:
            raise UserError("GitHub's API: found an answer that is not JSON.", fix="see GITHUB_API_URL") from error


def from_environment(may: str) -> Client:
    """Return the client that a workflow's environment variables describe; `may` says what its token is for.

    Raises: UserError where there is no token.
    """
    token = os.environ.get("GITHUB_TOKEN", "")
    if not token:
        raise UserError("GITHUB_TOKEN: not set.", fix=f"set it to a token that may {may}")
    return Client((os.environ.get("GITHUB_API_URL") or "https://api.github.com").rstrip("/"), token)


def _names(things: list[dict[str, Any]]) -> set[str]:
    return {str(thing["name"]) for thing in things}


def _sent(request: urllib.request.Request, limit: int) -> Answer | None:
    """Send a request once; None where no whole answer came."""
    try:
        with urllib.request.build_opener(_AsItCame).open(request, timeout=TIMEOUT) as response:
            return Answer(response.status, response.headers, response.read(limit + 1))
    except (OSError, HTTPException):
        return None


def _given_up(answer: Answer | None, asked: str, pause: float) -> UserError:
    if answer is None:
        return UnclearError(f"{asked}: found no answer, {ATTEMPTS} times.", fix="see GITHUB_API_URL, then " + AGAIN)
    if answer.status >= 500:
        return UnclearError(f"{asked}: the server answered {answer.status}, {ATTEMPTS} times.", fix=AGAIN)
    return UserError(
        f"{asked}: GitHub's rate limit asks for {pause:.0f} more seconds ({answer.message}).",
        fix=f"after that time, {AGAIN}",
    )


def _error(answer: Answer, asked: str) -> UserError:
    """Say what GitHub refused, and what mends it."""
    said = f"{asked}: GitHub answered {answer.status} ({answer.message or 'without a reason'})."
    if answer.status == 404:
        return NotFoundError(said, fix="see --repository and --run, and that the token may read both")
    remedies = {
        401: "set GITHUB_TOKEN to a token that is valid now",
        403: "give the job the permissions `pull-requests: write`, `actions: read` and `contents: read`",
        410: "the report has expired: run the workflow `ci` of that pull request again",
        422: "see the reason that GitHub gives; a comment has at most 65,536 characters",
    }
    return UserError(said, fix=remedies.get(answer.status, "see GITHUB_API_URL and --repository"))
