"""How do I send a file: read it whole, or a chunk at a time?

Read whole, a file of 500 MB is 500 MB of memory for each client at once. In chunks it is the
chunk, twice: the next one is read before the one that was sent is let go. The size of the chunk
buys speed up to about a mebibyte, and is then only memory.
"""

import stat
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from fastapi import APIRouter, HTTPException

from lab.data.files import folder
from lab.data.worlds import download, download_ready
from lab.digest import Digest
from lab.pattern import O, Outcome, Pattern, Variant
from lab.routes import ERRORS, endpoint
from lab.streams import OwningResponse
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


def large_chunks(path: Path, chunk: int = 1_048_576) -> Iterator[bytes]:
    """Read and send 1 MiB at a time, past Python's own buffer: fewer trips for the same bytes."""
    with path.open("rb", buffering=0) as file:
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
    },
    fixed={"bytes": 8_000_000},
    variants=(
        Variant(read_whole, role="naive", peak=O("bytes")),
        Variant(small_chunks, role="streaming", peak=O("chunk")),
        Variant(large_chunks, role="tuned", peak=O("chunk")),
    ),
)


router = APIRouter()

_MISSING: dict[int | str, dict[str, Any]] = {404: {"description": "There is no such file"}}


@endpoint(
    router,
    PATTERN,
    "/downloads/{filename}",
    "application/octet-stream",
    responses={**ERRORS, **_MISSING},
)
def download_file(variant: Variant, filename: str) -> OwningResponse:
    """Send a file of the lab's folder, whole; ranges are not offered."""
    path = folder() / filename
    size = _size(path)
    return OwningResponse(
        _exactly(variant.run(path), size),
        media_type="application/octet-stream",
        filename=filename,
        headers={"content-length": str(size), "accept-ranges": "none"},
    )


def _size(path: Path) -> int:
    """Return the size of a regular file that really is in the folder; 404 for anything else.

    The framework lets no slash into the name, but ``..``, links, devices and folders are names
    like any other, and all but the last exist for ``Path.exists``.
    """
    try:
        found = path.lstat()
    except (OSError, ValueError):  # no such file; a name that is too long, or has a NUL in it
        found = None
    if found is None or not stat.S_ISREG(found.st_mode) or path.name.startswith("."):
        raise HTTPException(404, "there is no such file")
    return found.st_size


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
