"""A student's endpoint on a real server, with the posts of a check in its database."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any

from fastapi import HTTPException
from sqlalchemy import Engine
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from lab.course.inputs.posts import OFFSETS, show_unseen_posts
from lab.course.inputs.server import server, wait_until
from lab.data.database import database
from lab.errors import LabError
from lab.measure.memory_cap import MEMORY_ERRORS
from lab.measure.run_progress import reached

POOL = 2
"""Connections of each engine."""

_POOL_TIMEOUT = 1.0
"""Seconds that a request waits for a connection of the pool."""

_TITLE_FACTOR = 4
"""Titles of the posts have about 200 characters, so that rows that stay in memory are visible."""

_WIDE_ROWS = 1_000
_WIDE_TITLE_FACTOR = 12
"""A thousand titles of half a kilobyte are more than all buffers between the processes."""

_RELEASE_TIMEOUT = 0.3
"""Seconds until the connection of a client that disconnected must be back in the pool."""


@dataclass
class StudentSite:
    """An ASGI application that serves a student's endpoint to real clients.

    Attributes:
        engine: Its database shows the posts of the check.
        wide: Its database shows other posts: more bytes than can be sent before a client
            disconnects.
        newest: The highest id in the database of ``engine``.
        endpoint: The function to serve: (engine, id, permission) -> response.
        failure: The error of the last request, unless it was an HTTPException.
        lines: Lines sent to the last client.
        busy: Requests in progress.
    """

    engine: Engine
    wide: Engine
    newest: int
    endpoint: Callable[..., Any] | None = None
    failure: BaseException | None = None
    lines: int = 0
    busy: int = 0

    def __post_init__(self) -> None:
        self._app = Starlette(routes=[Route("/{posts}", self._answer)])

    def get(self, since: int = 0, allowed: bool = True) -> dict[str, Any]:
        """Return what a client receives that asks for the posts after an id.

        Args:
            since: The id.
            allowed: Whether the client has permission.

        Raises:
            BaseException: The error of the endpoint, unless it was an HTTPException.
        """
        received = self._visit(f"/these?since={since}&allowed={allowed:d}")
        if self.failure is not None:
            raise self.failure
        return received

    def disconnect(self) -> None:
        """Let a client ask for the wide posts, and disconnect after the first byte of the body."""
        self._visit("/wide?since=0&allowed=1", stop_after=1)

    def checked_out(self) -> int:
        """Return the connections that are not back in the pool after `_RELEASE_TIMEOUT`."""
        pool: Any = self.wide.pool
        wait_until(lambda: pool.checkedout() == 0, _RELEASE_TIMEOUT)
        return int(pool.checkedout())

    def _visit(self, path: str, stop_after: int | None = None) -> dict[str, Any]:
        self.failure, self.lines = None, 0
        received = server().visit(path, stop_after)
        # The client may read the end of the body before the server has finished the request.
        wait_until(lambda: self.busy == 0)
        return received

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, and record its error: the client only sees that the request failed."""

        async def counted(message: Message) -> None:
            await send(message)
            self.lines += message.get("body", b"").count(b"\n")
            if scope["path"] != "/wide":
                reached(self.lines)

        self.busy += 1
        try:
            await self._app(scope, receive, counted)
        except BaseException as error:
            MEMORY_ERRORS.note(error)
            self.failure = None if _refused(error) else error
            raise
        finally:
            self.busy -= 1

    async def _answer(self, request: Request) -> Response:
        """Call the endpoint, as FastAPI would."""
        assert self.endpoint is not None
        engine = self.wide if request.path_params["posts"] == "wide" else self.engine
        since, allowed = (int(request.query_params[name]) for name in ("since", "allowed"))
        result = await run_in_threadpool(self.endpoint, engine, since, bool(allowed))
        response = await result if isawaitable(result) else result
        if not isinstance(response, Response):
            kind = type(response).__name__
            raise LabError(f"it returned an object of type {kind}: return a Response")
        return response


@contextmanager
def unseen_site(rows: int, salt: int) -> Iterator[StudentSite]:
    """Yield a site whose read-only database has ``rows`` posts, and serve it."""
    with (
        _engine(rows, salt, _TITLE_FACTOR) as engine,
        _engine(_WIDE_ROWS, salt, _WIDE_TITLE_FACTOR) as wide,
    ):
        site = StudentSite(engine, wide, salt % OFFSETS + rows)
        server().app = site
        yield site


@contextmanager
def _engine(rows: int, salt: int, wider: int) -> Iterator[Engine]:
    with database(pool=POOL, wait=_POOL_TIMEOUT) as engine:
        # The view stays with its connection when the pool takes it back.
        connections = [engine.connect() for _ in range(POOL)]
        for connection in connections:
            show_unseen_posts(connection, rows, salt, wider)
            connection.close()
        yield engine


@contextmanager
def garbage_collector_off() -> Iterator[None]:
    """Run a block without the garbage collector, which also ignores the block's objects later.

    Otherwise it would close an abandoned generator at a time that depends on chance.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _refused(error: BaseException | None) -> bool:
    """Tell whether an error is an HTTPException, or was caused by one that came too late."""
    while error is not None and not isinstance(error, HTTPException):
        error = error.__cause__
    return error is not None
