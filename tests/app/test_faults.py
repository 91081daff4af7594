"""What goes wrong under load: every answer is right or is none, and the log lacks no more than it says."""

import json
import os
import resource
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from load import Load, Service, ask, body_of, scores_of
from sqlalchemy import func, select, text

from app.prediction_log import tables
from app.prediction_log.migrating import migrate
from conftest import Project

pytest_plugins = ["postgres"]
PROMOTED = "Master has been promoted"
pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

if TYPE_CHECKING:  # a plugin below, whose assertions pytest rewrites before anybody imports it
    from postgres import Server

Start = Callable[..., tuple[Service, Load]]


@pytest.fixture
def bundle(finished_project: Project, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished_project.workspace.evaluate / "bundle", tmp_path / "served"))


@pytest.fixture
def start(bundle: Path, tmp_path: Path) -> Iterator[Start]:
    with ExitStack() as stack:

        def starting(
            url: str = f"sqlite:///{tmp_path}/log.db", *models: Path, **options: object
        ) -> tuple[Service, Load]:
            service = Service(tmp_path, bundle, url, **options)
            stack.callback(lambda: service.process.poll() is not None or service.stop())
            return service, Load(service.port, *scores_of(bundle, *models))

        yield starting


def logged(url: str) -> int:
    engine = tables.engine(url)
    with engine.connect() as connection:
        count = connection.execute(select(func.count()).select_from(tables.predictions)).scalar_one()
    engine.dispose()
    return int(count)


