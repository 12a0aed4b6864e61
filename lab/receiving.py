"""Uploads in FastAPI: handed to one worker thread, and refused without being taken.

The thread that asks for a chunk waits until the event loop has received one. While it works on
it, nothing more is read than the server's own small buffer holds, and the client has to wait:
that is all the backpressure there is to build.
"""

import errno
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, contextmanager, suppress
from typing import Any

from anyio import fail_after, from_thread, move_on_after, sleep
from fastapi import HTTPException, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException as AnyHTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from lab.multipart import RefusedError, Upload
from lab.routes import ERRORS
from lab.streams import unavailable

SILENCE = 30.0
"""Seconds that a client may send nothing; it holds a thread and a connection meanwhile."""

LINGER = 0.5
"""Seconds that a client has to see a refusal before the connection is closed under it."""

_REST = 65_536

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
    400: {"description": "The client has gone"},
    408: {"description": "Nothing has arrived for too long"},
    413: {"description": "The upload is larger than the limit"},
    415: {"description": "No form, or a file that is not named .csv"},
    422: {"description": "A form without one file, or a file that is no CSV of users"},
    507: {"description": "The server's disk is full"},
}
"""What may be answered instead of a report."""


def arriving(request: Request) -> Upload:
    """Return a request's body, to be read in a worker thread."""
    length = request.headers.get("content-length", "")
    return Upload(
        _pulled(request.stream()),
        request.headers.get("content-type", ""),
        int(length) if length.isdecimal() else None,
    )


def _pulled(body: AsyncIterator[bytes]) -> Iterator[bytes]:
    async def receive() -> bytes | None:
        with fail_after(SILENCE):
            return await anext(body, None)

    try:
        while (chunk := from_thread.run(receive)) is not None:
            yield chunk
    except TimeoutError:
        raise RefusedError(408, f"nothing has arrived for {SILENCE:g} seconds") from None


@contextmanager
def answered() -> Iterator[None]:
    """Turn what can stop an upload into the status that tells the client what to do.

    Raises:
        HTTPException: Instead of the exceptions that mean a refusal, a busy or a full server.
    """
    try:
        yield
    except RefusedError as error:
        raise HTTPException(error.status, str(error)) from None
    except PoolTimeoutError:
        raise unavailable(reason="all connections are in use") from None
    except ClientDisconnect:
        raise HTTPException(400, "the client has gone") from None
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise HTTPException(507, "the server's disk is full") from None
    except DBAPIError as error:
        code = getattr(error.orig, "pgcode", None)
        if code == "53100":
            raise HTTPException(507, "the database's disk is full") from None
        if code in ("40P01", "55P03"):  # a deadlock, or a lock that was waited for too long
            raise unavailable(reason="another import holds the same rows") from None
        raise


class UploadRoute(APIRoute):
    """A route whose errors may come before the body does; for ``APIRouter(route_class=)``."""

    def get_route_handler(self) -> Callable[[Request], Any]:
        """Answer an error raised anywhere in the route, its dependencies included."""
        handle = super().get_route_handler()

        async def refusing(request: Request) -> Response:
            try:
                return await handle(request)
            except AnyHTTPException as error:
                return Refusal(request, error)

        return refusing


class Refusal(JSONResponse):
    """An error that ends the connection, so that the rest of the body need not be sent.

    The client is told first. Closing at once, with bytes of its own on the way to us, would reset
    the connection, and many a client would report that instead of the reason.
    """

    def __init__(self, request: Request, error: AnyHTTPException) -> None:
        headers = {**(error.headers or {}), "Connection": "close"}
        super().__init__({"detail": error.detail}, error.status_code, headers)
        self._request = request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer, wait for the client to have seen it, and end."""
        head = {"status": self.status_code, "headers": self.raw_headers}
        await send({"type": "http.response.start", **head})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        await self._linger()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _linger(self) -> None:
        """Take the rest of a small body; of a large one stop reading, which stops the client."""
        left = _REST
        # RuntimeError: it has been read to its end.
        with move_on_after(LINGER), suppress(RuntimeError, ClientDisconnect):
            async with aclosing(self._request.stream()) as rest:
                async for chunk in rest:
                    left -= len(chunk)
                    if left < 0:
                        await sleep(LINGER)
