"""What does a session keep of the rows that went through it, and what does expire_all() release?

A session keeps every object that it has loaded in its identity map, by weak references: an object
without another reference is freed, with or without `expire_all()`. What grows is what other
references keep alive: a list or dictionary in your code, or the session itself, which keeps each
changed object until the change is flushed. Rows of columns never enter the map.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lab.claim import O
from lab.data.inputs import posts, posts_ready
from lab.data.models import Post
from lab.pattern import Pattern, Variant
from lab.patterns.shared.outcomes import digest_titles
from lab.units import doubling


def keep_every_post(db: Session) -> Iterator[Post]:
    """Stream the posts, and keep each one in a dictionary by its id."""
    kept: dict[int, Post] = {}
    query = select(Post).order_by(Post.id)
    for post in db.scalars(query, execution_options={"yield_per": 500}):
        kept[post.id] = post
        yield post


def edit_every_post(db: Session) -> Iterator[Post]:
    """Stream the posts, and strip each title for the export by assigning to it.

    The session keeps every object that was assigned to, even if the value is the same, until it
    is flushed or expired. A commit would write all of them; assign to a copy, or select columns.
    """
    query = select(Post).order_by(Post.id)
    for post in db.scalars(query, execution_options={"yield_per": 500}):
        post.title = post.title.strip()
        yield post


def let_go(db: Session, batch: int = 500) -> Iterator[Post]:
    """Stream the posts, keep none, and do nothing to the session."""
    query = select(Post).order_by(Post.id)
    yield from db.scalars(query, execution_options={"yield_per": batch})


def expire_each_batch(db: Session, batch: int = 500) -> Iterator[Post]:
    """Stream the posts and expire all objects after each batch.

    If this is done before the end of a batch, each later post of the batch sends another SELECT.
    Changes that were not flushed are lost.
    """
    query = select(Post).order_by(Post.id)
    result = db.scalars(query, execution_options={"yield_per": batch})
    for partition in result.partitions(batch):
        yield from partition
        db.expire_all()


def expunge_each_post(db: Session, batch: int = 500) -> Iterator[Post]:
    """Stream the posts and remove each one from the session after its use."""
    query = select(Post).order_by(Post.id)
    for post in db.scalars(query, execution_options={"yield_per": batch}):
        yield post
        db.expunge(post)


def expunge_each_page(db: Session, batch: int = 500) -> Iterator[Post]:
    """Select pages by key, and empty the session after each one.

    `expunge_all` needs pages: with `yield_per` it breaks the stream at the next batch.
    """
    query = select(Post).order_by(Post.id).limit(batch)
    page = db.scalars(query).all()
    while page:
        yield from page
        last = page[-1].id
        db.expunge_all()
        page = db.scalars(query.where(Post.id > last)).all()


def columns(db: Session, batch: int = 500) -> Iterator[Any]:
    """Stream only the columns that are needed, which never enter the session."""
    query = select(Post.id, Post.title).order_by(Post.id)
    yield from db.execute(query, execution_options={"yield_per": batch})


PATTERN = Pattern(
    name="identity_map",
    open_inputs=posts,
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
            fails_by="memory",
            because="The session keeps every changed object until a flush, and there is none.",
        ),
        Variant(let_go, role="streaming", peak=O("batch")),
        Variant(expire_each_batch, role="streaming", peak=O("batch")),
        Variant(expunge_each_post, role="streaming", peak=O("batch")),
        Variant(expunge_each_page, role="streaming", peak=O("batch")),
        Variant(columns, role="streaming", peak=O("batch")),
    ),
)
