"""Clients that come together and report what became of each; run in a process of their own.

A line of JSON on standard input is a crowd, the line on standard output says what it met. With
``hold`` every client waits, its answer begun or its upload half sent, until all have come as far:
then their requests overlap for certain, as those of slow readers do.
"""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPResponse, IncompleteRead
from threading import Barrier, BrokenBarrierError

from lab.data.files import users_csv
from lab.interpreter import environment_with_lab, python_module
from lab.tokens import token

BLOCK = 65_536
PATIENCE = 120.0
"""Seconds of silence after which a client gives up."""


@dataclass(frozen=True)
class Crowd:
    """Clients that send the same request.

    Attributes:
        port: Of the server on 127.0.0.1.
        path: What they ask for, or where their uploads go.
        clients: How many there are, each with a connection of its own.
        hold: Whether each waits in mid-request until all are there.
        gap: Seconds between one client and the next; at 0 all connect before any of them asks.
        pause: Seconds between a block of the answer and the next: a slow reader.
        upload: Bytes that each sends as a CSV of users of its own; 0 to get.
    """

    port: int
    path: str
    clients: int = 1
    hold: bool = False
    gap: float = 0.0
    pause: float = 0.0
    upload: int = 0


@dataclass(frozen=True)
class Met:
    """What one client met.

    Attributes:
        status: The answer's; 0 if there was none.
        complete: Whether the body came to its end.
        refused: Whether the connection was not accepted.
        retry_after: Whether the client was told when to come back.
        seconds: From the start of the request to the answer's head.
    """

    status: int = 0
    complete: bool = False
    refused: bool = False
    retry_after: bool = False
    seconds: float = 0.0


@contextmanager
def clients() -> Iterator["Clients"]:
    """Keep a process for the clients until the block ends."""
    process = subprocess.Popen(
        python_module("benchmarks.production_clients"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment_with_lab(),
    )
    with process:
        try:
            yield Clients(process)
        finally:
            process.kill()


class Clients:
    """The other process, as this one sees it."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def send(self, crowd: Crowd) -> list[Met]:
        """Let a crowd come; return when the last one has gone."""
        self.begin(crowd)
        return self.end()

    def begin(self, crowd: Crowd) -> None:
        """Let a crowd come, and do something else meanwhile."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asdict(crowd)) + "\n")
        self._process.stdin.flush()

    def end(self) -> list[Met]:
        """Wait for the crowd that was begun."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the clients' process has ended"
        return [Met(**one) for one in json.loads(line)]


def main() -> None:
    """Send crowd after crowd, until there are no more."""
    for line in sys.stdin:
        crowd = Crowd(**json.loads(line))
        print(json.dumps([asdict(met) for met in send(crowd)]), flush=True)


def send(crowd: Crowd) -> list[Met]:
    """Send all clients of a crowd, and return what each of them met."""
    together = Barrier(crowd.clients)
    if crowd.upload:
        users_csv(crowd.upload, clean=True)  # made once, before they all want it
    with ThreadPoolExecutor(crowd.clients) as pool:
        return list(pool.map(partial(_client, crowd, together), range(crowd.clients)))


def _client(crowd: Crowd, together: Barrier, number: int) -> Met:
    body = _users(crowd.upload, number) if crowd.upload else b""
    time.sleep(crowd.gap * number)
    start = time.monotonic()
    connection = HTTPConnection("127.0.0.1", crowd.port, timeout=PATIENCE)
    with closing(connection):
        try:
            _connect(connection)
            if not crowd.gap:
                _wait(together)
            _ask(connection, crowd, body, together)
            response = connection.getresponse()
        except (HTTPException, OSError) as error:
            # A client that fails must not keep the others waiting for it.
            together.abort()
            refused = isinstance(error, ConnectionRefusedError)
            return Met(refused=refused, seconds=time.monotonic() - start)
        waited = time.monotonic() - start
        if crowd.hold and not body:
            _wait(together)
        hint = response.getheader("retry-after") is not None
        return Met(response.status, _read(response, crowd.pause), False, hint, waited)


def _connect(connection: HTTPConnection) -> None:
    """Connect with a receive buffer so small that an answer is held by the server, not by us."""
    sock = socket.socket()
    connection.sock = sock
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BLOCK // 4)
    sock.settimeout(PATIENCE)
    sock.connect((connection.host, connection.port))


def _wait(together: Barrier) -> None:
    with suppress(BrokenBarrierError):
        together.wait(PATIENCE)


def _ask(connection: HTTPConnection, crowd: Crowd, body: bytes, together: Barrier) -> None:
    """Send a request; of an upload a half, and the rest when everybody has."""
    connection.putrequest("POST" if body else "GET", crowd.path)
    connection.putheader("Authorization", f"Bearer {token()}")
    if not body:
        connection.endheaders()
        return
    connection.putheader("Content-Type", "text/csv")
    connection.putheader("Content-Length", str(len(body)))
    half = len(body) // 2
    connection.endheaders(body[:half])
    if crowd.hold:
        _wait(together)
    connection.send(body[half:])


def _users(size: int, number: int) -> bytes:
    """Return a file of users, none of whom another client sends."""
    text = users_csv(size, clean=True).read_bytes()
    return text.replace(b"\nperson.", f"\nclient-{number:02d}.".encode())


def _read(response: HTTPResponse, pause: float) -> bool:
    """Read a body, and tell whether it was whole."""
    try:
        while response.read(BLOCK):
            time.sleep(pause)
    except (IncompleteRead, OSError):
        return False
    return response.length in (0, None)


if __name__ == "__main__":
    main()
