"""How do I export rows as CSV: one string, a yield per row, or chunks of a useful size?

A list of objects and one large string cost memory for every row. The generator of tutorials is
flat, and slow for two reasons: it sends a statement for the author of nearly every row, and each
row is a chunk, which takes a switch through the server's thread pool. Joined columns, in chunks of
about 64 KiB, are flat and many times as fast. They still cost a Python object for every value; with
COPY the server writes the text, and no value becomes an object.
"""

from collections.abc import Generator, Iterator
from io import StringIO
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from sqlalchemy import select
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session, joinedload

from lab.claim import O
from lab.data.inputs import posts, posts_ready
from lab.data.models import Post
from lab.endpoints.routes import Batch, Posts, Rows, endpoint, options_for
from lab.pattern import CROWDS, Pattern, Request, Variant
from lab.patterns.shared.outcomes import digest_text
from lab.patterns.shared.post_columns import HEADER, as_it_is, joined_columns, without_formula
from lab.streams import OwningResponse
from lab.toolbox.copy_out import copied
from lab.toolbox.csv_writer import csv_line, csv_writer
from lab.units import doubling


def one_string(db: Session, spreadsheet: bool = False) -> Iterator[str]:
    """Load every post, with its author, into a list, and write all of them into one string."""
    query = select(Post).options(joinedload(Post.author)).order_by(Post.id)
    everything = db.scalars(query).all()
    buffer = StringIO()
    writer = csv_writer(buffer, spreadsheet)
    writer.writerow(HEADER)
    for post in everything:
        author = post.author.name if post.author else ""
        writer.writerow([post.id, post.title, author, post.view_count, post.created_at.isoformat()])
    yield buffer.getvalue()


def row_by_row(db: Session, batch: int = 500, spreadsheet: bool = False) -> Iterator[str]:
    """Stream posts, load each author on access, and yield every row as a chunk.

    This is the lesson's export. Each ``post.author`` that is not in memory sends a SELECT, and
    with `yield_per` the authors are freed together with the batch that used them.
    """
    yield csv_line(HEADER, spreadsheet)
    query = select(Post).order_by(Post.id)
    for post in db.scalars(query, execution_options={"yield_per": batch}):
        author = post.author.name if post.author else ""
        row = (post.id, post.title, author, post.view_count, post.created_at.isoformat())
        yield csv_line(row, spreadsheet)


def joined_chunks(
    db: Session, batch: int = 250, chunk: int = 65_536, spreadsheet: bool = False
) -> Iterator[str]:
    """Stream joined columns from one statement, and yield them in chunks of about 64 KiB.

    The database writes the times as text, so that `csv` can write a row unchanged. A batch of 250
    is freed before the garbage collector runs, which it does about every 700 objects; a batch of
    1,000 takes a third more time.
    """
    buffer = StringIO()
    writer = csv_writer(buffer, spreadsheet)
    writer.writerow(HEADER)
    result = db.execute(joined_columns(), execution_options={"yield_per": batch})
    for partition in result.partitions(batch):
        for row in partition:
            writer.writerow(row)
            if buffer.tell() >= chunk:
                yield buffer.getvalue()
                buffer.seek(0)
                buffer.truncate()
    yield buffer.getvalue()


def copy_chunks(db: Session, chunk: int = 65_536, spreadsheet: bool = False) -> Iterator[bytes]:
    """Let the server write the CSV with COPY, and send it in chunks of 64 KiB."""
    query = joined_columns(without_formula if spreadsheet else as_it_is)
    return copied(db.connection(), query, "format csv, header, encoding 'UTF8'", chunk)


PATTERN = Pattern(
    name="csv_export",
    open_inputs=posts,
    prepare=posts_ready,
    outcome=digest_text,
    # A batch below about 500 rows is smaller than a chunk.
    axes={"rows": doubling(16_000, 256_000), "batch": doubling(500, 8_000), "clients": CROWDS},
    fixed={"rows": 32_000},
    request=Request("GET /posts/export.csv?rows={rows}", {"rows": 8_000}, posts_ready),
    variants=(
        # Almost 19 MB on CPython 3.11, and up to 22 MB on 3.13.
        Variant(one_string, role="naive", peak=O("rows"), per_client="26 MB"),
        Variant(
            row_by_row,
            role="trap",
            peak=O("batch"),
            fails_by="statements",
            because="Nearly every row sends another SELECT, for its author (N+1).",
        ),
        Variant(joined_chunks, role="streaming", peak=O("batch"), per_client="1.2 MB"),
        Variant(copy_chunks, role="tuned", peak=O(1), per_client="620 kB"),
    ),
)


router = APIRouter()

Sheet = Annotated[bool, Query(description="For a spreadsheet: no text can be run as a formula.")]


@endpoint(router, PATTERN, "/posts/export.csv", "text/csv", roles=("naive", "streaming", "tuned"))
def export_csv(
    variant: Variant, store: Posts, rows: Rows, batch: Batch = 100, spreadsheet: Sheet = False
) -> OwningResponse:
    """Send posts as CSV. The session is opened in the generator, and the response owns that.

    A batch of 100 rows is as fast over HTTP as one of 1,000, and costs less for each slow reader.
    """

    def chunks() -> Generator[str | bytes, None, None]:
        with store.posts(rows) as db:
            yield from variant.run(db, spreadsheet=spreadsheet, **options_for(variant, batch=batch))

    return OwningResponse(
        chunks(), busy=(PoolTimeoutError,), media_type="text/csv", filename="posts.csv"
    )


def _session(store: Posts, rows: Rows) -> Iterator[Session]:
    with store.posts(rows) as db:
        yield db


@endpoint(router, PATTERN, "/posts/export.csv", "text/csv", roles=("trap",))
async def export_as_printed(
    variant: Variant, db: Annotated[Session, Depends(_session)], batch: Batch = 500
) -> StreamingResponse:
    """Send posts as the lesson does: a session from a dependency, and a plain response."""
    headers = {"content-disposition": 'attachment; filename="posts.csv"'}
    return StreamingResponse(variant.run(db, batch), media_type="text/csv", headers=headers)
