"""The answer to a request for a file: which bytes, which status and which headers."""

import os
import stat
from pathlib import Path
from typing import Annotated, Any

from fastapi import Header, HTTPException

from lab.endpoints.routes import ERRORS
from lab.toolbox.http_ranges import (
    NotSatisfiableError,
    content_range,
    one_range,
    still_meant,
    validators,
)

ANSWERS: dict[int | str, dict[str, Any]] = {
    **ERRORS,
    206: {"description": "The requested range"},
    404: {"description": "There is no such file"},
    416: {"description": "The file ends before the range begins"},
}
FILE_RESPONSE: dict[int | str, dict[str, Any]] = {
    **ANSWERS,
    400: {"description": "The range is malformed", "content": {"text/plain": {}}},
    416: {"description": "The file ends before the range begins", "content": {"text/plain": {}}},
}
"""The responses of `FileResponse`."""

Range = Annotated[str | None, Header(alias="Range", description="As ``bytes=1000-``.")]
IfRange = Annotated[str | None, Header(description="The ETag of the file that the range is of.")]


def file_answer(
    path: Path, ranges: bool, range_header: str | None, if_range: str | None
) -> tuple[range, int, dict[str, str]]:
    """Return the bytes to send, the status and the headers.

    Args:
        path: The file.
        ranges: Whether a part of the file can be sent.
        range_header: The value of ``Range``.
        if_range: The value of ``If-Range``.

    Raises:
        HTTPException: 404 without such a file; 416 if it ends before the range begins.
    """
    status = regular_file(path)
    size = status.st_size
    headers = {"content-length": str(size), **validators(status)}
    if not ranges:
        return range(size), 200, {**headers, "accept-ranges": "none"}
    headers["accept-ranges"] = "bytes"
    try:
        part = one_range(range_header, size) if still_meant(if_range, headers) else None
    except NotSatisfiableError:
        whole = {"content-range": f"bytes */{size}", "accept-ranges": "bytes"}
        raise HTTPException(416, f"the file has {size} bytes", whole) from None
    if part is None:
        return range(size), 200, headers
    partial = {"content-length": str(len(part)), "content-range": content_range(part, size)}
    return part, 206, {**headers, **partial}


def regular_file(path: Path) -> os.stat_result:
    """Return the status of a regular file, no link and not hidden; else raise 404.

    FastAPI lets no slash into the name. But ``..``, links, devices and folders have names too,
    and for these `Path.exists` is true.
    """
    try:
        status = path.lstat()
    except (OSError, ValueError):  # no such file; or the name is too long, or has a NUL
        status = None
    if status is None or not stat.S_ISREG(status.st_mode) or path.name.startswith("."):
        raise HTTPException(404, "there is no such file")
    return status
