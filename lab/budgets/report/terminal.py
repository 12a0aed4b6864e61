"""Report checked budgets: print them, and write JSON, JUnit XML and GitHub annotations."""

import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from lab.budgets.check import CheckResult
from lab.budgets.judge import STANDINGS, Standing, exit_code, explain, summarise, worst
from lab.budgets.report.github import report_to_github
from lab.budgets.report.junit import junit_xml
from lab.measure.environment import environment
from lab.report.files import write_json, write_text
from lab.report.json import curve_json, fate_json
from lab.report.terminal import COLOURS

_STANDING_WIDTH = max(map(len, STANDINGS))
_MAX_NAME_WIDTH = 40
"""Characters; the reason of a longer name begins further to the right."""
_MIN_REASON_WIDTH = 30


def report_checked(
    to: Console,
    checked: Sequence[CheckResult],
    json_file: Path | None = None,
    junit: Path | None = None,
    note: str = "",
) -> int:
    """Write the report files, print the results of budgets, and return the exit code.

    On GitHub Actions, lines are annotated and the job gets a summary.

    Args:
        to: The console to print to.
        checked: The results.
        json_file: File for JSON, or None.
        junit: File for JUnit XML, or None.
        note: A sentence to print before the counts; empty for none.

    Raises:
        LabError: A file cannot be written.
    """
    if json_file is not None:
        write_json(json_file, checked_json(checked))
    if junit is not None:
        write_text(junit, junit_xml(checked))
    print_checked(to, checked, note)
    report_to_github(checked, to.file)
    return exit_code([result.judged.standing for result in checked])


def print_checked(to: Console, checked: Sequence[CheckResult], note: str = "") -> None:
    """Print a line for each budget, an explanation of each that is not kept, and the counts."""
    longest = max((len(result.budget.name) for result in checked), default=0)
    for result in checked:
        _print_line(to, result, min(_MAX_NAME_WIDTH, longest))
    for result in checked:
        if result.judged.standing != "kept":
            budget = result.budget
            title = Text(f"\n{budget.name}", style="bold")
            to.print(title, Text(f"({budget.file}:{budget.line}, {budget.what})"), soft_wrap=True)
            to.print(Text(textwrap.indent(explain(result.judged), "  ")), soft_wrap=True)
    to.print()
    if note:
        to.print(Text(note), soft_wrap=True)
    to.print(summarise([result.judged.standing for result in checked]) + ".")


def checked_json(checked: Sequence[CheckResult]) -> dict[str, Any]:
    """Return the results of budgets as a JSON object; sizes in items, memory in bytes."""
    return {
        "standing": worst([result.judged.standing for result in checked]),
        "budgets": [_budget_json(result) for result in checked],
        "environment": dict(environment()),
    }


def _print_line(to: Console, result: CheckResult, width: int) -> None:
    """Print the standing, name and reason of a budget; a long reason wraps in its column."""
    standing, name = result.judged.standing, result.budget.name
    word = Text(f"{standing:<{_STANDING_WIDTH}}", style=_colour(standing))
    before = _STANDING_WIDTH + 2 + max(width, len(name)) + 2
    wrapped = textwrap.wrap(result.judged.reason, max(_MIN_REASON_WIDTH, to.width - before))
    first, *rest = wrapped or [""]
    to.print(Text.assemble(word, f"  {name:<{width}}  ", first), soft_wrap=True)
    for line in rest:
        to.print(Text(" " * before + line), soft_wrap=True)


def _colour(standing: Standing) -> str:
    return "red" if standing == "error" else COLOURS[standing]


def _budget_json(result: CheckResult) -> dict[str, Any]:
    budget, judged = result.budget, result.judged
    return {
        "name": budget.name,
        "standing": judged.standing,
        "reasons": list(judged.reasons),
        "details": judged.details,
        "file": budget.file,
        "line": budget.line,
        "subject": budget.what,
        "ceiling_bytes": judged.ceiling,
        "curve": curve_json(judged.curve, judged.verdict) if judged.curve else None,
        "survival": _survival_json(result),
        "sites": [asdict(site) for site in judged.sites],
        "baseline": _baseline_json(result),
    }


def _survival_json(result: CheckResult) -> dict[str, Any] | None:
    # Not "if not": a Survival is false if the run did not finish.
    if result.survival is None:
        return None
    limits = {"size": result.budget.sizes[-1], "cap_bytes": result.budget.cap}
    return {**limits, **fate_json(result.survival)}


def _baseline_json(result: CheckResult) -> dict[str, Any] | None:
    earlier = result.judged.earlier
    if earlier is None:
        return None
    return {"when": earlier.when, "points": [list(pair) for pair in sorted(earlier.peaks.items())]}
