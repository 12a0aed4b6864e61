"""A server in this process and a client in another, which last as long as the process."""

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

from lab.interpreter import environment_with_lab, python_module
from lab.measure.workload import LASTING
from lab.sockets import listening

_STACK = 1024 * 1024
"""Bytes for each thread, which a cap counts whole."""

_SEND_BUFFER = 16 * 1024
"""Bytes that the kernel is asked to hold for a client; it would take in a whole answer."""

_SOON = 2.0


class Server:
    """What listens, and who asks.

    Attributes:
        app: Answers the requests of the moment.
    """

    def __init__(self, port: int, client: "subprocess.Popen[str]") -> None:
        self.app: ASGIApp | None = None
        self._url = f"http://127.0.0.1:{port}"
        self._client = client

    def visit(self, path: str, stop_after: int | None) -> dict[str, Any]:
        """Send the client, and return what it has received.

        Args:
            path: Of the request.
            stop_after: It hangs up after so many bytes of the body.
        """
        assert self._client.stdin is not None
        assert self._client.stdout is not None
        job = {"url": self._url + path, "stop_after": stop_after}
        self._client.stdin.write(json.dumps(job) + "\n")
        self._client.stdin.flush()
        found: dict[str, Any] = json.loads(self._client.stdout.readline())
        return found

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the application of the moment answer."""
        assert self.app is not None
        await self.app(scope, receive, send)


def server() -> Server:
    """Return the server of this process."""
    if not _only:
        _only.append(LASTING.enter_context(_serving()))
    return _only[0]


_only: list[Server] = []


def wait_until(true: Callable[[], bool], seconds: float = _SOON) -> None:
    """Wait for something to be so, and no longer than so many seconds."""
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.002)


@contextmanager
def _serving() -> Iterator[Server]:
    threading.stack_size(_STACK)
    with listening() as listener, _client() as client:
        # The sockets of clients inherit it.
        listener.setsockopt(SOL_SOCKET, SO_SNDBUF, _SEND_BUFFER)
        made = Server(int(listener.getsockname()[1]), client)
        config = uvicorn.Config(
            made, log_config=None, access_log=False, lifespan="off", loop="asyncio"
        )
        running = uvicorn.Server(config)
        # A request that hangs must not keep the process from its end.
        threading.Thread(target=running.run, args=([listener],), daemon=True).start()
        wait_until(lambda: running.started)
        yield made
        running.should_exit = True


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
