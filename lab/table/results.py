"""The measured table of the lesson: rows with figures, growth and a verdict."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from lab.curves.curve import Curve
from lab.curves.growth import Growth
from lab.curves.verdict import Verdict, describe
from lab.pattern import Variant
from lab.table.scenarios import Scenario
from lab.units import show_bytes

TOLERANCE = 1.1
"""A peak may exceed the amount that the lesson names by this factor."""


class CurveKey(NamedTuple):
    """Identifies a curve of the table.

    Attributes:
        pattern: Name of the pattern.
        variant: Name of the variant.
        axis: What the sizes of the curve count.
    """

    pattern: str
    variant: str
    axis: str


@dataclass(frozen=True)
class VariantFigures:
    """The figures of one variant at a scenario's size.

    Attributes:
        variant: Name of the variant.
        heap: Peak heap in bytes; None if it could not be measured.
        rss: Rise of the resident set in bytes; None if it could not be measured.
        extrapolated: Whether the figures were scaled up from smaller sizes.
        series: Heap over time as (seconds, bytes).
        digest: Digest of the answer; empty if the figures are extrapolated.
        error: Why a figure is missing, or None.
    """

    variant: str
    heap: int | None = None
    rss: int | None = None
    extrapolated: bool = False
    series: tuple[tuple[float, int], ...] = ()
    digest: str = ""
    error: str | None = None


@dataclass(frozen=True)
class Row:
    """One measured scenario: the figures of both variants, and the verdict on the lesson's claim.

    Attributes:
        scenario: What was measured.
        naive: Figures of the naive variant at the scenario's size.
        streaming: Figures of the streaming variant at that size.
        growth: Growth of the advised variant along the scenario's axis; None with too few points.
        verdict: Verdict on the lesson's claim for the advised variant.
        printed: The code that the lesson prints, if it is a trap and not the advised variant.
        printed_verdict: Verdict on the same claim for the printed code, if its memory is wrong.
        curves: All curves of the row.
    """

    scenario: Scenario
    naive: VariantFigures
    streaming: VariantFigures
    growth: Growth | None
    verdict: Verdict
    printed: Variant | None
    printed_verdict: Verdict | None
    curves: Mapping[CurveKey, Curve]

    def curve(self, variant: str) -> Curve:
        """Return the curve of a variant along the scenario's axis."""
        return self.curves[CurveKey(self.scenario.pattern, variant, self.scenario.axis)]

    @property
    def advised(self) -> VariantFigures:
        """Figures of the variant that the lesson advises and that the verdict is about."""
        return self.naive if self.scenario.judged == "naive" else self.streaming

    @property
    def growth_found(self) -> str:
        """Growth of the advised variant along the scenario's axis: flat, or bytes per item."""
        return describe(self.growth, self.scenario.axis) if self.growth else "not measured"

    @property
    def as_printed(self) -> str:
        """What is wrong with the code that the lesson prints, in a few words; else empty."""
        return _AS_PRINTED.get(self.printed.fails_by or "", "") if self.printed else ""


_AS_PRINTED = {
    "memory": "memory grows",
    "answer": "wrong answer",
    "statements": "N+1 statements",
}


@dataclass
class Timings:
    """Seconds that each phase of a table took.

    Attributes:
        data: Preparing the data.
        curves: Measuring the curves.
        scenarios: Measuring the scenarios at their own sizes.
        overheads: Seconds that the harness added to each point.
    """

    data: float = 0
    curves: float = 0
    scenarios: float = 0
    overheads: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class TableResult:
    """The measured table of the lesson.

    Attributes:
        rows: Rows in the lesson's order.
        environment: Versions and the platform.
        timings: Seconds that each phase took.
        quick: Whether the sizes were a tenth of the lesson's.
        left_out: A sentence for each variant whose extra is missing; its rows are left out.
    """

    rows: tuple[Row, ...]
    environment: Mapping[str, Any]
    timings: Timings
    quick: bool
    left_out: tuple[str, ...] = ()


def verdict_at_size(growth_verdict: Verdict, measured: VariantFigures, most: int | None) -> Verdict:
    """Return the verdict on growth, adjusted by the peak at the scenario's size.

    Args:
        growth_verdict: Verdict on the curve; if it is broken, it is returned unchanged.
        measured: Figures at the scenario's size; without a heap the verdict is inconclusive.
        most: Bytes that the lesson names; None if it names no amount.
    """
    claim, axis, growth = growth_verdict.claim, growth_verdict.axis, growth_verdict.growth
    if growth_verdict.finding == "broken":
        return growth_verdict
    if measured.heap is None:
        return Verdict("inconclusive", str(measured.error), claim, axis, growth)
    if most is None or measured.heap <= most * TOLERANCE:
        return growth_verdict
    times = measured.heap / most
    reason = (
        f"{show_bytes(measured.heap)} of heap, {times:.1f} times the {show_bytes(most)} it names"
    )
    return Verdict("broken", reason, claim, axis, growth)
