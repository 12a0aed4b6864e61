"""The fixture ``memory_lab``, with which a test measures functions, endpoints and servers."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import wraps
from importlib.machinery import PathFinder
from typing import Any, ParamSpec, TypeVar

import pytest

from lab.claim import O
from lab.curves.curve import Curve, Point
from lab.curves.verdict import Verdict, verdict
from lab.errors import LabError
from lab.measure.environment import usable_cores
from lab.measure.memory_cap import Survival, require_caps
from lab.measure.schedule import Schedule
from lab.measure.subject import subject_of
from lab.measure.survival import TIMEOUT, survives
from lab.measure.sweep_target import sweep
from lab.measure.workload import Subject
from lab.net.server import running
from lab.plugin.measured_server import MeasuredServer

Target = str | Callable[..., Any]
"""``package.module:function``, the function itself, or ``METHOD /path?rows={n}`` with an app."""

P = ParamSpec("P")
T = TypeVar("T")


def _short_errors(call: Callable[P, T]) -> Callable[P, T]:
    """Make the errors of a call show their details, without the lab's own frames."""

    @wraps(call)
    def short(*args: P.args, **kwargs: P.kwargs) -> T:
        __tracebackhide__ = True
        try:
            return call(*args, **kwargs)
        except LabError as error:
            if error.details and not hasattr(error, "__notes__"):
                error.add_note(error.details)
            raise error.with_traceback(None) from None

    return short


class MemoryLab:
    """Measures in fresh processes, so that figures do not depend on the tests before.

    Args:
        on_verdict: Called with the curves and the verdict of each call of `verdict`; None for none.
    """

    def __init__(
        self, on_verdict: Callable[[Sequence[Curve], Verdict], object] | None = None
    ) -> None:
        self._on_verdict = on_verdict

    @_short_errors
    def sweep(
        self,
        target: Target,
        axis: str = "n",
        sizes: Iterable[int] | None = None,
        *,
        setup: Target | None = None,
        app: str | None = None,
        env: Mapping[str, str] | None = None,
        claim: O | str | None = None,
        constant_answer: str | bool = False,
        warm_up: bool = True,
        **request: Any,
    ) -> Curve:
        """Measure a function, or a request to an application, at several sizes.

        Args:
            target: The function or the request.
            axis: What the sizes count.
            sizes: Increasing; a verdict needs five or more, each twice the one before. None for
                five that suit the target.
            setup: A context manager that takes the size and yields the function's argument.
            app: ``package.module:app`` or ``package.module:create_app()``, for a request.
            env: Environment variables, set before the target's module is imported.
            claim: If the sizes cannot decide this claim, more is measured, such as larger sizes.
            constant_answer: Whether the answer need not grow with the size; a text says why.
            warm_up: Whether a smaller run comes before each measured one.
            **request: For a request: ``headers`` as ``["NAME: VALUE"]``; one of ``body`` as
                ``"rows"`` or ``"bytes"`` (uploaded as ``field``), ``json_body`` as a text and
                ``body_file`` as a path, with ``{n}`` for the size; ``clients``.

        Raises:
            LabError: The target cannot be measured.
        """
        subject = _subject(target, setup, app, env, request)
        return sweep(
            subject,
            axis,
            sizes,
            schedule=_schedule(),
            claim=None if claim is None else _claim(claim),
            constant_answer=constant_answer,
            warm_up=warm_up,
        )

    @_short_errors
    def measure(self, target: Target, size: int, **more: Any) -> Point:
        """Measure the peak heap at one size, in bytes, with its lines; arguments as `sweep`."""
        return self.sweep(target, sizes=[size], **more).points[0]

    @_short_errors
    def verdict(self, curve: Curve | Iterable[Curve], claim: O | str) -> Verdict:
        """Judge a curve by a claim such as ``"O(1)"``; the verdict is true if the claim is kept.

        The report of a failing test explains its verdicts that are not kept.
        """
        curves = [curve] if isinstance(curve, Curve) else list(curve)
        judged = verdict(curves, _claim(claim))
        if self._on_verdict is not None:
            self._on_verdict(curves, judged)
        return judged

    @_short_errors
    def survives(
        self,
        target: Target,
        size: int,
        cap: int | str,
        *,
        axis: str = "n",
        setup: Target | None = None,
        app: str | None = None,
        env: Mapping[str, str] | None = None,
        warm_up: bool = True,
        timeout: float = TIMEOUT,
        **request: Any,
    ) -> Survival:
        """Run a target at one size under a cap; the result is true if the run finished.

        The test is skipped on platforms without caps.

        Args:
            target: The function or the request.
            size: The size.
            cap: Bytes over the warm process, or text such as ``"64 MiB"``.
            axis: What the size counts.
            setup: A context manager that takes the size and yields the function's argument.
            app: ``package.module:app`` or ``package.module:create_app()``, for a request.
            env: Environment variables, set before the target's module is imported.
            warm_up: Whether a smaller run comes before the capped one.
            timeout: Seconds for the run.
            **request: As for `sweep`.

        Raises:
            LabError: The target cannot be run.
        """
        _skip_without(require_caps)
        subject = _subject(target, setup, app, env, request)
        return survives(subject, size, cap, axis=axis, warm_up=warm_up, timeout=timeout)

    @contextmanager
    def server(
        self, app: str, environment: Mapping[str, str] | None = None
    ) -> Iterator[MeasuredServer]:
        """Serve an application with a fresh uvicorn on 127.0.0.1 until the block ends.

        The test is skipped on platforms that do not show another process's high-water mark.

        Args:
            app: ``package.module:app`` or ``package.module:create_app()``.
            environment: Environment variables for the server, in addition to this process's.

        Raises:
            LabError: The application does not start; the end of its output is in the details.
        """
        __tracebackhide__ = True
        _skip_without(_require_high_water_marks)
        with ExitStack() as stack:
            enter = _short_errors(stack.enter_context)
            measured = MeasuredServer(enter(running(app, dict(environment or {}))))
            stack.callback(measured.close)
            yield measured


