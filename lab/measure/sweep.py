"""Sweeps: a subject at several sizes, each in a fresh process; the result is a curve."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median_low
from typing import TypeVar

from lab.claim import AXES
from lab.curves.curve import Curve, Point, Reading, Witness
from lab.curves.limits import FEWEST_SIZES, default_sizes
from lab.errors import LabError, nearest
from lab.measure.environment import environment
from lab.measure.schedule import Job, Schedule, run
from lab.measure.workload import Subject, Workload
from lab.units import increasing

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Sweep:
    """A target's workloads along an axis.

    Attributes:
        target: The name of what is measured.
        axis: What the sizes count.
        sizes: Increasing.
        make: Returns the workload at a size.
        noise: Bytes by which two equal runs may differ.
        timeout: Seconds for a point; None for those of the schedule.
        answer_grows: Whether the answer has to grow with the size, as evidence.
        constant_answer: Why it need not; empty without such a reason.
        warm: Whether a smaller run comes before each measured one.
        extends: Whether larger sizes than these may be measured.
    """

    target: str
    axis: str
    sizes: tuple[int, ...]
    make: Callable[[int], Workload]
    noise: int = 0
    timeout: float | None = None
    answer_grows: bool = False
    constant_answer: str = ""
    warm: bool = True
    extends: bool = False

    def workload(self, size: int, *, warm: bool | None = None) -> Workload:
        """Return the workload at a size, with a warm-up or without."""
        made = self.make(size)
        return made if (self.warm if warm is None else warm) else replace(made, warm_up=None)


def sweep_of(
    subject: Subject, axis: str, sizes: Iterable[int] | None = None, timeout: float | None = None
) -> Sweep:
    """Return the sweep of one subject, by default at five sizes that suit it.

    Raises:
        LabError: The sizes make no curve, or the axis does not apply to the subject.
    """
    if axis not in AXES:
        raise LabError(f"unknown axis {axis!r}: {nearest(axis, list(AXES))}")
    subject.require_axis(axis)
    chosen = default_sizes(axis, subject.noise) if sizes is None else increasing(tuple(sizes))
    return Sweep(
        str(subject),
        axis,
        chosen,
        lambda size: subject.workload(axis, size),
        subject.noise,
        timeout,
        answer_grows=subject.open_ended and axis in ("n", "rows", "bytes", "keys"),
        extends=subject.open_ended,
    )


Taken = tuple[int, Witness, bool]
"""Size, witness, and whether with a warm-up."""


@dataclass
class Readings:
    """All readings of one sweep so far; the sweep's sizes and witnesses may become more.

    Attributes:
        sweep: The sweep.
        witnesses: The first one is the curve's.
        by_run: Readings by size, witness and warm-up, in the order in which they were taken.
        sizes: The sizes of the curve.
        warm: Whether the curve is that of the runs with a warm-up.
    """

    sweep: Sweep
    witnesses: tuple[Witness, ...]
    by_run: dict[Taken, list[Reading]] = field(default_factory=dict)
    sizes: tuple[int, ...] = ()
    warm: bool = True

    def __post_init__(self) -> None:
        self.sizes, self.warm = self.sweep.sizes, self.sweep.warm

    def first(self) -> list[Taken]:
        """Return the runs that were asked for."""
        warm = self.sweep.warm
        return [(size, witness, warm) for size in self.sweep.sizes for witness in self.witnesses]

    def job(self, taken: Taken, series: str) -> Job:
        """Return the job for one more reading."""
        size, witness, warm = taken
        workload = self.sweep.workload(size, warm=warm)
        expected, timeout = self._expected(size), self.sweep.timeout
        return Job(workload, witness, f"{series} {witness}", expected, timeout)

    def _expected(self, size: int) -> int:
        """Return the bytes that a run will need, by the highest peak so far; 0 for the first."""
        peaks = [
            (r.value, s) for (s, w, _), rs in self.by_run.items() if w != "seconds" for r in rs
        ]
        peak, at = max(peaks, default=(0, size))
        return round(peak * max(1.0, size / at))

    def add(self, taken: Taken, reading: Reading) -> None:
        """Add a reading."""
        self.by_run.setdefault(taken, []).append(reading)

    def curve(self) -> Curve:
        """Return the curve of all readings; of several of one run, it has the median."""
        first_calls = self.ends if self.warm and self.has_first_calls else ()
        return Curve(
            target=self.sweep.target,
            axis=self.sweep.axis,
            points=tuple(self._point(size, self.warm) for size in self.sizes),
            witness=self.witnesses[0],
            environment=environment(),
            noise=self.sweep.noise,
            answer_grows=self.sweep.answer_grows,
            constant_answer=self.sweep.constant_answer,
            asked=len(self.sweep.sizes),
            warm=self.warm,
            first_calls=tuple(self._point(size, False) for size in first_calls),
        )

    @property
    def ends(self) -> tuple[int, int]:
        """The smallest and the largest size of those on which a flat curve is decided."""
        return self.sizes[-FEWEST_SIZES:][0], self.sizes[-1]

    @property
    def has_first_calls(self) -> bool:
        """Whether both ends were measured without a warm-up."""
        return all((size, self.witnesses[0], False) in self.by_run for size in self.ends)

    def _point(self, size: int, warm: bool) -> Point:
        taken = {
            w: self.by_run[size, w, warm] for w in self.witnesses if (size, w, warm) in self.by_run
        }
        repeats = max(len(readings) for readings in taken.values())
        return Point.of(size, {w: _middle(r) for w, r in taken.items()}, repeats)


def _middle(readings: Sequence[Reading]) -> Reading:
    """Return the reading with the median value; an error comes first.

    The peaks of child processes are sampled, so each is a lower bound: the highest is the closest.
    """
    if errors := [reading for reading in readings if reading.error]:
        return errors[0]
    middle = median_low(reading.value for reading in readings)
    found = next(reading for reading in readings if reading.value == middle)
    highest = max((reading.elsewhere for reading in readings), key=lambda e: e.children)
    elsewhere = replace(found.elsewhere, children=highest.children, commands=highest.commands)
    return replace(found, elsewhere=elsewhere)


def curves(
    sweeps: Mapping[Key, Sweep],
    witnesses: Sequence[Witness],
    schedule: Schedule | None = None,
) -> dict[Key, Curve]:
    """Measure several sweeps, all points in one schedule; the curves have the first witness."""
    readings = {key: Readings(each, tuple(witnesses)) for key, each in sweeps.items()}
    wanted = {key: each.first() for key, each in readings.items()}
    for key, new in take(readings, wanted, schedule or Schedule()).items():
        for taken, reading in zip(wanted[key], new, strict=True):
            readings[key].add(taken, reading)
    return {key: each.curve() for key, each in readings.items()}


def take(
    of: Mapping[Key, Readings], wanted: Mapping[Key, Sequence[Taken]], schedule: Schedule
) -> dict[Key, list[Reading]]:
    """Measure runs of several sweeps, and return their readings.

    Raises:
        LabError: A workload could not be made or measured, and the schedule does not go on.
    """
    jobs: list[Job] = []
    readings: dict[Key, list[Reading | None]] = {key: [] for key in wanted}
    for key, runs in wanted.items():
        for taken in runs:
            try:
                jobs.append(of[key].job(taken, str(key)))
                readings[key].append(None)
            except LabError as error:  # such as a body whose file is missing
                if not schedule.go_on:
                    raise
                readings[key].append(Reading(error=str(error), failed=True))
    measured = iter(run(jobs, schedule))
    return {key: [next(measured) if r is None else r for r in rs] for key, rs in readings.items()}
