"""Measure how settings change the memory of real servers, in every scenario, and write JSON.

Run as ``python -m benchmarks.production``, optionally with ``--quick``; it writes `FILE`.
"""

import argparse
import os
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from benchmarks.production import load, recycling, sizing
from benchmarks.production.clients import ClientProcess, client_process
from lab.data.database import database
from lab.data.files import download_file, users_csv
from lab.data.seed import build, drop
from lab.errors import LabError
from lab.measure.environment import environment, installed_version
from lab.report.files import write_json

FILE = Path("build", "production", "production.json")


@dataclass(frozen=True)
class Sizes:
    """The sizes of the requests.

    Attributes:
        naive: Rows of a naive export, which is in memory as a whole.
        rows: Rows of a streamed export, more than the kernel's buffers hold.
        fat: Rows of each large answer that is requested to grow a process.
        answers: Number of these large answers.
        size: Bytes of a file; an upload has a quarter of them.
        long: Bytes of the file that slow readers download.
        seconds: Seconds that slow readers take for it.
        clients: Numbers of clients that test the formula.
    """

    naive: int = 4_000
    rows: int = 20_000
    fat: int = 20_000
    answers: int = 7
    size: int = 8_000_000
    long: int = 30_000_000
    seconds: float = 6.0
    clients: tuple[int, ...] = sizing.CLIENTS


QUICK = Sizes(naive=4_000, rows=10_000, fat=2_000, answers=4, seconds=2.0, clients=(4, 16))


def main() -> None:
    """Run every scenario and write the result."""
    parser = argparse.ArgumentParser(description="Measure how settings change memory.")
    parser.add_argument("--quick", action="store_true", help="smaller sizes, and one in five cases")
    quick = parser.parse_args().quick
    try:
        document = measure(QUICK if quick else Sizes(), quick)
        write_json(FILE, document)
    except LabError as error:
        sys.exit(f"production: {error}\n{error.details}")
    print(f"Written: {FILE}, in {document['seconds']:.0f} s")


def measure(sizes: Sizes, quick: bool) -> dict[str, Any]:
    """Run every scenario, or with ``quick`` one in five cases, and return the JSON document."""
    start = time.monotonic()
    versions = {name: installed_version(name) for name in ("uvicorn", "gunicorn", "anyio")}
    circumstances = {**environment(), **versions, "libc": " ".join(platform.libc_ver())}
    with ExitStack() as stack:
        stack.enter_context(own_posts(sizes.rows))
        for size in (sizes.size, sizes.long):
            download_file(size)
        users_csv(sizes.size // 4, clean=True)
        clients, others = (stack.enter_context(client_process()) for _ in range(2))
        results = scenarios(sizes, clients, others, 5 if quick else 1)
    return {
        "quick": quick,
        "environment": circumstances,
        "sizes": asdict(sizes),
        **results,
        "seconds": time.monotonic() - start,
    }


def scenarios(
    sizes: Sizes, clients: ClientProcess, others: ClientProcess, step: int = 1
) -> dict[str, Any]:
    """Run one in ``step`` of the cases of every scenario."""
    rows = {"def": sizes.naive, "naive": sizes.naive, "streaming": sizes.rows}
    cases = list(load.cases())[::step]
    fat = recycling.fat(3)[::step]
    in_flight = recycling.in_flight(10, round(sizes.seconds / 2))[::step]
    requests = list(sizing.requests(sizes.naive, sizes.rows, sizes.size))[::step]
    return {
        "load": [_announced(load.run(case, clients, rows[case.role])) for case in cases],
        "fat": [
            _announced(recycling.run_fat(*case, clients, sizes.fat, sizes.answers)) for case in fat
        ],
        "in_flight": [
            _announced(recycling.run_in_flight(*case, clients, others, sizes.long, sizes.seconds))
            for case in in_flight
        ],
        "sizing": [_announced(sizing.run(request, clients, sizes.clients)) for request in requests],
    }


def _announced(case: dict[str, Any]) -> dict[str, Any]:
    """Print the name of a finished case, because all of them take minutes, and return it."""
    print(case.get("scenario", ""), case["name"], case.get("role", ""), file=sys.stderr)
    return case


@contextmanager
def own_posts(rows: int) -> Iterator[None]:
    """Create a schema with a table of posts and one of users, and drop it after the block."""
    before = os.environ.get("MEMORY_LAB_SCHEMA")
    os.environ["MEMORY_LAB_SCHEMA"] = f"memory_lab_{uuid4().hex[:12]}"
    try:
        with database() as engine:
            build(engine, rows)
            try:
                yield
            finally:
                drop(engine)
    finally:
        del os.environ["MEMORY_LAB_SCHEMA"]
        if before is not None:
            os.environ["MEMORY_LAB_SCHEMA"] = before


if __name__ == "__main__":
    main()
