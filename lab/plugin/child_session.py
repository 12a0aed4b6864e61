"""The pytest session of a measuring process, started as the run was, for one file or one test."""

import os
import pdb
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from lab.plugin.bounded_records import keep_each_warning_once, keep_every_record
from lab.plugin.child_plugins import missing_plugins, plugin_errors, plugin_named, start_plugins
from lab.plugin.pytest_internals import keep_only, prepare_config, raised_by_test, unconfigure
from lab.plugin.worker_input import WorkerInput, unpacked

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
    "allure_report_dir": None,
    "clean_alluredir": False,
    "inline_snapshot": "disable",
    "mdpath": None,
    "profile": False,
    "profile_svg": False,
    "store_durations": False,
    "testmon": False,
}
"""Options of the whole run, of pytest and of other plugins, with the values that turn them off.

Most plugins leave the files of the run to the main process where they find a ``workerinput``. Those
of these options write or delete files in every process, or track all code that runs.
"""

_LEFT_OUT = ("pytest_forked",)
"""Plugins that run a test in one more process, in which nothing would be measured."""

_REPORTING = (
    "pytest_runtest_logstart",
    "pytest_runtest_logreport",
    "pytest_runtest_logfinish",
    "pytest_warning_recorded",
)
"""Hooks by which plugins report tests. In a measuring process only the recorder has them."""


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

    def __init__(self, config: pytest.Config, missing: Sequence[str]) -> None:
        self._config = config
        self._missing = missing
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

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_runtest_makereport(self, call: pytest.CallInfo[None]) -> Iterator[None]:
        """Fail a test that a hook skips here, though the hooks of the main process do not."""
        outcome: Any = yield
        error = call.excinfo
        if error and isinstance(error.value, pytest.skip.Exception) and not raised_by_test(error):
            report, name = outcome.get_result(), plugin_named(self._config, error.value)
            report.outcome = "failed"
            report.longrepr = (
                f"{name or 'A hook'} skips the test in its measuring process only "
                f"({error.value}), so it was not measured: run with --no-memory-lab."
            )

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add a report to the record."""
        if report.failed and self._missing:
            report.sections.append(("memory-lab", missing_plugins(self._missing)))
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
    plugins, missing = unpacked(pytest_run["plugins"])
    args = [*pytest_run["args"], *pytest_run["more_args"]]
    config = prepare_config(args, [plugin for _, plugin in plugins])
    _set_options(config, pytest_run, collect_only)
    recorder = Recorder(config, missing)
    config.pluginmanager.register(recorder, CHILD)
    session = pytest.Session.from_config(config)
    session.exitstatus = pytest.ExitCode.OK
    started = False
    try:
        with plugin_errors(config, path, missing):
            start_plugins(config, pytest_run["in_worker"])
            for name in filter(config.pluginmanager.has_plugin, _LEFT_OUT):
                config.pluginmanager.unregister(name=name)
            sys.breakpointhook = pdb.set_trace = _no_debugger
            config.hook.pytest_sessionstart(session=session)
            started = True
            config.args = [path]
            config.hook.pytest_collection(session=session)
        for hook in _REPORTING:
            keep_only(config, hook, recorder)
        yield recorder
    finally:
        with plugin_errors(config, path, missing):
            if started:
                config.hook.pytest_sessionfinish(session=session, exitstatus=session.exitstatus)
            unconfigure(config)


def _set_options(config: pytest.Config, pytest_run: dict[str, Any], collect_only: bool) -> None:
    for name, value in _OVERRIDDEN.items():
        if hasattr(config.option, name):
            setattr(config.option, name, value)
    config.option.basetemp = pytest_run["basetemp"]
    config.option.collectonly = collect_only
    # As in a worker of pytest-xdist, plugins then leave the files of the run to the main process.
    values = dict(unpacked(pytest_run["workerinput"].items())[0])
    config.workerinput = WorkerInput(values, pytest_run["options"])  # type: ignore[attr-defined]
    config.workeroutput = {}  # type: ignore[attr-defined]
    os.environ["PYTEST_XDIST_WORKER"] = values["workerid"]
    os.environ["PYTEST_XDIST_WORKER_COUNT"] = str(values["workercount"])
    os.environ["PYTEST_XDIST_TESTRUNUID"] = values["testrunuid"]


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
