"""Ways to read an uploaded file, measured in fresh processes by the traps about uploads."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from tempfile import TemporaryFile
from typing import IO

from lab.data.files import users_blocks
from lab.measure.sweep_target import sweep
from lab.toolbox.csv_stream import text_lines
from lab.toolbox.refused_error import RefusedError

_BLOCK = 65_536


def peak(function: str, size: int, setup: str = "spooled_csv") -> int:
    """Return the peak heap, in bytes, of a function of this module.

    Args:
        function: Its name.
        size: Bytes of the file that it reads.
        setup: The context manager of this module that makes the file.

    Raises:
        LabError: It could not be measured.
    """
    curve = sweep(f"{__name__}:{function}", "bytes", [size], setup=f"{__name__}:{setup}")
    return int(curve.seen()[1][0])


@contextmanager
def spooled_csv(size: int) -> Iterator[IO[bytes]]:
    """Yield a CSV of ``size`` bytes on disk, as an endpoint receives a large upload."""
    with TemporaryFile() as file:
        for line in users_blocks(size):
            file.write(line)
        file.seek(0)
        yield file


@contextmanager
def one_line(size: int) -> Iterator[IO[bytes]]:
    """Yield a file of ``size`` bytes without a newline."""
    with TemporaryFile() as file:
        for _ in range(0, size, _BLOCK):
            file.write(b"x" * _BLOCK)
        file.seek(0)
        yield file


def read_whole(file: IO[bytes]) -> int:
    """Read the whole file, then count rows with `csv.DictReader`."""
    return _count(file.read())


def join_chunks(file: IO[bytes]) -> int:
    """Read the file in chunks, join them, then count rows."""
    content = b""
    while chunk := file.read(_BLOCK):
        content += chunk
    return _count(content)


def _count(content: bytes) -> int:
    text = content.decode("utf-8")
    return sum(1 for _ in csv.DictReader(io.StringIO(text)))


def as_it_is_read(file: IO[bytes]) -> int:
    """Count rows while the file is read and decoded, a line at a time."""
    return sum(1 for _ in csv.DictReader(text_lines(iter(partial(file.read, _BLOCK), b""))))


def line_by_line(file: IO[bytes]) -> int:
    """Return the length of all lines, read without a limit for a line."""
    lines = io.TextIOWrapper(file, encoding="utf-8")
    length = sum(map(len, lines))
    lines.detach()
    return length


def bounded_lines(file: IO[bytes]) -> str:
    """Return the length of all lines, or the refusal of a line that is too long."""
    try:
        return str(sum(map(len, text_lines(iter(partial(file.read, _BLOCK), b"")))))
    except RefusedError as error:
        return str(error)
