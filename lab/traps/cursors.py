"""Traps about cursors on the server: the transaction they live in, and how they are cut."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, func, select, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from lab.data.database import database
from lab.data.models import Post
from lab.data.worlds import posts
from lab.patterns.lazy_cursor import server_side_cursor
from lab.patterns.rows import keyset_pages, yield_per
from lab.traps.trap import Sprung

_ROWS, _BATCH = 1_000, 100


def commit_ends_the_stream() -> Sprung:
    """A `commit()` in mid-stream closes the cursor, and the next batch raises.

    A server-side cursor lives in its transaction. Who has to commit while reading asks for pages
    by key, and commits between two of them; or writes over another connection.
    """
    with posts(_ROWS) as db, _unlogged():
        streamed, said = _committing(db, yield_per)
    with posts(_ROWS) as db:
        paged, _ = _committing(db, keyset_pages)
    return Sprung(
        wrong=f"{said or 'nothing raised'} after {streamed:,} of {_ROWS:,} rows",
        right=f"{paged:,} of {_ROWS:,} rows in pages",
        holds=(streamed, said, paged) == (_BATCH, "ProgrammingError", _ROWS),
    )


def _committing(db: Session, rows: Callable[..., Iterator[Post]]) -> tuple[int, str]:
    """Read rows and commit after each batch; return how many came and what was raised."""
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
    """Keep SQLAlchemy from logging that the cursor, being gone, cannot be closed either."""
    log = logging.getLogger("sqlalchemy.pool.impl.NullPool")
    before, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = before


def stream_holds_a_transaction() -> Sprung:
    """A stream keeps its transaction open from the first row to the last.

    However slowly a client reads, the connection is out of the pool and the server may not vacuum
    what the transaction could still see. Pages by key let you commit between two of them.
    """
    with posts(_ROWS) as db, database() as engine, engine.connect() as other:
        pid = int(db.scalar(select(func.pg_backend_pid())) or 0)
        with server_side_cursor(db, batch=_BATCH) as rows:
            next(iter(rows))
            streaming = _state(other, pid)
        next(keyset_pages(db, batch=_BATCH))
        db.commit()
        between = _state(other, pid)
    return Sprung(
        wrong=f"{streaming} between two rows",
        right=f"{between} between two pages",
        holds=(streaming, between) == ("idle in transaction", "idle"),
    )


def _state(other: Connection, pid: int) -> str:
    """Say what the server is doing for a connection, as seen from another one."""
    asked = text("select state from pg_stat_activity where pid = :pid")
    with other.begin():  # within one transaction it would go on showing what it showed first
        return str(other.scalar(asked, {"pid": pid}))


def text_gives_one_partition() -> Sprung:
    """`text()` with `yield_per` and `partitions()` without a size gives one of everything.

    With a select the size is the one given to `yield_per`; a statement in text forgets it, and
    says nothing. Give `partitions` its size every time.
    """
    query, options = text("select id from posts order by id"), {"yield_per": _BATCH}
    with posts(_ROWS) as db:
        wrong = [len(p) for p in db.execute(query, execution_options=options).partitions()]
        right = [len(p) for p in db.execute(query, execution_options=options).partitions(_BATCH)]
    return Sprung(
        wrong=f"{len(wrong)} partition of {max(wrong):,} rows",
        right=f"{len(right)} partitions of {max(right):,} rows",
        holds=wrong == [_ROWS] and right == [_BATCH] * (_ROWS // _BATCH),
    )
