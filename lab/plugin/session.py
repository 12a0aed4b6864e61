"""A pytest of our own, in a measuring process: started as the run was, for one file or one test.

The private functions of pytest that are used are those that pytest-xdist uses for its workers.
"""

import os
import pdb
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from _pytest.config import _prepareconfig

CHILD = "memory-lab-child"
"""The name of the plugin that is there in processes of ours alone."""

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


@dataclass
class Seen:
    """What there is to report of one run of a test, as it goes into JSON."""

    reports: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[dict[str, Any]] = field(default_factory=list)
    left: str | None = None


class Reports:
    """The plugin that tells a process of ours from others, and takes down what it reports."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self.seen = Seen()
        self.collected: list[pytest.Item] = []
        self.errors: list[str] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Remember them all: a plugin that runs a share of the tests would deselect some."""
        self.collected = list(items)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Remember why a file has no tests."""
        if report.failed:
            self.errors.append(report.longreprtext)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take down a report."""
        to_serializable = self._config.hook.pytest_report_to_serializable
        self.seen.reports.append(to_serializable(config=self._config, report=report))

    def pytest_warning_recorded(
        self, warning_message: Any, when: str, nodeid: str, location: Any
    ) -> None:
        """Take down a warning."""
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


@contextmanager
def session(
    pytest_run: dict[str, Any], path: str, *, collect_only: bool = False
) -> Iterator[Reports]:
    """Collect a file, or one test in it, as the run does that it belongs to.

    Yields:
        What takes down all that is collected and reported.
    """
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
    reports = Reports(config)
    config.pluginmanager.register(reports, CHILD)
    try:
        config._do_configure()
        sys.breakpointhook = pdb.set_trace = _no_debugger
        ours = pytest.Session.from_config(config)
        config.hook.pytest_sessionstart(session=ours)
        config.args = [path]
        config.hook.pytest_collection(session=ours)
        yield reports
        config.hook.pytest_sessionfinish(session=ours, exitstatus=pytest.ExitCode.OK)
    finally:
        config._ensure_unconfigure()


def _no_debugger(*_: object, **__: object) -> None:
    __tracebackhide__ = True
    pytest.fail("a measuring process has no terminal: run with --no-memory-lab to debug.")


@contextmanager
def covered(options: dict[str, Any] | None) -> Iterator[None]:
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
