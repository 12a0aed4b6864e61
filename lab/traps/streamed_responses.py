"""Traps about a streamed response: the size of its chunks, its session, its status, its end."""

import socket

from lab.data.seed import posts_ready
from lab.net.client import Received
from lab.traps.lesson_server import CHUNK, TIMEOUT, WAYS, lesson_server
from lab.traps.trap import Demonstration
from lab.units import show_bytes


def a_yield_per_row_is_a_trip_per_row() -> Demonstration:
    """Every chunk of a plain generator costs a trip to a worker thread and back, and a write.

    `StreamingResponse` calls `next()` for each chunk in the thread pool, and that trip costs more
    than making the row. Join rows into chunks of about 64 KiB.
    """
    rows = 10_000
    with posts_ready(rows), lesson_server() as site:
        (trips, single), (few, gathered) = (
            _chunks(site.server.port, f"/{way}/rows?rows={rows}") for way in WAYS
        )
    return Demonstration(
        wrong=f"{trips:,} trips for {rows:,} rows",
        right=f"{few:,} trips for the same {show_bytes(len(gathered))}",
        holds=trips == rows and single == gathered and few * CHUNK < len(gathered) + CHUNK,
    )


def _chunks(port: int, path: str) -> tuple[int, bytes]:
    """Return the number of chunks of a body, and the body; `http.client` hides the chunks."""
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as connection:
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


def closed_sessions_open_again() -> Demonstration:
    """A session that is closed before the stream starts opens again, and nobody closes it.

    ``scope="function"`` ends a dependency when the endpoint returns, before the first row is
    read; FastAPI 0.106 to 0.117 always did so. A closed session silently takes a new connection;
    with ``Session(close_resets_only=False)`` it raises an error. Use ``scope="request"``, or open
    the session inside the generator.
    """
    calls = 6
    with lesson_server("small") as site:
        strict, right, wrong = (
            [site.get(f"/{scope}/numbers") for _ in range(calls)]
            for scope in ("strict", "request", "function")
        )
        exhausted = "QueuePool limit" in site.server.written()
    complete = [sum(r.complete for r in responses) for responses in (strict, right, wrong)]
    return Demonstration(
        wrong=f"{complete[2]} of {calls} answers complete; the pool of 2 was exhausted",
        right=f"{complete[1]} of {calls} complete; {complete[0]} with a session that cannot reopen",
        holds=complete[0] == 0 and complete[1] == calls and complete[2] < calls and exhausted,
    )


def middleware_hides_the_broken_end() -> Demonstration:
    """Behind a BaseHTTPMiddleware, a stream that fails ends like one that is complete.

    The middleware sends the last, empty chunk itself, and only then raises the error. With
    `OwningResponse` the connection ends before the body does, with or without a middleware. An
    HTTP/1.0 client cannot see the failure in either case: for it, the end of the connection is
    the end of the body.
    """
    prefixes = ("", "/based", "/zipped")
    with lesson_server() as site:
        plain, owned = (
            [site.get(f"{prefix}/{way}/breaking?after=2") for prefix in prefixes] for way in WAYS
        )
    complete = sum(response.complete for response in owned)
    return Demonstration(
        wrong=f"{show_bytes(plain[1].length)} and a proper end, although an error cut it short",
        right=f"{complete} of {len(prefixes)} seem complete: bare, BaseHTTPMiddleware, GZip",
        holds=plain[1].complete and not plain[0].complete and complete == 0,
    )


def the_status_comes_before_the_rows() -> Demonstration:
    """An error before the first row still gives a 200 with a broken body.

    A plain response sends the status before it calls the generator. `OwningResponse` makes the
    first chunk before it sends anything, so an error until then becomes an ordinary error status.
    """
    with lesson_server() as site:
        plain, owned = (site.get(f"/{way}/breaking?after=0") for way in WAYS)
    return Demonstration(
        wrong=_shown(plain),
        right=_shown(owned),
        holds=plain.status == 200 and not plain.complete and owned.status == 500 and owned.complete,
    )


def _shown(answer: Received) -> str:
    return f"{answer.status}, {'whole' if answer.complete else 'broken'} body"


def authorised_too_late() -> Demonstration:
    """A check inside the generator runs after the 200, and cannot take it back.

    Check in a dependency, before there is a response. An `HTTPException` from the generator of an
    `OwningResponse` still sets the status, if it is raised before the first chunk.
    """
    with lesson_server() as site:
        late, early, owned = (
            site.get(path) for path in ("/plain/late", "/plain/early", "/owned/late")
        )
    return Demonstration(
        wrong=_shown(late),
        right=_shown(early),
        holds=late.status == 200 and not late.complete and early.status == owned.status == 403,
    )
