"""A streaming response that owns its generator: only the response iterates and closes it.

Copy this file into your application. It needs Starlette and anyio, which FastAPI installs.

    @app.get("/posts/export.csv")
    def export_posts() -> OwningResponse:
        def rows() -> Iterator[str]:
            with Session(engine) as db:  # opened, used and closed inside the generator
                for post in db.scalars(query, execution_options={"yield_per": 1_000}):
                    yield as_csv(post)

        return OwningResponse(gather(rows()), media_type="text/csv", filename="posts.csv")

Guarantees that a plain ``StreamingResponse`` does not give:

- The first chunk is produced before the status is sent. An error before that point becomes an
  ordinary error response; a pool without a free connection becomes a 503 with ``Retry-After``.
- A chunk may be empty. Nothing is sent for it, not even the status, but the response then notices
  a disconnected client. A generator that waits for long should yield empty chunks meanwhile.
- When the client disconnects, the response waits for the chunk in progress, drops it, and closes
  the generator: immediately, once, and never while it runs. The ``finally`` blocks and ``with``
  statements of the generator then release its session, cursor or file. A plain response leaves the
  generator to the garbage collector, which closes it in an arbitrary thread.
- An error after the first chunk ends the connection, not the body. An HTTP/1.1 client can then tell
  that the body is incomplete, even behind a middleware that would have ended the body properly.

`docs/streams.md` shows what happens without each guarantee.
"""

import logging
import threading
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Mapping
from typing import TypeVar
from urllib.parse import quote

from anyio import (
    CancelScope,
    CapacityLimiter,
    create_task_group,
    get_cancelled_exc_class,
    to_thread,
)
from anyio.lowlevel import checkpoint
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

logger = logging.getLogger(__name__)

CHUNK = 64 * 1024
"""Bytes per chunk; a call to the thread pool for each single row would cost too much."""

Text = TypeVar("Text", str, bytes)
Chunks = Generator[str | bytes, None, None] | AsyncGenerator[str | bytes, None]

_BROKEN_OFF = {"type": "http.response.pathsend", "path": ""}
"""A message (ASGI extension "path send") that Starlette's middlewares pass on unchanged and that
uvicorn refuses in the middle of a body, so that no middleware ends the body after it."""


