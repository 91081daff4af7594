"""The gunicorn worker: an event loop that does all the waiting for clients, and a few threads that never do.

gunicorn's own threaded worker gives a thread to a client before its request is there, so that a handful of clients that
send a byte a second stop the service. Here the loop collects a request until it is whole (`connection` decides that),
and hands only then to a thread; what a client does not read of its answer, the loop sends later. Each wait has its end:

- nothing sent: closed after `keepalive` seconds, or at once when room is needed for a new client;
- a request begun: `REQUEST_TIMEOUT` seconds in all, then 408;
- an answer not read: `SENDING` seconds; the last bytes of a client whose answer is complete: `CLOSING` seconds.

It depends on inner parts of gunicorn 26 (the main loop and `handle_request` of its ThreadWorker, its Request parser);
a test of this module fails when these change. It speaks plain HTTP/1: TLS and HTTP/2 end in the proxy in front.
"""

import os
import resource
import socket
import time
from concurrent.futures import Future
from selectors import EVENT_READ, EVENT_WRITE
from typing import Any

from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.http import errors
from gunicorn.workers.gthread import ThreadWorker

from app.connection import Connection, problem

CONNECTIONS = 10_000
UNREAD = 2**27  # bytes of answers that all clients together may leave unread
RESERVED_FILES = 200  # for all that is not a client: log, database, listening sockets
# All workers hear of a new client. Who has some already waits a little before taking it, for else the first to wake up
# takes a handful that come together, and the others have nothing to do. Of many, each gets some anyway.
SHYNESS = 0.000_1  # seconds for each client, up to five
MANY = 64
SENDING = 60.0
CLOSING = 2.0
REFUSALS = {
    errors.LimitRequestLine: 414,
    errors.LimitRequestHeaders: 431,
    errors.ExpectationFailed: 417,
    errors.UnsupportedTransferCoding: 501,
}


