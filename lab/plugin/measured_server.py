"""A server whose resident set a test measures while the test is its client."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lab.errors import LabError
from lab.net.client import Received, request
from lab.net.server import Server, reset_high_water_mark
from lab.system.linux import status


class _HighWaterMark:
    """The highest resident set of a server since a given moment.

    The kernel has one mark (VmHWM), which each new window resets; this keeps the maximum.

    Args:
        server: The server.
        began: Bytes of its resident set at that moment.
    """

    def __init__(self, server: Server, began: int) -> None:
        self._server = server
        self._began = self._highest = began
        self._lost = False

    @property
    def rise(self) -> int:
        """Bytes from the beginning to the highest resident set.

        Raises:
            LabError: The server ended before its last mark could be read.
        """
        if self._lost:
            raise LabError(
                "the server ended by itself, so its peak is unknown: written() returns its output."
            )
        return self._highest - self._began

    def update(self) -> None:
        """Read the kernel's mark."""
        try:
            self._highest = max(self._highest, status("VmHWM", self._server.pid))
        except OSError:
            self._lost = True


class Window:
    """A period in which the peak of a server is measured."""

    def __init__(self, mark: _HighWaterMark) -> None:
        self._mark = mark
        self._open = True

    @property
    def peak(self) -> int:
        """Bytes from the start of the window to its highest resident set; final after its block."""
        if self._open:
            self._mark.update()
        return self._mark.rise

    def close(self) -> None:
        """Stop reading the mark."""
        self._open = False


class MeasuredServer:
    """A running server in a process of its own; the test's process reads its answers.

    Attributes:
        url: Its address, ``http://127.0.0.1:PORT``.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self.url = server.url
        mark = _HighWaterMark(server, status("VmRSS", server.pid))
        self._marks = [mark]
        self._whole = Window(mark)

    @property
    def pid(self) -> int:
        """The process id of the server."""
        return self._server.pid

    @property
    def lives(self) -> bool:
        """Whether the process is running."""
        return self._server.lives

    @property
    def peak(self) -> int:
        """Bytes from the resident set after start-up to the highest one since."""
        return self._whole.peak

    def close(self) -> None:
        """Read the mark for the last time, before the server ends."""
        self._update_marks()
        self._whole.close()

    def written(self) -> str:
        """Return the standard output and error of the server so far."""
        return self._server.written()

    @contextmanager
    def window(self) -> Iterator[Window]:
        """Measure the peak during the block, over the resident set at its start."""
        self._update_marks()  # the new window resets the kernel's mark
        mark = _HighWaterMark(self._server, reset_high_water_mark(self.pid))
        self._marks.append(mark)
        window = Window(mark)
        try:
            yield window
        finally:
            self._update_marks()
            self._marks.remove(mark)
            window.close()

    def _update_marks(self) -> None:
        for mark in self._marks:
            mark.update()

    def drain(self, path: str, method: str = "GET", **more: Any) -> Received:
        """Send a request and read its answer to the end without keeping it.

        Args:
            path: The path and query, from the first slash.
            method: GET, POST and so on.
            **more: As for `lab.net.client.request`: ``headers``, ``body``, ``rate`` (bytes per
                second, for a slow reader), ``stop_after`` (bytes, for a client that hangs up).

        Returns:
            Status, headers, length, digest, and whether the body was complete.
        """
        return request(self.url + path, method, **more)
