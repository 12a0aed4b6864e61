"""The lesson's endpoints as it prints them, each beside a correct version.

Paths under ``/plain`` answer with Starlette's `StreamingResponse`, those under ``/owned`` with
`OwningResponse`. `lab.traps.lesson_server` serves them with uvicorn.
"""

import csv
import os
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from contextlib import asynccontextmanager
from io import StringIO
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.responses import Response, StreamingResponse
from sqlalchemy import Engine, text
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.middleware.gzip import GZipMiddleware

from lab.data.database import database
from lab.data.models import Post
from lab.patterns.shared.post_columns import joined_columns
from lab.streams import CHUNK, OwningResponse, gather

POOL = 5
"""Connections in the pool of `app`; `small` has two."""

WAIT = 0.5
"""Seconds that a request waits for a free connection."""

made: Counter[str] = Counter()
"""Chunks that this server has made, by the name of the stream."""

router = APIRouter()
bare = APIRouter()
"""Paths that need no database; they are also mounted behind each middleware."""


def _engine(request: Request) -> Engine:
    engine: Engine = request.app.state.engine
    return engine


def _session(request: Request) -> Iterator[Session]:
    with Session(_engine(request)) as db:
        yield db


def _strict_session(request: Request) -> Iterator[Session]:
    with Session(_engine(request), close_resets_only=False) as db:
        yield db


Connections = Annotated[Engine, Depends(_engine)]


def _posts(db: Session) -> Generator[Post, None, None]:
    yield from db.query(Post).order_by(Post.id).yield_per(500)


def _row_by_row(db: Session) -> Generator[str, None, None]:
    for post in _posts(db):
        line = StringIO()
        name = post.author.name if post.author else ""
        csv.writer(line).writerow((post.id, post.title, name, post.view_count, post.created_at))
        yield line.getvalue()


@router.get("/printed/posts.csv")
async def printed(db: Annotated[Session, Depends(_session)]) -> Response:
    """Export as the lesson does: the session of a dependency, lazy authors, a yield per row."""
    return StreamingResponse(_row_by_row(db), media_type="text/csv")


@router.get("/owned/posts.csv")
def owned(engine: Connections) -> Response:
    """Export the same rows; the generator owns the session, the response the generator."""

    def rows() -> Generator[str, None, None]:
        with Session(engine) as db:
            yield from _row_by_row(db)

    return OwningResponse(rows(), media_type="text/csv", busy=(PoolTimeout,))


def _lines(engine: Engine, megabytes: int) -> Generator[str, None, None]:
    """Stream lines of 100 characters over a connection of the generator."""
    line = text("select lpad(n::text, 99) from generate_series(1, :lines) n")
    with engine.connect() as connection:
        streaming = connection.execution_options(yield_per=1_000)
        for part in streaming.execute(line, {"lines": megabytes * 10_000}).partitions(1_000):
            yield "".join(f"{row[0]}\n" for row in part)


@router.get("/plain/lines")
def plain_lines(engine: Connections, megabytes: int) -> Response:
    """Do not close the generator, which keeps its connection."""
    return StreamingResponse(_lines(engine, megabytes), media_type="text/plain")


@router.get("/owned/lines")
def owned_lines(engine: Connections, megabytes: int) -> Response:
    """Close the generator when the response ends."""
    return OwningResponse(_lines(engine, megabytes), media_type="text/plain", busy=(PoolTimeout,))


def _slow_lines(engine: Engine) -> Generator[str, None, None]:
    """Stream the result of a slow statement over a connection of the generator."""
    line = text("select repeat('x', 40000), pg_sleep(0.05) from generate_series(1, 200)")
    with engine.connect() as connection:
        streaming = connection.execution_options(yield_per=2)
        for part in streaming.execute(line).partitions(2):
            yield "".join(f"{row[0]}\n" for row in part)


@router.get("/plain/slow")
def plain_slow(engine: Connections) -> Response:
    """Do not close the generator, which may be running when the client hangs up."""
    return StreamingResponse(_slow_lines(engine), media_type="text/plain")


@router.get("/owned/slow")
def owned_slow(engine: Connections) -> Response:
    """Wait for the running generator, then close it."""
    return OwningResponse(_slow_lines(engine), media_type="text/plain", busy=(PoolTimeout,))


def _csv_rows(engine: Engine, rows: int) -> Generator[str, None, None]:
    with engine.connect() as connection:
        streaming = connection.execution_options(yield_per=1_000)
        for id_, title, author, views, created_at in streaming.execute(
            joined_columns().limit(rows)
        ):
            yield f'{id_},"{title}","{author}",{views},{created_at}\n'


