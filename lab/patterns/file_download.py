"""How do I send a file: read it whole, or a chunk at a time?

Read whole, a file of 500 MB is 500 MB of memory for each client at once. In chunks it is the
chunk, twice: the next one is read before the one that was sent is let go. The size of the chunk
buys speed up to about half a mebibyte, and is then only memory. What is left is the trip of each
chunk to a worker thread and back, which is worth it only where a disk may keep somebody waiting.
"""

import os
import stat
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Header, HTTPException
from fastapi.responses import Response

from lab.data.files import folder
from lab.data.worlds import download, download_ready
from lab.digest import Digest
from lab.pagecache import NextCached
from lab.pattern import CROWDS, O, Outcome, Pattern, Request, Variant
from lab.ranges import NotSatisfiableError, content_range, one_range, still_meant, validators
from lab.routes import ERRORS, endpoint
from lab.streams import CHUNK, OwningResponse, attachment
from lab.units import doubling


def read_whole(path: Path) -> Iterator[bytes]:
    """Read the whole file and send it in one piece."""
    with path.open("rb") as file:
        yield file.read()


def small_chunks(path: Path, chunk: int = 65_536) -> Iterator[bytes]:
    """Read and send 64 KiB at a time."""
    with path.open("rb") as file:
        while block := file.read(chunk):
            yield block


def large_chunks(path: Path, chunk: int = 524_288, start: int = 0) -> Iterator[bytes]:
    """Read and send 512 KiB at a time, past Python's own buffer: fewer trips for the same bytes.

    A client that was cut off may have it start in mid-file.
    """
    with path.open("rb", buffering=0) as file:
        file.seek(start)
        while block := file.read(chunk):
            yield block


def digest_bytes(blocks: Iterator[bytes], path: Path) -> Outcome:
    """Receive the file block by block; the answer is its bytes, wherever they were cut."""
    digest, count, size = Digest(), 0, 0
    for block in blocks:
        digest.update(block)
        count += 1
        size += len(block)
    return Outcome(digest.hex(), {"bytes": size, "chunks": count})


PATTERN = Pattern(
    name="file_download",
    world=download,
    prepare=download_ready,
    outcome=digest_bytes,
    axes={
        "bytes": doubling(8_000_000, 128_000_000),
        "chunk": doubling(65_536, 1_048_576),
        "clients": CROWDS,
    },
    fixed={"bytes": 8_000_000},
    request=Request("GET /downloads/download-{bytes}.bin", {"bytes": 4_000_000}, download_ready),
    variants=(
        Variant(read_whole, role="naive", peak=O("bytes", per_client="10 MB")),
        Variant(small_chunks, role="streaming", peak=O("chunk", per_client="500 kB")),
        # Two chunks on CPython 3.11; from 3.12 on the loop keeps one until all of it is sent.
        Variant(large_chunks, role="tuned", peak=O("chunk", per_client="2.1 MB")),
    ),
)


router = APIRouter()

PATH = "/downloads/{filename}"
ANSWERS: dict[int | str, dict[str, Any]] = {
    **ERRORS,
    206: {"description": "The range that was asked for"},
    404: {"description": "There is no such file"},
    416: {"description": "The file ends before the range begins"},
}

Range = Annotated[str | None, Header(alias="Range", description="As ``bytes=1000-``.")]
IfRange = Annotated[str | None, Header(description="The ETag of the file that the range is of.")]


@endpoint(router, PATTERN, PATH, "application/octet-stream", responses=ANSWERS)
def download_file(
    variant: Variant, filename: str, asked: Range = None, if_range: IfRange = None
) -> Response:
    """Send a file of the lab's folder, or a range of it where the variant can start in mid-file."""
    path = folder() / filename
    part, status, headers = _answer(variant, path, asked, if_range)
    options: dict[str, int] = {}
    ready = None
    if variant.takes("start"):
        # No larger a block than the range: whoever wants ten bytes has ten read.
        chunk = max(1, min(len(part), variant.default("chunk") or CHUNK))
        options = {"start": part.start, "chunk": chunk}
        ready = NextCached(path, **options)
    return OwningResponse(
        _exactly(variant.run(path, **options), len(part)),
        ready=ready,
        status_code=status,
        media_type="application/octet-stream",
        filename=filename,
        headers=headers,
    )


@endpoint(
    router, PATTERN, PATH, "application/octet-stream",
    roles=("tuned",), method="HEAD", responses=ANSWERS,
)  # fmt: skip
def describe_file(
    variant: Variant, filename: str, asked: Range = None, if_range: IfRange = None
) -> Response:
    """Answer as for GET, without the file."""
    _, status, headers = _answer(variant, folder() / filename, asked, if_range)
    offered = {"content-disposition": attachment(filename)}
    return Response(None, status, {**headers, **offered}, "application/octet-stream")


def _answer(
    variant: Variant, path: Path, asked: str | None, if_range: str | None
) -> tuple[range, int, dict[str, str]]:
    """Return which bytes to send, the status, and the headers that go with them."""
    found = _found(path)
    size = found.st_size
    headers = {"content-length": str(size), **validators(found)}
    if not variant.takes("start"):
        return range(size), 200, {**headers, "accept-ranges": "none"}
    headers["accept-ranges"] = "bytes"
    try:
        part = one_range(asked, size) if still_meant(if_range, headers) else None
    except NotSatisfiableError:
        there_is = {"content-range": f"bytes */{size}", "accept-ranges": "bytes"}
        raise HTTPException(416, f"the file has {size} bytes", there_is) from None
    if part is None:
        return range(size), 200, headers
    partly = {"content-length": str(len(part)), "content-range": content_range(part, size)}
    return part, 206, {**headers, **partly}


def _found(path: Path) -> os.stat_result:
    """Return what is known of a regular file that is in the folder; 404 for anything else.

    The framework lets no slash into the name, but ``..``, links, devices and folders are names
    like any other, and all but the last exist for ``Path.exists``.
    """
    try:
        found = path.lstat()
    except (OSError, ValueError):  # no such file; a name that is too long, or has a NUL in it
        found = None
    if found is None or not stat.S_ISREG(found.st_mode) or path.name.startswith("."):
        raise HTTPException(404, "there is no such file")
    return found


def _exactly(blocks: Generator[bytes, None, None], size: int) -> Generator[bytes, None, None]:
    """Pass on as many bytes as were announced, also when the file grows meanwhile.

    Raises:
        EOFError: The file became shorter; the client must not take what it has for all.
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
