"""A server under measurement: uvicorn in the fresh process, its clients in another one.

The warm-up is a smaller request to the same server. What the witness then sees is the whole
process while it answers, its threads included, and nothing of those who read.

Clients at once read in step, as `lab.measure.clients` says: none has the next block before all have
the last one. And the server's sockets then hold little, where the kernel's own limit is 4 MB each:
what is made for clients who are not yet ready for it is held by the process, where it is seen.
"""

import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from typing import Any, Literal

from lab.errors import LabError
from lab.interpreter import environment_with_lab, python_module
from lab.measure import progress
from lab.measure.cap import SHORTAGES
from lab.measure.server_log import ServerLog
from lab.measure.workload import LASTING, Start, Workload, resolve, warm_size
from lab.pattern import Outcome
from lab.sockets import listening

Body = Literal["rows", "bytes"]

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
PLACE = "{n}"
START = 30.0
"""Seconds that an application may take to start."""

_STOP = 5.0

_RAISED = ("the answer was 5", "broke off", "hung up")
"""What a client is told where the application has raised something, or is about to."""
_LATE = 1.0
"""Seconds by which the server's log may be behind."""

NOISE = 128 * 1024
"""Bytes that a server may be ahead of its clients, or not: two chunks of 64 KiB."""

BODY_NOISE = 512 * 1024
"""Bytes of a body that may have arrived ahead of the application: asyncio reads 256 KiB at once,
and the next such block may be there before the one before it is used up."""

SEND_BUFFER = 64 * 1024
"""Bytes that the kernel is asked to hold for each of several clients; it takes twice as many."""

_START = Start(("uvicorn", "fastapi"))


@dataclass(frozen=True)
class Endpoint:
    """A request that is made at several sizes, and the application that answers it.

    Attributes:
        app: ``package.module:app``.
        method: GET, POST and so on.
        path: With ``{n}`` where the size goes, if it goes there.
        headers: Sent with each request.
        body: What the size counts of an uploaded CSV, or None for no body.
        field: The form field of the upload.
        clients: How many send the request at once.
        alike: They must receive the same bytes; else as many, and the outcome has no digest.
    """

    app: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: Body | None = None
    field: str = "file"
    clients: int = 1
    alike: bool = True

    @classmethod
    def parse(cls, text: str, app: str, headers: Iterable[str] = (), **more: Any) -> "Endpoint":
        """Read a request as it is written: ``GET /posts/export.csv?rows={n}``.

        Raises:
            LabError: It is no request, or a header has no colon.
        """
        method, _, path = text.partition(" ")
        if method not in METHODS or not re.fullmatch(r"/[!-~]*", path.strip()):
            raise LabError(f"{text!r} is no request: write METHOD /path, as GET /posts?rows={{n}}.")
        pairs = [header.partition(":") for header in headers]
        for name, colon, _ in pairs:
            if not (colon and re.fullmatch(r"[!-9;-~]+", name)):
                raise LabError(f"{name!r} is no header: write NAME: VALUE.")
        given = {name: value.strip() for name, _, value in pairs}
        return cls(app, method, path.strip(), given, **more)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def noise(self) -> int:
        """Bytes that a server, or a body, may be ahead."""
        return BODY_NOISE if self.body else NOISE

    def workload(self, axis: str, size: int) -> Workload:
        """Describe the request at a size; the warm-up is the same request, smaller."""

        def arguments(of: int) -> dict[str, Any]:
            sized = replace(self, clients=of) if axis == "clients" else self
            return {"endpoint": asdict(sized), "size": of}

        # With two clients, whatever the size: a server is warmed up as it is going to be used.
        warm = 2 if axis == "clients" else warm_size(size, _scale(axis, self.body))
        opener = "lab.measure.endpoint:open_endpoint"
        return Workload(str(self), opener, arguments(size), arguments(warm), _START)

    def check(self, axis: str) -> None:
        """Check that the size goes somewhere, and to one place only.

        Raises:
            LabError: It does not, or there is no uvicorn.
        """
        if find_spec("uvicorn") is None:
            raise LabError("a server needs uvicorn: pip install 'memory-lab[patterns]'.")
        if axis != "clients" and PLACE not in self.path and self.body is None:
            raise LabError(
                f"nothing in {self} depends on the size: write {PLACE} where it goes, send a body "
                "of that size (--body-rows or --body-bytes; body = in a file of budgets), or let "
                "the axis be clients."
            )
        if axis == "clients" and (PLACE in self.path or self.body is not None):
            raise LabError(
                f"along the axis clients the size is their number, and {self} takes it as well: "
                f"write a number for {PLACE}, and send no body."
            )


