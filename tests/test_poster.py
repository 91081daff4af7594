"""One comment of ours on a pull request, up to date, and nothing else ever written."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import cml_command
from conftest import ROOT
from github_api import BOT, GitHub, Write, zipped
from holdfast import report_body
from holdfast.cml import NETWORK, Cml
from holdfast.errors import RefusedError, UserError
from holdfast.github import Client
from holdfast.poster import Poster, Run, run_named

HEAD, OTHER = "a" * 40, "b" * 40
REPORT = "## promote\n\n| metric | value |\n|:--|--:|\n| ROC AUC | 0.73 |\n"
FILES = {"report.md": REPORT.encode(), "report.html": b"<p>", "report.json": b"{}", "number": b"7"}
WATERMARK = f'![](https://cml.dev/watermark.png#{OTHER} "CML watermark")'


@pytest.fixture
def github() -> Iterator[GitHub]:
    with GitHub() as running:
        running.add_pull(7, HEAD)
        running.add_pull(8, HEAD, source="someone/name")
        yield running


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder of commands that CML is looked for in."""
    folder = tmp_path / "commands"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.fixture
def post(github: GitHub, commands: Path, caplog: pytest.LogCaptureFixture) -> Callable[..., Run]:
    """Post a report of a new run."""
    caplog.set_level("INFO", logger="holdfast")

    def run(
        files: dict[str, bytes] | bytes | None = None, *, head: str = HEAD, report: str = REPORT, number: int = 7,
        size: int | None = None, source: str | None = None,
    ) -> Run:  # fmt: skip
        changed = {"report.md": report.encode(), "number": str(number).encode()}
        made = Run(github.repository, github.add_run(head, source=source), head)
        github.add_artifact(made.id, {**FILES, **changed} if files is None else files, size=size)
        poster_of(github).post(made)
        return made

    return run


def poster_of(github: GitHub, time_limit: float = 10) -> Poster:
    client = Client(github.url, github.token, wait=lambda _: None)
    return Poster(client, Cml(github.server, github.repository, github.token, time_limit), BOT)


def body_of(github: GitHub, run: Run, report: str = REPORT) -> str:
    return report_body.compose(report, run.head, f"{github.server}/{run.repository}/actions/runs/{run.id}")


def test_the_first_report_makes_a_comment(github: GitHub, post: Callable[..., Run]) -> None:
    run = post()

    assert github.writes == [Write("POST", 7, BOT, body_of(github, run))]


def test_a_later_report_changes_it(github: GitHub, post: Callable[..., Run]) -> None:
    post()
    github.push(7, OTHER)
    run = post(head=OTHER, report="better")

    assert [write[:3] for write in github.writes] == [("POST", 7, BOT), ("PATCH", 7, BOT)]
    assert github.comments(7) == [(BOT, body_of(github, run, "better"))]


def test_what_is_there_already_is_left_alone(
    github: GitHub, post: Callable[..., Run], caplog: pytest.LogCaptureFixture
) -> None:
    run = post()
    before = list(github.writes)

    poster_of(github).post(run)

    assert github.writes == before
    assert caplog.messages[-1] == "pull request 7: its comment says the same already; left alone"


@pytest.mark.parametrize("number", [29, 30, 31, 99, 100, 130])
def test_the_comment_is_found_among_many(github: GitHub, post: Callable[..., Run], number: int) -> None:
    for place in range(number):
        github.add_comment(7, f"talk {place}", author="someone")
    post()
    run = post(report="better")

    assert [write[:3] for write in github.writes] == [("POST", 7, BOT), ("PATCH", 7, BOT)]
    assert github.comments(7)[-1] == (BOT, body_of(github, run, "better"))
    assert len(github.comments(7)) == number + 1


