"""The hooks that other plugins have for a marked test, called in the process of the run."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from copy import copy

import pytest

from lab.plugin.pytest_internals import call_only, captured_teardown, implementations, tear_down


def set_up(item: pytest.Item) -> pytest.TestReport | None:
    """Call the hooks for the setup of a test, without its fixtures.

    Returns:
        The report of a skip or an xfail, or None. Another failure is left to the measuring process,
        where the fixtures exist that the hook may need.
    """
    plugins = [one.plugin for one in implementations(item, "pytest_runtest_setup")]
    call = pytest.CallInfo.from_call(
        lambda: call_only(item, "pytest_runtest_setup", plugins, item=item),
        when="setup",
        reraise=(pytest.exit.Exception, KeyboardInterrupt),
    )
    if call.excinfo and isinstance(
        call.excinfo.value, pytest.skip.Exception | pytest.xfail.Exception
    ):
        report: pytest.TestReport = item.ihook.pytest_runtest_makereport(item=item, call=call)
        return report
    return None


class ReportMaker:
    """Shows reports to the plugins that keep results when a report is made."""

    def __init__(self) -> None:
        self._shown: pytest.TestReport | None = None

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_makereport(self) -> pytest.TestReport | None:
        """Return the report that is being shown."""
        return self._shown

    def show(self, item: pytest.Item, report: pytest.TestReport) -> None:
        """Call the hooks that make a report, each alone.

        They see a copy: what they change was changed in the measuring process, where they had the
        fixtures. Here one may fail for want of them. Attributes that only they have here are kept.
        """
        if type(report) is not pytest.TestReport:
            return  # of a part of a test, such as a subtest
        call = _call(report)
        for one in implementations(item, "pytest_runtest_makereport"):
            with self._showing(report) as copied, suppress(Exception):
                call_only(
                    item, "pytest_runtest_makereport", [one.plugin, self], item=item, call=call
                )
                vars(report).update({**vars(copied), **vars(report)})

    @contextmanager
    def _showing(self, report: pytest.TestReport) -> Iterator[pytest.TestReport]:
        self._shown = copy(report)
        self._shown.sections = [*report.sections]
        self._shown.user_properties = [*report.user_properties]
        try:
            yield self._shown
        finally:
            self._shown = None


def _call(report: pytest.TestReport) -> pytest.CallInfo[None]:
    """Return the call of which the report tells."""

    def fail() -> None:
        text = report.longreprtext.strip().rpartition("\n")[2]
        if hasattr(report, "wasxfail") and report.skipped:
            pytest.xfail(str(report.wasxfail))
        if report.skipped:
            pytest.skip(text, allow_module_level=True)
        if report.failed:
            pytest.fail(text, pytrace=False)

    assert report.when is not None
    call = pytest.CallInfo.from_call(fail, when=report.when)
    call.duration = report.duration
    return call


def torn_down(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[pytest.TestReport]:
    """Tear down what the next test does not need; yield the report of an error."""
    session = item.session
    # As in pytest, a teardown after the last test belongs to that test's reports.
    remaining = None if session.shouldfail or session.shouldstop else nextitem
    plugins = [one.plugin for one in implementations(item, "pytest_runtest_teardown")]
    with suppress(Exception):  # a hook may need a fixture, and it was called where that exists
        call_only(item, "pytest_runtest_teardown", plugins, item=item, nextitem=remaining)
    with captured_teardown(item):
        call = pytest.CallInfo.from_call(
            lambda: tear_down(session, remaining),
            when="teardown",
            reraise=(pytest.exit.Exception, KeyboardInterrupt),
        )
    if call.excinfo is not None:
        yield item.ihook.pytest_runtest_makereport(item=item, call=call)
