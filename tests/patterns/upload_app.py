"""The import on a real server, with a small limit, short timeouts, and counters."""

import os
from contextlib import asynccontextmanager

from anyio import to_thread
from fastapi import FastAPI, Request

from lab.data.pool import store
from lab.endpoints import uploads
from lab.patterns import upload_stream

uploads.SILENCE = 3.0
uploads.LOCK_WAIT = "1s"
if os.environ.get("DISK") == "full":
    # A real file, on a device that is always full.
    upload_stream.SpooledTemporaryFile = lambda **_: open("/dev/full", "r+b", buffering=0)  # noqa: SIM115


@asynccontextmanager
async def lifespan(application):
    opened = store(1)
    application.state.store = await to_thread.run_sync(opened.__enter__)
    yield
    await to_thread.run_sync(opened.__exit__, None, None, None)


app = FastAPI(lifespan=lifespan)
app.include_router(upload_stream.router)
TAKEN = {"bytes": 0, "requests": 0}


class Counting:
    """Count the bytes of the latest body, even if refused, and the requests in progress."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope.get("method") != "POST":
            await self.app(scope, receive, send)
            return
        TAKEN["bytes"] = 0

        async def counted():
            message = await receive()
            TAKEN["bytes"] += len(message.get("body", b""))
            return message

        TAKEN["requests"] += 1
        try:
            await self.app(scope, counted, send)
        finally:
            TAKEN["requests"] -= 1


app.add_middleware(Counting)


@app.get("/witness")
async def witness(request: Request) -> dict[str, int]:
    """Return the bytes received, the requests in progress, and the connections in use."""
    return {**TAKEN, "connections": request.app.state.store.engine.pool.checkedout()}
