"""Shared by the traps about the database: writable posts, statement counts, and peaks."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from uuid import uuid4

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from lab.curves.limits import RESOLUTION
from lab.data.inputs import posts
from lab.pattern import Pattern
from lab.units import show_bytes, show_count
from lab.variants import sweep_variants


@contextmanager
def own_posts(rows: int) -> Iterator[Session]:
    """Yield a session with a private copy of the first posts, which may be written to.

    The table is created in a transaction that is rolled back, so not even a crash leaves it
    behind. No other session sees it; concurrent writes are simulated in the same session, between
    two of its statements. It is not a temporary table, because PostgreSQL scans those differently.
    """
    name = f"posts_{uuid4().hex[:12]}"
    with posts(rows) as db:
        db.execute(_copy(name, rows))
        db.execute(text(f"alter table {name} add primary key (id)"))
        db.execute(text(f"analyze {name}"))
        db.execute(text("drop view if exists pg_temp.posts"))
        db.execute(text(f"create temporary view posts as table {name}"))
        yield db


def _copy(name: str, rows: int) -> TextClause:
    first = f"select * from posts where id <= {int(rows)}"  # noqa: S608 - a number
    return text(f"create unlogged table {name} as {first}")


def statements_for(db: Session, rows: Iterable[object]) -> int:
    """Read all rows without keeping them; return the number of statements sent."""
    counts = db.info["counts"]
    before = int(counts["statements"])
    for _ in rows:
        pass
    return int(counts["statements"]) - before


def peaks(pattern: Pattern, names: Sequence[str], rows: tuple[int, int]) -> list[tuple[int, int]]:
    """Return each variant's peak heap in bytes at two numbers of rows, from fresh processes.

    Raises:
        DifferentAnswersError: Two variants gave different answers.
        LabError: A variant could not be measured.
    """
    curves = sweep_variants(pattern, [pattern[name] for name in names], "rows", sizes=rows)
    return [_pair(curves[name].seen()[1]) for name in names]


def _pair(both: tuple[float, ...]) -> tuple[int, int]:
    small, large = both
    return int(small), int(large)


def is_level(peak: tuple[int, int]) -> bool:
    """Return whether two peaks differ by less than the resolution of the heap witness."""
    return abs(peak[1] - peak[0]) < RESOLUTION["heap"]


def show_peaks(peak: tuple[int, int], rows: tuple[int, int]) -> str:
    """Write two peaks: ``1.5 MB at 1k rows, 11 MB at 8k``."""
    small, large = map(show_bytes, peak)
    return f"{small} at {show_count(rows[0])} rows, {large} at {show_count(rows[1])}"
