"""Traps about a session that forgets objects: too early, with edits, or under a stream."""

from collections.abc import Iterator

from sqlalchemy import select, text
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Session

from lab.data.inputs import posts
from lab.data.models import Post
from lab.patterns.identity_map import expire_each_batch, expunge_each_page, let_go
from lab.traps.private_posts import own_posts, statements_for
from lab.traps.trap import Demonstration


def expiring_in_mid_batch_asks_again() -> Demonstration:
    """`expire_all()` inside a batch sends one SELECT for each remaining row of the batch.

    It also expires rows that are fetched but not yet used, and reading an expired object sends a
    statement. Call it at the end of a batch, when every fetched row has been used.
    """
    with posts(rows=2_000) as db:
        inside = statements_for(db, _expire_after_each(db))
    with posts(rows=2_000) as db:
        at_end = statements_for(db, expire_each_batch(db))
    return Demonstration(
        wrong=f"{inside:,} statements for 2,000 rows",
        right=f"{at_end:,} statement if called at the end of each batch",
        holds=inside > 1_500 and at_end == 1,
    )


def _expire_after_each(db: Session) -> Iterator[str]:
    for post in let_go(db):
        yield post.title
        db.expire_all()


def expiring_discards_edits() -> Demonstration:
    """`expire_all()` silently discards edits that were not flushed.

    An expired object is read again, and the edit existed only on the object: no UPDATE is sent,
    and nothing is raised. Flush first.
    """
    lost, written = _edits_written(flush=False), _edits_written(flush=True)
    return Demonstration(
        wrong=f"{lost} of 10 edits written",
        right=f"{written} of 10 with a flush before",
        holds=(lost, written) == (0, 10),
    )


def _edits_written(flush: bool) -> int:
    with own_posts(rows=10) as db:
        for post in db.scalars(select(Post)).all():
            post.title = "Edited"
        if flush:
            db.flush()
        db.expire_all()
        db.flush()
        return int(db.scalar(text("select count(*) from posts where title = 'Edited'")) or 0)


def expunging_all_breaks_the_stream() -> Demonstration:
    """`expunge_all()` under `yield_per` raises InvalidRequestError at the next batch.

    The stream keeps adding objects to the identity map that it started with, and `expunge_all()`
    has replaced that map. Read keyset pages and expunge after each page, or do not expunge.
    """
    with posts(rows=2_000) as db:
        streamed, error = _until_it_breaks(_expunge_after(500, db))
    with posts(rows=2_000) as db:
        paged, _ = _until_it_breaks(expunge_each_page(db, batch=500))
    return Demonstration(
        wrong=f"{error or 'nothing raised'} after {streamed:,} of 2,000 rows",
        right=f"{paged:,} of 2,000 rows in pages",
        holds=(streamed, error, paged) == (500, "InvalidRequestError", 2_000),
    )


def _expunge_after(batch: int, db: Session) -> Iterator[Post]:
    for number, post in enumerate(let_go(db, batch=batch), 1):
        yield post
        if number % batch == 0:
            db.expunge_all()


def _until_it_breaks(rows: Iterator[Post]) -> tuple[int, str]:
    """Read rows to the end; return how many came and the error's name or ''."""
    count = 0
    try:
        for _ in rows:
            count += 1
    except InvalidRequestError as error:
        return count, type(error).__name__
    return count, ""
