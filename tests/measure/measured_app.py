"""An application whose memory is known; the instruments are checked with it."""

import logging.config
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.background import BackgroundTask
from starlette.responses import StreamingResponse

SETTING = os.environ.get("MEASURED_APP", "none")
app = FastAPI()
broken = FastAPI(lifespan=lambda app: 1 / 0)


@asynccontextmanager
async def _silencing(_: FastAPI) -> AsyncIterator[None]:
    logging.config.dictConfig({"version": 1, "disable_existing_loggers": True})
    yield


silent = FastAPI(lifespan=_silencing)
"""It silences all loggers of others, as many applications do."""


@silent.get("/fails")
def fails(n: int) -> Response:
    """Fail after the loggers were silenced."""
    raise ValueError("no such luck")


async def refused(scope: Any, receive: Any, send: Any) -> None:
    """Say that the start failed, as an application without a traceback does."""
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no database at db:5432"})


@app.get("/kept")
def kept(n: int) -> Response:
    """Allocate 100 bytes for each item and return their number."""
    return Response(str(len(bytes(100 * n))))


@app.get("/child")
def child(n: int) -> Response:
    """Have a child process with 200 bytes for each item, and return as many bytes."""
    held = f"held = bytearray({200 * n}); import time; time.sleep(0.3)"
    subprocess.run([sys.executable, "-c", held], check=True)
    return Response(b"x" * n)


@app.get("/worker")
def worker(n: int) -> Response:
    """Leave a copy of this process that lives as long as it, and return as many bytes."""
    if os.fork() == 0:
        os.setsid()
        time.sleep(600)
    return Response(b"x" * n)


@app.get("/later")
def later(n: int) -> Response:
    """Allocate 100 bytes for each item after the answer, and return one byte for each."""

    def work() -> None:
        time.sleep(0.1)
        bytearray(100 * n)

    return Response(b"x" * n, background=BackgroundTask(work))


@app.get("/whole")
def whole(n: int) -> Response:
    """Send 100 bytes for each item, all at once."""
    return Response(b"x" * (100 * n))


@app.get("/streamed")
def streamed(n: int) -> StreamingResponse:
    """Send 100 bytes for each item, in chunks."""
    return StreamingResponse(bytes(100 * 500) for _ in range(n // 500))


@app.post("/body")
async def body(request: Request) -> Response:
    """Keep the body and answer with a hundredth of its length in bytes."""
    content = await request.body()
    return Response(b"x" * (len(content) // 100))


@app.post("/json")
async def json(request: Request) -> Response:
    """Answer with a byte for each row that the body asks for."""
    return Response(b"x" * (await request.json())["rows"])


@app.post("/type")
async def content_type(request: Request) -> Response:
    """Read the body, and answer with its type."""
    async for _ in request.stream():
        pass
    return Response(request.headers["content-type"])


@app.post("/refuses")
def refuses() -> Response:
    """Answer without reading the body."""
    return Response("ok")


@app.get("/env")
def env(n: int) -> Response:
    """Answer with a setting that the environment had when this was imported."""
    return Response(SETTING)


@app.get("/held")
def held() -> Response:
    """Keep 2 MB for each client while all of them are connected."""
    block = bytes(2_000_000)
    time.sleep(0.5)
    return Response(str(len(block)))


@app.get("/random")
def random(n: int) -> Response:
    """Answer differently each time."""
    return Response(os.urandom(8).hex())


@app.get("/moved")
def moved(n: int) -> Response:
    """Redirect the client, which does not follow."""
    return Response(status_code=307, headers={"Location": "/elsewhere"})


@app.get("/breaks")
def breaks(n: int) -> StreamingResponse:
    """Break off after the first chunk."""

    def chunks() -> Iterator[bytes]:
        yield b"x"
        raise RuntimeError

    return StreamingResponse(chunks())


@app.get("/dies")
def dies() -> None:
    """Kill the server as the kernel does when memory is exhausted."""
    os.kill(os.getpid(), signal.SIGKILL)
