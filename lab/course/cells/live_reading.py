"""A client's reading of one response, and the server's memory during it."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psutil

from lab.errors import LabError
from lab.net.client import Received, request
from lab.net.server import Server, running
from lab.pattern import Role
from lab.units import show_bytes

AFTER = 1.0
"""Seconds after the end of a response at which the remaining memory is read."""
WATCHED = 2.5
"""Minimum seconds of samples after a request: lines of equal length are easier to compare."""
_BEFORE = 0.2
"""Seconds of samples before the request."""
_INTERVAL = 0.02
"""Seconds between two samples."""
_APP = "lab.web.app:app"


@dataclass
class LiveReading:
    """The response of one variant, while it is read and afterwards.

    Attributes:
        role: The variant's role.
        base: Resident set of the warm server, in bytes.
        began: Time of the request, in seconds of the monotonic clock; 0 before the request.
        ended: Time of the last byte, by the same clock; 0 before it.
        received: The response; its status is 0 until it has been read.
        samples: Times by the same clock, and the server's resident set in bytes.
    """

    role: Role
    base: int = 0
    began: float = 0.0
    ended: float = 0.0
    received: Received = field(default_factory=lambda: Received(0))
    samples: list[tuple[float, int]] = field(default_factory=list)

    @property
    def series(self) -> list[tuple[float, int]]:
        """Seconds since the request, and bytes over the warm server."""
        if not self.began:
            return []
        return [(at - self.began, rss - self.base) for at, rss in self.samples]

    @property
    def seconds(self) -> float:
        """Seconds from the request to the last byte."""
        return self.ended - self.began

    @property
    def peak(self) -> int:
        """Peak of the resident set over the warm server, in bytes."""
        return max((above for _, above in self.series), default=0)

    @property
    def kept(self) -> int:
        """Bytes over the warm server, ``AFTER`` seconds after the last byte."""
        late = self.seconds + AFTER
        return next(above for at, above in self.series if at >= late)

    @property
    def finished(self) -> bool:
        """Whether there are samples until ``AFTER`` seconds after the last byte."""
        last = self.samples[-1][0] if self.samples else 0.0
        return self.ended > 0 and last >= max(self.ended + AFTER, self.began + WATCHED)


@contextmanager
def watched(reading: LiveReading, warm_up: str, path: str) -> Iterator[Callable[[], bool]]:
    """Start a server, read a response and sample memory; yield a call that is true at the end.

    Args:
        reading: Filled in by two threads.
        warm_up: Path of a small request that is sent first.
        path: Path of the request.

    Raises:
        LabError: The server does not start, or dies, or its status is not 200.
    """
    # Both threads end when the server does, so an interrupt does not wait for the response.
    with ThreadPoolExecutor(2) as threads, running(_APP) as server:
        _get(server, warm_up)
        watcher = threads.submit(_watch, server, reading)
        time.sleep(_BEFORE)
        reading.base = psutil.Process(server.pid).memory_info().rss
        reading.began = time.monotonic()
        client = threads.submit(_read, server, path, reading)
        yield watcher.done
        if not server.lives:
            raise LabError(
                f"the server died at GET {path}, {show_bytes(reading.peak)} over its warm memory: "
                "request fewer rows."
            )
        client.result()


def _watch(server: Server, reading: LiveReading) -> None:
    process = psutil.Process(server.pid)
    with suppress(psutil.Error):
        while server.lives and not reading.finished:
            reading.samples.append((time.monotonic(), process.memory_info().rss))
            time.sleep(_INTERVAL)


def _read(server: Server, path: str, reading: LiveReading) -> None:
    try:
        reading.received = _get(server, path)
    finally:
        reading.ended = time.monotonic()


def _get(server: Server, path: str) -> Received:
    from lab.endpoints.tokens import token

    try:
        received = request(server.url + path, headers={"Authorization": f"Bearer {token()}"})
    except OSError as error:
        raise LabError(f"GET {path} had no response ({error}): run the cell again.") from None
    if received.status != 200:
        body = received.body[:200].decode(errors="replace") or "no body"
        raise LabError(f"GET {path} had status {received.status}, not 200: {body}")
    return received
