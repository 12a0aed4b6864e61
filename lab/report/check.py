"""Checked budgets in the terminal, as JSON, and wherever else they were asked for."""

import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from lab.budgets.check import Checked
from lab.budgets.judge import STANDINGS, Standing, exit_code, explain, tally, worst
from lab.measure.environment import environment
from lab.report.github import report_to_github
from lab.report.json import curve_json, fate_json, write_json, write_text
from lab.report.junit import junit_xml
from lab.report.terminal import COLOURS

_WORD = max(map(len, STANDINGS))
_NAME = 40
"""Characters that the longest name may push the reasons to the right by."""
_NARROW = 30


def report_checked(
    to: Console,
    checked: Sequence[Checked],
    json_file: Path | None = None,
    junit: Path | None = None,
    note: str = "",
) -> int:
    """Print how budgets stand, and write what was asked for; return the exit code.

    On GitHub Actions, lines are annotated and the job has a summary.

    Raises:
        LabError: A file cannot be written.
    """
    print_checked(to, checked, note)
    if json_file is not None:
        write_json(json_file, checked_json(checked))
    if junit is not None:
        write_text(junit, junit_xml(checked))
    report_to_github(checked, to.file)
    return exit_code([one.judged.standing for one in checked])


def print_checked(to: Console, checked: Sequence[Checked], note: str = "") -> None:
    """Print how each budget stands, all about those that are not kept, and how many there are."""
    width = min(_NAME, max((len(one.budget.name) for one in checked), default=0))
    for one in checked:
        _print_line(to, one, width)
    for one in checked:
        if one.judged.standing != "kept":
            budget = one.budget
            title = Text(f"\n{budget.name}", style="bold")
            to.print(title, Text(f"({budget.file}:{budget.line}, {budget.what})"), soft_wrap=True)
            to.print(Text(textwrap.indent(explain(one.judged), "  ")), soft_wrap=True)
    to.print()
    if note:
        to.print(Text(note), soft_wrap=True)
    to.print(tally([one.judged.standing for one in checked]) + ".")


def checked_json(checked: Sequence[Checked]) -> dict[str, Any]:
    """Return how budgets stand as a JSON object; sizes in items, memory in bytes."""
    return {
        "standing": worst([one.judged.standing for one in checked]),
        "budgets": [_budget_json(one) for one in checked],
        "environment": dict(environment()),
    }


def _print_line(to: Console, one: Checked, width: int) -> None:
    """Print one budget: a line, folded under its reason where that is long."""
    standing, name = one.judged.standing, one.budget.name
    word = Text(f"{standing:<{_WORD}}", style=_colour(standing))
    before = _WORD + 2 + max(width, len(name)) + 2
    folded = textwrap.wrap(one.judged.reason, max(_NARROW, to.width - before))
    first, *rest = folded or [""]
    to.print(Text.assemble(word, f"  {name:<{width}}  ", first), soft_wrap=True)
    for line in rest:
        to.print(Text(" " * before + line), soft_wrap=True)


def _colour(standing: Standing) -> str:
    return "red" if standing == "error" else COLOURS[standing]


def _budget_json(one: Checked) -> dict[str, Any]:
    budget, judged = one.budget, one.judged
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
        "survival": _survival_json(one),
        "sites": [asdict(site) for site in judged.sites],
        "baseline": _baseline_json(one),
    }


def _survival_json(one: Checked) -> dict[str, Any] | None:
    # A survival is false where the run did not finish.
    if one.survival is None:
        return None
    at = {"size": one.budget.sizes[-1], "cap_bytes": one.budget.cap}
    return {**at, **fate_json(one.survival)}


def _baseline_json(one: Checked) -> dict[str, Any] | None:
    earlier = one.judged.earlier
    if earlier is None:
        return None
    return {"when": earlier.when, "points": [list(pair) for pair in sorted(earlier.peaks.items())]}
