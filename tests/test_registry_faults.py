"""Whatever is wrong with the store or with what is in it: a clear error and a remedy, and no alias is moved."""

import hashlib
import io
import json
import os
import pickle
import resource
import shutil
import socket
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from conftest import Project
from holdfast import moves, registry, store, tracking
from holdfast.bundle import Bundle
from holdfast.commands import history, promote, rollback
from holdfast.errors import UserError
from holdfast.moves import CHALLENGER, CHAMPION, Move
from holdfast.registry import Version
from holdfast.store import QUIET, Store
from holdfast.tracking import Run
from stores import register

NAME = "flight-delay-dev"
RUN = Run("a key", "a name", {"rate": "0.1"}, {"roc_auc": 0.7}, {"owner": "ann"})

Edit = Callable[[Path], None]


@contextmanager
def answering(code: int, content: bytes) -> Iterator[str]:
    """Give the address of a server that answers everything with the same."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(code)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815 (the name is http.server's)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=[0.01]).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@contextmanager
def nobody() -> Iterator[str]:
    """Give the address of a port that is closed."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{found.getsockname()[1]}"


@contextmanager
def silence() -> Iterator[str]:
    """Give the address of a server that accepts and says nothing."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


SERVERS = {
    "closed": (nobody, "is not there: nobody answers"),
    "500": (lambda: answering(500, b'{"error_code": "INTERNAL_ERROR"}'), "answers with error 500"),
    "502": (lambda: answering(502, b"<html>bad gateway</html>"), "answers with error 502"),
    "html": (lambda: answering(200, b"<html>Sign in</html>"), "is none: something else answers"),
    "404": (lambda: answering(404, b"<html>not here</html>"), "is none: something else answers"),
    "401": (lambda: answering(401, b"no"), r"does not let in who asks \(error 401\)"),
    "silent": (silence, "does not answer in time"),
}


@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.slow if name == "silent" else ()) for name in SERVERS])
def broken(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """What is said of a server that is broken, and is the one to ask; impatiently, to save time."""
    serve, said = SERVERS[request.param]
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1" if request.param == "silent" else "5")
    monkeypatch.delenv("MLFLOW_REGISTRY_URI", raising=False)
    with serve() as address:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        yield rf"^error: {address}: the MLflow store {said}\.\n  fix: check the name and MLFLOW_TRACKING_URI"


def test_each_command_says_what_is_wrong_with_a_server(broken: str, finished_project: Project) -> None:
    root = finished_project.workspace.root
    opened = store.connect(root)
    commands: list[Callable[[], object]] = [
        lambda: promote.run(root, CHALLENGER, dry_run=False, approved_by=[]),
        lambda: rollback.run(root, None),
        lambda: history.run(root),
        lambda: tracking.record(opened, NAME, RUN),
        lambda: registry.register(opened, NAME, "a run", {}),
        lambda: moves.fetch(root, f"models:/{NAME}@champion", root),
    ]

    for command in commands[: 2 if "in time" in broken else None]:
        with pytest.raises(UserError, match=broken):
            command()


def test_half_a_minute_is_the_longest_wait_for_a_server() -> None:
    attempts = int(QUIET["MLFLOW_HTTP_REQUEST_MAX_RETRIES"]) + 1
    between = sum(int(QUIET["MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR"]) * 2**count + 1 for count in range(1, attempts - 1))

    assert attempts * int(QUIET["MLFLOW_HTTP_REQUEST_TIMEOUT"]) + between <= 30


@pytest.mark.slow
def test_a_closed_port_is_told_within_seconds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in QUIET:
        monkeypatch.delenv(name, raising=False)
    with nobody() as address:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        opened, begun = store.connect(tmp_path), time.monotonic()

        with pytest.raises(UserError, match="is not there: nobody answers"):
            registry.find(opened, NAME, CHAMPION)

    assert time.monotonic() - begun < 15  # and not after the minutes of the library


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://ann:secret@127.0.0.1:1", r"error: http://127\.0\.0\.1:1: .* is not there: nobody answers"),
        ("postgresql+psycopg://ann:secret@127.0.0.1:1/x", r"error: postgresql\+psycopg://127\.0\.0\.1:1/x: .* is not"),
        ("http://nowhere.invalid:5000", "is not there: no host has that name"),
        ("./mlruns", "is a folder, where MLflow keeps nothing any more: name a database or a server"),
        ("ftp://somewhere", "says: .*unsupported URI"),
    ],
)
def test_an_address_that_is_none_is_told_at_once_and_without_its_password(
    address: str, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    begun = time.monotonic()

    with pytest.raises(UserError, match=said) as told:
        registry.find(store.connect(tmp_path), NAME, CHAMPION)

    assert "secret" not in str(told.value)
    assert time.monotonic() - begun < 15  # and not after the minutes of the library


def test_what_s3_does_not_answer_is_told_where_files_lie_there() -> None:
    from boto3.exceptions import S3UploadFailedError  # type: ignore[import-untyped]
    from botocore.exceptions import EndpointConnectionError

    for error in (EndpointConnectionError(endpoint_url="http://s3"), S3UploadFailedError("no: Connection refused")):
        with pytest.raises(UserError, match="s3://bucket: the MLflow store is not there"), store.asked("s3://bucket"):
            raise error


def test_boto3_is_not_loaded_where_no_file_is_in_s3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "boto3", raising=False)

    with pytest.raises(UserError, match="the MLflow store is not there: nobody answers"), store.asked("a server"):
        raise ConnectionError("Connection refused")

    assert "boto3" not in sys.modules


def test_two_stores_that_are_opened_in_one_process_stay_two(opened: Store, tmp_path: Path, empty_store: Path) -> None:
    from stores import open_in

    (tmp_path / "other").mkdir()
    other = open_in(tmp_path / "other", empty_store)

    tracking.record(opened, NAME, RUN)

    assert other.address != opened.address
    assert other.client.get_experiment_by_name(NAME) is None
    assert not {"MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"} & set(os.environ)


@pytest.fixture
def root(opened: Store, finished_project: Project, tmp_path: Path) -> Path:
    """A small project with a store of its own."""
    for name in ("params.yaml", "data"):
        source = finished_project.workspace.root / name
        (tmp_path / name).symlink_to(source)
    return tmp_path


@pytest.fixture
def folder(finished_project: Project, tmp_path: Path) -> Path:
    """A bundle to change."""
    return Path(shutil.copytree(finished_project.workspace.evaluate / "bundle", tmp_path / "changed"))


def tags(folder: Path) -> dict[str, str]:
    """Return the tags that the compliance check wants."""
    told = dict.fromkeys((registry.COMMIT, registry.DATA, registry.SHA256, "training_window"), "said")
    return told | Bundle.load(folder).card.tags | {registry.CARD: "[]"}


def let_be_champion(opened: Store, version: Version) -> None:
    log = moves.history(opened, NAME)
    seen, before = (log[-1].number, log[-1].champion) if log else (0, None)
    moves.append(opened, NAME, Move("promote", version.number, before, seen, "ann", verdict="promote"), version)


def aliases(opened: Store) -> dict[str, int]:
    return {alias: one.number for one in registry.versions(opened, NAME) for alias in one.aliases}


def test_nothing_is_promoted_or_rolled_back_in_an_empty_registry(root: Path) -> None:
    with pytest.raises(UserError, match=rf"{NAME}: the registry at sqlite:.* has no version.*\n  fix: publish one"):
        promote.run(root, CHALLENGER, dry_run=False, approved_by=[])
    with pytest.raises(UserError, match="there is no champion before this one"):
        rollback.run(root, None)


def test_without_a_challenger_nothing_is_promoted(root: Path, opened: Store, folder: Path) -> None:
    register(opened, NAME, folder)

    with pytest.raises(UserError, match="found no version 'challenger'; there are 1 to 1"):
        promote.run(root, CHALLENGER, dry_run=False, approved_by=[])

    assert aliases(opened) == {}


def other_skops(folder: Path, content: bytes) -> None:
    """Put another file in the place of the fitted pipeline, with a hash in model.json that fits."""
    (folder / "model.skops").write_bytes(content)
    edit(folder / "model.json", lambda about: about.update(sha256=hashlib.sha256(content).hexdigest()))


def edit(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def untrusted(folder: Path) -> None:
    """Let the skops file ask for a type that runs a command."""
    source, target = zipfile.ZipFile(folder / "model.skops"), io.BytesIO()
    with source, zipfile.ZipFile(target, "w") as changed:
        for name in source.namelist():
            content = source.read(name)
            if name == "schema.json":
                content = content.replace(b'"__class__":"Pipeline","__module__":"sklearn.pipeline"', b'"__class__":"Popen","__module__":"subprocess"')  # fmt: skip
            changed.writestr(name, content)
    other_skops(folder, target.getvalue())


class Bomb:
    """Something that touches a file if it is ever unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def pickled(folder: Path) -> None:
    other_skops(folder, pickle.dumps(Bomb(folder.parent / "unpickled")))


