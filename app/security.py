"""Who may ask, how often, and with what: keys, tokens, rates, sizes and content types, refused before any work.

Secrets are compared by their hashes and in constant time, so that neither their length nor their first characters can
be found out by measuring.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from http import HTTPStatus
from ipaddress import IPv6Address

from flask import Flask, Request, current_app, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_wtf import CSRFProtect
from pydantic import SecretStr
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.middleware.proxy_fix import ProxyFix

from app.answers import API
from app.config import Config
from app.envelope import ENDPOINT, Envelope
from app.limiter import Limiter
from app.metrics import Metrics
from app.problems import Problem

KEYED = {"api.predict"}
FREE = ("health.", "static", "docs.")
JSON = "application/json"


class PageSessions(SecureCookieSessionInterface):
    """Sessions for pages only: programs need none, and to look for one takes longer than to read a row."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Return the session of a request, or nothing."""
        if request.path in API:
            return None
        return super().open_session(app, request)


# Views that take a form call `csrf.protect()`; programs bring no cookie, so nobody can borrow it.
csrf = CSRFProtect()


def protect(app: Flask, config: Config, metrics: Metrics) -> None:
    """Put all of it around an application."""
    app.config.update(
        MAX_CONTENT_LENGTH=config.max_body,
        SECRET_KEY=config.secret_key.get_secret_value() if config.secret_key else secrets.token_hex(),
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=config.trusted_proxies > 0,
        WTF_CSRF_CHECK_DEFAULT=False,
    )
    app.session_interface = PageSessions()
    csrf.init_app(app)
    app.wsgi_app = Envelope(app.wsgi_app, metrics)  # type: ignore[method-assign]
    if config.trusted_proxies:
        count = config.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count)  # type: ignore[method-assign]
    keys = [_digest(key.get_secret_value()) for key in config.api_keys]
    limiter = Limiter(config.rate_limit, config.redis_url, metrics.limiter_failures) if config.rate_limit else None

    @app.before_request
    def guard() -> None:
        endpoint = request.endpoint or ""
        request.environ[ENDPOINT] = endpoint
        if endpoint.startswith(FREE):
            return
        given = _digest(request.headers.get("X-Api-Key") or bearer()) if keys and endpoint in KEYED else ""
        known = given != "" and _is_among(given, keys)
        if limiter:
            limiter.pass_or_refuse(f"key:{given}" if known else f"address:{_caller(request.remote_addr or '')}")
        if keys and endpoint in KEYED and not known:
            raise _unauthorized("a key of API_KEYS, as `Authorization: Bearer …` or `X-Api-Key: …`")


def _caller(address: str) -> str:
    """Return who counts as one caller: an address, or the network of IPv6 in which one customer has them all."""
    if ":" not in address:
        return address
    try:
        known = IPv6Address(address)
    except ValueError:
        return address
    return str(known.ipv4_mapped or IPv6Address(int(known) >> 64 << 64))


def bearer() -> str:
    """Return the token that the request brings, or nothing."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def require(token: SecretStr, name: str) -> None:
    """Refuse a request that does not bring the token; `name` is its variable.

    Raises: Problem with status 401.
    """
    if not _is_among(_digest(bearer()), [_digest(token.get_secret_value())]):
        raise _unauthorized(f"{name} as `Authorization: Bearer …`")


def json_body() -> bytes:
    """Return the body of a request that says it is plain JSON.

    Raises: Problem where it says something else, or nothing.
    """
    _require_json(request.environ.get("CONTENT_TYPE", ""))
    encoding = request.environ.get("HTTP_CONTENT_ENCODING", "identity")
    if encoding.lower() != "identity":
        raise _unsupported(f"Content-Encoding: found {encoding!r:.80}, expected none.")
    body = request.get_data(cache=False)
    if request.content_length is None and len(body) >= current_app.config["MAX_CONTENT_LENGTH"]:
        raise RequestEntityTooLarge  # it came in chunks, and reading stops without a word where too much begins
    return body


def _require_json(said: str) -> None:
    if said == JSON:
        return
    kind, options = parse_options_header(said)
    charset = options.pop("charset", "utf-8")
    if kind.lower() != JSON or charset.lower() not in {"utf-8", "utf8"} or options:
        found = f"{said!r:.80}" if said else "none"
        raise _unsupported(f"Content-Type: found {found}, expected {JSON}.")


def _unsupported(detail: str) -> Problem:
    return Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail, headers={"Accept": JSON})


def _unauthorized(expected: str) -> Problem:
    detail = f"Found no valid key or token, expected {expected}."
    return Problem(HTTPStatus.UNAUTHORIZED, detail, headers={"WWW-Authenticate": "Bearer"})


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def _is_among(given: str, known: Iterable[str]) -> bool:
    """Compare with all of them, whichever fits."""
    return sum(hmac.compare_digest(given, one) for one in known) > 0
