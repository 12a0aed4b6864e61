"""A server under measurement: uvicorn in the fresh process, its clients in another process.

The warm-up is a smaller request to the same server. The witness then measures the whole process
while it answers, including all threads, and nothing of the clients.

Several clients read in step, as `lab.measure.http.clients` says: none gets the next block before
all have the last one. The server's sockets then have small buffers (the kernel's default limit is
4 MB each), so data for clients that are not ready stays in the process, where it is measured.
"""

import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar

from lab.errors import LabError
from lab.measure import run_progress
from lab.measure.http.body import PLACE, Body
from lab.measure.http.clients import LONGEST_LINE, read_result
from lab.measure.http.open_requests import OpenRequests
from lab.measure.workload import LASTING, Start, Workload, warm_size
from lab.net.application import parse_path
from lab.net.listen import listening
from lab.net.server_log import ServerLog
from lab.outcome import Outcome
from lab.system.interpreter import environment_with_lab, python_module

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
START = 30.0
"""Seconds that an application may take to start."""

_STOP = 5.0
"""Seconds that a server may take to stop."""

_RAISED = ("the answer was 5", "broke off", "hung up")
"""Parts of the clients' failures that an error of the application may have caused."""

_LATE = 1.0
"""Seconds after the answer in which that error may be logged."""

NOISE = 128 * 1024
"""Bytes: at the peak, a server may or may not be two chunks of 64 KiB ahead of its clients."""

BODY_NOISE = 512 * 1024
"""Bytes of a body that may arrive before the application needs them: asyncio reads 256 KiB at once,
and may have the next block while the application uses the one before."""

SEND_BUFFER = 64 * 1024
"""Bytes of send buffer that are set for each of several clients; the kernel doubles them."""

_START = Start(("uvicorn", "fastapi"))

if TYPE_CHECKING:
    from lab.net.uvicorn_server import ApplicationServer


@dataclass(frozen=True)
class Endpoint:
    """A request as the subject of a sweep, and the application that answers it.

    Attributes:
        app: The application, as `lab.net.application.parse_path` describes it.
        method: GET, POST and so on.
        path: May contain ``{n}``, which is replaced by the size.
        headers: Sent with each request.
        body: Sent with each request; None for no body.
        env: Environment variables, set before the application is imported.
        clients: Number of clients that send the request at the same time.
        alike: Whether all must receive the same bytes; else only the same number of bytes, and the
            outcome has no digest.
    """

    app: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: Body | None = None
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    clients: int = 1
    alike: bool = True
    open_ended: ClassVar[bool] = True

    @classmethod
    def parse(cls, text: str, app: str, headers: Iterable[str] = (), **more: Any) -> "Endpoint":
        """Parse a request such as ``GET /posts/export.csv?rows={n}``.

        Args:
            text: Method and path.
            app: The application.
            headers: Each ``NAME: VALUE``.
            more: Other attributes of the endpoint.

        Raises:
            LabError: The text is not a request, a header has no colon, or the application is not
                written as one.
        """
        parse_path(app)
        method, _, path = text.partition(" ")
        if method not in METHODS or not re.fullmatch(r"/[!-~]*", path.strip()):
            raise LabError(
                f"{text!r} is not a request: write METHOD /path, such as GET /posts?rows={{n}}."
            )
        pairs = [header.partition(":") for header in headers]
        for name, colon, _ in pairs:
            if not (colon and re.fullmatch(r"[!-9;-~]+", name)):
                raise LabError(f"{name!r} is not a header: write NAME: VALUE.")
        fields = {name: value.strip() for name, _, value in pairs}
        return cls(app, method, path.strip(), fields, **more)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def noise(self) -> int:
        """Bytes by which two equal runs may differ."""
        return BODY_NOISE if self.body else NOISE

    def workload(self, axis: str, size: int) -> Workload:
        """Return its workload at a size; the warm-up is the same request with a smaller size."""

        def arguments(of_size: int) -> dict[str, Any]:
            sized = replace(self, clients=of_size) if axis == "clients" else self
            return {"endpoint": {**asdict(sized), "env": {}}, "size": of_size}

        # Two clients are enough to warm up what only simultaneous requests use.
        warm = 2 if axis == "clients" else warm_size(size, _scale(axis, self.body))
        if self.body is not None:
            self.body.require(size)
            warm = self.body.warm_size(size, warm)
        opener = "lab.measure.http.endpoint:open_endpoint"
        return Workload(str(self), opener, arguments(size), arguments(warm), _START, env=self.env)

    def require_axis(self, axis: str) -> None:
        """Raise an error unless the size changes the request, along clients only their number.

        Raises:
            LabError: Nothing depends on it, path or body do so along the axis clients, or uvicorn
                is not installed.
        """
        if find_spec("uvicorn") is None:
            raise LabError("a server needs uvicorn: pip install 'memory-lab[http]'.")
        grows = PLACE in self.path or (self.body is not None and self.body.grows)
        if axis != "clients" and not grows:
            raise LabError(
                f"nothing in {self} depends on the size: write {PLACE} in the path, in a JSON body "
                "or in the name of a file, upload a CSV of that size (--body-rows or --body-bytes; "
                "body = in a file of budgets), or use the axis clients."
            )
        if axis == "clients" and grows:
            raise LabError(
                f"along the axis clients the size is the number of clients, but {self} takes it "
                f"as well: write a number for {PLACE}, and send a body that does not depend on it."
            )


