# grows: files
"""Write every number to a temporary file, and read that."""

from array import array
from itertools import islice
from tempfile import TemporaryFile


def answer(numbers):
    with TemporaryFile() as file:
        coming = iter(numbers)
        while part := array("q", islice(coming, 10_000)):
            file.write(part.tobytes())
        file.seek(0)
        yield from right(_numbers(file))


def _numbers(file):
    while part := file.read(80_000):
        yield from array("q", part)
