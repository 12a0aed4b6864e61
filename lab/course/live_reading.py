"""One answer as it is read from a fresh server, and the server's memory meanwhile."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psutil

from lab.client import Received, request
from lab.errors import LabError
from lab.pattern import Role
from lab.server import Server, running
from lab.units import show_bytes

AFTER = 1.0
"""Seconds after the end of an answer at which it is seen what memory is still there."""
WATCHED = 2.5
"""Seconds for which a server is watched at least: lines of one length are easier to compare."""
_BEFORE = 0.2
_EVERY = 0.02
_APP = "lab.web.app:app"


@dataclass
class Reading:
    """One role's answer as it is read.

    Attributes:
        role: Whose answer.
        base: Resident set of the warm server, in bytes.
        began: When the request was sent, by the monotonic clock in seconds; 0 before that.
        ended: When the client had read the answer; 0 before that.
        received: What the client read, in the end.
        seen: Times by the same clock, and the server's resident set in bytes.
    """

    role: Role
    base: int = 0
    began: float = 0.0
    ended: float = 0.0
    received: Received = field(default_factory=lambda: Received(0))
    seen: list[tuple[float, int]] = field(default_factory=list)

    @property
    def series(self) -> list[tuple[float, int]]:
        """Seconds since the request, and bytes over the warm server."""
        return [(at - self.began, rss - self.base) for at, rss in self.seen] if self.began else []

    @property
    def seconds(self) -> float:
        """Seconds from the request to the end of the answer."""
        return self.ended - self.began

    @property
    def peak(self) -> int:
        """The most bytes over the warm server that were seen."""
        return max((above for _, above in self.series), default=0)

    @property
    def kept(self) -> int:
        """Bytes over the warm server, ``AFTER`` seconds after the end of the answer."""
        late = self.seconds + AFTER
        return next(above for at, above in self.series if at >= late)

    @property
    def over(self) -> bool:
        """Whether all that is to be seen has been seen."""
        last = self.seen[-1][0] if self.seen else 0.0
        return self.ended > 0 and last >= max(self.ended + AFTER, self.began + WATCHED)


@contextmanager
def watched(reading: Reading, warm_up: str, path: str) -> Iterator[Callable[[], bool]]:
    """Have an answer read and its server watched; yield a call that tells whether that is over.

    Args:
        reading: Filled in as it goes.
        warm_up: The path of a small request that goes first.
        path: The path of the request.

    Raises:
        LabError: The server does not start, or dies, or gives another answer than 200.
    """
    # Both threads end with the server: whoever interrupts waits for neither.
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
                f"the server died at GET {path}, of {show_bytes(reading.peak)} more than it has "
                "when warm or of something else: ask for fewer rows."
            )
        client.result()


def _watch(server: Server, reading: Reading) -> None:
    process = psutil.Process(server.pid)
    with suppress(psutil.Error):
        while server.lives and not reading.over:
            reading.seen.append((time.monotonic(), process.memory_info().rss))
            time.sleep(_EVERY)


def _read(server: Server, path: str, reading: Reading) -> None:
    try:
        reading.received = _get(server, path)
    finally:
        reading.ended = time.monotonic()


def _get(server: Server, path: str) -> Received:
    from lab.tokens import token

    try:
        received = request(server.url + path, headers={"Authorization": f"Bearer {token()}"})
    except OSError as error:
        raise LabError(f"GET {path} was not answered ({error}): run the cell again.") from None
    if received.status != 200:
        said = received.body[:200].decode(errors="replace") or "nothing"
        raise LabError(f"GET {path} was answered with {received.status}, not 200: {said}")
    return received
