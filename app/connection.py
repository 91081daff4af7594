"""One client's connection, as bytes: what has come of a request, and what is still to be sent of an answer.

Decides when a request is whole, and which one is refused before that. No call here ever waits for the client: the
loop in `worker` feeds in what came, and the thread that answers writes into memory what the kernel does not take.
A chunked body is unpacked here, once and bounded, and shown to the app with its length, as a buffering proxy would do.
"""

import json
import re
import socket
from http import HTTPStatus
from io import BytesIO
from typing import Any

from gunicorn.config import Config
from gunicorn.http.body import ChunkedReader
from gunicorn.http.errors import InvalidChunkSize, LimitRequestHeaders
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader

HEAD = 65_536  # bytes of a request line with its headers; gunicorn limits their number and the size of each
CHUNKS = 10_000  # of one body: a million chunks of one byte would cost seconds
RECEIVE = 65_536
UNSENT = 64 * 2**20  # bytes of answers that one client may leave unread
CHUNK = re.compile(rb"([0-9a-fA-F]{1,8})[ \t]*(?:;[^\r\n]{0,1000})?\r\n")


class Connection:
    """A socket, the request that is coming in on it and the answer that goes out; to gunicorn it is the socket."""

    def __init__(self, sock: socket.socket, client: Any, server: Any, cfg: Config, max_body: int) -> None:
        self.socket, self.client, self.server, self.cfg, self.max_body = sock, client, server, cfg, max_body
        self.incoming, self.outgoing = bytearray(), bytearray()
        self.requests = self.chunks = self.held = self.owed = self.events = 0
        self.request: Any = None
        self.body = bytearray()
        self.begun = False  # the answer, so that no other may follow
        self.stays = True  # open after this answer
        self.place: dict[Connection, float] | None = None

    @property
    def sock(self) -> "Connection":
        """Return where gunicorn writes an answer; held as an attribute, it would keep a closed client in memory."""
        return self

    def fileno(self) -> int:
        """Return what the loop asks the kernel about."""
        return self.socket.fileno()

    def receive(self) -> int:
        """Take what has come, and return how much: 0 is the end, as a broken connection is."""
        try:
            data = self.socket.recv(RECEIVE)
        except BlockingIOError:
            return -1
        except OSError:
            return 0
        self.incoming += data
        return len(data)

    def whole(self) -> bool:
        """Tell whether the next request has come, or as much of it as the app needs to refuse it.

        Raises: gunicorn's ParseException or InvalidChunkSize, where it is no HTTP.
        """
        if self.request is None and not self.head():
            return False
        if isinstance(self.request.body.reader, ChunkedReader):
            return self.chunked_body()
        return self.plain_body(self.request.body.reader.length)

    def head(self) -> bool:
        """Parse request line and headers, by gunicorn's own parser, when all are there."""
        end = self.incoming.find(b"\r\n\r\n") + 4
        if end < 4:
            if len(self.incoming) > HEAD:
                raise LimitRequestHeaders("request line and headers")
            return False
        head = bytes(self.incoming[:end])
        del self.incoming[:end]
        self.requests += 1
        self.body, self.chunks = bytearray(), 0
        self.request = Request(self.cfg, IterUnreader([head]), self.client, self.requests)
        if self.request._expected_100_continue:
            self.request._expected_100_continue = False  # or gunicorn would say it when all has come
            if not self.incoming and self.length() <= self.max_body:
                self.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                self.flush()
        return True

    def length(self) -> int:
        """Return how long the body says it is; 0 for one in chunks."""
        return getattr(self.request.body.reader, "length", 0)

    def plain_body(self, length: int) -> bool:
        """Take a body of a known length, once all of it is there."""
        if length > self.max_body:
            return self.refusable()
        if len(self.incoming) < length:
            return False
        self.request.body = BytesIO(self.incoming[:length])
        del self.incoming[:length]
        return True

    def chunked_body(self) -> bool:
        """Unpack the chunks that are there."""
        while chunk := CHUNK.match(self.incoming):
            start, size = chunk.end(), int(chunk[1], 16)
            del chunk  # it holds the buffer, which could not shrink
            if size == 0:
                return self.trailers(start)
            self.chunks += 1
            if len(self.body) + size > self.max_body or self.chunks > CHUNKS:
                self.unpacked(max(self.max_body + 1, len(self.body) + size))
                return self.refusable()
            if len(self.incoming) < start + size + 2:
                return False
            if self.incoming[start + size : start + size + 2] != b"\r\n":
                raise InvalidChunkSize(b"a chunk longer than it says")
            self.body += self.incoming[start : start + size]
            del self.incoming[: start + size + 2]
        if b"\r\n" in self.incoming[:1_100] or len(self.incoming) > 1_100:
            raise InvalidChunkSize(bytes(self.incoming[:20]))
        return False

    def trailers(self, start: int) -> bool:
        """Drop what follows the last chunk, once all of it is there."""
        end = self.incoming.find(b"\r\n\r\n", start - 2) + 4
        if end < 4:
            if len(self.incoming) > HEAD:
                raise LimitRequestHeaders("trailers")
            return False
        del self.incoming[:end]
        self.request.body = BytesIO(self.body)
        self.unpacked(len(self.body))
        return True

    def unpacked(self, length: int) -> None:
        """Name the length instead of the chunks."""
        headers = [header for header in self.request.headers if header[0] != "TRANSFER-ENCODING"]
        self.request.headers = [*headers, ("CONTENT-LENGTH", str(length))]

    def refusable(self) -> bool:
        """Hand a body that is too large to the app without its bytes: the length tells, and the connection ends."""
        self.request.force_close()
        self.request.body = BytesIO()
        return True

    def sendall(self, data: bytes) -> None:
        """Send an answer's next bytes, or keep what the client does not read yet."""
        self.begun = True
        self.outgoing += data
        if len(self.outgoing) >= RECEIVE:
            self.flush()
        if len(self.outgoing) > UNSENT:
            raise BrokenPipeError("the client does not read its answer")

    def shutdown(self, _: int) -> None:
        """Leave it to the loop: gunicorn would close an answer that broke off before all of it is sent.

        Raises: OSError, which gunicorn takes for a client that is gone.
        """
        raise OSError("the loop closes it")

    def close(self) -> None:
        """Leave this to the loop, too."""

    def flush(self) -> None:
        """Send what the kernel takes now."""
        try:
            while self.outgoing:
                del self.outgoing[: self.socket.send(self.outgoing)]
        except BlockingIOError:
            pass
        except OSError:
            self.outgoing.clear()
            self.stays = False


def problem(status: int, detail: str) -> bytes:
    """Return a whole answer, for a request that never reaches the app."""
    title = HTTPStatus(status).phrase
    body = json.dumps({"type": "about:blank", "title": title, "status": status, "detail": detail}).encode()
    head = f"HTTP/1.1 {status} {title}\r\nConnection: close\r\nContent-Type: application/problem+json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
