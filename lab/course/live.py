"""The live curve: the memory of a real server while its answer is read, drawn as it grows.

The client reads as fast as it can. A slow one would make a longer picture and a false one: the
kernel takes a body of two megabytes whole, so the server would idle while the client still reads.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace

import psutil

from lab.client import Received, request
from lab.course.card import Card
from lab.course.live_plot import picture, result
from lab.errors import LabError
from lab.pattern import Role
from lab.server import Server, running
from lab.units import show_bytes, show_count

AFTER = 1.0
"""Seconds after the end of an answer at which it is seen what memory is still there."""
WATCHED = 2.5
"""Seconds for which a server is watched at least: lines of one length are easier to compare."""
_BEFORE = 0.2
_EVERY = 0.02
_PAUSE = 0.4
_WARM = 200
_APP = "lab.web.app:app"


@dataclass
class Reading:
    """One role's answer as it is read, and its server's memory meanwhile.

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
        return next((above for at, above in self.series if at >= late), self.series[-1][1])

    @property
    def over(self) -> bool:
        """Whether all that is to be seen has been seen."""
        last = self.seen[-1][0] if self.seen else 0.0
        return self.ended > 0 and last >= max(self.ended + AFTER, self.began + WATCHED)


@dataclass(frozen=True)
class Live:
    """A request, and what it does to a server's memory: ``live()`` in a notebook draws it.

    Attributes:
        request: Without a role, and with a place for the rows: ``GET /posts.csv?rows={rows}``.
        roles: Who answers it, one after the other, each on a fresh server.
        rows: How many are asked for, unless a call says otherwise.
    """

    request: str
    roles: tuple[Role, ...] = ("naive", "streaming")
    rows: int = 20_000

    def __call__(self, rows: int | None = None) -> Card | None:
        """Draw the curve, in a notebook as it grows; elsewhere return the finished card.

        An interrupt ends the server and leaves the picture as far as it got.
        """
        show = _in_notebook()
        card = Card("Interrupted before anything was seen.")
        try:
            with closing(self.cards(self.rows if rows is None else rows)) as cards:
                for card in cards:
                    if show is not None:
                        show(card)
        except KeyboardInterrupt:
            if show is not None:
                show(replace(card, sentence=f"Interrupted; the server has ended. {card.sentence}"))
            # A new one: the traceback of the first is as long as where it happened to strike.
            raise KeyboardInterrupt from None
        return card if show is None else None

    def cards(self, rows: int) -> Iterator[Card]:
        """Yield what is to be seen about twice a second; the last card says how it ended."""
        title = f"{self.request.partition('?')[0]}, {rows:,} rows: the server's memory"
        readings: list[Reading] = []
        yield Card("The data and a server are being made ready.", svg=picture(title, readings))
        try:
            for reading in self._read(rows, readings):
                said = f"{reading.role} has {show_bytes(reading.peak)} more than its warm server."
                yield Card(said, svg=picture(title, readings))
        except LabError as error:
            yield Card(str(error), "bad", error.details, picture(title, readings))
        else:
            yield result(readings, picture(title, readings))

    def _read(self, rows: int, readings: list[Reading]) -> Iterator[Reading]:
        """Have each role's answer read, and yield now and then while that lasts."""
        from lab.data.seed import posts_ready

        if not isinstance(rows, int) or rows < 1:
            raise LabError(f"rows is a whole number from 1 up, not {rows!r}: call live(rows=20_000).")
        with posts_ready(rows):
            for role in self.roles:
                readings.append(Reading(role))
                with _watched(readings[-1], self._path(role, _WARM), self._path(role, rows)) as done:
                    while not done():
                        time.sleep(_PAUSE)
                        yield readings[-1]

    def _path(self, role: Role, rows: int) -> str:
        return f"/{role}{self.request.partition(' ')[2].format(rows=rows)}"


@contextmanager
def _watched(reading: Reading, warm: str, path: str) -> Iterator[Callable[[], bool]]:
    """Have an answer read from a fresh server and the server watched; yield whether that is over.

    Both threads end with the server, so an interrupt waits for neither.
    """
    with ThreadPoolExecutor(2) as threads, running(_APP) as server:
        _get(server, warm)
        watcher = threads.submit(_watch, server, reading)
        time.sleep(_BEFORE)
        reading.base, reading.began = reading.seen[-1][1], time.monotonic()
        client = threads.submit(_answer, server, path, reading)
        yield watcher.done
        client.result()


def _watch(server: Server, reading: Reading) -> None:
    process = psutil.Process(server.pid)
    with suppress(psutil.Error):
        while server.lives and not reading.over:
            reading.seen.append((time.monotonic(), process.memory_info().rss))
            time.sleep(_EVERY)
