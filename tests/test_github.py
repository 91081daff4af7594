"""The client of GitHub's API, against a server on loopback that behaves and fails as GitHub does."""

import tracemalloc
from collections.abc import Iterator

import pytest

from github_api import GitHub
from holdfast import github as client_module
from holdfast.errors import RefusedError, UserError
from holdfast.github import Client, NotFoundError, UnclearError

HEAD = "a" * 40
COMMENTS = "/repos/owner/name/issues/7/comments"


@pytest.fixture
def github() -> Iterator[GitHub]:
    with GitHub() as running:
        running.add_pull(7, HEAD)
        yield running


@pytest.fixture
def waited() -> list[float]:
    return []


@pytest.fixture
def client(github: GitHub, waited: list[float]) -> Client:
    return Client(github.url, github.token, wait=waited.append, now=lambda: 1_000.0)


@pytest.mark.parametrize("number", [0, 1, 99, 100, 101, 250])
def test_a_list_is_read_to_its_last_page(github: GitHub, client: Client, number: int) -> None:
    for place in range(number):
        github.add_comment(7, f"comment {place}")

    assert [one["body"] for one in client.pages(COMMENTS)] == [f"comment {place}" for place in range(number)]


def test_a_next_page_elsewhere_is_not_asked_for(github: GitHub, client: Client) -> None:
    github.add_comment(7, "one")
    github.fail(200, headers={"Link": '<http://127.0.0.1:1/api/v3/x>; rel="next"'}, path="comments", after=True)

    with pytest.raises(UserError, match=r"found an address outside http://127\.0\.0\.1"):
        list(client.pages(COMMENTS))


def test_a_list_without_an_end_is_said(github: GitHub, client: Client) -> None:
    again = {"Link": f'<{github.url}{COMMENTS}>; rel="next"'}
    github.fail(200, headers=again, content=[], times=101)

    with pytest.raises(UserError, match="found more than 100 pages"):
        list(client.pages(COMMENTS))
    assert len(github.requests) == 100


@pytest.mark.parametrize("status", [403, 429])
def test_a_limit_is_waited_out_as_long_as_github_asks(
    github: GitHub, client: Client, waited: list[float], status: int
) -> None:
    github.fail(status, "API rate limit exceeded", {"Retry-After": "17"}, times=2)

    assert list(client.pages(COMMENTS)) == []
    assert waited == [17, 17]