@pytest.mark.parametrize("with_cml", [True, False])
@pytest.mark.parametrize("author", ["someone", "github-actions", "owner", ""])
def test_a_comment_of_someone_else_is_never_touched(
    github: GitHub, post: Callable[..., Run], commands: Path, author: str, with_cml: bool
) -> None:
    if with_cml:
        cml_command.install(commands)
    forged = f"mine\n\n{report_body.MARKER}\n\n{WATERMARK}"
    github.add_comment(7, forged, author=author)
    post()
    github.add_comment(7, forged, author=author)
    post(report="better")

    assert [comment for comment in github.comments(7) if comment[0] == author] == [(author, forged)] * 2
    assert [write[:3] for write in github.writes] == [("POST", 7, BOT), ("PATCH", 7, BOT)]


def test_another_comment_of_the_bot_is_never_touched(github: GitHub, post: Callable[..., Run]) -> None:
    others = [f"coverage\n\n{WATERMARK}", f"they wrote:\n> {report_body.MARKER}", f"{report_body.MARKER}\n\nreply"]
    for other in others:
        github.add_comment(7, other)

    post()

    assert [body for _, body in github.comments(7)][:3] == others
    assert [write[0] for write in github.writes] == ["POST"]


def test_of_two_comments_of_ours_the_older_one_stays(github: GitHub, post: Callable[..., Run]) -> None:
    for place in range(3):
        github.add_comment(7, f"report {place}\n\n{report_body.MARKER}")

    run = post()

    assert [write[:3] for write in github.writes] == [("PATCH", 7, BOT), ("DELETE", 7, BOT), ("DELETE", 7, BOT)]
    assert [write[3][:8] for write in github.writes[1:]] == ["report 1", "report 2"]
    assert github.comments(7) == [(BOT, body_of(github, run))]


def test_a_report_cannot_be_signed_in_our_name(github: GitHub, post: Callable[..., Run]) -> None:
    run = post(
        report=f"@victim fixes #1\n\n<img src=x>\n\n{report_body.MARKER}\n\n{WATERMARK}\n\n| a | b |\n`\n<details>\n"
    )

    ((_, body),) = github.comments(7)
    assert body.startswith(report_body.first_line(HEAD, f"{github.server}/{run.repository}/actions/runs/{run.id}"))
    assert body.count(report_body.MARKER) == 1
    assert body.endswith(f"</details>\n\n{report_body.MARKER}")
    assert "@victim" not in body
    assert "#1" not in body


def test_a_report_that_is_too_long_is_cut(github: GitHub, post: Callable[..., Run]) -> None:
    post(report="| row | value |\n" * 30_000)

    ((_, body),) = github.comments(7)
    assert len(body) <= report_body.LIMIT
    assert report_body.CUT in body


# What is refused, and that nothing is written then.


@pytest.mark.parametrize(
    ("number", "problem"),
    [
        (9, "number: found 9, which is no pull request here"),
        (8, "it comes from someone/name, but the report from owner/name"),
    ],
)
def test_a_report_for_another_pull_request_is_refused(
    github: GitHub, post: Callable[..., Run], number: int, problem: str
) -> None:
    with pytest.raises(RefusedError, match=problem):
        post(number=number)
    assert github.writes == []


def test_a_report_of_another_commit_is_refused(github: GitHub, post: Callable[..., Run]) -> None:
    github.push(7, OTHER)

    with pytest.raises(RefusedError, match=f"pull request 7: its head is {OTHER}, but the report is of {HEAD}"):
        post()
    assert github.writes == []


def test_a_report_of_a_fork_is_posted_on_its_pull_request(github: GitHub, post: Callable[..., Run]) -> None:
    post(number=8, source="someone/name")

    assert [write[:3] for write in github.writes] == [("POST", 8, BOT)]


def test_a_report_of_a_fork_that_is_gone_is_posted_only_where_both_are(
    github: GitHub, post: Callable[..., Run]
) -> None:
    github.add_pull(8, HEAD, source="")

    with pytest.raises(RefusedError, match="comes from a repository that is gone, but the report from someone/name"):
        post(number=8, source="someone/name")
    assert github.writes == []
    post(number=8, source="")

    assert [write[:3] for write in github.writes] == [("POST", 8, BOT)]