def newer_model(folder: Path) -> None:
    edit(folder / "model.json", lambda about: about.update(format=99))


def newer_card(folder: Path) -> None:
    edit(folder / "card.json", lambda card: card.update(format=99))


def other_scores(folder: Path) -> None:
    edit(folder / "golden.json", lambda golden: golden["scores"].__setitem__(3, 0.123456789))


BUNDLES: dict[str, tuple[Edit, str]] = {
    "untrusted": (untrusted, "refused, because it asks for types that are not trusted: .*Popen"),
    "pickle": (pickled, "model.skops: not a whole skops file"),
    "newer model": (newer_model, r"found model format 99, expected \d"),
    "newer card": (newer_card, r"found bundle format 99, expected \d"),
    "other scores": (other_scores, r"golden row 3: found the scores .* expected 0\.123456789"),
}


@pytest.mark.parametrize("what", BUNDLES)
def test_a_model_that_is_not_to_be_trusted_becomes_champion_by_no_way(
    root: Path, opened: Store, finished_project: Project, folder: Path, what: str
) -> None:
    change, said = BUNDLES[what]
    good = finished_project.workspace.evaluate / "bundle"
    told = tags(good)
    change(folder)
    for bundle in (folder, good):
        let_be_champion(opened, register(opened, NAME, bundle, **told))
    registry.point(opened, NAME, CHALLENGER, 1)

    commands: list[Callable[[], object]] = [
        lambda: promote.run(root, CHALLENGER, dry_run=False, approved_by=[]),
        lambda: rollback.run(root, None),
    ]
    for command in commands:
        with pytest.raises(UserError, match=f"(?s){said}.*\n  fix: "):
            command()

    assert aliases(opened) == {CHAMPION: 2, CHALLENGER: 1}
    assert [one.champion for one in moves.history(opened, NAME)] == [1, 2]
    assert not (root / "unpickled").exists()


