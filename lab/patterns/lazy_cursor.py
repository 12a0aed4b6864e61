"""How does a `with` block lend me a lazy cursor, and close it however the block is left?

A function under `@contextmanager` yields once: not rows, but one thing that gives rows. A list is
such a thing, and so is a query's result, which looks lazy and has fetched everything. What is
lazy is a server-side cursor; it stays open on the server until somebody closes it, so the block
has to, after a `break` and after an exception too. A result that SQLAlchemy returns is such a
block already.
"""

from collections.abc import Generator, Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any

from sqlalchemy import ScalarResult, select
from sqlalchemy.orm import Session

from lab.data.models import Post
from lab.data.worlds import posts, posts_ready
from lab.digest import Digest
from lab.pattern import O, Outcome, Pattern, Variant
from lab.units import doubling


@contextmanager
def fetched_list(db: Session) -> Iterator[list[Post]]:
    """Lend a list, fetched when the block is entered."""
    yield list(db.scalars(select(Post).order_by(Post.id)).all())


@contextmanager
def client_side_cursor(db: Session) -> Iterator[ScalarResult[Post]]:
    """Lend the result of a query and close it, which is right but not lazy.

    The driver's usual cursor has taken in every row before the block begins, and the ORM makes
    all objects at the first one that is asked for.
    """
    result = db.scalars(select(Post).order_by(Post.id))
    try:
        yield result
    finally:
        result.close()


@contextmanager
def server_side_cursor(db: Session, batch: int = 500) -> Iterator[ScalarResult[Post]]:
    """Lend the result of a server-side cursor and close it however the block is left.

    One `yield`, of the result itself. Without `finally`, a `break` would leave the cursor open
    on the server for as long as the transaction lasts.
    """
    query = select(Post).order_by(Post.id)
    result = db.scalars(query, execution_options={"yield_per": batch})
    try:
        yield result
    finally:
        result.close()


def closing_generator(db: Session, batch: int = 500) -> AbstractContextManager[Iterator[Post]]:
    """Lend a generator that asks page after page by key, and close it at the end of the block.

    `contextlib.closing` makes a block of anything with a `close`. No cursor is held between two
    pages, so there is none to be left open.
    """

    def pages() -> Generator[Post, None, None]:
        query = select(Post).order_by(Post.id).limit(batch)
        page = db.scalars(query).all()
        while page:
            yield from page
            page = db.scalars(query.where(Post.id > page[-1].id)).all()

    return closing(pages())


def result_itself(db: Session, batch: int = 500) -> AbstractContextManager[Iterable[Any]]:
    """Return the result of selected columns, which closes its cursor at the end of a block."""
    query = select(Post.id, Post.title).order_by(Post.id)
    return db.execute(query, execution_options={"yield_per": batch})


def digest_block(block: AbstractContextManager[Any], db: Session) -> Outcome:
    """Read every row inside the block, keeping none; the answer is their numbers and titles."""
    digest, count = Digest(), 0
    with block as rows:
        for row in rows:
            digest.add(f"{row.id}\t{row.title}")
            count += 1
    return Outcome(digest.hex(), {"rows": count, **db.info["counts"]})


PATTERN = Pattern(
    name="lazy_cursor",
    world=posts,
    prepare=posts_ready,
    outcome=digest_block,
    axes={"rows": doubling(5_000, 80_000), "batch": doubling(125, 2_000)},
    fixed={"rows": 5_000},
    variants=(
        Variant(fetched_list, role="naive", peak=O("rows")),
        Variant(
            client_side_cursor,
            role="trap",
            peak=O("rows"),
            springs="memory",
            why="It closes a cursor that has nothing left to give: all rows were fetched before.",
        ),
        Variant(server_side_cursor, role="streaming", peak=O("batch")),
        Variant(closing_generator, role="streaming", peak=O("batch")),
        Variant(result_itself, role="streaming", peak=O("batch")),
    ),
)
