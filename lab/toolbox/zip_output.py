"""A file for `zipfile` from which the archive is sent while it is written; it needs only Python."""


class ZipOutput:
    """A file without seek, like a socket, so `zipfile` never goes back to a member's header.

    Attributes:
        length: Bytes that were written and not taken.
    """

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.length = 0

    def write(self, data: bytes) -> int:
        """Keep the bytes until `take` returns them."""
        self._pieces.append(data)
        self.length += len(data)
        return len(data)

    def flush(self) -> None:
        """Do nothing: there is no buffer below."""

    close = flush

    def take(self) -> bytes:
        """Return the bytes that were written since the last call."""
        taken = b"".join(self._pieces)
        self._pieces.clear()
        self.length = 0
        return taken
