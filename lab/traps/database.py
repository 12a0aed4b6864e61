"""What traps about the database share: posts that may be written to, statements, and peaks."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from uuid import uuid4

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from lab.compare import sweep_variants
from lab.data.worlds import posts
from lab.measure.verdict import RESOLUTION
from lab.pattern import Pattern
from lab.units import show_bytes, show_count


@contextmanager
def own_posts(rows: int) -> Iterator[Session]:
    """Yield a session whose posts are a copy of the first ones, in a table for this block alone.

    The table is made in a transaction that is rolled back, so nothing of it can be left behind,
    even by a crash. Nobody else sees it: who is to write meanwhile does so in the same session,
    between two of its statements. It is no temporary table, since those are scanned differently.
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
    """Read rows to the end, keeping none, and return how many statements were sent meanwhile."""
    counts = db.info["counts"]
    before = int(counts["statements"])
    for _ in rows:
        pass
    return int(counts["statements"]) - before


def peaks(pattern: Pattern, names: Sequence[str], rows: tuple[int, int]) -> list[tuple[int, int]]:
    """Measure variants at two numbers of rows, in fresh processes; return each one's two peaks.

    Raises:
        DifferentAnswersError: Two variants gave different answers.
        LabError: One could not be measured.
    """
    found = sweep_variants(pattern, [pattern[name] for name in names], "rows", sizes=rows)
    return [_pair(found[name].seen()[1]) for name in names]


def _pair(seen: tuple[float, ...]) -> tuple[int, int]:
    small, large = seen
    return int(small), int(large)


def is_level(peak: tuple[int, int]) -> bool:
    """Tell whether the larger peak is the smaller one, as far as the meter can see."""
    return abs(peak[1] - peak[0]) < RESOLUTION["heap"]


def show_peaks(peak: tuple[int, int], rows: tuple[int, int]) -> str:
    """Write two peaks: ``1.5 MB at 1k rows, 11 MB at 8k``."""
    small, large = map(show_bytes, peak)
    return f"{small} at {show_count(rows[0])} rows, {large} at {show_count(rows[1])}"
