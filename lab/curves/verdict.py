"""Verdicts: whether curves keep a claim. Pure arithmetic; this module imports no meter.

A curve is *flat* if the whole 95 % interval of its slope is below the smallest leak: one byte per
item, which is an eighth of the pointer that a list stores for each element (for an axis of bytes,
one byte in a hundred). It *grows* if the interval is above the smallest leak and the growth over
the sweep exceeds the resolution of the witness, or if every step exceeds that resolution, and if it
shows no sign of an end. Otherwise the verdict is inconclusive, for example because the sweep is too
short to show a leak, or because nothing shows that a flat curve measured anything.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from lab.claim import AXES, O
from lab.curves.curve import Curve
from lab.curves.decide import Decision, Finding, Wants, decide, figures
from lab.curves.growth import Growth
from lab.curves.limits import (
    COUNTABLE,
    RESOLUTION,
    SMALLEST_LEAK,
    resolution,
    smallest_leak,
)
from lab.curves.shape import Shape
from lab.errors import LabError
from lab.units import show_bytes, show_per_item

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
        wants: What would tell more, such as larger sizes; empty if the finding is certain.
    """

    finding: Finding
    reason: str
    claim: O
    axis: str
    growth: Growth | None = None
    wants: Wants = ""

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
    if constant.finding == "broken":
        return proportional
    # What grows may still turn out to be flat at larger sizes.
    return replace(proportional, wants=constant.wants) if proportional else constant


def describe(growth: Growth, axis: str) -> str:
    """Return ``flat``, or the bytes per item of a curve of heap peaks as text."""
    leak = SMALLEST_LEAK.get(axis, 1.0)
    if growth.line.ci95[1] < leak and growth.span * leak >= RESOLUTION["heap"]:
        return "flat"
    return show_per_item(growth.per_item, AXES.get(axis, "item"))


def _decide(curve: Curve, claim: O, per_client: int | None = None) -> Verdict:
    if curve.witness not in RESOLUTION:
        raise LabError(f"a verdict is about memory, but the curve's witness is {curve.witness}.")
    if curve.axis == "n" and (named := COUNTABLE.intersection(claim.axes)):
        axis = min(named)
        raise LabError(f"{claim} names the axis {axis}, but the sizes count n: say --axis {axis}.")
    bound = per_client if curve.axis == "clients" else None
    claim = O("clients") if bound else claim
    found = decide(curve, grows=bool({curve.axis, "n"}.intersection(claim.axes)))
    if bound and found.growth is not None:
        found = _within(curve, found, bound)
    return Verdict(found.finding, found.reason, claim, curve.axis, found.growth, found.wants)


def _within(curve: Curve, found: Decision, most: int) -> Decision:
    """Test growth, which may be ragged, against the most bytes per client that were promised."""
    shape = Shape(*curve.seen(), resolution(curve), smallest_leak(curve))
    if found.finding == "broken" or not shape.rises:
        return found
    low, high = shape.growth.line.ci95
    grows = f"grows by {figures(curve, shape)}"
    promised = f"{show_bytes(most)} per {AXES[curve.axis]} were promised"
    if low > most:
        return Decision("broken", f"{grows}, but {promised}", growth=shape.growth)
    if high > most:
        reason = f"{grows}, and {promised}: measure more sizes to decide"
        return Decision("inconclusive", reason, growth=shape.growth)
    return Decision("kept", f"{grows}; {promised}", growth=shape.growth)
