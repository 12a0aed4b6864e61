"""How far each variant is from the limit: read from the benchmarks, printed, drawn, and written.

Run as ``python -m lab.report.speed build/bench``; `make bench` does, when the benchmarks are over.
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as Grid

from lab.errors import LabError
from lab.pattern import ROLES, Role
from lab.report.json import write_text
from lab.report.terminal import console
from lab.units import show_bytes, show_count, show_ratio

FILES = ("bench.json", "bench-http.json")
"""What `make bench` and `make bench-http` write."""

HTTP = ", HTTP"
"""What the name of a suite ends with that compares over HTTP."""

MARK = "speed: "
"""What the names of the generated parts of `docs/speed.md` begin with, but for the costs."""


@dataclass(frozen=True)
class Compared:
    """One variant beside its limit.

    Attributes:
        suite: What was compared with one limit.
        variant: The variant's name.
        role: Its role.
        axis: What the size counts.
        size: Of the world.
        clients: How many there were, over HTTP; 0 in process.
        limit: The limit's name.
        ratio: Its time over the limit's: the median of rounds in turns.
        seconds: The median of its rounds.
        sent: Bytes that were sent in a round; 0 where the answer has none.
        heap: Bytes; None over HTTP.
        rss: Bytes.
        growth: Sizes, each with the seconds at it; empty over HTTP.
        tenth: Whether it was a quick look.
        where: The interpreter and the system.
    """

    suite: str
    variant: str
    role: Role
    axis: str
    size: int
    clients: int
    limit: str
    ratio: float
    seconds: float
    sent: int
    heap: int | None
    rss: int
    growth: tuple[tuple[int, float], ...]
    tenth: bool
    where: str

    @property
    def named(self) -> str:
        """The variant, and how many clients asked for it at once."""
        return f"{self.clients} x {self.variant}" if self.clients > 1 else self.variant

    @property
    def rate(self) -> str:
        """What it moves in a second: bytes, where there are some for each item, or else items."""
        items = self.size * max(1, self.clients)
        bytes_moved = items if self.axis == "bytes" else self.sent
        if bytes_moved >= items:
            return f"{show_bytes(bytes_moved / self.seconds)}/s"
        return f"{show_count(_round(items / self.seconds))}/s"

    @property
    def per_item(self) -> float:
        """Seconds for an item."""
        return self.seconds / self.size

    @property
    def at(self) -> str:
        """The size, in words."""
        if self.axis == "bytes":
            return show_bytes(self.size)
        return f"{show_count(self.size)} {self.axis}"

    @property
    def memory(self) -> str:
        """The heap, or the resident set where that alone was seen."""
        return show_bytes(self.rss) if self.heap is None else show_bytes(self.heap)

    @property
    def costs(self) -> list[float]:
        """The time for an item at each size, over that at the first."""
        if not self.growth:
            return []
        per_item = [seconds / size for size, seconds in self.growth]
        return [cost / per_item[0] for cost in per_item]


def read(folder: Path, *names: str) -> list[Compared]:
    """Read what the benchmarks found, in the order in which they were run.

    Args:
        folder: Where the files are.
        names: The files; all that there are, if none is named.

    Raises:
        LabError: There is nothing to read.
    """
    found = [one for name in names or FILES for one in _read(folder / name)]
    if not found:
        raise LabError(f"there are no comparisons in {folder}: run `make bench` first.")
    return found


def _read(path: Path) -> Iterator[Compared]:
    if not path.exists():
        return
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LabError(f"cannot read {path} ({error}): run `make bench` again.") from None
    made = document["machine_info"]
    where = f"{made['python_implementation']} {made['python_version']} on {made['system']}"
    for benchmark in document["benchmarks"]:
        if "suite" in benchmark["extra_info"]:
            yield _compared(benchmark["extra_info"], benchmark["stats"], where)


def _compared(found: dict[str, Any], stats: dict[str, Any], where: str) -> Compared:
    return Compared(
        suite=found["suite"],
        variant=found["variant"],
        role=found["role"],
        axis=found["axis"],
        size=found["size"],
        clients=found.get("clients", 0),
        limit=found["limit"],
        ratio=found["ratio"],
        seconds=median(stats["data"]) if "data" in stats else stats["median"],
        sent=found["sent_bytes"],
        heap=round(found["peak_heap_bytes"]) if "peak_heap_bytes" in found else None,
        rss=round(found["peak_rss_bytes"]),
        growth=tuple((size, seconds) for size, seconds in found.get("growth", ())),
        tenth=found["tenth"],
        where=where,
    )


def suites(compared: Iterable[Compared]) -> dict[str, list[Compared]]:
    """Return the comparisons by suite; over HTTP roles are served, so they go by those."""
    ordered = sorted(
        compared, key=lambda one: (one.suite, one.clients and ROLES.index(one.role), one.clients)
    )
    return {suite: list(group) for suite, group in groupby(ordered, lambda one: one.suite)}


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
            cells = [_cell(by_role.get(role), limit) for role in ("naive", "streaming", "tuned")]
            cells.append(_cell(next(iter(found.get(f"{name}{HTTP}", ())), None), limit))
            lines.append(f"| {name}, {at} | `{limit}` | {' | '.join(cells)} |")
    return "\n".join([*lines, "", f"{compared[0].where}."])


def over_http(compared: Sequence[Compared]) -> str:
    """Return what was found over HTTP, as one table."""
    lines = [
        "| Endpoint | Limit | Role | At | Clients | Time over limit | Rate | RSS |",
        "|---|---|---|---|---|---|---|---|",
    ]
    # The tuned ones with one client are in what `make bench` found as well; the later is taken.
    every = {(one.suite, one.variant, one.clients): one for one in compared if one.clients}
    for suite, group in suites(every.values()).items():
        for one in group:
            figures = (one.at, f"{one.clients}", f"{show_ratio(one.ratio)} x", one.rate)
            said = f"{suite} | `{one.limit}` | {one.role} | {' | '.join(figures)}"
            lines.append(f"| {said} | {show_bytes(one.rss)} |")
    return "\n".join(lines)


def _cell(one: Compared | None, limit: str) -> str:
    if one is None:
        return ""
    other = "" if one.limit == limit else f" `{one.limit}`"
    return f"{show_ratio(one.ratio)} x{other}, {one.memory}"


def _table(group: list[Compared]) -> str:
    """Write a suite's table; a step is the speed for an item, over that of the variant before."""
    lines = [
        f"| Variant | At | Time over `{group[-1].limit}` | Step | Rate | Heap | RSS |",
        "|---|---|---|---|---|---|---|",
    ]
    before = None
    for one in group:
        heap = "" if one.heap is None else show_bytes(one.heap)
        step = f"{show_ratio(before / one.per_item)} x as fast" if before else ""
        before = one.per_item
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


def pictured(compared: Iterable[Compared]) -> dict[str, list[Compared]]:
    """Return the suites that have something to compare in a picture."""
    return {name: group for name, group in suites(compared).items() if len(group) > 1}


def slug(suite: str) -> str:
    """Return a suite's name as that of a file."""
    return re.sub(r"\W+", "-", suite.lower())


def _round(number: float) -> int:
    """Round to three figures."""
    return int(float(f"{number:.3g}"))


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
