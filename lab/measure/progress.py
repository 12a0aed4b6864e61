"""How far a run has got, kept where it can be read after the process has died.

Only runs under a cap keep count; for all others these calls do nothing.
"""

import mmap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_SIZE = 8

_kept: mmap.mmap | None = None


def keep(file: Path) -> None:
    """Keep count in a file from now on."""
    global _kept  # noqa: PLW0603 - one process has one count, as it has one peak
    file.write_bytes(bytes(_SIZE))
    with file.open("r+b") as opened:
        _kept = mmap.mmap(opened.fileno(), _SIZE)


def reached(count: int) -> None:
    """Say how many items, or bytes of a body, there have been."""
    if _kept is not None:
        _kept[:] = count.to_bytes(_SIZE, "little")


def counted(items: Iterable[T]) -> Iterable[T]:
    """Return the items, counted as they pass where somebody keeps count."""
    return items if _kept is None else _counting(items)


def _counting(items: Iterable[T]) -> Iterator[T]:
    for count, item in enumerate(items, 1):
        yield item
        reached(count)


def read(file: Path) -> int:
    """Return the count in a file; 0 where none was kept."""
    return int.from_bytes(file.read_bytes(), "little") if file.exists() else 0
