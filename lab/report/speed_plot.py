"""Time against memory, both logarithmic: a dot for each variant, labelled, and the limit's line."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lab.report.comparisons import Compared
from lab.report.plot import STYLES, drawing, finish
from lab.units import show_bytes, show_ratio

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH, _HEIGHT, _DOT = 6.6, 13, 6
"""Of a letter, and from the middle of a dot to its edge; in pixels, about."""

Box = tuple[float, float, float, float]
"""Left, lower, right and upper edge."""

_PLACES = tuple(
    (dx, dy) for dy in (-4, 9, -17, 22, -30, 35, -43) for dx in (9, -9)
)  # fmt: skip
"""Where a label may stand, in pixels from its dot; to the left of it, it ends there."""


def plot(suite: str, group: Sequence[Compared]) -> str:
    """Draw a suite; a variant that was run at a smaller size than others says so."""
    largest = max(one.size for one in group)
    with drawing() as (figure, axes):
        axes.set_xscale("log", subs=[])
        axes.set_yscale("log", subs=[])
        axes.axvline(1, color="#555555", linewidth=1)
        for role, (colour, mark, _) in STYLES.items():
            dots = [(one.ratio, _memory(one)) for one in group if one.role == role]
            if dots:
                axes.plot(*zip(*dots, strict=True), mark, color=colour, markersize=8, label=role)
        axes.margins(0.25, 0.18)
        axes.xaxis.set_major_formatter(lambda value, _: f"{show_ratio(value)} x")
        axes.yaxis.set_major_formatter(lambda value, _: show_bytes(value))
        axes.set_xlabel(f"time, over that of {group[-1].limit}")
        over_http = group[-1].heap is None
        axes.set_ylabel("rise of the server's RSS" if over_http else "peak heap")
        axes.grid(visible=True, which="major", alpha=0.3)
        _label(axes, [(one, _words(one, largest)) for one in group])
        said = "; ".join(
            f"{_words(one, largest)} takes {show_ratio(one.ratio)} times as long, and {one.memory}"
            for one in group
        )
        description = f"Time over that of {group[-1].limit} against memory: {said}."
        return finish(figure, axes, f"{suite} at {_largest(group)}", description)


def _memory(one: Compared) -> int:
    """Return the memory, or the least that a logarithmic axis has a place for."""
    return max(1_000, one.rss if one.heap is None else one.heap)


def _words(one: Compared, largest: int) -> str:
    size = "" if one.size == largest else f" ({one.at})"
    return f"{one.named}{size}"


def _largest(group: Sequence[Compared]) -> str:
    return max(group, key=lambda one: one.size).at


def _label(axes: "Axes", labels: Sequence[tuple[Compared, str]]) -> None:
    """Put each label beside its dot, where no other one is yet."""
    axes.autoscale_view()  # or the dots would not be where they are drawn
    dots = [axes.transData.transform((one.ratio, _memory(one))) for one, _ in labels]
    taken = [(x - _DOT, y - _DOT, x + _DOT, y + _DOT) for x, y in dots]
    room = axes.figure.bbox
    for (one, words), (x, y) in zip(labels, dots, strict=True):
        boxes = [(_box(x, y, dx, dy, len(words)), (dx, dy)) for dx, dy in _PLACES]
        inside = [found for found in boxes if room.x0 < found[0][0] and found[0][2] < room.x1]
        free = (found for found in inside if not any(_overlap(found[0], box) for box in taken))
        box, offset = next(free, boxes[0])
        taken.append(box)
        axes.annotate(
            words, (one.ratio, _memory(one)), offset, textcoords="offset pixels", fontsize=8,
            color=STYLES[one.role][0], ha="left" if offset[0] > 0 else "right",
        )  # fmt: skip


def _box(x: float, y: float, dx: float, dy: float, letters: int) -> Box:
    left = x + dx if dx > 0 else x + dx - letters * _WIDTH
    return left, y + dy, left + letters * _WIDTH, y + dy + _HEIGHT


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
