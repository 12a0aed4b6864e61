"""Decide a claim by one curve: the finding, the sentence, and what would tell more."""

from dataclasses import dataclass, replace
from typing import Literal

from lab.claim import AXES
from lab.curves.curve import Curve, Point
from lab.curves.evidence import (
    NOT_OF_THE_HEAP,
    Pages,
    grows_behind_the_peak,
    missing_answer,
    pages,
    resident,
)
from lab.curves.growth import Growth
from lab.curves.limits import (
    FEWEST_SIZES,
    describe_leak,
    describe_resolution,
    resolution,
    smallest_leak,
)
from lab.curves.shape import Shape
from lab.units import show_bytes, show_count, show_per_item

Finding = Literal["kept", "broken", "inconclusive"]
Wants = Literal["", "larger sizes", "repeats", "resident set", "first calls"]
"""What would tell more about a curve; ``first calls`` are runs without a warm-up."""

_ORDERED_STEPS = 6
"""Steps along the axis clients that must each be steeper than the one before.

The memory for simultaneous clients differs from run to run. Four steps are in rising order by
chance in one of 24 curves, six in one of 720.
"""

REPEATS = 3
"""Runs of each size whose median is taken where one run of each is too ragged."""

_COLLECTED = 250_000
"""Objects in cycles after which the collector has looked at all of them, by its own thresholds."""


_CACHE = 4 * 1024 * 1024
"""Bytes of growth up to which it may be a cache that is not full yet, such as SQLite's of 2 MB."""

_CONFIRMED_BY = 3
"""Larger sizes at which so little growth has to go on."""


@dataclass(frozen=True)
class Decision:
    """A finding on one curve.

    Attributes:
        finding: ``kept``, ``broken`` or ``inconclusive``.
        reason: One sentence with the figures, without a full stop.
        wants: What would tell more; empty if the finding is certain.
        growth: The growth over the sizes that decided, or None.
        by_growth: Whether it rests on growth that was seen; else it needs evidence.
    """

    finding: Finding
    reason: str
    wants: Wants = ""
    growth: Growth | None = None
    by_growth: bool = False


def decide(curve: Curve, *, grows: bool) -> Decision:
    """Decide whether a curve is flat, or whether it grows at most in proportion.

    Args:
        curve: What was measured, by a witness of memory.
        grows: Whether the claim is that it grows.
    """
    sizes, peaks = curve.seen()
    if len(sizes) < FEWEST_SIZES:
        error = f" ({curve.overall_error})" if curve.overall_error else ""
        measured = f"{len(sizes)} sizes were" if len(sizes) != 1 else "one size was"
        reason = f"{measured} measured, but {FEWEST_SIZES} are needed{error}"
        return Decision("inconclusive", reason)
    shape = Shape(sizes, peaks, resolution(curve), smallest_leak(curve))
    decision = _growing(curve, shape) if grows else _flat(curve, shape)
    decision = replace(decision, growth=decision.growth or shape.growth)
    if not curve.warm:
        decision = replace(decision, reason=f"{decision.reason}, in runs without a warm-up")
    if not decision.by_growth:
        decision = _with_evidence(curve, decision, grows)
    gaps = [p.error for p in curve.points if p.error and p.peak(curve.witness) is None]
    if decision.finding == "kept" and gaps:
        reason = f"{decision.reason}; but not every size was measured ({gaps[0]})"
        return replace(decision, finding="inconclusive", reason=reason, wants="")
    return decision


def _with_evidence(curve: Curve, decision: Decision, grows: bool) -> Decision:
    """Return a decision on a flat curve, if there is evidence that the curve means something."""
    if gap := missing_answer(curve):
        wants: Wants = "first calls" if curve.warm else ""
        return replace(decision, finding="inconclusive", reason=gap, wants=wants)
    if reason := _kept_by_warm_up(curve):
        return replace(decision, finding="inconclusive", reason=reason, wants="first calls")
    if decision.finding == "inconclusive":
        return decision
    if not grows and (rise := grows_behind_the_peak(curve)):
        reason = (
            f"the peak is that of a moment, and after it memory grows by {show_bytes(rise)}"
            f"{_over(curve)}: take sizes {_larger(curve)}"
        )
        return replace(decision, finding="inconclusive", reason=reason, wants="larger sizes")
    decision = _with_pages(curve, decision, pages(curve), grows)
    if decision.finding == "kept" and curve.warm and not curve.first_calls:
        return replace(decision, wants="first calls")
    return decision


