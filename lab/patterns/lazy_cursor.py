"""How does a `with` block give me a lazy cursor, and close it on every way out of the block?

A function under `@contextmanager` yields once: not rows, but one iterable of rows. A list is one,
and so is a query's result, which looks lazy but has fetched all rows. A server-side cursor is lazy.
It stays open on the server until it is closed, so the block must close it, also after a `break` or
an exception. SQLAlchemy's own result is already such a block.
"""

from collections.abc import Generator, Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any

from sqlalchemy import ScalarResult, select
from sqlalchemy.orm import Session

from lab.claim import O
from lab.data.inputs import posts, posts_ready
from lab.data.models import Post
from lab.pattern import Pattern, Variant
from lab.patterns.shared.outcomes import digest_block
from lab.units import doubling


@contextmanager
def fetched_list(db: Session) -> Iterator[list[Post]]:
    """Yield a list, fetched when the block is entered."""
    yield list(db.scalars(select(Post).order_by(Post.id)).all())


@contextmanager
def client_side_cursor(db: Session) -> Iterator[ScalarResult[Post]]:
    """Yield the result of a query and close it, which is correct but not lazy.

    The driver's usual cursor has fetched every row before the block begins, and the ORM makes all
    objects when the first one is read.
    """
    result = db.scalars(select(Post).order_by(Post.id))
    try:
        yield result
    finally:
        result.close()


@contextmanager
def server_side_cursor(db: Session, batch: int = 500) -> Iterator[ScalarResult[Post]]:
    """Yield the result of a server-side cursor, and close it on every way out of the block.

    There is one `yield`, of the result itself. Without `finally`, an exception would leave the
    cursor open on the server until the end of the transaction.
    """
    query = select(Post).order_by(Post.id)
    result = db.scalars(query, execution_options={"yield_per": batch})
    try:
        yield result
    finally:
        result.close()


def closing_generator(db: Session, batch: int = 500) -> AbstractContextManager[Iterator[Post]]:
    """Return a block with a generator that selects page after page by key, and close it at the end.

    `contextlib.closing` makes a block of any object with a `close`. There is no cursor between two
    pages, so none can stay open.
    """

    def pages() -> Generator[Post, None, None]:
        query = select(Post).order_by(Post.id).limit(batch)
        page = db.scalars(query).all()
        while page:
            yield from page
            page = db.scalars(query.where(Post.id > page[-1].id)).all()

    return closing(pages())


def result_itself(db: Session, batch: int = 500) -> AbstractContextManager[Iterable[Any]]:
    """Return the result of a query for columns, which closes its cursor at the end of a block."""
    query = select(Post.id, Post.title).order_by(Post.id)
    return db.execute(query, execution_options={"yield_per": batch})


PATTERN = Pattern(
    name="lazy_cursor",
    open_inputs=posts,
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
            fails_by="memory",
            because="All rows were fetched before the block; closing the cursor saves nothing.",
        ),
        Variant(server_side_cursor, role="streaming", peak=O("batch")),
        Variant(closing_generator, role="streaming", peak=O("batch")),
        Variant(result_itself, role="streaming", peak=O("batch")),
    ),
)
