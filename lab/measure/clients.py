"""The clients of a server under measurement, in a process of their own.

On standard input a request as a line of JSON; on standard output what was received, as another.

Several clients at once are so at every moment: they read in step, and nobody takes the next block
before all have the last one. Their buffers are small, so what nobody has read yet is the server's.
"""

import json
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from hashlib import blake2b
from http.client import HTTPConnection, HTTPException, HTTPResponse
from itertools import islice
from socket import SO_RCVBUF, SOL_SOCKET, socket
from typing import Any
from urllib.parse import urlsplit

from lab.client import BLOCK, Received, request

PATIENCE = 30.0
"""Seconds to wait for the others; a server may let one in only when another has gone."""

_SHOWN = 300
_SILENCE = 600.0
"""Seconds without a byte after which a client gives up."""


def main() -> None:
    """Answer line after line, until there are no more."""
    for line in sys.stdin:
        job = json.loads(line)
        try:
            said = send_all(job)
        except Exception as error:
            said = {"failed": f"a client failed: {type(error).__name__}: {error}"}
        print(json.dumps(said), flush=True)


def send_all(job: dict[str, Any]) -> dict[str, Any]:
    """Have every client of a job send the request; say what they received."""
    if job["clients"] == 1:
        return summary([request(*_request(job), timeout=_SILENCE)])
    crowd = Crowd(job["clients"])
    with ThreadPoolExecutor(job["clients"]) as pool:
        received = list(pool.map(lambda _: crowd.request(*_request(job)), range(job["clients"])))
    said = summary(received, alike=job["alike"])
    return {**said, "counts": {**said.get("counts", {}), "at_once": crowd.most}}


class Crowd:
    """Clients that read in step, a block each in turn.

    Where that cannot be, since the server makes some of them wait for others to go, they go on one
    by one after `PATIENCE` seconds.

    Attributes:
        most: How many had the first block of the answer, and not yet its end, at one moment.
    """

    def __init__(self, clients: int) -> None:
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()
        self._step = threading.Barrier(clients, timeout=PATIENCE)

    def request(
        self, url: str, method: str, headers: dict[str, str], body: Iterator[bytes] | None
    ) -> Received:
        """Send a request and read the answer in step with the others."""
        parts = urlsplit(url)
        connection = HTTPConnection(str(parts.hostname), int(parts.port or 80), timeout=_SILENCE)
        with closing(connection):
            connection.sock = _connected(connection)
            try:
                # A server that refuses before the whole body was there has answered all the same.
                with suppress(BrokenPipeError, ConnectionResetError):
                    connection.request(method, url.partition(parts.netloc)[2], body, headers)
                return self._received(connection.getresponse())
            except (HTTPException, ConnectionError):
                return Received(0)
            finally:
                # Who has left, or failed, is not to be waited for.
                self._step.abort()

    def _received(self, response: HTTPResponse) -> Received:
        digest, length, kept, complete = blake2b(digest_size=16), 0, bytearray(), False
        with suppress(HTTPException, ConnectionError):
            for block in self._in_step(response):
                digest.update(block)
                length += len(block)
                kept += block[: BLOCK - len(kept)]
            complete = response.length in (0, None)
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Received(response.status, headers, length, digest.hexdigest(), complete, bytes(kept))

    def _in_step(self, response: HTTPResponse) -> Iterator[bytes]:
        block = response.read(BLOCK)
        self._count(1)
        try:
            while block:
                with suppress(threading.BrokenBarrierError):
                    self._step.wait()
                yield block
                block = response.read(BLOCK)
        finally:
            self._count(-1)

    def _count(self, more: int) -> None:
        with self._lock:
            self._now += more
            self.most = max(self.most, self._now)


def _connected(connection: HTTPConnection) -> socket:
    """Connect with a receive buffer of a block, which the kernel then lets be."""
    sock = socket()
    sock.setsockopt(SOL_SOCKET, SO_RCVBUF, BLOCK)
    sock.settimeout(connection.timeout)
    sock.connect((connection.host, connection.port))
    return sock


def _request(job: dict[str, Any]) -> tuple[str, str, dict[str, str], Iterator[bytes] | None]:
    """Return one request of a job, its body to be generated while it is sent."""
    headers, body = dict(job["headers"]), None
    if job["body"]:
        from lab.multipart import FORM, as_form
        from lab.streams import gather

        headers["Content-Type"] = FORM
        body = gather(as_form(users(job["body"], job["size"]), field=job["field"]))
    return job["url"], job["method"], headers, body


def users(counted: str, size: int) -> Iterator[bytes]:
    """Yield a CSV of users, line by line: so many rows under a header, or so many bytes."""
    from lab.data.files import users_blocks

    return users_blocks(size) if counted == "bytes" else islice(users_blocks(1 << 62), size + 1)


def summary(received: list[Received], alike: bool = True) -> dict[str, Any]:
    """Say what all clients received, or what the first one that failed was told.

    Answers that need not be alike are of one length, and have no digest.
    """
    total = sum(one.length for one in received if 200 <= one.status < 300)
    failure = next(filter(None, map(_failure, received)), None)
    digests = {one.digest if alike else "" for one in received}
    lengths = {one.length for one in received}
    if failure is None and max(len(digests), len(lengths)) > 1:
        failure = "two clients received different answers"
    if failure is not None:
        return {"failed": failure, "received": total}
    counts = {"bytes": total, "status": received[0].status}
    return {"digest": digests.pop(), "counts": counts, "received": total}


def _failure(one: Received) -> str | None:
    if one.status == 0:
        return "the server hung up without an answer"
    if not 200 <= one.status < 300:
        said = one.headers.get("location") or one.body[:_SHOWN].decode(errors="replace")
        return f"the answer was {one.status}: {said}"
    if not one.complete:
        return f"the answer broke off after {one.length:,} bytes"
    return None


if __name__ == "__main__":
    main()
