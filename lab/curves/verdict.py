"""Verdicts: whether curves keep a claim. Pure arithmetic; this module imports no meter.

A curve is *flat* if the whole 95 % interval of its slope is below the smallest leak: one byte per
item, which is an eighth of the pointer that a list stores for each element (for an axis of bytes,
one byte in a hundred). It *grows* if the interval is above the smallest leak and the growth over
the sweep exceeds the resolution of the witness, or if every step exceeds that resolution.
Otherwise the verdict is inconclusive, for example because the sweep is too short to show a leak.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from lab.claim import AXES, O
from lab.curves.curve import Curve, Witness
from lab.curves.growth import Growth
from lab.curves.growth import growth as growth_of
from lab.errors import LabError
from lab.units import show_bytes, show_count, show_per_item

Finding = Literal["kept", "broken", "inconclusive"]

RESOLUTION: dict[Witness, int] = {"heap": 64 * 1024, "rss": 1024 * 1024}
"""Bytes by witness; growth below them may be noise of the interpreter's caches."""

SMALLEST_LEAK = {"bytes": 0.01, "chunk": 0.01, "keys": 10.0, "batch": 50.0, "clients": 4096.0}
"""Bytes per item by axis; less growth counts as flat. One byte for the other axes.

Nothing can be kept for less: a key needs a slot in a dictionary, a row of a batch an object, a
client a socket and a buffer.
"""

FEWEST_SIZES = 5
"""Sizes that a verdict needs."""

_ORDERED_STEPS = 6
"""Steps along the axis clients that must each be steeper than the one before.

The memory for simultaneous clients differs from run to run. Four steps are in rising order by
chance in one of 24 curves, six in one of 720.
"""

_CERTAIN = 0.99
"""Factor on the smallest leak, so that a slope of exactly that value counts as a leak."""

COUNTABLE = {"rows", "bytes", "keys", "clients"}
"""Axes that sizes may count although the curve's axis is only called ``n``."""

EXIT_CODES: dict[Finding, int] = {"kept": 0, "broken": 1, "inconclusive": 3}


@dataclass(frozen=True, repr=False)
class Verdict:
    """Whether a claim is kept, and why; true if it is kept.

    Attributes:
        finding: ``kept``, ``broken`` or ``inconclusive``.
        reason: One sentence with the figures.
        claim: The claim that was tested.
        axis: The axis of the curve; of several curves, the one that decided.
        growth: Bytes per item and exponent, or None if there were too few points.
    """

    finding: Finding
    reason: str
    claim: O
    axis: str
    growth: Growth | None = None

    def __bool__(self) -> bool:
        return self.finding == "kept"

    def __repr__(self) -> str:
        return f"<{self.claim} {self.finding}: {self.reason}>"


def verdict(curves: Curve | Iterable[Curve], claim: O, *, per_client: int | None = None) -> Verdict:
    """Test a claim with one curve, or with several along different axes.

    The first broken verdict decides, else the first inconclusive one; if all curves keep the
    claim, their reasons are joined. ``O("n")`` names the axis of the curve, whatever it is.

    Args:
        curves: What was measured.
        claim: What is tested.
        per_client: Along the axis clients, the most bytes of one more client: the claim tested is
            then ``O("clients")``, and the interval of the slope must be below this. None for none.

    Raises:
        LabError: There is no curve, a curve has times and no memory, or the claim names an axis
            while the sizes only count ``n``.
    """
    all_curves = [curves] if isinstance(curves, Curve) else list(curves)
    if not all_curves:
        raise LabError("a verdict needs at least one curve.")
    verdicts = [_decide(curve, claim, per_client) for curve in all_curves]
    for finding in ("broken", "inconclusive"):
        for each in verdicts:
            if each.finding == finding:
                return each
    first = verdicts[0]
    if len(verdicts) == 1:
        return first
    return Verdict("kept", "; ".join(v.reason for v in verdicts), claim, first.axis, first.growth)


def suggest(curve: Curve) -> Verdict:
    """Return the verdict on the smallest claim that a curve keeps: O(1), or O of its axis.

    If it keeps neither, the verdict is broken (it grows faster) or inconclusive.
    """
    constant, proportional = (_decide(curve, claim) for claim in (O(1), O(curve.axis)))
    if constant.finding == "broken" or proportional:
        return proportional
    return constant


def describe(growth: Growth, axis: str, resolution: int = RESOLUTION["heap"]) -> str:
    """Return ``flat``, or the bytes per item of a curve as text."""
    if is_flat(growth, axis, resolution):
        return "flat"
    return show_per_item(growth.per_item, AXES.get(axis, "item"))


def is_flat(growth: Growth, axis: str, resolution: int) -> bool:
    """Return whether a curve is flat and its sweep is long enough to show a leak."""
    return growth.line.ci95[1] < _CERTAIN * _leak(axis) and not _too_short(growth, axis, resolution)


def grows(growth: Growth, axis: str, resolution: int) -> bool:
    """Return whether a curve certainly grows."""
    low = growth.line.ci95[0]
    certain = low > _CERTAIN * _leak(axis) and low * growth.span > resolution
    return certain or min(growth.steps) > resolution


def _resolution(curve: Curve) -> int:
    return RESOLUTION[curve.witness] + curve.noise


def _leak(axis: str) -> float:
    return SMALLEST_LEAK.get(axis, 1.0)


def _too_short(growth: Growth, axis: str, resolution: int) -> bool:
    return growth.span * _leak(axis) < resolution


