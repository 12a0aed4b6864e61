"""Readings, points and curves: the results of measurements."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from lab.curves.allocation_sites import Site, growing
from lab.curves.elsewhere import NOWHERE, Elsewhere

Witness = Literal["heap", "rss", "seconds"]


@dataclass(frozen=True)
class Reading:
    """The result of one witness in one fresh process.

    Attributes:
        value: Bytes for ``heap`` and ``rss``, seconds for ``seconds``.
        digest: The digest of the target's answer.
        counts: The other counts of the outcome, by name.
        series: Memory over time, as (seconds, bytes); from the heap witness only.
        sites: The lines with the most memory at the peak; from the heap witness only.
        answer: What was drained, such as "generator".
        elsewhere: Memory that the witness does not see.
        garbage: Unreachable objects in cycles that the run left to the collector; heap only.
        garbage_bytes: Bytes of the resident set that these objects held.
        harness_seconds: Seconds that the harness added: process, inputs, warm-up, reading.
        error: One sentence why there is no value; None if there is a value.
        details: For an error, the end of its traceback or of the process's output.
        failed: Whether the target failed; False if it only ran out of time.
        wall_seconds: Seconds from the start of the process to its end, also after an error.
    """

    value: float = 0
    digest: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    series: tuple[tuple[float, int], ...] = ()
    sites: tuple[Site, ...] = ()
    answer: str = ""
    elsewhere: Elsewhere = NOWHERE
    garbage: int = 0
    garbage_bytes: int = 0
    harness_seconds: float = 0
    error: str | None = None
    details: str = ""
    failed: bool = False
    wall_seconds: float = 0


@dataclass(frozen=True)
class Point:
    """One target at one size; each witness measured it in a separate process, or its value is None.

    Attributes:
        size: The size along the curve's axis.
        peak_heap_bytes: Most bytes allocated at one moment, by memray with Python's allocators.
        peak_rss_bytes: Rise of the resident set over the warm process, in bytes.
        seconds: Time of a run without memray, including draining and digesting the answer.
        digest: The digest of the target's answer.
        error: One sentence why the point could not be measured, or None.
        counts: The other counts of the outcome, by name.
        series: Heap over time as (seconds, bytes).
        sites: The lines with the most heap at its peak, the largest first.
        details: Lines of traceback or output that belong to the error.
        answer: What was drained, such as "generator".
        elsewhere: Memory that the heap does not show.
        garbage: Unreachable objects in cycles that the run left to the collector.
        garbage_bytes: Bytes of the resident set that these objects held.
        repeats: Runs of which each figure is the median.
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
    answer: str = ""
    elsewhere: Elsewhere = NOWHERE
    garbage: int = 0
    garbage_bytes: int = 0
    repeats: int = 1

    @classmethod
    def of(cls, size: int, readings: Mapping[Witness, Reading], repeats: int = 1) -> "Point":
        """Combine the readings of all witnesses at one size."""
        errors = [reading for reading in readings.values() if reading.error]
        good = {witness: r for witness, r in readings.items() if r.error is None}
        first = next(iter(good.values()), Reading())
        heap, rss, seconds = good.get("heap"), good.get("rss"), good.get("seconds")
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
            answer=first.answer,
            elsewhere=replace(first.elsewhere, mapped=rss.elsewhere.mapped)
            if rss
            else first.elsewhere,
            garbage=heap.garbage if heap else 0,
            garbage_bytes=heap.garbage_bytes if heap else 0,
            repeats=repeats,
        )

    def own(self, witness: Witness) -> float | None:
        """Return the value of a witness, or None if it did not measure the point or failed."""
        return {
            "heap": self.peak_heap_bytes,
            "rss": self.peak_rss_bytes,
            "seconds": self.seconds,
        }[witness]

    def peak(self, witness: Witness) -> float | None:
        """Return the value of a witness of memory with what it cannot see, or None."""
        value = self.own(witness)
        if value is None or witness == "seconds":
            return value
        return value + self.elsewhere.outside(witness)


@dataclass(frozen=True)
class Curve:
    """Points of one target along one axis, and the environment in which they were measured.

    Attributes:
        target: The name of what was measured.
        axis: What its sizes count.
        points: From the smallest size to the largest.
        witness: The witness whose values a verdict uses.
        environment: Versions and the platform.
        noise: Bytes by which two equal runs may differ, in addition to the witness's resolution.
        answer_grows: Whether a flat curve means something only if the answer grew with the size.
        constant_answer: Why the answer need not grow; empty without such a reason.
        asked: Number of sizes that were asked for; the larger ones were taken because those could
            not tell. 0 for all.
        warm: Whether a smaller run came before each measured one.
        first_calls: Points at the smallest and the largest size without such a run; or none.
    """

    target: str
    axis: str
    points: tuple[Point, ...] = field(repr=False)
    witness: Witness = "heap"
    environment: Mapping[str, Any] = field(default_factory=dict, repr=False)
    noise: int = 0
    answer_grows: bool = False
    constant_answer: str = ""
    asked: int = 0
    warm: bool = True
    first_calls: tuple[Point, ...] = ()

    def seen(self) -> tuple[tuple[int, ...], tuple[float, ...]]:
        """Return the sizes and peaks of all points for which the curve's witness has a value."""
        pairs = [(p.size, p.peak(self.witness)) for p in self.points]
        measured = [(size, peak) for size, peak in pairs if peak is not None]
        return tuple(size for size, _ in measured), tuple(peak for _, peak in measured)

    @property
    def overall_error(self) -> str | None:
        """The first error among the points, or None."""
        return next((point.error for point in self.points if point.error), None)

    @property
    def error_details(self) -> str:
        """The details of the first error; empty if no point has one."""
        return next((point.details for point in self.points if point.error), "")


_LEAST_SHARE = 0.02
"""Of the growth of a curve; lines of code that grow by less in all do not explain it."""


def sites_that_grow(curve: Curve) -> tuple[Site, ...]:
    """Return the lines with more memory at the largest size than at the smallest, most first.

    There are none if the growth is outside of the heap.
    """
    points = [point for point in curve.points if point.sites]
    if len(points) < 2:
        return ()
    sites = growing(points[0].sites, points[-1].sites)
    grown = (points[-1].peak(curve.witness) or 0) - (points[0].peak(curve.witness) or 0)
    return sites if sum(site.bytes for site in sites) > _LEAST_SHARE * grown else ()