def changed_by_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (changed_by_a_byte, "the files are not those that were registered: their hash is another"),
        (Path.unlink, "the files are not those that were registered: their hash is another"),
        (lambda path: shutil.rmtree(path.parents[2]), "does not have its files any more"),
    ],
    ids=["a byte", "a file", "all"],
)
def test_files_that_are_not_those_that_were_registered_move_no_alias(
    root: Path, opened: Store, folder: Path, damage: Edit, said: str
) -> None:
    versions = [register(opened, NAME, folder, **tags(folder)) for _ in range(2)]
    for version in versions:
        let_be_champion(opened, version)
    registry.point(opened, NAME, CHALLENGER, 1)
    assert opened.artifacts is not None
    damage(next(opened.artifacts.rglob(f"{versions[0].run}/**/model.skops")))

    with pytest.raises(UserError, match=rf"models:/{NAME}/1: .*{said}.*\n  fix: "):
        promote.run(root, CHALLENGER, dry_run=False, approved_by=[])
    with pytest.raises(UserError, match=rf"models:/{NAME}/1: .*{said}.*\n  fix: "):
        rollback.run(root, None)

    assert aliases(opened) == {CHAMPION: 2, CHALLENGER: 1}


@pytest.mark.parametrize("tag", [registry.GATES, registry.CARD])
def test_a_tag_that_somebody_has_edited_is_told(root: Path, opened: Store, folder: Path, tag: str) -> None:
    version = register(opened, NAME, folder, **tags(folder))
    registry.point(opened, NAME, CHALLENGER, version.number)
    opened.client.set_model_version_tag(NAME, "1", tag, "good enough, ann")

    with pytest.raises(UserError, match=rf"models:/{NAME}/1: the tag {tag} is not as Holdfast wrote it"):
        promote.run(root, CHALLENGER, dry_run=False, approved_by=[])

    assert aliases(opened) == {CHALLENGER: 1}


