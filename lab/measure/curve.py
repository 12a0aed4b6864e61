"""Points and curves: what a measurement found, and how it is written as JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from lab.measure.sites import Site, growing

Witness = Literal["heap", "rss", "seconds"]


@dataclass(frozen=True)
class Reading:
    """What one fresh process saw with one witness.

    Attributes:
        value: Bytes for ``heap`` and ``rss``, seconds for ``seconds``.
        digest: What the target answered.
        counts: What else belongs to the outcome, by name.
        series: Memory over time, as (seconds, bytes), from the heap witness only.
        sites: The lines that held the most at the peak, from the heap witness only.
        overhead: Seconds that the harness added to the run: process, world, warm-up, reading.
        error: Why there is no value, in a sentence; None when there is one.
        details: What belongs to the error: the end of a traceback, or of what was written.
        failed: The target failed, and did not merely run out of time.
        lasted: Seconds from the start of the process to its end, an error's included.
    """

    value: float = 0
    digest: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    series: tuple[tuple[float, int], ...] = ()
    sites: tuple[Site, ...] = ()
    overhead: float = 0
    error: str | None = None
    details: str = ""
    failed: bool = False
    lasted: float = 0


@dataclass(frozen=True)
class Point:
    """One target at one size; each witness has looked at it in a process of its own, or is None.

    Attributes:
        size: The size along the curve's axis.
        peak_heap_bytes: Most bytes allocated at one moment, by memray with Python's allocators.
        peak_rss_bytes: Rise of the resident set over the warm process.
        seconds: Time of an undisturbed run, draining and digesting the answer included.
        digest: What the target answered, as a digest.
        error: Why the point could not be measured, or None.
        counts: What else belongs to the outcome, by name.
        series: Heap over time as (seconds, bytes).
        sites: The lines that held the most of the heap at its peak, the largest first.
        details: What belongs to the error, over several lines.
    """

    size: int
    peak_heap_bytes: int | None = None
    peak_rss_bytes: int | None = None
    seconds: float | None = None
    digest: str = ""
    error: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    series: tuple[tuple[float, int], ...] = ()
    sites: tuple[Site, ...] = ()
    details: str = ""

    @classmethod
    def of(cls, size: int, readings: Mapping[Witness, Reading]) -> "Point":
        """Join what the witnesses saw of one size."""
        errors = [reading for reading in readings.values() if reading.error]
        seen = {witness: r for witness, r in readings.items() if r.error is None}
        first = next(iter(seen.values()), Reading())
        heap, rss, seconds = seen.get("heap"), seen.get("rss"), seen.get("seconds")
        return cls(
            size=size,
            peak_heap_bytes=round(heap.value) if heap else None,
            peak_rss_bytes=round(rss.value) if rss else None,
            seconds=seconds.value if seconds else None,
            digest=first.digest,
            error=errors[0].error if errors else None,
            counts=dict(first.counts),
            series=heap.series if heap else (),
            sites=heap.sites if heap else (),
            details=errors[0].details if errors else "",
        )

    def peak(self, witness: Witness) -> float | None:
        """Return what a witness saw, or None where it did not look or could not."""
        return {
            "heap": self.peak_heap_bytes,
            "rss": self.peak_rss_bytes,
            "seconds": self.seconds,
        }[witness]


@dataclass(frozen=True)
class Curve:
    """Points of one target along one axis, with the circumstances they were measured in.

    Attributes:
        target: What was measured.
        axis: What its sizes count.
        points: From the smallest size to the largest.
        witness: Whose figures a verdict is about.
        environment: Versions and the platform.
        noise: Bytes by which two runs of the same may differ, beyond what the witness cannot tell.
    """

    target: str
    axis: str
    points: tuple[Point, ...]
    witness: Witness = "heap"
    environment: Mapping[str, Any] = field(default_factory=dict)
    noise: int = 0

    def seen(self) -> tuple[tuple[int, ...], tuple[float, ...]]:
        """Return sizes and peaks of the points that the curve's witness could see."""
        pairs = [(p.size, p.peak(self.witness)) for p in self.points]
        good = [(size, peak) for size, peak in pairs if peak is not None]
        return tuple(size for size, _ in good), tuple(peak for _, peak in good)

    @property
    def overall_error(self) -> str | None:
        """Return the first error among the points, if any."""
        return next((point.error for point in self.points if point.error), None)

    @property
    def error_details(self) -> str:
        """Return what belongs to the first error, or nothing."""
        return next((point.details for point in self.points if point.error), "")


def sites_that_grow(curve: Curve) -> tuple[Site, ...]:
    """Return the lines that hold more at the largest size than at the smallest, the most first."""
    seen = [point for point in curve.points if point.sites]
    return growing(seen[0].sites, seen[-1].sites) if len(seen) > 1 else ()
