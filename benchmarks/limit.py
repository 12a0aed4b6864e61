"""What a limit is, and how long it takes.

A limit is run between the rounds of the variant that it is compared with, in the same minute and
on the same machine, and like a variant it is timed with its connection open and its files in place.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Limit:
    """The fastest way that is known.

    Attributes:
        name: What it is called in the report.
        seconds: Does it once, and returns how long that took.
    """

    name: str
    seconds: Callable[[], float]


Limited = Callable[[int], AbstractContextManager[Limit]]
"""Makes a limit ready at a size of the pattern's first axis."""


def at_once(limited: Limited, clients: int) -> Limited:
    """Do the same from so many clients at once, each with its own connection."""

    @contextmanager
    def limit(size: int) -> Iterator[Limit]:
        with ExitStack() as stack, ThreadPoolExecutor(clients) as pool:
            found = [stack.enter_context(limited(size)) for _ in range(clients)]

            def run() -> None:
                list(pool.map(lambda one: one.seconds(), found))

            yield Limit(found[0].name, lambda: timed(run))

    return limit


def timed(run: Callable[[], object]) -> float:
    """Return how many seconds a call takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start
