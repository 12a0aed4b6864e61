"""What is said about streamed responses, and what springs when clients hang up, stall or crowd."""

import socket
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Engine, text

from lab.client import Received, request
from lab.data.database import database
from lab.data.seed import posts_ready
from lab.linux import status
from lab.server import Server, reset_high_water_mark, running
from lab.traps.trap import Sprung, Trap
from lab.units import show_bytes

_CHUNK = 65_536
_PATIENCE = 5.0


@dataclass(frozen=True)
class Site:
    """The lesson's endpoints on a server, and its connections as PostgreSQL sees them."""

    server: Server
    engine: Engine

    def get(self, path: str, **options: float | int | None) -> Received:
        """Send a GET request; status 0 when there is no answer at all."""
        try:
            return request(self.server.url + path, timeout=_PATIENCE, **options)  # type: ignore[arg-type]
        except OSError:
            return Received(0)

    def made(self, name: str) -> int:
        """Return how many chunks a stream of this name has made."""
        return int(self.get(f"/made/{name}").body or 0)

    def open_transactions(self) -> int:
        """Count the server's connections with a transaction that nobody works on."""
        asked = text(
            "select count(*) from pg_stat_activity"
            " where application_name = :name and state like 'idle in transaction%'"
        )
        with self.engine.connect() as connection:
            return int(connection.scalar(asked, {"name": f"memory-lab-{self.server.pid}"}) or 0)

    def open_after(self, seconds: float) -> int:
        """Count them when all are gone, or else after so many seconds."""
        until = time.monotonic() + seconds
        while (there := self.open_transactions()) and time.monotonic() < until:
            time.sleep(0.05)
        return there


@contextmanager
def _site(app: str = "app") -> Iterator[Site]:
    with database() as engine, running(f"lab.traps.as_printed:{app}") as server:
        yield Site(server, engine)


def hang_ups_end_the_export() -> Sprung:
    """Clients that hang up on the printed export end the process, or leave a broken session.

    The session is closed while a generator that nobody closes still holds its cursor. The garbage
    collector ends that generator later, in any thread: on CPython 3.11 in the midst of an
    assignment, which corrupts memory (signal 11); on 3.12 and later with an error from the
    cursor. Take the session inside the generator, and have the response close it.
    """
    with posts_ready(20_000):
        wrong, right = hang_up("/printed/posts.csv", 12), hang_up("/owned/posts.csv", 8)
    version = ".".join(map(str, sys.version_info[:3]))
    return Sprung(
        wrong=f"Python {version}: {wrong}",
        right=str(right),
        holds=(wrong.signal > 0 or wrong.errors > 0)
        and right == HungUp(8, signal=0, errors=0, left=0),
    )


@dataclass(frozen=True)
class HungUp:
    """What clients that hung up have left of a server."""

    times: int
    signal: int
    errors: int
    left: int

    def __str__(self) -> str:
        fate = f"killed by signal {self.signal}" if self.signal else "alive"
        return f"{fate} after {self.times} hang-ups, {self.errors} errors, {self.left} open"


def hang_up(path: str, times: int) -> HungUp:
    """Hang up on a fresh server, in mid-body, until it has had enough."""
    with _site() as site:
        done = 0
        while done < times and site.server.lives:
            done += len(list(_together(site, path, 4, stop_after=100_000)))
        left = site.open_after(1.0) if site.server.lives else 0
        errors = site.server.written().count("named cursor isn't valid")
        return HungUp(done, max(0, -(site.server.process.poll() or 0)), errors, left)


def abandoned_generators_keep_connections() -> Sprung:
    """After a hang-up a generator keeps its connection until a garbage collection.

    The cancelled task's error holds the generator in a cycle of references, so its `finally` runs
    when the collector happens to come by. `OwningResponse` closes it as soon as the client has
    gone.
    """
    clients = 4
    with _site() as site:
        _ = list(_together(site, "/plain/slow", clients, stop_after=1))
        time.sleep(1.0)
        kept = site.open_transactions()
    with _site() as site:
        _ = list(_together(site, "/owned/slow", clients, stop_after=1))
        left = site.open_after(1.0)
    return Sprung(
        wrong=f"{kept} of {clients} connections idle in transaction a second later",
        right=f"{left} of {clients}",
        holds=kept > 0 and left == 0,
    )


def _together(
    site: Site, path: str, clients: int, rate: float | None = None, stop_after: int | None = None
) -> Iterable[Received]:
    with ThreadPoolExecutor(clients) as threads:
        yield from threads.map(
            lambda _: site.get(path, rate=rate, stop_after=stop_after), range(clients)
        )


