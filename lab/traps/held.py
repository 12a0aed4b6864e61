"""Ways to read an uploaded CSV, as they are measured in fresh processes; each counts rows."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from tempfile import TemporaryFile
from typing import IO

from lab.csvstream import text_lines
from lab.data.files import users_blocks
from lab.measure.sweep import sweep
from lab.multipart import RefusedError

_BLOCK = 65_536


def peak(function: str, size: int, setup: str = "spooled_csv") -> int:
    """Return the bytes of heap that a function of this file has at most, for a file of a size.

    Raises:
        LabError: It could not be measured.
    """
    curve = sweep(f"{__name__}:{function}", "bytes", [size], setup=f"{__name__}:{setup}")
    return int(curve.seen()[1][0])


@contextmanager
def spooled_csv(size: int) -> Iterator[IO[bytes]]:
    """Yield a CSV of so many bytes, on disk, as an upload is when an endpoint gets it."""
    with TemporaryFile() as file:
        for line in users_blocks(size):
            file.write(line)
        file.seek(0)
        yield file


@contextmanager
def one_line(size: int) -> Iterator[IO[bytes]]:
    """Yield a file of so many bytes, none of which ends a line."""
    with TemporaryFile() as file:
        for _ in range(0, size, _BLOCK):
            file.write(b"x" * _BLOCK)
        file.seek(0)
        yield file


def read_whole(file: IO[bytes]) -> int:
    """Read it whole, and give it to `csv.DictReader`."""
    return _count(file.read())


def join_chunks(file: IO[bytes]) -> int:
    """Read it in chunks, and join them."""
    content = b""
    while chunk := file.read(_BLOCK):
        content += chunk
    return _count(content)


def _count(content: bytes) -> int:
    text = content.decode("utf-8")
    return sum(1 for _ in csv.DictReader(io.StringIO(text)))


def as_it_is_read(file: IO[bytes]) -> int:
    """Decode it while it is read, a line at a time."""
    return sum(1 for _ in csv.DictReader(text_lines(iter(partial(file.read, _BLOCK), b""))))


def line_by_line(file: IO[bytes]) -> int:
    """Iterate over its lines, whatever their length."""
    lines = io.TextIOWrapper(file, encoding="utf-8")
    length = sum(map(len, lines))
    lines.detach()
    return length


def bounded_lines(file: IO[bytes]) -> str:
    """Iterate over its lines, up to a longest length."""
    try:
        return str(sum(map(len, text_lines(iter(partial(file.read, _BLOCK), b"")))))
    except RefusedError as error:
        return str(error)
