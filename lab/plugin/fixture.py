"""The fixture ``memory_lab``: the lab's instruments, in the hands of a test."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import wraps
from importlib.machinery import PathFinder
from typing import Any, ParamSpec, TypeVar

import pytest

from lab.errors import LabError, nearest
from lab.measure.cap import Survival, require_caps
from lab.measure.curve import Curve, Point
from lab.measure.environment import usable_cores
from lab.measure.survival import TIMEOUT, survives
from lab.measure.sweep import DEFAULT_SIZES, Schedule, sweep
from lab.measure.verdict import Verdict, verdict
from lab.measure.workload import Function, Subject
from lab.pattern import O
from lab.plugin.server import MeasuredServer
from lab.server import running

Target = str | Callable[..., Any]
"""``package.module:function``, the function itself, or ``METHOD /path?rows={n}`` with its app."""

_OF_A_REQUEST = ["headers", "body", "field", "clients"]


P = ParamSpec("P")
T = TypeVar("T")


def _told(call: Callable[P, T]) -> Callable[P, T]:
    """Have a call's errors show their details, and not the way they took through the lab."""

    @wraps(call)
    def told(*args: P.args, **kwargs: P.kwargs) -> T:
        __tracebackhide__ = True
        try:
            return call(*args, **kwargs)
        except LabError as error:
            if error.details and not hasattr(error, "__notes__"):
                error.add_note(error.details)
            raise error.with_traceback(None) from None

    return told


class MemoryLab:
    """Measures in fresh processes; what it says does not depend on the tests before."""

    @_told
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
        subject = _subject(target, setup, app, request)
        return sweep(subject, axis, sizes, schedule=_schedule())

    @_told
    def measure(self, target: Target, size: int, **more: Any) -> Point:
        """Measure the heap at one size, in bytes, and which lines hold it; as `sweep` otherwise."""
        return self.sweep(target, sizes=[size], **more).points[0]

    @_told
    def verdict(self, curve: Curve, claim: O | str) -> Verdict:
        """Hold a claim such as ``"O(1)"`` against a curve; the verdict is true when it is kept."""
        return verdict(curve, claim if isinstance(claim, O) else O.parse(claim))

    @_told
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
    ) -> Iterator[MeasuredServer]:
        """Serve an application by a fresh uvicorn on 127.0.0.1 until the block ends.

        The test is skipped on platforms that do not show another process's high-water mark.

        Raises:
            LabError: The application does not start; the end of what it wrote is in the details.
        """
        __tracebackhide__ = True
        _need(_require_marks)
        with ExitStack() as stack:
            enter = _told(stack.enter_context)
            measured = MeasuredServer(enter(running(app, dict(environment or {}))))
            stack.callback(measured.close)
            yield measured


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
    for name in request:
        if name not in _OF_A_REQUEST:
            raise LabError(f"{name!r} is nothing of a request: {nearest(name, _OF_A_REQUEST)}")
    return Endpoint.parse(str(target), app, **request)


def _path(target: Target) -> str:
    """Return the import path of a function, by which a fresh process finds it again."""
    if isinstance(target, str):
        return target
    module = getattr(target, "__module__", None) or ""
    name = getattr(target, "__qualname__", None) or ""
    if "<" in name:
        raise LabError(
            f"{name} is defined inside a function, where a fresh process cannot find it: move it "
            "to the top of its module."
        )
    found: object = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is not target:
        raise LabError(
            f"{target!r} has no name of its own in a module, by which a fresh process would find "
            "it: give a function."
        )
    if PathFinder.find_spec(module.partition(".")[0]) is None:
        raise LabError(
            f"{module} was imported by pytest from its file, and a fresh process cannot find it: "
            f"move {name} to a module that can be imported."
        )
    return f"{module}:{name}"


def _schedule() -> Schedule:
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
