"""Marked tests: each is run in fresh processes, and judged by what its body needed there."""

import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol
from _pytest.skipping import evaluate_skip_marks

from lab.budgets.judge import judge
from lab.errors import LabError
from lab.measure.environment import usable_cores
from lab.measure.sweep import Bench, Job, Schedule
from lab.plugin.last_good import LastGood
from lab.plugin.marks import Wanted, wanted
from lab.plugin.points import curve, workload
from lab.plugin.reports import (
    Run,
    chosen,
    judged_as,
    record_warnings,
    report,
    run_of,
    show_captured,
)


class Measuring:
    """Takes over the protocol of tests that are marked, and of no others."""

    def __init__(self, config: pytest.Config) -> None:
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
        """End the processes."""
        self._close()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> bool | None:
        """Report a marked test as it went in its own processes."""
        if not isinstance(item, pytest.Function) or _skipped(item):
            return None
        try:
            want, error = wanted(item), None
        except LabError as wrong:
            want, error = None, wrong
        if want is None and error is None:
            return None
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        said = [report(item, "setup", str(error))]
        reports = said if want is None else self._reports(item, want)
        if "benchmark" in item.fixturenames and not any(one.failed for one in reports):
            reports = _timed(item, nextitem, reports)
        for one in reports:
            item.ihook.pytest_runtest_logreport(report=one)
        for one in _left_from_before(item, nextitem):
            item.ihook.pytest_runtest_logreport(report=one)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def _reports(self, item: pytest.Function, want: Wanted) -> list[pytest.TestReport]:
        try:
            return self._measured(item, want)
        except LabError as error:
            return [report(item, "setup", f"{error}\n\n{error.details}")]
        except pytest.fail.Exception as error:
            # An alarm of another plugin's, as pytest-timeout has. What it broke off is of no use.
            self._close()
            self._open()
            return [report(item, "call", str(error))]

    def _measured(self, item: pytest.Function, want: Wanted) -> list[pytest.TestReport]:
        runs = self._runs(item, want)
        record_warnings(item, runs)
        one = chosen(runs)
        if one.left is not None:
            pytest.exit(one.left)
        show_captured(item, one.reports)
        if all(each.body_passed for each in runs):
            self._judge(item, want, runs)
        elif one.size is not None and want.growth is not None:
            for each in one.reports:
                each.sections.append(("memory-lab", f"{want.growth.over} = {one.size:,}"))
        return list(one.reports)

    def _judge(self, item: pytest.Function, want: Wanted, runs: list[Run]) -> None:
        found = curve(item, want, runs)
        judged = judge(item.nodeid, found, want.promise)
        if judged.standing == "kept":
            self._last_good.keep(item.nodeid, found)
        else:
            # Only to tell what changed: the last run on this machine is no promise.
            judged = judge(item.nodeid, found, want.promise, self._last_good.of(item.nodeid))
        judged_as(item, chosen(runs).reports, judged)

    def _runs(self, item: pytest.Function, want: Wanted) -> list[Run]:
        sizes: tuple[int | None, ...] = want.growth.sizes if want.growth else (None,)
        with tempfile.TemporaryDirectory(prefix="memory-lab-") as name:
            folder = Path(name)
            jobs = [
                Job(workload(item, want, size, number, folder), "heap")
                for number, size in enumerate(sizes)
            ]
            readings = self._bench.run(jobs, Schedule(timeout=want.timeout, go_on=True))
            return [
                run_of(item, size, reading, folder / f"{number}.json")
                for number, (size, reading) in enumerate(zip(sizes, readings, strict=True))
            ]


def _skipped(item: pytest.Function) -> bool:
    """Tell whether the run itself can say that the test is skipped, or that it cannot tell."""
    try:
        return evaluate_skip_marks(item) is not None
    except (Exception, pytest.fail.Exception):
        return True


def _timed(
    item: pytest.Function, nextitem: pytest.Item | None, measured: list[pytest.TestReport]
) -> list[pytest.TestReport]:
    """Run a benchmark here, where nobody traces it, and add what was said of its memory."""
    reports = runtestprotocol(item, log=False, nextitem=nextitem)
    for one in reports:
        for other in measured:
            if one.when == other.when:
                one.user_properties += other.user_properties
                one.sections += [pair for pair in other.sections if pair[0] == "memory-lab"]
    return reports


def _left_from_before(
    item: pytest.Item, nextitem: pytest.Item | None
) -> Iterator[pytest.TestReport]:
    """Tear down what tests before this one had set up and the next one does not need."""
    session = item.session
    # As pytest does: what is torn down after the last test is part of its report.
    following = None if session.shouldfail or session.shouldstop else nextitem
    capture = item.config.pluginmanager.get_plugin("capturemanager")
    with capture.item_capture("teardown", item) if capture else nullcontext():
        call = pytest.CallInfo.from_call(
            lambda: session._setupstate.teardown_exact(following),
            when="teardown",
            reraise=(pytest.exit.Exception, KeyboardInterrupt),
        )
    if call.excinfo is not None:
        yield item.ihook.pytest_runtest_makereport(item=item, call=call)
