"""The live curve: a real server's memory, drawn while a client reads its response.

The client reads as fast as it can. A slow client would give a wrong picture: the kernel buffers a
body of two megabytes, so the server would be idle while the client still reads.
"""

import sys
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, replace

from lab.course.cells.card import Card
from lab.course.cells.live_plot import live_svg, results
from lab.course.cells.live_reading import LiveReading, watched
from lab.errors import LabError
from lab.pattern import Role
from lab.units import show_bytes

_PAUSE = 0.4
"""Seconds between two pictures; to draw one takes about 0.1 s."""
_WARM_UP = 200
"""Rows of the request that warms a server."""


@dataclass(frozen=True)
class Live:
    """Called as ``live()``; draws a server's memory during a request.

    Attributes:
        request: Without a role, with a placeholder for the rows: ``GET /posts.csv?rows={rows}``.
        roles: Variants that answer it, one after the other, each on a fresh server.
        rows: Default number of rows.
    """

    request: str
    roles: tuple[Role, ...] = ("naive", "streaming")
    rows: int = 20_000

    def __call__(self, rows: int | None = None) -> Card | None:
        """Draw the curve live in a notebook; elsewhere return the final card.

        An interrupt stops the server and leaves the last picture.

        Args:
            rows: Rows to request; None for the default.
        """
        card = Card("There is no measurement yet.")
        show = _notebook_output(card)
        try:
            with closing(self.cards(self.rows if rows is None else rows)) as cards:
                for card in cards:
                    show(card)
        except KeyboardInterrupt:
            show(replace(card, sentence=f"Interrupted; the server has ended. {card.sentence}"))
            # A new exception, because the first has a traceback through the lab's code.
            raise KeyboardInterrupt from None
        return card if show is _ignore else None

    def cards(self, rows: int) -> Generator[Card, None, None]:
        """Yield a card about twice a second; the last one has all figures, or the error."""
        title = f"{self.request.format(rows=rows)}: memory of the server"
        readings: list[LiveReading] = []
        yield Card("Preparing the data and a server.", svg=live_svg(title, readings))
        try:
            for reading in self._read(rows, readings):
                sentence = f"{reading.role} has taken {show_bytes(reading.peak)} so far."
                yield Card(sentence, svg=live_svg(title, readings))
        except LabError as error:
            svg = live_svg(title, readings) if readings else ""
            yield Card(str(error), "bad", error.details, svg)
        else:
            yield results(readings, live_svg(title, readings))

    def _read(self, rows: int, readings: list[LiveReading]) -> Generator[LiveReading, None, None]:
        """Request the rows from each variant in turn; yield the current reading repeatedly."""
        from lab.data.seed import posts_ready

        if not isinstance(rows, int) or rows < 1:
            raise LabError(
                f"rows must be a whole number of at least 1, not {rows!r}: write live(rows=5_000)."
            )
        with posts_ready(max(rows, _WARM_UP)):
            for role in self.roles:
                path = f"/{role}{self.request.partition(' ')[2]}"
                reading = LiveReading(role)
                readings.append(reading)
                warm_up = path.format(rows=_WARM_UP)
                with watched(reading, warm_up, path.format(rows=rows)) as finished:
                    while not finished():
                        time.sleep(_PAUSE)
                        yield reading


def _notebook_output(first: Card) -> Callable[[Card], object]:
    """Show a card in a notebook's output, and return a call that replaces it by another card."""
    ipython = sys.modules.get("IPython")
    # Without a kernel, IPython would print each card below the one before.
    if ipython is None or not hasattr(ipython.get_ipython(), "kernel"):
        return _ignore
    from IPython.display import DisplayHandle, display

    handle = display(first, display_id=True)  # type: ignore[no-untyped-call]
    assert isinstance(handle, DisplayHandle)
    return handle.update


def _ignore(card: Card) -> None:
    """Show nothing."""
