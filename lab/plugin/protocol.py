"""Marked tests: each is run in fresh processes, and judged by what its body needed there."""

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any
from warnings import WarningMessage

import pytest

from lab.budgets.judge import Judged, explain, judge
from lab.errors import LabError
from lab.measure.curve import Curve, Point, Reading
from lab.measure.environment import environment, usable_cores
from lab.measure.sweep import Bench, Job, Schedule
from lab.measure.workload import Start, Workload, warm_size
from lab.plugin.last_good import LastGood
from lab.plugin.marks import Wanted, wanted

_WORKERS = 100
"""Processes of one worker are numbered from its own hundred, so that no two share a database."""


@dataclass(frozen=True)
class _Run:
    """What a fresh process said about a test at one size; None where the size is the test's own."""

    size: int | None
    reading: Reading
    reports: list[pytest.TestReport]
    warnings: list[dict[str, Any]]

    @property
    def passed(self) -> bool:
        return bool(self.reports) and all(report.passed for report in self.reports)


class Measuring:
    """Takes over the protocol of tests that are marked, and of no others."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._last_good = LastGood(config)
        parallel = 1 if hasattr(config, "workerinput") else usable_cores()
        self._bench = Bench(parallel)
        self._bench.__enter__()

    @pytest.hookimpl
    def pytest_unconfigure(self) -> None:
        """End the processes."""
        self._bench.__exit__()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> bool | None:
        """Report a marked test as it went in its own processes."""
        try:
            want = wanted(item)
            if want is None:
                return None
            reports = self._measured(item, want)
        except LabError as error:
            said = f"{error}\n\n{error.details}".rstrip()
            reports = [_report(item, "setup", "failed", said)]
        if "benchmark" in getattr(item, "fixturenames", ()) and not _failed(reports):
            return None  # its time is taken here, in a run that nobody traces
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for report in [*reports, *_left_from_before(item, nextitem)]:
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def _measured(self, item: pytest.Item, want: Wanted) -> list[pytest.TestReport]:
        runs = self._runs(item, want)
        for one in runs:
            _record_warnings(item, one)
        chosen = next((one for one in runs if not one.passed), runs[-1])
        if not chosen.passed:
            if chosen.size is not None and want.growth is not None:
                said = f"{want.growth.over} = {chosen.size:,}"
                for report in chosen.reports:
                    report.sections.append(("memory-lab", said))
            return chosen.reports
        curve = _curve(item, want, runs)
        judged = judge(item.nodeid, curve, want.promise)
        if judged.standing == "kept":
            self._last_good.keep(item.nodeid, curve)
        else:
            # Only to tell what changed: the last run on this machine is no promise.
            judged = judge(item.nodeid, curve, want.promise, self._last_good.of(item.nodeid))
        return [_with_verdict(report, judged) for report in chosen.reports]

    def _runs(self, item: pytest.Item, want: Wanted) -> list[_Run]:
        sizes: tuple[int | None, ...] = want.growth.sizes if want.growth else (None,)
        with tempfile.TemporaryDirectory(prefix="memory-lab-") as name:
            folder = Path(name)
            jobs = [
                Job(_workload(self._config, item, want, size, number, folder), "heap")
                for number, size in enumerate(sizes)
            ]
            readings = self._bench.run(jobs, Schedule(timeout=want.timeout, go_on=True))
            return [
                self._run(item, size, reading, folder / f"{number}.json")
                for number, (size, reading) in enumerate(zip(sizes, readings, strict=True))
            ]

    def _run(self, item: pytest.Item, size: int | None, reading: Reading, file: Path) -> _Run:
        if not file.exists():
            said = f"{reading.error or 'the process that ran it said nothing'}\n{reading.details}"
            return _Run(size, reading, [_report(item, "call", "failed", said.rstrip())], [])
        said_there = json.loads(file.read_text())
        from_serializable = self._config.hook.pytest_report_from_serializable
        reports = [
            from_serializable(config=self._config, data=data) for data in said_there["reports"]
        ]
        return _Run(size, reading, reports, said_there["warnings"])


def _workload(
    config: pytest.Config,
    item: pytest.Item,
    want: Wanted,
    size: int | None,
    number: int,
    folder: Path,
) -> Workload:
    over = want.growth.over if want.growth else None
    common = {
        "pytest_run": _pytest_run(config, number, str(folder / f"{number}.tmp")),
        "nodeid": item.nodeid,
        "over": over,
    }
    warm: dict[str, Any] | None = None
    if any(part.warm_up for part in (want.budget, want.growth) if part):
        smaller = None if size is None else warm_size(size)
        warm = {**common, "size": smaller, "reports": None}
    measured = {**common, "size": size, "reports": str(folder / f"{number}.json")}
    opener = "lab.plugin.child:drive"
    return Workload(item.nodeid, opener, measured, warm, _start(config, item), drives=True)


def _start(config: pytest.Config, item: pytest.Item) -> Start:
    """Have the test's file imported, as pytest does, in what the processes are forked from."""
    arguments = {"pytest_run": _pytest_run(config, 0, None), "file": str(item.path)}
    return Start(("pytest",), "lab.plugin.child:imported", json.dumps(arguments))


