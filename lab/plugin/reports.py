"""The reports of a marked test: read from its measuring processes, and completed for the run."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal
from warnings import WarningMessage

import pytest

from lab.budgets.judge import BudgetVerdict, explain
from lab.curves.curve import Reading
from lab.plugin.child_session import RunRecord
from lab.plugin.pytest_internals import XPASS_STRICT

_KEEPING = {
    "caplog": "every record of the log",
    "recwarn": "every warning",
    **dict.fromkeys(("capsys", "capsysbinary", "capteesys"), "the whole output"),
    "subtests": "a report of every subtest",
}
"""Fixtures of pytest, and what each keeps in memory for a test."""

_LARGEST_REPORT = 1 << 28
"""Characters; pytest's reports have the whole output of a test."""


@dataclass(frozen=True)
class Run:
    """One run of a test, in a measuring process.

    Attributes:
        size: The size; None without ``memory_growth``.
        reading: The measurement of the body.
        reports: The reports of the process's pytest.
        warnings: The recorded warnings, as arguments of `pytest_warning_recorded`.
        exit_message: The message of `pytest.exit` or of a KeyboardInterrupt, or None.
    """

    size: int | None
    reading: Reading
    reports: Sequence[pytest.TestReport]
    warnings: Sequence[dict[str, Any]] = ()
    exit_message: str | None = None

    @property
    def body_passed(self) -> bool:
        """Whether the body passed; a strict xfail that passed counts."""
        calls = [report for report in self.reports if report.when == "call"]
        return bool(calls) and all(report.passed or _strict_xpass(report) for report in calls)

    @property
    def failed(self) -> bool:
        """Whether a report failed; a strict xfail that passed does not count."""
        return any(report.failed and not _strict_xpass(report) for report in self.reports)


def read_run(item: pytest.Item, size: int | None, reading: Reading, file: Path) -> Run:
    """Return the run that a process wrote to a file; a failure if there is no whole report."""
    try:
        with file.open() as opened:
            record = RunRecord(**json.loads(opened.read(_LARGEST_REPORT)))
        restored = [_restored(item, data) for data in record.reports]
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        error = reading.error or "the measuring process ended without a report"
        return Run(size, reading, [failure_report(item, "call", f"{error}\n\n{reading.details}")])
    reports = [report for report in restored if report]
    return Run(size, reading, reports, record.warnings, record.exit_message)


def decisive(runs: Sequence[Run]) -> Run:
    """Return the run whose reports stand for all runs.

    It is the first that failed, or else the first whose body was skipped or failed as expected, or
    else the last.
    """
    failed = [run for run in runs if run.failed]
    not_passed = [run for run in runs if not run.body_passed]
    return [*failed, *not_passed, runs[-1]][0]


def failure_report(
    item: pytest.Item, when: Literal["setup", "call"], text: str
) -> pytest.TestReport:
    """Return the report of a failure with this text."""
    keywords: dict[str, Literal[1]] = dict.fromkeys(item.keywords, 1)
    return pytest.TestReport(item.nodeid, item.location, keywords, "failed", text.rstrip(), when)


def add_verdict(
    item: pytest.Item, reports: Sequence[pytest.TestReport], judged: BudgetVerdict
) -> None:
    """Add the verdict on its memory to the reports of a test whose body passed."""
    explanation = "\n".join([explain(judged), *_kept_by_fixtures(item, judged)])
    for report in reports:
        if report.when == "setup" or type(report) is not pytest.TestReport:
            continue
        report.user_properties += _properties(judged)
        if report.when != "call":
            continue
        if judged.standing == "kept":
            report.sections.append(("memory-lab", explanation))
        elif (reason := _xfail_reason(item, report)) is not None:
            report.outcome, report.longrepr, report.wasxfail = "skipped", explanation, reason
        else:
            report.outcome, report.longrepr = "failed", explanation
            vars(report).pop("wasxfail", None)


def _kept_by_fixtures(item: pytest.Item, judged: BudgetVerdict) -> Iterator[str]:
    """Yield a sentence for each fixture that may have caused a failure, and an empty line first."""
    names = getattr(item, "fixturenames", ())
    for name in _KEEPING if judged.standing == "broken" else ():
        if name in names:
            yield f"\n{name} keeps {_KEEPING[name]}, and this counts as memory of the test."


def record_warnings(item: pytest.Item, runs: Iterable[Run]) -> None:
    """Report the warnings of measuring processes in the run, each once."""
    texts = [json.dumps(warning) for run in runs for warning in run.warnings]
    for warning in map(json.loads, dict.fromkeys(texts)):
        category = _category(*warning["category"])
        message = WarningMessage(
            category(warning["message"]), category, warning["filename"], warning["lineno"]
        )
        item.ihook.pytest_warning_recorded.call_historic(
            kwargs={
                "warning_message": message,
                "when": warning["when"],
                "nodeid": warning["nodeid"],
                "location": warning["location"],
            }
        )


def show_captured(item: pytest.Item, reports: Iterable[pytest.TestReport]) -> None:
    """Write the output of a test to the terminal, if the run has ``--capture=no``."""
    if item.config.getoption("capture", None) != "no":
        return
    for report in reports:
        for title, text in report.sections:
            if title.startswith(f"Captured stdout {report.when}"):
                sys.stdout.write(text)
            elif title.startswith(f"Captured stderr {report.when}"):
                sys.stderr.write(text)


def _restored(item: pytest.Item, data: dict[str, Any]) -> pytest.TestReport | None:
    """Return a report from its JSON object, whose lists were tuples."""
    # A plugin such as pytest-xdist may change node ids in the run only.
    data["nodeid"] = item.nodeid
    if isinstance(data["longrepr"], list):
        data["longrepr"] = tuple(data["longrepr"])
    for name in ("sections", "user_properties"):
        data[name] = [tuple(pair) for pair in data[name]]
    data["location"] = tuple(data["location"])
    report = item.config.hook.pytest_report_from_serializable(config=item.config, data=data)
    return report if isinstance(report, pytest.TestReport) else None


def _properties(judged: BudgetVerdict) -> Iterator[tuple[str, object]]:
    peak = max(judged.curve.seen()[1], default=0) if judged.curve else 0
    yield "peak_heap_bytes", round(peak)
    if judged.verdict is not None and judged.verdict.growth is not None:
        yield "bytes_per_item", round(judged.verdict.growth.per_item, 3)


def _strict_xpass(report: pytest.TestReport) -> bool:
    """Return whether a strict xfail passed."""
    return report.when == "call" and str(report.longrepr or "").startswith(XPASS_STRICT)


def _xfail_reason(item: pytest.Item, report: pytest.TestReport) -> str | None:
    """Return the reason of the xfail of a test that passed; None if it has no xfail."""
    for mark in item.iter_markers("xfail"):
        raises = mark.kwargs.get("raises", AssertionError)
        if not (isinstance(raises, type | tuple) and issubclass(AssertionError, raises)):
            return None  # the xfail is for another error than a broken budget
    if _strict_xpass(report):
        return str(report.longrepr).removeprefix(XPASS_STRICT)
    reason: str | None = getattr(report, "wasxfail", None)
    return reason


def _category(module: str, name: str) -> type[Warning]:
    try:
        category = getattr(import_module(module), name)
        category("")
    except Exception:
        return UserWarning
    return category if issubclass(category, Warning) else UserWarning
