"""A student's endpoint on a real server, with the posts of a check behind it."""

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

from lab.course.serving import server, wait_until
from lab.course.worlds import OFFSETS, in_disguise
from lab.data.database import database
from lab.errors import LabError
from lab.measure.cap import SHORTAGES
from lab.measure.progress import reached

POOL = 2
"""Connections of each engine."""

_WAIT = 1.0

_WIDER = 4
"""The posts of a check have titles of some 200 characters: a row is to be worth hiding."""

_WIDE_ROWS = 1_000
_WIDEST = 12
"""A thousand titles of half a kilobyte: more than all buffers between the two processes hold."""

_MOMENT = 0.3
"""Seconds until what a client had, who has gone, is to be back."""


@dataclass
class Site:
    """An endpoint among real clients, for as long as its world lasts.

    Attributes:
        engine: Shows the posts of the check, of which ``newest`` is the last.
        wide: Shows other posts, too many bytes to have been sent before a client hangs up.
        newest: The highest id behind ``engine``.
        endpoint: The function to serve: an engine, an id and a right in, a response out.
        failure: What the last request raised, if that was no refusal.
        lines: Sent to the last client.
        busy: Requests under way.
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
        """Have the client ask for the posts after an id, with the right to them or without.

        Raises:
            BaseException: What the endpoint raised, if that was no refusal.
        """
        found = self._visit(f"/these?since={since}&allowed={allowed:d}")
        if self.failure is not None:
            raise self.failure
        return found

    def hang_up(self) -> None:
        """Have the client ask for the wide posts, and leave with the first of what comes."""
        self._visit("/wide?since=0&allowed=1", stop_after=1)

    def out(self) -> int:
        """Return how many connections are out a moment after the last client has hung up."""
        pool: Any = self.wide.pool
        wait_until(lambda: pool.checkedout() == 0, _MOMENT)
        return int(pool.checkedout())

    def _visit(self, path: str, stop_after: int | None = None) -> dict[str, Any]:
        self.failure, self.lines = None, 0
        found = server().visit(path, stop_after)
        # The client may hear of the end before the server is through with it.
        wait_until(lambda: self.busy == 0)
        return found

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, and note how it went: the client only learns that it failed."""

        async def counted(message: Message) -> None:
            await send(message)
            self.lines += message.get("body", b"").count(b"\n")
            if scope["path"] != "/wide":
                reached(self.lines)

        self.busy += 1
        try:
            await self._app(scope, receive, counted)
        except BaseException as error:
            SHORTAGES.note(error)
            self.failure = None if _refused(error) else error
            raise
        finally:
            self.busy -= 1

    async def _answer(self, request: Request) -> Response:
        """Call the endpoint, as FastAPI would."""
        assert self.endpoint is not None
        engine = self.wide if request.path_params["posts"] == "wide" else self.engine
        since, allowed = (int(request.query_params[name]) for name in ("since", "allowed"))
        found = await run_in_threadpool(self.endpoint, engine, since, bool(allowed))
        response = await found if isawaitable(found) else found
        if not isinstance(response, Response):
            what = type(response).__name__
            raise LabError(f"it returned a {what}, where a response was wanted")
        return response


@contextmanager
def unseen_site(rows: int, salt: int) -> Iterator[Site]:
    """Have a server up that knows so many posts, and can change none."""
    with _engine(rows, salt, _WIDER) as engine, _engine(_WIDE_ROWS, salt, _WIDEST) as wide:
        site = Site(engine, wide, salt % OFFSETS + rows)
        server().app = site
        yield site


@contextmanager
def _engine(rows: int, salt: int, wider: int) -> Iterator[Engine]:
    with database(pool=POOL, wait=_WAIT) as engine:
        # What is set on a connection stays with it, in the pool.
        connections = [engine.connect() for _ in range(POOL)]
        for connection in connections:
            in_disguise(connection, rows, salt, wider)
            connection.close()
        yield engine


@contextmanager
def never_collecting() -> Iterator[None]:
    """Free nothing that only the garbage collector would, neither in the block nor later.

    It would close an abandoned generator sooner or later; whether sooner is a matter of chance.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _refused(error: BaseException | None) -> bool:
    """Tell whether an error is, or comes from, a refusal by status that was too late."""
    while error is not None and not isinstance(error, HTTPException):
        error = error.__cause__
    return error is not None
