"""A part of a file, as a client asks for it to go on where it was cut off (RFC 9110, section 14).

Copy this file into your application; it needs nothing but Python.
"""

import os
import re
from email.utils import formatdate

_ONE = re.compile(r"bytes=[ \t]*([0-9]{0,18})-([0-9]{0,18})[ \t]*", re.IGNORECASE)


class NotSatisfiableError(Exception):
    """No byte of the file is in the range; the answer is 416."""


def validators(found: os.stat_result) -> dict[str, str]:
    """Return the headers by which a client recognises the same bytes: ETag and Last-Modified."""
    tag = f'"{found.st_mtime_ns:x}-{found.st_size:x}-{found.st_ino:x}"'
    return {"etag": tag, "last-modified": formatdate(found.st_mtime, usegmt=True)}


def still_meant(if_range: str | None, now: dict[str, str]) -> bool:
    """Tell whether the file is the one that a client has the beginning of, by ``If-Range``."""
    return if_range is None or if_range in (now["etag"], now["last-modified"])


def one_range(asked: str | None, size: int) -> range | None:
    """Return the bytes that a ``Range`` header asks for, or None where all are to be sent.

    All are sent to whom asks for several ranges at once, or in another unit, or for what is no
    range: whoever asks for a part has to be able to take the whole.

    Raises:
        NotSatisfiableError: The file ends before the range begins.
    """
    match = _ONE.fullmatch(asked or "")
    if match is None or match[0].endswith("=-"):
        return None
    first, last = match[1], match[2]
    if not first:
        start, end = max(0, size - int(last)), size
        if size == 0 and int(last):
            return None  # the last bytes of nothing are all of it
    else:
        start, end = int(first), min(int(last or size), size - 1) + 1
        if last and int(last) < start:
            return None
    if start >= size:
        raise NotSatisfiableError
    return range(start, end)


def content_range(part: range, size: int) -> str:
    """Return the header of the same name: which bytes of how many."""
    return f"bytes {part.start}-{part.stop - 1}/{size}"
