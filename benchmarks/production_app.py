"""The lesson's application with a thread pool of another size: what an operator would write."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI
from fastapi.responses import Response

from lab.patterns.csv_export import one_string
from lab.routes import MayExport, Posts, Rows
from lab.web.app import ROUTERS, PoolTimeoutError, busy
from lab.web.app import lifespan as database_open

THREADS = int(os.environ.get("THREADS", "40"))
"""Worker threads for `def` endpoints and for generators; 40 is what anyio has by itself."""


@asynccontextmanager
async def lifespan(application: FastAPI) -> AsyncIterator[None]:
    """Set the size of the thread pool on the event loop, to which the limiter belongs."""
    current_default_thread_limiter().total_tokens = THREADS
    async with database_open(application):
        yield


app = FastAPI(lifespan=lifespan)
app.add_exception_handler(PoolTimeoutError, busy)
for router in ROUTERS:
    app.include_router(router)


@app.get("/def/posts/export.csv", dependencies=[MayExport])
def export_whole(store: Posts, rows: Rows) -> Response:
    """Return the naive export as a whole, and let go of the rows before it is sent."""
    with store.posts(rows) as db:
        return Response("".join(one_string(db)), media_type="text/csv")