def _scale(axis: str, body: Body | None) -> int:
    """A few batches of bytes are a few hundred times those of rows."""
    return 250 if "bytes" in (axis, body) else 1


@contextmanager
def open_endpoint(endpoint: dict[str, Any], size: int) -> Iterator[Callable[[], Outcome]]:
    """Have the server up, and yield a call that sends the request and waits for all clients.

    The server is started once in a process, with the warm-up, and lasts to its end.
    """
    wanted = Endpoint(**endpoint)
    served = _served.get(wanted.app)
    if served is None:
        serving = _serving(wanted.app, SEND_BUFFER if wanted.clients > 1 else None)
        served = _served[wanted.app] = LASTING.enter_context(serving)
    yield lambda: served.answer(wanted, size)


_served: dict[str, "_Served"] = {}


class _Served:
    """A server in a thread of this process, and clients in a process of their own."""

    def __init__(self, port: int, clients: "subprocess.Popen[str]", log: ServerLog) -> None:
        self._port = port
        self._clients = clients
        self._log = log

    def answer(self, endpoint: Endpoint, size: int) -> Outcome:
        """Have the clients send the request; the outcome is what they received."""
        job = {
            "url": f"http://127.0.0.1:{self._port}{endpoint.path.replace(PLACE, str(size))}",
            "method": endpoint.method,
            "headers": dict(endpoint.headers),
            "clients": endpoint.clients,
            "alike": endpoint.alike,
            "body": endpoint.body,
            "field": endpoint.field,
            "size": size,
        }
        assert self._clients.stdin is not None
        assert self._clients.stdout is not None
        self._log.clear()
        with suppress(BrokenPipeError):
            self._clients.stdin.write(json.dumps(job) + "\n")
            self._clients.stdin.flush()
        received = json.loads(self._clients.stdout.readline() or '{"failed": "the client died"}')
        progress.reached(received.get("received", 0))
        if "failed" in received:
            raise self._failed(f"{endpoint} at {size:,}: {received['failed']}")
        return Outcome(received["digest"], received["counts"])

    def _failed(self, what: str) -> LabError:
        """Add what the application raised, if it did: the client may hear of the end before us."""
        deadline = time.monotonic() + _LATE
        while any(sign in what for sign in _RAISED) and time.monotonic() < deadline:
            if self._log.reason:
                break
            time.sleep(0.005)
        return LabError(f"{what} ({self._log.reason})" if self._log.reason else what, self._log.end)


@contextmanager
def _serving(app: str, send_buffer: int | None) -> Iterator[_Served]:
    import uvicorn

    loaded = _watched(resolve(app))
    with listening() as listener, _clients() as clients, ServerLog() as log:
        if send_buffer is not None:
            # The sockets of clients inherit it.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        port = int(listener.getsockname()[1])
        config = uvicorn.Config(
            loaded, log_config=None, access_log=False, loop="asyncio", timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],), name="uvicorn")
        thread.start()
        deadline = time.monotonic() + START
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                server.should_exit = True
                why = log.reason or f"it was not up within {START:.0f} s"
                raise LabError(f"{app} did not start: {why}", log.end)
            time.sleep(0.005)
        try:
            yield _Served(port, clients, log)
        finally:
            server.should_exit = True
            # The process ends next; a shutdown that hangs must not take the reading along.
            thread.join(_STOP)


def _watched(app: Any) -> Any:
    """Note where memory was refused: the client only learns that the answer failed."""

    async def watched(scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        try:
            await app(scope, receive, send)
        except BaseException as error:
            SHORTAGES.note(error)
            raise

    return watched


@contextmanager
def _clients() -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        python_module("lab.measure.clients"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=sys.stderr,
        text=True,
        env=environment_with_lab(),
    ) as process:
        try:
            yield process
        finally:
            assert process.stdin is not None
            with suppress(BrokenPipeError):
                process.stdin.close()
