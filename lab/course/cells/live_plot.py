"""The picture and the table of the live curve: memory against time for each variant."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lab.course.cells.card import Card
from lab.course.cells.live_reading import AFTER, WATCHED, LiveReading
from lab.report.plot import STYLES, drawing, finish
from lab.units import show_bytes, show_count, show_seconds

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_POINTS = 150
"""Points of a line: enough to show a peak, and few enough to keep the notebook small."""
_LOWEST_TOP = 8e6
"""Bytes at the top of the memory axis, at least."""
_COLUMNS = (
    "variant",
    "peak over the warm server",
    f"{AFTER:.0f} s after the end",
    "first byte",
    "last byte",
    "bytes sent",
    "complete",
)


def live_svg(title: str, readings: Sequence[LiveReading]) -> str:
    """Return the SVG of the readings so far, each with time 0 at its request."""
    with drawing() as (figure, axes):
        for reading in readings:
            _draw(axes, reading)
        highest = max((reading.peak for reading in readings), default=0)
        last = max((at for reading in readings for at, _ in reading.series), default=0)
        axes.set_xlim(-0.2, max(WATCHED, last) + 0.1)
        # Leaves space at the top for the legend, which has a line for each reading.
        axes.set_ylim(top=(1.1 + 0.1 * len(readings)) * max(highest, _LOWEST_TOP))
        axes.set_xlabel(
            "seconds since the request (large marks: open, first byte; filled, last byte)"
        )
        axes.set_ylabel("resident set over the warm server (MB)")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value / 1e6:g}")
        axes.grid(visible=True, which="major", alpha=0.3)
        lines = "; ".join(map(_described, readings)) or "nothing yet"
        description = f"Megabytes over the warm server against seconds: {lines}."
        return finish(figure, axes, title, description)


def results(readings: Sequence[LiveReading], svg: str) -> Card:
    """Return the card of finished readings: their picture and a table."""
    figures = "; ".join(
        f"{reading.role} took {show_bytes(reading.peak)} at its peak, and "
        f"{show_bytes(reading.kept)} were left {AFTER:.0f} s after the end"
        for reading in readings
    )
    sentence = f"Memory over the warm server: {figures}."
    return Card(sentence, svg=svg, columns=_COLUMNS, rows=tuple(map(_row, readings)))


def thinned(points: Sequence[tuple[float, int]], most: int = MAX_POINTS) -> list[tuple[float, int]]:
    """Return at most ``most`` points: both ends, and the lowest and highest of each section."""
    if len(points) <= most:
        return list(points)
    sections = (most - 2) // 2
    kept = {0, len(points) - 1}
    for number in range(sections):
        first, end = (len(points) * n // sections for n in (number, number + 1))
        ordered = sorted(range(first, end), key=lambda index: points[index][1])
        kept |= {ordered[0], ordered[-1]}
    return [points[index] for index in sorted(kept)]


def _draw(axes: "Axes", reading: LiveReading) -> None:
    points = thinned(reading.series)
    if not points:
        return
    colour, mark, line = STYLES[reading.role]
    first, last = reading.received.waited, reading.seconds
    answered = reading.received.status != 0
    times = f": first byte {show_seconds(first)}, last {show_seconds(last)}" if answered else ""
    axes.plot(
        *zip(*points, strict=True), line, color=colour, label=reading.role + times,
        marker=mark, markersize=4, markevery=max(1, len(points) // 8),
    )  # fmt: skip
    for at, face in ((first, "white"), (last, colour)) if answered else ():
        axes.plot([at], [_at(points, at)], mark, markersize=9, color=colour, markerfacecolor=face)


def _at(points: Sequence[tuple[float, int]], at: float) -> int:
    """Return the bytes of the point nearest to a time."""
    return min(points, key=lambda point: abs(point[0] - at))[1]


def _described(reading: LiveReading) -> str:
    if not reading.received.status:
        return f"{reading.role} {show_bytes(reading.peak)} so far"
    return (
        f"{reading.role} rises to {show_bytes(reading.peak)}, with its first byte after "
        f"{show_seconds(reading.received.waited)} and its last after "
        f"{show_seconds(reading.seconds)}"
    )


def _row(reading: LiveReading) -> tuple[str, ...]:
    return (
        reading.role,
        show_bytes(reading.peak),
        show_bytes(reading.kept),
        show_seconds(reading.received.waited),
        show_seconds(reading.seconds),
        show_count(reading.received.length),
        "yes" if reading.received.complete else "no",
    )
