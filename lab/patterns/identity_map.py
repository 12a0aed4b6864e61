"""What does a session keep of the rows that went through it, and what does expire_all() release?

A session knows every object that it has loaded, in its identity map, and the map is weak: an object
that nobody else refers to is gone, with or without `expire_all()`. What grows is what somebody
holds: a list or dictionary of your own, or the session itself, which holds on to each object that
was changed until the change is flushed. Columns never enter the map at all.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lab.data.models import Post
from lab.data.worlds import posts, posts_ready
from lab.digest import Digest
from lab.pattern import O, Outcome, Pattern, Variant
from lab.units import doubling


def keep_every_post(db: Session) -> Iterator[Post]:
    """Stream the posts, and keep each one in a dictionary to find it again."""
    kept: dict[int, Post] = {}
    query = select(Post).order_by(Post.id)
    for post in db.scalars(query, execution_options={"yield_per": 500}):
        kept[post.id] = post
        yield post


def edit_every_post(db: Session) -> Iterator[Post]:
    """Stream the posts, and tidy each one for the export by assigning to it.

    The session holds every object that was assigned to, even when the value is the same, until
    it is flushed or expired. A commit would write them all; assign to a copy, or to columns.
    """
    query = select(Post).order_by(Post.id)
    for post in db.scalars(query, execution_options={"yield_per": 500}):
        post.title = post.title.strip()
        yield post


def let_go(db: Session, batch: int = 500) -> Iterator[Post]:
    """Stream the posts, keep none, and ask nothing of the session."""
    query = select(Post).order_by(Post.id)
    yield from db.scalars(query, execution_options={"yield_per": batch})


def expire_each_batch(db: Session, batch: int = 500) -> Iterator[Post]:
    """Stream the posts and expire everything at the end of each batch, when all are used.

    Earlier than that, each post of the batch that is still to come sends a SELECT of its own. What
    was changed and not flushed is lost.
    """
    query = select(Post).order_by(Post.id)
    result = db.scalars(query, execution_options={"yield_per": batch})
    for partition in result.partitions(batch):
        yield from partition
        db.expire_all()


def expunge_each_post(db: Session, batch: int = 500) -> Iterator[Post]:
    """Stream the posts and take each one out of the session when it has been used."""
    query = select(Post).order_by(Post.id)
    for post in db.scalars(query, execution_options={"yield_per": batch}):
        yield post
        db.expunge(post)


def expunge_each_page(db: Session, batch: int = 500) -> Iterator[Post]:
    """Ask for pages by key, and empty the session after each one.

    `expunge_all` wants pages: under `yield_per` it breaks the stream at the next batch.
    """
    query = select(Post).order_by(Post.id).limit(batch)
    page = db.scalars(query).all()
    while page:
        yield from page
        last = page[-1].id
        db.expunge_all()
        page = db.scalars(query.where(Post.id > last)).all()


def columns(db: Session, batch: int = 500) -> Iterator[Any]:
    """Stream only the columns that are needed, which the session never hears of."""
    query = select(Post.id, Post.title).order_by(Post.id)
    yield from db.execute(query, execution_options={"yield_per": batch})


def digest_titles(rows: Iterator[Any], db: Session) -> Outcome:
    """Read row after row, keeping none; the answer is the numbers and titles in their order."""
    digest, count, in_map = Digest(), 0, 0
    for row in rows:
        digest.add(f"{row.id}\t{row.title}")
        count += 1
        in_map = max(in_map, len(db.identity_map))
    return Outcome(digest.hex(), {"rows": count, "in_map": in_map, **db.info["counts"]})


PATTERN = Pattern(
    name="identity_map",
    world=posts,
    prepare=posts_ready,
    outcome=digest_titles,
    axes={"rows": doubling(5_000, 80_000), "batch": doubling(125, 2_000)},
    fixed={"rows": 5_000},
    variants=(
        Variant(keep_every_post, role="naive", peak=O("rows")),
        Variant(
            edit_every_post,
            role="trap",
            peak=O("rows"),
            springs="memory",
            why="The session holds every changed object until it is flushed; here it never is.",
        ),
        Variant(let_go, role="streaming", peak=O("batch")),
        Variant(expire_each_batch, role="streaming", peak=O("batch")),
        Variant(expunge_each_post, role="streaming", peak=O("batch")),
        Variant(expunge_each_page, role="streaming", peak=O("batch")),
        Variant(columns, role="streaming", peak=O("batch")),
    ),
)
