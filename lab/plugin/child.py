"""The measuring process's side: run one test in a pytest of its own, and look at its body alone.

Fixtures are set up before the witness looks, and torn down after it. The private functions of
pytest that are used are those that pytest-xdist uses for the same purpose.
"""

import gc
import json
import os
import pdb
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import wraps
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any
from unittest import TestCase

import pytest
from _pytest.config import _prepareconfig

from lab.errors import LabError
from lab.measure.workload import LASTING
from lab.pattern import Outcome
from lab.plugin.start import names

CHILD = "memory-lab-child"
"""The name of the plugin that is there in processes of ours alone."""

Look = Callable[[Callable[[], Outcome]], object]

_ALONE = {
    "usepdb": False,
    "trace": False,
    "lf": False,
    "failedfirst": False,
    "newfirst": False,
    "stepwise": False,
    "cacheclear": False,
    "pyargs": False,
    "log_file": os.devnull,
    "numprocesses": None,
    "maxprocesses": None,
    "dist": "no",
    "distload": False,
    "looponfail": False,
    "benchmark_disable": True,
    "benchmark_enable": False,
    "benchmark_only": False,
    "memray": False,
}
"""Options that belong to the whole run, of pytest and of plugins that may be there."""


def imported(pytest_run: dict[str, Any], file: str) -> None:
    """Import a test file with all that pytest imports for it, and leave it at that.

    Raises:
        LabError: A process of our own cannot start its pytest.
    """
    try:
        with _session(pytest_run, file, collect_only=True):
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
    item = _item(pytest_run, test, coverage)
    if over is not None:
        item.callspec.params[over] = size
    taking = item.config.pluginmanager.get_plugin(CHILD)
    assert isinstance(taking, _Reports)
    seen = taking.seen = _Seen()
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


@dataclass
class _Seen:
    """What there is to report of one run of a test, as it goes into JSON."""

    reports: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[dict[str, Any]] = field(default_factory=list)
    left: str | None = None


class _Reports:
    """The plugin that tells a process of ours from others, and takes down what it reports."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self.seen = _Seen()
        self.collected: list[pytest.Item] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Remember them all: a plugin that runs a share of the tests would deselect some."""
        self.collected = list(items)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        to_serializable = self._config.hook.pytest_report_to_serializable
        self.seen.reports.append(to_serializable(config=self._config, report=report))

    def pytest_warning_recorded(
        self, warning_message: Any, when: str, nodeid: str, location: Any
    ) -> None:
        category = warning_message.category
        self.seen.warnings.append(
            {
                "message": str(warning_message.message),
                "category": [category.__module__, category.__qualname__],
                "filename": warning_message.filename,
                "lineno": warning_message.lineno,
                "when": when,
                "nodeid": nodeid,
                "location": location,
            }
        )


_items: dict[str, pytest.Function] = {}


def _item(
    pytest_run: dict[str, Any], test: dict[str, Any], coverage: dict[str, Any] | None
) -> pytest.Function:
    """Return a test, collected once in this process."""
    key = json.dumps(test)
    if key not in _items:
        LASTING.enter_context(_covered(coverage))
        config = LASTING.enter_context(_session(pytest_run, test["function"])).config
        taking = config.pluginmanager.get_plugin(CHILD)
        assert isinstance(taking, _Reports)
        found = [item for item in taking.collected if names(item) == test["names"]]
        if not found or not isinstance(found[0], pytest.Function):
            raise LabError(f"{test['nodeid']} is not there when its file is collected again.")
        _items[key] = found[0]
    return _items[key]


@contextmanager
def _session(
    pytest_run: dict[str, Any], path: str, *, collect_only: bool = False
) -> Iterator[pytest.Session]:
    """Collect a file, or one test in it, as the run does that it belongs to."""
    os.chdir(pytest_run["dir"])
    config = _prepareconfig([*pytest_run["args"], *pytest_run["more_args"]])
    for name, value in _ALONE.items():
        if hasattr(config.option, name):
            setattr(config.option, name, value)
    config.option.basetemp = pytest_run["basetemp"]
    config.option.collectonly = collect_only
    # As in a worker of pytest-xdist, what is written once for a run is not written here.
    config.workerinput = theirs = pytest_run["workerinput"]  # type: ignore[attr-defined]
    config.workeroutput = {}  # type: ignore[attr-defined]
    os.environ["PYTEST_XDIST_WORKER"] = theirs["workerid"]
    os.environ["PYTEST_XDIST_WORKER_COUNT"] = str(theirs["workercount"])
    os.environ["PYTEST_XDIST_TESTRUNUID"] = theirs["testrunuid"]
    config.pluginmanager.register(_Reports(config), CHILD)
    try:
        config._do_configure()
        sys.breakpointhook = pdb.set_trace = _no_debugger
        session = pytest.Session.from_config(config)
        config.hook.pytest_sessionstart(session=session)
        config.args = [path]
        config.hook.pytest_collection(session=session)
        yield session
        config.hook.pytest_sessionfinish(session=session, exitstatus=pytest.ExitCode.OK)
    finally:
        config._ensure_unconfigure()


def _no_debugger(*_: object, **__: object) -> None:
    __tracebackhide__ = True
    pytest.fail("a measuring process has no terminal: run with --no-memory-lab to debug.")


@contextmanager
def _covered(options: dict[str, Any] | None) -> Iterator[None]:
    """Take part in the coverage of the run, which joins the files beside its own at the end."""
    if options is None:
        yield
        return
    import coverage

    measured = coverage.Coverage(data_suffix=True, **options)
    measured._warn_no_data = False
    measured.start()
    try:
        yield
    finally:
        measured.stop()
        measured.save()
