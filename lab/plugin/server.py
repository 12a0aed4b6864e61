"""A server that a test watches from outside, while it is the client."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lab.client import Received, request
from lab.errors import LabError
from lab.linux import status
from lab.server import Server, reset_high_water_mark


class _Mark:
    """The highest that a server's resident set has been since somebody began to look.

    Attributes:
        rise: Bytes by which it rose, at most.
    """

    def __init__(self, server: Server, began: int) -> None:
        self._server = server
        self._began = self._highest = began
        self._lost = False

    @property
    def rise(self) -> int:
        """See the class.

        Raises:
            LabError: The server ended while it was looked at, and its mark is gone.
        """
        if self._lost:
            raise LabError(
                "the server has ended by itself, and nobody knows its peak: see what it has "
                "written()."
            )
        return self._highest - self._began

    def note(self) -> None:
        """Take in how high the mark is now."""
        try:
            self._highest = max(self._highest, status("VmHWM", self._server.pid))
        except OSError:
            self._lost = True


class Window:
    """A stretch of time in the life of a server.

    Attributes:
        peak: Bytes by which the resident set rose above where the window began, at most; final
            once the block has ended.
    """

    def __init__(self, mark: _Mark) -> None:
        self._mark = mark
        self._open = True

    @property
    def peak(self) -> int:
        """See the class."""
        if self._open:
            self._mark.note()
        return self._mark.rise

    def close(self) -> None:
        """Look no more."""
        self._open = False


class MeasuredServer:
    """A server that is up: who drains its answers is another process, the one of the test.

    Attributes:
        url: Where it listens, as ``http://127.0.0.1:PORT``.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self.url = server.url
        mark = _Mark(server, status("VmRSS", server.pid))
        self._marks = [mark]
        self._whole = Window(mark)

    @property
    def pid(self) -> int:
        """The process that serves."""
        return self._server.pid

    @property
    def lives(self) -> bool:
        """Whether it is still there."""
        return self._server.lives

    @property
    def peak(self) -> int:
        """Bytes by which the resident set has risen, at most, since the server came up."""
        return self._whole.peak

    def close(self) -> None:
        """Take in how high the mark is now, for the last time."""
        self._note()
        self._whole.close()

    def written(self) -> str:
        """Return what the server has written to its output and its error stream."""
        return self._server.written()

    @contextmanager
    def window(self) -> Iterator[Window]:
        """Watch the peak for as long as the block lasts, from where memory is when it begins."""
        self._note()  # a new window starts the kernel's mark anew
        mark = _Mark(self._server, reset_high_water_mark(self.pid))
        self._marks.append(mark)
        window = Window(mark)
        try:
            yield window
        finally:
            self._note()
            self._marks.remove(mark)
            window.close()

    def _note(self) -> None:
        for mark in self._marks:
            mark.note()

    def drain(self, path: str, method: str = "GET", **more: Any) -> Received:
        """Send a request and read its answer to the end, keeping none of it.

        Args:
            path: From the slash on.
            method: GET, POST and so on.
            **more: As for `lab.client.request`: ``headers``, ``body``, ``rate`` in bytes a second
                for a slow reader, ``stop_after`` so many bytes for one that hangs up.

        Returns:
            Status, headers, length, digest, and whether the body was complete.
        """
        return request(self.url + path, method, **more)
