"""Checked budgets where GitHub Actions shows them: annotations of lines, and the job's summary."""

import html
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from lab.budgets.check import Checked
from lab.budgets.judge import explain, tally
from lab.errors import LabError
from lab.pattern import AXES
from lab.units import show_bytes, show_per_item

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|~#!])")
"""What Markdown, or a table in it, would take for more than a character."""

_HEADER = ("Budget", "Standing", "Peak", "Growth (95 %)", "Reason")


def report_to_github(
    checked: Sequence[Checked], stream: IO[str], environment: Mapping[str, str] = os.environ
) -> None:
    """Annotate lines and append a summary, where GitHub Actions asks for them.

    Args:
        checked: The budgets.
        stream: What the runner reads the annotations from.
        environment: GITHUB_ACTIONS, GITHUB_STEP_SUMMARY, GITHUB_WORKSPACE.

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


def annotations(checked: Sequence[Checked], root: Path) -> list[str]:
    """Return a workflow command for each budget that is not kept.

    It points to the first line inside the project that the failure is due to, or else to the
    budget; to files relative to ``root`` where they lie below it.
    """
    return [_annotation(one, root) for one in checked if one.judged.standing != "kept"]


def markdown(checked: Sequence[Checked]) -> str:
    """Return a summary: a table of all budgets, and all there is to say of those not kept."""
    rows = [_HEADER, ("---",) * len(_HEADER), *(_row(one) for one in checked)]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    blocks = [_block(one) for one in checked if one.judged.standing != "kept"]
    standings = [one.judged.standing for one in checked]
    return "\n\n".join([f"### Memory budgets: {tally(standings)}", table, *blocks]) + "\n\n"


def _annotation(one: Checked, root: Path) -> str:
    site = next((site for site in one.judged.sites if site.inside), None)
    file, line = (site.file, site.line) if site else (one.budget.file, one.budget.line)
    properties = {
        "file": _below(file, root),
        "line": str(line),
        "title": f"memory budget {one.budget.name}",
    }
    said = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::error {said}::{_data(one.judged.reason)}"


def _below(file: str, root: Path) -> str:
    path = Path(os.path.normpath(Path.cwd() / file))
    return str(path.relative_to(root)) if path.is_relative_to(root) else file


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _row(one: Checked) -> tuple[str, ...]:
    judged = one.judged
    cells = (one.budget.name, judged.standing, _peak(one), _growth(one), judged.reason)
    return tuple(_SPECIAL.sub(r"\\\1", " ".join(cell.split())) for cell in cells)


def _peak(one: Checked) -> str:
    peaks = one.judged.curve.seen()[1] if one.judged.curve else ()
    return show_bytes(max(peaks)) if peaks else "-"


def _growth(one: Checked) -> str:
    verdict = one.judged.verdict
    if verdict is None or verdict.growth is None:
        return "-"
    low, high = verdict.growth.line.ci95
    slope = show_per_item(verdict.growth.per_item, AXES.get(verdict.axis, "item"))
    return f"{slope} ({show_bytes(low)} to {show_bytes(high)})"


def _block(one: Checked) -> str:
    text = explain(one.judged)
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    name = html.escape(one.budget.name)
    return (
        f"<details><summary>{name}: {one.judged.standing}</summary>\n\n"
        f"{fence}text\n{text}\n{fence}\n\n</details>"
    )
