"""What came of a load: in the terminal, as JSON, as CSV, and as pictures."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from lab.load.measures import GAUGES, growth, measures
from lab.load.outcome import Outcome
from lab.load.requirements import Requirement, show
from lab.load.steps import Served, Step
from lab.measure.environment import environment
from lab.report.load_plot import by_role, fate, first_byte, pictures, throughput
from lab.units import show_bytes, show_count, show_seconds


def print_steps(to: Console, steps: Sequence[Step], cap: int) -> None:
    """Print a row for each step, and a sentence for each role."""
    under = f"{show_bytes(cap)} over the warm server" if cap else "no cap"
    grid = Grid(pad_edge=False, title=f"Users at once, {under}", title_justify="left")
    for name in ("", "users", "", "peak RSS", "over warm", "first byte", "p95", "a second"):
        grid.add_column(name, justify="left" if not name else "right")
    for step in steps:
        what = Text("carried", style="green") if step.carried else Text("failed", style="red")
        cells = [show_bytes(step.peak), show_bytes(step.peak - step.base)]
        grid.add_row(step.role, show_count(step.users), what, *cells, *_seen(step))
    to.print(grid)
    for role, own in by_role(steps).items():
        why = "" if own[-1].carried else f": {own[-1].problem}"
        to.print(f"{role} {fate(own)}{why}", soft_wrap=True)


def _seen(step: Step) -> tuple[str, str, str]:
    if step.outcome is None or not step.carried:
        return "-", "-", "-"
    p50, p95 = (show_seconds(first_byte(step.outcome, which)) for which in ("p50", "p95"))
    return p50, p95, show_bytes(throughput(step.outcome))


def steps_json(steps: Sequence[Step], served: Served, *, quick: bool = False) -> dict[str, Any]:
    """Return the steps as JSON: bytes, seconds, and why the last one of a role failed."""
    return {
        "quick": quick,
        "cap_bytes": served.cap,
        "jobs": [job.name for job in served.jobs],
        "carried": carried(steps),
        "steps": [{**asdict(step), "carried": step.carried} for step in steps],
        "environment": environment(),
    }


def read_steps(found: Mapping[str, Any]) -> list[Step]:
    """Read the steps that `steps_json` returned."""
    steps = []
    for one in found["steps"]:
        outcome = one["outcome"] and Outcome.parse(one["outcome"])
        fields = {name: one[name] for name in ("role", "users", "base", "peak", "problem")}
        steps.append(Step(**fields, outcome=outcome))
    return steps


def carried(steps: Sequence[Step]) -> dict[str, int]:
    """Return the most users that each role carried; 0 where it failed at once."""
    return {
        role: max((step.users for step in own if step.carried), default=0)
        for role, own in by_role(steps).items()
    }


def keep_steps(found: Mapping[str, Any], out: Path) -> None:
    """Write what there is so far, from `steps_json`, for whoever stops the command."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "load.json").write_text(json.dumps(found, indent=1) + "\n")


def write_steps(steps: Sequence[Step], found: Mapping[str, Any], out: Path) -> str:
    """Write JSON, CSV and pictures, and say where they are.

    Args:
        steps: What was measured.
        found: The same, from `steps_json`.
        out: A folder, which is made.
    """
    keep_steps(found, out)
    with (out / "steps.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["role", "users", "carried", "base_bytes", "peak_bytes", "first_byte_p50",
                       "first_byte_p95", "bytes_per_second", "problem"])  # fmt: skip
        for step in steps:
            rows.writerow([*_csv(step), step.problem])
    for name, svg in pictures(steps, found["cap_bytes"]).items():
        (out / f"{name}.svg").write_text(svg)
    return f"{out}/load.json, steps.csv, memory.svg, first-byte.svg, throughput.svg"


def _csv(step: Step) -> list[Any]:
    known: list[Any] = [step.role, step.users, step.carried, step.base, step.peak]
    if step.outcome is None or not step.carried:
        return [*known, "", "", ""]
    waited = [first_byte(step.outcome, which) for which in ("p50", "p95")]
    return [*known, *waited, round(throughput(step.outcome))]


def print_mixed(to: Console, outcome: Outcome) -> None:
    """Print a row for each job and manner, what the server had in use, and what went wrong."""
    grid = Grid(pad_edge=False)
    for name in ("", "", "requests", "failed", "p50", "p95", "p99"):
        grid.add_column(name, justify="right" if name else "left")
    for row in sorted(outcome.entries, key=lambda row: (row.role, row.name)):
        times = [show_seconds(seconds) for seconds in (row.p50, row.p95, row.p99)]
        counts = show_count(row.requests), show_count(row.failures)
        grid.add_row(row.role, row.name, *counts, *times)
    to.print(grid)
    found = measures(outcome)
    for name, key in GAUGES.items():
        if name in found:
            grown = growth(outcome.series, key)
            more = "" if grown is None else f"; growth {100 * grown:+.2f} %"
            to.print(f"{name}: {show(name, found[name])} at most{more}")
    to.print(
        f"{show_count(outcome.requests)} requests in {show_seconds(outcome.seconds)}, "
        f"{show_bytes(outcome.received)}; {show_count(outcome.failures)} failed, "
        f"{show_count(outcome.refused)} told to come back."
    )
    if outcome.died:
        to.print(f"The server died: {outcome.died}.", style="red")
    for problem, times_seen in outcome.problems.items():
        to.print(f"{show_count(times_seen)} times {problem}", soft_wrap=True, style="red")


def write_mixed(outcome: Outcome, out: Path) -> str:
    """Write the JSON, and say where it and Locust's own reports are."""
    found = {**asdict(outcome), "measures": measures(outcome), "environment": environment()}
    (out / "load.json").write_text(json.dumps(found, indent=1) + "\n")
    return f"{out}/load.json, locust.html, locust_stats.csv, locust_failures.csv"


def judged(to: Console, requirements: Sequence[Requirement], measured: Mapping[str, float]) -> int:
    """Print what is not as required; return the exit code."""
    wrong = [said for said in (one.judge(measured) for one in requirements) if said]
    for said in wrong:
        to.print(f"Required {said}", style="red", soft_wrap=True)
    return 1 if wrong else 0
