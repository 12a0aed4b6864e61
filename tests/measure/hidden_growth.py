"""Functions whose growth is known, and hard to see: libraries, children, caches, garbage, steps.

`FLAT` and `GROWING` name those that are measured at the default sizes.
"""

import array
import collections
import functools
import gc
import io
import itertools
import json
import math
import mmap
import multiprocessing
import os
import queue
import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
import weakref
import zlib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing
from typing import Any, ClassVar

import numpy as np


class Node:
    """An object that can be part of a cycle."""

    def __init__(self, size: int = 0) -> None:
        self.other: Any = None
        self.block = bytes(size)


# Flat.


def numpy_blocks(n: int) -> Iterator[float]:
    for start in range(0, n, 1_000):
        yield float(np.arange(start, start + 1_000).sum())


def numpy_in_place(n: int) -> int:
    block = np.zeros(4_096)
    for _ in range(n // 100):
        np.sqrt(block, out=block)
    return n


def mapped_window(n: int) -> int:
    with mmap.mmap(-1, 1 << 20) as block:
        for i in range(n):
            block[i % (1 << 20)] = 1
    return n


def bounded_cache(n: int) -> Iterator[int]:
    @functools.lru_cache(maxsize=1_000)
    def square(i: int) -> int:
        return i * i

    for i in range(n):
        yield square(i)


def bounded_deque(n: int) -> Iterator[int]:
    last: collections.deque[bytes] = collections.deque(maxlen=500)
    for i in range(n):
        last.append(bytes(100))
        yield i


def bounded_queue(n: int) -> Iterator[int]:
    items: queue.Queue[int] = queue.Queue(maxsize=100)
    thread = threading.Thread(target=lambda: collections.deque(map(items.put, range(n)), 0))
    thread.start()
    for _ in range(n):
        yield items.get()
    thread.join()


def cycles_small(n: int) -> Iterator[int]:
    for i in range(n):
        a, b = Node(), Node()
        a.other, b.other = b, a
        yield i


def cycles_of_blocks(n: int) -> Iterator[int]:
    for i in range(n):
        a = Node(1_000)
        a.other = a
        yield i


def exceptions_with_frames(n: int) -> Iterator[int]:
    for i in range(n):
        try:
            raise ValueError(i)
        except ValueError as error:
            kept = error  # a cycle of frame and traceback until the next round
        yield kept.args[0]


def spooled_to_disk(n: int) -> int:
    with tempfile.SpooledTemporaryFile(max_size=256 * 1024, dir="/var/tmp") as file:
        for i in range(n):
            file.write(b"%d\n" % i)
    return n


def temporary_file(n: int) -> int:
    with tempfile.TemporaryFile(dir="/var/tmp") as file:
        for i in range(n):
            file.write(b"%020d\n" % i)
    return n


def sqlite_file(n: int) -> int:
    rows = ((i, "x" * 40) for i in range(n))
    with (
        tempfile.NamedTemporaryFile(dir="/var/tmp") as file,
        closing(sqlite3.connect(file.name)) as db,
    ):
        db.execute("create table t (a integer, b text)")
        db.executemany("insert into t values (?, ?)", rows)
        db.commit()
    return n


def compressed(n: int) -> Iterator[bytes]:
    packer = zlib.compressobj()
    for i in range(n):
        if block := packer.compress(b"row %d\n" % i):
            yield block
    yield packer.flush()


def heap_of_ten(n: int) -> Iterator[int]:
    import heapq

    top: list[int] = []
    for i in range(n):
        heapq.heappush(top, i * 7919 % 10_007)
        if len(top) > 10:
            heapq.heappop(top)
        yield i


def weak_values(n: int) -> Iterator[int]:
    alive: weakref.WeakValueDictionary[int, Node] = weakref.WeakValueDictionary()
    for i in range(n):
        alive[i % 500] = node = Node(10)
        yield len(node.block)


def batches_kept_one(n: int) -> Iterator[int]:
    rows = iter(range(n))
    while batch := list(itertools.islice(rows, 2_000)):
        yield from batch


def fills_two_megabytes(n: int) -> Iterator[int]:
    kept: list[bytes] = []
    for i in range(n):
        if i < 40_000:
            kept.append(bytes(20))
        yield i


def child_of_constant_size(n: int) -> int:
    subprocess.run([sys.executable, "-c", "bytearray(5_000_000)"], check=True)
    return n


def thread_pool_of_four(n: int) -> int:
    with ThreadPoolExecutor(4) as pool:
        for start in range(0, n, 2_000):
            list(pool.map(abs, range(start, min(n, start + 2_000))))
    return n


def freed_peak(n: int) -> Iterator[int]:
    for start in range(0, n, 4_000):
        block = [bytes(50) for _ in range(4_000)]
        del block
        yield from range(start, min(n, start + 4_000))


def json_lines(n: int) -> Iterator[str]:
    for i in range(n):
        yield json.dumps({"id": i, "title": f"post {i}"})


def random_order(n: int) -> Iterator[int]:
    source = random.Random(7)  # noqa: S311 - no secret
    buffer: list[int] = []
    for i in range(n):
        buffer.append(i)
        if len(buffer) > 1_000:
            yield buffer.pop(source.randrange(1_000))
    yield from buffer


def arrow_batches(n: int) -> Iterator[int]:
    import pyarrow as pa

    for start in range(0, n, 1_000):
        yield pa.array(range(start, start + 1_000)).nbytes


def large_documents(n: int) -> Iterator[str]:
    for i in range(n):
        yield f"{i:08d}" * 12_500


# Growing.


def numpy_table(n: int) -> int:
    return int(np.ones(n).sum())


def numpy_concatenated(n: int) -> int:
    whole = np.zeros(0)
    for _ in range(8):
        whole = np.concatenate([whole, np.ones(n // 8)])
    return len(whole)


def mapped_whole(n: int) -> int:
    with mmap.mmap(-1, 64 * n) as block:
        for page in range(0, 64 * n, 4_096):
            block[page] = 1
    return n


def memory_file(n: int) -> int:
    number = os.memfd_create("rows")
    try:
        for _ in range(n // 1_000):
            os.write(number, bytes(64_000))
    finally:
        os.close(number)
    return n


def shared_memory_file(n: int) -> int:
    with tempfile.TemporaryFile(dir="/dev/shm") as file:
        for _ in range(n // 1_000):
            file.write(bytes(64_000))
        file.flush()
    return n


def arrow_table(n: int) -> int:
    import pyarrow as pa

    return pa.table({"a": pa.array(range(n)), "b": pa.array(range(n))}).num_rows


def arrow_column(n: int) -> int:
    import pyarrow as pa

    return len(pa.array([f"row {i}" for i in range(0, n, 8)]))


def polars_like_pool(n: int) -> int:
    """Take pages from the kernel in a way that no tracer of Python sees."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_void_p
    size = 200 * n
    address = libc.syscall(ctypes.c_long(9), None, ctypes.c_size_t(size), 3, 0x22, -1, 0)
    ctypes.memset(address, 1, size)
    libc.syscall(ctypes.c_long(11), ctypes.c_void_p(address), ctypes.c_size_t(size))
    return n


def in_a_subprocess(n: int) -> bytes:
    code = f"x = ['row %d' % i * 10 for i in range({n})]; print(len(x))"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout


def _work(n: int) -> int:
    return len([str(i) * 10 for i in range(n)])


def in_a_pool(n: int) -> int:
    with ProcessPoolExecutor(1) as pool:
        return pool.submit(_work, n).result()


def in_a_fork(n: int) -> int:
    process = multiprocessing.get_context("fork").Process(target=_work, args=(n,))
    process.start()
    process.join()
    return n


def in_a_grandchild(n: int) -> int:
    inner = f"x = ['row %d' % i * 10 for i in range({n})]"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}])"
    subprocess.run([sys.executable, "-c", code], check=True)
    return n


_LOADED: list[str] | None = None


def loads_once(n: int) -> Iterator[str]:
    global _LOADED  # noqa: PLW0603 - the fault to be seen
    if _LOADED is None:
        _LOADED = [str(i) for i in range(n)]
    yield from _LOADED


@functools.cache
def _table() -> list[int]:
    return []


def fills_a_cached_table(n: int) -> Iterator[int]:
    table = _table()
    if not table:
        table.extend(range(1_000, n + 1_000))
    for i in range(n):
        yield table[i % len(table)]


class Registry:
    """A class that remembers at its first use."""

    seen: ClassVar[dict[int, bytes]] = {}


def remembers_in_a_class(n: int) -> Iterator[int]:
    if not Registry.seen:
        Registry.seen = {i: bytes(40) for i in range(n)}
    for i in range(n):
        yield len(Registry.seen[i % len(Registry.seen)])


def unbounded_cache(n: int) -> Iterator[int]:
    @functools.cache
    def square(i: int) -> int:
        return i * i

    for i in range(n):
        yield square(i)


def unbounded_queue(n: int) -> int:
    items: queue.Queue[int] = queue.Queue()
    for i in range(n):
        items.put(i)
    return items.qsize()


def collector_is_off(n: int) -> Iterator[int]:
    gc.disable()
    for i in range(n):
        a = Node(50)
        a.other = a
        yield i


def string_buffer(n: int) -> int:
    text = io.StringIO()
    for i in range(n):
        text.write(f"row {i}\n")
    return len(text.getvalue())


def spooled_in_memory(n: int) -> int:
    with tempfile.SpooledTemporaryFile(max_size=1 << 30) as file:
        for i in range(n):
            file.write(b"%020d\n" % i)
    return n


def square_root(n: int) -> int:
    return len(bytearray(4_000 * math.isqrt(n)))


def logarithm(n: int) -> int:
    return len(bytearray(300_000 * n.bit_length()))


def half_a_byte(n: int) -> Iterator[int]:
    kept = []
    for i in range(n):
        if i % 1_000 == 0:
            kept.append(bytes(467))
        yield i


def staircase(n: int) -> Iterator[int]:
    kept = []
    for i in range(n):
        if i % 10_000 == 0:
            kept.append(bytes(200_000))
        yield i


def packed_array(n: int) -> int:
    return len(array.array("b", bytes(2 * n)))


def seen_keys(n: int) -> Iterator[int]:
    seen = set()
    for i in range(n):
        seen.add(i)
        yield i


def late_quadratic(n: int) -> int:
    return len(bytearray(max(100 * n, n * n // 1_000)))


def threads_that_wait(n: int) -> int:
    stop = threading.Event()
    kept: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: (kept.append(bytes(n)), stop.wait())) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    stop.set()
    for thread in threads:
        thread.join()
    return len(kept) * n


def sqlite_in_memory(n: int) -> int:
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("create table t (a integer)")
        db.executemany("insert into t values (?)", ((i,) for i in range(n)))
        return db.execute("select count(*) from t").fetchone()[0]


def ends_with_a_list(n: int) -> Iterator[int]:
    yield from range(n)
    rows = list(range(n))
    yield len(rows)


FLAT = (
    numpy_blocks, numpy_in_place, mapped_window, bounded_cache, bounded_deque, bounded_queue,
    cycles_small, cycles_of_blocks, exceptions_with_frames, spooled_to_disk, temporary_file,
    sqlite_file, compressed, heap_of_ten, weak_values, batches_kept_one, fills_two_megabytes,
    child_of_constant_size, thread_pool_of_four, freed_peak, json_lines, random_order,
    arrow_batches,
)  # fmt: skip
GROWING = (
    numpy_table, numpy_concatenated, mapped_whole, memory_file, shared_memory_file, arrow_table,
    arrow_column, polars_like_pool, in_a_subprocess, in_a_pool, in_a_fork, in_a_grandchild,
    loads_once, fills_a_cached_table, remembers_in_a_class, unbounded_cache, unbounded_queue,
    collector_is_off, string_buffer, spooled_in_memory, square_root, logarithm, staircase,
    packed_array, seen_keys, late_quadratic, threads_that_wait, sqlite_in_memory, ends_with_a_list,
)  # fmt: skip
