"""Three ways to look at a call: heap by memray, resident set by the kernel, and the clock.

They run in the fresh process, one each, after the warm-up. The witness takes nothing along from
before: what the warm-up left is collected and then frozen, so that full collections during the
run depend on the run alone and not on how much the process has imported.
"""

import gc
import logging
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from lab.linux import return_free_memory, status
from lab.measure.curve import Reading, Witness
from lab.measure.sites import sites
from lab.pattern import Outcome

SERIES_POINTS = 100


def observe(
    witness: Witness, run: Callable[[], Outcome], scratch: Path, folder: Path
) -> tuple[Reading, float]:
    """Run a call under one witness; return the reading and the seconds that the run took.

    Args:
        witness: How to look at it.
        run: The call.
        scratch: Where files may be left.
        folder: What the reader's own code lies below.
    """
    _settle()
    if witness == "heap":
        return _heap(run, scratch, folder)
    return {"rss": _rss, "seconds": _seconds}[witness](run)


def _settle() -> None:
    # The second collection makes the interpreter forget how many objects there were before.
    gc.collect()
    gc.freeze()
    gc.collect()


def _heap(run: Callable[[], Outcome], scratch: Path, folder: Path) -> tuple[Reading, float]:
    import memray

    # How it finds its way into malloc, which differs between builds of Python, is nobody's output.
    memray.set_log_level(logging.ERROR)  # type: ignore[attr-defined]  # its stub lacks it
    capture = scratch / "heap.memray"
    start = time.perf_counter()
    with memray.Tracker(
        destination=memray.FileDestination(capture, overwrite=True, compress_on_exit=False),
        trace_python_allocators=True,
        file_format=memray.FileFormat.AGGREGATED_ALLOCATIONS,
    ):
        outcome = run()
    took = time.perf_counter() - start
    with memray.FileReader(capture) as reader:
        peak = reader.metadata.peak_memory
        series = [(snapshot.time, snapshot.heap) for snapshot in reader.get_memory_snapshots()]
        records = reader.get_high_watermark_allocation_records(merge_threads=True)
        held = sites(((record.size, record.stack_trace()) for record in records), folder)
    reading = Reading(peak, outcome.digest, outcome.counts, thin_out(series), held)
    return reading, took


def _rss(run: Callable[[], Outcome]) -> tuple[Reading, float]:
    # Or what the warm-up left free would hide part of the rise.
    return_free_memory()
    before = _reset_high_water_mark()
    start = time.perf_counter()
    outcome = run()
    took = time.perf_counter() - start
    rise = max(0, _high_water_mark() - before)
    return Reading(rise, outcome.digest, outcome.counts), took


def _seconds(run: Callable[[], Outcome]) -> tuple[Reading, float]:
    start = time.perf_counter()
    outcome = run()
    took = time.perf_counter() - start
    return Reading(took, outcome.digest, outcome.counts), took


def thin_out(
    series: Sequence[tuple[float, int]], most: int = SERIES_POINTS
) -> tuple[tuple[float, int], ...]:
    """Keep the highest of each stretch of a series, so that its peak survives.

    Takes times in milliseconds since the epoch, as memray writes them, and returns seconds from
    the first.
    """
    if not series:
        return ()
    begin = series[0][0]
    stretch = -(-len(series) // most)
    highest = (
        max(series[start : start + stretch], key=lambda pair: pair[1])
        for start in range(0, len(series), stretch)
    )
    return tuple((round((when - begin) / 1000, 3), heap) for when, heap in highest)


def _reset_high_water_mark() -> int:
    """Start a new high-water mark where the kernel can, and return the resident set in bytes."""
    if sys.platform != "linux":
        return _high_water_mark()
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return _high_water_mark()
    return status("VmRSS")


def _high_water_mark() -> int:
    """Return the highest resident set so far, in bytes.

    Linux's VmHWM belongs to this program alone; ru_maxrss would be inherited through exec. macOS
    has only ru_maxrss, in bytes there.
    """
    if sys.platform == "linux":
        return status("VmHWM")
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
