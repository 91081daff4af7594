"""What a service says of itself is believed only where it is ready, agrees with itself, and is where it was asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from holdfast import services
from holdfast.errors import RefusedError, UserError
from holdfast.services import Serving

if TYPE_CHECKING:
    from canned import Answers

pytest_plugins = ["canned"]


def test_a_service_that_is_ready_says_what_it_serves_and_gets_the_token(service: Answers) -> None:
    found = services.ask(f"{service.url}/", "a token of the tests")

    assert found == Serving("7", "ab" * 32)
    bearer = "Bearer a token of the tests"
    assert service.asked == [("/readyz", bearer), ("/model", bearer)]


def test_a_service_below_a_path_is_asked_there(service: Answers) -> None:
    service.content = {f"/flights{path}": answer for path, answer in service.content.items()}

    assert services.ask(f"{service.url}/flights/").version == "7"


def test_a_service_that_is_not_ready_is_refused_in_its_words(service: Answers) -> None:
    service.content["/readyz"] = (503, {}, json.dumps({"detail": "The model has not given its golden rows"}).encode())

    with pytest.raises(RefusedError, match="not ready: The model has not given its golden rows"):
        services.ask(service.url)


def test_a_deployment_under_way_is_refused(service: Answers) -> None:
    service.content["/model"] = {"version": "8", "sha256": "cd" * 32}

    with pytest.raises(RefusedError, match="found version 7, and a moment later 8"):
        services.ask(service.url)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((401, {}, b"{}"), r"answered 401: it does not let us in.*\n  fix: .*--token VARIABLE"),
        ((404, {}, b"nobody"), "answered 404 with something else"),
        ((200, {}, b"<html>"), "answered 200 with something else"),
        ((200, {}, b"[]"), "answered 200 with something else"),
        ({"status": "ready"}, "names no model by version and sha256"),
        ({"model": {"version": 7, "sha256": "ab"}}, "names no model by version and sha256"),
        ((302, {"Location": "/readyz"}, b""), "answered 302 with something else"),
    ],
)
def test_what_is_no_service_of_ours_is_told(service: Answers, answer: Any, said: str) -> None:
    service.content["/readyz"] = answer

    with pytest.raises(UserError, match=f"/readyz: .*{said}") as refused:
        services.ask(service.url)
    assert type(refused.value) is UserError  # a mistake: there is no use in waiting


@pytest.mark.parametrize("path", ["/readyz", "/model"])
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((502, {}, b"<html>"), "not there yet: it answered 502"),
        ((504, {}, b"<html>"), "not there yet: it answered 504"),
        ((200, {"Transfer-Encoding": "chunked"}, b"9\r\n{}"), "the answer broke off"),
    ],
)
def test_what_a_service_that_is_starting_answers_is_refused_for_now(
    service: Answers, path: str, answer: Any, said: str
) -> None:
    service.content[path] = answer

    with pytest.raises(RefusedError, match=f"{path}: {said}"):
        services.ask(service.url)


def test_a_redirect_within_the_host_is_followed(service: Answers) -> None:
    service.content |= {"/readyz": (308, {"Location": "/ready"}, b""), "/ready": service.content["/readyz"]}

    assert services.ask(service.url).version == "7"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_redirect_to_another_host_or_port_is_not_followed_and_the_token_stays(
    service: Answers, make_service: Callable[[], Answers], host: str
) -> None:
    other = make_service()
    service.content["/readyz"] = (302, {"Location": other.url.replace("127.0.0.1", host) + "/readyz"}, b"")

    with pytest.raises(UserError, match=rf"redirects to http://{host}:\d+, which is another host or port"):
        services.ask(service.url, "a token of the tests")

    assert other.asked == []


def test_a_redirect_to_another_host_on_the_same_port_is_not_followed(service: Answers) -> None:
    service.content["/readyz"] = (302, {"Location": service.url.replace("127.0.0.1", "127.0.0.2")}, b"")

    with pytest.raises(UserError, match=r"redirects to http://127\.0\.0\.2:\d+, which is another host or port"):
        services.ask(service.url, "a token of the tests")


def test_an_answer_without_an_end_is_given_up(service: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "MOST_BYTES", 1_000)
    service.content["/readyz"] = (200, {}, b" " * 5_000)

    with pytest.raises(UserError, match="the answer has no end"):
        services.ask(service.url)


def test_a_service_that_is_not_there_or_says_nothing_is_told(service: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "SECONDS", 0.1)
    silent = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)  # it listens, and never answers

    with silent, pytest.raises(RefusedError, match="/readyz: no answer: timed out"):
        services.ask(f"http://127.0.0.1:{silent.server_port}")
    with pytest.raises(RefusedError, match="/readyz: no answer: .*refused"):
        services.ask(f"http://127.0.0.1:{silent.server_port}")


def test_a_host_that_is_not_known_is_a_mistake() -> None:
    with pytest.raises(UserError, match="/readyz: no answer: ") as refused:
        services.ask("http://no-such-host.invalid")
    assert type(refused.value) is UserError


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("example.org", "found 'example.org', expected an address"),
        ("file:///etc/passwd", "found 'file:///etc/passwd', expected an address"),
        ("ftp://example.org", "found 'ftp://example.org', expected an address"),
        ("https://example.org/?a=b", "expected an address such as https://example.org"),
        ("http://example.org:port", "Port could not be cast.*, expected an address"),
        ("http://[::1", "Invalid IPv6 URL, expected an address"),
        ("https://ann:secret@example.org", "found a name or a password in it"),
    ],
)
def test_an_address_that_is_none_is_refused_before_anything_is_asked(url: str, said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        services.ask(url)

    assert "secret" not in str(caught.value)


def test_an_address_is_kept_as_it_is_meant() -> None:
    assert services.address("http://[::1]:8000/a/") == "http://[::1]:8000/a"
    assert services.address("https://Flights.example.org") == "https://flights.example.org"
