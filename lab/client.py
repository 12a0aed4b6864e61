"""A client that looks closely: it reads a body as it comes, and tells whether it was complete.

It is always another process than the one that is measured, or at least another thread of a test.
"""

import socket
import time
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from http.client import HTTPConnection, HTTPException, HTTPResponse, IncompleteRead
from urllib.parse import urlsplit

BLOCK = 65_536


@dataclass(frozen=True)
class Received:
    """What came back.

    Attributes:
        status: The status; 0 when the server hung up before any answer.
        headers: Names in lower case.
        length: Bytes of the body.
        digest: Of the body.
        complete: False when the connection ended before the body did.
        body: The body's first bytes: all of it where it is small.
        waited: Seconds from the request to the head of the answer.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int = 0
    digest: str = ""
    complete: bool = False
    body: bytes = b""
    waited: float = 0.0


def request(
    url: str,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | Iterable[bytes] | None = None,
    rate: float | None = None,
    stop_after: int | None = None,
    timeout: float = 60.0,
    keep: int = 100_000,
) -> Received:
    """Send a request and read the answer.

    Args:
        url: Where; ``http`` only.
        method: GET, POST and so on.
        headers: To send.
        body: To send; an iterable goes out in chunks, without Content-Length unless a header
            says otherwise.
        rate: Bytes a second to read at most, through a small receive buffer: a slow reader.
        stop_after: Hang up after so many bytes of the body.
        timeout: Seconds of silence after which to give up.
        keep: Bytes of the body to keep.
    """
    parts = urlsplit(url)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    connection = HTTPConnection(str(parts.hostname), int(parts.port or 80), timeout=timeout)
    with closing(connection):
        if rate is not None:
            connection.sock = _small_buffers(connection)
        began = time.monotonic()
        # A server that refuses before the whole body was there has answered all the same.
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.request(method, path, body, dict(headers or {}))
        try:
            response = connection.getresponse()
        except (HTTPException, ConnectionError):
            return Received(0)
        waited = time.monotonic() - began
        return replace(_read(response, rate, stop_after, keep), waited=waited)


def _read(
    response: HTTPResponse, rate: float | None, stop_after: int | None, keep: int
) -> Received:
    digest, length, kept, complete = blake2b(digest_size=16), 0, bytearray(), False
    began = time.monotonic()
    try:
        while block := response.read(BLOCK):
            digest.update(block)
            length += len(block)
            kept += block[: keep - len(kept)]
            if stop_after is not None and length >= stop_after:
                break
            if rate is not None:
                time.sleep(max(0.0, length / rate - (time.monotonic() - began)))
        complete = stop_after is None and response.length in (0, None)
    except (IncompleteRead, ConnectionError):
        pass
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Received(response.status, headers, length, digest.hexdigest(), complete, bytes(kept))


def _small_buffers(connection: HTTPConnection) -> socket.socket:
    """Connect with so small a receive buffer that the server feels a slow reader at once."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BLOCK)
    sock.settimeout(connection.timeout)
    sock.connect((connection.host, connection.port))
    return sock
