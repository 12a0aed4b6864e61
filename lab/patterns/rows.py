"""How do I read many rows: all at once, or a batch at a time?

`.all()` builds every object before the first one is used. A plain loop over a query looks lazy and
does the same. `yield_per` fetches one batch, lets you use it, and fetches the next into the same
memory. What a variant keeps in memory is its claim; the claims are declared below the variants, and
the lab tests them against measured curves.
"""

from collections.abc import Generator, Iterator
from typing import Any
from uuid import uuid4

from fastapi import APIRouter
from sqlalchemy import select
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from lab.claim import O
from lab.data.inputs import posts, posts_ready
from lab.data.models import Post
from lab.endpoints.routes import Batch, Posts, Rows, endpoint, options_for
from lab.pattern import CROWDS, Pattern, Request, Variant
from lab.patterns.shared.outcomes import digest_rows
from lab.patterns.shared.post_columns import PostRow, post_json
from lab.streams import OwningResponse, gather
from lab.units import doubling


def load_all(db: Session) -> Iterator[Post]:
    """Load every row into one list.

    As SQLAlchemy 1.x spells it: ``db.query(Post).order_by(Post.id).all()``.
    """
    rows = db.scalars(select(Post).order_by(Post.id)).all()
    yield from rows


def iterate_query(db: Session) -> Iterator[Post]:
    """Iterate over the query, which looks lazy and loads every row first.

    As SQLAlchemy 1.x spells it: ``for post in db.query(Post).order_by(Post.id)``.
    """
    yield from db.scalars(select(Post).order_by(Post.id))


def offset_pages(db: Session, batch: int = 1_000) -> Iterator[Post]:
    """Select page after page by OFFSET and LIMIT.

    The server reads all earlier rows again for each page, so the time grows with the square of
    the rows; and a row that is deleted meanwhile shifts every later page by one. In 1.x:
    ``db.query(Post).order_by(Post.id).offset(offset).limit(1000).all()``.
    """
    query = select(Post).order_by(Post.id).limit(batch)
    offset = 0
    while page := db.scalars(query.offset(offset)).all():
        yield from page
        offset += batch


def yield_per(db: Session, batch: int = 1_000) -> Iterator[Post]:
    """Fetch one batch of objects at a time from a server-side cursor.

    The transaction stays open until the last row is read, and a `commit` before that closes the
    cursor. In 1.x: ``db.query(Post).order_by(Post.id).yield_per(1000)``.
    """
    query = select(Post).order_by(Post.id)
    yield from db.scalars(query, execution_options={"yield_per": batch})


def keyset_pages(db: Session, batch: int = 1_000) -> Iterator[Post]:
    """Select the page after the last key; no cursor, no long transaction.

    Every page costs the same, and rows that others insert or delete shift no page. In 1.x:
    ``db.query(Post).filter(Post.id > last).order_by(Post.id).limit(1000)``.
    """
    query = select(Post).order_by(Post.id).limit(batch)
    page = db.scalars(query).all()
    while page:
        yield from page
        page = db.scalars(query.where(Post.id > page[-1].id)).all()


def columns_in_partitions(db: Session, batch: int = 1_000) -> Iterator[Any]:
    """Fetch only the columns that are needed from a server-side cursor.

    There are no objects and no identity map, and the post's body is not sent. Give `partitions` a
    size: with `text()`, `yield_per` alone makes one partition of all rows. In 1.x:
    ``db.query(Post.id, Post.title).order_by(Post.id).yield_per(1000)``.
    """
    query = select(Post.id, Post.title, Post.view_count, Post.created_at).order_by(Post.id)
    result = db.execute(query, execution_options={"yield_per": batch})
    for partition in result.partitions(batch):
        yield from partition


def named_cursor(db: Session, batch: int = 1_000) -> Iterator[PostRow]:
    """Fetch rows from the driver's own server-side cursor, and make a named tuple of each.

    Only the cost of psycopg2 remains. The statement is SQL, since SQLAlchemy does not see it, and
    each cursor has a different name, since a session may have two open.
    """
    driver: Any = db.connection().connection.driver_connection
    with driver.cursor(f"rows_{uuid4().hex}") as cursor:
        cursor.execute("SELECT id, title, view_count, created_at FROM posts ORDER BY id")
        while page := cursor.fetchmany(batch):
            yield from map(PostRow._make, page)


PATTERN = Pattern(
    name="rows",
    open_inputs=posts,
    prepare=posts_ready,
    outcome=digest_rows,
    axes={"rows": doubling(8_000, 128_000), "batch": doubling(125, 2_000), "clients": CROWDS},
    fixed={"rows": 8_000},
    request=Request("GET /posts/export.json?rows={rows}", {"rows": 8_000}, posts_ready),
    variants=(
        Variant(load_all, role="naive", peak=O("rows"), per_client="20 MB"),
        Variant(
            iterate_query,
            role="trap",
            peak=O("rows"),
            fails_by="memory",
            because="The driver and the ORM both buffer the whole result before the first row.",
        ),
        Variant(
            offset_pages,
            role="trap",
            peak=O("batch"),
            fails_by="answer under writes",
            because="When rows are deleted during the export, it misses rows that still exist.",
        ),
        Variant(yield_per, role="streaming", peak=O("batch")),
        Variant(keyset_pages, role="streaming", peak=O("batch")),
        Variant(columns_in_partitions, role="streaming", peak=O("batch"), per_client="1.3 MB"),
        Variant(named_cursor, role="tuned", peak=O("batch"), per_client="950 kB"),
    ),
)


router = APIRouter()


@endpoint(router, PATTERN, "/posts/export.json", "application/x-ndjson")
def export_json(variant: Variant, store: Posts, rows: Rows, batch: Batch = 1_000) -> OwningResponse:
    """Send posts as JSON, one object on each line, in chunks of about 64 KiB."""

    def lines() -> Generator[bytes, None, None]:
        with store.posts(rows) as db:
            for row in variant.run(db, **options_for(variant, batch=batch)):
                yield post_json(row)

    return OwningResponse(
        gather(lines()),
        busy=(PoolTimeoutError,),
        media_type="application/x-ndjson",
        filename="posts.json",
    )
