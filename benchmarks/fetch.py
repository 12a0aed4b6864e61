"""Clients that cost little: a raw socket, one block of memory, and a body that is only counted.

A client in Python that looks at what it gets competes with the server for the machine's two cores.
These see to a status of 200, and to a body that ended.
"""

import re
import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from lab.multipart import FORM, as_form
from lab.tokens import token

BLOCK = 256 * 1024
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class FetchError(Exception):
    """An answer that is no 200, or that broke off."""


def fetch(url: str, upload: Path | None = None, clients: int = 1) -> int:
    """Send the same request from so many clients at once; return the bytes that were sent.

    Args:
        url: What to get, or where the upload goes.
        upload: A file to post as a form, or None to get.
        clients: How many there are, each with a connection of its own.

    Raises:
        FetchError: One of them was not answered in full.
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
            return _received(connection)
        before, after = as_form([])
        length = len(before) + upload.stat().st_size + len(after)
        more = {"Content-Type": FORM, "Content-Length": str(length)}
        connection.sendall(_head("POST", path, {**fields, **more}) + before)
        with upload.open("rb") as file:
            connection.sendfile(file)
        connection.sendall(after)
        _received(connection)
        return length


def _head(method: str, path: str, fields: Mapping[str, str]) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def _received(connection: socket.socket) -> int:
    """Count the body that comes until the server closes, and see that it is whole."""
    block = bytearray(BLOCK)
    got, first = 1, b""
    while got and b"\r\n\r\n" not in first:
        got = connection.recv_into(block)
        first += block[:got]
    head, _, start = first.partition(b"\r\n\r\n")
    if b" 200 " not in head[:20]:
        raise FetchError(first[:300].decode(errors="replace") or "there was no answer")
    announced = _LENGTH.search(head)
    body = _Chunks() if announced is None else _Bytes(int(announced[1]))
    body.feed(start, len(start))
    while got := connection.recv_into(block):
        body.feed(block, got)
    if not body.ended:
        raise FetchError(f"the answer broke off after {body.length:,} bytes")
    return body.length


class _Bytes:
    """A body of an announced length."""

    def __init__(self, announced: int) -> None:
        self.length = 0
        self._announced = announced

    @property
    def ended(self) -> bool:
        return self.length == self._announced

    def feed(self, data: bytes | bytearray, size: int) -> None:
        self.length += size


class _Chunks:
    """A body in chunks (RFC 9112, 7.1), of which the content is counted and not the frames."""

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
