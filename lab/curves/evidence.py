"""What a flat curve rests on: an answer that grew with the size, and pages that did not grow.

A curve is also flat if nothing was done. So a claim is kept only if the answer grew from each size
to the next, or the caller says that it need not. And the heap is flat if memory grows where only
the resident set shows it: in a library's own pool, or in a mapped file.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Literal

from lab.curves.curve import Curve, Point
from lab.curves.growth import fit
from lab.curves.limits import FEWEST_SIZES, RESOLUTION
from lab.units import show_bytes, show_count

_SHARE = 0.1
"""Of growth in proportion to the size; an answer that grows by less does not grow."""

_OPAQUE = {"function", "method", "_GeneratorContextManager", "_AsyncGeneratorContextManager"}

NOT_OF_THE_HEAP = "memory that is not Python's or malloc's, such as the pool of a library"

Pages = Literal["", "grow", "may grow", "mapped"]


def missing_answer(curve: Curve) -> str:
    """Return why the answers of a curve are no evidence; empty if they are, or need not be."""
    points = [point for point in curve.points if point.digest or point.counts]
    if not curve.answer_grows or curve.constant_answer or len(points) < 2:
        return ""
    if any(
        _grows([(p.size, p.counts.get(name, 0)) for p in points]) for name in ("items", "bytes")
    ):
        return ""
    if _may_be_short(points) and len({point.digest for point in points}) == len(points):
        return ""
    return f"{_answers(points)}, so nothing shows that the size was used: {_mend(points[-1])}"


def _grows(counts: Sequence[tuple[int, int]]) -> bool:
    """Return whether a count grows from each size to the next, not much slower than the size."""
    return all(
        after > before and after >= before * (1 + _SHARE * (larger / smaller - 1))
        for (smaller, before), (larger, after) in pairwise(counts)
    )


def _may_be_short(points: Sequence[Point]) -> bool:
    """Return whether the answer is one value, or that of an upload: such answers do not grow."""
    counts = points[-1].counts
    if "status" not in counts:
        return counts.get("items") == 1
    return _grows([(point.size, point.counts.get("sent", 0)) for point in points])


def _answers(points: Sequence[Point]) -> str:
    """Return in words how the answers do not grow."""
    first, last = points[0], points[-1]
    if len({point.digest for point in points}) == 1:
        return f"the answer is the same at every size ({_answer(last)})"
    if _grows([(p.size, p.counts.get("bytes", 0)) for p in points[:2]]):
        at = f"{_answer(last)} at {show_count(last.size)}"
        return f"the answer stops growing before the largest size ({at})"
    return f"the answer hardly grows ({_answer(first)}, then {_answer(last)})"


def _answer(point: Point) -> str:
    size = show_bytes(point.counts.get("bytes", 0))
    if "status" in point.counts:
        return f"{point.counts['status']}, {size}"
    items = point.counts.get("items", 0)
    return f"{point.answer or 'value'}, {show_count(items)} item{'s' * (items != 1)}, {size}"


def _mend(last: Point) -> str:
    if last.answer in _OPAQUE:
        return f"the {last.answer} was not called or entered; return what can be drained"
    if last.answer == "NoneType":
        return "return what grows with it, such as a count, or say --constant-answer"
    where = "the application reads what {n} stands for" if "status" in last.counts else "it is"
    return f"make sure that {where}, or say --constant-answer if the answer need not grow"


def pages(curve: Curve) -> Pages:
    """Return whether the resident set grows by what a flat heap does not show.

    The figure is that of the resident set's own runs where there are such, and else that of the
    runs that traced the heap, which can only say that it "may grow".
    """
    measured = [point for point in curve.points if point.peak_heap_bytes is not None]
    points = measured[-FEWEST_SIZES:]
    own = all(point.peak_rss_bytes is not None for point in points)
    if curve.witness != "heap" or len(points) < 2:
        return ""
    rises = [_outside_of_the_heap(point, own=own) for point in points]
    limit = RESOLUTION["rss"] + curve.noise
    if max(rises) - min(rises) < limit or max(rises[-2:]) < max(rises):
        return ""
    if not own:
        return "may grow"
    line = fit([point.size for point in points], rises)
    mapped = fit([point.size for point in points], [p.elsewhere.mapped for p in points])
    if line.slope <= 0:
        return ""
    if mapped.slope > line.slope / 2:
        return "mapped"
    return "grow" if line.ci95[0] > 0 and rises[-1] - rises[-2] > limit / 2 else "may grow"


def grows_behind_the_peak(curve: Curve) -> int:
    """Return the bytes by which the heap at the end of the runs grows, below equal peaks; or 0.

    The peak may be that of a moment at the start, such as the load of a table.
    """
    points = curve.points[-FEWEST_SIZES:]
    # The last of all may be after the answer has been freed.
    ends = [max(size for _, size in point.series[-3:]) for point in points if point.series]
    if curve.witness != "heap" or len(ends) < FEWEST_SIZES:
        return 0
    limit = RESOLUTION["heap"] + curve.noise
    steps = [after - before for before, after in pairwise(ends)]
    return ends[-1] - ends[0] if min(steps) > limit else 0


def _outside_of_the_heap(point: Point, *, own: bool) -> int:
    resident = point.peak_rss_bytes if own else point.elsewhere.resident
    return (resident or 0) - (point.peak_heap_bytes or 0) - point.elsewhere.pool


def resident(curve: Curve) -> Curve:
    """Return the same points with the resident set as the curve's witness."""
    return replace(curve, witness="rss")


_LITTLE = 4 * 1024 * 1024
"""Bytes that the resident set may rise over the heap: pages that are not full, the tracer."""


_THREAD = 256 * 1024
"""Bytes for the stack of a thread and its part of malloc's memory; a client may take a thread."""


def unseen(point: Point, clients: int = 0) -> int:
    """Return the bytes of a run's resident set that neither its heap nor mapped files explain.

    They are 0 if they are few, also for each client, or fewer than those of the heap: pages are
    not always full.
    """
    heap = (point.peak_heap_bytes or 0) + point.elsewhere.pool
    resident = point.peak_rss_bytes
    rise = point.elsewhere.resident if resident is None else resident
    unexplained = rise - point.elsewhere.mapped - heap
    return unexplained if unexplained > max(_LITTLE + clients * _THREAD, heap) else 0