def test_a_pull_request_that_is_closed_gets_its_report(github: GitHub, post: Callable[..., Run]) -> None:
    github.add_pull(7, HEAD, state="closed")

    post()

    assert [write[:3] for write in github.writes] == [("POST", 7, BOT)]


@pytest.mark.parametrize(("event", "head"), [("push", HEAD), ("workflow_dispatch", HEAD), ("pull_request", OTHER)])
def test_a_run_of_something_else_is_refused(github: GitHub, event: str, head: str) -> None:
    run = Run(github.repository, github.add_run(head, event=event), HEAD)
    github.add_artifact(run.id, FILES)

    with pytest.raises(RefusedError, match=f"run {run.id}: found event '{event}' on {head}"):
        poster_of(github).post(run)
    assert github.writes == []


@pytest.mark.parametrize("artifact", [{}, {"name": "data"}, {"expired": True}])
def test_a_run_without_a_report_is_refused(github: GitHub, artifact: dict[str, Any]) -> None:
    run = Run(github.repository, github.add_run(HEAD), HEAD)
    github.add_artifact(github.add_run(HEAD), FILES)
    if artifact:
        github.add_artifact(run.id, FILES, **artifact)

    with pytest.raises(RefusedError, match=f"run {run.id}: found no artifact 'report' that has not expired"):
        poster_of(github).post(run)
    assert github.writes == []


def test_the_newest_report_of_a_run_is_the_one(github: GitHub) -> None:
    run = Run(github.repository, github.add_run(HEAD), HEAD)
    for report in (b"first", b"second"):
        github.add_artifact(run.id, {**FILES, "report.md": report})

    poster_of(github).post(run)

    assert github.comments(7) == [(BOT, body_of(github, run, "second"))]


def test_an_artifact_that_is_too_large_is_not_downloaded(github: GitHub, post: Callable[..., Run]) -> None:
    with pytest.raises(RefusedError, match="artifact 'report' has 20,971,520 bytes, expected at most 5,242,880"):
        post(zipped(FILES), size=20 << 20)
    assert not any("zip" in request.path for request in github.requests)
    assert github.writes == []


def test_an_artifact_that_is_larger_than_it_says_is_not_read_to_its_end(
    github: GitHub, post: Callable[..., Run]
) -> None:
    with pytest.raises(RefusedError, match="found more than 5,242,880 bytes"):
        post(os.urandom(20 << 20), size=1_000)
    assert github.writes == []


@pytest.mark.parametrize(
    "files",
    [
        b"no archive",
        zipped({**FILES, "number": b"7; rm -rf /"}),
        zipped({**FILES, "../../.bashrc": b"x"}),
        zipped({"report.md": b"x", "number": b"7"}),
        zipped({**FILES, "report.md": b"\xff"}),
        zipped({**FILES, "report.md": bytes(50 << 20)}),
    ],
    ids=["no archive", "number", "name", "missing", "bytes", "bomb"],
)
def test_an_artifact_that_is_not_what_ci_uploads_is_refused(
    github: GitHub, post: Callable[..., Run], files: bytes
) -> None:
    with pytest.raises(RefusedError, match="error: artifact: "):
        post(files)
    assert github.writes == []


# What GitHub can do to it.


@pytest.mark.parametrize("after", [True, False])
@pytest.mark.parametrize("method", ["POST", "PATCH", "GET"])
@pytest.mark.parametrize("status", [500, 502])
def test_an_error_of_the_server_makes_no_second_comment(
    github: GitHub, post: Callable[..., Run], method: str, status: int, after: bool
) -> None:
    if method == "PATCH":
        github.add_comment(7, f"before\n\n{report_body.MARKER}")
    github.fail(status, method=method, path="comments", after=after)

    run = post()

    assert github.comments(7) == [(BOT, body_of(github, run))]


