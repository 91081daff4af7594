"""The worker before real sockets: clients that are slow, idle, many, wrong or gone, and others who must not notice."""

import contextlib
import hashlib
import http.client
import inspect
import json
import os
import re
import resource
import runpy
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from gunicorn.config import Config
from gunicorn.http.message import Request
from gunicorn.workers.gthread import PollableMethodQueue, ThreadWorker

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
GUNICORN = [sys.executable, "-m", "gunicorn", "-k", "app.worker.Worker", "--no-control-socket"]
LIMIT = 1.5  # seconds that a request may take to come in
WAITING = 4.0  # seconds: whoever is kept waiting waits longer than that, and whoever is not never so long


class Server:
    """gunicorn with one worker of two threads, before the echo app."""

    def __init__(self, *options: str, **environment: str) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
        self.port = self.listener.getsockname()[1]
        fd = self.listener.fileno()
        self.process = subprocess.Popen(
            [*GUNICORN, "--threads", "2", "--keep-alive", "20", "-b", f"fd://{fd}", *options, "echo:app"],
            cwd=HERE,  # not beside our gunicorn.conf.py
            env=ENVIRONMENT | {"REQUEST_TIMEOUT": str(LIMIT), "MAX_BODY_MB": "1"} | environment,
            pass_fds=[fd],
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert self.ask(post(b"ready"), timeout=10).endswith(b"\r\n\r\nready")
        except OSError as error:
            pytest.fail(f"gunicorn did not start: {error}\n{self.stop()}")

    def connect(self, data: bytes = b"", timeout: float = 5.0) -> socket.socket:
        client = socket.create_connection(("127.0.0.1", self.port), timeout)
        client.sendall(data)
        return client

    def ask(self, data: bytes, timeout: float = 5.0) -> bytes:
        """Send, and return one answer."""
        with self.connect(data, timeout) as client:
            return read_answer(client)

    def stop(self) -> str:
        self.process.terminate()
        return self.process.communicate(timeout=20)[1]

    def close(self) -> None:
        self.listener.close()
        if self.process.poll() is None:
            self.stop()
        assert self.process.stderr
        self.process.stderr.close()


def read_answer(client: socket.socket) -> bytes:
    """Read one answer, to its Content-Length."""
    data = b""
    while b"\r\n\r\n" not in data or len(data) < data.index(b"\r\n\r\n") + 4 + length(data):
        more = client.recv(65_536)
        if not more:
            break
        data += more
    return data


def length(data: bytes) -> int:
    found = re.search(rb"content-length: (\d+)", data.partition(b"\r\n\r\n")[0], re.IGNORECASE)
    return int(found[1]) if found else 0


def status(answer: bytes) -> int:
    return int(answer.split()[1])


def post(body: bytes, headers: str = "", path: str = "/echo") -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: here\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    head = b"POST /echo HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + end


def eventually(true: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def own_server() -> Iterator[Callable[..., Server]]:
    """Start a server that a test may stop or fill."""
    servers: list[Server] = []

    def start(*options: str, **environment: str) -> Server:
        servers.append(Server(*options, **environment))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def many_files() -> Iterator[int]:
    """Allow this process as many open files as it may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_request_is_answered_however_its_bytes_are_split(server: Server) -> None:
    request = post(b'{"rows": []}')

    def split(at: int) -> bytes:
        with server.connect(request[:at]) as client:
            time.sleep(0.02)
            client.sendall(request[at:])
            return read_answer(client)

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(split, range(1, len(request))))

    assert [answer.endswith(b'\r\n\r\n{"rows": []}') for answer in answers] == [True] * (len(request) - 1)


def test_a_chunked_body_is_answered_however_its_bytes_are_split(server: Server) -> None:
    request = chunked(b"one", b"and two", end=b"0;last=yes\r\nDigest: none\r\n\r\n")

    def split(at: int) -> bytes:
        with server.connect(request[:at]) as client:
            time.sleep(0.02)
            client.sendall(request[at:])
            return read_answer(client)

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(split, range(1, len(request))))

    assert [answer.endswith(b"\r\n\r\noneand two") for answer in answers] == [True] * (len(request) - 1)


def test_requests_sent_in_one_go_are_answered_in_their_order(server: Server) -> None:
    with server.connect(post(b"first") + chunked(b"second") + post(b"third", "Connection: close\r\n")) as client:
        answers = b"".join(iter(lambda: client.recv(65_536), b""))

    assert re.findall(rb"first|second|third", answers) == [b"first", b"second", b"third"]


def test_a_connection_serves_one_request_after_the_other(server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    bodies = [bytes([65 + number]) * 10**number for number in range(6)]

    answers = []
    for body in bodies:
        connection.request("POST", "/echo", body)
        answers.append(connection.getresponse().read())
    connection.close()

    assert answers == bodies


def test_a_client_that_asks_first_whether_to_send_its_body_is_told_so_once(server: Server) -> None:
    with server.connect(post(b"", "Expect: 100-continue\r\n").replace(b"Length: 0", b"Length: 4")) as client:
        told = client.recv(65_536)
        client.sendall(b"body")
        answer = read_answer(client)

    assert told == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.endswith(b"\r\n\r\nbody")


TOO_LARGE = b"Content-Length: 99999999"
REFUSED = {
    "a body too large, announced": (post(b"").replace(b"Content-Length: 0", TOO_LARGE), 413),
    "a body too large, asked for": (
        post(b"", "Expect: 100-continue\r\n").replace(b"Content-Length: 0", TOO_LARGE),
        413,
    ),
    "a chunk too large, announced": (chunked(end=b"7fffffff\r\n"), 413),
    "chunks too large together": (chunked(*[b"x" * 60_000] * 20, end=b""), 413),
    "ten thousand chunks of a byte": (chunked(*[b"x"] * 10_001, end=b""), 413),
    "a chunk without a size": (chunked(end=b"no number\r\n"), 400),
    "a chunk with a negative size": (chunked(end=b"-1\r\n"), 400),
    "a chunk longer than it says": (chunked(end=b"2\r\nabcd\r\n"), 400),
    "a chunk size without an end": (chunked(end=b"1;" + b"x" * 2_000), 400),
    "trailers without an end": (chunked(end=b"0\r\n" + b"a: b\r\n" * 20_000), 431),
    "headers without an end": (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 20_000, 431),
    "one header too long": (post(b"", f"a: {'b' * 9_000}\r\n"), 431),
    "a request line too long": (b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\n\r\n", 414),
    "too many headers": (post(b"", "a: b\r\n" * 101), 431),
    "an expectation unheard of": (post(b"", "Expect: wonders\r\n"), 417),
    "a coding unheard of": (post(b"", "Transfer-Encoding: wonder\r\n"), 501),
    "length and chunks at once": (post(b"", "Transfer-Encoding: chunked\r\n"), 400),
    "two lengths": (post(b"", "Content-Length: 5\r\n"), 400),
    "a length that is no number": (post(b"").replace(b"Length: 0", b"Length: +1"), 400),
    "no HTTP at all": (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400),
    "an app that fails": (b"GET /fail HTTP/1.1\r\n\r\n", 500),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_served_is_refused_at_once_and_the_connection_closed(server: Server, name: str) -> None:
    request, expected = REFUSED[name]
    start = time.monotonic()

    with server.connect() as client:
        with contextlib.suppress(ConnectionError):
            client.sendall(request)
        answer = read_answer(client)
        rest = client.recv(1)

    assert status(answer) == expected
    assert rest == b""
    assert time.monotonic() - start < LIMIT
    if expected != 413:  # that one is the app's own answer
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["status"] == expected


def test_a_request_that_does_not_come_to_its_end_is_told_so(server: Server) -> None:
    start = time.monotonic()

    answer = server.ask(post(b"half")[:-2])

    assert LIMIT <= time.monotonic() - start < LIMIT + 3
    assert status(answer) == 408
    assert b"application/problem+json" in answer


def test_clients_that_send_a_byte_now_and_then_keep_nobody_waiting(server: Server) -> None:
    slow = [server.connect(b"POST /echo HTTP/1.1\r\nConte") for _ in range(100)]
    slow += [server.connect(post(b"x" * 100)[:-90]) for _ in range(100)]
    times = []

    for _ in range(10):
        for client in slow:
            client.sendall(b"n")
        start = time.monotonic()
        assert status(server.ask(post(b"quick"))) == 200
        times.append(time.monotonic() - start)
    for client in slow:
        client.close()

    assert max(times) < LIMIT


def test_two_thousand_clients_that_say_nothing_keep_nobody_waiting(server: Server, many_files: int) -> None:
    silent = [server.connect() for _ in range(2_000)]
    start = time.monotonic()

    answer = server.ask(post(b"quick"))

    assert status(answer) == 200
    assert time.monotonic() - start < WAITING
    for client in silent:
        client.close()


def test_a_client_that_says_nothing_is_left_after_the_time_of_an_idle_connection(
    own_server: Callable[..., Server],
) -> None:
    server = own_server("--keep-alive", "1")
    start = time.monotonic()

    with server.connect() as client:
        rest = client.recv(1)

    assert rest == b""
    assert 1 <= time.monotonic() - start < WAITING


def test_clients_that_do_not_read_their_answers_keep_nobody_waiting(server: Server) -> None:
    deaf = [server.connect(b"GET /large?mb=20 HTTP/1.1\r\n\r\n") for _ in range(4)]
    time.sleep(0.3)
    start = time.monotonic()

    answer = server.ask(post(b"quick"))

    assert status(answer) == 200
    assert time.monotonic() - start < WAITING
    late = 0
    while late < 20 * 1_000_000:  # nothing of it was lost
        late += len(deaf[0].recv(2**20))
    for client in deaf:
        client.close()


@pytest.mark.parametrize("error", ["value", "system"])
@pytest.mark.parametrize("framing", ["", "&length"])
def test_an_answer_that_fails_half_way_breaks_off_and_has_nothing_else_in_it(
    server: Server, error: str, framing: str
) -> None:
    with server.connect(f"GET /broken?error={error}{framing} HTTP/1.1\r\n\r\n".encode()) as client:
        answer = b"".join(iter(lambda: client.recv(65_536), b""))

    assert answer.count(b"HTTP/1.1") == 1
    assert answer.rstrip(b"\r\n").endswith(b"the first half")


def test_answers_that_nobody_reads_share_a_bounded_memory(own_server: Callable[..., Server]) -> None:
    server = own_server()
    deaf = []
    for _ in range(5):
        deaf.append(server.connect(b"GET /large?mb=50 HTTP/1.1\r\n\r\n"))
        time.sleep(0.3)

    (worker,) = psutil.Process(server.process.pid).children()

    assert worker.memory_info().rss < 230 * 2**20
    newest = 0
    while newest < 50 * 1_000_000:
        newest += len(deaf[-1].recv(2**20))
    for client in deaf:
        client.close()


def test_a_file_follows_its_headers(server: Server) -> None:
    answer = server.ask(b"GET /file HTTP/1.1\r\n\r\n")

    assert answer.partition(b"\r\n\r\n")[2] == (ROOT / "tests/app/echo.py").read_bytes()


def test_a_client_that_reads_nothing_of_an_endless_answer_is_left(server: Server) -> None:
    with server.connect(b"GET /large?mb=200 HTTP/1.1\r\n\r\n") as client:
        time.sleep(0.5)
        with contextlib.suppress(ConnectionError):
            read = sum(map(len, iter(lambda: client.recv(2**20), b"")))
            assert read < 200 * 1_000_000

    assert status(server.ask(post(b"next"))) == 200


def test_bodies_that_wait_for_their_end_share_a_bounded_memory(server: Server) -> None:
    body = b"x" * 1_000_000
    waiting = [server.connect(post(body)[:-1]) for _ in range(14)]  # ten of them are all that may be held

    oldest = read_answer(waiting[0])
    for client in waiting[8:]:
        client.sendall(body[-1:])
    newest = [read_answer(client) for client in waiting[8:]]

    assert status(oldest) == 503
    assert [status(answer) for answer in newest] == [200] * 6
    for client in waiting:
        client.close()


def test_whole_requests_that_wait_for_a_thread_share_a_bounded_memory(server: Server) -> None:
    busy = [server.connect(post(b"busy", path="/echo?seconds=1")) for _ in range(2)]
    time.sleep(0.2)
    body = b"x" * 50_000
    waiting = [server.connect(post(body)) for _ in range(250)]  # a fifth of that is too much

    answers = [status(read_answer(client)) for client in [*busy, *waiting]]

    assert answers[:100] == [200] * 100
    assert answers[-1] == 503
    assert status(server.ask(post(b"next"))) == 200
    for client in [*busy, *waiting]:
        client.close()


def test_a_request_at_work_is_answered_when_the_service_ends_and_idle_clients_are_left(
    own_server: Callable[..., Server],
) -> None:
    server = own_server()
    idle = server.connect(post(b"once"))
    read_answer(idle)
    half = server.connect(post(b"half", path="/echo?seconds=0.3")[:-1])
    working = server.connect(post(b"working", path="/echo?seconds=0.8"))
    time.sleep(0.2)

    start = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    gone = idle.recv(1)
    left_after = time.monotonic() - start
    half.sendall(b"f")
    answers = [read_answer(half), read_answer(working)]
    rests = [half.recv(1), working.recv(1)]
    for client in (half, working, idle):
        client.close()
    server.process.wait(5)

    assert (gone, left_after < WAITING) == (b"", True)
    assert [status(answer) for answer in answers] == [200, 200]
    assert rests == [b"", b""]


def test_a_killed_worker_is_replaced_while_the_other_serves(own_server: Callable[..., Server]) -> None:
    server = own_server("--workers", "2")
    master = psutil.Process(server.process.pid)
    eventually(lambda: len(master.children()) == 2)
    first = master.children()[0]

    first.kill()
    answers = [server.ask(post(b"quick")) for _ in range(50)]

    assert [status(answer) for answer in answers] == [200] * 50
    eventually(lambda: len(master.children()) == 2 and first not in master.children())


@pytest.mark.slow
def test_ten_thousand_clients_that_say_nothing_give_way_to_those_who_do(
    own_server: Callable[..., Server], many_files: int
) -> None:
    if many_files < 10_200:
        pytest.skip(f"this machine allows {many_files} open files a process")
    server = own_server()
    worker = psutil.Process(server.process.pid).children()[0]
    before = worker.memory_info().rss

    silent = [server.connect(b"G" if number % 2 else b"", timeout=30) for number in range(10_050)]
    start = time.monotonic()
    answers = [server.ask(post(b"quick")) for _ in range(20)]
    took = time.monotonic() - start

    assert [status(answer) for answer in answers] == [200] * 20
    assert took < WAITING
    assert worker.memory_info().rss - before < 100 * 1_000_000
    assert worker.num_fds() <= 10_200
    for client in silent:
        client.close()


def test_a_hundred_clients_that_break_off_leave_nothing_open(server: Server) -> None:
    worker = psutil.Process(server.process.pid).children()[0]
    eventually(lambda: worker.num_fds() < 30)
    before = worker.num_fds()

    for number in range(100):
        with server.connect(post(b"broken off")[: number + 1]) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    eventually(lambda: worker.num_fds() <= before)


def test_no_tls_is_promised() -> None:
    done = subprocess.run(
        [*GUNICORN, "--bind", "127.0.0.1:0", "--certfile", __file__, "echo:app"],
        cwd=HERE, env=ENVIRONMENT, capture_output=True, text=True,
    )  # fmt: skip

    assert done.returncode != 0
    assert "app.worker speaks plain HTTP" in done.stderr


def test_gunicorn_puts_together_no_line_of_a_request_that_nobody_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    config = Config()
    for name, value in runpy.run_path(str(ROOT / "gunicorn.conf.py")).items():
        if name in {"logger_class", "logconfig_dict"}:
            config.set(name, value)
    monkeypatch.setattr("gunicorn.glogging.dictConfig", lambda _: None)
    log = config.logger_class(config)
    monkeypatch.setattr(log, "atoms", lambda *_: pytest.fail("it wrote a line"))

    log.access(None, None, {}, None)

    config.set("accesslog", "-")
    assert log.access_log_enabled


def test_the_parts_of_gunicorn_that_the_worker_builds_on_are_those_it_was_written_for() -> None:
    parts = [ThreadWorker.run, ThreadWorker.handle_request, ThreadWorker.enqueue_req, ThreadWorker.set_accept_enabled]
    parts += [ThreadWorker.__init__, ThreadWorker.init_process, ThreadWorker.wait_for_and_dispatch_events]
    sources = "".join(map(inspect.getsource, [*parts, PollableMethodQueue, Request]))

    digest = hashlib.sha256(sources.encode()).hexdigest()[:16]

    assert digest == "5e9cea4aeb04194e", (
        "gunicorn has changed: read what did, try the worker with it, then write the digest anew"
    )
