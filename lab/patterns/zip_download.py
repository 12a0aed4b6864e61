"""How do I send many files as one ZIP: build the archive, or send it while it is made?

A ZIP is made front to back, and its directory comes last, so nothing has to wait for the end. What
decides is how a member is handed over: as bytes, which must all be there first, or as blocks. In
blocks the archive costs one of them, and some hundred bytes for each member's entry in the
directory.
"""

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from io import BytesIO, StringIO
from itertools import chain, count, islice
from pathlib import Path
from tempfile import TemporaryFile
from time import localtime
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from fastapi import APIRouter
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session
from zipstream import ZipStream  # type: ignore[import-untyped] # it ships no types

from lab.data.files import download_file
from lab.data.worlds import download_ready, posts_ready
from lab.deflate import fast
from lab.digest import Digest
from lab.pattern import CROWDS, O, Outcome, Pattern, Request, Variant
from lab.patterns.csv_export import HEADER, csv_writer, joined_columns
from lab.routes import Posts, Rows, endpoint
from lab.streams import CHUNK, OwningResponse, gather
from lab.units import doubling

Blocks = Generator[bytes, None, None]
Members = Iterable[tuple[str, Blocks]]
"""Names, each with the content of its member in blocks: to be read in this order, one by one."""

MEMBERS = 8
ROWS_PER_MEMBER = 10_000


def in_memory(members: Members, compression: int = ZIP_STORED) -> Iterator[bytes]:
    """Build the whole archive in a BytesIO and send it in one piece."""
    buffer = BytesIO()
    with ZipFile(buffer, "w", compression) as archive:
        for name, blocks in members:
            archive.writestr(name, b"".join(blocks))
    yield buffer.getvalue()


def member_by_member(members: Members, compression: int = ZIP_STORED) -> Iterator[bytes]:
    """Send the archive while it is made, but give it each member whole."""
    sent = Outbox()
    with ZipFile(sent, "w", compression) as archive:
        for name, blocks in members:
            archive.writestr(name, b"".join(blocks))
            yield sent.take()
    yield sent.take()


def block_by_block(members: Members, compression: int = ZIP_STORED) -> Iterator[bytes]:
    """Write each member in blocks, with `zipfile` alone, and send what each block became."""
    sent = Outbox()
    with ZipFile(sent, "w", compression) as archive:
        for name, blocks in members:
            entry = ZipInfo(name, localtime()[:6])
            entry.compress_type = compression
            # How large it becomes is not known yet, and may be more than 4 GiB.
            with closing(blocks), archive.open(entry, "w", force_zip64=True) as member:
                for block in blocks:
                    member.write(block)
                    yield sent.take()
    yield sent.take()


def zip_stream(members: Members, compression: int = ZIP_STORED) -> Iterator[bytes]:
    """Let zipstream-ng turn each member's blocks into the archive's."""
    archive = ZipStream(compress_type=compression)
    for name, blocks in members:
        with closing(blocks):
            archive.add(blocks, name)
            yield from archive.file()
    yield from archive.finalize()


def fast_deflate(members: Members, compression: int = ZIP_DEFLATED) -> Iterator[bytes]:
    """Deflate each member in blocks several times as fast, with Intel's ISA-L if it is there.

    A CSV becomes a fifth larger than at zlib's usual level 6; at level 3 zlib takes twice the time
    for the same. `zipfile` has no place to say what deflates, so its compressor is exchanged.
    """
    sent = Outbox()
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


