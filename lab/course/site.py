"""A server in the process that is judged, and a client in another who does what clients do.

The server lasts from the warm-up to the end of the process; the endpoint and the posts behind it
are those of the moment.
"""

import gc
import json
import subprocess
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from inspect import isawaitable
from socket import SO_SNDBUF, SOL_SOCKET
from typing import Any

import uvicorn
from fastapi import HTTPException
from sqlalchemy import Engine
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lab.course.worlds import OFFSETS, in_disguise
from lab.data.database import database
from lab.errors import LabError
from lab.interpreter import environment_with_lab, python_module
from lab.measure.cap import SHORTAGES
from lab.measure.progress import reached
from lab.measure.workload import LASTING
from lab.sockets import listening

POOL = 2
"""Connections of each engine."""

_WAIT = 1.0
_WIDER = 4
"""The posts of a check have titles of some 200 characters: a row is to be worth hiding."""

_WIDE_ROWS = 1_000
_WIDEST = 12
"""A thousand titles of half a kilobyte: more than all buffers between the two processes hold."""

_SEND_BUFFER = 16 * 1024
"""Bytes that the kernel is asked to hold for a client; it would take in the whole answer."""

_STACK = 1024 * 1024
"""Bytes for each thread, which a cap counts whole."""

_SOON = 1.0
"""Seconds that a server has to notice that a client has gone."""


@dataclass
class Site:
    """An endpoint among real clients, for as long as its world lasts.

    Attributes:
        engine: Shows the posts of the check, of which ``newest`` is the last.
        wide: Shows other posts, wide enough that nobody has sent them before a client hangs up.
        newest: The highest id behind ``engine``.
        endpoint: The function to serve: an engine, an id and a right in, a response out.
        failure: What it raised since this was last None, other than a refusal.
    """

    engine: Engine
    wide: Engine
    newest: int
    endpoint: Callable[..., Any] | None = None
    failure: BaseException | None = None
    lines: int = 0
    busy: int = field(default=0, repr=False)

    def get(self, since: int, allowed: bool = True, hang_up: bool = False) -> dict[str, Any]:
        """Have the client ask, and wait until the server is done with it, or stuck.

        Args:
            since: Ask for posts after this one.
            allowed: The client may have them.
            hang_up: It asks for the wide ones, and leaves with the first of what comes.
        """
        self.failure, self.lines = None, 0
        query = f"since={since}&allowed={allowed:d}&wide={hang_up:d}"
        found = _served().visit(query, 1 if hang_up else None)
        _wait_until(lambda: self.busy == 0)
        return found

    def out(self) -> int:
        """Return how many connections are out a moment after the last client has hung up."""
        _wait_until(lambda: self.wide.pool.checkedout() == 0)  # type: ignore[attr-defined]
        return int(self.wide.pool.checkedout())  # type: ignore[attr-defined]


@contextmanager
def unseen_site(rows: int, salt: int) -> Iterator[Site]:
    """Have a server up that knows so many posts, and can change none."""
    with _engine(rows, salt, _WIDER) as engine, _engine(_WIDE_ROWS, salt, _WIDEST) as wide:
        site = Site(engine, wide, salt % OFFSETS + rows)
        _served().site = site
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


class _Served:
    """The server's thread, and the client's process."""

    def __init__(self, port: int, client: "subprocess.Popen[str]") -> None:
        self.site: Site | None = None
        self._url = f"http://127.0.0.1:{port}/export?"
        self._client = client

    def visit(self, query: str, stop_after: int | None) -> dict[str, Any]:
        """Send the client, and return what it has received."""
        assert self._client.stdin is not None
        assert self._client.stdout is not None
        job = {"url": self._url + query, "stop_after": stop_after}
        self._client.stdin.write(json.dumps(job) + "\n")
        self._client.stdin.flush()
        found: dict[str, Any] = json.loads(self._client.stdout.readline())
        return found

    async def answer(self, request: Request) -> Response:
        """Call the endpoint, as FastAPI would."""
        asked = {name: int(value) for name, value in request.query_params.items()}
        assert self.site is not None
        assert self.site.endpoint is not None
        engine = self.site.wide if asked["wide"] else self.site.engine
        since = 0 if asked["wide"] else asked["since"]
        found = await run_in_threadpool(self.site.endpoint, engine, since, bool(asked["allowed"]))
        response = await found if isawaitable(found) else found
        if not isinstance(response, Response):
            what = type(response).__name__
            raise LabError(f"it returned a {what}, where a response was wanted")
        return response

    async def __call__(self, scope: Any, receive: Any, send: Callable[[Any], Any]) -> None:
        """Answer a request, and note how it went: the client only learns that it failed."""
        site = self.site
        if scope["type"] != "http" or site is None:
            await _application(scope, receive, send)
            return
        site.busy += 1
        try:
            counted = send if b"wide=1" in scope["query_string"] else _counting(site, send)
            await _application(scope, receive, counted)
        except BaseException as error:
            SHORTAGES.note(error)
            if not _refused(error):
                site.failure = site.failure or error
            raise
        finally:
            site.busy -= 1


def _counting(site: Site, send: Callable[[Any], Awaitable[None]]) -> Callable[[Any], Any]:
    async def counted(message: Any) -> None:
        await send(message)
        site.lines += message.get("body", b"").count(b"\n")
        reached(site.lines)

    return counted


def _refused(error: BaseException | None) -> bool:
    """Tell whether an error is, or comes from, an answer by status that was too late."""
    while error is not None and not isinstance(error, HTTPException):
        error = error.__cause__
    return error is not None


async def _answer(request: Request) -> Response:
    return await _served().answer(request)


_application = Starlette(routes=[Route("/export", _answer)])
_everything: list[_Served] = []


def _served() -> _Served:
    if not _everything:
        _everything.append(LASTING.enter_context(_serving()))
    return _everything[0]


@contextmanager
def _serving() -> Iterator[_Served]:
    threading.stack_size(_STACK)
    with listening() as listener, _client() as client:
        listener.setsockopt(SOL_SOCKET, SO_SNDBUF, _SEND_BUFFER)
        served = _Served(int(listener.getsockname()[1]), client)
        config = uvicorn.Config(
            served, log_config=None, access_log=False, lifespan="off", loop="asyncio"
        )
        server = uvicorn.Server(config)
        # What the endpoint leaves stuck ends with the process.
        threading.Thread(target=server.run, args=([listener],), daemon=True).start()
        _wait_until(lambda: server.started)
        yield served
        server.should_exit = True


@contextmanager
def _client() -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        python_module("lab.course.visitor"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment_with_lab(),
    ) as process:
        yield process


def _wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _SOON
    while not true() and time.monotonic() < deadline:
        time.sleep(0.002)