def _with_pages(curve: Curve, decision: Decision, grew: Pages, grows: bool) -> Decision:
    first, last = (point.peak_rss_bytes for point in (curve.points[0], curve.points[-1]))
    if first is None or last is None:
        first, last = (p.elsewhere.resident for p in (curve.points[0], curve.points[-1]))
        if grew and not curve.answer_grows:
            return replace(decision, wants="resident set")
    beside = f"the heap is flat, but the resident set rises by {show_bytes(last - first)}"
    if grew == "mapped":
        why = "in pages of mapped files, which the kernel may drop at any time: let the witness rss"
        reason = f"{beside}{_over(curve)}, {why} decide whether they count"
        return replace(decision, finding="inconclusive", reason=reason)
    if grew == "may grow":
        wants: Wants = "resident set" if curve.points[0].peak_rss_bytes is None else "larger sizes"
        reason = f"{beside}{_over(curve)} ({NOT_OF_THE_HEAP}): take larger sizes"
        return replace(decision, finding="inconclusive", reason=reason, wants=wants)
    if grew == "grow":
        by_pages = decide(resident(curve), grows=grows)
        reason = f"by the resident set: {by_pages.reason} ({NOT_OF_THE_HEAP})"
        return replace(by_pages, reason=reason)
    return decision


def _kept_by_warm_up(curve: Curve) -> str:
    """Return why the warm-up may have done the work of the measured runs; empty if it did not."""
    calls = curve.first_calls
    if len(calls) < 2:
        return ""
    first, last = (call.peak(curve.witness) or 0 for call in (calls[0], calls[-1]))
    more, items = last - first, calls[-1].size - calls[0].size
    if more < 2 * resolution(curve) or more < smallest_leak(curve) * items:
        return ""
    return (
        f"the first call of a process needs {show_bytes(last)} at {show_count(calls[-1].size)} and "
        f"{show_bytes(first)} at {show_count(calls[0].size)}, which the warm-up hides: measure "
        "without a warm-up"
    )


def _flat(curve: Curve, shape: Shape) -> Decision:
    axis, has_end = curve.axis, len(shape.sizes) > FEWEST_SIZES
    if grown := next((part for part in (shape, shape.end) if part.grows), None):
        return _broken_by_growth(curve, grown)
    if shape.flat:
        return Decision("kept", f"flat in {axis}: {figures(curve, shape)}")
    if has_end and shape.end.flat:
        kept = f"rises to {show_bytes(max(shape.peaks))} and then is flat in {axis}"
        return Decision("kept", f"{kept}: {figures(curve, shape.end)}", growth=shape.end.growth)
    if reason := _too_small(curve, shape):
        return Decision("inconclusive", reason, "larger sizes")
    return _ragged(curve, shape, f"whether it is flat in {axis}")


def _too_small(curve: Curve, shape: Shape) -> str:
    """Return why larger sizes will tell, and which ones; empty if it is not the sizes."""
    if shape.stopped:
        stop = shape.sizes[-3]
        return (
            f"memory grows up to {show_count(stop)} and then stops, as it does if the first sizes "
            f"are smaller than one batch: take sizes {stop}..{stop * 2 ** (FEWEST_SIZES - 1)}"
        )
    if shape.slows:
        return (
            f"memory grows more and more slowly{_over(curve)}, as a cache does that fills up: take "
            f"sizes {_larger(curve)}"
        )
    if shape.too_short:
        return (
            f"too small to tell:{_over(curve)} a leak of {describe_leak(curve)} stays below "
            f"{describe_resolution(curve)}; take sizes {_enough(shape)}"
        )
    return ""


def _broken_by_growth(curve: Curve, shape: Shape) -> Decision:
    garbage = [point.garbage for point in curve.points]
    waiting = garbage[-1] - garbage[0]
    grown = shape.peaks[-1] - shape.peaks[0]
    held = curve.points[-1].garbage_bytes - curve.points[0].garbage_bytes
    many = waiting > 0.1 * (curve.points[-1].size - curve.points[0].size)
    if _COLLECTED > waiting > 0 and (many or held > grown / 2):
        return Decision(
            "inconclusive",
            f"memory grows{_over(curve)}, but {show_count(garbage[-1])} objects in cycles wait for "
            f"the garbage collector there: take sizes {_larger(curve)}",
            "larger sizes",
        )
    reason = f"grows with {curve.axis}: {figures(curve, shape)}{_outside(curve)}"
    sure = grown > _CACHE or not curve.asked or len(curve.points) >= curve.asked + _CONFIRMED_BY
    wants: Wants = "" if sure else "larger sizes"
    if shape.fades and not sure:
        return Decision(
            "inconclusive",
            f"memory grows by {show_bytes(grown)}{_over(curve)}, and less and less for each item: "
            f"take sizes {_larger(curve)}",
            wants,
        )
    if _in_children(curve) > grown / 2 and min(p.repeats for p in curve.points) < REPEATS:
        wants = "repeats"
    return Decision("broken", reason, wants, growth=shape.growth, by_growth=True)