class OwningResponse(Response):
    """Stream the chunks of a generator, and close it in every case.

    Args:
        chunks: A generator or an async generator of text or bytes. It opens its own session, cursor
            or file. An ordinary generator runs in worker threads, one call at a time.
        busy: Exceptions that mean "no capacity now". Raised before the first chunk, they become a
            503. For SQLAlchemy's pool pass ``sqlalchemy.exc.TimeoutError``.
        retry_after: Value of ``Retry-After`` in a 503, in seconds.
        ready: Called before each chunk of an ordinary generator. True means that the chunk needs no
            waiting: it is produced on the event loop, without a call to a thread.
        filename: Name of the file that the body is offered as; any characters are allowed.
        status_code, headers, media_type: As for any response.

    After a disconnect the response still waits for the chunk in progress: a generator that may wait
    for long needs its own time-outs, or yields empty chunks. Background tasks run only after a
    complete body.

    Raises:
        TypeError: ``chunks`` is not a generator, so it cannot be closed.
    """

    def __init__(
        self,
        chunks: Chunks,
        *,
        busy: tuple[type[Exception], ...] = (),
        retry_after: int = 1,
        ready: Callable[[], bool] | None = None,
        filename: str | None = None,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
    ) -> None:
        if not isinstance(chunks, Generator | AsyncGenerator):
            raise TypeError(f"{type(chunks).__name__} cannot be closed: pass a generator.")
        self.chunks = chunks
        self._running = threading.Lock()
        self.busy = busy
        self.retry_after = retry_after
        self.ready = ready
        self.status_code = status_code
        self.media_type = media_type
        self.background: BackgroundTask | None = None
        self.init_headers(headers)
        if filename is not None:
            self.headers["content-disposition"] = attachment(filename)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response; return after the generator is closed."""
        failure: Exception | None = None
        complete = False
        try:
            async with create_task_group() as tasks:
                tasks.start_soon(_cancel_on_disconnect, receive, tasks.cancel_scope)
                try:
                    await self._send_all(_raising_when_gone(send))
                    complete = True
                except _GoneError:
                    pass
                except Exception as error:
                    failure = error
                tasks.cancel_scope.cancel()
        finally:
            with CancelScope(shield=True):
                try:
                    await self._close()
                except Exception as error:
                    # The first error is the cause, so it is the one to raise.
                    if failure is None:
                        raise
                    logger.error("closing the generator failed as well", exc_info=error)
        if failure is not None:
            raise failure
        if complete and self.background is not None:
            await self.background()

    async def _send_all(self, send: Send) -> None:
        try:
            chunk = await self._next()
        except self.busy as error:
            raise unavailable(self.retry_after) from error
        head = {"status": self.status_code, "headers": self.raw_headers}
        await send({"type": "http.response.start", **head})
        while chunk is not None:
            body = chunk.encode(self.charset) if isinstance(chunk, str) else chunk
            await send({"type": "http.response.body", "body": body, "more_body": True})
            # If neither the chunk nor the socket had to wait, no other task has run yet.
            await checkpoint()
            try:
                chunk = await self._next()
            except Exception as error:
                await _break_off(send, error)
                raise
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _next(self) -> str | bytes | None:
        """Return the next chunk that is not empty; None after the last one."""
        while (chunk := await self._next_raw()) is not None and not chunk:
            await checkpoint()
        return chunk

    async def _next_raw(self) -> str | bytes | None:
        """Return the next chunk, finished even after a disconnect; None after the last one."""
        if isinstance(self.chunks, Generator):
            if self.ready is not None and self.ready():
                return self._next_of(self.chunks)
            return await to_thread.run_sync(self._next_of, self.chunks)
        # A cancelled generator could not await anything while it closes, so it is shielded.
        chunk: str | bytes | None = None
        with CancelScope(shield=True):
            chunk = await anext(self.chunks, None)
        return chunk  # noqa: RET504 - a scope may swallow, so a return inside is not the end

    async def _close(self) -> None:
        if isinstance(self.chunks, Generator):
            # On the shared limiter, closing could queue behind threads waiting for a connection.
            await to_thread.run_sync(self._end, self.chunks, limiter=CapacityLimiter(1))
        else:
            await self.chunks.aclose()

    # asyncio's own cancel(), from a time-out for example, ignores anyio's shield: a worker thread
    # may then still run the generator when it is to be closed. The lock makes closing wait.
    def _next_of(self, chunks: Generator[str | bytes, None, None]) -> str | bytes | None:
        with self._running:
            return next(chunks, None)

    def _end(self, chunks: Generator[str | bytes, None, None]) -> None:
        with self._running:
            chunks.close()


class _GoneError(Exception):
    """The client has disconnected, and `send` has raised OSError (servers from ASGI 2.4 on)."""


def _raising_when_gone(send: Send) -> Send:
    async def send_or_raise(message: Message) -> None:
        try:
            await send(message)
        except OSError as error:
            raise _GoneError from error

    return send_or_raise


async def _cancel_on_disconnect(receive: Receive, scope: CancelScope) -> None:
    try:
        while (await receive())["type"] != "http.disconnect":
            pass
    except Exception as error:
        logger.error("receiving failed: a disconnect will not be noticed", exc_info=error)
        return
    scope.cancel()


async def _break_off(send: Send, error: Exception) -> None:
    try:
        await send(_BROKEN_OFF)
    except get_cancelled_exc_class():
        # A middleware has refused the message in its own task and cancelled this one, so the cause
        # would never be raised.
        logger.error("a response was ended before its body was complete", exc_info=error)
        raise
    except Exception:  # noqa: S110 - the server refused it; the caller raises the cause
        pass


def unavailable(retry_after: int = 1, reason: str = "busy") -> HTTPException:
    """Return a 503 with ``Retry-After`` in seconds."""
    return HTTPException(503, f"{reason}; try again", {"Retry-After": str(retry_after)})


def attachment(filename: str) -> str:
    """Return the value of a Content-Disposition header for a file name, quoted as in RFC 6266."""
    quoted = quote(filename, safe="")
    if quoted == filename:
        return f'attachment; filename="{filename}"'
    return f"attachment; filename*=utf-8''{quoted}"


def gather(pieces: Iterable[Text], size: int = CHUNK) -> Generator[Text, None, None]:
    """Join pieces into chunks of at least ``size`` characters or bytes; the last may be smaller."""
    parts: list[Text] = []
    length = 0
    try:
        for piece in pieces:
            parts.append(piece)
            length += len(piece)
            if length >= size:
                yield piece[:0].join(parts)
                parts, length = [], 0
        if parts:
            yield parts[0][:0].join(parts)
    finally:
        if isinstance(pieces, Generator):
            pieces.close()