@router.get("/plain/rows")
def plain_rows(engine: Connections, rows: int) -> Response:
    """Send one chunk for each row."""
    return StreamingResponse(_csv_rows(engine, rows))


@router.get("/owned/rows")
def owned_rows(engine: Connections, rows: int) -> Response:
    """Send chunks of 64 KiB."""
    return OwningResponse(gather(_csv_rows(engine, rows)))


def _few(db: Session) -> Iterator[str]:
    for row in db.execute(text("select n from generate_series(1, 3) n")):
        yield f"{row[0]}\n"


@router.get("/function/numbers")
async def function(db: Annotated[Session, Depends(_session, scope="function")]) -> Response:
    """Stream from a session that is closed when this function returns."""
    return StreamingResponse(_few(db))


@router.get("/strict/numbers")
async def strict(db: Annotated[Session, Depends(_strict_session, scope="function")]) -> Response:
    """Stream from a closed session that raises when it is used again."""
    return StreamingResponse(_few(db))


@router.get("/request/numbers")
async def request_scope(db: Annotated[Session, Depends(_session, scope="request")]) -> Response:
    """Stream from a session that is closed after the response was sent."""
    return StreamingResponse(_few(db))


async def _never_awaiting(name: str, chunks: int) -> AsyncGenerator[bytes, None]:
    block = os.urandom(CHUNK)
    for _ in range(chunks):
        made[name] += 1
        yield bytes(reversed(block))  # about half a millisecond of work


@bare.get("/plain/endless")
async def plain_endless(chunks: int) -> Response:
    """Never let another task run."""
    return StreamingResponse(_never_awaiting("plain", chunks))


@bare.get("/owned/endless")
async def owned_endless(chunks: int) -> Response:
    """Let other tasks run after every chunk."""
    return OwningResponse(_never_awaiting("owned", chunks))


@bare.get("/made/{name}")
async def chunks_made(name: str) -> int:
    """Return the number of chunks made."""
    return made[name]


def _blocks(name: str, chunks: int) -> Generator[bytes, None, None]:
    block = os.urandom(CHUNK)  # random, so that GZip cannot compress it
    for _ in range(chunks):
        made[name] += 1
        yield block


@bare.get("/plain/big")
def plain_big(name: str, chunks: int) -> Response:
    """Send blocks of random bytes."""
    return StreamingResponse(_blocks(name, chunks), media_type="application/octet-stream")


def _breaking(after: int) -> Generator[bytes, None, None]:
    for _ in range(after):
        yield b"0" * CHUNK
    raise RuntimeError("the database has gone away")


@bare.get("/plain/breaking")
def plain_breaking(after: int) -> Response:
    """Fail after some chunks, behind a `StreamingResponse`."""
    return StreamingResponse(_breaking(after), media_type="text/plain")


@bare.get("/owned/breaking")
def owned_breaking(after: int) -> Response:
    """Fail after some chunks, behind an `OwningResponse`."""
    return OwningResponse(_breaking(after), media_type="text/plain")


def _refused() -> None:
    raise HTTPException(403, "this user may not export")


def _secrets() -> Generator[str, None, None]:
    _refused()
    yield "secret\n"


@bare.get("/plain/late")
def late() -> Response:
    """Check the permission inside the generator."""
    return StreamingResponse(_secrets())


@bare.get("/plain/early", dependencies=[Depends(_refused)])
def early() -> Response:
    """Check the permission in a dependency."""
    return StreamingResponse(_secrets())


@bare.get("/owned/late")
def owned_late() -> Response:
    """Check inside the generator, whose first chunk is made before the status is sent."""
    return OwningResponse(_secrets())


async def _through(request: Request, call_next: RequestResponseEndpoint) -> Response:
    return await call_next(request)


def _application(pool: int) -> FastAPI:
    @asynccontextmanager
    async def connected(app: FastAPI) -> AsyncIterator[None]:
        with database(pool=pool, wait=WAIT) as engine:
            app.state.engine = engine
            yield

    main = FastAPI(lifespan=connected)
    main.include_router(router)
    main.include_router(bare)
    based, zipped = FastAPI(), FastAPI()
    based.add_middleware(BaseHTTPMiddleware, dispatch=_through)
    zipped.add_middleware(GZipMiddleware)
    for path, wrapped in (("/based", based), ("/zipped", zipped)):
        wrapped.include_router(bare)
        main.mount(path, wrapped)
    return main


app = _application(POOL)
small = _application(2)
