"""Uploads in FastAPI: processed in one worker thread, and refused without being received.

The thread that reads a chunk blocks until the event loop has received it. While the thread
processes a chunk, the server reads only what fits into its own small buffer, and then the client
has to wait. That is all the backpressure that is needed.
"""

import errno
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, contextmanager, suppress
from typing import Any

from anyio import fail_after, from_thread, move_on_after, sleep, to_thread
from fastapi import HTTPException, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException as AnyHTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from lab.data.pool import Store
from lab.endpoints.routes import ERRORS
from lab.pattern import Variant
from lab.streams import unavailable
from lab.toolbox.multipart import Upload
from lab.toolbox.refused_error import RefusedError

SILENCE = 30.0
"""Seconds that a client may send nothing; it keeps a thread and a connection meanwhile."""

LINGER = 0.5
"""Seconds that a client has to read a refusal before the connection is closed."""

LOCK_WAIT = "10s"
"""How long an import waits for a row that another import has inserted, as PostgreSQL writes it."""

_REST = 65_536
"""Bytes of a refused body that are still read."""

_FILE = {"type": "string", "format": "binary", "description": "A CSV in UTF-8, named .csv"}
_FORM = {"type": "object", "properties": {"file": _FILE}, "required": ["file"]}
CSV_FORM = {
    "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _FORM}}}
}
CSV_FILE = {
    "requestBody": {
        "required": True,
        "content": {"multipart/form-data": {"schema": _FORM}, "text/csv": {"schema": _FILE}},
    }
}
REFUSALS: dict[int | str, dict[str, Any]] = {
    **ERRORS,
    400: {"description": "The client has disconnected"},
    408: {"description": "The client has sent nothing for too long"},
    413: {"description": "The upload is larger than the limit"},
    415: {"description": "Not a form, or a file that is not named .csv"},
    422: {"description": "A form without one file, or a file that is not a CSV of users"},
    507: {"description": "The server's disk is full"},
}
"""Other answers than a report, for the OpenAPI document."""


async def run_upload(variant: Variant, request: Request, store: Store) -> Any:
    """Run a variant on the body of a request, in one worker thread, which alone uses the session.

    Raises:
        HTTPException: The upload was refused, or the server is busy or its disk full.
    """
    with _http_errors():
        return await to_thread.run_sync(_run, variant, _upload_of(request), store)


def _run(variant: Variant, upload: Upload, store: Store) -> Any:
    # The block rolls back what the variant did not commit.
    with store.users() as db:
        # This statement takes the connection before anything is received.
        db.execute(text("select set_config('lock_timeout', :wait, true)"), {"wait": LOCK_WAIT})
        return variant.run(upload, db)


def _upload_of(request: Request) -> Upload:
    """Return a request's body, to be read in a worker thread."""
    length = request.headers.get("content-length", "")
    return Upload(
        _chunks(request.stream()),
        request.headers.get("content-type", ""),
        int(length) if length.isdecimal() else None,
    )


def _chunks(body: AsyncIterator[bytes]) -> Iterator[bytes]:
    async def receive() -> bytes | None:
        with fail_after(SILENCE):
            return await anext(body, None)

    try:
        while (chunk := from_thread.run(receive)) is not None:
            yield chunk
    except TimeoutError:
        raise RefusedError(408, f"the client has sent nothing for {SILENCE:g} seconds") from None


@contextmanager
def _http_errors() -> Iterator[None]:
    """Turn the errors of an upload into HTTP errors.

    Raises:
        HTTPException: The upload was refused, or the server is busy or its disk full.
    """
    try:
        yield
    except RefusedError as error:
        raise HTTPException(error.status, str(error)) from None
    except PoolTimeoutError:
        raise unavailable(reason="all connections are in use") from None
    except ClientDisconnect:
        raise HTTPException(400, "the client has disconnected") from None
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise HTTPException(507, "the server's disk is full") from None
    except DBAPIError as error:
        code = getattr(error.orig, "pgcode", None)
        if code == "53100":
            raise HTTPException(507, "the database's disk is full") from None
        if code in ("40P01", "55P03"):  # a deadlock, or a lock timeout
            raise unavailable(reason="another import holds the same rows") from None
        raise


class UploadRoute(APIRoute):
    """A route that can refuse a request before its body, for ``APIRouter(route_class=)``."""

    def get_route_handler(self) -> Callable[[Request], Any]:
        """Return a handler that answers errors of the route and its dependencies by `Refusal`."""
        handle = super().get_route_handler()

        async def refusing(request: Request) -> Response:
            try:
                return await handle(request)
            except AnyHTTPException as error:
                return Refusal(request, error)

        return refusing


class Refusal(JSONResponse):
    """An error response that ends the connection, so that the client need not send the rest.

    The connection stays open until the client can have read the response. If it were closed at
    once, while bytes of the client are on their way, TCP would reset it, and many clients would
    report the reset instead of the reason.
    """

    def __init__(self, request: Request, error: AnyHTTPException) -> None:
        headers = {**(error.headers or {}), "Connection": "close"}
        super().__init__({"detail": error.detail}, error.status_code, headers)
        self._request = request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response, wait until the client can have read it, and end."""
        head = {"status": self.status_code, "headers": self.raw_headers}
        await send({"type": "http.response.start", **head})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        await self._linger()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _linger(self) -> None:
        """Read the rest of a small body; of a large one, stop reading, which stops the client."""
        left = _REST
        # RuntimeError: the body has been read to its end.
        with move_on_after(LINGER), suppress(RuntimeError, ClientDisconnect):
            async with aclosing(self._request.stream()) as rest:
                async for chunk in rest:
                    left -= len(chunk)
                    if left < 0:
                        await sleep(LINGER)