def until(holds: Callable[[], bool], seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def test_a_killed_worker_takes_only_its_own_requests_along(start: Start, tmp_path: Path) -> None:
    service, load = start()

    with load.going_on():
        time.sleep(2)
        service.workers()[0].kill()
        killed = time.monotonic()
        time.sleep(3)
        alive = len(service.workers())
    service.stop()

    assert not load.wrong
    assert alive == 2
    assert len(load.failed) <= load.clients  # what it was about to answer
    assert all(abs(moment - killed) < 2 for moment, _ in load.failed)
    # What it had answered and not yet written is lost with it: at most what it takes in between two writes.
    assert (
        len(load.answered) - load.rate
        <= logged(f"sqlite:///{tmp_path}/log.db")
        <= len(load.answered) + len(load.failed)
    )


def test_while_the_database_is_down_answers_go_on_and_nothing_is_lost(start: Start, postgres_server: "Server") -> None:
    url = postgres_server.make_database()
    engine = tables.engine(url)
    migrate(engine)
    engine.dispose()
    service, load = start(url)

    with load.going_on():
        time.sleep(1)
        postgres_server.stop()
        time.sleep(3)
        held = service.counted("holdfast_log_waiting")
        postgres_server.start()
        assert until(lambda: service.counted("holdfast_log_waiting") < held)
    service.stop()

    assert not load.wrong
    assert not load.failed
    assert load.slowest < 2
    assert held > 50
    assert logged(url) == len(load.answered)


def test_while_the_database_is_slow_answers_do_not_wait_for_it(start: Start, postgres_server: "Server") -> None:
    url = postgres_server.make_database()
    engine = tables.engine(url)
    migrate(engine)
    service, load = start(url)

    with load.going_on():
        with engine.begin() as connection:
            connection.execute(text("LOCK TABLE predictions IN ACCESS EXCLUSIVE MODE"))
            time.sleep(3)
        time.sleep(1)
    service.stop()
    engine.dispose()

    assert not load.wrong
    assert not load.failed
    assert load.slowest < 2
    assert logged(url) == len(load.answered)


def test_when_the_disk_is_full_answers_go_on_and_what_is_lost_is_counted(start: Start, tmp_path: Path) -> None:
    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    (tmp_path / "service.log").touch()
    service, load = start(preexec_fn=small_files)
    load.rate = 200

    with load.going_on():
        time.sleep(6)
    put = service.counted("holdfast_rows_total")
    counts = [service.counted(f"holdfast_log_{name}") for name in ("written_total", "dropped_total", "waiting")]

    assert not load.wrong
    assert not load.failed
    assert counts[2] > 100
    assert put == len(load.answered) == sum(counts)
    assert logged(f"sqlite:///{tmp_path}/log.db") == counts[0]


@pytest.mark.parametrize("damage", ["removed", "corrupted", "replaced"])
def test_what_happens_to_the_files_of_the_model_changes_no_answer(start: Start, bundle: Path, damage: str) -> None:
    service, load = start()
    file = bundle / "model.skops"

    with load.going_on():
        if damage == "removed":
            shutil.rmtree(bundle)
        else:
            content = bytearray(file.read_bytes())
            content[len(content) // 2] ^= 1
            file.write_bytes(content if damage == "corrupted" else b"another file")
        service.workers()[0].kill()  # its successor serves the same model, which the parent has in memory
        time.sleep(3)
        first = len(load.failed)
        time.sleep(1)

    assert not load.wrong
    assert len(load.failed) == first <= load.clients
    assert len({model for _, model in load.answered}) == 1


def test_a_damaged_model_is_refused_when_the_service_starts(bundle: Path, tmp_path: Path) -> None:
    (bundle / "model.skops").write_bytes(b"another file")

    with pytest.raises(AssertionError, match="not the file that was saved: its hash is not the one in model.json"):
        Service(tmp_path, bundle, f"sqlite:///{tmp_path}/log.db")


def test_a_service_that_is_told_to_end_answers_first(start: Start) -> None:
    service, load = start()
    rows = list(load.golden.rows) * (10_000 // len(load.golden.rows))
    answers: list[tuple[int, bytes]] = []
    asking = threading.Thread(target=lambda: answers.append(ask(service.port, "POST", "/predict", body_of(rows))))

    asking.start()
    time.sleep(0.1)
    code = service.stop()
    asking.join()

    status, content = answers[0]
    expected = next(iter(load.scores.values()))
    assert (status, code) == (200, 0)
    assert [one["score"] for one in json.loads(content)["predictions"][: len(expected)]] == expected
    with pytest.raises(OSError, match="refused"):
        service.get("/healthz")


def test_a_new_version_is_deployed_and_rolled_back_while_requests_go_on(
    start: Start, bundle: Path, project: Project
) -> None:
    project.change(lambda content: content["train"]["gradient_boosting"].update(learning_rate=[0.5]))
    project.run("train", "evaluate")
    newer = project.workspace.evaluate / "bundle"
    older = Path(shutil.copytree(bundle, bundle.with_name("older")))
    service, load = start(f"sqlite:///{bundle.parent}/log.db", newer)
    before, after = list(load.scores)

    with load.going_on():
        time.sleep(1)
        master = deployed(service, service.process.pid, newer, bundle)
        assert until(lambda: load.answered[-1][1] == after)
        time.sleep(1)
        between = {model for _, model in load.answered[-20:]}
        master = deployed(service, master, older, bundle)
        assert until(lambda: load.answered[-1][1] == before)
        time.sleep(1)
    psutil.Process(master).terminate()

    assert not load.wrong
    assert not load.failed
    assert between == {after}
    assert {model for _, model in load.answered[-20:]} == {before}


def deployed(service: Service, master: int, new: Path, served: Path) -> int:
    """Put another bundle in the place of the one that is served, start anew beside the old, then end the old."""
    aside = served.with_name("aside")
    shutil.rmtree(aside, ignore_errors=True)
    served.rename(aside)
    shutil.copytree(new, served)
    os.kill(master, signal.SIGUSR2)
    children = psutil.Process(master).children
    assert until(lambda: any(len(one.children()) == 2 for one in children()))
    successor = next(one.pid for one in children() if len(one.children()) == 2)
    promoted = service.log.read_text().count(PROMOTED)
    os.kill(master, signal.SIGTERM)
    assert until(lambda: service.log.read_text().count(PROMOTED) > promoted)  # before, it would not start another one
    return int(successor)
