"""Growth of an answer in bytes per item, in its own process and outside. Arithmetic only."""

from collections.abc import Sequence
from dataclasses import dataclass

from lab.claim import AXES
from lab.course.grading.result import Peaks
from lab.course.grading.watch import PLACES, ExternalMemory, over_in
from lab.curves.limits import RESOLUTION, SMALLEST_LEAK
from lab.curves.shape import Shape
from lab.units import show_bytes, show_per_item

_FEWEST_POINTS = 3
_EXTERNAL_LEAK = 4.0
"""Multiple of the smallest leak that counts as growth outside: half of a number for each row."""
_TOLERANCE = dict(zip(PLACES, (4 << 20, 1 << 20, 8 << 20), strict=True))
"""Bytes by which each place may differ between runs; a database sorts and hashes in 4 MB each."""


@dataclass(frozen=True)
class HeapGrowth:
    """Growth of the answer's own heap.

    Attributes:
        grows: Whether it grows more than is allowed.
        sentence: Verb and figures of a sentence whose subject is "it".
    """

    grows: bool
    sentence: str


def growth_of(peaks: Peaks, item: str, most: int, noise: int = 0) -> HeapGrowth:
    """Return the growth of a heap curve.

    Args:
        peaks: Sizes, and the peak heap in bytes at each.
        item: What the size counts.
        most: Bytes per item that are allowed; 0 for none.
        noise: Bytes by which a peak may differ between runs, beyond the meter's resolution.
    """
    if len(peaks) < _FEWEST_POINTS:
        return HeapGrowth(False, "was too slow for a traced curve")
    sizes, heaps = zip(*peaks, strict=True)
    leak = SMALLEST_LEAK.get(_axis(item), 1.0)
    shape = Shape(sizes, heaps, RESOLUTION["heap"] + noise, leak)
    fit = shape.growth
    cost = show_per_item(max(0.0, fit.per_item), item)
    if most:
        allowed = show_per_item(most, item)
        over = fit.line.ci95[0] > most or fit.per_item > most * 1.1
        return HeapGrowth(over, f"costs {cost}; {allowed} are allowed")
    if shape.rises:
        low, high = (show_bytes(max(0.0, end)) for end in fit.line.ci95)
        return HeapGrowth(True, f"grows by {cost} (95 % between {low} and {high})")
    return HeapGrowth(False, f"stays flat at {show_bytes(max(heaps))}")


def external_growth(points: Sequence[tuple[int, ExternalMemory]], item: str) -> str:
    """Return a sentence that names the place outside the process that grows; empty for none.

    Args:
        points: Sizes, and the memory outside of the process at each; the largest size last.
        item: What the size counts.
    """
    for place in PLACES:
        if any(memory.exceeded == place for _, memory in points):
            return over_in(place)
        *before, last = ((size, memory.peaks[place]) for size, memory in points)
        # Between fork and exec, a child process can be sampled at the size of its parent.
        lowest = min(before, key=lambda point: point[1])
        rise = last[1] - lowest[1]
        per_item = rise / (last[0] - lowest[0])
        least = _EXTERNAL_LEAK * SMALLEST_LEAK.get(_axis(item), 1.0)
        if rise > _TOLERANCE[place] and per_item > least:
            return f"it grows in {place}, by {show_per_item(per_item, item)}"
    return ""


def _axis(item: str) -> str:
    """Return the axis that counts an item; it determines the smallest leak."""
    return next((axis for axis, counted in AXES.items() if counted == item), "n")
