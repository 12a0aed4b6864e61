"""The progress of a run, kept in a file that can be read after its process has died.

Only runs under a cap keep it; in all other runs these calls do nothing.
"""

import mmap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_SIZE = 8

_count: mmap.mmap | None = None


def keep(file: Path) -> None:
    """Write the progress of this process to a file from now on."""
    global _count  # noqa: PLW0603 - one process has one count, as it has one peak
    file.write_bytes(bytes(_SIZE))
    with file.open("r+b") as opened:
        _count = mmap.mmap(opened.fileno(), _SIZE)


def reached(count: int) -> None:
    """Record the number of items, or bytes of a body, so far."""
    if _count is not None:
        _count[:] = count.to_bytes(_SIZE, "little")


def counted(items: Iterable[T]) -> Iterable[T]:
    """Return the items; if progress is kept, each one is recorded as it passes."""
    return items if _count is None else _counting(items)


def _counting(items: Iterable[T]) -> Iterator[T]:
    for count, item in enumerate(items, 1):
        yield item
        reached(count)


def read(file: Path) -> int:
    """Return the progress in a file; 0 if the file does not exist."""
    if not file.is_file():
        return 0
    with file.open("rb") as opened:
        return int.from_bytes(opened.read(_SIZE), "little")
