"""The lesson's application with another size of the thread pool, as an operator would set it."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI
from fastapi.responses import Response

from lab.endpoints.routes import MayExport, Posts, Rows
from lab.patterns.csv_export import one_string
from lab.web.app import ROUTERS, PoolTimeoutError, busy
from lab.web.app import lifespan as database_open

THREADS = int(os.environ.get("THREADS", "40"))
"""Worker threads for `def` endpoints and for generators; anyio's default is 40."""


@asynccontextmanager
async def lifespan(application: FastAPI) -> AsyncIterator[None]:
    """Set the size of the thread pool; its limiter belongs to the event loop."""
    current_default_thread_limiter().total_tokens = THREADS
    async with database_open(application):
        yield


app = FastAPI(lifespan=lifespan)
app.add_exception_handler(PoolTimeoutError, busy)
for router in ROUTERS:
    app.include_router(router)


@app.get("/def/posts/export.csv", dependencies=[MayExport])
def export_whole(store: Posts, rows: Rows) -> Response:
    """Return the naive export as one response; the rows are freed before it is sent."""
    with store.posts(rows) as db:
        return Response("".join(one_string(db)), media_type="text/csv")