def never_awaiting_freezes_the_server() -> Sprung:
    """An async generator that never awaits goes on after a hang-up, and stops all else.

    A chunk that is ready at once, sent to a socket that has room or is closed, lets nobody run: not
    even what would notice the hang-up. `OwningResponse` lets others run after every chunk; in a
    plain response put ``await anyio.lowlevel.checkpoint()`` into the loop.
    """
    chunks = 1_500
    with _site() as site:
        seen = [(*_hang_up_and_ask(site, way, chunks), site.made(way)) for way in _WAYS]
    (waited, at_answer, plain), (soon, _, owned) = seen
    return Sprung(
        wrong=f"{plain:,} of {chunks:,} chunks made, another request waited {waited:.1f} s",
        right=f"{owned:,} chunks made, another request waited {soon:.2f} s",
        holds=plain == at_answer == chunks and 0 < owned < chunks / 2,
    )


_WAYS = ("plain", "owned")


def _hang_up_and_ask(site: Site, way: str, chunks: int) -> tuple[float, int]:
    site.get(f"/{way}/endless?chunks={chunks}", stop_after=_CHUNK)
    began = time.monotonic()
    made = site.made(way)
    return time.monotonic() - began, made


def a_yield_per_row_is_a_trip_per_row() -> Sprung:
    """Every chunk of an ordinary generator is a trip to a worker thread and back, and a write.

    `StreamingResponse` asks for each chunk in the thread pool, and the trip costs more than making
    the row. Gather rows into chunks of about 64 KiB.
    """
    rows = 10_000
    with posts_ready(rows), _site() as site:
        (trips, single), (few, gathered) = (
            _chunks(site.server.port, f"/{way}/rows?rows={rows}") for way in _WAYS
        )
    return Sprung(
        wrong=f"{trips:,} trips for {rows:,} rows",
        right=f"{few:,} trips for the same {show_bytes(len(gathered))}",
        holds=trips == rows and single == gathered and few * _CHUNK < len(gathered) + _CHUNK,
    )


def _chunks(port: int, path: str) -> tuple[int, bytes]:
    """Count the chunks of a body as they were framed; `http.client` would hide where they end."""
    with socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE) as connection:
        connection.sendall(
            f"GET {path} HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n".encode()
        )
        with connection.makefile("rb") as answer:
            while answer.readline().strip():
                pass
            body = bytearray()
            count = 0
            while size := int(answer.readline(), 16):
                body += answer.read(size)
                answer.readline()
                count += 1
            return count, bytes(body)


def closed_sessions_open_again() -> Sprung:
    """A session that is closed before the stream starts opens again, and nobody closes it.

    ``scope="function"`` ends a dependency when the endpoint returns, and so did FastAPI 0.106 to
    0.117: before the first row is read. A closed session takes a new connection without a word.
    ``Session(close_resets_only=False)`` makes that an error; ``scope="request"``, or a session
    inside the generator, is right.
    """
    calls = 6
    with _site("small") as site:
        loud, right, wrong = (
            [site.get(f"/{scope}/numbers") for _ in range(calls)]
            for scope in ("strict", "request", "function")
        )
        exhausted = "QueuePool limit" in site.server.written()
    good = [sum(one.complete for one in several) for several in (loud, right, wrong)]
    return Sprung(
        wrong=f"{good[2]} of {calls} answers complete, a pool of 2 being exhausted",
        right=f"{good[1]} of {calls} complete; {good[0]} with a session that cannot open again",
        holds=good[0] == 0 and good[1] == calls and good[2] < calls and exhausted,
    )


def everybody_gets_200_and_most_die() -> Sprung:
    """Slow clients in a crowd all get 200, and most bodies then end: no connection was free.

    A plain response sends the status before the generator takes its connection. `OwningResponse`
    makes the first chunk first: whoever finds no connection is told 503, with Retry-After.
    """
    clients = 50
    told = {}
    with _site() as site:
        for way in _WAYS:
            crowd = _together(site, f"/{way}/lines?megabytes=8", clients, rate=4_000_000)
            told[way] = list(crowd)
    plain, owned = (Counter((one.status, one.complete) for one in told[way]) for way in _WAYS)
    asked = sum("retry-after" in one.headers for one in told["owned"])
    return Sprung(
        wrong=f"{plain[200, True] + plain[200, False]} of {clients} got 200, "
        f"{plain[200, False]} of them a broken body",
        right=f"{owned[200, True]} complete, {owned[503, True]} got 503 with Retry-After",
        holds=plain[200, False] > clients / 2
        and owned[200, True] >= 5
        and owned[503, True] == asked == clients - owned[200, True],
    )


