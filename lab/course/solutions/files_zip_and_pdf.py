"""Send files as one ZIP while they are read, and their checksums as its last member."""

import hashlib
from collections.abc import Iterable, Iterator
from zipfile import ZIP_DEFLATED, ZipFile


class Outbox:
    """A file that can only be written, and holds what was written until it is taken."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, data: bytes) -> int:
        """Keep the bytes."""
        self._written += data
        return len(data)

    def flush(self) -> None:
        """Do nothing: whoever sends the archive takes what is there."""

    close = flush

    def take(self) -> bytes:
        """Return what was written since the last time."""
        taken = bytes(self._written)
        self._written.clear()
        return taken


def archive(members: Iterable[tuple[str, Iterator[bytes]]]) -> Iterator[bytes]:
    """Yield the archive; of each member one block is held, and later its checksum."""
    outbox, sums = Outbox(), []
    with ZipFile(outbox, "w", ZIP_DEFLATED) as zipped:
        for name, blocks in members:
            checksum = hashlib.sha256()
            # How large a member becomes is known at its end, and may be more than 4 GiB.
            with zipped.open(name, "w", force_zip64=True) as member:
                for block in blocks:
                    checksum.update(block)
                    member.write(block)
                    yield outbox.take()
            sums.append(f"{checksum.hexdigest()}  {name}\n")
        zipped.writestr("SHA256SUMS", "".join(sums))
    yield outbox.take()
