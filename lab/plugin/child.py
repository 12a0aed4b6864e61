"""The measuring process's side: run one test in a pytest of its own, and look at its body alone.

Fixtures are set up before the witness looks, and torn down after it.
"""

import gc
import json
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import wraps
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any
from unittest import TestCase

import pytest

from lab.errors import LabError
from lab.measure.workload import LASTING
from lab.pattern import Outcome
from lab.plugin.session import Reports, Seen, covered, session
from lab.plugin.start import names

Look = Callable[[Callable[[], Outcome]], object]


def imported(pytest_run: dict[str, Any], file: str) -> None:
    """Import a test file with all that pytest imports for it, and leave it at that.

    Raises:
        LabError: A process of our own cannot start its pytest.
    """
    try:
        with session(pytest_run, file, collect_only=True):
            pass
    except BaseException as error:  # whatever a plugin raises, the run must hear of it
        what = "".join(traceback.format_exception_only(error)).strip()
        raise LabError(
            f"pytest does not start in a process of its own for {file}: {what}",
            details="".join(traceback.format_tb(error.__traceback__)[-6:]),
        ) from None


def drive(
    look: Look,
    pytest_run: dict[str, Any],
    test: dict[str, Any],
    coverage: dict[str, Any] | None,
    size: int | None,
    over: str | None,
    reports: str | None,
) -> None:
    """Run a test as pytest does, with its body looked at.

    Args:
        look: What looks at a call.
        pytest_run: What the run that this one belongs to was started with.
        test: The ``function`` and the ``names`` by which the test is found.
        coverage: How to take part in the coverage of the run, if it is measured.
        size: What the argument named by ``over`` is, if there is one.
        over: The argument that takes the size.
        reports: The file that the test's reports are written to. Without one, for a warm-up, only
            what belongs to the test alone is torn down.
    """
    taking, item = _item(pytest_run, test, coverage)
    if over is not None:
        item.callspec.params[over] = size
    seen = taking.seen = Seen()
    following = item.parent if reports is None else None
    with _looked_at(item, look):
        try:
            item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
        except (pytest.exit.Exception, KeyboardInterrupt) as left:
            seen.left = str(left) or type(left).__name__
    if reports is not None:
        Path(reports).write_text(json.dumps(asdict(seen), default=repr))
        # Nobody will hear of what a collection at the end of the process finds.
        gc.freeze()


@contextmanager
def _looked_at(item: pytest.Function, look: Look) -> Iterator[None]:
    """Have the body of a test looked at; of a `TestCase`, the method without setUp and tearDown."""
    runtest = item.runtest

    def run() -> None:
        in_case = item.cls is not None and issubclass(item.cls, TestCase)
        if in_case and not iscoroutinefunction(item.obj):
            item.obj = _looking(item.obj, look)
            runtest()
        else:
            _looking(runtest, look)()

    item.runtest = run  # type: ignore[method-assign]
    try:
        yield
    finally:
        item.runtest = runtest  # type: ignore[method-assign]


def _looking(method: Callable[..., Any], look: Look) -> Callable[..., Any]:
    @wraps(method)
    def looked(*args: Any) -> Any:
        answers = []

        def run() -> Outcome:
            answers.append(method(*args))
            return Outcome("")

        look(run)
        return answers[0]

    return looked


_collected: dict[str, tuple[Reports, pytest.Function]] = {}


def _item(
    pytest_run: dict[str, Any], test: dict[str, Any], coverage: dict[str, Any] | None
) -> tuple[Reports, pytest.Function]:
    """Return a test, collected once in this process, and what takes down its reports."""
    key = json.dumps(test)
    if key not in _collected:
        LASTING.enter_context(covered(coverage))
        reports = LASTING.enter_context(session(pytest_run, test["function"]))
        found = [item for item in reports.collected if names(item) == test["names"]]
        if not found or not isinstance(found[0], pytest.Function):
            raise LabError(
                f"{test['nodeid']} is not there when its file is collected again.",
                details="\n".join(reports.errors),
            )
        _collected[key] = reports, found[0]
    return _collected[key]