def _levels_off(growth: Growth, sizes: tuple[int, ...], axis: str, resolution: int) -> bool:
    """Return whether memory rose and then stopped: the first sizes were smaller than a batch."""
    slopes = [step / (b - a) for step, (a, b) in zip(growth.steps, pairwise(sizes), strict=True)]
    rose = max(growth.steps[:-2], default=0) > resolution
    return rose and max(map(abs, slopes[-2:])) < _CERTAIN * _leak(axis)


def _decide(curve: Curve, claim: O, per_client: int | None = None) -> Verdict:
    if curve.witness not in RESOLUTION:
        raise LabError(f"a verdict is about memory, but the curve's witness is {curve.witness}.")
    if curve.axis == "n" and (named := COUNTABLE.intersection(claim.axes)):
        axis = min(named)
        raise LabError(f"{claim} names the axis {axis}, but the sizes count n: say --axis {axis}.")
    bound = per_client if curve.axis == "clients" else None
    claim = O("clients") if bound else claim
    sizes, peaks = curve.seen()
    if len(sizes) < FEWEST_SIZES:
        error = f" ({curve.overall_error})" if curve.overall_error else ""
        reason = f"{len(sizes)} sizes were measured, but a verdict needs {FEWEST_SIZES}{error}"
        return Verdict("inconclusive", reason, claim, curve.axis)
    growth = growth_of(sizes, peaks)
    decide = _decide_growing if {curve.axis, "n"}.intersection(claim.axes) else _decide_flat
    finding, reason = decide(growth, curve, sizes)
    if bound and finding != "broken" and grows(growth, curve.axis, _resolution(curve)):
        finding, reason = _decide_bound(growth, curve.axis, sizes, bound)
    return Verdict(finding, reason, claim, curve.axis, growth)


def _decide_bound(
    growth: Growth, axis: str, sizes: tuple[int, ...], most: int
) -> tuple[Finding, str]:
    """Test growth, which may be ragged, against the most bytes per item that were promised."""
    low, high = growth.line.ci95
    figures = f"{_figures(growth, axis)}{_over(sizes)}"
    promised = f"{show_bytes(most)} per {AXES[axis]} were promised"
    if low > most:
        return "broken", f"grows by {figures}, but {promised}"
    if high > most:
        return "inconclusive", f"grows by {figures}, and {promised}: measure more sizes to decide"
    return "kept", f"grows by {figures}; {promised}"


def _decide_flat(growth: Growth, curve: Curve, sizes: tuple[int, ...]) -> tuple[Finding, str]:
    axis, resolution = curve.axis, _resolution(curve)
    if _levels_off(growth, sizes, axis, resolution):
        stop = show_count(sizes[-3])
        return "inconclusive", (
            f"memory grows up to {stop} and then stops, as it does if the first sizes are smaller "
            f"than one batch: start at {stop}"
        )
    if grows(growth, axis, resolution):
        return "broken", f"grows with {axis}: {_figures(growth, axis)}{_over(sizes)}"
    if _too_short(growth, axis, resolution):
        needed = int(resolution / _leak(axis))
        item = AXES.get(axis, "item")
        return "inconclusive", (
            f"too small to tell:{_over(sizes)} a leak of {show_per_item(_leak(axis), item)} stays "
            f"below the resolution of the {curve.witness} witness, {show_bytes(resolution)}; let "
            f"the sizes span {show_count(needed)} or more"
        )
    if is_flat(growth, axis, resolution):
        return "kept", f"flat in {axis}: {_figures(growth, axis)}{_over(sizes)}"
    return "inconclusive", (
        f"the curve is too ragged to tell whether it is flat in {axis}: {_figures(growth, axis)}"
    )


def _decide_growing(growth: Growth, curve: Curve, sizes: tuple[int, ...]) -> tuple[Finding, str]:
    axis, resolution = curve.axis, _resolution(curve)
    if grows(growth, axis, resolution):
        if growth.exponent is None or growth.exponent_ci95 is None:
            return "inconclusive", f"the curve is too ragged to tell how it grows with {axis}"
        least = _ORDERED_STEPS if axis == "clients" else 1
        if growth.exponent_ci95[0] > 1.05 and growth.steepens >= least:
            return "broken", (
                f"grows faster than {axis}: exponent {growth.exponent:.2f}{_over(sizes)}"
            )
        if growth.exponent > 1.25:
            return "inconclusive", (
                f"may grow faster than {axis}: exponent {growth.exponent:.2f}, but the curve is "
                "too ragged to be sure; measure more sizes"
            )
        return "kept", f"grows with {axis}: {_figures(growth, axis)}{_over(sizes)}"
    if is_flat(growth, axis, resolution):
        return "broken", (
            f"does not grow with {axis}: {_figures(growth, axis)}{_over(sizes)}, so less memory is "
            "needed than was claimed"
        )
    return "inconclusive", (
        f"growth with {axis} cannot be distinguished from noise: {_figures(growth, axis)}; measure "
        "larger sizes"
    )


def _figures(growth: Growth, axis: str) -> str:
    low, high = growth.line.ci95
    item = AXES.get(axis, "item")
    return (
        f"{show_per_item(growth.per_item, item)} (95 % between {show_bytes(low)} "
        f"and {show_bytes(high)})"
    )


def _over(sizes: tuple[int, ...]) -> str:
    return f" from {show_count(sizes[0])} to {show_count(sizes[-1])}"
