"""What the settings of production do to memory: every scenario against real servers, into JSON.

Run as ``python -m benchmarks.production``, or with ``--quick``; the JSON is in `FILE`.
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

from benchmarks import production_load, production_recycling, production_sizing
from benchmarks.production_clients import Clients, clients
from lab.data.database import database
from lab.data.files import download_file, users_csv
from lab.data.seed import build, drop
from lab.errors import LabError
from lab.measure.environment import environment, installed_version
from lab.report.json import write_json

FILE = Path("build", "production", "production.json")


@dataclass(frozen=True)
class Sizes:
    """How much is asked for.

    Attributes:
        naive: Rows of a naive export; all of it is in memory.
        rows: Rows of a streamed one; more than the kernel's buffers hold.
        fat: Rows of each of the answers that fatten a process.
        answers: How many of those.
        size: Bytes of a file; a quarter of it is uploaded.
        long: Bytes of the file that slow readers take.
        seconds: How long they take.
        clients: The numbers of clients that the formula is held against.
    """

    naive: int = 4_000
    rows: int = 20_000
    fat: int = 20_000
    answers: int = 7
    size: int = 8_000_000
    long: int = 30_000_000
    seconds: float = 6.0
    clients: tuple[int, ...] = production_sizing.CLIENTS


QUICK = Sizes(naive=4_000, rows=10_000, fat=2_000, answers=4, seconds=2.0, clients=(4, 16))


def main() -> None:
    """Measure everything, and write it down."""
    parser = argparse.ArgumentParser(description="Measure what the settings of production do.")
    parser.add_argument("--quick", action="store_true", help="smaller sizes, and one in five cases")
    quick = parser.parse_args().quick
    try:
        document = measure(QUICK if quick else Sizes(), quick)
        write_json(FILE, document)
    except LabError as error:
        sys.exit(f"production: {error}\n{error.details}")
    print(f"Written: {FILE}, in {document['seconds']:.0f} s")


def measure(sizes: Sizes, quick: bool) -> dict[str, Any]:
    """Run every scenario, or with ``quick`` one in five cases, and return what was found."""
    start = time.monotonic()
    versions = {name: installed_version(name) for name in ("uvicorn", "gunicorn", "anyio")}
    where = {**environment(), **versions, "libc": " ".join(platform.libc_ver())}
    with ExitStack() as stack:
        stack.enter_context(own_posts(sizes.rows))
        for each in (sizes.size, sizes.long):
            download_file(each)
        users_csv(sizes.size // 4, clean=True)
        people, others = (stack.enter_context(clients()) for _ in range(2))
        found = scenarios(sizes, people, others, 5 if quick else 1)
    return {
        "quick": quick,
        "environment": where,
        "sizes": asdict(sizes),
        **found,
        "seconds": time.monotonic() - start,
    }


def scenarios(sizes: Sizes, people: Clients, others: Clients, step: int = 1) -> dict[str, Any]:
    """Run one in ``step`` of the cases of every scenario."""
    rows = {"def": sizes.naive, "naive": sizes.naive, "streaming": sizes.rows}
    cases = list(production_load.cases())[::step]
    fat = production_recycling.fat(3)[::step]
    cut = production_recycling.in_flight(10, round(sizes.seconds / 2))[::step]
    asked = list(production_sizing.requests(sizes.naive, sizes.rows, sizes.size))[::step]
    return {
        "load": [told(production_load.run(c, people, rows[c.role])) for c in cases],
        "fat": [
            told(production_recycling.run_fat(*one, people, sizes.fat, sizes.answers))
            for one in fat
        ],
        "in_flight": [
            told(
                production_recycling.run_in_flight(*one, people, others, sizes.long, sizes.seconds)
            )
            for one in cut
        ],
        "sizing": [told(production_sizing.run(one, people, sizes.clients)) for one in asked],
    }


def told(found: dict[str, Any]) -> dict[str, Any]:
    """Say that a case is done: minutes of silence look like a hang."""
    print(found.get("scenario", ""), found["name"], found.get("role", ""), file=sys.stderr)
    return found


@contextmanager
def own_posts(rows: int) -> Iterator[None]:
    """Have a table of posts, and one of users, that are nobody else's and go with the block."""
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
