"""The live curve: the memory of a real server while its answer is read, drawn as it grows.

The client reads as fast as it can. A slow one would make a longer picture and a false one: the
kernel takes a body of two megabytes whole, so the server would idle while the client still reads.
"""

import sys
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, replace

from lab.course.card import Card
from lab.course.live_plot import live_svg, results
from lab.course.live_reading import Reading, watched
from lab.errors import LabError
from lab.pattern import Role
from lab.units import show_bytes

_PAUSE = 0.4
"""Seconds between two pictures, each of which takes a tenth of a second to draw."""
_WARM = 200


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

        Args:
            rows: To ask for, where it is not as many as the lesson says.
        """
        card = Card("Nothing has been seen yet.")
        show = _notebook_output(card)
        try:
            with closing(self.cards(self.rows if rows is None else rows)) as cards:
                for card in cards:
                    show(card)
        except KeyboardInterrupt:
            show(replace(card, sentence=f"Interrupted, and the server has ended. {card.sentence}"))
            # A new one, since the first has the traceback of wherever it happened to strike.
            raise KeyboardInterrupt from None
        return card if show is _nowhere else None

    def cards(self, rows: int) -> Generator[Card, None, None]:
        """Yield what there is to see about twice a second; the last card has all the figures.

        Where something cannot be measured, the last card says so.
        """
        title = f"{self.request.format(rows=rows)}: memory of the server"
        readings: list[Reading] = []
        yield Card("The data and a server are being made ready.", svg=live_svg(title, readings))
        try:
            for reading in self._read(rows, readings):
                said = f"{reading.role} has taken {show_bytes(reading.peak)} so far."
                yield Card(said, svg=live_svg(title, readings))
        except LabError as error:
            svg = live_svg(title, readings) if readings else ""
            yield Card(str(error), "bad", error.details, svg)
        else:
            yield results(readings, live_svg(title, readings))

    def _read(self, rows: int, readings: list[Reading]) -> Generator[Reading, None, None]:
        """Have one answer after the other read; yield now and then the one that is going on."""
        from lab.data.seed import posts_ready

        if not isinstance(rows, int) or rows < 1:
            raise LabError(
                f"rows is a whole number from 1 up, not {rows!r}: write live(rows=5_000)."
            )
        with posts_ready(max(rows, _WARM)):
            for role in self.roles:
                path = f"/{role}{self.request.partition(' ')[2]}"
                reading = Reading(role)
                readings.append(reading)
                with watched(reading, path.format(rows=_WARM), path.format(rows=rows)) as is_over:
                    while not is_over():
                        time.sleep(_PAUSE)
                        yield reading


def _notebook_output(first: Card) -> Callable[[Card], object]:
    """Show a card in a notebook's output, and return what puts another one in its place."""
    ipython = sys.modules.get("IPython")
    # A terminal's shell would print one card below the other.
    if ipython is None or not hasattr(ipython.get_ipython(), "kernel"):
        return _nowhere
    from IPython.display import DisplayHandle, display

    handle = display(first, display_id=True)  # type: ignore[no-untyped-call]
    assert isinstance(handle, DisplayHandle)
    return handle.update


def _nowhere(card: Card) -> None:
    """Show nothing."""