@contextmanager
def small_disk(limit: int) -> Iterator[None]:
    """Let no file grow beyond a limit, as if the disk were full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_run_that_finds_no_room_does_not_count_and_is_gone_on_with(opened: Store, tmp_path: Path) -> None:
    large = tmp_path / "large.bin"
    large.write_bytes(b"x" * (4 << 20))
    run = RUN._replace(artifacts=((large, "data"),))

    with pytest.raises(UserError, match="the MLflow store finds no room left on the disk"), small_disk(3 << 20):
        tracking.record(opened, NAME, run)
    (half,) = opened.client.search_runs(["1"])
    recorded = tracking.record(opened, NAME, run)

    (whole,) = opened.client.search_runs(["1"])
    assert (half.info.status, whole.info.status) == ("RUNNING", "FINISHED")
    assert recorded == whole.info.run_id == half.info.run_id
    assert Path(opened.client.download_artifacts(recorded, "data/large.bin")).read_bytes() == large.read_bytes()


def test_a_model_that_finds_no_room_is_not_promoted(root: Path, opened: Store, folder: Path) -> None:
    for version in [register(opened, NAME, folder) for _ in range(2)]:
        let_be_champion(opened, version)

    with (
        pytest.raises(UserError, match=rf"models:/{NAME}/1: the MLflow store finds no room left on the disk"),
        small_disk(10_000),
    ):
        rollback.run(root, None)

    assert aliases(opened) == {CHAMPION: 2}


def test_a_request_that_was_sent_twice_makes_one_move_and_one_version(
    opened: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = opened.client.create_model_version

    def twice(*arguments: Any, **named: Any) -> Any:
        """Send it again, as happens where the first answer is lost."""
        once(*arguments, **named)
        return once(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(opened.client, "create_model_version", twice)
        version = register(opened, NAME, folder)
        let_be_champion(opened, version)
    again = registry.register(opened, NAME, version.run, {})

    assert (version.number, again.number) == (1, 1)
    assert [one.champion for one in moves.history(opened, NAME)] == [1]
    assert aliases(opened)[CHAMPION] == 1


def test_whoever_was_held_up_lets_the_alias_follow_those_who_were_not(
    opened: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = [register(opened, NAME, folder) for _ in range(3)]
    let_be_champion(opened, versions[0])
    point, waiting = registry.point, [versions[2]]

    def held_up(*arguments: Any) -> None:
        if waiting:
            let_be_champion(opened, waiting.pop())
        point(*arguments)

    monkeypatch.setattr(registry, "point", held_up)
    let_be_champion(opened, versions[1])

    assert [one.champion for one in moves.history(opened, NAME)] == [1, 2, 3]
    assert aliases(opened) == {CHAMPION: 3}


@pytest.mark.parametrize("said", ["no JSON", '["a", "list"]', "7", '{"kind": "promote", "approved_by": 7}'])
def test_an_entry_of_the_log_that_holds_anything_is_told(root: Path, opened: Store, folder: Path, said: str) -> None:
    version = register(opened, NAME, folder)
    registry.make(opened, moves.log(NAME))
    opened.client.create_model_version(moves.log(NAME), version.uri, tags={moves.TAG: said})

    with pytest.raises(UserError, match=rf"models:/{NAME}\.moves/1: not a move that Holdfast wrote"):
        history.run(root)