class Log(Logger):  # type: ignore[misc]  # gunicorn has no types
    """What gunicorn itself has to say: no line for each request, which `app.logs` writes, unless it is asked to."""

    @property
    def access_log_enabled(self) -> bool:
        """Tell whether `--access-logfile` asks for it; to gunicorn any `logconfig_dict` does, and nobody sees it."""
        return bool(self.cfg.accesslog)


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Serve whole requests with threads, and wait for everything else without."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.cfg.set("sendfile", "false")  # it would write to the socket past the answer's other bytes
        self.worker_connections = max(min(CONNECTIONS, raised_file_limit() - RESERVED_FILES), RESERVED_FILES)
        self.request_timeout = float(os.environ.get("REQUEST_TIMEOUT") or 15)
        self.max_body = int(float(os.environ.get("MAX_BODY_MB") or 6) * 1_000_000)
        self.budget = 10 * self.max_body  # bytes of requests held in memory
        self.held = self.owed = 0
        # Each place has one time limit, so its first connection is the oldest and the first to end.
        self.idle: dict[Connection, float] = {}
        self.reading: dict[Connection, float] = {}
        self.sending: dict[Connection, float] = {}
        self.closing: dict[Connection, float] = {}

    @classmethod
    def check_config(cls, cfg: Config, _: Any) -> None:
        """Refuse settings that this worker does not obey."""
        if cfg.is_ssl:
            raise RuntimeError("certfile: app.worker speaks plain HTTP, expected TLS to end in the proxy in front.")

    def accept(self, listener: socket.socket) -> None:
        """Take one new client; where there is no room, in the place of one who waits."""
        if self.nr_conns < MANY:
            time.sleep(SHYNESS * min(self.nr_conns, 5))
        try:
            sock, client = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):  # another worker was quicker, or the client is gone
            return
        sock.settimeout(0)
        self.nr_conns += 1
        conn = Connection(sock, client, listener.getsockname(), self.cfg, self.max_body)
        self.wait(conn, self.idle, self.cfg.keepalive, EVENT_READ)
        self.ready(conn)  # most requests come together with their connection
        if self.nr_conns >= self.worker_connections:
            self.make_room()

    def make_room(self) -> None:
        """Leave the client that is missed least: one that is served, silent, slow to ask or slow to read."""
        for place in (self.closing, self.idle, self.reading, self.sending):
            if place:
                self.drop(next(iter(place)))
                return

    def wait(self, conn: Connection, place: dict[Connection, float], seconds: float, events: int) -> None:
        """Leave a connection to the loop, for so long at most."""
        if conn.place is not place:
            self.leave(conn)
            conn.place = place
            place[conn] = time.monotonic() + seconds
        self.watch(conn, events)

    def leave(self, conn: Connection) -> None:
        """Take a connection from where it waits."""
        if conn.place is not None:
            del conn.place[conn]
            conn.place = None

    def watch(self, conn: Connection, events: int) -> None:
        """Let the kernel tell about these events, and no others."""
        if conn.events and not events:
            self.poller.unregister(conn)
        elif events and not conn.events:
            self.poller.register(conn, events, self.ready)
        elif events != conn.events:
            self.poller.modify(conn, events, self.ready)
        conn.events = events

    def drop(self, conn: Connection) -> None:
        """Close a connection, whatever is on its way."""
        self.leave(conn)
        self.watch(conn, 0)
        self.hold(conn, 0)
        self.owe(conn, 0)
        self.nr_conns -= 1
        conn.socket.close()

    def hold(self, conn: Connection, size: int) -> None:
        """Keep account of the memory that requests take."""
        self.held += size - conn.held
        conn.held = size

    def owe(self, conn: Connection, size: int) -> None:
        """Keep account of the memory that answers take until they are read."""
        self.owed += size - conn.owed
        conn.owed = size

    def ready(self, conn: Connection) -> None:
        """Go on with a connection on which something can be read or sent."""
        if conn.place is None:  # a thread answers; what else the client has to say is read afterwards
            self.watch(conn, 0)
        elif conn.place is self.sending:
            conn.flush()
            self.proceed(conn)
        elif (size := conn.receive()) == 0:
            self.drop(conn)
        elif conn.place is self.closing:
            conn.incoming.clear()
        elif size > 0:
            self.hold(conn, conn.held + size)
            self.advance(conn)

    def advance(self, conn: Connection) -> None:
        """Give a whole request to a thread, and wait for the rest of another."""
        try:
            whole = conn.whole()
        except (errors.ParseException, OSError) as error:
            self.handle_error(conn.request, conn, conn.client, error)
            self.proceed(conn)
            return
        if whole:
            self.leave(conn)
        else:
            self.wait(conn, self.reading, self.request_timeout, EVENT_READ)
        left_out = next(iter(self.reading), conn) if self.held > self.budget else None
        if left_out:
            self.refuse(left_out, 503, "Too much is being sent at once; try again later.")
        if whole and left_out is not conn:
            self.enqueue_req(conn)

    def handle(self, conn: Connection) -> bool:
        """Answer one request; this alone runs in a thread of the pool."""
        conn.begun = stays = False
        try:
            stays = self.handle_request(conn.request, conn)
        except (StopIteration, BrokenPipeError):
            pass  # it is logged, or nobody is there to read it
        except Exception as error:
            if conn.begun:
                self.log.error("An answer broke off.", exc_info=error)
            else:
                self.handle_error(conn.request, conn, conn.client, error)
        conn.stays = stays and conn.stays
        conn.flush()
        return conn.stays

    def finish_request(self, conn: Connection, fs: "Future[bool]") -> None:
        """Take a connection back from its thread."""
        fs.result()
        conn.request = None
        self.hold(conn, len(conn.incoming))
        self.proceed(conn)

    def proceed(self, conn: Connection) -> None:
        """Go on after an answer: send its rest, then read the next request or part."""
        self.owe(conn, len(conn.outgoing))
        if conn.outgoing:
            self.wait(conn, self.sending, SENDING, EVENT_WRITE)
            while self.owed > UNREAD:
                self.drop(next(iter(self.sending)))
        elif not conn.stays:
            self.part(conn)
        elif conn.incoming:
            self.advance(conn)
        else:
            self.wait(conn, self.idle, self.cfg.keepalive, EVENT_READ)

    def part(self, conn: Connection) -> None:
        """Close our side, and read on for a moment, or the last answer might be lost on its way."""
        try:
            conn.socket.shutdown(socket.SHUT_WR)
        except OSError:
            self.drop(conn)
        else:
            self.hold(conn, 0)
            self.wait(conn, self.closing, CLOSING, EVENT_READ)

    def refuse(self, conn: Connection, status: int, detail: str) -> None:
        """Answer in the place of the app, and end."""
        conn.sendall(problem(status, detail))
        conn.flush()
        conn.stays = False
        self.proceed(conn)

    def handle_error(self, _: Any, client: Connection, addr: Any, exc: Exception) -> None:
        """Answer what is no HTTP, or what the app itself did not catch."""
        client.stays = False
        known = isinstance(exc, (errors.ParseException, errors.InvalidChunkSize))
        status = REFUSALS.get(type(exc), 400) if known else 500
        if known:
            self.log.info("Refused a request of %s with %s: %s", addr and addr[0], status, exc)
        else:
            self.log.error("A request failed outside of the app.", exc_info=exc)
        client.sendall(problem(status, str(exc) if known else "Our mistake; it is logged."))
        client.flush()

    def murder_keepalived(self) -> None:
        """End what has waited long enough; the main loop calls this at least once a second."""
        now = time.monotonic()
        for place in (self.idle, self.sending, self.closing):
            while place and (next(iter(place.values())) <= now or (place is self.idle and not self.alive)):
                self.drop(next(iter(place)))
        while self.reading and next(iter(self.reading.values())) <= now:
            self.refuse(next(iter(self.reading)), 408, "The request did not come to its end in time.")

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Look at the clock more often than gunicorn would, above all when the service is to end."""
        super().wait_for_and_dispatch_events(min(timeout, 1.0 if self.alive else 0.1))


def raised_file_limit() -> int:
    """Allow this process as many open files as it may have, and return their number."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    files = hard if hard != resource.RLIM_INFINITY else 2**20
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    return files
