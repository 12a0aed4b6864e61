"""Limits: the fastest known ways to do a job, which variants are compared with.

A limit runs between the rounds of a variant, in the same minute and on the same machine. Like a
variant, it is timed with its connection open and its files in place.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Limit:
    """The fastest known way to do a job.

    Attributes:
        name: Its name in the report.
        seconds: Runs it once and returns the seconds that it took.
    """

    name: str
    seconds: Callable[[], float]


Limited = Callable[[int], AbstractContextManager[Limit]]
"""Opens a limit at a size of the pattern's first axis."""


def at_once(limited: Limited, clients: int) -> Limited:
    """Return a limit that runs once for each of several clients at once, on own connections."""

    @contextmanager
    def limit(size: int) -> Iterator[Limit]:
        with ExitStack() as stack, ThreadPoolExecutor(clients) as pool:
            limits = [stack.enter_context(limited(size)) for _ in range(clients)]

            def run() -> None:
                list(pool.map(lambda opened: opened.seconds(), limits))

            yield Limit(limits[0].name, lambda: timed(run))

    return limit


def timed(run: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start
