"""What the benchmarks found: variants beside their limits, read from their JSON."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import Any

from lab.errors import LabError
from lab.pattern import ROLES, Role
from lab.units import show_bytes, show_count

FILES = ("bench.json", "bench-http.json")
"""What `make bench` and `make bench-http` write."""

HTTP = ", HTTP"
"""What the name of a suite ends with that compares over HTTP."""


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
    # The tuned ones with one client are in both files; the later one is taken.
    found = {
        (one.suite, one.variant, one.clients): one
        for name in names or FILES
        for one in _read(folder / name)
    }
    if not found:
        raise LabError(f"there are no comparisons in {folder}: run `make bench` first.")
    return list(found.values())


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


def pictured(compared: Iterable[Compared]) -> dict[str, list[Compared]]:
    """Return the suites that have something to compare in a picture."""
    return {name: group for name, group in suites(compared).items() if len(group) > 1}


def slug(suite: str) -> str:
    """Return a suite's name as that of a file."""
    return re.sub(r"\W+", "-", suite.lower())


def _round(number: float) -> int:
    """Round to three figures."""
    return int(float(f"{number:.3g}"))
