"""What the live curve shows: memory against time, role by role, and the figures beside it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lab.course.card import Card
from lab.course.live_reading import AFTER, WATCHED, Reading
from lab.report.plot import STYLES, drawing, finish
from lab.units import show_bytes, show_count, show_seconds

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 150
"""Points of a line: enough to see a peak, and few enough for a notebook to keep."""
_LOWEST_TOP = 8e6
_COLUMNS = (
    "variant",
    "peak over warm",
    f"still there {AFTER:.0f} s after the end",
    "first byte",
    "last byte",
    "bytes sent",
    "complete",
)


def live_svg(title: str, readings: Sequence[Reading]) -> str:
    """Draw the answers, each from its own request on, as far as they have got."""
    with drawing() as (figure, axes):
        for reading in readings:
            _draw(axes, reading)
        highest = max((reading.peak for reading in readings), default=0)
        last = max((at for reading in readings for at, _ in reading.series), default=0)
        axes.set_xlim(-0.2, max(WATCHED, last) + 0.1)
        # Above the highest line there is room for the legend, a line of which is each reading's.
        axes.set_ylim(top=(1.1 + 0.1 * len(readings)) * max(highest, _LOWEST_TOP))
        axes.set_xlabel(
            "seconds since the request (large marks: open, first byte; filled, last byte)"
        )
        axes.set_ylabel("resident set over the warm server (MB)")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value / 1e6:g}")
        axes.grid(visible=True, which="major", alpha=0.3)
        said = "; ".join(_said(reading) for reading in readings) or "nothing yet"
        description = f"Megabytes over the warm server against seconds: {said}."
        return finish(figure, axes, title, description)


def results(readings: Sequence[Reading], svg: str) -> Card:
    """Put the picture of finished answers beside their figures."""
    took = "; ".join(
        f"{one.role} took {show_bytes(one.peak)} and still had {show_bytes(one.kept)}"
        for one in readings
    )
    sentence = f"More than the warm server, at most and {AFTER:.0f} s after the end: {took}."
    return Card(sentence, svg=svg, columns=_COLUMNS, rows=tuple(map(_row, readings)))


def thinned(points: Sequence[tuple[float, int]], most: int = MOST) -> list[tuple[float, int]]:
    """Keep so many points at most: both ends, and the lowest and highest of each stretch."""
    if len(points) <= most:
        return list(points)
    stretches = (most - 2) // 2
    kept = {0, len(points) - 1}
    for number in range(stretches):
        first, end = (len(points) * n // stretches for n in (number, number + 1))
        ordered = sorted(range(first, end), key=lambda index: points[index][1])
        kept |= {ordered[0], ordered[-1]}
    return [points[index] for index in sorted(kept)]


def _draw(axes: "Axes", reading: Reading) -> None:
    points = thinned(reading.series)
    if not points:
        return
    colour, mark, line = STYLES[reading.role]
    first, last = reading.received.waited, reading.seconds
    answered = reading.received.status != 0
    bytes_at = f": first byte {show_seconds(first)}, last {show_seconds(last)}" if answered else ""
    axes.plot(
        *zip(*points, strict=True), line, color=colour, label=reading.role + bytes_at,
        marker=mark, markersize=4, markevery=max(1, len(points) // 8),
    )  # fmt: skip
    for at, face in ((first, "white"), (last, colour)) if answered else ():
        axes.plot([at], [_at(points, at)], mark, markersize=9, color=colour, markerfacecolor=face)


def _at(points: Sequence[tuple[float, int]], at: float) -> int:
    """Return the value of the point that is nearest to a time."""
    return min(points, key=lambda point: abs(point[0] - at))[1]


def _said(reading: Reading) -> str:
    if not reading.received.status:
        return f"{reading.role} {show_bytes(reading.peak)} so far"
    return (
        f"{reading.role} rises to {show_bytes(reading.peak)}, with its first byte after "
        f"{show_seconds(reading.received.waited)} and its last after "
        f"{show_seconds(reading.seconds)}"
    )


def _row(reading: Reading) -> tuple[str, ...]:
    return (
        reading.role,
        show_bytes(reading.peak),
        show_bytes(reading.kept),
        show_seconds(reading.received.waited),
        show_seconds(reading.seconds),
        show_count(reading.received.length),
        "yes" if reading.received.complete else "no",
    )
