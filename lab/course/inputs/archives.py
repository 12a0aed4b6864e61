"""Files that a student's function sends as one ZIP, and the contents of the received ZIP."""

import hashlib
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO, Any
from zipfile import BadZipFile, ZipFile, ZipInfo

from lab.course.grading.drain_answers import chunks_of, shown
from lab.errors import LabError
from lab.measure.run_progress import reached
from lab.outcome import Digest, Outcome

_BLOCK = 65_536
_SHARES = {"posts.csv": 5, "old/отчёт.csv": 1, "empty.csv": 0, "authors.csv": 6, "tags.csv": 4}
"""Sixteenths of all bytes. The number of members is fixed, because each needs an entry."""


@contextmanager
def unseen_members(size: int, salt: int) -> Iterator[Iterator[tuple[str, Iterator[bytes]]]]:
    """Yield the members as pairs of a name and its blocks; together they have ``size`` bytes."""
    names = {f"{salt % 10_000:04}/{name}": share for name, share in _SHARES.items()}
    yield ((name, _blocks(f"{salt} {name}", size * share // 16)) for name, share in names.items())


def _blocks(seed: str, size: int) -> Iterator[bytes]:
    """Yield ``size`` hexadecimal digits, which deflate to a little more than half."""
    for start in range(0, size, _BLOCK):
        digits = hashlib.shake_128(f"{seed} {start}".encode()).hexdigest(_BLOCK // 2)
        yield digits[: size - start].encode()


def archive_of(answer: Any, show: bool) -> Outcome:
    """Receive a ZIP and unpack it; the outcome is the names and bytes of its members, in order.

    The bytes of the archive itself are not compared: they depend on the compression and the time.

    Raises:
        LabError: The answer is no ZIP archive, is damaged, or is compressed in an unknown way.
    """
    with _received(chunks_of(answer)) as file:
        try:
            with ZipFile(file) as archive:
                return _first_bytes(archive) if show else _digested(archive)
        except (BadZipFile, EOFError, NotImplementedError, zlib.error) as error:
            raise LabError(f"the answer cannot be read as a ZIP archive: {error}") from error


@contextmanager
def _received(chunks: Iterable[bytes]) -> Iterator[IO[bytes]]:
    """Write chunks to a temporary file that the grading does not count as the student's memory."""
    with TemporaryDirectory(prefix="memory-lab-") as folder:
        file = TemporaryFile(dir=folder)  # noqa: SIM115 - it outlives its folder
    with file:
        size = 0
        for chunk in chunks:
            size += file.write(chunk)
            reached(size)
        yield file


def _first_bytes(archive: ZipFile) -> Outcome:
    """Return the name, the size and the first bytes of each member."""
    members = ((info, b"".join(_content(archive, info))) for info in archive.infolist())
    return Outcome(
        shown(
            f"{info.filename}, {len(content)} bytes, {content[:80].decode(errors='replace')!r}"
            for info, content in members
        )
    )


def _digested(archive: ZipFile) -> Outcome:
    digest, size = Digest(), 0
    for info in archive.infolist():
        digest.add([info.filename, info.file_size])
        for block in _content(archive, info):
            digest.update(block)
        size += info.file_size
    return Outcome(digest.hex(), {"items": size})


def _content(archive: ZipFile, info: ZipInfo) -> Iterator[bytes]:
    with archive.open(info) as member:
        while block := member.read(_BLOCK):
            yield block
