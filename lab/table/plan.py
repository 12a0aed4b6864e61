"""Plans for the points of the table: what is run, and what is extrapolated to save memory."""

from collections.abc import Mapping
from dataclasses import dataclass

from lab.curves.curve import Curve, Reading, Witness
from lab.curves.growth import growth
from lab.measure.schedule import Job
from lab.pattern import Pattern
from lab.table.results import VariantFigures
from lab.table.scenarios import Scenario
from lab.variants import variant_workload

_HEADROOM = 1.6
"""Resident set of a naive variant divided by its heap; arenas and the allocator add to it."""


@dataclass(frozen=True)
class PointPlan:
    """How one variant is measured: at the scenario's size, or at a smaller size and scaled up.

    Attributes:
        lesson: The pattern.
        variant: Name of the variant.
        axis: The scenario's axis.
        workload_size: The size that is run.
        expected: Bytes that the run is expected to need.
        heap: Heap in bytes from the line through the curve, if it is extrapolated; else None.
        scale: Factor for the resident set, if it is extrapolated.
    """

    lesson: Pattern
    variant: str
    axis: str
    workload_size: int
    expected: int
    heap: int | None = None
    scale: float = 1.0

    def jobs(self) -> dict[Witness, Job]:
        """Return the job of each witness that is needed."""
        sizes = {self.axis: self.workload_size}
        workload = variant_workload(self.lesson, self.lesson[self.variant], sizes)
        witnesses: tuple[Witness, ...] = ("heap", "rss") if self.heap is None else ("rss",)
        return {witness: Job(workload, witness, expected=self.expected) for witness in witnesses}

    def measured(self, readings: Mapping[Witness, Reading]) -> VariantFigures:
        """Return the figures at the scenario's size, scaled up where they are extrapolated."""
        rss, heap = readings["rss"], readings.get("heap")
        errors = [reading.error for reading in readings.values() if reading.error]
        error = f"{self.variant} was {errors[0]}" if errors else None
        resident = None if rss.error else round(rss.value * self.scale)
        if heap is None:
            return VariantFigures(self.variant, self.heap, resident, extrapolated=True, error=error)
        peak = None if heap.error else round(heap.value)
        return VariantFigures(
            self.variant, peak, resident, series=heap.series, digest=heap.digest, error=error
        )


def plan_point(
    lesson: Pattern, variant: str, scenario: Scenario, curve: Curve, max_memory: int | None
) -> PointPlan:
    """Plan one variant; only a naive variant is extrapolated, if it would need too much memory."""
    sizes, peaks = curve.seen()
    axis, size = scenario.axis, scenario.size
    if len(sizes) < 2:
        return PointPlan(lesson, variant, axis, size, 0)
    line = growth(sizes, peaks).line
    expected = round(max(0.0, line.at(size)) * _HEADROOM)
    fits = max_memory is None or expected <= max_memory
    if fits or lesson[variant].role != "naive" or size <= sizes[-1]:
        return PointPlan(lesson, variant, axis, size, expected)
    heap = round(line.at(size))
    small = round(peaks[-1] * _HEADROOM)
    return PointPlan(lesson, variant, axis, sizes[-1], small, heap, heap / peaks[-1])
