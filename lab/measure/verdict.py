"""Verdicts: a claim held against its curves. Pure arithmetic; it imports no meter.

A curve is *flat* when the whole 95 % interval of its slope lies below the smallest thing worth
calling a leak: one byte per item, an eighth of the pointer that a list keeps for each thing in it
(for an axis of bytes, one byte in a hundred). It *grows* when the interval lies above that and the
growth over the sweep is more than the meter can mistake, or when every step adds more than that.
It is neither when the sweep is too short to see such a leak: then the verdict is inconclusive.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from lab.errors import LabError
from lab.measure.curve import Curve, Witness
from lab.measure.growth import Growth, growth
from lab.pattern import AXES, O
from lab.units import show_bytes, show_count, show_per_item

Finding = Literal["kept", "broken", "inconclusive"]

RESOLUTION: dict[Witness, int] = {"heap": 64 * 1024, "rss": 1024 * 1024}
"""Bytes below which a witness cannot tell growth from the noise of the interpreter's caches."""

SMALLEST_LEAK = {"bytes": 0.01, "chunk": 0.01, "keys": 10.0, "batch": 50.0, "clients": 4096.0}
"""Bytes per item that still count as flat, by axis; one byte where none is named.

They are what cannot be kept for less: a key needs a slot in a dictionary, a row of a batch an
object, a client a socket and a buffer.
"""

FEWEST_SIZES = 5

_ORDERED_STEPS = 6
"""Steps along the axis clients that must each be steeper than the one before.

How much clients who are served at once need together differs from run to run. Four steps are in
rising order by chance in one of 24 curves, six in one of 720.
"""

_CERTAIN = 0.99
"""A slope of exactly the smallest leak is one."""

COUNTABLE = {"rows", "bytes", "keys", "clients"}
"""Axes that sizes which are only called ``n`` may turn out to count."""

EXIT_CODES: dict[Finding, int] = {"kept": 0, "broken": 1, "inconclusive": 3}


@dataclass(frozen=True)
class Verdict:
    """A finding, the reason for it in one sentence, and the growth it rests on; true when kept.

    Attributes:
        finding: ``kept``, ``broken`` or ``inconclusive``.
        reason: The sentence, with its figures.
        claim: What was held against the curve.
        axis: The axis it was tested along; of several curves, the one that decided.
        growth: Bytes per item and exponent, or None where there were too few points.
    """

    finding: Finding
    reason: str
    claim: O
    axis: str
    growth: Growth | None = None

    def __bool__(self) -> bool:
        return self.finding == "kept"


def verdict(curves: Curve | Iterable[Curve], claim: O) -> Verdict:
    """Hold a claim against one curve, or against several along different axes.

    Of several, a broken one decides, then an inconclusive one; when all keep the claim, the
    reasons are joined. ``O("n")`` speaks of whatever axis the curve has. Along the axis clients a
    claim that says what each may cost is ``O("clients")``, and the interval must be below that.

    Raises:
        LabError: There is no curve, a curve is of times, or its axis is only called ``n`` and the
            claim names what the sizes might count.
    """
    every = [curves] if isinstance(curves, Curve) else list(curves)
    if not every:
        raise LabError("a verdict needs at least one curve.")
    verdicts = [_judge(curve, claim) for curve in every]
    for finding in ("broken", "inconclusive"):
        for found in verdicts:
            if found.finding == finding:
                return found
    reason = "; ".join(found.reason for found in verdicts)
    said = verdicts[0].claim if len(verdicts) == 1 else claim
    return Verdict("kept", reason, said, verdicts[0].axis, verdicts[0].growth)


def describe(found: Growth, axis: str, resolution: int = RESOLUTION["heap"]) -> str:
    """Say what a curve does: ``flat`` or its bytes per item."""
    if is_flat(found, axis, resolution):
        return "flat"
    return show_per_item(found.per_item, AXES.get(axis, "item"))


def is_flat(found: Growth, axis: str, resolution: int) -> bool:
    """Tell whether a curve is flat, and its sweep long enough to know."""
    return found.line.ci95[1] < _CERTAIN * _leak(axis) and not _too_short(found, axis, resolution)


def grows(found: Growth, axis: str, resolution: int) -> bool:
    """Tell whether a curve certainly grows."""
    low = found.line.ci95[0]
    certain = low > _CERTAIN * _leak(axis) and low * found.span > resolution
    return certain or min(found.steps) > resolution


def _resolution(curve: Curve) -> int:
    return RESOLUTION[curve.witness] + curve.noise


def _leak(axis: str) -> float:
    return SMALLEST_LEAK.get(axis, 1.0)


def _too_short(found: Growth, axis: str, resolution: int) -> bool:
    return found.span * _leak(axis) < resolution


def _levels_off(found: Growth, sizes: tuple[int, ...], axis: str, resolution: int) -> bool:
    """Memory rose and then stopped: the first sizes were smaller than one batch."""
    slopes = [step / (b - a) for step, (a, b) in zip(found.steps, pairwise(sizes), strict=True)]
    rose = max(found.steps[:-2], default=0) > resolution
    return rose and max(map(abs, slopes[-2:])) < _CERTAIN * _leak(axis)


