"""Range requests, by which a client resumes a download (RFC 9110, section 14).

Copy this file into your application; it needs only Python.
"""

import os
import re
from collections.abc import Generator
from contextlib import closing
from email.utils import formatdate

_ONE_RANGE = re.compile(r"bytes=[ \t]*([0-9]{0,18})-([0-9]{0,18})[ \t]*", re.IGNORECASE)


class NotSatisfiableError(Exception):
    """No byte of the file is in the range; answer with 416."""


def validators(status: os.stat_result) -> dict[str, str]:
    """Return the headers that identify a version of a file: ETag and Last-Modified."""
    tag = f'"{status.st_mtime_ns:x}-{status.st_size:x}-{status.st_ino:x}"'
    return {"etag": tag, "last-modified": formatdate(status.st_mtime, usegmt=True)}


def still_meant(if_range: str | None, now: dict[str, str]) -> bool:
    """Tell whether ``If-Range`` names the file's current version, or is absent."""
    return if_range is None or if_range in (now["etag"], now["last-modified"])


def one_range(header: str | None, size: int) -> range | None:
    """Return the bytes that a ``Range`` header selects, or None for the whole file.

    The whole file is the answer to several ranges, another unit or an invalid range: a client
    that requests a part must accept the whole.

    Args:
        header: The header's value, or None without one.
        size: Bytes of the file.

    Raises:
        NotSatisfiableError: The file ends before the range begins.
    """
    match = _ONE_RANGE.fullmatch(header or "")
    if match is None or match[0].endswith("=-"):
        return None
    first, last = match[1], match[2]
    if not first:
        start, end = max(0, size - int(last)), size
        if size == 0 and int(last):
            return None  # the last bytes of an empty file are the whole file
    else:
        start, end = int(first), min(int(last or size), size - 1) + 1
        if last and int(last) < start:
            return None
    if start >= size:
        raise NotSatisfiableError
    return range(start, end)


def content_range(part: range, size: int) -> str:
    """Return the value of ``Content-Range`` for a part of a file of `size` bytes."""
    return f"bytes {part.start}-{part.stop - 1}/{size}"


def exactly(blocks: Generator[bytes, None, None], size: int) -> Generator[bytes, None, None]:
    """Yield `size` bytes of the blocks, the length that was announced, even if the file grows.

    Raises:
        EOFError: The file became shorter; the client must not take the answer for complete.
    """
    left = size
    with closing(blocks):
        for block in blocks:
            yield block[:left]
            left -= len(block)
            if left <= 0:
                return
    if left:
        raise EOFError(f"the file became {left} bytes shorter while it was sent")
