"""How far each variant is from the limit: read from the benchmarks, printed, drawn, and written.

Run as ``python -m lab.report.speed build/bench``; `make bench` does, when the benchmarks are over.
"""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as Grid

from lab.errors import LabError
from lab.pattern import Role
from lab.report.comparisons import HTTP, Compared, pictured, read, slug, suites
from lab.report.json import write_text
from lab.report.terminal import console
from lab.units import show_bytes, show_ratio

_SHOWN: tuple[Role, ...] = ("naive", "streaming", "tuned")

MARK = "speed: "
"""What the names of the generated parts of `docs/speed.md` begin with, but for the costs."""


def print_report(to: Console, compared: Sequence[Compared]) -> None:
    """Print a line for each comparison."""
    grid = Grid(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    grid.add_column("Variant", no_wrap=True)
    grid.add_column("Role", no_wrap=True, min_width=9)
    for name in ("At", "Time /\nlimit", "Rate", "Heap", "RSS", "Cost"):
        grid.add_column(name, justify="right", no_wrap=True)
    for suite, group in suites(compared).items():
        grid.add_row(f"{suite}", "limit:", group[-1].limit, "1", style="bold")
        for one in group:
            grid.add_row(
                f"  {one.named}",
                one.role,
                one.at,
                show_ratio(one.ratio),
                one.rate,
                "-" if one.heap is None else show_bytes(one.heap),
                show_bytes(one.rss),
                show_ratio(one.costs[-1]) if one.costs else "-",
            )
    to.print(grid)
    to.print(
        "Time / limit: the median of rounds in turns with the limit. Cost: the time for an item at "
        "the largest of five sizes that double, over that at the smallest."
    )
    if any(one.tenth for one in compared):
        to.print("At a tenth of the sizes, where fixed costs weigh more.")


def parts(compared: Sequence[Compared]) -> dict[str, str]:
    """Return the generated parts of `docs/speed.md` by name: a table for each suite, and costs."""
    found = {f"{MARK}{slug(name)}": _table(group) for name, group in suites(compared).items()}
    return {**found, "costs": _costs(compared)}


def summary(compared: Sequence[Compared]) -> str:
    """Return the README's table: the last variant in each role, and the tuned one over HTTP."""
    lines = [
        "| | Limit | Naive | Streaming | Tuned | Tuned, over HTTP |",
        "|---|---|---|---|---|---|",
    ]
    found = suites(compared)
    for name, group in found.items():
        by_role = {one.role: one for one in group if one.heap is not None}
        if "tuned" in by_role:
            limit, at = by_role["tuned"].limit, by_role["tuned"].at
            over_http = (
                one
                for one in found.get(f"{name}{HTTP}", ())
                if one.role == "tuned" and one.clients == 1
            )
            chosen = [*(by_role.get(role) for role in _SHOWN), next(over_http, None)]
            cells = [_cell(one, limit, at) for one in chosen]
            lines.append(f"| {name}, {at} | `{limit}` | {' | '.join(cells)} |")
    return "\n".join([*lines, "", f"{compared[0].where}."])


def over_http(compared: Sequence[Compared]) -> str:
    """Return what was found over HTTP, as one table."""
    lines = [
        "| Endpoint | Limit | Role | At | Clients | Time over limit | Rate | RSS |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for suite, group in suites(one for one in compared if one.clients).items():
        for one in group:
            figures = (one.at, f"{one.clients}", f"{show_ratio(one.ratio)} x", one.rate)
            said = f"{suite} | `{one.limit}` | {one.role} | {' | '.join(figures)}"
            lines.append(f"| {said} | {show_bytes(one.rss)} |")
    return "\n".join(lines)


def _cell(one: Compared | None, limit: str, at: str) -> str:
    if one is None:
        return ""
    other = "" if one.limit == limit else f" `{one.limit}`"
    elsewhere = "" if one.at == at else f" (at {one.at.removesuffix(' rows')})"
    return f"{show_ratio(one.ratio)} x{other}, {one.memory}{elsewhere}"


def _table(group: list[Compared]) -> str:
    """Write a suite's table; a step is the time over the limit, before it and after it."""
    lines = [
        f"| Variant | At | Time over `{group[-1].limit}` | Step | Rate | Heap | RSS |",
        "|---|---|---|---|---|---|---|",
    ]
    before = None
    for one in group:
        heap = "" if one.heap is None else show_bytes(one.heap)
        step = f"{show_ratio(before / one.ratio)} x as fast" if before else ""
        before = one.ratio
        figures = (one.at, f"{show_ratio(one.ratio)} x", step, one.rate, heap, show_bytes(one.rss))
        lines.append(f"| `{one.named}` ({one.role}) | {' | '.join(figures)} |")
    return "\n".join(lines)


def _costs(compared: Iterable[Compared]) -> str:
    lines = ["| Pattern | Variant | n | 2 n | 4 n | 8 n | 16 n |", "|---|---|---|---|---|---|---|"]
    for one in compared:
        if one.costs:
            size = f"{one.growth[0][0]:,}"
            shown = " | ".join(show_ratio(cost) for cost in one.costs[1:])
            lines.append(f"| {one.suite} | `{one.variant}` | {size} | {shown} |")
    return "\n".join(lines)


def main() -> None:
    """Print the report, and draw a picture of each suite beside the JSON."""
    from lab.report.speed_plot import plot

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
