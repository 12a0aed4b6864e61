"""A pattern's variants beside a limit: round by round, in turns, each with its answer checked.

Time, heap and resident set are taken in runs of their own: rounds are timed in this process, and
memory is looked at in fresh ones, as everywhere in the lab. What a variant sends is counted here
as a server would send it, and digested in the run that looks at the heap.
"""

import gc
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from math import ceil
from statistics import median
from typing import Any

from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.limit import Limit
from benchmarks.suite import Suite, opened_variant
from lab.compare import prepared, variant_workload
from lab.measure.curve import Reading
from lab.measure.sweep import Bench, Job, Schedule
from lab.pattern import Variant
from lab.units import doubling

SECONDS = 2.0
"""A variant and its limit are repeated for about so long, within `ROUNDS`."""

ROUNDS = (3, 5)
DOUBLINGS = 4
REPEAT = 0.5
"""Seconds above which a run along the curve of costs is not repeated."""

SHORTEST = 0.1
"""Seconds for which a limit is repeated in a round, where one run of it is over too soon."""

MOST_REPEATS = 10


class Compare:
    """Compares variants with limits; one is made for each benchmark.

    Args:
        benchmark: Where the rounds are timed, and what was found is kept.
        bench: Where memory is looked at.
        tenth: Compare at a tenth of the sizes, to see that everything works.

    Attributes:
        scale: By what the sizes are divided.
    """

    def __init__(self, benchmark: BenchmarkFixture, bench: Bench, tenth: bool) -> None:
        self._benchmark = benchmark
        self._bench = bench
        self.scale = 10 if tenth else 1

    def __call__(self, suite: Suite, variant: Variant) -> None:
        """Compare one variant, and leave what was found in the benchmark's ``extra_info``."""
        size = suite.size_of(variant) // self.scale
        smallest = (suite.growth or suite.naive) // self.scale // 2**DOUBLINGS
        sizes = doubling(smallest, smallest * 2**DOUBLINGS)
        with ExitStack() as stack:
            stack.enter_context(prepared(suite.pattern, suite.axis, {size, *sizes}))
            heap, rss = memory(self._bench, suite, variant, size)
            if variant.springs != "answer":
                assert heap.digest == rss.digest == answer(self._bench, suite, size)
            limit = stack.enter_context(suite.limit(size))
            _once(suite, variant, sizes[0])  # what is imported or connected to only once
            growth = [(n, _quickest(suite, variant, n)) for n in sizes]
            largest, seconds = growth[-1]
            expected = seconds * size / largest
            self.turns(limit, lambda: opened_variant(suite, variant, size), expected)
        self.note(
            suite=suite.title,
            pattern=suite.pattern.name,
            variant=variant.name,
            role=variant.role,
            label=variant.label,
            axis=suite.axis,
            size=size,
            peak_heap_bytes=heap.value,
            peak_rss_bytes=rss.value,
            growth=growth,
        )

    def turns(
        self,
        limit: Limit,
        opened: Callable[[], AbstractContextManager[Callable[[], int]]],
        expected: float,
    ) -> None:
        """Run the limit and something else in turns, and note both.

        Args:
            limit: What is run before each round, and once before them all.
            opened: Makes a round ready; its call does it, and returns how many bytes were sent.
            expected: Seconds that a round takes, about.
        """
        if self._benchmark.disabled:  # by an option, or in a worker of xdist
            with opened() as run:
                self._benchmark(run)
            return
        bound = limit.seconds()
        repeat = min(ceil(SHORTEST / bound), MOST_REPEATS)
        wanted = SECONDS / self.scale / (expected + bound * repeat)
        rounds = round(min(max(wanted, ROUNDS[0]), ROUNDS[1]))
        limits: list[float] = []
        amounts: set[int] = set()
        with ExitStack() as rooms:

            def ready() -> tuple[tuple[Any, ...], dict[str, Any]]:
                rooms.close()
                limits.append(median(limit.seconds() for _ in range(repeat)))
                run = rooms.enter_context(opened())
                gc.collect()
                return (run,), {}

            self._benchmark.pedantic(lambda run: amounts.add(run()), setup=ready, rounds=rounds)
        assert len(amounts) == 1, f"the rounds sent different amounts: {amounts}"
        # A plugin that looks at memory has had a round of its own after these.
        pairs = list(zip(self._benchmark.stats.stats.data, limits, strict=False))
        self.note(
            limit=limit.name,
            limit_seconds=[bound for _, bound in pairs],
            ratio=median(seconds / bound for seconds, bound in pairs),
            sent_bytes=amounts.pop(),
        )

    def note(self, **found: Any) -> None:
        """Keep what was found in the benchmark's JSON."""
        self._benchmark.group = found.get("suite", self._benchmark.group)
        self._benchmark.extra_info.update(found, tenth=self.scale > 1)


def memory(bench: Bench, suite: Suite, variant: Variant, size: int) -> tuple[Reading, Reading]:
    """Look at the heap and at the resident set, in two fresh processes side by side."""
    workload = variant_workload(suite.pattern, variant, suite.sizes(size))
    heap, rss = bench.run([Job(workload, "heap"), Job(workload, "rss")], Schedule())
    return heap, rss


_answers: dict[tuple[str, int], str] = {}


def answer(bench: Bench, suite: Suite, size: int) -> str:
    """Return the digest of the right answer: the best variant's."""
    key = suite.title, size
    if key not in _answers:
        best = suite.pattern.recommended
        workload = variant_workload(suite.pattern, best, suite.sizes(size))
        (reading,) = bench.run([Job(workload, "seconds")], Schedule())
        _answers[key] = reading.digest
    return _answers[key]


def _quickest(suite: Suite, variant: Variant, size: int) -> float:
    """Return the time of the quicker of two runs; of one, where that takes long."""
    first = _once(suite, variant, size)
    return first if first > REPEAT else min(first, _once(suite, variant, size))


def _once(suite: Suite, variant: Variant, size: int) -> float:
    with opened_variant(suite, variant, size) as run:
        start = time.perf_counter()
        run()
        return time.perf_counter() - start
