"""Read the comparisons of variants with limits from the JSON of the benchmarks."""

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
"""Files of `make bench` and `make bench-http`."""

HTTP = ", HTTP"
"""End of the name of a suite that compares over HTTP."""


@dataclass(frozen=True)
class Compared:
    """One variant compared with its limit.

    Attributes:
        suite: The suite's name.
        variant: The variant's name.
        role: The variant's role.
        axis: The unit of the size.
        size: The size that was compared.
        clients: Clients at once over HTTP; 0 in process.
        limit: The limit's name.
        ratio: The variant's time divided by the limit's: median of alternating rounds.
        seconds: Median of the variant's rounds.
        sent: Bytes sent in a round; 0 if the answer has none.
        heap: Peak heap in bytes; None over HTTP.
        rss: Rise of the resident set in bytes.
        growth: Pairs of size and seconds; empty over HTTP.
        tenth: Whether it was run at a tenth of the sizes.
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
        """The variant's name, with the number of clients if there were several."""
        return f"{self.clients} x {self.variant}" if self.clients > 1 else self.variant

    @property
    def rate(self) -> str:
        """Bytes per second if each item has at least one byte, else items per second, in words."""
        items = self.size * max(1, self.clients)
        bytes_moved = items if self.axis == "bytes" else self.sent
        if bytes_moved >= items:
            return f"{show_bytes(bytes_moved / self.seconds)}/s"
        return f"{show_count(_round(items / self.seconds))}/s"

    @property
    def at(self) -> str:
        """The size in words."""
        if self.axis == "bytes":
            return show_bytes(self.size)
        return f"{show_count(self.size)} {self.axis}"

    @property
    def memory(self) -> str:
        """The peak heap in words; over HTTP, the rise of the resident set."""
        return show_bytes(self.rss) if self.heap is None else show_bytes(self.heap)

    @property
    def costs(self) -> list[float]:
        """Seconds per item at each size, divided by those at the first size."""
        if not self.growth:
            return []
        per_item = [seconds / size for size, seconds in self.growth]
        return [cost / per_item[0] for cost in per_item]


def read(folder: Path, *names: str) -> list[Compared]:
    """Read comparisons, in the order in which they were run.

    Args:
        folder: Folder of the files.
        names: Names of the files; by default, all of `FILES` that exist.

    Raises:
        LabError: There are no comparisons, or a file cannot be read.
    """
    # Both files have the tuned variants with one client; the later file has precedence.
    by_key = {
        (compared.suite, compared.variant, compared.clients): compared
        for name in names or FILES
        for compared in _read(folder / name)
    }
    if not by_key:
        raise LabError(f"no comparisons in {folder}: run `make bench` first.")
    return list(by_key.values())


def _read(path: Path) -> Iterator[Compared]:
    if not path.exists():
        return
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LabError(f"cannot read {path} ({error}): run `make bench` again.") from None
    machine = document["machine_info"]
    python = f"{machine['python_implementation']} {machine['python_version']}"
    where = f"{python} on {machine['system']}"
    for benchmark in document["benchmarks"]:
        if "suite" in benchmark["extra_info"]:
            yield _compared(benchmark["extra_info"], benchmark["stats"], where)


def _compared(info: dict[str, Any], stats: dict[str, Any], where: str) -> Compared:
    return Compared(
        suite=info["suite"],
        variant=info["variant"],
        role=info["role"],
        axis=info["axis"],
        size=info["size"],
        clients=info.get("clients", 0),
        limit=info["limit"],
        ratio=info["ratio"],
        seconds=median(stats["data"]) if "data" in stats else stats["median"],
        sent=info["sent_bytes"],
        heap=round(info["peak_heap_bytes"]) if "peak_heap_bytes" in info else None,
        rss=round(info["peak_rss_bytes"]),
        growth=tuple((size, seconds) for size, seconds in info.get("growth", ())),
        tenth=info["tenth"],
        where=where,
    )


def suites(compared: Iterable[Compared]) -> dict[str, list[Compared]]:
    """Group comparisons by suite; those over HTTP are sorted by role and clients."""
    ordered = sorted(
        compared, key=lambda row: (row.suite, row.clients and ROLES.index(row.role), row.clients)
    )
    return {suite: list(group) for suite, group in groupby(ordered, lambda row: row.suite)}


def pictured(compared: Iterable[Compared]) -> dict[str, list[Compared]]:
    """Return the suites with more than one comparison, which have a picture."""
    return {name: group for name, group in suites(compared).items() if len(group) > 1}


def slug(suite: str) -> str:
    """Return a suite's name as the name of a file."""
    return re.sub(r"\W+", "-", suite.lower())


def _round(number: float) -> int:
    """Round to three figures."""
    return int(float(f"{number:.3g}"))
