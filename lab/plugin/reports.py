"""What the processes of a marked test have said, and what becomes of it in their run."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal
from warnings import WarningMessage

import pytest

from lab.budgets.judge import Judged, explain
from lab.measure.curve import Reading

_XPASS = "[XPASS(strict)] "
"""How pytest begins to say that a test has passed which had to fail."""


@dataclass(frozen=True)
class Run:
    """What a fresh process said about a test at one size.

    Attributes:
        size: None where the size is the test's own affair.
        reading: What the body needed.
        reports: As pytest made them there.
        warnings: That were recorded there, as JSON.
        left: What `pytest.exit` was called with, if it was.
    """

    size: int | None
    reading: Reading
    reports: Sequence[pytest.TestReport]
    warnings: Sequence[dict[str, Any]] = ()
    left: str | None = None

    @property
    def body_passed(self) -> bool:
        """Whether the body ran to its end, as it had to or unexpectedly."""
        calls = [report for report in self.reports if report.when == "call"]
        return bool(calls) and all(report.passed or _unexpected(report) for report in calls)

    @property
    def failed(self) -> bool:
        """Whether a report says so, and not of a test that passed and should not."""
        return any(report.failed and not _unexpected(report) for report in self.reports)


def run_of(item: pytest.Item, size: int | None, reading: Reading, file: Path) -> Run:
    """Read what a process has written about a test, or take its silence for a failure."""
    if not file.exists():
        said = f"{reading.error or 'the process that ran it said nothing'}\n\n{reading.details}"
        return Run(size, reading, [report(item, "call", said)])
    found = json.loads(file.read_text())
    reports = [_restored(item, data) for data in found["reports"]]
    return Run(size, reading, [one for one in reports if one], found["warnings"], found["left"])


def chosen(runs: Sequence[Run]) -> Run:
    """Return the run that speaks for all: the first that failed, or did not run, or the last."""
    failed = [one for one in runs if one.failed]
    other = [one for one in runs if not one.body_passed]
    return [*failed, *other, runs[-1]][0]


def report(item: pytest.Item, when: Literal["setup", "call"], said: str) -> pytest.TestReport:
    """Make the report of a failure that is all said in a text."""
    keywords: dict[str, Literal[1]] = dict.fromkeys(item.keywords, 1)
    return pytest.TestReport(item.nodeid, item.location, keywords, "failed", said.rstrip(), when)


def judged_as(item: pytest.Item, reports: Sequence[pytest.TestReport], judged: Judged) -> None:
    """Have the reports of a test whose body has passed say how its memory stands."""
    said = explain(judged)
    for one in reports:
        if one.when == "setup" or type(one) is not pytest.TestReport:
            continue
        one.user_properties += _properties(judged)
        if one.when != "call":
            continue
        if judged.standing == "kept":
            one.sections.append(("memory-lab", said))
        elif (reason := _expected(item, one)) is not None:
            one.outcome, one.longrepr, one.wasxfail = "skipped", said, reason
        else:
            one.outcome, one.longrepr = "failed", said
            vars(one).pop("wasxfail", None)


def record_warnings(item: pytest.Item, runs: Iterable[Run]) -> None:
    """Pass on the warnings of other processes, each once, as pytest-xdist does."""
    every = [json.dumps(warning) for one in runs for warning in one.warnings]
    for said in map(json.loads, dict.fromkeys(every)):
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


def show_captured(item: pytest.Item, reports: Iterable[pytest.TestReport]) -> None:
    """Write what the body has written, where the run was asked to capture nothing."""
    if item.config.getoption("capture", None) != "no":
        return
    for one in reports:
        for title, text in one.sections:
            if title.startswith(f"Captured stdout {one.when}"):
                sys.stdout.write(text)
            elif title.startswith(f"Captured stderr {one.when}"):
                sys.stderr.write(text)


def _restored(item: pytest.Item, data: dict[str, Any]) -> pytest.TestReport | None:
    """Make a report from JSON, which knows no tuples."""
    # Plugins may call a test otherwise in the run than in a process of ours.
    data["nodeid"] = item.nodeid
    if isinstance(data["longrepr"], list):
        data["longrepr"] = tuple(data["longrepr"])
    for name in ("sections", "user_properties"):
        data[name] = [tuple(pair) for pair in data[name]]
    data["location"] = tuple(data["location"])
    made = item.config.hook.pytest_report_from_serializable(config=item.config, data=data)
    return made if isinstance(made, pytest.TestReport) else None


def _properties(judged: Judged) -> Iterator[tuple[str, object]]:
    peak = max(judged.curve.seen()[1], default=0) if judged.curve else 0
    yield "peak_heap_bytes", round(peak)
    if judged.verdict is not None and judged.verdict.growth is not None:
        yield "bytes_per_item", round(judged.verdict.growth.per_item, 3)


def _unexpected(one: pytest.TestReport) -> bool:
    """Tell whether a test has passed that had to fail."""
    return one.when == "call" and str(one.longrepr or "").startswith(_XPASS)


def _expected(item: pytest.Item, one: pytest.TestReport) -> str | None:
    """Return the reason for which a test that passed was expected to fail, if it was."""
    for mark in item.iter_markers("xfail"):
        raises = mark.kwargs.get("raises", AssertionError)
        if not (isinstance(raises, type | tuple) and issubclass(AssertionError, raises)):
            return None  # it may fail, but not of this
    if _unexpected(one):
        return str(one.longrepr).removeprefix(_XPASS)
    reason: str | None = getattr(one, "wasxfail", None)
    return reason


def _category(module: str, name: str) -> type[Warning]:
    try:
        found = getattr(import_module(module), name)
        found("")
    except Exception:
        return UserWarning
    return found if issubclass(found, Warning) else UserWarning
