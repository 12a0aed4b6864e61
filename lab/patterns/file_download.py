"""How do I send a file: read it whole, or a chunk at a time?

Read whole, a file of 500 MB is 500 MB of memory for each client at once. In chunks it is the
chunk, twice: the next one is read before the one that was sent is let go. The size of the chunk
buys speed up to about a mebibyte, and is then only memory.
"""

from collections.abc import Iterator
from pathlib import Path

from lab.data.worlds import download, download_ready
from lab.digest import Digest
from lab.pattern import O, Outcome, Pattern, Variant
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
