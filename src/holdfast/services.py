"""What a service that runs somewhere says of itself: whether it is ready, and which model it serves.

Two questions, to `/readyz` and to `/model`. The answers must agree, or a deployment is under way. No redirect is
followed to another host, for it would take the token along; and nothing is waited for longer than `SECONDS`.
"""

import json
import time
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException, HTTPMessage
from typing import IO, Any, NamedTuple
from urllib.error import HTTPError
from urllib.parse import SplitResult, urlsplit

from holdfast.errors import RefusedError, UserError

SECONDS = 10.0
MOST_BYTES = 8 << 20
CHUNK = 1 << 16
LOOK = "look at the log of the service, and at the address"
AGAIN = "look at the log of the service, then again"
NOT_YET = {502, 503, 504}  # of a proxy, while what it stands before is starting


class Serving(NamedTuple):
    """The model that a service says it serves, under the name that it has there."""

    version: str
    sha256: str


class _SameHost(urllib.request.HTTPRedirectHandler):
    """Follow a redirect only within the host, or from http to https there."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        """Return the request that follows.

        Raises: UserError where it would go elsewhere.
        """
        old, new = urlsplit(req.full_url), urlsplit(newurl)
        if old.hostname != new.hostname or (_port(old) != _port(new) and (old.scheme, new.scheme) != ("http", "https")):
            problem = f"{req.full_url}: redirects to {new.scheme}://{new.netloc}, which is another host or port."
            raise UserError(problem, fix="name the address that the service has there, if it is yours")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def ask(url: str, token: str | None = None) -> Serving:
    """Return what a service says that it serves, if it is ready.

    Raises: RefusedError where it is not ready, as one that is just starting: later it may be; UserError where the
    address is none, or that of no service of Holdfast.
    """
    base = address(url)
    status, ready = _get(f"{base}/readyz", token)
    if status == 503:
        raise RefusedError(f"{base}: not ready: {_detail(ready)}", fix=AGAIN)
    named = _named(f"{base}/readyz", _answered(f"{base}/readyz", status, ready).get("model"))
    serving = _named(f"{base}/model", _answered(f"{base}/model", *_get(f"{base}/model", token)))
    if named != serving:
        problem = f"{base}: found version {named.version}, and a moment later {serving.version}."
        raise RefusedError(problem, fix="a deployment is under way: run it again when that is done")
    return serving


def address(url: str) -> str:
    """Return the address of a service without what does not belong to it.

    Raises: UserError where it is none, or would have a secret written down.
    """
    expected = "expected an address such as https://example.org"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UserError(f"URL: {error}, {expected}.", fix="correct the address") from error
    if parts.username is not None or parts.password is not None:
        problem = "URL: found a name or a password in it, which would be written into the registry."
        raise UserError(problem, fix="leave it out; for a bearer token see --token")
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise UserError(f"URL: found '{url:.200}', {expected}.", fix="correct the address")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path.rstrip('/')}"


def _port(parts: SplitResult) -> int | None:
    return parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _get(place: str, token: str | None) -> tuple[int, bytes]:
    """Ask once; what is refused is an answer, too.

    Raises: RefusedError where none comes yet; UserError where none can.
    """
    headers = {"Accept": "application/json", "User-Agent": "holdfast"}
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(place, headers=headers)  # noqa: S310
    try:
        with urllib.request.build_opener(_SameHost).open(request, timeout=SECONDS) as answer:
            return answer.status, _read(place, answer)
    except HTTPError as error:
        with error:
            return error.code, _read(place, error)
    except (OSError, HTTPException, ValueError) as error:
        reason = " ".join(str(getattr(error, "reason", error)).split()) or type(error).__name__
        # A host that is not known stays so; one that refuses, or is silent, may be starting.
        starting = isinstance(getattr(error, "reason", error), ConnectionError | TimeoutError)
        raise (RefusedError if starting else UserError)(
            f"{place}: no answer: {reason}.", fix="check the address, and that the service runs and can be reached"
        ) from error


def _read(place: str, answer: Any) -> bytes:
    """Read an answer, as long as it neither takes for ever nor grows without end."""
    deadline, found = time.monotonic() + SECONDS, b""
    try:
        while chunk := answer.read1(CHUNK):
            found += chunk
            if len(found) > MOST_BYTES or time.monotonic() > deadline:
                raise UserError(f"{place}: the answer has no end.", fix="check the address: is it a service of yours?")
    except (OSError, HTTPException) as error:
        raise RefusedError(f"{place}: the answer broke off: {error}.", fix="run it again") from error
    return found


def _answered(place: str, status: int, body: bytes) -> Mapping[str, Any]:
    """Return the object of an answer.

    Raises: RefusedError where it may come yet; UserError where it is another answer.
    """
    if status in NOT_YET:
        raise RefusedError(f"{place}: not there yet: it answered {status}.", fix=AGAIN)
    if status in {401, 403}:
        problem = f"{place}: answered {status}: it does not let us in."
        raise UserError(problem, fix="name the environment variable that holds its token: --token VARIABLE")
    try:
        content = json.loads(body) if status == 200 else None
    except ValueError:
        content = None
    if not isinstance(content, dict):
        problem = f"{place}: answered {status} with something else than a service of Holdfast does."
        raise UserError(problem, fix=LOOK)
    return content


def _named(place: str, content: Any) -> Serving:
    version, sha256 = (content.get(key) if isinstance(content, Mapping) else None for key in Serving._fields)
    if not (isinstance(version, str) and isinstance(sha256, str) and version and sha256):
        raise UserError(f"{place}: the answer names no model by version and sha256.", fix=LOOK)
    return Serving(version, sha256)


def _detail(body: bytes) -> str:
    """Return what a refusal says, on one line."""
    try:
        said = json.loads(body)
    except ValueError:
        said = None
    detail = said.get("detail") if isinstance(said, dict) else None
    return " ".join(str(detail or "it answered 503.").split())[:300]
