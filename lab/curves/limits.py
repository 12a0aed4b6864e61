"""The limits of a verdict: the resolution of a witness, the smallest leak, the sizes it needs."""

from lab.claim import AXES
from lab.curves.curve import Curve, Point, Witness
from lab.units import show_bytes, show_per_item

RESOLUTION: dict[Witness, int] = {"heap": 64 * 1024, "rss": 1024 * 1024}
"""Bytes by witness; growth below them may be noise of the interpreter's caches."""

SMALLEST_LEAK = {"bytes": 0.01, "chunk": 0.01, "keys": 10.0, "batch": 50.0, "clients": 4096.0}
"""Bytes per item by axis; less growth counts as flat. One byte for the other axes.

Nothing can be kept for less: a key needs a slot in a dictionary, a row of a batch an object, a
client a socket and a buffer.
"""

FEWEST_SIZES = 5
"""Sizes that a verdict needs."""

COUNTABLE = {"rows", "bytes", "keys", "clients"}
"""Axes that sizes may count although the curve's axis is only called ``n``."""

_SHARE_OF_AN_ITEM = 0.01
"""A leak of less than this share of an item need not be seen, if the sizes are too few for it."""

_FIRST = {"n": 8_000, "rows": 8_000, "bytes": 1_000_000, "chunk": 1_000_000, "clients": 2}
_MARGIN = 1.1
_DOUBLINGS = FEWEST_SIZES - 1


def resolution(curve: Curve) -> int:
    """Return the bytes below which growth of a curve may be noise."""
    witness: Witness = "rss" if _has_children(curve) else curve.witness
    return RESOLUTION[witness] + curve.noise


def _has_children(curve: Curve) -> bool:
    return any(point.elsewhere.children for point in curve.points)


def smallest_leak(curve: Curve) -> float:
    """Return the bytes per item that count as a leak.

    It is one byte per row or other item. If the sizes span too few items to show that, it is up to
    a hundredth of an item, whose size is that of the answer divided by the number of items.
    """
    base = SMALLEST_LEAK.get(curve.axis, 1.0)
    sizes, _ = curve.seen()
    if curve.axis not in ("n", "rows") or len(sizes) < 2:
        return base
    needed = _MARGIN * resolution(curve) / (sizes[-1] - sizes[0])
    largest = _SHARE_OF_AN_ITEM * _item_bytes(curve.points[-1])
    return max(base, min(needed, largest))


def describe_leak(curve: Curve) -> str:
    """Return what counts as a leak in words, such as ``1.00 B per row``."""
    return show_per_item(smallest_leak(curve), AXES.get(curve.axis, "item"))


def describe_resolution(curve: Curve) -> str:
    """Return the resolution of a curve in words."""
    what = "with child processes" if _has_children(curve) else f"of the {curve.witness} witness"
    return f"the resolution {what}, {show_bytes(resolution(curve))}"


def default_sizes(axis: str, noise: int = 0) -> tuple[int, ...]:
    """Return five sizes along an axis that are enough to see the smallest leak in the heap.

    Args:
        axis: What the sizes count.
        noise: Bytes by which two equal runs of the subject may differ.
    """
    needed = _MARGIN * (RESOLUTION["heap"] + noise) / SMALLEST_LEAK.get(axis, 1.0)
    first = _round_up(max(needed / (2**_DOUBLINGS - 1), _FIRST.get(axis, 1)))
    return tuple(first * 2**step for step in range(FEWEST_SIZES))


def _round_up(number: float) -> int:
    """Return the next number of the form 1, 2, 4, 5 or 8 times a power of ten."""
    scale = 10 ** (len(str(int(number))) - 1)
    return next(int(f * scale) for f in (1, 1.6, 2, 4, 5, 8, 10) if f * scale >= number)


def _item_bytes(point: Point) -> float:
    return point.counts.get("bytes", 0) / point.size
