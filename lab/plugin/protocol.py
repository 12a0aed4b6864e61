"""The plugin that runs marked tests in measuring processes and judges the memory they need."""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from lab.budgets.judge import judge, wants
from lab.curves.curve import Curve, Reading
from lab.curves.decide import Wants
from lab.errors import LabError
from lab.measure.environment import usable_cores
from lab.measure.follow_up import settled
from lab.measure.schedule import Bench, Schedule
from lab.plugin.curve_of_test import TestRuns, without_pytest
from lab.plugin.last_good import LastGood
from lab.plugin.markers import Markers, read_markers
from lab.plugin.pytest_internals import run_phases
from lab.plugin.reports import (
    Run,
    add_verdict,
    decisive,
    failure_report,
    record_warnings,
    show_captured,
)
from lab.plugin.run_hooks import ReportMaker, set_up, torn_down

_EXTRA_SECONDS = 20.0
"""Seconds of processes that more runs of a test may take, where its sizes cannot tell."""


class MeasuringPlugin(ReportMaker):
    """Runs marked tests, and leaves all others to pytest."""

    def __init__(self, config: pytest.Config) -> None:
        super().__init__()
        self._config = config
        self._last_good = LastGood(config)
        self._open()

    def _open(self) -> None:
        parallel = 1 if hasattr(self._config, "workerinput") else usable_cores()
        self._bench = Bench(parallel).__enter__()

    def _close(self) -> None:
        self._bench.__exit__(None, None, None)

    @pytest.hookimpl
    def pytest_unconfigure(self) -> None:
        """End the measuring processes."""
        self._close()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> bool | None:
        """Run a marked test in measuring processes, and report it."""
        if not isinstance(item, pytest.Function):
            return None
        try:
            markers, error = read_markers(item), None
        except LabError as marker_error:
            markers, error = None, marker_error
        if markers is None and error is None:
            return None
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for report in self._reports(item, nextitem, markers, error):
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def _reports(
        self,
        item: pytest.Function,
        nextitem: pytest.Item | None,
        markers: Markers | None,
        error: LabError | None,
    ) -> Iterator[pytest.TestReport]:
        skipped = set_up(item)
        if skipped:
            reports = [skipped]
        elif markers is None:
            reports = [failure_report(item, "setup", str(error))]
        else:
            reports = self._measured_or_failed(item, markers)
        timed = "benchmark" in item.fixturenames and not skipped
        if timed and not any(report.failed for report in reports):
            yield from _timed(item, nextitem, reports)
            return
        for report in reports:
            if report is not skipped:
                self.show(item, report)
            yield report
        yield from torn_down(item, nextitem)

    def _measured_or_failed(
        self, item: pytest.Function, markers: Markers
    ) -> list[pytest.TestReport]:
        try:
            return self._measured(item, markers)
        except LabError as error:
            return [failure_report(item, "setup", f"{error}\n\n{error.details}")]
        except pytest.fail.Exception as error:
            # Raised by an alarm, such as that of pytest-timeout, in the middle of a measurement.
            self._close()
            self._open()
            return [failure_report(item, "call", str(error))]

    def _measured(self, item: pytest.Function, markers: Markers) -> list[pytest.TestReport]:
        runs, measured = self._runs(item, markers)
        record_warnings(item, runs)
        run = decisive(runs)
        if run.exit_message is not None:
            pytest.exit(run.exit_message)
        show_captured(item, run.reports)
        if all(other.body_passed for other in runs):
            self._add_verdict(item, markers, run, measured)
        elif run.size is not None and markers.growth is not None:
            for report in run.reports:
                report.sections.append(("memory-lab", f"{markers.growth.over} = {run.size:,}"))
        return list(run.reports)

    def _add_verdict(
        self, item: pytest.Function, markers: Markers, run: Run, measured: Curve
    ) -> None:
        judged = judge(item.nodeid, measured, markers.promise)
        if judged.standing == "kept":
            self._last_good.keep(item.nodeid, measured)
        else:
            # The last good run explains a failure; it is not a promise, so it causes none.
            last_good = self._last_good.of(item.nodeid)
            judged = judge(item.nodeid, measured, markers.promise, last_good)
        add_verdict(item, run.reports, judged)

    def _runs(self, item: pytest.Function, markers: Markers) -> tuple[list[Run], Curve]:
        """Return the runs at the sizes of the markers, and the curve, which may have more."""
        runs: list[Run] = []
        with tempfile.TemporaryDirectory(prefix="memory-lab-") as name:
            test = TestRuns(item, markers, Path(name))

            def first(_: str, readings: Sequence[Reading]) -> None:
                runs.extend(map(test.read_next, readings))

            def wanted(_: str, curve: Curve) -> Wants:
                passed = all(run.body_passed for run in runs)
                return wants(curve, markers.promise) if passed else ""

            measured = settled(
                {"": test.sweep()},
                ("heap",),
                Schedule(timeout=markers.timeout, go_on=True, bench=self._bench),
                wanted,
                first=first,
                usable=lambda _, reading: test.read_next(reading).body_passed,
                extra_seconds=_EXTRA_SECONDS,
            )
        return runs, without_pytest(measured[""])


def _timed(
    item: pytest.Function, nextitem: pytest.Item | None, measured: list[pytest.TestReport]
) -> list[pytest.TestReport]:
    """Run a benchmark in this process, without a tracer, and add the verdict on its memory."""
    reports = run_phases(item, nextitem)
    for report in reports:
        for other in measured:
            if report.when == other.when:
                report.user_properties += other.user_properties
                report.sections += [pair for pair in other.sections if pair[0] == "memory-lab"]
    return reports
