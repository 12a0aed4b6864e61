"""How do I send a file: read it whole, or a chunk at a time?

Read whole, a file of 500 MB takes 500 MB of memory for each client. In chunks it takes two chunks:
the next one is read before the one that was sent is freed. Larger chunks are faster up to about
half a mebibyte, and beyond that only take memory. Each chunk also takes a switch to a worker thread
and back, which is worth it only where a read may wait for a disk.
"""

from collections.abc import Iterator
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, Response

from lab.claim import O
from lab.data.files import folder
from lab.data.inputs import download, download_ready
from lab.endpoints.routes import endpoint
from lab.pattern import CROWDS, Pattern, Request, Variant
from lab.patterns.shared.file_answer import (
    ANSWERS,
    FILE_RESPONSE,
    IfRange,
    Range,
    file_answer,
    regular_file,
)
from lab.patterns.shared.outcomes import digest_bytes
from lab.streams import CHUNK, OwningResponse, attachment
from lab.toolbox.http_ranges import exactly
from lab.toolbox.page_cache import NextCached
from lab.units import doubling


def read_whole(path: Path) -> Iterator[bytes]:
    """Read the whole file and send it in one piece."""
    with path.open("rb") as file:
        yield file.read()


def small_chunks(path: Path, chunk: int = 65_536) -> Iterator[bytes]:
    """Read and send 64 KiB at a time, as Starlette's `FileResponse` does."""
    with path.open("rb") as file:
        while block := file.read(chunk):
            yield block


def large_chunks(path: Path, chunk: int = 524_288, start: int = 0) -> Iterator[bytes]:
    """Read and send 512 KiB at a time, without Python's buffer: fewer thread switches.

    A client whose download was cut off can resume it at an offset, `start`.
    """
    with path.open("rb", buffering=0) as file:
        file.seek(start)
        while block := file.read(chunk):
            yield block


PATTERN = Pattern(
    name="file_download",
    open_inputs=download,
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
        Variant(read_whole, role="naive", peak=O("bytes"), per_client="10 MB"),
        Variant(small_chunks, role="streaming", peak=O("chunk"), per_client="500 kB"),
        # Two chunks on CPython 3.11; since 3.12 the event loop keeps one more until it is sent.
        Variant(large_chunks, role="tuned", peak=O("chunk"), per_client="2.1 MB"),
    ),
)


router = APIRouter()

PATH = "/downloads/{filename}"
_MEDIA = "application/octet-stream"


@endpoint(router, PATTERN, PATH, _MEDIA, roles=("naive", "tuned"), responses=ANSWERS)
def download_file(
    variant: Variant, filename: str, range_header: Range = None, if_range: IfRange = None
) -> Response:
    """Send a file of the lab's folder, or a range if the variant can start at an offset."""
    path = folder() / filename
    part, status, headers = file_answer(path, variant.takes("start"), range_header, if_range)
    options: dict[str, int] = {}
    ready = None
    if variant.takes("start"):
        # A block no larger than the range: for ten bytes, ten are read.
        chunk = max(1, min(len(part), variant.default("chunk") or CHUNK))
        options = {"start": part.start, "chunk": chunk}
        ready = NextCached(path, **options)
    return OwningResponse(
        exactly(variant.run(path, **options), len(part)),
        ready=ready,
        status_code=status,
        media_type=_MEDIA,
        filename=filename,
        headers=headers,
    )


@endpoint(router, PATTERN, PATH, _MEDIA, roles=("tuned",), method="HEAD", responses=ANSWERS)
def describe_file(
    variant: Variant, filename: str, range_header: Range = None, if_range: IfRange = None
) -> Response:
    """Answer as for GET, without a body."""
    path = folder() / filename
    _, status, headers = file_answer(path, variant.takes("start"), range_header, if_range)
    headers["content-disposition"] = attachment(filename)
    return Response(None, status, headers, _MEDIA)


@endpoint(
    router, PATTERN, PATH, _MEDIA, roles=("streaming",), method="HEAD", responses=FILE_RESPONSE
)
@endpoint(router, PATTERN, PATH, _MEDIA, roles=("streaming",), responses=FILE_RESPONSE)
def send_file(_variant: Variant, filename: str) -> Response:
    """Send a file of the lab's folder, or ranges of it, by Starlette's `FileResponse`.

    It reads 64 KiB at a time as well, in worker threads.
    """
    path = folder() / filename
    return FileResponse(path, media_type=_MEDIA, filename=filename, stat_result=regular_file(path))
