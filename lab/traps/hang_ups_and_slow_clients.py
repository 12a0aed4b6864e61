"""Traps about clients of a streamed response that hang up, read slowly, or are many."""

import socket
import sys
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from lab.data.seed import posts_ready
from lab.net.client import Received
from lab.net.server import reset_high_water_mark
from lab.system.linux import status
from lab.traps.lesson_server import CHUNK, WAYS, LessonServer, lesson_server
from lab.traps.trap import Demonstration
from lab.units import show_bytes


def hang_ups_end_the_export() -> Demonstration:
    """Clients that hang up on the lesson's export kill the process, or break its session.

    The session is closed while a generator that nobody closes still holds its cursor. Later the
    garbage collector ends that generator, in any thread: on CPython 3.11 in the middle of an
    assignment, which corrupts memory (signal 11); on 3.12 and later with an error from the
    cursor. Open the session inside the generator, and let the response close the generator.
    """
    with posts_ready(20_000):
        wrong, right = hang_up("/printed/posts.csv", 12), hang_up("/owned/posts.csv", 8)
    version = ".".join(map(str, sys.version_info[:3]))
    return Demonstration(
        wrong=f"Python {version}: {wrong}",
        right=str(right),
        holds=(wrong.signal > 0 or wrong.errors > 0)
        and right == AfterHangUps(8, signal=0, errors=0, open_transactions=0),
    )


@dataclass(frozen=True)
class AfterHangUps:
    """The state of a server after clients have hung up.

    Attributes:
        hang_ups: How many clients hung up.
        signal: The signal that killed the server; 0 if it is alive.
        errors: Errors about a lost cursor in the server's log.
        open_transactions: Connections that are still idle in a transaction.
    """

    hang_ups: int
    signal: int
    errors: int
    open_transactions: int

    def __str__(self) -> str:
        state = f"killed by signal {self.signal}" if self.signal else "alive"
        return (
            f"{state} after {self.hang_ups} hang-ups, {self.errors} errors, "
            f"{self.open_transactions} open"
        )


def hang_up(path: str, hang_ups: int) -> AfterHangUps:
    """Hang up in mid-body on a new server, until it has died or ``hang_ups`` are done."""
    with lesson_server() as site:
        done = 0
        while done < hang_ups and site.server.lives:
            done += len(list(_get_together(site, path, 4, stop_after=100_000)))
        remaining = site.open_after(1.0) if site.server.lives else 0
        errors = site.server.written().count("named cursor isn't valid")
        return AfterHangUps(done, max(0, -(site.server.process.poll() or 0)), errors, remaining)


def abandoned_generators_keep_connections() -> Demonstration:
    """After a hang-up a generator keeps its connection until a garbage collection.

    The error of the cancelled task holds the generator in a reference cycle, so its `finally`
    runs only when the collector frees that cycle. `OwningResponse` closes the generator as soon
    as the client has gone.
    """
    clients = 4
    with lesson_server() as site:
        _ = list(_get_together(site, "/plain/slow", clients, stop_after=1))
        time.sleep(1.0)
        kept = site.open_transactions()
    with lesson_server() as site:
        _ = list(_get_together(site, "/owned/slow", clients, stop_after=1))
        remaining = site.open_after(1.0)
    return Demonstration(
        wrong=f"{kept} of {clients} connections idle in transaction a second later",
        right=f"{remaining} of {clients}",
        holds=kept > 0 and remaining == 0,
    )


def _get_together(
    site: LessonServer,
    path: str,
    clients: int,
    rate: float | None = None,
    stop_after: int | None = None,
) -> Iterable[Received]:
    """Send the same request from several clients at once."""
    with ThreadPoolExecutor(clients) as threads:
        yield from threads.map(
            lambda _: site.get(path, rate=rate, stop_after=stop_after), range(clients)
        )


def never_awaiting_freezes_the_server() -> Demonstration:
    """An async generator that never awaits runs on after a hang-up, and blocks the event loop.

    If each chunk is ready at once, and the socket has room or is closed, no other task runs, not
    even the one that would notice the hang-up. `OwningResponse` lets other tasks run after every
    chunk. In a plain response, put ``await anyio.lowlevel.checkpoint()`` into the loop.
    """
    chunks = 1_500
    with lesson_server() as site:
        runs = [(*_hang_up_and_ask(site, way, chunks), site.made(way)) for way in WAYS]
    (blocked, at_answer, plain), (waited, _, owned) = runs
    return Demonstration(
        wrong=f"{plain:,} of {chunks:,} chunks made, another request waited {blocked:.1f} s",
        right=f"{owned:,} chunks made, another request waited {waited:.2f} s",
        holds=plain == at_answer == chunks and 0 < owned < chunks / 2,
    )


def _hang_up_and_ask(site: LessonServer, way: str, chunks: int) -> tuple[float, int]:
    """Hang up, send another request; return its seconds and the chunks made by then."""
    site.get(f"/{way}/endless?chunks={chunks}", stop_after=CHUNK)
    began = time.monotonic()
    made = site.made(way)
    return time.monotonic() - began, made


def everybody_gets_200_and_most_die() -> Demonstration:
    """Of many slow clients all get 200, and most bodies then break: no connection was free.

    A plain response sends the status before the generator takes its connection. `OwningResponse`
    makes the first chunk first: a client without a free connection gets 503, with Retry-After.
    """
    clients = 50
    responses = {}
    with lesson_server() as site:
        for way in WAYS:
            crowd = _get_together(site, f"/{way}/lines?megabytes=8", clients, rate=4_000_000)
            responses[way] = list(crowd)
    plain, owned = (Counter((r.status, r.complete) for r in responses[way]) for way in WAYS)
    retries = sum("retry-after" in response.headers for response in responses["owned"])
    return Demonstration(
        wrong=f"{plain[200, True] + plain[200, False]} of {clients} got 200, "
        f"{plain[200, False]} of them with a broken body",
        right=f"{owned[200, True]} complete, {owned[503, True]} got 503 with Retry-After",
        holds=plain[200, False] > clients / 2
        and owned[200, True] >= 5
        and owned[503, True] == retries == clients - owned[200, True],
    )


def slow_readers_do_not_fill_memory() -> Demonstration:
    """A server does not buffer a stream for a client that reads slowly: it stops making it.

    When the socket's buffer is full, `send` waits, and so the generator makes no further chunk.
    BaseHTTPMiddleware and GZipMiddleware pass this backpressure on. What a slow client does hold
    is the generator's connection.
    """
    chunks = 4_000
    prefixes = ("", "/based", "/zipped")
    with lesson_server() as site:
        before = reset_high_water_mark(site.server.pid)
        readers = [_stalled(site, f"{way}/plain/big?name=r&chunks={chunks}") for way in prefixes]
        try:
            time.sleep(2.0)
            grown = status("VmHWM", site.server.pid) - before
            made = site.made("r") * CHUNK
        finally:
            for reader in readers:
                reader.close()
    requested = chunks * CHUNK * len(prefixes)
    return Demonstration(
        wrong=f"buffering would take {show_bytes(requested)} for {len(prefixes)} stalled clients",
        right=f"{show_bytes(grown)} more in memory, {show_bytes(made)} made",
        holds=0 < made < requested / 4 and grown < 32 * 1024**2,
    )


def _stalled(site: LessonServer, path: str) -> socket.socket:
    """Send a request and read nothing of the answer."""
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, CHUNK)
    reader.connect(("127.0.0.1", site.server.port))
    reader.sendall(f"GET {path} HTTP/1.1\r\nHost: lab\r\nAccept-Encoding: gzip\r\n\r\n".encode())
    return reader