@pytest.mark.parametrize("headers", [{"Retry-After": "2"}, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}])
def test_a_limit_is_waited_out(github: GitHub, post: Callable[..., Run], headers: dict[str, str]) -> None:
    for method in ("GET", "POST"):
        github.fail(403, "You have exceeded a secondary rate limit", headers, method=method, times=2)

    run = post()

    assert github.writes == [Write("POST", 7, BOT, body_of(github, run))]


def test_a_comment_that_is_gone_meanwhile_is_made_anew(github: GitHub, post: Callable[..., Run]) -> None:
    github.add_comment(7, f"before\n\n{report_body.MARKER}")
    github.fail(404, method="PATCH", after=True)

    run = post()

    assert github.comments(7) == [(BOT, body_of(github, run))]


def test_a_server_that_stays_broken_is_said(github: GitHub, post: Callable[..., Run]) -> None:
    github.fail(500, method="POST", times=50)

    with pytest.raises(UserError, match="POST .*: the server failed while it was asked"):
        post()
    assert github.comments(7) == []


def test_a_token_of_another_name_is_said(github: GitHub, post: Callable[..., Run]) -> None:
    github.login = "someone[bot]"

    with pytest.raises(UserError, match=r"by 'someone\[bot\]' and not by 'github-actions\[bot\]'.*\n.*--author"):
        post()
    assert [write[:3] for write in github.writes] == [("POST", 7, "someone[bot]")]


@pytest.mark.parametrize("missing", ["pull-requests", "actions"])
def test_a_missing_permission_is_said(github: GitHub, post: Callable[..., Run], missing: str) -> None:
    github.permissions[missing] = "read" if missing == "pull-requests" else "none"

    with pytest.raises(UserError, match=f"403 .*\n.*`{missing}: "):
        post()
    assert github.writes == []


# CML: the first choice, where it does the right thing.


