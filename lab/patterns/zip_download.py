"""How do I send many files as one ZIP: build the archive, or send it while it is written?

A ZIP is written from front to back, and its directory comes last, so each part can be sent at once.
The memory depends on how a member is passed: as bytes, which must be complete first, or as blocks.
With blocks the archive costs one block, and about a hundred bytes for each entry of the directory.
"""

from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from time import localtime
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from fastapi import APIRouter
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from zipstream import ZipStream  # type: ignore[import-untyped] # it ships no types

from lab.claim import O
from lab.data.inputs import download_ready, posts_ready
from lab.endpoints.routes import Posts, Rows, endpoint
from lab.pattern import CROWDS, Pattern, Request, Variant
from lab.patterns.shared.outcomes import digest_members
from lab.patterns.shared.zip_members import Blocks, Members, csv_members, file_in_parts
from lab.streams import CHUNK, OwningResponse, gather
from lab.toolbox.deflate import fast
from lab.toolbox.zip_output import ZipOutput
from lab.units import doubling


def in_memory(members: Members, compression: int = ZIP_STORED) -> Iterator[bytes]:
    """Build the whole archive in a BytesIO and send it in one piece."""
    buffer = BytesIO()
    with ZipFile(buffer, "w", compression) as archive:
        for name, blocks in members:
            archive.writestr(name, b"".join(blocks))
    yield buffer.getvalue()


def member_by_member(members: Members, compression: int = ZIP_STORED) -> Iterator[bytes]:
    """Send the archive while it is written, but pass each member whole."""
    sent = ZipOutput()
    with ZipFile(sent, "w", compression) as archive:
        for name, blocks in members:
            archive.writestr(name, b"".join(blocks))
            yield sent.take()
    yield sent.take()


def block_by_block(members: Members, compression: int = ZIP_STORED) -> Iterator[bytes]:
    """Write each member in blocks, with `zipfile` alone, and send the bytes of each block."""
    sent = ZipOutput()
    with ZipFile(sent, "w", compression) as archive:
        for name, blocks in members:
            entry = ZipInfo(name, localtime()[:6])
            entry.compress_type = compression
            # The size of the member is not known yet, and may exceed 4 GiB.
            with closing(blocks), archive.open(entry, "w", force_zip64=True) as member:
                for block in blocks:
                    member.write(block)
                    yield sent.take()
    yield sent.take()


def zip_stream(members: Members, compression: int = ZIP_STORED) -> Iterator[bytes]:
    """Write each member in blocks, with zipstream-ng."""
    archive = ZipStream(compress_type=compression)
    for name, blocks in members:
        with closing(blocks):
            archive.add(blocks, name)
            yield from archive.file()
    yield from archive.finalize()


def fast_deflate(members: Members, compression: int = ZIP_DEFLATED) -> Iterator[bytes]:
    """Deflate each member in blocks several times as fast, with Intel's ISA-L if it is installed.

    A CSV becomes a fifth larger than at zlib's default level 6; zlib at level 3 takes twice the
    time for the same size. `zipfile` has no option for the compressor, so it is replaced.
    """
    sent = ZipOutput()
    with ZipFile(sent, "w", compression) as archive:
        for name, blocks in members:
            entry = ZipInfo(name, localtime()[:6])
            entry.compress_type = compression
            with closing(blocks), archive.open(entry, "w", force_zip64=True) as member:
                if compression == ZIP_DEFLATED:
                    member._compressor = fast.compressobj(3, fast.DEFLATED, -15)  # type: ignore[attr-defined]
                for block in blocks:
                    member.write(block)
                    if sent.length >= CHUNK:
                        yield sent.take()
    yield sent.take()


PATTERN = Pattern(
    name="zip_download",
    open_inputs=file_in_parts,
    prepare=download_ready,
    outcome=digest_members,
    axes={"bytes": doubling(8_000_000, 128_000_000), "clients": CROWDS},
    fixed={"bytes": 8_000_000},
    request=Request(
        "GET /posts/export.zip?rows={rows}", {"rows": 20_000}, posts_ready, alike=False
    ),
    variants=(
        Variant(in_memory, role="naive", peak=O("bytes"), per_client="5 MB"),
        Variant(
            member_by_member,
            role="trap",
            peak=O("bytes"),
            per_client="4.5 MB",
            fails_by="memory",
            because="`writestr` takes a member whole, so the largest member determines the peak.",
        ),
        Variant(block_by_block, role="streaming", peak=O(1)),
        Variant(zip_stream, role="streaming", peak=O(1), per_client="1.9 MB"),
        Variant(fast_deflate, role="tuned", peak=O(1), per_client="1.9 MB"),
    ),
)

router = APIRouter()


@endpoint(router, PATTERN, "/posts/export.zip", "application/zip")
def export_zip(
    variant: Variant, store: Posts, rows: Rows = None, deflate: bool = False
) -> OwningResponse:
    """Send the posts in one ZIP, as CSV files of 10,000 rows each."""

    def body() -> Blocks:
        with store.posts(rows) as db:
            yield from variant.run(csv_members(db), ZIP_DEFLATED if deflate else ZIP_STORED)

    return OwningResponse(
        gather(body()),
        media_type="application/zip",
        filename="posts.zip",
        busy=(PoolTimeoutError,),
    )