def _in_children(curve: Curve) -> int:
    """Return the growth in child processes, whose peaks are sampled: one run may miss them."""
    children = [point.elsewhere.children for point in curve.points]
    return max(children) - min(children)


def _growing(curve: Curve, shape: Shape) -> Decision:
    axis, growth = curve.axis, shape.growth
    if not shape.rises:
        if shape.flat or (shape.end.flat and len(shape.sizes) > FEWEST_SIZES):
            return Decision(
                "broken",
                f"does not grow with {axis}: {figures(curve, shape)}, so less memory is needed "
                "than was claimed",
            )
        return Decision(
            "inconclusive",
            f"growth with {axis} cannot be distinguished from noise: {figures(curve, shape)}; "
            f"take sizes {_larger(curve)}",
            "larger sizes",
        )
    if growth.exponent is None or growth.exponent_ci95 is None:
        return _ragged(curve, shape, f"how it grows with {axis}")
    least = _ORDERED_STEPS if axis == "clients" else 1
    steepens = growth.exponent_ci95[0] > 1.05 and growth.steepens >= least
    if steepens or (axis != "clients" and shape.keeps_bending):
        reason = f"grows faster than {axis}: exponent {growth.exponent:.2f}{_over(curve)}"
        return Decision("broken", reason, by_growth=True)
    if growth.exponent > 1.25:
        return _ragged(
            curve, shape, f"whether it grows faster than {axis}: exponent {growth.exponent:.2f}"
        )
    kept = f"grows with {axis}: {figures(curve, shape)}{_outside(curve)}"
    more: Wants = "larger sizes" if shape.bends or (shape.slows and axis != "clients") else ""
    return Decision("kept", kept, more, by_growth=True)


def _ragged(curve: Curve, shape: Shape, question: str) -> Decision:
    repeats = min(point.repeats for point in curve.points)
    runs = f", also as medians of {repeats} runs" if repeats > 1 else ""
    mend = "measure more sizes" if curve.axis == "clients" else f"take sizes {_larger(curve)}"
    return Decision(
        "inconclusive",
        f"the curve is too ragged to tell {question}: {figures(curve, shape)}{runs}; {mend}",
        "repeats" if repeats < REPEATS else "larger sizes",
    )


def figures(curve: Curve, shape: Shape) -> str:
    """Return the bytes per item of a curve, with their interval and the sizes, as text."""
    low, high = shape.growth.line.ci95
    per_item = show_per_item(shape.growth.per_item, AXES.get(curve.axis, "item"))
    between = f"(95 % between {show_bytes(low)} and {show_bytes(high)})"
    span = f" from {show_count(shape.sizes[0])} to {show_count(shape.sizes[-1])}"
    return f"{per_item} {between}{span}"


def _outside(curve: Curve) -> str:
    """Return what the largest point has outside of its own heap, in words; empty for nothing."""
    largest: Point = max(curve.points, key=lambda point: point.elsewhere.outside("heap"))
    outside = str(largest.elsewhere)
    return f", of which {outside}" if outside else ""


def _over(curve: Curve) -> str:
    sizes, _ = curve.seen()
    return f" from {show_count(sizes[0])} to {show_count(sizes[-1])}"


def _enough(shape: Shape) -> str:
    """Return sizes, as an option takes them, whose span shows the smallest leak."""
    first, steps = shape.sizes[0], 2 ** (FEWEST_SIZES - 1)
    while first * (steps - 1) * shape.leak < 1.1 * shape.resolution:
        first *= 2
    return f"{first}..{first * steps}"


def _larger(curve: Curve) -> str:
    """Return sizes, as an option takes them, that begin where these end."""
    last = curve.seen()[0][-1]
    return f"{last}..{last * 2 ** (FEWEST_SIZES - 1)}"