class Outbox:
    """A file that can only be written, as a socket is; `zipfile` then never wants to go back."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.length = 0

    def write(self, data: bytes) -> int:
        """Keep the bytes until they are taken."""
        self._pieces.append(data)
        self.length += len(data)
        return len(data)

    def flush(self) -> None:
        """Do nothing: everything is taken as soon as it is there."""

    close = flush

    def take(self) -> bytes:
        """Return what was written since the last time."""
        taken = b"".join(self._pieces)
        self._pieces.clear()
        self.length = 0
        return taken


@contextmanager
def file_in_parts(bytes: int) -> Iterator[Members]:  # noqa: A002 - the axis has this name
    """Yield members that together have so many bytes: a file, cut into parts."""
    path = download_file(bytes)
    ends = [bytes * number // MEMBERS for number in range(MEMBERS + 1)]
    yield (
        (f"part-{number}.bin", part(path, ends[number - 1], ends[number]))
        for number in range(1, MEMBERS + 1)
    )


def part(path: Path, start: int, end: int) -> Blocks:
    """Read a part of a file, 64 KiB at a time."""
    with path.open("rb") as file:
        file.seek(start)
        while block := file.read(min(CHUNK, end - file.tell())):
            yield block


def digest_members(archive: Iterator[bytes], members: Members) -> Outcome:
    """Receive the archive into a file and unpack it; the answer is its members' names and bytes.

    The bytes of the archive itself differ: each library has its own way, and the time of day.
    """
    digest, chunks, size = Digest(), 0, 0
    with TemporaryFile() as received:
        for chunk in archive:
            received.write(chunk)
            chunks += 1
            size += len(chunk)
        with ZipFile(received) as unpacked:
            names = unpacked.namelist()
            for name in names:
                digest.add([name, unpacked.getinfo(name).file_size])
                with unpacked.open(name) as member:
                    while block := member.read(CHUNK):
                        digest.update(block)
    return Outcome(digest.hex(), {"members": len(names), "bytes": size, "chunks": chunks})


PATTERN = Pattern(
    name="zip_download",
    world=file_in_parts,
    prepare=download_ready,
    outcome=digest_members,
    axes={"bytes": doubling(8_000_000, 128_000_000), "clients": CROWDS},
    fixed={"bytes": 8_000_000},
    request=Request(
        "GET /posts/export.zip?rows={rows}", {"rows": 20_000}, posts_ready, alike=False
    ),
    variants=(
        Variant(in_memory, role="naive", peak=O("bytes", per_client="5 MB")),
        Variant(
            member_by_member,
            role="trap",
            peak=O("bytes", per_client="4.5 MB"),
            springs="memory",
            why="`writestr` wants a member whole, so the largest one decides.",
        ),
        Variant(block_by_block, role="streaming", peak=O(1)),
        Variant(zip_stream, role="streaming", peak=O(1, per_client="1.9 MB")),
        Variant(fast_deflate, role="tuned", peak=O(1, per_client="1.9 MB")),
    ),
)

router = APIRouter()


@endpoint(router, PATTERN, "/posts/export.zip", "application/zip")
def export_zip(
    variant: Variant, store: Posts, rows: Rows = None, deflate: bool = False
) -> OwningResponse:
    """Send the posts as CSV files of 10,000 rows each in one ZIP."""

    def body() -> Blocks:
        with store.posts(rows) as db:
            yield from variant.run(csv_members(db), ZIP_DEFLATED if deflate else ZIP_STORED)

    return OwningResponse(
        gather(body()),
        media_type="application/zip",
        filename="posts.zip",
        busy=(PoolTimeoutError,),
    )


def csv_members(db: Session) -> Iterator[tuple[str, Blocks]]:
    """Cut one stream of posts into CSV files; each is to be read before the next is asked for.

    Without posts there is one of them, with its header: some programs refuse an empty archive.
    """
    rows = iter(db.execute(joined_columns(), execution_options={"yield_per": 1_000}))
    for number in count(1):
        first = list(islice(rows, 1))
        if not first and number > 1:
            return
        rest = islice(rows, ROWS_PER_MEMBER - 1)
        yield f"posts-{number:04d}.csv", csv_blocks(chain(first, rest))


def csv_blocks(rows: Iterable[Any]) -> Blocks:
    """Write rows as CSV, in blocks of about 64 KiB."""
    buffer = StringIO()
    writer = csv_writer(buffer)
    writer.writerow(HEADER)
    for row in rows:
        writer.writerow(row)
        if buffer.tell() >= CHUNK:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()