def _scale(axis: str, body: Body | None) -> int:
    """Return the factor of a warm-up: a row is some hundred bytes."""
    return 250 if "bytes" in (axis, body and body.kind) else 1


@contextmanager
def open_endpoint(endpoint: dict[str, Any], size: int) -> Iterator[Callable[[], Outcome]]:
    """Start the server, and yield a call that sends the request and waits for all clients.

    Each process starts the server once, for the warm-up, and keeps it until the process ends.
    """
    body = endpoint["body"]
    request = Endpoint(**{**endpoint, "body": Body(**body) if body else None})
    server = _servers.get(request.app)
    if server is None:
        running = _running(request.app, SEND_BUFFER if request.clients > 1 else None)
        server = _servers[request.app] = LASTING.enter_context(running)
    yield lambda: server.answer(request, size)


_servers: dict[str, "EndpointServer"] = {}


class EndpointServer:
    """A server in a thread of this process, and its clients in another process."""

    def __init__(
        self,
        port: int,
        clients: "subprocess.Popen[str]",
        log: ServerLog,
        server: "ApplicationServer",
        requests: OpenRequests,
    ) -> None:
        self._port = port
        self._clients = clients
        self._log = log
        self._server = server
        self._requests = requests

    def answer(self, endpoint: Endpoint, size: int) -> Outcome:
        """Send the request from all clients and return the outcome of their answers.

        Raises:
            LabError: A client failed, or the answers differ.
        """
        job = {
            "url": f"http://127.0.0.1:{self._port}{endpoint.path.replace(PLACE, str(size))}",
            "method": endpoint.method,
            "headers": dict(endpoint.headers),
            "clients": endpoint.clients,
            "alike": endpoint.alike,
            "body": endpoint.body and asdict(endpoint.body),
            "measured": self._server.wsgi,
            "size": size,
        }
        assert self._clients.stdin is not None
        assert self._clients.stdout is not None
        self._log.clear()
        with suppress(BrokenPipeError):
            self._clients.stdin.write(json.dumps(job) + "\n")
            self._clients.stdin.flush()
        received = read_result(self._clients.stdout.readline(LONGEST_LINE))
        run_progress.reached(received.get("received", 0))
        if "failed" in received:
            raise self._failed(f"{endpoint} at {size:,}: {received['failed']}")
        self._requests.wait()
        return Outcome(received["digest"], received["counts"])

    def _failed(self, failure: str) -> LabError:
        """Return the failure as an error, with the application's own error if there is one.

        The client may receive the end of the answer before the server has logged its error.
        """
        deadline = time.monotonic() + _LATE
        while any(part in failure for part in _RAISED) and time.monotonic() < deadline:
            if self._log.reason:
                break
            time.sleep(0.005)
        reason = f" ({self._log.reason})" if self._log.reason else ""
        return LabError(failure + reason, self._log.end)


@contextmanager
def _running(app: str, send_buffer: int | None) -> Iterator[EndpointServer]:
    from lab.net.uvicorn_server import ApplicationServer

    log = ServerLog(printed=True)
    requests = OpenRequests()
    server = ApplicationServer(app, log, requests.watched, log_config=None)
    with listening() as listener, _clients() as clients:
        if send_buffer is not None:
            # The sockets of the connections inherit it.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        port = int(listener.getsockname()[1])
        thread = threading.Thread(target=server.run, args=([listener],), name="uvicorn")
        thread.start()
        deadline = time.monotonic() + START
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                server.should_exit = True
                late = f"it was not ready within {START:.0f} s"
                raise server.not_started(late if thread.is_alive() else "uvicorn ended at once")
            time.sleep(0.005)
        try:
            yield EndpointServer(port, clients, log, server, requests)
        finally:
            server.should_exit = True
            # The process ends next; a shutdown that hangs must not cost the reading.
            thread.join(_STOP)


@contextmanager
def _clients() -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        python_module("lab.measure.http.clients"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=sys.stderr,
        text=True,
        env=environment_with_lab(),
    ) as process:
        try:
            yield process
        finally:
            # Closing its input ends nothing if a fork of the application has the other end too.
            process.kill()
