"""Sweeps: many fresh processes, side by side where that changes nothing, alone where it would."""

import threading
import time
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

from lab.errors import LabError, nearest
from lab.measure.curve import Curve, Point, Reading, Witness
from lab.measure.dask import at_once
from lab.measure.environment import environment, usable_cores
from lab.measure.process import Processes
from lab.measure.remote import Remote
from lab.measure.workload import Function, Subject, Workload
from lab.pattern import AXES
from lab.units import doubling, increasing

DEFAULT_SIZES = doubling(8_000, 128_000)
DEFAULT_TIMEOUT = 600.0

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Job:
    """One point to be taken with one witness.

    Attributes:
        workload: What to run.
        witness: How to look at it.
        series: Jobs of one series go from small to large; when one runs out of time or fails,
            the larger ones are not tried.
        expected: Bytes that the run is expected to need; runs side by side share what there is.
        timeout: Seconds for this point; those of the schedule, if None.
    """

    workload: Workload
    witness: Witness
    series: str = ""
    expected: int = 0
    timeout: float | None = None


@dataclass
class Schedule:
    """How jobs are run.

    Attributes:
        parallel: How many processes may measure memory side by side. Times are taken alone.
        timeout: Seconds for a point.
        max_memory: Bytes that the processes running side by side may be expected to need.
        on_reading: Called with each job and its reading, from the thread that ran it.
        go_on: Measure the others when a job fails; its reading says what it failed of.
        executor: Has its workers measure, instead of this machine; they make their own data. On
            Dask there are as many points out at once as workers, whatever ``parallel`` is.
    """

    parallel: int = field(default_factory=usable_cores)
    timeout: float = DEFAULT_TIMEOUT
    max_memory: int | None = None
    on_reading: Callable[[Job, Reading], None] | None = None
    go_on: bool = False
    executor: Executor | None = None


class Bench:
    """Where jobs are run: processes, and the threads that wait for them.

    The threads last as long as the processes that they started: the kernel would end those
    together with the thread. Leaving the block ends them all.

    Args:
        parallel: How many processes may measure side by side.
    """

    def __init__(self, parallel: int) -> None:
        self._processes = Processes()
        self._pool = ThreadPoolExecutor(max_workers=max(1, parallel))

    def __enter__(self) -> "Bench":
        self._processes.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._processes.__exit__(*error)

    def run(self, jobs: Sequence[Job], schedule: Schedule) -> list[Reading]:
        """Measure every job and return the readings in the order of the jobs.

        Memory is taken side by side, then times one by one. An error in one job ends all others,
        unless the schedule says to go on, and so does Ctrl-C: no process is left running, and the
        bench is of no use any more.

        Raises:
            LabError: A workload could not be measured.
        """
        if schedule.executor is None:
            return self._run(jobs, schedule, self._processes)
        with Remote(schedule.executor, [job.workload for job in jobs]) as remote:
            return self._run(jobs, schedule, remote)

    def _run(
        self, jobs: Sequence[Job], schedule: Schedule, reader: Processes | Remote
    ) -> list[Reading]:
        gate = _Gate(schedule.max_memory)
        late: dict[str, str] = {}

        def take(job: Job) -> Reading:
            if job.series and job.series in late:
                reading = Reading(error=f"not tried: a smaller size {late[job.series]}")
            else:
                with gate.admit(job.expected):
                    reading = _read(reader, job, schedule)
            if reading.error and job.series:
                late.setdefault(job.series, "failed" if reading.failed else "ran out of time")
            if schedule.on_reading is not None:
                schedule.on_reading(job, reading)
            return reading

        futures: dict[int, Future[Reading]] = {}
        try:
            for number, job in enumerate(jobs):
                if job.witness != "seconds":
                    futures[number] = self._pool.submit(take, job)
            _finish(futures.values())
            for number, job in enumerate(jobs):
                if job.witness == "seconds":
                    futures[number] = self._pool.submit(take, job)
                    _finish([futures[number]])
            return [futures[number].result() for number in range(len(jobs))]
        except BaseException:
            for future in futures.values():
                future.cancel()
            reader.close()
            raise


def run(jobs: Sequence[Job], schedule: Schedule) -> list[Reading]:
    """Measure jobs on a bench of their own, as `Bench.run` says."""
    with Bench(at_once(schedule.executor, schedule.parallel)) as bench:
        return bench.run(jobs, schedule)


