"""Traps about `with` blocks that give access to rows."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lab.data.inputs import posts
from lab.data.models import Post
from lab.patterns.lazy_cursor import server_side_cursor
from lab.traps.trap import Demonstration

_ROWS = 1_000


@contextmanager
def _each_row(db: Session) -> Iterator[Any]:
    """Yield once for every row, which a context manager must not do."""
    yield from db.scalars(select(Post).order_by(Post.id))


def yielding_each_row_breaks_the_block() -> Demonstration:
    """`@contextmanager` on a generator of many rows raises, inside the block or at its end.

    The decorator expects exactly one `yield`. The block receives the first row instead of all
    rows, and at its end the generator has not stopped. Yield one object that iterates over rows.
    """
    with posts(_ROWS) as db:
        inside = _raised(lambda: _read(_each_row, db))
        at_end = _raised(lambda: _enter(_each_row, db))
        right = _read(server_side_cursor, db)
    return Demonstration(
        wrong=f"{_shown(inside)}; {_shown(at_end)}",
        right=f"{right:,} rows from one yield",
        holds=isinstance(inside, TypeError) and isinstance(at_end, RuntimeError) and right == _ROWS,
    )


def one_row_hides_the_mistake() -> Demonstration:
    """`@contextmanager` on a generator of rows passes silently if there is exactly one row.

    A generator of one row yields once, as required, so a test with one row proves nothing. It
    raises with two rows, and with none. Test with no row, one row, and several batches.
    """
    wrong = [_entered(_each_row, rows) for rows in (1, 2)]
    right = [_entered(server_side_cursor, rows) for rows in (1, 2)]
    return Demonstration(
        wrong=f"1 row: {_shown(wrong[0])}; 2 rows: {_shown(wrong[1])}",
        right=f"1 row: {_shown(right[0])}; 2 rows: {_shown(right[1])}",
        holds=wrong[0] is None and isinstance(wrong[1], RuntimeError) and right == [None, None],
    )


def _read(block: Callable[..., Any], db: Session) -> int:
    with block(db) as rows:
        return sum(1 for _ in rows)


def _enter(block: Callable[..., Any], db: Session) -> None:
    with block(db):
        pass


def _entered(block: Callable[..., Any], rows: int) -> Exception | None:
    with posts(rows) as db:
        return _raised(lambda: _enter(block, db))


def _raised(run: Callable[[], object]) -> Exception | None:
    try:
        run()
    except (TypeError, RuntimeError) as error:
        return error
    return None


def _shown(error: Exception | None) -> str:
    return "passes" if error is None else f"{type(error).__name__}: {error}"
