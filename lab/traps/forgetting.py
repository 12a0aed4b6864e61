"""Traps about making a session forget: expired too early, with edits, or under a stream."""

from collections.abc import Iterator

from sqlalchemy import select, text
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Session

from lab.data.models import Post
from lab.data.worlds import posts
from lab.patterns.identity_map import expire_each_batch, expunge_each_page, let_go
from lab.traps.database import own_posts, statements_for
from lab.traps.trap import Sprung


def expiring_in_mid_batch_asks_again() -> Sprung:
    """`expire_all()` before a batch is used up sends a SELECT for each post still to come.

    It expires what was fetched and is not yet consumed as well, and every touch of an expired
    object is a statement. At the end of a batch nothing is left to come.
    """
    with posts(rows=2_000) as db:
        eager = statements_for(db, _expire_after_each(db))
    with posts(rows=2_000) as db:
        late = statements_for(db, expire_each_batch(db))
    return Sprung(
        wrong=f"{eager:,} statements for 2,000 rows",
        right=f"{late:,} statement at the ends of batches",
        holds=eager > 1_500 and late == 1,
    )


def _expire_after_each(db: Session) -> Iterator[str]:
    for post in let_go(db):
        yield post.title
        db.expire_all()


def expiring_discards_edits() -> Sprung:
    """`expire_all()` throws away edits that were not flushed, without a word.

    An expired object is read anew, and its change was only on the object: no UPDATE is sent, and
    nothing is raised. Flush first.
    """
    lost, written = _edits_written(flush=False), _edits_written(flush=True)
    return Sprung(
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


def expunging_all_breaks_the_stream() -> Sprung:
    """`expunge_all()` under `yield_per` raises InvalidRequestError at the next batch.

    The stream goes on making objects for the identity map that it began with, and `expunge_all`
    has replaced that. Ask for pages by key, and expunge after each; or do not expunge.
    """
    with posts(rows=2_000) as db:
        streamed, said = _until_it_breaks(_expunge_after(500, db))
    with posts(rows=2_000) as db:
        paged, _ = _until_it_breaks(expunge_each_page(db, batch=500))
    return Sprung(
        wrong=f"{said or 'nothing raised'} after {streamed:,} of 2,000 rows",
        right=f"{paged:,} of 2,000 rows in pages",
        holds=(streamed, said, paged) == (500, "InvalidRequestError", 2_000),
    )


def _expunge_after(batch: int, db: Session) -> Iterator[Post]:
    for number, post in enumerate(let_go(db, batch=batch), 1):
        yield post
        if number % batch == 0:
            db.expunge_all()


def _until_it_breaks(rows: Iterator[Post]) -> tuple[int, str]:
    count = 0
    try:
        for _ in rows:
            count += 1
    except InvalidRequestError as error:
        return count, type(error).__name__
    return count, ""