def test_a_spent_limit_is_waited_out_until_it_is_renewed(github: GitHub, client: Client, waited: list[float]) -> None:
    github.fail(403, "API rate limit exceeded", {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1042"})

    assert client.post(COMMENTS, {"body": "one"})["body"] == "one"
    assert waited == [43]
    assert len(github.writes) == 1


def test_a_secondary_limit_without_a_time_is_waited_out_for_a_minute(
    github: GitHub, client: Client, waited: list[float]
) -> None:
    github.fail(403, "You have exceeded a secondary rate limit. Please wait a few minutes.")

    assert list(client.pages(COMMENTS)) == []
    assert waited == [60]


def test_a_limit_that_lasts_too_long_is_said(github: GitHub, client: Client, waited: list[float]) -> None:
    github.fail(403, "API rate limit exceeded", {"Retry-After": "1800"})

    with pytest.raises(UserError, match=r"rate limit asks for 1800 more seconds"):
        list(client.pages(COMMENTS))
    assert waited == []


def test_a_limit_that_does_not_end_is_not_waited_for_without_end(
    github: GitHub, client: Client, waited: list[float]
) -> None:
    github.fail(429, "slow down", times=50)

    with pytest.raises(UserError, match="rate limit asks for 60 more seconds"):
        list(client.pages(COMMENTS))
    assert sum(waited) <= client_module.PATIENCE


def test_an_error_of_the_server_is_tried_again(github: GitHub, client: Client, waited: list[float]) -> None:
    comment = github.add_comment(7, "before")
    github.fail(502, times=3)

    client.patch(f"/repos/owner/name/issues/comments/{comment}", {"body": "after"})

    assert waited == [1, 2, 4]
    assert github.comments(7) == [(github.login, "after")]


def test_a_server_that_stays_broken_is_given_up(github: GitHub, client: Client, waited: list[float]) -> None:
    github.fail(503, times=50)

    with pytest.raises(UnclearError, match=r"GET /repos.*: the server answered 503, 5 times"):
        client.get("/repos/owner/name/pulls/7")
    assert len(waited) == 4


@pytest.mark.parametrize("after", [True, False])
def test_what_may_have_been_made_is_not_made_again(github: GitHub, client: Client, after: bool) -> None:
    github.fail(502, method="POST", after=after)

    with pytest.raises(UnclearError, match=r"POST .*: the server failed while it was asked"):
        client.post(COMMENTS, {"body": "one"})
    assert len(github.writes) == after


def test_an_address_that_nobody_answers_at_is_said(waited: list[float]) -> None:
    with GitHub() as gone:
        client = Client(gone.url, gone.token, wait=waited.append)

    with pytest.raises(UnclearError, match="found no answer, 5 times"):
        client.get("/repos/owner/name/pulls/7")


def test_a_missing_permission_is_said_with_what_grants_it(github: GitHub, client: Client) -> None:
    github.permissions["pull-requests"] = "read"

    with pytest.raises(UserError, match=r"403 \(Resource not accessible by integration\).*\n.*`pull-requests: write`"):
        client.post(COMMENTS, {"body": "one"})
    assert github.writes == []


def test_a_comment_that_is_too_long_is_said(github: GitHub, client: Client) -> None:
    with pytest.raises(UserError, match=r"422 \(Validation Failed; Body is too long \(maximum is 65536 characters\)\)"):
        client.post(COMMENTS, {"body": "x" * 65_537})


def test_what_is_not_there_is_said(client: Client) -> None:
    with pytest.raises(NotFoundError, match=r"GET /repos/owner/name/pulls/8: GitHub answered 404 \(Not Found\)"):
        client.get("/repos/owner/name/pulls/8")


def test_a_wrong_token_is_said_and_not_shown(github: GitHub) -> None:
    client = Client(github.url, "ghs_wrong")

    with pytest.raises(UserError, match=r"401 \(Bad credentials\)") as found:
        client.get("/repos/owner/name/pulls/7")
    assert "ghs_wrong" not in f"{found.value} {client}"


def test_an_address_that_is_no_api_is_said(github: GitHub, client: Client) -> None:
    github.fail(200, content=b"<html>")

    with pytest.raises(UserError, match="found an answer that is not JSON"):
        client.get("/repos/owner/name/pulls/7")


def test_the_storage_of_an_artifact_is_not_shown_the_token(github: GitHub, client: Client) -> None:
    artifact = github.add_artifact(github.add_run(HEAD), b"content")  # the storage refuses whoever shows one

    assert client.download(f"/repos/owner/name/actions/artifacts/{artifact}/zip", 7) == b"content"


def test_a_download_ends_at_its_limit(github: GitHub, client: Client) -> None:
    artifact = github.add_artifact(github.add_run(HEAD), bytes(30 << 20))
    tracemalloc.start()

    with pytest.raises(RefusedError, match="found more than 7 bytes"):
        client.download(f"/repos/owner/name/actions/artifacts/{artifact}/zip", 7)

    assert tracemalloc.get_traced_memory()[1] < 5 << 20
    tracemalloc.stop()


def test_a_storage_that_does_not_have_it_is_said(github: GitHub, client: Client) -> None:
    github.fail(302, headers={"Location": f"http://127.0.0.1:{github.storage_port}/1"})

    with pytest.raises(UserError, match="its storage answered 404"):
        client.download("/repos/owner/name/actions/artifacts/1/zip", 7)


def test_an_artifact_that_has_expired_is_said(github: GitHub, client: Client) -> None:
    artifact = github.add_artifact(github.add_run(HEAD), b"content", expired=True)

    with pytest.raises(UserError, match=r"410 \(Artifact has expired\).*\n.*run the workflow `ci`"):
        client.download(f"/repos/owner/name/actions/artifacts/{artifact}/zip", 7)


def test_a_download_is_not_redirected_to_another_scheme(github: GitHub, client: Client) -> None:
    github.fail(302, headers={"Location": "file:///etc/passwd"})

    with pytest.raises(UserError, match="redirected to something other than HTTPS"):
        client.download("/repos/owner/name/actions/artifacts/1/zip", 7)


def test_no_redirect_of_the_api_is_followed(github: GitHub, client: Client) -> None:
    github.fail(301, "Moved Permanently", {"Location": f"{github.url}/repos/owner/name/pulls/7"})

    with pytest.raises(UserError, match="301"):
        client.get("/repos/owner/name/pulls/7")
    assert len(github.requests) == 1


@pytest.mark.parametrize("content", [b"<html>", [], "text", {"errors": ["x", {"message": None}]}])
def test_an_error_without_words_is_said_all_the_same(github: GitHub, client: Client, content: object) -> None:
    github.fail(418, content=content)

    with pytest.raises(UserError, match=r"418 \(without a reason\)"):
        client.get("/repos/owner/name/pulls/7")
