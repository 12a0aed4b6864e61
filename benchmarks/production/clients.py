"""Send groups of clients at once and report each client's result, from a separate process.

Each line of JSON on standard input is a `ClientGroup`; the line on standard output has the results
of its clients. With ``hold`` every client waits, its answer begun or its upload half sent, until
all clients have come as far: their requests then certainly overlap, as those of slow readers do.
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
from lab.endpoints.tokens import token
from lab.system.interpreter import environment_with_lab, python_module

BLOCK = 65_536
SILENCE = 120.0
"""Seconds without a byte after which a client gives up."""


@dataclass(frozen=True)
class ClientGroup:
    """Clients that send the same request.

    Attributes:
        port: Port of the server on 127.0.0.1.
        path: Path of the request.
        clients: Number of clients; each has its own connection.
        hold: Whether each client waits in the middle of its request for all others.
        gap: Seconds between one client and the next; at 0 all connect before any sends.
        pause: Seconds between two blocks of the answer, for a slow reader.
        upload: Bytes of a CSV of users that each client sends, with its own users; 0 for a GET.
    """

    port: int
    path: str
    clients: int = 1
    hold: bool = False
    gap: float = 0.0
    pause: float = 0.0
    upload: int = 0


@dataclass(frozen=True)
class ClientResult:
    """The result of one client.

    Attributes:
        status: Status of the answer; 0 if there was none.
        complete: Whether the body was complete.
        refused: Whether the connection was refused.
        retry_after: Whether the answer had a Retry-After header.
        seconds: From the start of the request to the answer's head.
    """

    status: int = 0
    complete: bool = False
    refused: bool = False
    retry_after: bool = False
    seconds: float = 0.0


class ClientProcess:
    """The process that runs the clients, as its parent sees it."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def send(self, group: ClientGroup) -> list[ClientResult]:
        """Run a group of clients and return their results."""
        self.begin(group)
        return self.end()

    def begin(self, group: ClientGroup) -> None:
        """Start a group of clients without waiting for it."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asdict(group)) + "\n")
        self._process.stdin.flush()

    def end(self) -> list[ClientResult]:
        """Wait for the group that `begin` started, and return its results."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the clients' process has ended"
        return [ClientResult(**fields) for fields in json.loads(line)]


@contextmanager
def client_process() -> Iterator[ClientProcess]:
    """Run a process for clients until the block ends."""
    process = subprocess.Popen(
        python_module("benchmarks.production.clients"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment_with_lab(),
    )
    with process:
        try:
            yield ClientProcess(process)
        finally:
            process.kill()


def main() -> None:
    """Run the groups of standard input until its end."""
    for line in sys.stdin:
        group = ClientGroup(**json.loads(line))
        print(json.dumps([asdict(result) for result in send(group)]), flush=True)


def send(group: ClientGroup) -> list[ClientResult]:
    """Run all clients of a group in this process, and return their results."""
    together = Barrier(group.clients)
    if group.upload:
        users_csv(group.upload, clean=True)  # once, before all clients need it
    with ThreadPoolExecutor(group.clients) as pool:
        return list(pool.map(partial(_client, group, together), range(group.clients)))


def _client(group: ClientGroup, together: Barrier, number: int) -> ClientResult:
    body = _users(group.upload, number) if group.upload else b""
    time.sleep(group.gap * number)
    start = time.monotonic()
    connection = HTTPConnection("127.0.0.1", group.port, timeout=SILENCE)
    with closing(connection):
        try:
            _connect(connection)
            if not group.gap:
                _wait(together)
            _send_request(connection, group, body, together)
            response = connection.getresponse()
        except (HTTPException, OSError) as error:
            # The others must not wait for a client that failed.
            together.abort()
            refused = isinstance(error, ConnectionRefusedError)
            return ClientResult(refused=refused, seconds=time.monotonic() - start)
        waited = time.monotonic() - start
        if group.hold and not body:
            _wait(together)
        retry_after = response.getheader("retry-after") is not None
        complete = _read(response, group.pause)
        return ClientResult(response.status, complete, False, retry_after, waited)


def _connect(connection: HTTPConnection) -> None:
    """Connect with a small receive buffer, so that the server has to keep the answer."""
    sock = socket.socket()
    connection.sock = sock
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BLOCK // 4)
    sock.settimeout(SILENCE)
    sock.connect((connection.host, connection.port))


def _wait(together: Barrier) -> None:
    with suppress(BrokenBarrierError):
        together.wait(SILENCE)


def _send_request(
    connection: HTTPConnection, group: ClientGroup, body: bytes, together: Barrier
) -> None:
    """Send a request; with ``hold``, the second half of an upload after everybody's first half."""
    connection.putrequest("POST" if body else "GET", group.path)
    connection.putheader("Authorization", f"Bearer {token()}")
    if not body:
        connection.endheaders()
        return
    connection.putheader("Content-Type", "text/csv")
    connection.putheader("Content-Length", str(len(body)))
    half = len(body) // 2
    connection.endheaders(body[:half])
    if group.hold:
        _wait(together)
    connection.send(body[half:])


def _users(size: int, number: int) -> bytes:
    """Return a CSV of users that no other client sends."""
    text = users_csv(size, clean=True).read_bytes()
    return text.replace(b"\nperson.", f"\nclient-{number:02d}.".encode())


def _read(response: HTTPResponse, pause: float) -> bool:
    """Read a body, and return whether it was complete."""
    try:
        while response.read(BLOCK):
            time.sleep(pause)
    except (IncompleteRead, OSError):
        return False
    return response.length in (0, None)


if __name__ == "__main__":
    main()
