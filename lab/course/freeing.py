"""What a free gives back: heap and resident set of processes at the stages of a life."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lab.course.card import Card
from lab.course.desk import told
from lab.course.lens import hold_and_let_go
from lab.measure.curve import Witness
from lab.pattern import Outcome
from lab.units import show_bytes, show_count

LINES = 100_000

STAGES = (
    "all lines are held",
    "one line in a hundred is kept",
    "as many lines are made again",
    "none is kept",
)

WITNESSES: tuple[Witness, ...] = ("heap", "rss")

_LONG_ENOUGH = 0.1
"""Seconds in which the heap's meter, which looks every 10 milliseconds, sees the end."""


@told
def what_comes_back(count: int = LINES) -> Card:
    """Measure the heap and the resident set at the end of each stage, and show both.

    Args:
        count: Lines that are made.
    """
    from lab.measure.sweep import Job, Schedule, run
    from lab.measure.workload import Workload

    stages = range(1, len(STAGES) + 1)
    workloads = [
        Workload(name, f"{__name__}:open_stages", {"count": count, "stages": stage}, None)
        for stage, name in zip(stages, STAGES, strict=True)
    ]
    readings = run([Job(one, how) for how in WITNESSES for one in workloads], Schedule())
    heaps, residents = readings[: len(STAGES)], readings[len(STAGES) :]
    rows = tuple(
        (name, *map(show_bytes, (heap.value, heap.series[-1][1], resident.counts["rss"])))
        for name, heap, resident in zip(STAGES, heaps, residents, strict=True)
    )
    said = (
        f"Of {show_count(count)} lines one in a hundred is kept: {rows[1][2]} of heap are left of "
        f"{rows[1][1]}, and {rows[1][3]} of the resident set of {rows[0][3]}."
    )
    columns = ("after the stage", "heap at its peak", "heap now", "RSS now")
    return Card(said, columns=columns, rows=rows)


@contextmanager
def open_stages(count: int, stages: int) -> Iterator[Callable[[], Outcome]]:
    """Yield a call that goes through stages and counts, at their end, the resident set in bytes."""
    import psutil

    process = psutil.Process()
    # Lines that went with the call would be gone when the heap is looked at for the last time.
    held: list[list[str]] = []

    def go() -> Outcome:
        before = process.memory_info().rss
        held.append(hold_and_let_go(count, stages))
        rise = process.memory_info().rss - before
        time.sleep(_LONG_ENOUGH)
        return Outcome(str(len(held[0])), {"rss": max(0, rise)})

    yield go