def test_cml_posts_and_changes_its_comment(
    github: GitHub, post: Callable[..., Run], commands: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cml_command.install(commands)
    post()
    run = post(report="better")

    mark = f'![](https://cml.dev/watermark.png#{HEAD} "CML watermark")'
    assert [write[:3] for write in github.writes] == [("POST", 7, BOT), ("PATCH", 7, BOT)]
    assert github.comments(7) == [(BOT, f"{body_of(github, run, 'better')}\n\n{mark}")]
    assert [line for line in caplog.messages if "posted" in line] == ["pull request 7: posted by CML"] * 2


def test_cml_gets_only_what_it_needs(
    github: GitHub, post: Callable[..., Run], commands: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen = cml_command.install(commands)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in NETWORK:
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "GITHUB_ENV", "GITHUB_SERVER_URL", "CML_COMMENT_WATCH"):
        monkeypatch.setenv(name, "x")

    post()

    called = json.loads(seen.read_text())
    environment = {name: value for name, value in called["environment"].items() if name not in {"LC_CTYPE", "PWD"}}
    assert set(environment) == {"PATH", "HOME", "GITHUB_SHA", "ITERATIVE_DO_NOT_TRACK", "REPO_TOKEN"}
    assert github.token not in " ".join(called["arguments"])
    assert "--no-publish" in called["arguments"]
    assert environment["HOME"] != str(tmp_path)
    assert not Path(environment["HOME"]).exists()
    assert not (tmp_path / ".gitconfig").exists()
    assert github.telemetry == []


@pytest.mark.parametrize("mode", ["fails", "silent", "hangs", "posts and fails", "empties"])
def test_the_report_does_not_go_missing_with_cml(github: GitHub, commands: Path, mode: str) -> None:
    cml_command.install(commands, mode)
    run = Run(github.repository, github.add_run(HEAD), HEAD)
    github.add_artifact(run.id, FILES)
    begun = time.monotonic()

    poster_of(github, time_limit=0.5).post(run)

    (comment,) = [body for _, body in github.comments(7) if report_body.is_marked(body)]
    assert report_body.same(comment, body_of(github, run))
    assert {write.author for write in github.writes} == {BOT}
    assert time.monotonic() - begun < 5


def test_nothing_that_hangs_is_left_behind(github: GitHub, commands: Path) -> None:
    seen = cml_command.install(commands, "hangs")

    assert not poster_of(github, time_limit=0.5).cml.run(7, HEAD, "text")

    child = Path("/proc", Path(f"{seen}.child").read_text(), "stat")
    end = time.monotonic() + 5
    while child.exists() and child.read_text().split()[2] != "Z":  # ended, if perhaps not fetched by its parent yet
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_command_that_does_not_start_is_no_hindrance(
    github: GitHub, post: Callable[..., Run], commands: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (commands / "cml").write_bytes(b"\x00not a program")
    (commands / "cml").chmod(0o755)

    run = post()

    assert github.writes == [Write("POST", 7, BOT, body_of(github, run))]
    assert caplog.messages[-1] == "pull request 7: posted by Holdfast itself"


@pytest.mark.parametrize("number", [30, 31])
def test_cml_is_not_asked_where_it_would_not_see_its_comment(
    github: GitHub, post: Callable[..., Run], commands: Path, number: int
) -> None:
    seen = cml_command.install(commands)
    for place in range(number):
        github.add_comment(7, f"talk {place}", author="someone")
    post()
    assert seen.exists() == (number <= 30)
    seen.unlink(missing_ok=True)

    run = post(report="better")

    assert not seen.exists()
    assert [write[:3] for write in github.writes] == [("POST", 7, BOT), ("PATCH", 7, BOT)]
    assert github.comments(7)[-1] == (BOT, body_of(github, run, "better"))


def test_cml_is_not_asked_where_it_would_change_another_comment(
    github: GitHub, post: Callable[..., Run], commands: Path
) -> None:
    seen = cml_command.install(commands)
    post()
    seen.unlink()
    quote = github.comments(7)[0][1]
    github.add_comment(7, quote, author="someone")

    post(report="better")

    assert not seen.exists()
    assert github.comments(7)[1] == ("someone", quote)
    assert [write[:3] for write in github.writes] == [("POST", 7, BOT), ("PATCH", 7, BOT)]


def test_cml_is_not_asked_where_it_would_make_a_second_comment(
    github: GitHub, post: Callable[..., Run], commands: Path
) -> None:
    post()
    seen = cml_command.install(commands)

    post(report="better")

    assert not seen.exists()
    assert [write[:3] for write in github.writes] == [("POST", 7, BOT), ("PATCH", 7, BOT)]


def test_cml_is_not_asked_where_it_would_call_another_api(
    github: GitHub, commands: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="holdfast")
    seen = cml_command.install(commands)
    run = Run(github.repository, github.add_run(HEAD), HEAD)
    github.add_artifact(run.id, FILES)
    client = Client(github.url, github.token)

    Poster(client, Cml("https://github.com", github.repository, github.token), BOT).post(run)

    assert not seen.exists()
    assert caplog.messages == [
        "CML is not asked: it would call https://api.github.com", "pull request 7: posted by Holdfast itself",
    ]  # fmt: skip


def test_the_stand_in_has_the_faults_that_are_known_of_cml(github: GitHub, tmp_path: Path) -> None:
    """What it overwrites here is what the poster keeps it from."""
    cml_command.install(tmp_path)
    github.add_comment(7, f"I quote: {WATERMARK}", author="someone")
    (tmp_path / "report.md").write_text("text")
    repo = ["--repo", f"{github.server}/{github.repository}", "--target", "pr/7", "report.md"]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "REPO_TOKEN": github.token, "GITHUB_SHA": HEAD}

    command = [str(tmp_path / "cml"), "comment", "create", "--update", *repo]
    subprocess.run(command, env=environment, cwd=tmp_path, check=True)

    assert [write[:3] for write in github.writes] == [("PATCH", 7, "someone")]
    assert "directory = *" in (tmp_path / ".gitconfig").read_text()
    assert github.telemetry == ["{}"]


# The command.


def command(github: GitHub, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m holdfast post` as a bare runner does: no package but those of Python itself."""
    known = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT / "src"), "GITHUB_TOKEN": github.token}
    known |= {"GITHUB_API_URL": github.url, "GITHUB_SERVER_URL": github.server, **environment}
    return subprocess.run(
        [sys.executable, "-S", "-m", "holdfast", "post", *arguments],
        env=known,
        cwd=ROOT,
        text=True,
        capture_output=True,
    )


def test_the_command_posts_on_a_bare_python(github: GitHub) -> None:
    run = github.add_run(HEAD)
    github.add_artifact(run, FILES)

    done = command(github, "--repository", github.repository, "--run", str(run), "--head", HEAD)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "CML is not here\npull request 7: posted by Holdfast itself\n"
    assert github.writes == [Write("POST", 7, BOT, body_of(github, Run(github.repository, run, HEAD)))]


def test_the_command_refuses_with_exit_code_1(github: GitHub) -> None:
    run = github.add_run(HEAD)
    github.add_artifact(run, {**FILES, "x\n::add-mask::y": b""})

    done = command(github, "--repository", github.repository, "--run", str(run), "--head", HEAD)

    assert done.returncode == 1
    assert done.stderr.startswith("error: artifact: found 'number', ")
    assert "\n::" not in done.stderr
    assert github.token not in done.stdout + done.stderr
    assert github.writes == []


def test_the_command_needs_a_token(github: GitHub) -> None:
    done = command(github, "--repository", "owner/name", "--run", "1", "--head", HEAD, GITHUB_TOKEN="")

    assert done.returncode == 2
    assert done.stderr.startswith("error: GITHUB_TOKEN: not set.\n  fix: ")
    assert github.requests == []


@pytest.mark.parametrize(
    ("repository", "run", "head", "option"),
    [
        ("owner", "1", HEAD, "--repository"),
        ("../../user", "1", HEAD, "--repository"),
        ("owner/name?x", "1", HEAD, "--repository"),
        ("owner/name", "0", HEAD, "--run"),
        ("owner/name", "1/../2", HEAD, "--run"),
        ("owner/name", "1", HEAD[:-1], "--head"),
        ("owner/name", "1", f"{HEAD}\n", "--head"),
        ("owner/name", "1", "main", "--head"),
    ],
)
def test_what_cannot_be_a_run_is_said(repository: str, run: str, head: str, option: str) -> None:
    with pytest.raises(UserError, match=f"{option}: found "):
        run_named(repository, run, head)


# The workflow.

WORKFLOW: dict[Any, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / "report.yml").read_text())


def test_the_workflow_may_do_no_more_than_it_must() -> None:
    (job,) = WORKFLOW["jobs"].values()

    assert WORKFLOW["permissions"] == {}
    assert job["permissions"] == {"contents": "read", "actions": "read", "pull-requests": "write"}
    assert WORKFLOW[True] == {"workflow_run": {"workflows": ["ci"], "types": ["completed"]}}
    assert job["if"].startswith("github.event.workflow_run.event == 'pull_request' &&")


def test_the_workflow_runs_no_code_of_the_pull_request_and_no_text_of_its() -> None:
    (job,) = WORKFLOW["jobs"].values()

    (checkout,) = [step for step in job["steps"] if "checkout" in step.get("uses", "")]
    assert checkout["with"] == {"ref": "${{ github.event.repository.default_branch }}", "persist-credentials": False}
    assert all("${{" not in step.get("run", "") for step in job["steps"])
    assert not any("download-artifact" in step.get("uses", "") for step in job["steps"])


def test_the_limits_leave_room_for_what_cml_appends() -> None:
    assert report_body.LIMIT + len(f"\n\n{WATERMARK}") < 65_536
