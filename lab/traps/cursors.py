"""Traps about server-side cursors: their transaction, and the size of their partitions."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, func, select, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from lab.data.database import database
from lab.data.inputs import posts
from lab.data.models import Post
from lab.patterns.lazy_cursor import server_side_cursor
from lab.patterns.rows import keyset_pages, yield_per
from lab.traps.trap import Demonstration

_ROWS, _BATCH = 1_000, 100


def commit_ends_the_stream() -> Demonstration:
    """A `commit()` during a stream closes the cursor, and the next batch raises.

    A server-side cursor lives in its transaction. To commit while reading, read keyset pages and
    commit between two pages, or write over another connection.
    """
    with posts(_ROWS) as db, _unlogged():
        streamed, error = _committing(db, yield_per)
    with posts(_ROWS) as db:
        paged, _ = _committing(db, keyset_pages)
    return Demonstration(
        wrong=f"{error or 'nothing raised'} after {streamed:,} of {_ROWS:,} rows",
        right=f"{paged:,} of {_ROWS:,} rows in pages",
        holds=(streamed, error, paged) == (_BATCH, "ProgrammingError", _ROWS),
    )


def _committing(db: Session, rows: Callable[..., Iterator[Post]]) -> tuple[int, str]:
    """Read rows, commit after each batch; return the rows read and the error's name or ''."""
    count = 0
    try:
        for _ in rows(db, batch=_BATCH):
            count += 1
            if count % _BATCH == 0:
                db.commit()
    except ProgrammingError as error:
        return count, type(error).__name__
    return count, ""


@contextmanager
def _unlogged() -> Iterator[None]:
    """Hide SQLAlchemy's log message that the lost cursor cannot be closed."""
    log = logging.getLogger("sqlalchemy.pool.impl.NullPool")
    before, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = before


def stream_holds_a_transaction() -> Demonstration:
    """A stream keeps its transaction open from the first row to the last.

    A slow client keeps the connection out of the pool, and the server cannot vacuum rows that
    the transaction may still see. With keyset pages you can commit between two pages.
    """
    with posts(_ROWS) as db, database() as engine, engine.connect() as other:
        pid = int(db.scalar(select(func.pg_backend_pid())) or 0)
        with server_side_cursor(db, batch=_BATCH) as rows:
            next(iter(rows))
            streaming = _state(other, pid)
        next(keyset_pages(db, batch=_BATCH))
        db.commit()
        between = _state(other, pid)
    return Demonstration(
        wrong=f"{streaming} between two rows",
        right=f"{between} between two pages",
        holds=(streaming, between) == ("idle in transaction", "idle"),
    )


def _state(other: Connection, pid: int) -> str:
    """Return the state of a server process, read over another connection."""
    query = text("select state from pg_stat_activity where pid = :pid")
    # PostgreSQL caches the statistics for the length of a transaction.
    with other.begin():
        return str(other.scalar(query, {"pid": pid}))


def text_gives_one_partition() -> Demonstration:
    """`text()` with `yield_per` gives one partition of all rows if `partitions()` has no size.

    For a select, `partitions()` uses the size given to `yield_per`. A text statement ignores that
    size, without an error. Always give `partitions()` its size.
    """
    query, options = text("select id from posts order by id"), {"yield_per": _BATCH}
    with posts(_ROWS) as db:
        wrong = [len(p) for p in db.execute(query, execution_options=options).partitions()]
        right = [len(p) for p in db.execute(query, execution_options=options).partitions(_BATCH)]
    return Demonstration(
        wrong=f"{len(wrong)} partition of {max(wrong):,} rows",
        right=f"{len(right)} partitions of {max(right):,} rows",
        holds=wrong == [_ROWS] and right == [_BATCH] * (_ROWS // _BATCH),
    )
