"""A stand-in for GitHub's REST API on loopback, as far as comments and artifacts go, with a log of all writes.

    with GitHub("owner/name") as github:
        github.add_pull(7, head=SHA)
        run = github.add_run(head=SHA)
        github.add_artifact(run, {"report.md": b"...", ...})
        github.fail(502, method="POST", after=True)  # the next POST is done, and its answer lost
        ...                                          # GITHUB_API_URL=github.url, GITHUB_TOKEN=github.token
        assert github.writes == [Write("POST", 7, BOT, "...")]

It behaves as GitHub does: it asks for a token and its permissions, gives lists by pages (30 items, 100 at most), lets
a token with `pull-requests: write` change and delete the comments of others, refuses more than 65,536 characters, and
redirects a download to a storage on another port, which refuses whoever shows it a token.
"""

import json
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from threading import Thread
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, urlsplit

BOT = "github-actions[bot]"
BODY_LIMIT = 65_536
WRITING = {"contents": "read", "actions": "read", "pull-requests": "write"}


class Write(NamedTuple):
    """Something that was done: to which pull request, and whose comment it was."""

    method: str
    pull: int
    author: str
    body: str


class Request(NamedTuple):
    """Something that was asked."""

    method: str
    path: str
    headers: Mapping[str, str]


class Answer(NamedTuple):
    status: int
    content: Any = None
    headers: Mapping[str, str] = {}


@dataclass
class Failure:
    """An answer in place of the true one, or after the deed."""

    answer: Answer
    method: str
    path: str
    after: bool

    def hits(self, request: Request) -> bool:
        return self.method in {"", request.method} and self.path in request.path


