"""Growth of an answer: bytes per item, in its own memory or somewhere else. Pure arithmetic."""

from collections.abc import Sequence
from dataclasses import dataclass

from lab.course.grade import Peaks
from lab.course.outside import PLACES, Held, over_in
from lab.measure.growth import growth
from lab.measure.verdict import RESOLUTION, SMALLEST_LEAK, grows
from lab.pattern import AXES
from lab.units import show_bytes, show_per_item

_FEWEST = 3
_LEAST = 4.0
"""How many of the smallest leaks are something kept elsewhere: of a row, half of a number."""
_ALLOWED = dict(zip(PLACES, (4 << 20, 1 << 20, 8 << 20), strict=True))
"""Bytes by which each place may differ between runs; a database sorts and hashes in 4 MB each."""


@dataclass(frozen=True)
class Grown:
    """What an answer's own memory does.

    Attributes:
        grows: More than it may.
        sentence: With the figures; what follows "it".
    """

    grows: bool
    sentence: str


def growth_of(peaks: Peaks, item: str, most: int, noise: int = 0) -> Grown:
    """Judge the curve of an answer.

    Args:
        peaks: Sizes and peaks of its heap, in bytes.
        item: What the size counts.
        most: Bytes per item that are allowed; 0 for none.
        noise: Bytes by which a peak may differ between runs, beyond what the meter mistakes.
    """
    if len(peaks) < _FEWEST:
        return Grown(False, "was too slow under the meter for a curve")
    sizes, bytes_ = zip(*peaks, strict=True)
    found = growth(sizes, bytes_)
    costs = show_per_item(max(0.0, found.per_item), item)
    if most:
        allowed = show_per_item(most, item)
        over = found.line.ci95[0] > most or found.per_item > most * 1.1
        return Grown(over, f"costs {costs}, where {allowed} are allowed")
    if grows(found, _axis(item), RESOLUTION["heap"] + noise):
        low, high = (show_bytes(max(0.0, end)) for end in found.line.ci95)
        return Grown(True, f"grows by {costs} (95 % between {low} and {high})")
    return Grown(False, f"stays flat at {show_bytes(max(bytes_))}")


def growth_elsewhere(seen: Sequence[tuple[int, Held]], item: str) -> str:
    """Say where memory grows outside of the answer's own process; empty where it does not."""
    for place in PLACES:
        if any(held.ended == place for _, held in seen):
            return over_in(place)
        *before, last = ((size, held.peaks[place]) for size, held in seen)
        # Between its fork and its exec a child is seen as large as its parent, if seen at all.
        first = min(before, key=lambda point: point[1])
        rise = last[1] - first[1]
        per_item = rise / (last[0] - first[0])
        least = _LEAST * SMALLEST_LEAK.get(_axis(item), 1.0)
        if rise > _ALLOWED[place] and per_item > least:
            return f"it grows in {place}, by {show_per_item(per_item, item)}"
    return ""


def _axis(item: str) -> str:
    """Return the axis that counts such items; on that of bytes, a leak is a part of one."""
    return next((axis for axis, one in AXES.items() if one == item), "n")
