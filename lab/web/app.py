"""The lesson's application: the endpoints of every pattern, one path for each role."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio import to_thread
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from lab.data.pool import store
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
    """Open the database, in a thread because that may take seconds; close it at the end."""
    opened = store()
    application.state.store = await to_thread.run_sync(opened.__enter__)
    try:
        yield
    finally:
        await to_thread.run_sync(opened.__exit__, None, None, None)


async def busy(request: Request, error: Exception) -> JSONResponse:
    """Answer with 503 when no database connection became free in time."""
    refusal = unavailable()
    return JSONResponse({"detail": refusal.detail}, refusal.status_code, refusal.headers)


app = FastAPI(title="Memory Lab", description=__doc__, lifespan=lifespan)
app.add_exception_handler(PoolTimeoutError, busy)
for router in ROUTERS:
    app.include_router(router)
