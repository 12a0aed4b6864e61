"""Traps about what a session keeps of the objects that went through it."""

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

from lab.data.worlds import posts
from lab.patterns.identity_map import PATTERN
from lab.traps.database import is_level, peaks, show_peaks
from lab.traps.trap import Sprung


def expire_all_is_not_needed() -> Sprung:
    """Streaming is as flat without `expire_all()` as it is with it.

    The identity map refers to objects weakly: what the caller lets go is gone, and the map never
    knows more than one batch. Call `expire_all()` where objects refer to one another in cycles,
    and otherwise not at all.
    """
    rows = (8_000, 32_000)
    with_it, without = peaks(PATTERN, ("expire_each_batch", "let_go"), rows)
    return Sprung(
        wrong=f"with it {show_peaks(with_it, rows)}",
        right=f"without {show_peaks(without, rows)}",
        holds=is_level(with_it) and is_level(without) and without[1] < with_it[1] * 1.25,
    )


def kept_objects_stay() -> Sprung:
    """Streamed objects that the caller keeps are kept, body and all.

    `yield_per` bounds what the cursor holds, not what you do. Keep what you need of each post, a
    number or a title, and let the object go.
    """
    return _held("keep_every_post")


def edited_objects_stay() -> Sprung:
    """Streamed objects that are assigned to stay in memory, even with the same value.

    The session must not lose a change before it is flushed, so it refers strongly to each object
    that was assigned to. Tidy a value on its way out, not on the object; to change rows, work in
    pages and flush each one.
    """
    return _held("edit_every_post")


def _held(name: str) -> Sprung:
    rows = (2_000, 12_000)
    held, let = peaks(PATTERN, (name, "let_go"), rows)
    return Sprung(
        wrong=show_peaks(held, rows),
        right=show_peaks(let, rows),
        holds=held[1] > held[0] * 4 and is_level(let),
    )


class _Base(DeclarativeBase):
    """Models of the lab's tables in which posts and authors refer to one another."""


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


def cycles_wait_for_the_collector() -> Sprung:
    """Objects that refer to one another outlive their batch until the garbage collector runs.

    A post that knows its author, who knows the post, is never unreferenced. Here `expire_all()`
    at the end of each batch does help: it empties the objects, and with them the cycle. Columns
    have no cycles.
    """
    with posts(rows=16_000) as db:
        waiting = max(_known(db, expire=False))
        db.expunge_all()
        emptied = max(_known(db, expire=True))
    return Sprung(
        wrong=f"{waiting:,} objects in the session at once",
        right=f"{emptied:,} with expire_all() after each batch",
        holds=waiting > 2 * emptied,
    )


def _known(db: Session, expire: bool) -> Iterator[int]:
    """Stream authors with their posts, and yield how many objects the session knows."""
    query = select(_Author).options(selectinload(_Author.posts)).order_by(_Author.id)
    result = db.scalars(query, execution_options={"yield_per": 20})
    for authors in result.partitions(20):
        for author in authors:
            for post in author.posts:
                assert post.author is author
        yield len(db.identity_map)
        if expire:
            db.expire_all()
