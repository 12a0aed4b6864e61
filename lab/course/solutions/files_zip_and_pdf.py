"""Send files as one ZIP while they are read, with their checksums as the last member."""

import hashlib
from collections.abc import Iterable, Iterator
from zipfile import ZIP_DEFLATED, ZipFile


class ZipOutput:
    """A write-only file that keeps the bytes until `take` returns them."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, data: bytes) -> int:
        """Keep the bytes."""
        self._written += data
        return len(data)

    def flush(self) -> None:
        """Do nothing: `take` returns all bytes that were written."""

    close = flush

    def take(self) -> bytes:
        """Return the bytes that were written since the last call."""
        taken = bytes(self._written)
        self._written.clear()
        return taken


def archive(members: Iterable[tuple[str, Iterator[bytes]]]) -> Iterator[bytes]:
    """Yield the archive, keeping one block of each member, and later its checksum."""
    output, sums = ZipOutput(), []
    with ZipFile(output, "w", ZIP_DEFLATED) as zipped:
        for name, blocks in members:
            checksum = hashlib.sha256()
            # The size of a member is unknown until its end, and may exceed 4 GiB.
            with zipped.open(name, "w", force_zip64=True) as member:
                for block in blocks:
                    checksum.update(block)
                    member.write(block)
                    yield output.take()
            sums.append(f"{checksum.hexdigest()}  {name}\n")
        zipped.writestr("SHA256SUMS", "".join(sums))
    yield output.take()