def _subject(
    target: Target,
    setup: Target | None,
    app: str | None,
    env: Mapping[str, str] | None,
    request: Mapping[str, Any],
) -> Subject:
    path = str(target) if app is not None else _path(target)
    return subject_of(path, None if setup is None else _path(setup), app, env, **request)


def _path(target: Target) -> str:
    """Return the import path of a function, by which a fresh process can import it."""
    if isinstance(target, str):
        return target
    module = getattr(target, "__module__", None) or ""
    name = getattr(target, "__qualname__", None) or ""
    if "<" in name:
        raise LabError(
            f"{name} is defined inside a function, where a fresh process cannot find it: move it "
            "to the top of its module."
        )
    named: object = sys.modules.get(module)
    for part in name.split("."):
        named = getattr(named, part, None)
    if named is not target:
        raise LabError(
            f"{target!r} has no name in a module by which a fresh process could import it: give a "
            "function of a module."
        )
    if PathFinder.find_spec(module.partition(".")[0]) is None:
        raise LabError(
            f"{module} was imported by pytest from its file, and a fresh process cannot find it: "
            f"move {name} to a module that can be imported."
        )
    return f"{module}:{name}"


def _claim(claim: O | str) -> O:
    return claim if isinstance(claim, O) else O.parse(claim)


def _schedule() -> Schedule:
    return Schedule(1 if "PYTEST_XDIST_WORKER" in os.environ else usable_cores())


def _skip_without(check: Callable[[], None]) -> None:
    """Skip the test if the check raises a LabError."""
    try:
        check()
    except LabError as error:
        pytest.skip(str(error))


def _require_high_water_marks() -> None:
    if sys.platform != "linux":
        raise LabError(
            f"{sys.platform} does not show another process's high-water mark: measure servers on "
            "Linux."
        )
