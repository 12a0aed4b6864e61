"""An HTTP client that reads a body block by block and reports whether it was complete.

It never runs in a measured process.
"""

import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import blake2b
from http.client import HTTPConnection, HTTPException, HTTPResponse
from urllib.parse import urlsplit

BLOCK = 65_536
"""Bytes of one read, and of a small receive buffer."""

Pace = Callable[[Iterator[bytes]], Iterator[bytes]]


@dataclass(frozen=True)
class Received:
    """A response, or the part of it that was received.

    Attributes:
        status: HTTP status; 0 if the connection ended before a response.
        headers: Headers by name, in lower case.
        length: Bytes of the body.
        digest: BLAKE2b of the body, 16 bytes in hex.
        complete: False if the connection ended before the body.
        body: The first bytes of the body, at most ``keep`` of `request`.
        waited: Seconds from the request to the head of the response.
        sent: Bytes of the request's body that the client had given to the kernel when the response
            ended.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int = 0
    digest: str = ""
    complete: bool = False
    body: bytes = b""
    waited: float = 0.0
    sent: int = 0


def request(
    url: str,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | Iterable[bytes] | None = None,
    rate: float | None = None,
    stop_after: int | None = None,
    timeout: float = 60.0,
    keep: int = 100_000,
    pace: Pace | None = None,
) -> Received:
    """Send a request on a new connection and read the response.

    The body is sent by a thread, so that a response is read that comes before the body's end; the
    end of the response ends the sending.

    Args:
        url: An ``http://`` URL.
        method: HTTP method.
        headers: Request headers.
        body: Request body. An iterable is sent in chunks, without Content-Length unless ``headers``
            sets it; an error that it raises closes the connection, and is raised again.
        rate: Maximum bytes per second to read, through a small receive buffer: a slow reader.
        stop_after: Bytes of the body after which to close the connection.
        timeout: Seconds without a byte after which to give up.
        keep: Bytes of the body to return.
        pace: Yields the blocks that it is given, each when it may be read, through a small receive
            buffer.

    Raises:
        OSError: The server cannot be reached, or sends nothing for ``timeout`` seconds.
    """
    parts = urlsplit(url)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    connection = HTTPConnection(str(parts.hostname), int(parts.port or 80), timeout=timeout)
    with closing(connection):
        if rate is not None or pace is not None:
            connection.sock = _small_buffers(connection)
        began = time.monotonic()
        upload = _Upload(headers or {}, body)
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.request(method, path, None, upload.headers)
        with upload.sending(connection.sock):
            try:
                response = connection.getresponse()
            except (HTTPException, ConnectionError):
                return Received(0)
            waited = time.monotonic() - began
            received = _read(response, rate, stop_after, keep, pace or iter)
        return replace(received, waited=waited, sent=upload.sent)


class _Upload:
    """The body of a request, sent by a thread.

    Attributes:
        headers: The headers of the request, with those of the body.
        sent: Bytes of the body so far; a block counts when its sending begins.
    """

    def __init__(self, headers: Mapping[str, str], body: bytes | Iterable[bytes] | None) -> None:
        known = "content-length" in map(str.lower, headers)
        framing = {}
        if isinstance(body, bytes):
            framing = {} if known else {"Content-Length": str(len(body))}
        elif body is not None and not known:
            framing = {"Transfer-Encoding": "chunked"}
        self.headers = {**headers, **framing}
        self.sent = 0
        self._chunked = "Transfer-Encoding" in framing
        self._blocks = [body] if isinstance(body, bytes) else body
        self._error: BaseException | None = None

    @contextmanager
    def sending(self, sock: socket.socket | None) -> Iterator[None]:
        """Send during the block, and raise the error of the body's iterable after it."""
        if self._blocks is None or sock is None:
            yield
            return
        thread = threading.Thread(target=self._send, args=(sock, self._blocks))
        thread.start()
        try:
            yield
        finally:
            # If the server takes no more of the body, this ends the sending.
            _shut_down(sock)
            thread.join()
            if self._error is not None:
                raise self._error

    def _send(self, sock: socket.socket, blocks: Iterable[bytes]) -> None:
        try:
            for block in filter(None, blocks):
                self.sent += len(block)
                data = b"%x\r\n%b\r\n" % (len(block), block) if self._chunked else block
                if not _sent(sock, data):
                    return
        except BaseException as error:  # of the iterable: the server must not wait for the rest
            self._error = error
            _shut_down(sock)
            return
        if self._chunked:
            _sent(sock, b"0\r\n\r\n")


def _sent(sock: socket.socket, data: bytes) -> bool:
    """Send data; return False if the connection is closed: a response may have come before that."""
    try:
        sock.sendall(data)
    except OSError:
        return False
    return True


def _shut_down(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _read(
    response: HTTPResponse, rate: float | None, stop_after: int | None, keep: int, pace: Pace
) -> Received:
    digest, length, kept, complete = blake2b(digest_size=16), 0, bytearray(), False
    began = time.monotonic()
    with suppress(HTTPException, ConnectionError):
        for block in pace(iter(partial(response.read, BLOCK), b"")):
            digest.update(block)
            length += len(block)
            kept += block[: keep - len(kept)]
            if stop_after is not None and length >= stop_after:
                break
            if rate is not None:
                time.sleep(max(0.0, length / rate - (time.monotonic() - began)))
        complete = stop_after is None and response.length in (0, None)
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Received(response.status, headers, length, digest.hexdigest(), complete, bytes(kept))


def _small_buffers(connection: HTTPConnection) -> socket.socket:
    """Connect with a small receive buffer, so that a slow reader slows the server down early."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BLOCK)
    sock.settimeout(connection.timeout)
    sock.connect((connection.host, connection.port))
    return sock
