"""A server in this process and a client in another; both live as long as this process."""

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socket import SO_SNDBUF, SOL_SOCKET
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from lab.measure.workload import LASTING
from lab.net.listen import listening
from lab.system.interpreter import environment_with_lab, python_module

_STACK = 1024 * 1024
"""Bytes for each thread, because a memory cap counts the whole stack."""

_SEND_BUFFER = 16 * 1024
"""Bytes for the kernel's send buffer; a larger one could take a whole answer."""

_TIMEOUT = 2.0
"""Seconds that `wait_until` waits by default."""


class StudentServer:
    """A listening server together with its client.

    Attributes:
        app: The application that answers now; it may be replaced.
    """

    def __init__(self, port: int, client: "subprocess.Popen[str]") -> None:
        self.app: ASGIApp | None = None
        self._url = f"http://127.0.0.1:{port}"
        self._client = client

    def visit(self, path: str, stop_after: int | None) -> dict[str, Any]:
        """Let the client send a request, and return what it received.

        Args:
            path: Of the request.
            stop_after: Bytes of the body after which the client disconnects; None to read all.
        """
        assert self._client.stdin is not None
        assert self._client.stdout is not None
        request = {"url": self._url + path, "stop_after": stop_after}
        self._client.stdin.write(json.dumps(request) + "\n")
        self._client.stdin.flush()
        received: dict[str, Any] = json.loads(self._client.stdout.readline())
        return received

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on to the current application."""
        assert self.app is not None
        await self.app(scope, receive, send)


def server() -> StudentServer:
    """Return the server of this process, and start it on the first call."""
    if not _servers:
        _servers.append(LASTING.enter_context(_serving()))
    return _servers[0]


_servers: list[StudentServer] = []


def wait_until(condition: Callable[[], bool], seconds: float = _TIMEOUT) -> None:
    """Wait until a condition is true, or until the time is over."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.002)


@contextmanager
def _serving() -> Iterator[StudentServer]:
    threading.stack_size(_STACK)
    with listening() as listener, _client() as client:
        # The sockets of accepted connections inherit this option.
        listener.setsockopt(SOL_SOCKET, SO_SNDBUF, _SEND_BUFFER)
        app = StudentServer(int(listener.getsockname()[1]), client)
        config = uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="off", loop="asyncio"
        )
        runner = uvicorn.Server(config)
        # A daemon thread, so that a request that hangs does not keep the process alive.
        threading.Thread(target=runner.run, args=([listener],), daemon=True).start()
        wait_until(lambda: runner.started)
        yield app
        runner.should_exit = True


@contextmanager
def _client() -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        python_module("lab.course.inputs.client"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment_with_lab(),
    ) as process:
        yield process
