"""Traps about lending rows in a `with` block."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lab.data.models import Post
from lab.data.worlds import posts
from lab.patterns.lazy_cursor import server_side_cursor
from lab.traps.trap import Sprung

_ROWS = 1_000


@contextmanager
def _each_row(db: Session) -> Iterator[Any]:
    """Yield once for every row, which is what a context manager must not do."""
    yield from db.scalars(select(Post).order_by(Post.id))


def yielding_each_row_breaks_the_block() -> Sprung:
    """`@contextmanager` on a generator of many rows raises, inside the block or at its end.

    The decorator wants exactly one `yield`: the block is given the first row instead of all of
    them, and at its end the generator has not stopped. Yield one thing that gives rows.
    """
    with posts(_ROWS) as db:
        read, unread = _raised(lambda: _read(_each_row, db)), _raised(lambda: _enter(_each_row, db))
        right = _read(server_side_cursor, db)
    return Sprung(
        wrong=f"{_shown(read)}; {_shown(unread)}",
        right=f"{right:,} rows from one yield",
        holds=isinstance(read, TypeError) and isinstance(unread, RuntimeError) and right == _ROWS,
    )


def one_row_hides_the_mistake() -> Sprung:
    """`@contextmanager` on a generator of rows passes silently with exactly one row.

    A generator of one row yields once, as it should, and so a test on a small table says nothing.
    With two rows it raises, and with none. Test with none, one, and several batches.
    """
    said = [_entered(_each_row, rows) for rows in (1, 2)]
    right = [_entered(server_side_cursor, rows) for rows in (1, 2)]
    return Sprung(
        wrong=f"1 row: {_shown(said[0])}; 2 rows: {_shown(said[1])}",
        right=f"1 row: {_shown(right[0])}; 2 rows: {_shown(right[1])}",
        holds=said[0] is None and isinstance(said[1], RuntimeError) and right == [None, None],
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
