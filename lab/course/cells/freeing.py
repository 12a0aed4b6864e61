"""Measures what freeing memory returns: the heap and the resident set after each of four stages."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lab.course.cells.card import Card, as_card
from lab.course.examples.log_lines import hold_and_let_go
from lab.curves.curve import Witness
from lab.outcome import Outcome
from lab.units import show_bytes, show_count

LINES = 100_000

STAGES = (
    "all lines are kept",
    "one line in a hundred is kept",
    "as many lines are made again",
    "no line is kept",
)

WITNESSES: tuple[Witness, ...] = ("heap", "rss")

_PAUSE = 0.1
"""Seconds after the last stage, so that the meter's 10 millisecond samples include its end."""


@as_card
def what_comes_back(count: int = LINES) -> Card:
    """Show the heap and the resident set at the end of each stage.

    Args:
        count: Number of lines in the first stage.
    """
    from lab.measure.schedule import Job, Schedule, run
    from lab.measure.workload import Workload

    stages = range(1, len(STAGES) + 1)
    workloads = [
        Workload(name, f"{__name__}:open_stages", {"count": count, "stages": stage}, None)
        for stage, name in zip(stages, STAGES, strict=True)
    ]
    readings = run([Job(load, witness) for witness in WITNESSES for load in workloads], Schedule())
    heaps, residents = readings[: len(STAGES)], readings[len(STAGES) :]
    rows = tuple(
        (name, *map(show_bytes, (heap.value, heap.series[-1][1], resident.counts["rss"])))
        for name, heap, resident in zip(STAGES, heaps, residents, strict=True)
    )
    sentence = (
        f"Of {show_count(count)} lines one in a hundred is kept: {rows[1][2]} of the heap of "
        f"{rows[1][1]} are left, and {rows[1][3]} of the resident set of {rows[0][3]}."
    )
    columns = ("after the stage", "peak heap", "heap now", "RSS now")
    return Card(sentence, columns=columns, rows=rows)


@contextmanager
def open_stages(count: int, stages: int) -> Iterator[Callable[[], Outcome]]:
    """Yield a call that runs the first stages, and counts the rise of the RSS in bytes."""
    import psutil

    process = psutil.Process()
    # Outside the call, so that the lines still exist when the heap is sampled for the last time.
    kept: list[list[str]] = []

    def run_stages() -> Outcome:
        before = process.memory_info().rss
        kept.append(hold_and_let_go(count, stages))
        rise = process.memory_info().rss - before
        time.sleep(_PAUSE)
        return Outcome(str(len(kept[0])), {"rss": max(0, rise)})

    yield run_stages
