"""Clients that cost little: a raw socket, one block of memory, and a body that is only counted.

A client in Python that takes a response apart competes with the server for the machine's two
cores. These look at the first bytes and at the last ones: a status of 200, and a body that ended.
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
_LAST_CHUNK = b"0\r\n\r\n"
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
    """Count what comes until the server closes, and see that it is whole."""
    block = bytearray(BLOCK)
    view = memoryview(block)
    length = 0
    first, last = b"", b""
    while got := connection.recv_into(block):
        first = first if len(first) > 1_000 else first + bytes(view[:got][:2_000])
        last = (last + bytes(view[max(0, got - 8) : got]))[-8:]
        length += got
    head, _, _ = first.partition(b"\r\n\r\n")
    if b" 200 " not in head[:20]:
        raise FetchError(first[:300].decode(errors="replace") or "there was no answer")
    announced = _LENGTH.search(head)
    body = length - len(head) - 4
    whole = body == int(announced[1]) if announced else last.endswith(_LAST_CHUNK)
    if not whole:
        raise FetchError(f"the answer broke off after {length:,} bytes")
    return body