def _pytest_run(config: pytest.Config, number: int, basetemp: str | None) -> dict[str, Any]:
    """Say what a process of our own has to start its pytest with."""
    theirs = getattr(config, "workerinput", {})
    worker = theirs.get("workerid", "")
    first = _WORKERS * (1 + int(worker[2:])) if worker[2:].isdigit() else _WORKERS
    return {
        "args": [str(arg) for arg in config.invocation_params.args],
        "more_args": ["--no-cov"] if config.pluginmanager.has_plugin("pytest_cov") else [],
        "dir": str(config.invocation_params.dir),
        "root": str(config.rootpath),
        "basetemp": basetemp,
        "coverage": _coverage(config),
        "workerinput": {
            "workerid": f"gw{first + number}",
            "workercount": theirs.get("workercount", 1),
            "testrunuid": theirs.get("testrunuid", "memory-lab"),
            "mainargv": theirs.get("mainargv", []),
        },
    }


def _coverage(config: pytest.Config) -> dict[str, Any] | None:
    """Return how pytest-cov measures coverage in this process, if it does."""
    if not config.pluginmanager.has_plugin("_cov"):
        return None
    import coverage

    current = coverage.Coverage.current()
    if current is None:
        return None
    options = ("branch", "source", "include", "omit", "data_file")
    found = {option: current.get_option(f"run:{option}") for option in options}
    found["config_file"] = current.config.config_file or False
    return {option: value for option, value in found.items() if value is not None}


def _curve(item: pytest.Item, want: Wanted, runs: list[_Run]) -> Curve:
    points = tuple(Point.of(one.size or 1, {"heap": one.reading}) for one in runs)
    axis = want.growth.axis if want.growth else "n"
    return Curve(item.nodeid, axis, points, environment=environment())


def _with_verdict(report: pytest.TestReport, judged: Judged) -> pytest.TestReport:
    """Have the report of the body say how the memory stands."""
    if report.when == "call":
        said = explain(judged)
        peak = max(judged.curve.seen()[1], default=0) if judged.curve else 0
        report.user_properties.append(("peak_heap_bytes", round(peak)))
        if judged.verdict is not None and judged.verdict.growth is not None:
            slope = judged.verdict.growth.per_item
            report.user_properties.append(("bytes_per_item", round(slope, 3)))
        if judged.standing == "kept":
            report.sections.append(("memory-lab", said))
        else:
            report.outcome = "failed"
            report.longrepr = said
    return report


def _report(item: pytest.Item, when: Any, outcome: Any, said: str) -> pytest.TestReport:
    return pytest.TestReport(
        item.nodeid, item.location, dict.fromkeys(item.keywords, 1), outcome, said, when
    )


def _failed(reports: list[pytest.TestReport]) -> bool:
    return any(not report.passed for report in reports)


def _left_from_before(
    item: pytest.Item, nextitem: pytest.Item | None
) -> Iterator[pytest.TestReport]:
    """Tear down what tests before this one had set up and the next one does not need."""
    state = item.session._setupstate
    call = pytest.CallInfo.from_call(lambda: state.teardown_exact(nextitem), when="teardown")
    if call.excinfo is not None:
        yield item.ihook.pytest_runtest_makereport(item=item, call=call)


def _record_warnings(item: pytest.Item, one: _Run) -> None:
    """Pass on the warnings of another process, as pytest-xdist does those of its workers."""
    for said in one.warnings:
        category = _category(*said["category"])
        message = WarningMessage(
            category(said["message"]), category, said["filename"], said["lineno"]
        )
        item.ihook.pytest_warning_recorded.call_historic(
            kwargs={
                "warning_message": message,
                "when": said["when"],
                "nodeid": said["nodeid"],
                "location": said["location"],
            }
        )


def _category(module: str, name: str) -> type[Warning]:
    try:
        found = getattr(import_module(module), name)
        found("")
    except Exception:
        return UserWarning
    return found if issubclass(found, Warning) else UserWarning
