"""Report checked budgets to GitHub Actions: annotations of lines, and the summary of the job."""

import html
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from lab.budgets.check import CheckResult
from lab.budgets.judge import explain, summarise
from lab.claim import AXES
from lab.errors import LabError
from lab.units import show_bytes, show_per_item

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|~#!])")
"""Characters with a meaning in Markdown or in a Markdown table."""

_HEADER = ("Budget", "Standing", "Peak", "Growth (95 %)", "Reason")


def report_to_github(
    checked: Sequence[CheckResult], stream: IO[str], environment: Mapping[str, str] = os.environ
) -> None:
    """Annotate lines and append a summary, if the environment is that of GitHub Actions.

    Args:
        checked: The results.
        stream: The output from which the runner reads annotations.
        environment: With GITHUB_ACTIONS, GITHUB_STEP_SUMMARY and GITHUB_WORKSPACE.

    Raises:
        LabError: The summary cannot be written.
    """
    if environment.get("GITHUB_ACTIONS") == "true":
        root = Path(environment.get("GITHUB_WORKSPACE") or Path.cwd()).resolve()
        for command in annotations(checked, root):
            print(command, file=stream, flush=True)
    if summary := environment.get("GITHUB_STEP_SUMMARY"):
        try:
            with Path(summary).open("a", encoding="utf-8", errors="replace") as file:
                file.write(markdown(checked))
        except OSError as error:
            raise LabError(f"cannot write the summary to {summary}: {error.strerror}.") from None


def annotations(checked: Sequence[CheckResult], root: Path) -> list[str]:
    """Return a workflow command for each budget that is not kept.

    It points to the first line inside the project that causes the failure, or else to the budget;
    paths below ``root`` are relative to it.
    """
    return [_annotation(result, root) for result in checked if result.judged.standing != "kept"]


def markdown(checked: Sequence[CheckResult]) -> str:
    """Return a summary: a table of all budgets, and the explanation of each that is not kept."""
    rows = [_HEADER, ("---",) * len(_HEADER), *(_row(result) for result in checked)]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    blocks = [_block(result) for result in checked if result.judged.standing != "kept"]
    standings = [result.judged.standing for result in checked]
    return "\n\n".join([f"### Memory budgets: {summarise(standings)}", table, *blocks]) + "\n\n"


def _annotation(result: CheckResult, root: Path) -> str:
    budget = result.budget
    site = next((site for site in result.judged.sites if site.inside), None)
    file, line = (site.file, site.line) if site else (budget.file, budget.line)
    properties = {
        "file": _relative(file, root),
        "line": str(line),
        "title": f"memory budget {budget.name}",
    }
    escaped = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::error {escaped}::{_data(result.judged.reason)}"


def _relative(file: str, root: Path) -> str:
    path = Path(os.path.normpath(Path.cwd() / file))
    return str(path.relative_to(root)) if path.is_relative_to(root) else file


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _row(result: CheckResult) -> tuple[str, ...]:
    judged = result.judged
    cells = (result.budget.name, judged.standing, _peak(result), _growth(result), judged.reason)
    return tuple(_SPECIAL.sub(r"\\\1", " ".join(cell.split())) for cell in cells)


def _peak(result: CheckResult) -> str:
    peaks = result.judged.curve.seen()[1] if result.judged.curve else ()
    return show_bytes(max(peaks)) if peaks else "-"


def _growth(result: CheckResult) -> str:
    verdict = result.judged.verdict
    if verdict is None or verdict.growth is None:
        return "-"
    low, high = verdict.growth.line.ci95
    slope = show_per_item(verdict.growth.per_item, AXES.get(verdict.axis, "item"))
    return f"{slope} ({show_bytes(low)} to {show_bytes(high)})"


def _block(result: CheckResult) -> str:
    text = explain(result.judged)
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    name = html.escape(result.budget.name)
    return (
        f"<details><summary>{name}: {result.judged.standing}</summary>\n\n"
        f"{fence}text\n{text}\n{fence}\n\n</details>"
    )
