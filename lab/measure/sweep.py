"""Sweeps: a subject at several sizes, each in a fresh process; the result is a curve."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from lab.claim import AXES
from lab.curves.curve import Curve, Point, Witness
from lab.errors import LabError, nearest
from lab.measure.environment import environment
from lab.measure.schedule import Job, Schedule, run
from lab.measure.workload import Function, Subject, Workload
from lab.units import doubling, increasing

DEFAULT_SIZES = doubling(8_000, 128_000)

Key = TypeVar("Key", bound=Hashable)


def sweep(
    target: str | Subject,
    axis: str = "n",
    sizes: Iterable[int] = DEFAULT_SIZES,
    *,
    setup: str | None = None,
    witnesses: Sequence[Witness] = ("heap",),
    schedule: Schedule | None = None,
) -> Curve:
    """Measure any function or endpoint at several sizes, each in a fresh process.

    Args:
        target: ``package.module:function``, which takes one positional integer; or an `Endpoint`.
        axis: What the integer counts, such as ``rows`` or ``bytes``.
        sizes: Increasing; a verdict needs five or more, each twice the one before.
        setup: A context manager that takes the size and yields the target's argument.
        witnesses: Any of ``heap``, ``rss``, ``seconds``; the first one is the curve's.
        schedule: How to run the points: how many side by side, with which timeout.

    Returns:
        The curve, in bytes (or seconds), for `lab.verdict`.

    Raises:
        LabError: The target cannot be imported, raised an error, or its process died; an
            application does not start, or answers with an error.
    """
    subject = Function(target, setup) if isinstance(target, str) else target
    described = sweep_of(subject, axis, sizes)
    return curves({described.target: described}, witnesses, schedule)[described.target]


@dataclass(frozen=True)
class Sweep:
    """A target's workloads along an axis, in order of increasing size.

    Attributes:
        target: The name of what is measured.
        axis: What the sizes count.
        workloads: Pairs of size and workload.
        noise: Bytes by which two equal runs may differ.
        timeout: Seconds for a point; None for those of the schedule.
    """

    target: str
    axis: str
    workloads: tuple[tuple[int, Workload], ...]
    noise: int = 0
    timeout: float | None = None


def sweep_of(
    subject: Subject, axis: str, sizes: Iterable[int], timeout: float | None = None
) -> Sweep:
    """Return the sweep of one subject.

    Raises:
        LabError: The sizes make no curve, or the axis does not apply to the subject.
    """
    sizes = increasing(tuple(sizes))
    if axis not in AXES:
        raise LabError(f"unknown axis {axis!r}: {nearest(axis, list(AXES))}")
    subject.require_axis(axis)
    workloads = tuple((size, subject.workload(axis, size)) for size in sizes)
    return Sweep(str(subject), axis, workloads, subject.noise, timeout)


def curves(
    sweeps: Mapping[Key, Sweep],
    witnesses: Sequence[Witness],
    schedule: Schedule | None = None,
) -> dict[Key, Curve]:
    """Measure several sweeps, all points in one schedule; the curves have the first witness."""
    jobs = {
        (key, size, witness): Job(workload, witness, f"{key} {witness}", timeout=each.timeout)
        for key, each in sweeps.items()
        for size, workload in each.workloads
        for witness in witnesses
    }
    readings = dict(zip(jobs, run(list(jobs.values()), schedule or Schedule()), strict=True))
    return {
        key: Curve(
            target=each.target,
            axis=each.axis,
            points=tuple(
                Point.of(size, {w: readings[key, size, w] for w in witnesses})
                for size, _ in each.workloads
            ),
            witness=witnesses[0],
            environment=environment(),
            noise=each.noise,
        )
        for key, each in sweeps.items()
    }
