"""The measuring process: run one test in a pytest of its own, and measure only the test's body.

Fixtures are set up before the measurement and torn down after it.
"""

import json
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import wraps
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any

import pytest

from lab.errors import LabError
from lab.measure.workload import LASTING
from lab.outcome import Outcome
from lab.plugin.bounded_records import bounded_records
from lab.plugin.case_methods import is_case_method, pass_size
from lab.plugin.child_plugins import leave_skips_to_the_run
from lab.plugin.child_session import Recorder, RunRecord, coverage_measured, measuring_session
from lab.plugin.child_start import names_in_file
from lab.plugin.pytest_internals import parameters

Measure = Callable[[Callable[[], Outcome]], object]
"""Measures one call of its argument."""


def import_test_file(pytest_run: dict[str, Any], file: str) -> None:
    """Import a test file, with its conftests and plugins, and run nothing.

    Args:
        pytest_run: The settings of `lab.plugin.child_start.run_settings`.
        file: Path of the test file.

    Raises:
        LabError: The pytest of this process does not start.
    """
    try:
        with measuring_session(pytest_run, file, collect_only=True):
            pass
    except LabError:
        raise
    except BaseException as error:  # a plugin may raise anything, and the run must report it
        reason = "".join(traceback.format_exception_only(error)).strip()
        raise LabError(
            f"pytest does not start in a measuring process for {file}: {reason}",
            details="".join(traceback.format_tb(error.__traceback__)[-6:]),
        ) from None


def run_test(
    measure: Measure,
    pytest_run: dict[str, Any],
    test: dict[str, Any],
    coverage: dict[str, Any] | None,
    size: int | None,
    over: str | None,
    reports: str | None,
) -> None:
    """Run a test as pytest does, and measure its body.

    Args:
        measure: Measures a call.
        pytest_run: The settings of `lab.plugin.child_start.run_settings`.
        test: The test, as `lab.plugin.child_start.item_key` describes it.
        coverage: The options of coverage.py; None if the run measures no coverage.
        size: The value of the argument ``over``; None without such an argument.
        over: The argument that takes the size, or None.
        reports: The file for the test's reports, as JSON. None for a warm-up, which keeps the
            fixtures that are shared with other tests for the measured run.
    """
    recorder, item = _item(pytest_run, test, coverage)
    if over is not None:
        parameters(item)[over] = size
    case_size = (over, size) if over is not None and size is not None else None
    record = recorder.record = RunRecord()
    next_item = item.parent if reports is None else None
    with _body_measured(item, measure, case_size):
        try:
            item.ihook.pytest_runtest_protocol(item=item, nextitem=next_item)
        except (pytest.exit.Exception, KeyboardInterrupt) as error:
            record.exit_message = str(error) or type(error).__name__
    if reports is not None:
        Path(reports).write_text(json.dumps(asdict(record), default=repr))


@contextmanager
def _body_measured(
    item: pytest.Function, measure: Measure, size: tuple[str, int] | None
) -> Iterator[None]:
    """Measure the test's body inside the block; of a `TestCase`, without setUp and tearDown.

    Args:
        item: The test.
        measure: Measures a call.
        size: The argument that takes the size, and its value; None without a size.
    """
    runtest = item.runtest

    def run() -> None:
        in_case = is_case_method(item)
        if in_case and size is not None:
            pass_size(item, *size)
        with bounded_records(item):
            if in_case and not iscoroutinefunction(item.obj):
                item.obj = _measured(item.obj, measure)
                runtest()
            else:
                _measured(runtest, measure)()

    item.runtest = run  # type: ignore[method-assign]
    try:
        yield
    finally:
        item.runtest = runtest  # type: ignore[method-assign]


def _measured(method: Callable[..., Any], measure: Measure) -> Callable[..., Any]:
    @wraps(method)
    def measured(*args: Any) -> Any:
        answers = []

        def run() -> Outcome:
            answers.append(method(*args))
            return Outcome("")

        measure(run)
        return answers[0]

    return measured


_collected: dict[str, tuple[Recorder, pytest.Function]] = {}


def _item(
    pytest_run: dict[str, Any], test: dict[str, Any], coverage: dict[str, Any] | None
) -> tuple[Recorder, pytest.Function]:
    """Return the recorder and the test, which is collected once in this process."""
    key = json.dumps(test)
    if key not in _collected:
        LASTING.enter_context(coverage_measured(coverage))
        recorder = LASTING.enter_context(measuring_session(pytest_run, test["function"]))
        items = [item for item in recorder.collected if names_in_file(item) == test["names"]]
        if not items or not isinstance(items[0], pytest.Function):
            raise LabError(
                f"{test['nodeid']} is missing when a measuring process collects its file: give "
                "the test the same id in every process.",
                details="\n".join(recorder.errors),
            )
        leave_skips_to_the_run(items[0])
        _collected[key] = recorder, items[0]
    return _collected[key]
