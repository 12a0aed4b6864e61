"""Sections in the reports of failing tests: the verdicts of `memory_lab` that are not kept."""

from collections.abc import Sequence

import pytest

from lab.budgets.judge import Promise, explain, judge
from lab.curves.curve import Curve
from lab.curves.verdict import Verdict


class VerdictSections:
    """The plugin that the first use of `memory_lab` registers; it has the verdicts of one test."""

    def __init__(self) -> None:
        self._not_kept: list[tuple[Sequence[Curve], Verdict]] = []

    def add(self, curves: Sequence[Curve], verdict: Verdict) -> None:
        """Remember a verdict until the end of the test, unless it is kept."""
        if not verdict:
            self._not_kept.append((curves, verdict))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Explain the verdicts as those of marked tests, before anything shows or sends a report.

        A kept curve of a verdict on several curves is left out.
        """
        for curves, verdict in self._not_kept if report.failed else ():
            for curve in curves:
                judged = judge(curve.target, curve, Promise(verdict.claim))
                if judged.standing != "kept":
                    text = f"{curve.target}\n{explain(judged)}"
                    report.sections.append(("memory-lab", text))
        if report.when == "teardown":
            self._not_kept.clear()
