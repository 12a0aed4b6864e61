"""Streams that note what is done to them, for a real server in a process of its own."""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import suppress

from anyio import to_thread
from fastapi import FastAPI, HTTPException, Request, Response
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import Message

from lab.streams import OwningResponse

app = FastAPI()
NOTES: dict[str, list[str]] = {}


class BusyError(Exception):
    """Nothing is free."""


def noted(name: str, chunks: int, pause: float = 0.0) -> Generator[bytes, None, None]:
    """Yield chunks, noting when a call begins and ends, and when it is closed."""
    notes = NOTES.setdefault(name, [])
    running = threading.Lock()
    try:
        for number in range(chunks):
            assert running.acquire(blocking=False)
            notes.append(f"begin {number}")
            time.sleep(pause)
            notes.append(f"end {number}")
            running.release()
            yield bytes(65_536)
    finally:
        notes.append("closed" if running.acquire(blocking=False) else "closed while running")


@app.get("/notes/{name}")
async def notes(name: str) -> list[str]:
    return NOTES.get(name, [])


@app.get("/slow/{name}")
def slow(name: str, chunks: int = 1_000_000, pause: float = 0.0) -> OwningResponse:
    return OwningResponse(noted(name, chunks, pause))


@app.get("/impatient/{name}")
async def impatient(name: str, request: Request) -> Response:
    """Cancel the response by asyncio's own means while a chunk is being made."""

    async def sent(message: Message) -> None:
        pass

    response = OwningResponse(noted(name, chunks=1_000, pause=0.5))
    with suppress(TimeoutError):
        async with asyncio.timeout(0.8):
            await response(request.scope, request.receive, sent)
    return Response("cancelled")


@app.get("/async/{name}")
async def never_waiting(name: str) -> OwningResponse:
    async def chunks() -> AsyncGenerator[bytes, None]:
        notes = NOTES.setdefault(name, [])
        try:
            while True:
                yield bytes(65_536)
        finally:
            await asyncio.sleep(0.05)
            await to_thread.run_sync(notes.append, "closed")

    return OwningResponse(chunks())


@app.get("/before/{what}")
def before(what: str) -> OwningResponse:
    def chunks() -> Generator[str, None, None]:
        if what == "missing":
            raise HTTPException(404, "nothing of that name")
        if what == "busy":
            raise BusyError
        if what == "broken":
            raise RuntimeError("broken before the first byte")
        yield from ()

    return OwningResponse(chunks(), busy=(BusyError,), retry_after=7)


def failing(request: Request) -> OwningResponse:
    def chunks() -> Generator[str, None, None]:
        yield "the beginning\n" * 10_000
        raise RuntimeError("broken in mid-stream")

    return OwningResponse(chunks(), media_type="text/plain")


app.add_api_route("/failing", failing)


async def pass_on(request, call_next):
    return await call_next(request)


def behind(*middlewares: str) -> FastAPI:
    """An application behind some middlewares, the innermost first."""
    inner = FastAPI()
    inner.add_api_route("/failing", failing)
    for middleware in middlewares:
        if middleware == "gzip":
            inner.add_middleware(GZipMiddleware)
        else:
            inner.add_middleware(BaseHTTPMiddleware, dispatch=pass_on)
    return inner


for stack in ("base", "gzip", "base-base", "gzip-base", "base-gzip", "base-base-gzip"):
    app.mount(f"/{stack}", behind(*stack.split("-")))