def _read(reader: Processes | Remote, job: Job, schedule: Schedule) -> Reading:
    start = time.perf_counter()
    timeout = schedule.timeout if job.timeout is None else job.timeout
    try:
        reading = reader.read(job.workload, job.witness, timeout)
    except LabError as error:
        if not schedule.go_on:
            raise
        reading = Reading(error=str(error), details=error.details, failed=True)
    return replace(reading, lasted=time.perf_counter() - start)


def sweep(
    target: str | Subject,
    axis: str = "n",
    sizes: Iterable[int] = DEFAULT_SIZES,
    *,
    setup: str | None = None,
    witnesses: Sequence[Witness] = ("heap",),
    schedule: Schedule | None = None,
) -> Curve:
    """Measure anybody's function, or endpoint, at several sizes, each in a fresh process.

    Args:
        target: ``package.module:function``, which takes one positional integer; or an `Endpoint`.
        axis: What the integer counts, such as ``rows`` or ``bytes``.
        sizes: Increasing; a verdict wants five or more, each twice the one before.
        setup: A context manager that takes the size and yields what the target is given instead.
        witnesses: Any of ``heap``, ``rss``, ``seconds``; the first one is the curve's.
        schedule: How many side by side, and how long each may take.

    Returns:
        The curve, in bytes (or seconds), for `lab.verdict`.

    Raises:
        LabError: The target cannot be imported, raised, or its process died; an application does
            not start, or answers with an error.
    """
    subject = Function(target, setup) if isinstance(target, str) else target
    wanted = sweep_of(subject, axis, sizes)
    return curves({wanted.target: wanted}, witnesses, schedule)[wanted.target]


@dataclass(frozen=True)
class Sweep:
    """A target's workloads along an axis, each with its size, in increasing order.

    Attributes:
        target: What is measured.
        axis: What the sizes count.
        workloads: Sizes, each with what to run.
        noise: Bytes by which two runs of the same may differ.
        timeout: Seconds for a point; those of the schedule, if None.
    """

    target: str
    axis: str
    workloads: tuple[tuple[int, Workload], ...]
    noise: int = 0
    timeout: float | None = None


def sweep_of(
    subject: Subject, axis: str, sizes: Iterable[int], timeout: float | None = None
) -> Sweep:
    """Describe a sweep of one subject.

    Raises:
        LabError: The sizes make no curve, or the axis means nothing here.
    """
    sizes = increasing(tuple(sizes))
    if axis not in AXES:
        raise LabError(f"unknown axis {axis!r}: {nearest(axis, list(AXES))}")
    subject.check(axis)
    workloads = tuple((size, subject.workload(axis, size)) for size in sizes)
    return Sweep(str(subject), axis, workloads, subject.noise, timeout)


def curves(
    sweeps: Mapping[Key, Sweep],
    witnesses: Sequence[Witness],
    schedule: Schedule | None = None,
) -> dict[Key, Curve]:
    """Measure several sweeps, all points in one schedule; the first witness is the curves'."""
    jobs = {
        (key, size, witness): Job(workload, witness, f"{key} {witness}", timeout=swept.timeout)
        for key, swept in sweeps.items()
        for size, workload in swept.workloads
        for witness in witnesses
    }
    readings = dict(zip(jobs, run(list(jobs.values()), schedule or Schedule()), strict=True))
    return {
        key: Curve(
            target=swept.target,
            axis=swept.axis,
            points=tuple(
                Point.of(size, {w: readings[key, size, w] for w in witnesses})
                for size, _ in swept.workloads
            ),
            witness=witnesses[0],
            environment=environment(),
            noise=swept.noise,
        )
        for key, swept in sweeps.items()
    }


def _finish(futures: Collection[Future[Reading]]) -> None:
    """Wait for all, or raise the error of the first that fails."""
    done, _ = wait(futures, return_when=FIRST_EXCEPTION)
    for future in done:
        future.result()


class _Gate:
    """Admits jobs while what they are expected to need together fits; one alone always fits."""

    def __init__(self, most: int | None) -> None:
        self._most = most
        self._used = 0
        self._running = 0
        self._changed = threading.Condition()

    @contextmanager
    def admit(self, expected: int) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: self._fits(expected))
            self._used += expected
            self._running += 1
        try:
            yield
        finally:
            with self._changed:
                self._used -= expected
                self._running -= 1
                self._changed.notify_all()

    def _fits(self, expected: int) -> bool:
        if self._most is None or self._running == 0 or expected == 0:
            return True
        return self._used + expected <= self._most
