"""Report the result of a load: in the terminal, as JSON, as CSV, and as a picture."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from io import StringIO
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from lab.load.figures import SERVER_MEASURES, growth, measures, throughput
from lab.load.plot import by_role, first_byte, memory_svg, summary
from lab.load.requirements import Requirement, show
from lab.load.result import LoadResult
from lab.load.steps import ServerUnderTest, Step
from lab.measure.environment import environment
from lab.report.files import write_json, write_text
from lab.units import show_bytes, show_count, show_seconds


def print_steps(to: Console, steps: Sequence[Step], cap: int) -> None:
    """Print a row for each step, and a sentence for each role."""
    under = f"{show_bytes(cap)} over the warm server" if cap else "no cap"
    grid = Grid(pad_edge=False, title=f"Users at once, {under}", title_justify="left")
    for name in ("", "users", "", "peak RSS", "over warm", "first byte", "p95", "a second"):
        grid.add_column(name, justify="left" if not name else "right")
    for step in steps:
        result = Text("passed", style="green") if step.passed else Text("failed", style="red")
        cells = [show_bytes(step.peak), show_bytes(step.peak - step.base)]
        grid.add_row(step.role, show_count(step.users), result, *cells, *_answer_cells(step))
    to.print(grid)
    for role, role_steps in by_role(steps).items():
        last = role_steps[-1]
        problem = "" if last.passed else f": {last.problem}"
        to.print(f"{role} {summary(role_steps)}{problem}", soft_wrap=True)


def _answer_cells(step: Step) -> tuple[str, str, str]:
    if step.outcome is None or not step.passed:
        return "-", "-", "-"
    p50, p95 = (show_seconds(first_byte(step.outcome, which)) for which in ("p50", "p95"))
    return p50, p95, show_bytes(throughput(step.outcome))


def steps_json(
    steps: Sequence[Step], served: ServerUnderTest, *, quick: bool = False
) -> dict[str, Any]:
    """Return the steps as a JSON document: bytes, seconds, and why a role's last step failed."""
    return {
        "quick": quick,
        "cap_bytes": served.cap,
        "jobs": [job.name for job in served.jobs],
        "carried": users_passed(steps),
        "steps": [{**asdict(step), "carried": step.passed} for step in steps],
        "environment": environment(),
    }


def read_steps(document: Mapping[str, Any]) -> list[Step]:
    """Return the steps of a document of `steps_json`."""
    steps = []
    for step in document["steps"]:
        result = step["outcome"] and LoadResult.parse(step["outcome"])
        fields = {name: step[name] for name in ("role", "users", "base", "peak", "problem")}
        steps.append(Step(**fields, outcome=result))
    return steps


def users_passed(steps: Sequence[Step]) -> dict[str, int]:
    """Return the largest number of users that passed, by role; 0 if the first step failed."""
    return {
        role: max((step.users for step in role_steps if step.passed), default=0)
        for role, role_steps in by_role(steps).items()
    }


def write_steps_json(document: Mapping[str, Any], out: Path) -> None:
    """Write a document of `steps_json` to ``load.json``."""
    write_json(out / "load.json", document)


def write_steps(steps: Sequence[Step], document: Mapping[str, Any], out: Path) -> str:
    """Write JSON, CSV and the picture, and return their names.

    Args:
        steps: The steps.
        document: The same steps, from `steps_json`.
        out: Folder for the files; it is created.
    """
    write_steps_json(document, out)
    table = StringIO()
    rows = csv.writer(table)
    rows.writerow(["role", "users", "carried", "base_bytes", "peak_bytes", "first_byte_p50",
                   "first_byte_p95", "bytes_per_second", "problem"])  # fmt: skip
    for step in steps:
        rows.writerow([*_csv(step), step.problem])
    write_text(out / "steps.csv", table.getvalue())
    write_text(out / "memory.svg", memory_svg(steps, document["cap_bytes"]))
    return f"{out}/load.json, steps.csv, memory.svg"


def _csv(step: Step) -> list[Any]:
    cells: list[Any] = [step.role, step.users, step.passed, step.base, step.peak]
    if step.outcome is None or not step.passed:
        return [*cells, "", "", ""]
    waits = [first_byte(step.outcome, which) for which in ("p50", "p95")]
    return [*cells, *waits, round(throughput(step.outcome))]


def print_mixed(to: Console, result: LoadResult) -> None:
    """Print a row for each job and behaviour, the server's resources, and the failures."""
    grid = Grid(pad_edge=False)
    for name in ("", "", "requests", "failed", "p50", "p95", "p99"):
        grid.add_column(name, justify="right" if name else "left")
    for row in sorted(result.entries, key=lambda row: (row.role, row.name)):
        times = [show_seconds(seconds) for seconds in (row.p50, row.p95, row.p99)]
        counts = show_count(row.requests), show_count(row.failures)
        grid.add_row(row.role, row.name, *counts, *times)
    to.print(grid)
    values = measures(result)
    for name, key in SERVER_MEASURES.items():
        if name in values:
            ratio = growth(result.series, key)
            more = "" if ratio is None else f"; growth {100 * ratio:+.2f} %"
            to.print(f"{name}: at most {show(name, values[name])}{more}")
    to.print(
        f"{show_count(result.requests)} requests in {show_seconds(result.seconds)}, "
        f"{show_bytes(result.received)}; {show_count(result.failures)} failed, "
        f"{show_count(result.refused)} refused and sent again."
    )
    if result.died:
        to.print(f"The server died: {result.died}.", style="red")
    for problem, count in result.problems.items():
        to.print(f"{show_count(count)} times {problem}", soft_wrap=True, style="red")


def write_mixed(result: LoadResult, out: Path) -> str:
    """Write the JSON, and return the names of it and of Locust's own reports."""
    document = {**asdict(result), "measures": measures(result), "environment": environment()}
    write_json(out / "load.json", document)
    return f"{out}/load.json, locust.html, locust_stats.csv, locust_failures.csv"


def report_requirements(
    to: Console, requirements: Sequence[Requirement], measured: Mapping[str, float]
) -> int:
    """Print the requirements that are not met; return the exit code, 1 if there are some."""
    violations = [requirement.violation(measured) for requirement in requirements]
    for violation in filter(None, violations):
        to.print(f"Not met: {violation}", style="red", soft_wrap=True)
    return 1 if any(violations) else 0
