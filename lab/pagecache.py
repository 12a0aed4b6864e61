"""Whether the next bytes of a file are in memory already, so that reading them waits for nothing.

Copy this file into your application; it needs nothing but Python, and Linux to be of use: on other
systems it always says no.
"""

import os
from pathlib import Path


class NextCached:
    """Tells, chunk by chunk, whether the next one of a file is in the system's page cache.

    A trip to a worker thread and back costs as much as copying half a mebibyte. It is worth that
    where a disk may keep the reader waiting, and wasted where the bytes are in memory.

    The last byte of a chunk speaks for all of it, as a file is read ahead and forgotten by the
    extent; where it is wrong, somebody waits for a disk.

    Args:
        path: The file.
        chunk: Bytes that are read at a time.
        start: Where the reading begins, in bytes.
    """

    def __init__(self, path: Path, chunk: int, start: int = 0) -> None:
        self._path = path
        self._chunk = chunk
        self._end = start

    def __call__(self) -> bool:
        """Tell it of the next chunk; to be called once before each is read."""
        self._end += self._chunk
        nowait = getattr(os, "RWF_NOWAIT", None)
        if nowait is None:
            return False
        try:
            fd = os.open(self._path, os.O_RDONLY)
        except OSError:
            return False  # whoever reads it will say so
        try:
            last = min(self._end, os.fstat(fd).st_size) - 1
            return os.preadv(fd, [bytearray(1)], max(0, last), nowait) == 1
        except OSError:  # not in memory; or a file system that cannot tell
            return False
        finally:
            os.close(fd)
