"""Whether the next bytes of a file are in the page cache, so that a read does not block.

Copy this file into your application; it needs only Python. It works on Linux; on other systems it
always returns False.
"""

import os
from pathlib import Path


class NextCached:
    """Tell, chunk by chunk, whether the next chunk of a file is in the page cache.

    A switch to a worker thread and back costs as much as copying half a mebibyte. That is worth it
    where a read may wait for a disk, and wasted where the bytes are in memory.

    Only the last byte of a chunk is tested, since the system reads ahead and evicts by extents. If
    the rest is not in memory, the event loop waits for a disk.

    Args:
        path: The file.
        chunk: Bytes of a read.
        start: The offset of the first read, in bytes.
    """

    def __init__(self, path: Path, chunk: int, start: int = 0) -> None:
        self._path = path
        self._chunk = chunk
        self._end = start

    def __call__(self) -> bool:
        """Tell whether the next chunk is cached; call it once before each read."""
        self._end += self._chunk
        nowait = getattr(os, "RWF_NOWAIT", None)
        if nowait is None:
            return False
        try:
            fd = os.open(self._path, os.O_RDONLY)
        except OSError:
            return False  # the read will raise the error
        try:
            last = min(self._end, os.fstat(fd).st_size) - 1
            return os.preadv(fd, [bytearray(1)], max(0, last), nowait) == 1
        except OSError:  # not in memory, or a file system without RWF_NOWAIT
            return False
        finally:
            os.close(fd)
