"""Three ways to measure a call: heap by memray, resident set by the kernel, and the clock.

One of them runs in the fresh process after the warm-up. All objects that the warm-up left are
first collected and then frozen, so that full collections during the run depend only on the run
and not on how much the process has imported.
"""

import gc
import logging
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from lab.curves.allocation_sites import sites
from lab.curves.curve import Reading, Witness
from lab.curves.elsewhere import NOWHERE, Elsewhere
from lab.errors import LabError
from lab.measure.native_pools import PoolWatch
from lab.outcome import Outcome
from lab.system.linux import return_free_memory, status

SERIES_POINTS = 100
"""Points that are kept of the heap over time."""


def observe(
    witness: Witness,
    run: Callable[[], Outcome],
    name: str,
    scratch: Path,
    folder: Path,
    tell: Callable[[], None] = lambda: None,
) -> tuple[Reading, float]:
    """Run a call under one witness; return the reading and the seconds of the run.

    Args:
        witness: What to measure.
        run: The call.
        name: Its name in messages.
        scratch: A folder for temporary files.
        folder: The folder of the user's own code.
        tell: Called right before and right after the call, if memory is measured.

    Raises:
        LabError: The call damaged the record of its heap.
    """
    _settle()
    if witness == "seconds":
        start = time.perf_counter()
        outcome = run()
        seconds = time.perf_counter() - start
        return _reading(seconds, outcome), seconds
    # Memory that the warm-up left free would hide a part of the rise.
    return_free_memory()
    if witness == "heap":
        return _heap(run, name, scratch, folder, tell)
    return _rss(run, tell)


def _settle() -> None:
    # The second collection resets the interpreter's count of long-lived objects.
    gc.collect()
    gc.freeze()
    gc.collect()


def _heap(
    run: Callable[[], Outcome], name: str, scratch: Path, folder: Path, tell: Callable[[], None]
) -> tuple[Reading, float]:
    import memray

    # Its warnings on how it hooks malloc differ between builds of Python and do not matter here.
    memray.set_log_level(logging.ERROR)  # type: ignore[attr-defined]  # its stub lacks it
    capture = scratch / "heap.memray"
    tell()
    before, pools = _reset_high_watermark(), PoolWatch()
    start = time.perf_counter()
    with memray.Tracker(
        destination=memray.FileDestination(capture, overwrite=True, compress_on_exit=False),
        trace_python_allocators=True,
        file_format=memray.FileFormat.AGGREGATED_ALLOCATIONS,
    ):
        outcome = run()
    gc.disable()  # what the run has left to the collector is counted later
    seconds = time.perf_counter() - start
    elsewhere = Elsewhere(max(0, _high_watermark() - before), pool=pools.rise())
    tell()
    try:
        with memray.FileReader(capture) as reader:
            peak = reader.metadata.peak_memory
            series = [(snapshot.time, snapshot.heap) for snapshot in reader.get_memory_snapshots()]
            records = reader.get_high_watermark_allocation_records(merge_threads=True)
            lines = sites(((record.size, record.stack_trace()) for record in records), folder)
    except OSError as error:
        raise LabError(
            f"{name} damaged the record of its heap: let it close and write only files that it has "
            "opened.",
            str(error),
        ) from None
    reading = _reading(peak, outcome, elsewhere)
    return replace(reading, series=thin_out(series), sites=lines), seconds


def _rss(run: Callable[[], Outcome], tell: Callable[[], None]) -> tuple[Reading, float]:
    tell()
    before = _reset_high_watermark()
    start = time.perf_counter()
    outcome = run()
    seconds = time.perf_counter() - start
    rise = max(0, _high_watermark() - before)
    tell()
    return _reading(rise, outcome, Elsewhere(rise)), seconds


def _reading(value: float, outcome: Outcome, elsewhere: Elsewhere = NOWHERE) -> Reading:
    return Reading(
        value, outcome.digest, outcome.counts, answer=outcome.answer, elsewhere=elsewhere
    )


def thin_out(
    series: Sequence[tuple[float, int]], most: int = SERIES_POINTS
) -> tuple[tuple[float, int], ...]:
    """Keep the highest point of each section of a series, so that its peak is kept.

    Args:
        series: Pairs of milliseconds since the epoch, as memray writes them, and bytes.
        most: The most points to keep.

    Returns:
        Pairs of seconds since the first point, and bytes.
    """
    if not series:
        return ()
    begin = series[0][0]
    length = -(-len(series) // most)
    highest = (
        max(series[start : start + length], key=lambda pair: pair[1])
        for start in range(0, len(series), length)
    )
    return tuple((round((moment - begin) / 1000, 3), heap) for moment, heap in highest)


def _reset_high_watermark() -> int:
    """Reset the high watermark if the kernel can, and return the bytes from which a rise counts."""
    if sys.platform != "linux":
        return _high_watermark()
    try:
        Path("/proc/self/clear_refs").write_text("5")
        return status("VmRSS")
    except OSError:
        return _high_watermark()


def _high_watermark() -> int:
    """Return the largest resident set so far, in bytes.

    Linux's VmHWM belongs to this program alone; ru_maxrss is inherited through exec. It is used
    where there is no /proc, as in a test whose file system is a fake.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            return status("VmHWM")
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