def middleware_hides_the_broken_end() -> Sprung:
    """Behind a BaseHTTPMiddleware, a stream that fails ends like one that is complete.

    The middleware sends the last, empty chunk itself, and only then raises the error. With
    `OwningResponse` the connection ends before the body does, with or without a middleware. An
    HTTP/1.0 client cannot tell either way: there the end of the connection is the end of the body.
    """
    behind = ("", "/based", "/zipped")
    with _site() as site:
        plain, owned = (
            [site.get(f"{way}/{kind}/breaking?after=2") for way in behind] for kind in _WAYS
        )
    whole = [sum(one.complete for one in several) for several in (plain, owned)]
    return Sprung(
        wrong=f"{show_bytes(plain[1].length)} and a proper end, which an error had cut short",
        right=f"{whole[1]} of {len(behind)} seem complete: bare, BaseHTTPMiddleware, GZip",
        holds=plain[1].complete and not plain[0].complete and whole[1] == 0,
    )


def the_status_comes_before_the_rows() -> Sprung:
    """An error before the first row is still a 200 with a broken body.

    A plain response sends the status first and then asks the generator. `OwningResponse` makes
    the first chunk before it sends anything, so that what fails by then is an ordinary error.
    """
    with _site() as site:
        plain, owned = (site.get(f"/{way}/breaking?after=0") for way in _WAYS)
    return Sprung(
        wrong=_shown(plain),
        right=_shown(owned),
        holds=plain.status == 200 and not plain.complete and owned.status == 500 and owned.complete,
    )


def _shown(answer: Received) -> str:
    return f"{answer.status}, {'whole' if answer.complete else 'broken'} body"


def authorised_too_late() -> Sprung:
    """A check inside the generator comes after the 200, which it cannot take back.

    Check in a dependency, before there is a response. An `HTTPException` from the generator of an
    `OwningResponse` still becomes the status, if it comes before the first chunk.
    """
    with _site() as site:
        late, early, owned = (
            site.get(path) for path in ("/plain/late", "/plain/early", "/owned/late")
        )
    return Sprung(
        wrong=_shown(late),
        right=_shown(early),
        holds=late.status == 200 and not late.complete and early.status == owned.status == 403,
    )


def slow_readers_do_not_fill_memory() -> Sprung:
    """A server does not buffer a stream for a client that reads slowly: it stops making it.

    When the socket takes no more, `send` waits, and so the generator is not asked for the next
    chunk. BaseHTTPMiddleware and GZipMiddleware pass the waiting on. What a slow reader does hold
    is the generator's connection.
    """
    chunks = 4_000
    behind = ("", "/based", "/zipped")
    with _site() as site:
        before = reset_high_water_mark(site.server.pid)
        readers = [_stalled(site, f"{way}/plain/big?name=r&chunks={chunks}") for way in behind]
        try:
            time.sleep(2.0)
            grown = status("VmHWM", site.server.pid) - before
            made = site.made("r") * _CHUNK
        finally:
            for reader in readers:
                reader.close()
    asked = chunks * _CHUNK * len(behind)
    return Sprung(
        wrong=f"it would be {show_bytes(asked)} for {len(behind)} stalled readers",
        right=f"{show_bytes(grown)} more in memory, {show_bytes(made)} made",
        holds=0 < made < asked / 4 and grown < 32 * 1024**2,
    )


def _stalled(site: Site, path: str) -> socket.socket:
    """Ask for a body and read none of it."""
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _CHUNK)
    reader.connect(("127.0.0.1", site.server.port))
    reader.sendall(f"GET {path} HTTP/1.1\r\nHost: lab\r\nAccept-Encoding: gzip\r\n\r\n".encode())
    return reader


HANG_UP_TRAPS: tuple[Trap, ...] = (
    Trap(hang_ups_end_the_export, "Stream rows from a session that a dependency gives"),
    Trap(abandoned_generators_keep_connections, "A generator's `finally` gives things back"),
    Trap(never_awaiting_freezes_the_server, "An async generator streams without blocking"),
    Trap(a_yield_per_row_is_a_trip_per_row, "Yield one row at a time"),
    Trap(closed_sessions_open_again, "A session from `Depends` lives as long as the stream"),
    Trap(everybody_gets_200_and_most_die, "A streamed export serves any number of clients"),
    Trap(middleware_hides_the_broken_end, "A client can tell that a stream has failed"),
    Trap(the_status_comes_before_the_rows, "A stream that fails at once is an error"),
    Trap(authorised_too_late, "Start the stream, then check"),
    Trap(slow_readers_do_not_fill_memory, "A slow reader makes the server buffer everything"),
)
