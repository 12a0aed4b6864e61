"""Functions whose growth is known by construction; the instruments are checked against them."""

import math
import mmap
import os
import signal
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager

BATCH = 8_000_000


def constant(n: int) -> Iterator[int]:
    """Hold one batch, and pass every item on."""
    batch = bytearray(BATCH)
    yield from range(n)
    del batch


def one_object_kept(n: int) -> Iterator[int]:
    """Hold a large batch, and keep one small object of every item beside it."""
    batch = bytearray(BATCH)
    kept = []
    for i in range(n):
        kept.append(float(i))
        yield i
    del batch


def linear(n: int) -> bytearray:
    """Allocate a byte for each item."""
    return bytearray(n)


def square_root(n: int) -> bytearray:
    """Allocate in proportion to the square root."""
    return bytearray(1_000 * math.isqrt(n))


def n_log_n(n: int) -> bytearray:
    """Allocate in proportion to n log n."""
    return bytearray(int(n * math.log2(n)))


def quadratic(n: int) -> bytearray:
    """Allocate in proportion to the square."""
    return bytearray(n * n // 1_000)


def flat_generator(n: int) -> Iterator[bytes]:
    """Yield chunk after chunk, keeping none."""
    for _ in range(n // 1_000):
        yield bytes(65_536)


async def flat_async_generator(n: int) -> AsyncIterator[bytes]:
    """Yield chunk after chunk without waiting for anything."""
    for _ in range(n // 1_000):
        yield bytes(65_536)


async def leaky_async_generator(n: int) -> AsyncIterator[int]:
    """Keep everything that was yielded."""
    kept = []
    for i in range(n):
        kept.append(float(i))
        yield i


async def linear_coroutine(n: int) -> bytearray:
    """Allocate a byte for each item, when awaited."""
    return bytearray(n)


def only_in_c(n: int) -> int:
    """Allocate inside SQLite, which uses the C library and none of Python's allocators."""
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("create table held (block blob)")
        db.execute("insert into held values (zeroblob(?))", (16 * n,))
        return db.execute("select length(block) from held").fetchone()[0] // 16


def in_a_thread(n: int) -> int:
    """Allocate in another thread, which has ended before this returns."""
    kept: list[bytearray] = []
    thread = threading.Thread(target=lambda: kept.append(bytearray(4 * n)))
    thread.start()
    thread.join()
    kept.clear()
    return n


def too_small(n: int) -> list[float]:
    """Keep an object for each item; for sizes that are too small for a verdict."""
    return [float(i) for i in range(n)]


def kept_blocks(n: int) -> Iterator[int]:
    """Keep a megabyte for each item."""
    kept = []
    for i in range(n):
        kept.append(bytes(1_000_000))
        yield i


def endless_at_full_size(n: int) -> Iterator[int]:
    """End in the warm-up only."""
    i = 0
    while i < 50 or n >= 100:
        yield i
        i += 1


def killed_at_full_size(n: int) -> int:
    """Survive the warm-up; the measured run is killed."""
    if n >= 100:
        os.kill(os.getpid(), signal.SIGKILL)
    return n


def up_to_a_batch(n: int) -> bytearray:
    """Grow up to the size of one batch, and then stop."""
    return bytearray(16 * min(n, 32_000))


def mapped(n: int) -> int:
    """Touch memory that is mapped, not allocated."""
    with mmap.mmap(-1, n) as block:
        for page in range(0, n, 4_096):
            block[page] = 1
    return n


def raises(n: int) -> None:
    """Raise, two calls deep."""
    _raise(n)


def _raise(n: int) -> None:
    raise ValueError(f"no {n} today")


def leaves(n: int) -> None:
    """End the process without an answer."""
    os._exit(7)


def kills_itself(n: int) -> None:
    """End the process by a signal."""
    os.kill(os.getpid(), signal.SIGKILL)


def sleeps(n: int) -> None:
    """Take ten minutes."""
    time.sleep(600)


def slow_when_large(n: int) -> int:
    """Take ten minutes from a size of 32,000 on."""
    time.sleep(600 if n >= 32_000 else 0)
    return n


@contextmanager
def doubled(n: int) -> Iterator[bytes]:
    """Set up two bytes for each item, before the measurement starts."""
    yield bytes(2 * n)


def copies(block: bytes) -> bytearray:
    """Copy what was set up."""
    return bytearray(block)
