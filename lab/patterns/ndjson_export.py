"""How do I export rows as JSON: one string, lines from Python, or lines from the server?

A JSON array must be read whole before it can be used. With one object on each line (NDJSON), both
sides process a line at a time. PostgreSQL can write the lines itself: `row_to_json` makes the
object, and COPY sends it without a Python object in between.
"""

import json
from collections.abc import Generator, Iterator
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Select, SelectBase, func, select
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session, joinedload

from lab.claim import O
from lab.data.inputs import posts, posts_ready
from lab.data.models import Author, Post
from lab.endpoints.routes import Batch, Posts, Rows, endpoint, options_for
from lab.pattern import CROWDS, Pattern, Request, Variant
from lab.patterns.shared.outcomes import digest_text
from lab.patterns.shared.post_columns import utc_text
from lab.streams import OwningResponse, gather
from lab.toolbox.copy_out import copied
from lab.units import doubling


def one_string(db: Session) -> Iterator[str]:
    """Load every post, with its author, and write all of them into one string."""
    query = select(Post).options(joinedload(Post.author)).order_by(Post.id)
    lines = [
        as_line(
            {
                "id": post.id,
                "title": post.title,
                "author": post.author.name if post.author else None,
                "views": post.view_count,
                "created_at": post.created_at.isoformat(),
            }
        )
        for post in db.scalars(query).all()
    ]
    yield "".join(lines)


def joined_lines(db: Session, batch: int = 250, chunk: int = 65_536) -> Iterator[str]:
    """Stream joined columns from one statement, and yield lines in chunks of about 64 KiB."""
    result = db.execute(shown_columns(), execution_options={"yield_per": batch})
    yield from gather((as_line(dict(row)) for row in result.mappings()), chunk)


def copy_lines(db: Session, chunk: int = 65_536) -> Iterator[bytes]:
    """Let the server write the lines with COPY, and send them in chunks of 64 KiB."""
    return copied(db.connection(), as_json(shown_columns()), UNQUOTED, chunk)


UNQUOTED = r"format csv, quote e'\x01', delimiter e'\x02', encoding 'UTF8'"
"""Options of COPY. Its text format would double each backslash. Its CSV format quotes a value with
a quote or a delimiter in it, and JSON never contains these two characters."""


def shown_columns() -> Select[int, str, str | None, int, str]:
    """Select the columns of the export, with each author's name from a join."""
    return (
        select(
            Post.id,
            Post.title,
            Author.name.label("author"),
            Post.view_count.label("views"),
            utc_text(Post.created_at).label("created_at"),
        )
        .join_from(Post, Author, isouter=True)
        .order_by(Post.id)
    )


def as_json(columns: SelectBase) -> Select[Any]:
    """Select each row as one JSON object, made by the server."""
    post = columns.subquery("post")
    return select(func.row_to_json(post.table_valued())).order_by(post.c.id)


def as_line(row: dict[str, Any]) -> str:
    """Write one object as PostgreSQL does: without spaces, and letters not escaped."""
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n"


PATTERN = Pattern(
    name="ndjson_export",
    open_inputs=posts,
    prepare=posts_ready,
    outcome=digest_text,
    axes={"rows": doubling(16_000, 256_000), "batch": doubling(500, 8_000), "clients": CROWDS},
    fixed={"rows": 32_000},
    request=Request("GET /posts/export.ndjson?rows={rows}", {"rows": 8_000}, posts_ready),
    variants=(
        Variant(one_string, role="naive", peak=O("rows"), per_client="23 MB"),
        Variant(joined_lines, role="streaming", peak=O("batch"), per_client="960 kB"),
        Variant(copy_lines, role="tuned", peak=O(1), per_client="660 kB"),
    ),
)


router = APIRouter()


@endpoint(router, PATTERN, "/posts/export.ndjson", "application/x-ndjson")
def export_ndjson(variant: Variant, store: Posts, rows: Rows, batch: Batch = 250) -> OwningResponse:
    """Send posts as JSON, one object on each line."""

    def chunks() -> Generator[str | bytes, None, None]:
        with store.posts(rows) as db:
            yield from variant.run(db, **options_for(variant, batch=batch))

    return OwningResponse(
        chunks(),
        busy=(PoolTimeoutError,),
        media_type="application/x-ndjson",
        filename="posts.ndjson",
    )
