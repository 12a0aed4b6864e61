"""A streaming response that owns its generator: it alone asks for chunks, and it alone closes.

Copy this file into your application; it needs Starlette and anyio, which FastAPI brings.

    @app.get("/posts/export.csv")
    def export_posts() -> OwningResponse:
        def rows() -> Iterator[str]:
            with Session(engine) as db:  # taken, used and given back inside the generator
                for post in db.scalars(query, execution_options={"yield_per": 1_000}):
                    yield as_csv(post)

        return OwningResponse(gather(rows()), media_type="text/csv", filename="posts.csv")

What it promises, and a plain ``StreamingResponse`` does not:

- The first chunk is made before the status is sent. A failure up to there is an ordinary error
  response, and a pool without a free connection is a 503 with ``Retry-After``.
- A chunk may be empty. Nothing is sent for it, not even the status, but a client that has gone is
  noticed: a generator that has to wait for long yields one from time to time.
- When the client hangs up, a chunk that is being made is waited for and dropped, and then the
  generator is closed: at once, once, and never while it runs. Its ``finally`` blocks and ``with``
  statements are where a session, a cursor or a file is given back. A plain response leaves the
  generator to the garbage collector, which closes it in whatever thread it happens to run in.
- A failure in mid-stream ends the connection instead of the body, so that an HTTP/1.1 client knows
  that something is missing, also when a middleware would have finished the body for us.

`docs/streams.md` shows what happens without each of these.
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
"""Bytes that are worth a trip to the thread pool and back; a row by itself is not."""

Text = TypeVar("Text", str, bytes)
Chunks = Generator[str | bytes, None, None] | AsyncGenerator[str | bytes, None]

_BROKEN_OFF = {"type": "http.response.pathsend", "path": ""}
"""A message that Starlette's middlewares pass on as it is (ASGI extension "path send"), and that
uvicorn refuses in the middle of a body: nobody finishes the body after it."""


class OwningResponse(Response):
    """Stream the chunks of a generator, and close it whatever happens.

    Args:
        chunks: A generator or an async generator of text or bytes. What it needs it takes inside
            of itself. Ordinary generators run in worker threads, one call after the other.
        busy: Exceptions which mean that there is no room just now. Raised before the first chunk
            they become a 503; for SQLAlchemy's pool give ``sqlalchemy.exc.TimeoutError``.
        retry_after: Seconds that a client is asked to wait after a 503.
        ready: Asked before each chunk of an ordinary generator: whether it can be made at once.
            If so, it is made on the event loop, and spared the trip to a thread.
        filename: Offer the body as a file of this name; any characters will do.
        status_code, headers, media_type: As for any response.

    A request whose client has gone waits for the chunk that is being made: let a generator that
    may wait for long set time-outs of its own, or yield empty chunks. Background tasks run after a
    body that was sent whole.
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
            raise TypeError(f"{type(chunks).__name__} cannot be closed: give a generator.")
        self.chunks = chunks
        self._at_work = threading.Lock()
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
        """Send the response; returns when the generator is closed."""
        failure: Exception | None = None
        whole = False
        try:
            async with create_task_group() as tasks:
                tasks.start_soon(_cancel_when_gone, receive, tasks.cancel_scope)
                try:
                    await self._send_all(_until_gone(send))
                    whole = True
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
                    # What went wrong first is what has to be heard.
                    if failure is None:
                        raise
                    logger.error("closing a generator failed as well", exc_info=error)
        if failure is not None:
            raise failure
        if whole and self.background is not None:
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
            # A chunk that was ready at once, sent to a socket with room, has let nobody else run.
            await checkpoint()
            try:
                chunk = await self._next()
            except Exception as error:
                await _break_off(send, error)
                raise
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _next(self) -> str | bytes | None:
        """Return the next chunk that has something in it; None after the last one."""
        while (chunk := await self._make()) is not None and not chunk:
            await checkpoint()
        return chunk

    async def _make(self) -> str | bytes | None:
        """Make the next chunk, to the end even if the client goes; None after the last one."""
        if isinstance(self.chunks, Generator):
            if self.ready is not None and self.ready():
                return self._next_of(self.chunks)
            return await to_thread.run_sync(self._next_of, self.chunks)
        # Shielded, not cancelled: what the generator awaits while it closes must not be cancelled.
        chunk: str | bytes | None = None
        with CancelScope(shield=True):
            chunk = await anext(self.chunks, None)
        return chunk  # noqa: RET504 - a scope may swallow, so a return inside is not the end

    async def _close(self) -> None:
        if isinstance(self.chunks, Generator):
            # A place of its own: closing must not queue behind those who wait for a connection.
            await to_thread.run_sync(self._end, self.chunks, limiter=CapacityLimiter(1))
        else:
            await self.chunks.aclose()

    # asyncio's own cancel(), of a time-out for example, breaks through anyio's shield: then a
    # worker may still be making a chunk when the generator is to be closed.
    def _next_of(self, chunks: Generator[str | bytes, None, None]) -> str | bytes | None:
        with self._at_work:
            return next(chunks, None)

    def _end(self, chunks: Generator[str | bytes, None, None]) -> None:
        with self._at_work:
            chunks.close()


class _GoneError(Exception):
    """The client has gone, as a server says it that does not keep silent about it (ASGI 2.4)."""


def _until_gone(send: Send) -> Send:
    async def sent(message: Message) -> None:
        try:
            await send(message)
        except OSError as error:
            raise _GoneError from error

    return sent


async def _cancel_when_gone(receive: Receive, scope: CancelScope) -> None:
    try:
        while (await receive())["type"] != "http.disconnect":
            pass
    except Exception as error:
        logger.error("it cannot be told whether the client has gone", exc_info=error)
        return
    scope.cancel()


async def _break_off(send: Send, error: Exception) -> None:
    try:
        await send(_BROKEN_OFF)
    except get_cancelled_exc_class():
        # A middleware has refused the message in its own task, and ended ours: nobody will raise
        # the cause.
        logger.error("a response was broken off", exc_info=error)
        raise
    except Exception:  # noqa: S110 - the server has refused it, and the cause comes next
        pass


def unavailable(retry_after: int = 1, reason: str = "busy") -> HTTPException:
    """Return the 503 that asks a client to come back after some seconds."""
    return HTTPException(503, f"{reason}; try again", {"Retry-After": str(retry_after)})


def attachment(filename: str) -> str:
    """Return a Content-Disposition header that offers a file name (RFC 6266), safely quoted."""
    quoted = quote(filename, safe="")
    if quoted == filename:
        return f'attachment; filename="{filename}"'
    return f"attachment; filename*=utf-8''{quoted}"


def gather(pieces: Iterable[Text], size: int = CHUNK) -> Generator[Text, None, None]:
    """Join small pieces of text or bytes into chunks of at least ``size``, but for the last one."""
    held: list[Text] = []
    length = 0
    try:
        for piece in pieces:
            held.append(piece)
            length += len(piece)
            if length >= size:
                yield piece[:0].join(held)
                held, length = [], 0
        if held:
            yield held[0][:0].join(held)
    finally:
        if isinstance(pieces, Generator):
            pieces.close()
