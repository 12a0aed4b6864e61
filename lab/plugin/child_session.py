"""The pytest session of a measuring process, started as the run was, for one file or one test."""

import os
import pdb
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from lab.plugin.bounded_records import keep_each_warning_once, keep_every_record
from lab.plugin.pytest_internals import configure, prepare_config, unconfigure

CHILD = "memory-lab-child"
"""Name of the plugin that is registered only in measuring processes."""

_OVERRIDDEN = {
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
"""Options of the whole run, of pytest and of other plugins, with the values that turn them off."""


@dataclass
class RunRecord:
    """What one run of a test reports to the main process, as JSON.

    Attributes:
        reports: The test's reports, serialized by pytest.
        warnings: Arguments of `pytest_warning_recorded`.
        exit_message: The message of `pytest.exit` or of a KeyboardInterrupt, or None.
    """

    reports: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[dict[str, Any]] = field(default_factory=list)
    exit_message: str | None = None


class Recorder:
    """The plugin of a measuring process, which records what pytest collects and reports.

    Attributes:
        record: The current run.
        collected: All tests that were collected.
        errors: Why files could not be collected.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self.record = RunRecord()
        self.collected: list[pytest.Item] = []
        self.errors: list[str] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep all tests, before another plugin can deselect any."""
        self.collected = list(items)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Bound the warnings that pytest keeps of a test, which it has just begun to record."""
        if self._config.pluginmanager.has_plugin("warnings"):
            keep_each_warning_once()

    @pytest.hookimpl(tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> None:
        """Let ``caplog`` have the log, for which it may be set up in the middle of a body."""
        if fixturedef.argname == "caplog":
            keep_every_record(self._config)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep the error of a file that cannot be collected."""
        if report.failed:
            self.errors.append(report.longreprtext)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add a report to the record."""
        to_serializable = self._config.hook.pytest_report_to_serializable
        self.record.reports.append(to_serializable(config=self._config, report=report))

    def pytest_warning_recorded(
        self, warning_message: Any, when: str, nodeid: str, location: Any
    ) -> None:
        """Add a warning to the record."""
        category = warning_message.category
        self.record.warnings.append(
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
def measuring_session(
    pytest_run: dict[str, Any], path: str, *, collect_only: bool = False
) -> Iterator[Recorder]:
    """Collect a file, or one test in it, with the settings of the run.

    Args:
        pytest_run: The settings of `lab.plugin.child_start.run_settings`.
        path: ``file`` or ``file::test``.
        collect_only: Whether plugins see the option ``--collect-only``.

    Yields:
        The recorder of the session.
    """
    os.chdir(pytest_run["dir"])
    config = prepare_config([*pytest_run["args"], *pytest_run["more_args"]])
    for name, value in _OVERRIDDEN.items():
        if hasattr(config.option, name):
            setattr(config.option, name, value)
    config.option.basetemp = pytest_run["basetemp"]
    config.option.collectonly = collect_only
    # As in a worker of pytest-xdist, plugins then leave the files of the run to the main process.
    config.workerinput = workerinput = pytest_run["workerinput"]  # type: ignore[attr-defined]
    config.workeroutput = {}  # type: ignore[attr-defined]
    os.environ["PYTEST_XDIST_WORKER"] = workerinput["workerid"]
    os.environ["PYTEST_XDIST_WORKER_COUNT"] = str(workerinput["workercount"])
    os.environ["PYTEST_XDIST_TESTRUNUID"] = workerinput["testrunuid"]
    recorder = Recorder(config)
    config.pluginmanager.register(recorder, CHILD)
    try:
        configure(config)
        sys.breakpointhook = pdb.set_trace = _no_debugger
        session = pytest.Session.from_config(config)
        config.hook.pytest_sessionstart(session=session)
        config.args = [path]
        config.hook.pytest_collection(session=session)
        yield recorder
        config.hook.pytest_sessionfinish(session=session, exitstatus=pytest.ExitCode.OK)
    finally:
        unconfigure(config)


def _no_debugger(*_: object, **__: object) -> None:
    __tracebackhide__ = True
    pytest.fail("a measuring process has no terminal: run with --no-memory-lab to debug.")


@contextmanager
def coverage_measured(options: dict[str, Any] | None) -> Iterator[None]:
    """Measure coverage inside the block, into a data file that the run combines with its own.

    Args:
        options: Arguments of `coverage.Coverage`; None to measure no coverage.
    """
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
