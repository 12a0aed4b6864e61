"""Report how far each variant is from its limit: in the terminal, as pictures, in documents.

Run as ``python -m benchmarks.report.speed build/bench``, as `make bench` does after the benchmarks.
"""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as Grid

from benchmarks.report.comparisons import HTTP, Compared, pictured, read, slug, suites
from lab.errors import LabError
from lab.pattern import Role
from lab.report.files import write_text
from lab.report.terminal import console
from lab.units import show_bytes, show_ratio

_SHOWN: tuple[Role, ...] = ("naive", "streaming", "tuned")

MARK = "speed: "
"""Start of the names of the generated parts of `docs/speed.md`, except ``costs`` and ``http``."""


def print_report(to: Console, compared: Sequence[Compared]) -> None:
    """Print a line for each comparison."""
    grid = Grid(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    grid.add_column("Variant", no_wrap=True)
    grid.add_column("Role", no_wrap=True, min_width=9)
    for name in ("At", "Time /\nlimit", "Rate", "Heap", "RSS", "Cost"):
        grid.add_column(name, justify="right", no_wrap=True)
    for suite, group in suites(compared).items():
        grid.add_row(f"{suite}", "limit:", group[-1].limit, "1", style="bold")
        for row in group:
            grid.add_row(
                f"  {row.named}",
                row.role,
                row.at,
                show_ratio(row.ratio),
                row.rate,
                "-" if row.heap is None else show_bytes(row.heap),
                show_bytes(row.rss),
                show_ratio(row.costs[-1]) if row.costs else "-",
            )
    to.print(grid)
    to.print(
        "Time / limit: median of rounds that alternate with the limit. Cost: time per item at the "
        "largest of five doubling sizes, divided by that at the smallest."
    )
    if any(row.tenth for row in compared):
        to.print("Measured at a tenth of the sizes, where fixed costs weigh more.")


def parts(compared: Sequence[Compared]) -> dict[str, str]:
    """Return the generated parts of `docs/speed.md` by name: a table for each suite, and costs."""
    tables = {f"{MARK}{slug(name)}": _table(group) for name, group in suites(compared).items()}
    return {**tables, "costs": _costs(compared)}


def summary(compared: Sequence[Compared]) -> str:
    """Return the README's table: the last variant of each role, and the tuned one over HTTP."""
    lines = [
        "| | Limit | Naive | Streaming | Tuned | Tuned, over HTTP |",
        "|---|---|---|---|---|---|",
    ]
    by_suite = suites(compared)
    for name, group in by_suite.items():
        by_role = {row.role: row for row in group if row.heap is not None}
        if "tuned" in by_role:
            limit, at = by_role["tuned"].limit, by_role["tuned"].at
            over_http = (
                row
                for row in by_suite.get(f"{name}{HTTP}", ())
                if row.role == "tuned" and row.clients == 1
            )
            shown = [*(by_role.get(role) for role in _SHOWN), next(over_http, None)]
            cells = [_cell(row, limit, at) for row in shown]
            lines.append(f"| {name}, {at} | `{limit}` | {' | '.join(cells)} |")
    return "\n".join([*lines, "", f"{compared[0].where}."])


def over_http(compared: Sequence[Compared]) -> str:
    """Return one table of all comparisons over HTTP."""
    lines = [
        "| Endpoint | Limit | Role | At | Clients | Time over limit | Rate | RSS |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for suite, group in suites(row for row in compared if row.clients).items():
        for row in group:
            cells = (
                *(suite, f"`{row.limit}`", row.role, row.at, f"{row.clients}"),
                *(f"{show_ratio(row.ratio)} x", row.rate, show_bytes(row.rss)),
            )
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(row: Compared | None, limit: str, at: str) -> str:
    if row is None:
        return ""
    other_limit = "" if row.limit == limit else f" `{row.limit}`"
    other_size = "" if row.at == at else f" (at {row.at.removesuffix(' rows')})"
    return f"{show_ratio(row.ratio)} x{other_limit}, {row.memory}{other_size}"


def _table(group: list[Compared]) -> str:
    """Return a suite's table; a step is the ratio of the line above divided by that of its line."""
    lines = [
        f"| Variant | At | Time over `{group[-1].limit}` | Step | Rate | Heap | RSS |",
        "|---|---|---|---|---|---|---|",
    ]
    before = None
    for row in group:
        heap = "" if row.heap is None else show_bytes(row.heap)
        step = f"{show_ratio(before / row.ratio)} x as fast" if before else ""
        before = row.ratio
        figures = (row.at, f"{show_ratio(row.ratio)} x", step, row.rate, heap, show_bytes(row.rss))
        lines.append(f"| `{row.named}` ({row.role}) | {' | '.join(figures)} |")
    return "\n".join(lines)


def _costs(compared: Iterable[Compared]) -> str:
    lines = ["| Pattern | Variant | n | 2 n | 4 n | 8 n | 16 n |", "|---|---|---|---|---|---|---|"]
    for row in compared:
        if row.costs:
            size = f"{row.growth[0][0]:,}"
            costs = " | ".join(show_ratio(cost) for cost in row.costs[1:])
            lines.append(f"| {row.suite} | `{row.variant}` | {size} | {costs} |")
    return "\n".join(lines)


def main() -> None:
    """Print the report, and draw a picture of each suite beside the JSON."""
    from benchmarks.report.speed_plot import plot

    folder = Path(sys.argv[1])
    try:
        compared = read(folder)
    except LabError as error:
        sys.exit(f"speed: {error}")
    print_report(console(), compared)
    for name, group in pictured(compared).items():
        write_text(folder / f"{slug(name)}.svg", plot(name, group))
    print(f"Pictures: {folder}/*.svg")


if __name__ == "__main__":
    main()