def _judge(curve: Curve, claim: O) -> Verdict:
    if curve.witness not in RESOLUTION:
        raise LabError(f"a verdict is about memory, and the curve's witness is {curve.witness}.")
    if curve.axis == "n" and (named := COUNTABLE.intersection(claim.axes)):
        axis = min(named)
        raise LabError(f"{claim} speaks of {axis}, and the sizes count n: say --axis {axis}.")
    if held_to := claim.per_client if curve.axis == "clients" else None:
        claim = O("clients")
    sizes, peaks = curve.seen()
    if len(sizes) < FEWEST_SIZES:
        missing = f" ({curve.overall_error})" if curve.overall_error else ""
        reason = f"{len(sizes)} sizes were measured, and it takes {FEWEST_SIZES}{missing}"
        return Verdict("inconclusive", reason, claim, curve.axis)
    found = growth(sizes, peaks)
    judge = _judge_growing if {curve.axis, "n"}.intersection(claim.axes) else _judge_flat
    finding, reason = judge(found, curve, sizes)
    if held_to and finding != "broken" and grows(found, curve.axis, _resolution(curve)):
        finding, reason = _hold(found, curve.axis, sizes, held_to)
    return Verdict(finding, reason, claim, curve.axis, found)


def _hold(found: Growth, axis: str, sizes: tuple[int, ...], most: int) -> tuple[Finding, str]:
    """Hold growth, which may be ragged, to the most bytes per item that it may come to."""
    low, high = found.line.ci95
    figures = f"{_figures(found, axis)}{_over(sizes)}"
    promised = f"{show_bytes(most)} per {AXES[axis]} were promised"
    if low > most:
        return "broken", f"grows by {figures}, and {promised}"
    if high > most:
        return "inconclusive", f"grows by {figures}, and {promised}: take more sizes to tell"
    return "kept", f"grows by {figures}; {promised}"


def _judge_flat(found: Growth, curve: Curve, sizes: tuple[int, ...]) -> tuple[Finding, str]:
    axis, resolution = curve.axis, _resolution(curve)
    if _levels_off(found, sizes, axis, resolution):
        stop = show_count(sizes[-3])
        return "inconclusive", (
            f"memory grows up to {stop} and then no more, as it does when the first sizes are "
            f"smaller than one batch: start at {stop}"
        )
    if grows(found, axis, resolution):
        return "broken", f"grows with {axis}: {_figures(found, axis)}{_over(sizes)}"
    if _too_short(found, axis, resolution):
        needed = int(resolution / _leak(axis))
        return "inconclusive", (
            f"too small to tell: from {show_count(sizes[0])} to {show_count(sizes[-1])} a leak of "
            f"one byte per {AXES.get(axis, 'item')} stays below the {curve.witness} meter's "
            f"{show_bytes(resolution)}; let the sizes span {show_count(needed)} or more"
        )
    if is_flat(found, axis, resolution):
        return "kept", f"flat in {axis}: {_figures(found, axis)}{_over(sizes)}"
    return "inconclusive", (
        f"the curve is too ragged to tell whether it is flat in {axis}: {_figures(found, axis)}"
    )


def _judge_growing(found: Growth, curve: Curve, sizes: tuple[int, ...]) -> tuple[Finding, str]:
    axis, resolution = curve.axis, _resolution(curve)
    if grows(found, axis, resolution):
        if found.exponent is None or found.exponent_ci95 is None:
            return "inconclusive", f"the curve is too ragged to tell how it grows with {axis}"
        least = _ORDERED_STEPS if axis == "clients" else 1
        if found.exponent_ci95[0] > 1.05 and found.steepens >= least:
            return "broken", (
                f"grows faster than {axis}: exponent {found.exponent:.2f}{_over(sizes)}"
            )
        if found.exponent > 1.25:
            return "inconclusive", (
                f"may grow faster than {axis}: exponent {found.exponent:.2f}, but the curve is too "
                "ragged to be sure; take more sizes"
            )
        return "kept", f"grows with {axis}: {_figures(found, axis)}{_over(sizes)}"
    if is_flat(found, axis, resolution):
        return "broken", (
            f"does not grow with {axis}: {_figures(found, axis)}{_over(sizes)}, so less is needed "
            f"than was claimed"
        )
    return "inconclusive", (
        f"growth with {axis} cannot be told from noise: {_figures(found, axis)}; take larger sizes"
    )


def _figures(found: Growth, axis: str) -> str:
    low, high = found.line.ci95
    item = AXES.get(axis, "item")
    return (
        f"{show_per_item(found.per_item, item)} (95 % between {show_bytes(low)} "
        f"and {show_bytes(high)})"
    )


def _over(sizes: tuple[int, ...]) -> str:
    return f" from {show_count(sizes[0])} to {show_count(sizes[-1])}"
