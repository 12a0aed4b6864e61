"""The lesson's table as it was measured: rows with figures, growth and a verdict."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.measure.curve import Curve
from lab.measure.growth import Growth
from lab.measure.verdict import Verdict, describe
from lab.pattern import Variant
from lab.scenarios import Scenario
from lab.units import show_bytes

TOLERANCE = 1.1
"""A named amount is kept up to a tenth more than it says."""


@dataclass(frozen=True)
class Measured:
    """One variant at a scenario's size.

    Attributes:
        variant: Its name.
        heap: Peak heap in bytes; None where it could not be measured.
        rss: Rise of the resident set in bytes; None likewise.
        extrapolated: Whether the figures were scaled up from smaller sizes.
        series: Heap over time as (seconds, bytes).
        digest: Its answer; empty where it was extrapolated.
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
    """One scenario, measured: figures of both variants, and the verdict on what the lesson says.

    Attributes:
        scenario: What was measured.
        naive: The naive variant at the scenario's size.
        streaming: The streaming one.
        growth: Of the advised variant along the scenario's axis; None with too few points.
        verdict: On the lesson's claim for the advised variant.
        printed: The lesson's own code, where it is a trap instead of the advised variant.
        printed_verdict: On the same claim for the lesson's own code, where that is about memory.
        curves: All curves of the row, by variant and axis.
    """

    scenario: Scenario
    naive: Measured
    streaming: Measured
    growth: Growth | None
    verdict: Verdict
    printed: Variant | None
    printed_verdict: Verdict | None
    curves: Mapping[tuple[str, str], Curve]

    @property
    def advised(self) -> Measured:
        """The variant that the lesson advises, and the verdict is about."""
        return self.naive if self.scenario.judged == "naive" else self.streaming

    @property
    def growth_found(self) -> str:
        """What the advised variant does along the scenario's axis: flat, or bytes per item."""
        return describe(self.growth, self.scenario.axis) if self.growth else "not measured"

    @property
    def as_printed(self) -> str:
        """What is wrong with the lesson's own code, in a few words; empty where nothing is."""
        return _AS_PRINTED.get(self.printed.springs or "", "") if self.printed else ""


_AS_PRINTED = {
    "memory": "memory grows",
    "answer": "wrong answer",
    "statements": "N+1 statements",
}


@dataclass
class Timings:
    """Where the time went, in seconds; ``overheads`` has what the harness added to each point."""

    data: float = 0
    curves: float = 0
    scenarios: float = 0
    overheads: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Table:
    """The lesson's table, measured.

    Attributes:
        rows: In the lesson's order.
        environment: Where it was measured.
        timings: Where the time went.
        quick: Whether it was at a tenth of the sizes.
        left_out: A sentence for each variant whose extra is missing; its rows are left out.
    """

    rows: tuple[Row, ...]
    environment: Mapping[str, Any]
    timings: Timings
    quick: bool
    left_out: tuple[str, ...] = ()


def judge_amount(found: Verdict, measured: Measured, most: int | None) -> Verdict:
    """Hold a peak against the amount that was named.

    What is broken already stays so; what could not be measured is inconclusive.
    """
    if found.finding == "broken":
        return found
    if measured.heap is None:
        return Verdict("inconclusive", str(measured.error), found.claim, found.axis, found.growth)
    if most is None or measured.heap <= most * TOLERANCE:
        return found
    times = measured.heap / most
    reason = (
        f"{show_bytes(measured.heap)} of heap, {times:.1f} times the {show_bytes(most)} it names"
    )
    return Verdict("broken", reason, found.claim, found.axis, found.growth)
