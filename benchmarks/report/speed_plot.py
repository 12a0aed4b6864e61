"""Draw time against memory, both logarithmic: a labelled dot per variant, and the limit's line."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from benchmarks.report.comparisons import Compared
from lab.report.plot import STYLES, drawing, finish
from lab.units import show_bytes, show_ratio

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH, _HEIGHT, _DOT = 6.6, 13, 6
"""Approximate size of a letter and radius of a dot, in pixels."""

Box = tuple[float, float, float, float]
"""Left, lower, right and upper edge."""

_PLACES = tuple(
    (dx, dy) for dy in (-4, 9, -17, 22, -30, 35, -43) for dx in (9, -9)
)  # fmt: skip
"""Offsets of a label from its dot, in pixels; a label to the left ends there."""


def plot(suite: str, group: Sequence[Compared]) -> str:
    """Return a suite's picture as SVG; the label of a variant names its size if it is smaller."""
    largest = max(row.size for row in group)
    with drawing() as (figure, axes):
        axes.set_xscale("log", subs=[])
        axes.set_yscale("log", subs=[])
        axes.axvline(1, color="#555555", linewidth=1)
        for role, (colour, mark, _) in STYLES.items():
            dots = [(row.ratio, _memory(row)) for row in group if row.role == role]
            if dots:
                axes.plot(*zip(*dots, strict=True), mark, color=colour, markersize=8, label=role)
        axes.margins(0.25, 0.18)
        axes.xaxis.set_major_formatter(lambda value, _: f"{show_ratio(value)} x")
        axes.yaxis.set_major_formatter(lambda value, _: show_bytes(value))
        axes.set_xlabel(f"time, over that of {group[-1].limit}")
        over_http = group[-1].heap is None
        axes.set_ylabel("rise of the server's RSS" if over_http else "peak heap")
        axes.grid(visible=True, which="major", alpha=0.3)
        _draw_labels(axes, [(row, _label(row, largest)) for row in group])
        sentences = "; ".join(
            f"{_label(row, largest)} takes {show_ratio(row.ratio)} times as long, and {row.memory}"
            for row in group
        )
        description = f"Time over that of {group[-1].limit} against memory: {sentences}."
        return finish(figure, axes, f"{suite} at {_largest(group)}", description)


def _memory(row: Compared) -> int:
    """Return the bytes to draw, at least 1 kB, since a logarithmic axis has no 0."""
    return max(1_000, row.rss if row.heap is None else row.heap)


def _label(row: Compared, largest: int) -> str:
    size = "" if row.size == largest else f" ({row.at})"
    return f"{row.named}{size}"


def _largest(group: Sequence[Compared]) -> str:
    return max(group, key=lambda row: row.size).at


def _draw_labels(axes: "Axes", labels: Sequence[tuple[Compared, str]]) -> None:
    """Draw each label beside its dot, where no other label or dot is."""
    axes.autoscale_view()  # before transData is read
    dots = [axes.transData.transform((row.ratio, _memory(row))) for row, _ in labels]
    taken = [(x - _DOT, y - _DOT, x + _DOT, y + _DOT) for x, y in dots]
    frame = axes.figure.bbox
    for (row, label), (x, y) in zip(labels, dots, strict=True):
        boxes = [(_box(x, y, dx, dy, len(label)), (dx, dy)) for dx, dy in _PLACES]
        inside = [place for place in boxes if frame.x0 < place[0][0] and place[0][2] < frame.x1]
        free = (place for place in inside if not any(_overlap(place[0], box) for box in taken))
        box, offset = next(free, boxes[0])
        taken.append(box)
        axes.annotate(
            label, (row.ratio, _memory(row)), offset, textcoords="offset pixels", fontsize=8,
            color=STYLES[row.role][0], ha="left" if offset[0] > 0 else "right",
        )  # fmt: skip


def _box(x: float, y: float, dx: float, dy: float, letters: int) -> Box:
    left = x + dx if dx > 0 else x + dx - letters * _WIDTH
    return left, y + dy, left + letters * _WIDTH, y + dy + _HEIGHT


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
