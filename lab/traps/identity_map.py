"""Traps about which objects a session keeps in memory."""

from collections.abc import Iterator

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    mapped_column,
    relationship,
    selectinload,
)

from lab.data.inputs import posts
from lab.errors import LabError
from lab.patterns.identity_map import PATTERN
from lab.traps.private_posts import is_level, peaks, show_peaks
from lab.traps.trap import Demonstration


def expire_all_is_not_needed() -> Demonstration:
    """Memory is as flat without `expire_all()` as with it.

    The identity map holds weak references: an object that the caller releases is freed, and the
    map never holds more than one batch. Call `expire_all()` only where objects form reference
    cycles.
    """
    rows = (8_000, 32_000)
    with_it, without = peaks(PATTERN, ("expire_each_batch", "let_go"), rows)
    return Demonstration(
        wrong=f"with it {show_peaks(with_it, rows)}",
        right=f"without {show_peaks(without, rows)}",
        holds=is_level(with_it) and is_level(without) and without[1] < with_it[1] * 1.25,
    )


def kept_objects_stay() -> Demonstration:
    """Streamed objects that the caller keeps stay in memory, with all their columns.

    `yield_per` limits what the cursor buffers, not what the caller keeps. Keep only the values
    that you need, such as an id or a title, and release the object.
    """
    return _kept("keep_every_post")


def edited_objects_stay() -> Demonstration:
    """Streamed objects that are assigned to stay in memory, even with the same value.

    The session must not lose a change before the flush, so it holds a strong reference to each
    object that was assigned to. Clean a value when you write it out, not on the object. To change
    rows, work in pages and flush each page.
    """
    return _kept("edit_every_post")


def _kept(name: str) -> Demonstration:
    rows = (2_000, 12_000)
    kept, released = peaks(PATTERN, (name, "let_go"), rows)
    return Demonstration(
        wrong=show_peaks(kept, rows),
        right=show_peaks(released, rows),
        holds=kept[1] > kept[0] * 4 and is_level(released),
    )


class _Base(DeclarativeBase):
    """Models of the lab's tables, with posts and authors in a reference cycle."""


class _Author(_Base):
    __tablename__ = "authors"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    posts: Mapped[list["_Post"]] = relationship(back_populates="author")


class _Post(_Base):
    __tablename__ = "posts"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    author_id: Mapped[int | None] = mapped_column(ForeignKey("authors.id"))
    author: Mapped[_Author | None] = relationship(back_populates="posts")


def cycles_wait_for_the_collector() -> Demonstration:
    """Objects in a reference cycle outlive their batch until the garbage collector runs.

    A post refers to its author and the author to the post, so neither is freed at once. Here
    `expire_all()` after each batch does help: it empties the objects and so breaks the cycle.
    Selected columns have no cycles.
    """
    with posts(rows=16_000) as db:
        waiting = max(_objects_known(db, expire=False))
        db.expunge_all()
        emptied = max(_objects_known(db, expire=True))
    return Demonstration(
        wrong=f"{waiting:,} objects in the session at once",
        right=f"{emptied:,} with expire_all() after each batch",
        holds=waiting > 2 * emptied,
    )


def _objects_known(db: Session, expire: bool) -> Iterator[int]:
    """Stream authors with their posts, and yield the number of objects in the session."""
    query = select(_Author).options(selectinload(_Author.posts)).order_by(_Author.id)
    result = db.scalars(query, execution_options={"yield_per": 20})
    for authors in result.partitions(20):
        for author in authors:
            for post in author.posts:
                if post.author is not author:
                    raise LabError("the session has two objects for one author.")
        yield len(db.identity_map)
        if expire:
            db.expire_all()
