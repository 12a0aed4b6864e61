"""The fixture ``memory_lab``: the lab's instruments, in the hands of a test."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from lab.client import Received, request
from lab.errors import LabError
from lab.linux import status
from lab.measure.cap import Survival, require_caps
from lab.measure.curve import Curve, Point
from lab.measure.survival import TIMEOUT, survives
from lab.measure.sweep import DEFAULT_SIZES, Schedule, sweep
from lab.measure.verdict import Verdict, verdict
from lab.measure.workload import Function, Subject
from lab.pattern import O
from lab.server import Server, reset_high_water_mark, running

Target = str | Callable[..., Any]
"""``package.module:function``, the function itself, or ``METHOD /path?rows={n}`` with its app."""


class MemoryLab:
    """Measures in fresh processes; what it says does not depend on the tests before."""

    def sweep(
        self,
        target: Target,
        axis: str = "n",
        sizes: Iterable[int] = DEFAULT_SIZES,
        *,
        setup: Target | None = None,
        app: str | None = None,
        **request: Any,
    ) -> Curve:
        """Measure a function, or a request to an application, at several sizes.

        Args:
            target: What to measure.
            axis: What the sizes count.
            sizes: Increasing; a verdict wants five or more, each twice the one before.
            setup: A context manager that takes the size and yields what the function is given.
            app: ``package.module:app``, for a request.
            **request: Of a request: ``headers`` as ``["NAME: VALUE"]``, ``body`` of ``"rows"`` or
                ``"bytes"``, ``field``, ``clients``.

        Raises:
            LabError: It cannot be measured.
        """
        return sweep(_subject(target, setup, app, request), axis, sizes, schedule=_schedule())

    def measure(self, target: Target, size: int, **more: Any) -> Point:
        """Measure the heap at one size, in bytes, and which lines hold it; as `sweep` otherwise."""
        return self.sweep(target, sizes=[size], **more).points[0]

    def verdict(self, curve: Curve, claim: O | str) -> Verdict:
        """Hold a claim such as ``"O(1)"`` against a curve; the verdict is true when it is kept."""
        return verdict(curve, claim if isinstance(claim, O) else O.parse(claim))

    def survives(
        self,
        target: Target,
        size: int,
        cap: int | str,
        *,
        axis: str = "n",
        setup: Target | None = None,
        app: str | None = None,
        timeout: float = TIMEOUT,
        **request: Any,
    ) -> Survival:
        """Run at a size with so many bytes more than the warm process; true when it finished.

        The test is skipped on platforms that have no caps.
        """
        _need(require_caps)
        subject = _subject(target, setup, app, request)
        return survives(subject, size, cap, axis=axis, timeout=timeout)

    @contextmanager
    def server(
        self, app: str, environment: Mapping[str, str] | None = None
    ) -> "Iterator[MeasuredServer]":
        """Serve an application by a fresh uvicorn on 127.0.0.1 until the block ends.

        The test is skipped on platforms that do not show another process's high-water mark.

        Raises:
            LabError: The application does not start; the end of what it wrote is in the details.
        """
        _need(_require_marks)
        with running(app, dict(environment or {})) as server:
            yield MeasuredServer(server)


class Window:
    """A stretch of time in the life of a server.

    Attributes:
        peak: Bytes by which the resident set rose above where the window began, at most; final
            once the block has ended.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._began = reset_high_water_mark(pid)
        self._ended: int | None = None

    @property
    def peak(self) -> int:
        """See the class."""
        mark = status("VmHWM", self._pid) if self._ended is None else self._ended
        return max(0, mark - self._began)

    def _end(self) -> None:
        self._ended = status("VmHWM", self._pid)


class MeasuredServer:
    """A server that is up: who drains its answers is another process, the one of the test.

    Attributes:
        url: Where it listens, as ``http://127.0.0.1:PORT``.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self.url = server.url
        self._began = status("VmRSS", server.pid)
        self._highest = self._began

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
        return max(self._highest, status("VmHWM", self.pid)) - self._began

    def written(self) -> str:
        """Return what the server has written to its output and its error stream."""
        return self._server.written()

    @contextmanager
    def window(self) -> Iterator[Window]:
        """Watch the peak for as long as the block lasts, from where memory is when it begins."""
        self._highest = max(self._highest, status("VmHWM", self.pid))
        window = Window(self.pid)
        try:
            yield window
        finally:
            window._end()

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


def _subject(
    target: Target, setup: Target | None, app: str | None, request: Mapping[str, Any]
) -> Subject:
    if app is None:
        if request:
            raise LabError(f"{', '.join(request)} are for a request: give its app.")
        return Function(_path(target), None if setup is None else _path(setup))
    from lab.measure.endpoint import Endpoint

    if setup is not None:
        raise LabError("setup is for functions: an application sets itself up.")
    return Endpoint.parse(str(target), app, **request)


def _path(target: Target) -> str:
    """Return the import path of a function, by which a fresh process finds it again."""
    if isinstance(target, str):
        return target
    if "<" in target.__qualname__:
        raise LabError(
            f"{target.__qualname__} is defined inside a function, where a fresh process cannot "
            "find it: move it to the top of its module."
        )
    return f"{target.__module__}:{target.__qualname__}"


def _schedule() -> Schedule:
    import os

    from lab.measure.environment import usable_cores

    return Schedule(1 if "PYTEST_XDIST_WORKER" in os.environ else usable_cores())


def _need(check: Callable[[], None]) -> None:
    try:
        check()
    except LabError as error:
        pytest.skip(str(error))


def _require_marks() -> None:
    if sys.platform != "linux":
        raise LabError(
            f"{sys.platform} does not show another process's high-water mark: watch servers on "
            "Linux."
        )