@dataclass
class GitHub:
    """One repository on a GitHub of its own; `url` is its API, `server` its web address."""

    repository: str = "owner/name"
    token: str = "ghs_secret"
    login: str = BOT
    permissions: dict[str, str] = field(default_factory=lambda: dict(WRITING))
    writes: list[Write] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    telemetry: list[str] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._ids = iter(range(1_000, 1_000_000))
        self._pulls: dict[int, dict[str, Any]] = {}
        self._comments: dict[int, dict[int, dict[str, Any]]] = {}
        self._runs: dict[int, dict[str, Any]] = {}
        self._approvals: dict[int, list[dict[str, Any]]] = {}
        self._artifacts: dict[int, dict[str, Any]] = {}
        self._archives: dict[int, bytes] = {}
        self._api = _server(self._answer_api)
        self._storage = _server(self._answer_storage)
        self.storage_port = self._storage.server_port
        self.server = f"http://127.0.0.1:{self._api.server_port}"
        self.url = f"{self.server}/api/v3"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for server in (self._api, self._storage):
            server.shutdown()
            server.server_close()

    # What a test puts there, and finds there.

    def add_pull(self, number: int, head: str, *, source: str | None = None, state: str = "open") -> None:
        """Add a pull request, from `source` if it is a fork's; "" is a fork that is gone."""
        self._pulls[number] = {"number": number, "state": state, "head": {"sha": head, "repo": self._named(source)}}
        self._comments[number] = {}

    def push(self, number: int, head: str) -> None:
        """Move a pull request to another commit."""
        self._pulls[number]["head"]["sha"] = head

    def add_comment(self, number: int, body: str, author: str = BOT) -> int:
        """Add a comment, and return its id; it is no write."""
        made = next(self._ids)
        self._comments[number][made] = {"id": made, "user": {"login": author}, "body": body}
        return made

    def remove_comment(self, number: int, comment: int) -> None:
        del self._comments[number][comment]

    def comments(self, number: int) -> list[tuple[str, str]]:
        """Return who wrote what, in its order."""
        return [(one["user"]["login"], one["body"]) for one in self._comments[number].values()]

    def add_run(self, head: str, *, event: str = "pull_request", source: str | None = None) -> int:
        """Add a workflow run, and return its id."""
        made = next(self._ids)
        address = f"{self.server}/{self.repository}/actions/runs/{made}"
        self._runs[made] = {"id": made, "event": event, "head_sha": head, "html_url": address}
        self._runs[made] |= {"head_repository": self._named(source)}
        return made

    def add_approval(self, run: int, login: str, environment: str, *, state: str = "approved") -> None:
        """Let a person answer a run that waits to be let into an environment."""
        entry = {"state": state, "comment": "", "environments": [{"name": environment}], "user": {"login": login}}
        self._approvals.setdefault(run, []).append(entry)

    def add_artifact(
        self, run: int, files: Mapping[str, bytes] | bytes, *, name: str = "report", size: int | None = None,
        expired: bool = False,
    ) -> int:  # fmt: skip
        """Add an artifact: files, or the bytes of an archive; `size` is what GitHub says of it."""
        archive = files if isinstance(files, bytes) else zipped(files)
        made = next(self._ids)
        self._archives[made] = archive
        self._artifacts[made] = {
            "id": made, "name": name, "size_in_bytes": len(archive) if size is None else size, "expired": expired,
            "run": run,
        }  # fmt: skip
        return made

    def fail(
        self, status: int, message: str = "", headers: Mapping[str, str] | None = None, *, method: str = "",
        path: str = "", times: int = 1, after: bool = False, content: Any = None,
    ) -> None:  # fmt: skip
        """Let the next requests of a method, to a path that holds `path`, fail; with `after`, once they are done."""
        said = {"message": message} if content is None else content
        self.failures += [Failure(Answer(status, said, headers or {}), method, path, after)] * times

    # What the server does.

    def _named(self, source: str | None) -> dict[str, str] | None:
        return None if source == "" else {"full_name": source or self.repository}

    def _answer_api(self, request: Request, content: Any) -> Answer:
        self.requests.append(request)
        failure = next((one for one in self.failures if one.hits(request)), None)
        if failure:
            self.failures.remove(failure)
        answer = self._answer_truly(request, content) if failure is None or failure.after else failure.answer
        return failure.answer if failure else answer

    def _answer_truly(self, request: Request, content: Any) -> Answer:
        if request.path == "/telemetry":
            self.telemetry.append(json.dumps(content))
            return Answer(200, {})
        if request.headers.get("Authorization") not in {f"Bearer {self.token}", f"token {self.token}"}:
            return Answer(401, {"message": "Bad credentials"})
        path = urlsplit(request.path).path.removeprefix("/api/v3")
        if path.startswith("/users/"):
            return Answer(200, {"login": path.removeprefix("/users/"), "id": 1, "name": None})
        here = path.removeprefix(f"/repos/{self.repository}")
        if here == path:
            return Answer(404, {"message": "Not Found"})
        for method, pattern, permission, answer in self._routes():
            found = re.fullmatch(pattern, here)
            if found and method == request.method:
                if not self._may(permission):
                    return Answer(403, {"message": "Resource not accessible by integration"})
                return answer(request, content, int(found[1]))
        return Answer(404, {"message": "Not Found"})

    def _routes(self) -> list[tuple[str, str, str, Callable[[Request, Any, int], Answer]]]:
        comments, comment = r"/issues/(\d+)/comments", r"/issues/comments/(\d+)"
        return [
            ("GET", r"/pulls/(\d+)", "pull-requests: read", lambda _, __, number: _found(self._pulls.get(number))),
            ("GET", comments, "pull-requests: read", self._list_comments),
            ("POST", comments, "pull-requests: write", self._make_comment),
            ("PATCH", comment, "pull-requests: write", self._change_comment),
            ("DELETE", comment, "pull-requests: write", self._delete_comment),
            ("GET", r"/actions/runs/(\d+)", "actions: read", lambda _, __, run: _found(self._runs.get(run))),
            ("GET", r"/actions/runs/(\d+)/approvals", "actions: read", self._list_approvals),
            ("GET", r"/actions/runs/(\d+)/artifacts", "actions: read", self._list_artifacts),
            ("GET", r"/actions/artifacts/(\d+)/zip", "actions: read", self._redirect),
        ]

    def _may(self, permission: str) -> bool:
        what, level = permission.split(": ")
        return self.permissions.get(what) in {level, "write"}

    def _list_comments(self, request: Request, _: Any, number: int) -> Answer:
        if number not in self._comments:
            return Answer(404, {"message": "Not Found"})
        return self._page(request, list(self._comments[number].values()))

    def _list_artifacts(self, request: Request, _: Any, run: int) -> Answer:
        name = _query(request).get("name")
        found = [one for one in self._artifacts.values() if one["run"] == run and name in {None, one["name"]}]
        page = self._page(request, found)
        return page._replace(content={"total_count": len(found), "artifacts": page.content})

    def _list_approvals(self, _: Request, __: Any, run: int) -> Answer:
        return Answer(200, self._approvals.get(run, [])) if run in self._runs else _found(None)

    def _page(self, request: Request, items: list[Any]) -> Answer:
        query = _query(request)
        size, page = min(int(query.get("per_page", 30)), 100), int(query.get("page", 1))
        if page * size >= len(items):
            return Answer(200, items[(page - 1) * size :])
        following = f"{self.server}{urlsplit(request.path).path}?per_page={size}&page={page + 1}"
        link = f'<{following}>; rel="next", <{following}>; rel="last"'
        return Answer(200, items[(page - 1) * size : page * size], {"Link": link})

    def _make_comment(self, _: Request, content: Any, number: int) -> Answer:
        if number not in self._comments:
            return Answer(404, {"message": "Not Found"})
        if len(content["body"]) > BODY_LIMIT:
            return _too_long()
        made = self.add_comment(number, content["body"], self.login)
        self.writes.append(Write("POST", number, self.login, content["body"]))
        return Answer(201, self._comments[number][made])

    def _change_comment(self, _: Request, content: Any, comment: int) -> Answer:
        for number, comments in self._comments.items():
            if comment in comments:
                if len(content["body"]) > BODY_LIMIT:
                    return _too_long()
                comments[comment]["body"] = content["body"]
                self.writes.append(Write("PATCH", number, comments[comment]["user"]["login"], content["body"]))
                return Answer(200, comments[comment])
        return Answer(404, {"message": "Not Found"})

    def _delete_comment(self, _: Request, __: Any, comment: int) -> Answer:
        for number, comments in self._comments.items():
            if comment in comments:
                gone = comments.pop(comment)
                self.writes.append(Write("DELETE", number, gone["user"]["login"], gone["body"]))
                return Answer(204)
        return Answer(404, {"message": "Not Found"})

    def _redirect(self, _: Request, __: Any, artifact: int) -> Answer:
        if artifact not in self._archives:
            return Answer(404, {"message": "Not Found"})
        if self._artifacts[artifact]["expired"]:
            return Answer(410, {"message": "Artifact has expired"})
        return Answer(302, headers={"Location": f"http://127.0.0.1:{self.storage_port}/{artifact}?sig=x"})

    def _answer_storage(self, request: Request, _: Any) -> Answer:
        if "Authorization" in request.headers:
            return Answer(400, {"message": "two ways of authentication were given"})
        archive = self._archives.get(int(urlsplit(request.path).path.strip("/")))
        return Answer(404) if archive is None else Answer(200, archive)


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Return a zip archive."""
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


def _found(thing: dict[str, Any] | None) -> Answer:
    return Answer(404, {"message": "Not Found"}) if thing is None else Answer(200, thing)


def _too_long() -> Answer:
    errors = [{"resource": "IssueComment", "message": "Body is too long (maximum is 65536 characters)"}]
    return Answer(422, {"message": "Validation Failed", "errors": errors})


def _query(request: Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(request.path).query).items()}


def _server(answer: Callable[[Request, Any], Answer]) -> ThreadingHTTPServer:
    """Start a server that answers as it is told."""

    class Handler(BaseHTTPRequestHandler):
        def handle_one(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            given = answer(Request(self.command, self.path, dict(self.headers)), json.loads(sent) if sent else None)
            body = given.content if isinstance(given.content, bytes) else b""
            if given.content is not None and not body:
                body = json.dumps(given.content).encode()
            self.send_response(given.status)
            for name, value in {"Content-Length": str(len(body)), **given.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                self.wfile.write(body)
            except ConnectionError:
                return  # the other side had read enough

        do_GET = do_POST = do_PATCH = do_DELETE = handle_one  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=lambda: server.serve_forever(poll_interval=0.01), daemon=True).start()
    return server
