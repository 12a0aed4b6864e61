"""The lesson's application: every pattern's endpoints, each in every role that it has."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio import to_thread
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from lab.data.store import store
from lab.patterns import (
    before_the_stream,
    bulk_load,
    csv_export,
    file_download,
    ndjson_export,
    pdf_report,
    rows,
    tag_counts,
    upload_stream,
    zip_download,
)
from lab.streams import unavailable
from lab.web import vitals

ROUTERS = (
    rows.router,
    csv_export.router,
    ndjson_export.router,
    before_the_stream.router,
    file_download.router,
    zip_download.router,
    pdf_report.router,
    upload_stream.router,
    bulk_load.router,
    tag_counts.router,
    vitals.router,
)


@asynccontextmanager
async def lifespan(application: FastAPI) -> AsyncIterator[None]:
    """Hold the database open; connecting and starting a server are no work for the event loop."""
    opened = store()
    application.state.store = await to_thread.run_sync(opened.__enter__)
    try:
        yield
    finally:
        await to_thread.run_sync(opened.__exit__, None, None, None)


async def busy(request: Request, error: Exception) -> JSONResponse:
    """Answer a request for which no connection was free in time."""
    refusal = unavailable()
    return JSONResponse({"detail": refusal.detail}, refusal.status_code, refusal.headers)


app = FastAPI(title="Memory Lab", description=__doc__, lifespan=lifespan)
app.add_exception_handler(PoolTimeoutError, busy)
for router in ROUTERS:
    app.include_router(router)
