"""Compare a pattern's variants with a limit, in alternating rounds, and check their answers.

Time, heap and resident set are measured in separate runs: rounds are timed in this process, memory
is measured in fresh processes, as everywhere in the lab. Timed rounds count the bytes of the
answer; the run that measures the heap computes its digest.
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
from lab.curves.curve import Reading
from lab.measure.schedule import Bench, Job, Schedule
from lab.pattern import Variant
from lab.units import doubling
from lab.variants import data_for, variant_workload

SECONDS = 2.0
"""Approximate seconds of all rounds of a variant and its limit; `ROUNDS` has precedence."""

ROUNDS = (3, 5)
"""Least and most rounds."""

DOUBLINGS = 4
"""Doublings along the curve of costs; it has one size more."""

REPEAT = 0.5
"""Seconds; a longer run of the curve of costs is not repeated."""

SHORTEST = 0.1
"""Seconds; a limit that takes less is repeated in a round, up to `MOST_REPEATS` times."""

MOST_REPEATS = 10


class Compare:
    """Compares variants with limits; each benchmark has its own instance.

    Args:
        benchmark: Times the rounds and keeps the results.
        bench: Measures memory.
        tenth: Whether to compare at a tenth of the sizes, as a quick check.

    Attributes:
        scale: Divisor of the sizes.
    """

    def __init__(self, benchmark: BenchmarkFixture, bench: Bench, tenth: bool) -> None:
        self._benchmark = benchmark
        self._bench = bench
        self.scale = 10 if tenth else 1

    def __call__(self, suite: Suite, variant: Variant) -> None:
        """Compare one variant, and keep the results in the benchmark's ``extra_info``."""
        size = suite.size_of(variant) // self.scale
        smallest = (suite.growth or suite.naive) // self.scale // 2**DOUBLINGS
        sizes = doubling(smallest, smallest * 2**DOUBLINGS)
        with ExitStack() as stack:
            stack.enter_context(data_for(suite.pattern, suite.axis, {size, *sizes}))
            heap, rss = memory(self._bench, suite, variant, size)
            if variant.fails_by != "answer":
                assert heap.digest == rss.digest == answer(self._bench, suite, size)
            if self._benchmark.disabled:  # by an option, or in a worker of pytest-xdist
                with opened_variant(suite, variant, size) as run:
                    self._benchmark(run)
                return
            limit = stack.enter_context(suite.limit(size))
            _once(suite, variant, sizes[0])  # for imports and first connections
            growth = [(n, _fastest(suite, variant, n)) for n in sizes]
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
        """Run the limit and a variant in alternating rounds, and keep the times of both.

        Args:
            limit: Runs before each round, and once before all rounds.
            opened: Prepares a round; the yielded call runs it and returns the bytes it sent.
            expected: Approximate seconds of a round.
        """
        if self._benchmark.disabled:  # by an option, or in a worker of pytest-xdist
            with opened() as run:
                self._benchmark(run)
            return
        once = limit.seconds()
        repeat = min(ceil(SHORTEST / once), MOST_REPEATS)
        wanted = SECONDS / self.scale / (expected + once * repeat)
        rounds = round(min(max(wanted, ROUNDS[0]), ROUNDS[1]))
        limits: list[float] = []
        amounts: set[int] = set()
        with ExitStack() as round_stack:

            def set_up() -> tuple[tuple[Any, ...], dict[str, Any]]:
                round_stack.close()
                limits.append(median(limit.seconds() for _ in range(repeat)))
                run = round_stack.enter_context(opened())
                gc.collect()
                return (run,), {}

            self._benchmark.pedantic(lambda run: amounts.add(run()), setup=set_up, rounds=rounds)
        assert len(amounts) == 1, f"the rounds sent different amounts: {amounts}"
        # A plugin that measures memory may have added a round without a limit.
        pairs = list(zip(self._benchmark.stats.stats.data, limits, strict=False))
        self.note(
            limit=limit.name,
            limit_seconds=[limit_seconds for _, limit_seconds in pairs],
            ratio=median(seconds / limit_seconds for seconds, limit_seconds in pairs),
            sent_bytes=amounts.pop(),
        )

    def note(self, **results: Any) -> None:
        """Keep results in the benchmark's JSON."""
        self._benchmark.group = results.get("suite", self._benchmark.group)
        self._benchmark.extra_info.update(results, tenth=self.scale > 1)


def memory(bench: Bench, suite: Suite, variant: Variant, size: int) -> tuple[Reading, Reading]:
    """Measure the peak heap and the peak resident set, in two fresh processes side by side."""
    workload = variant_workload(suite.pattern, variant, suite.sizes(size))
    heap, rss = bench.run([Job(workload, "heap"), Job(workload, "rss")], Schedule())
    return heap, rss


_answers: dict[tuple[str, int], str] = {}


def answer(bench: Bench, suite: Suite, size: int) -> str:
    """Return the digest of the correct answer: the recommended variant's."""
    key = suite.title, size
    if key not in _answers:
        recommended = suite.pattern.recommended
        workload = variant_workload(suite.pattern, recommended, suite.sizes(size))
        (reading,) = bench.run([Job(workload, "seconds")], Schedule())
        _answers[key] = reading.digest
    return _answers[key]


def _fastest(suite: Suite, variant: Variant, size: int) -> float:
    """Return the seconds of the faster of two runs, or of one run if it takes long."""
    seconds = _once(suite, variant, size)
    return seconds if seconds > REPEAT else min(seconds, _once(suite, variant, size))


def _once(suite: Suite, variant: Variant, size: int) -> float:
    with opened_variant(suite, variant, size) as run:
        start = time.perf_counter()
        run()
        return time.perf_counter() - start
