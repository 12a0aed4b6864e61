"""Cheap clients: a raw socket, one block of memory, and a body that is counted and not kept.

A Python client that examines the body competes with the server for the machine's two cores. These
check only that the status is 200 and that the body is complete.
"""

import re
import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from lab.endpoints.tokens import token
from lab.toolbox.upload_form import FORM, as_form

BLOCK = 256 * 1024
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class FetchError(Exception):
    """The status is not 200, or the body broke off."""


def fetch(url: str, upload: Path | None = None, clients: int = 1) -> int:
    """Send the same request from several clients at once.

    Args:
        url: URL of the request.
        upload: File to POST as a form; None for a GET.
        clients: Number of clients; each has its own connection.

    Returns:
        Bytes of all bodies: those of the answers, or those of the uploads.

    Raises:
        FetchError: A client got no complete answer.
    """
    with ThreadPoolExecutor(clients) as pool:
        return sum(pool.map(lambda _: _fetch(url, upload), range(clients)))


def _fetch(url: str, upload: Path | None) -> int:
    parts = urlsplit(url)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    fields = {
        "Host": parts.netloc,
        "Connection": "close",
        "Authorization": f"Bearer {token()}",
    }
    with socket.create_connection((str(parts.hostname), parts.port or 80), 120) as connection:
        if upload is None:
            connection.sendall(_head("GET", path, fields))
            return _count_body(connection)
        before, after = as_form([])
        length = len(before) + upload.stat().st_size + len(after)
        more = {"Content-Type": FORM, "Content-Length": str(length)}
        connection.sendall(_head("POST", path, {**fields, **more}) + before)
        with upload.open("rb") as file:
            connection.sendfile(file)
        connection.sendall(after)
        _count_body(connection)
        return length


def _head(method: str, path: str, fields: Mapping[str, str]) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def _count_body(connection: socket.socket) -> int:
    """Read until the server closes; return the bytes of the body if it is complete."""
    block = bytearray(BLOCK)
    size, received = 1, b""
    while size and b"\r\n\r\n" not in received:
        size = connection.recv_into(block)
        received += block[:size]
    head, _, start = received.partition(b"\r\n\r\n")
    if b" 200 " not in head[:20]:
        raise FetchError(received[:300].decode(errors="replace") or "no answer")
    announced = _LENGTH.search(head)
    body = _Chunks() if announced is None else _Bytes(int(announced[1]))
    body.feed(start, len(start))
    while size := connection.recv_into(block):
        body.feed(block, size)
    if not body.ended:
        raise FetchError(f"the answer broke off after {body.length:,} bytes")
    return body.length


class _Bytes:
    """A body with a Content-Length."""

    def __init__(self, announced: int) -> None:
        self.length = 0
        self._announced = announced

    @property
    def ended(self) -> bool:
        return self.length == self._announced

    def feed(self, data: bytes | bytearray, size: int) -> None:
        self.length += size


class _Chunks:
    """A chunked body (RFC 9112, 7.1); only the content is counted, not the framing."""

    def __init__(self) -> None:
        self.length = 0
        self.ended = False
        self._left = 0
        self._line = b""

    def feed(self, data: bytes | bytearray, size: int) -> None:
        at = 0
        while at < size:
            if self._left:
                step = min(self._left, size - at)
                self._left -= step
                at += step
                continue
            end = data.find(b"\n", at, size)
            self._line += data[at : size if end < 0 else end]
            at = size if end < 0 else end + 1
            if end >= 0:
                self._begin(int(self._line, 16))

    def _begin(self, content: int) -> None:
        self._line = b""
        self._left = content + 2
        self.length += content
        self.ended = content == 0
