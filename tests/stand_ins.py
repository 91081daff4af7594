"""What a page of the documentation runs in: a clone of this working tree, and stand-ins for what it talks to.

    <!-- with: reproduced, s3 -->

at the top of a page names what it needs besides the clone. Each makes what it stands for in the folder of the page, or
starts it, and gives the variables of the environment that lead there.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import s3_server
from conftest import ROOT, made
from github_api import GitHub
from holdfast.files import Workspace
from holdfast.playground import start
from holdfast.playground.repositories import Repository
from holdfast.playground.start import Practice
from mlflow_server import s3_environment, serving
from postgres import Server, binaries

NOWHERE = "http://127.0.0.1:9"  # no page reaches what is not on this machine
HOME = "/home/you"  # how the folder of a page is written on it
StandIn = Callable[[Practice], AbstractContextManager[dict[str, str]]]


@contextmanager
def page_environment(place: Path, names: tuple[str, ...] = ()) -> Iterator[tuple[Path, dict[str, str]]]:
    """Make a clone with a home around it, start what a page needs, and give the clone and the environment."""
    practice = Practice(place)
    place.mkdir(parents=True, exist_ok=True)
    start.copy_origin(ROOT, practice)
    start.clone_origin(practice)
    _lay_over(practice)
    with ExitStack() as stack:
        environment = _environment(practice)
        for name in names:
            environment |= stack.enter_context(STAND_INS[name](practice))
        yield practice.clone.folder, environment


def _environment(practice: Practice) -> dict[str, str]:
    """Return what a page finds set: nothing of whoever runs the tests."""
    home, borrowed = practice.folder, practice.clone.folder / ".venv"
    programs = [str(borrowed / "bin"), *(one for one in os.environ["PATH"].split(os.pathsep) if ".venv" not in one)]
    return {
        "HOME": str(home), "PATH": os.pathsep.join(programs), "VIRTUAL_ENV": str(borrowed), "USER": "you",
        "LANG": "C.UTF-8", "TZ": "UTC", "COLUMNS": "120", "NO_COLOR": "1", "TERM": "dumb", "PAGER": "cat",
        "BROWSER": "true", "TMPDIR": os.environ.get("TMPDIR", "/tmp"), "DVC_SITE_CACHE_DIR": str(home / ".cache" / "dvc"),
        "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": "file",
        "PIP_NO_INDEX": "1", "UV_OFFLINE": "1", "MLFLOW_DISABLE_TELEMETRY": "true", "GX_ANALYTICS_ENABLED": "false",
        **dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), NOWHERE),
        **dict.fromkeys(("no_proxy", "NO_PROXY"), "127.0.0.1,localhost"),
    }  # fmt: skip


def _lay_over(practice: Practice) -> None:
    """Commit in the clone what is not committed here, so that the tests are about what is here."""
    here, clone = Repository(ROOT), practice.clone
    clone.git("config", "user.name", "You")
    clone.git("config", "user.email", "you@example.org")
    changed = here.git("ls-files", "--modified", "--deleted", "--others", "--exclude-standard", "-z").decode()
    staged = here.git("diff", "--name-only", "--cached", "--no-renames", "-z").decode()
    for name in filter(None, {*changed.split("\0"), *staged.split("\0")}):
        target = clone.folder / name
        target.unlink(missing_ok=True)
        if (ROOT / name).is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target)
    if clone.line("status", "--porcelain"):
        clone.git("add", "--all")
        clone.git("commit", "--quiet", "--message", "what is not committed yet")
        clone.git("push", "--quiet", "origin", "main")
    # What the lock was made from may have been laid over, too: the environment is still the one of this page.
    stamp = clone.folder / ".venv" / ".made-from"
    names = ("requirements-work.txt", "pyproject.toml", "scripts/setup")
    stamp.write_bytes(
        f"{clone.folder.resolve()}\n".encode() + b"".join((clone.folder / name).read_bytes() for name in names)
    )


@contextmanager
def reproduced(practice: Practice) -> Iterator[dict[str, str]]:
    """What `make repro` has left: data, artifacts, and DVC's cache."""
    made(Workspace(ROOT).evaluate / "bundle")
    for name in ("data", "artifacts", ".dvc/cache"):
        shutil.copytree(ROOT / name, practice.clone.folder / name, dirs_exist_ok=True)
    yield {}


@contextmanager
def s3(practice: Practice) -> Iterator[dict[str, str]]:
    """A bucket of the name `bucket`."""
    with s3_server.serving() as address:
        yield s3_environment(address)


@contextmanager
def postgres(practice: Practice) -> Iterator[dict[str, str]]:
    """An empty database, which the variables of PostgreSQL lead to."""
    server = Server(binaries())
    server.start()
    try:
        address = urlsplit(server.make_database())
        yield {"PGHOST": str(address.hostname), "PGPORT": str(address.port), "PGUSER": str(address.username),
               "PGDATABASE": address.path.strip("/")}  # fmt: skip
    finally:
        server.stop()
        shutil.rmtree(server.folder)


@contextmanager
def registry_server(practice: Practice) -> Iterator[dict[str, str]]:
    """A server of MLflow, which keeps its files itself; MLFLOW_SERVER is its address, and nothing uses it unasked."""
    folder = practice.folder / "mlflow-server"
    folder.mkdir()
    options = ("--serve-artifacts", "--artifacts-destination", str(folder / "files"))
    with serving(f"sqlite:///{folder}/names.db", NOWHERE, folder, *options) as address:
        yield {"MLFLOW_SERVER": address}


@contextmanager
def github(practice: Practice) -> Iterator[dict[str, str]]:
    """The API of a GitHub with one repository, OWNER/NAME, and a pull request 7 of HEAD, on which `ci` has run."""
    report = {"report.md": b"# Promote\n", "report.html": b"", "report.json": b"{}", "number": b"7"}
    with GitHub("OWNER/NAME") as server:
        head = practice.clone.tip("HEAD")
        server.add_pull(7, head=head)
        server.add_artifact(server.add_run(head=head), report)
        yield {"GITHUB_API_URL": server.url, "GITHUB_SERVER_URL": server.server, "GITHUB_TOKEN": server.token}


@contextmanager
def heroku(practice: Practice) -> Iterator[dict[str, str]]:
    """A platform that is pushed to, as the remote `heroku`: every clone of a practice copy has one already."""
    yield {}


STAND_INS: dict[str, StandIn] = {
    "reproduced": reproduced,
    "s3": s3,
    "postgres": postgres,
    "registry-server": registry_server,
    "github": github,
    "heroku": heroku,
}
