"""How do I read many rows: all at once, or a batch at a time?

`.all()` builds every object before the first one is used. A query that is merely iterated looks
lazy and does the same. `yield_per` has the database hand over one batch, lets you use it, and
fetches the next into the same memory. What a variant keeps in memory is its claim; below the
variants, the claims are declared, and the lab holds them against measured curves.
"""

import json
from collections.abc import Generator, Iterator
from datetime import datetime
from typing import Any, NamedTuple
from uuid import uuid4

from fastapi import APIRouter
from sqlalchemy import select
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from lab.data.models import Post
from lab.data.worlds import posts, posts_ready
from lab.digest import Digest
from lab.pattern import CROWDS, O, Outcome, Pattern, Request, Variant
from lab.routes import Batch, Posts, Rows, endpoint, options_for
from lab.streams import OwningResponse, gather
from lab.units import doubling


def load_all(db: Session) -> Iterator[Post]:
    """Load every row into one list.

    In the 1.x spelling of the lesson: ``db.query(Post).order_by(Post.id).all()``.
    """
    rows = db.scalars(select(Post).order_by(Post.id)).all()
    yield from rows


def iterate_query(db: Session) -> Iterator[Post]:
    """Iterate over the query, which looks lazy and loads every row first.

    In the 1.x spelling: ``for post in db.query(Post).order_by(Post.id)``.
    """
    yield from db.scalars(select(Post).order_by(Post.id))


def offset_pages(db: Session, batch: int = 1_000) -> Iterator[Post]:
    """Ask for page after page by OFFSET and LIMIT.

    The server walks over all earlier rows to reach each page, so the time grows with the square
    of the rows; and a row that is deleted meanwhile shifts every later page by one. In the 1.x
    spelling: ``db.query(Post).order_by(Post.id).offset(offset).limit(1000).all()``.
    """
    query = select(Post).order_by(Post.id).limit(batch)
    offset = 0
    while page := db.scalars(query.offset(offset)).all():
        yield from page
        offset += batch


def yield_per(db: Session, batch: int = 1_000) -> Iterator[Post]:
    """Let a server-side cursor hand over one batch of objects at a time.

    In the 1.x spelling: ``db.query(Post).order_by(Post.id).yield_per(1000)``. The transaction
    stays open until the last row is read, and a `commit` in between closes the cursor.
    """
    query = select(Post).order_by(Post.id)
    yield from db.scalars(query, execution_options={"yield_per": batch})


def keyset_pages(db: Session, batch: int = 1_000) -> Iterator[Post]:
    """Ask for the page after the last key seen; no cursor, no long transaction.

    Every page costs the same, however far in, and rows that come or go elsewhere shift nothing.
    In the 1.x spelling: ``db.query(Post).filter(Post.id > last).order_by(Post.id).limit(1000)``.
    """
    query = select(Post).order_by(Post.id).limit(batch)
    page = db.scalars(query).all()
    while page:
        yield from page
        page = db.scalars(query.where(Post.id > page[-1].id)).all()


def columns_in_partitions(db: Session, batch: int = 1_000) -> Iterator[Any]:
    """Select only the columns that are needed, and take them from a server-side cursor.

    No objects, no identity map, and the body of the post never leaves the server. `partitions`
    wants a size here: `text()` with `yield_per` and no size gives one partition of everything. In
    the 1.x spelling: ``db.query(Post.id, Post.title).order_by(Post.id).yield_per(1000)``.
    """
    query = select(Post.id, Post.title, Post.view_count, Post.created_at).order_by(Post.id)
    result = db.execute(query, execution_options={"yield_per": batch})
    for partition in result.partitions(batch):
        yield from partition


def named_cursor(db: Session, batch: int = 1_000) -> Iterator["PostRow"]:
    """Take plain rows from the driver's own server-side cursor, and make a named tuple of each.

    What is left is psycopg2 itself. The statement is written by hand, for SQLAlchemy does not see
    it, and the cursor has a name of its own, since a session may read twice at once.
    """
    driver: Any = db.connection().connection.driver_connection
    with driver.cursor(f"rows_{uuid4().hex}") as cursor:
        cursor.execute("SELECT id, title, view_count, created_at FROM posts ORDER BY id")
        while page := cursor.fetchmany(batch):
            yield from map(PostRow._make, page)


class PostRow(NamedTuple):
    """What an export shows of a post."""

    id: int
    title: str
    view_count: int
    created_at: datetime


def digest_rows(rows: Iterator[Any], db: Session) -> Outcome:
    """Read row after row, keeping none; the answer is what an export would show of them."""
    digest, count = Digest(), 0
    for row in rows:
        digest.add(f"{row.id}\t{row.title}\t{row.view_count}\t{row.created_at}")
        count += 1
    return Outcome(digest.hex(), {"rows": count, **db.info["counts"]})


PATTERN = Pattern(
    name="rows",
    world=posts,
    prepare=posts_ready,
    outcome=digest_rows,
    axes={
        "rows": doubling(8_000, 128_000),
        "batch": doubling(125, 2_000),
        "clients": CROWDS,
    },
    fixed={"rows": 8_000},
    request=Request("GET /posts/export.json?rows={rows}", {"rows": 8_000}, posts_ready),
    variants=(
        Variant(load_all, role="naive", peak=O("rows", per_client="20 MB")),
        Variant(
            iterate_query,
            role="trap",
            peak=O("rows"),
            springs="memory",
            why="The driver and the ORM both buffer the whole result before the first row.",
        ),
        Variant(
            offset_pages,
            role="trap",
            peak=O("batch"),
            springs="answer under writes",
            why="Rows deleted while the export runs make it miss others that were there all along.",
        ),
        Variant(yield_per, role="streaming", peak=O("batch")),
        Variant(keyset_pages, role="streaming", peak=O("batch")),
        Variant(columns_in_partitions, role="streaming", peak=O("batch", per_client="1.3 MB")),
        Variant(named_cursor, role="tuned", peak=O("batch", per_client="950 kB")),
    ),
)


router = APIRouter()


@endpoint(router, PATTERN, "/posts/export.json", "application/x-ndjson")
def export_json(variant: Variant, store: Posts, rows: Rows, batch: Batch = 1_000) -> OwningResponse:
    """Send posts as JSON, one object on each line, in chunks of about 64 KiB."""

    def lines() -> Generator[bytes, None, None]:
        with store.posts(rows) as db:
            for row in variant.run(db, **options_for(variant, batch=batch)):
                yield _as_json(row)

    return OwningResponse(
        gather(lines()),
        busy=(PoolTimeoutError,),
        media_type="application/x-ndjson",
        filename="posts.json",
    )


def _as_json(row: Any) -> bytes:
    shown = {
        "id": row.id,
        "title": row.title,
        "views": row.view_count,
        "created_at": row.created_at.isoformat(),
    }
    return json.dumps(shown, ensure_ascii=False).encode() + b"\n"
