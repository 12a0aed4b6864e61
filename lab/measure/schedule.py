"""Schedules: jobs in fresh processes; memory is measured side by side, times alone."""

import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

from lab.curves.curve import Reading, Witness
from lab.errors import LabError
from lab.measure.environment import usable_cores
from lab.measure.process_pool import Processes
from lab.measure.reading_store import ReadingStore
from lab.measure.remote.dask import at_once
from lab.measure.remote.executor import Remote
from lab.measure.workload import Workload

DEFAULT_TIMEOUT = 600.0


@dataclass(frozen=True)
class Job:
    """One point to measure with one witness.

    Attributes:
        workload: What to run.
        witness: What to measure.
        series: Jobs of one series go from small to large; after one runs out of time or fails,
            the larger ones are not tried. Empty for no series.
        expected: Bytes that the run is expected to need; counts towards the schedule's
            ``max_memory``.
        timeout: Seconds for this point; None for those of the schedule.
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
        parallel: Number of processes that may measure memory side by side. Times are taken alone.
        timeout: Seconds for a point.
        max_memory: Bytes that all processes side by side may be expected to need; None for any.
        on_reading: Called with each job and its reading, from the thread that ran it.
        go_on: Whether to measure the other jobs after one fails; its reading has the error.
        executor: Its workers measure, instead of this machine, and make their own data. Dask
            measures as many points at once as it has workers, whatever ``parallel`` is.
        store: Readings from earlier in the run, which are not taken again.
        bench: Where several runs share their processes, which saves the imports; None for a new
            bench for each run.
    """

    parallel: int = field(default_factory=usable_cores)
    timeout: float = DEFAULT_TIMEOUT
    max_memory: int | None = None
    on_reading: Callable[[Job, Reading], None] | None = None
    go_on: bool = False
    executor: Executor | None = None
    store: ReadingStore | None = None
    bench: "Bench | None" = None


class Bench:
    """The processes that measure, and the threads that wait for them.

    The threads live as long as the processes that they started, because the kernel ends a process
    together with the thread that started it. Leaving the block ends them all.

    Args:
        parallel: Number of processes that may measure side by side.
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

        Memory is measured side by side, then times one by one. An error in one job ends all
        others, unless the schedule has ``go_on``, and so does Ctrl-C; after that no process is
        left running, and the next run starts new ones.

        Raises:
            LabError: A workload could not be measured.
        """
        if self._processes.closed:
            self._processes.__exit__()
            self._processes = Processes().__enter__()
        if schedule.executor is None:
            return self._run(jobs, schedule, self._processes)
        with Remote(schedule.executor, [job.workload for job in jobs]) as remote:
            return self._run(jobs, schedule, remote)

    def _run(
        self, jobs: Sequence[Job], schedule: Schedule, reader: Processes | Remote
    ) -> list[Reading]:
        gate = _Gate(schedule.max_memory)
        ended: dict[str, str] = {}

        def take(job: Job) -> Reading:
            if job.series and job.series in ended:
                reading = Reading(error=f"not tried: a smaller size {ended[job.series]}")
            else:
                with gate.admit(job.expected):
                    reading = _read(reader, job, schedule)
            if reading.error and job.series:
                ended.setdefault(job.series, "failed" if reading.failed else "ran out of time")
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
            wait(futures.values())
            raise


def run(jobs: Sequence[Job], schedule: Schedule) -> list[Reading]:
    """Measure jobs on the schedule's bench, or a new one, and return what `Bench.run` does."""
    if schedule.bench is not None:
        return schedule.bench.run(jobs, schedule)
    with Bench(at_once(schedule.executor, schedule.parallel)) as bench:
        return bench.run(jobs, schedule)


def _read(reader: Processes | Remote, job: Job, schedule: Schedule) -> Reading:
    start = time.perf_counter()
    timeout = schedule.timeout if job.timeout is None else job.timeout
    try:
        measure = partial(reader.read, job.workload, job.witness, timeout)
        store = schedule.store
        reading = store.reading(job.workload, job.witness, measure) if store else measure()
    except LabError as error:
        if not schedule.go_on:
            raise
        reading = Reading(error=str(error), details=error.details, failed=True)
    return replace(reading, wall_seconds=time.perf_counter() - start)


def _finish(futures: Collection[Future[Reading]]) -> None:
    """Wait for all futures; if one fails, raise its error at once."""
    done, _ = wait(futures, return_when=FIRST_EXCEPTION)
    for future in done:
        future.result()


class _Gate:
    """Admits jobs while the sum of their expected bytes is small enough; one job always fits."""

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
