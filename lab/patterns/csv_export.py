"""How do I export rows as CSV: one string, a yield per row, or chunks of a useful size?

A list of objects and one big string cost memory for every row. The generator that tutorials show
is flat, and slow twice over: it sends a statement for nearly every row's author, and makes a
chunk, which is a trip through the server's thread pool, of every row. Joined columns, gathered
into chunks of about 64 KiB, are flat and many times as fast.
"""

import csv
from collections.abc import Callable, Generator, Iterable, Iterator
from datetime import datetime
from io import StringIO
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from sqlalchemy import Select, func, select
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session, joinedload

from lab.data.models import Author, Post
from lab.data.worlds import posts, posts_ready
from lab.digest import Digest
from lab.pattern import O, Outcome, Pattern, Variant
from lab.routes import Batch, Posts, Rows, endpoint, options_for
from lab.streams import OwningResponse
from lab.units import doubling

HEADER = ("id", "title", "author", "views", "created_at")

NewWriter = Callable[[StringIO], Any]
"""`csv.writer`, or `SheetWriter` for a file that a spreadsheet will open."""


def one_string(db: Session, new_writer: NewWriter = csv.writer) -> Iterator[str]:
    """Load every post, with its author, into a list and write them all into one string."""
    query = select(Post).options(joinedload(Post.author)).order_by(Post.id)
    everything = db.scalars(query).all()
    buffer = StringIO()
    writer = new_writer(buffer)
    writer.writerow(HEADER)
    for post in everything:
        author = post.author.name if post.author else ""
        writer.writerow([post.id, post.title, author, post.view_count, post.created_at.isoformat()])
    yield buffer.getvalue()


def row_by_row(db: Session, batch: int = 500, new_writer: NewWriter = csv.writer) -> Iterator[str]:
    """Stream posts, ask for each author when it is touched, and yield every row by itself.

    This is the lesson's export. Each ``post.author`` that is not in memory sends a SELECT, and
    with `yield_per` the authors are forgotten together with the batch that needed them.
    """
    yield _as_csv(HEADER, new_writer)
    query = select(Post).order_by(Post.id)
    for post in db.scalars(query, execution_options={"yield_per": batch}):
        author = post.author.name if post.author else ""
        row = (post.id, post.title, author, post.view_count, post.created_at.isoformat())
        yield _as_csv(row, new_writer)


def joined_chunks(
    db: Session, batch: int = 1_000, chunk: int = 65_536, new_writer: NewWriter = csv.writer
) -> Iterator[str]:
    """Stream joined columns from one statement, and yield them in chunks of about 64 KiB."""
    buffer = StringIO()
    writer = new_writer(buffer)
    writer.writerow(HEADER)
    result = db.execute(joined_columns(), execution_options={"yield_per": batch})
    for partition in result.partitions(batch):
        for id_, title, author, views, created_at in partition:
            writer.writerow((id_, title, author, views, created_at.isoformat()))
            if buffer.tell() >= chunk:
                yield buffer.getvalue()
                buffer.seek(0)
                buffer.truncate()
    yield buffer.getvalue()


def joined_columns() -> Select[int, str, str, int, datetime]:
    """Select what the export shows, with each author's name joined in."""
    return (
        select(
            Post.id, Post.title, func.coalesce(Author.name, ""), Post.view_count, Post.created_at
        )
        .join_from(Post, Author, isouter=True)
        .order_by(Post.id)
    )


def _as_csv(row: tuple[Any, ...], new_writer: NewWriter) -> str:
    buffer = StringIO()
    new_writer(buffer).writerow(row)
    return buffer.getvalue()


class SheetWriter:
    """Write CSV in which a spreadsheet finds no formula.

    Text that begins with ``=``, ``+``, ``-``, ``@``, a tab or a line end is given an apostrophe in
    front: it is shown and not run, and it is no longer the same text. So this is a choice of
    whoever asks for the file, and never the default (OWASP, "CSV injection").
    """

    def __init__(self, file: StringIO) -> None:
        self._writer = csv.writer(file)

    def writerow(self, row: Iterable[Any]) -> None:
        """Write one row, its texts made harmless."""
        self._writer.writerow([self._harmless(cell) for cell in row])

    @staticmethod
    def _harmless(cell: Any) -> Any:
        runs = isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
        return f"'{cell}" if runs else cell


def digest_text(chunks: Iterator[str], db: Session) -> Outcome:
    """Receive the export chunk by chunk; the answer is its text, wherever it was cut."""
    digest, count, characters = Digest(), 0, 0
    for chunk in chunks:
        digest.update(chunk.encode())
        count += 1
        characters += len(chunk)
    return Outcome(digest.hex(), {"characters": characters, "chunks": count, **db.info["counts"]})


PATTERN = Pattern(
    name="csv_export",
    world=posts,
    prepare=posts_ready,
    outcome=digest_text,
    # Below some 500 rows a batch is smaller than the chunk that is being built.
    axes={"rows": doubling(16_000, 256_000), "batch": doubling(500, 8_000)},
    fixed={"rows": 32_000},
    variants=(
        Variant(one_string, role="naive", peak=O("rows")),
        Variant(
            row_by_row,
            role="trap",
            peak=O("batch"),
            springs="statements",
            why="Nearly every row sends a SELECT of its own for its author (N+1).",
        ),
        Variant(joined_chunks, role="streaming", peak=O("batch")),
    ),
)


router = APIRouter()

Sheet = Annotated[bool, Query(description="For a spreadsheet: no text is taken for a formula.")]


@endpoint(router, PATTERN, "/posts/export.csv", "text/csv", roles=("naive", "streaming", "tuned"))
def export_csv(
    variant: Variant, store: Posts, rows: Rows, batch: Batch = 100, spreadsheet: Sheet = False
) -> OwningResponse:
    """Send posts as CSV. The session lives in the generator, and the response owns that.

    A hundred rows at a time are as fast over HTTP as a thousand, and many slow readers cost less.
    """
    new_writer = SheetWriter if spreadsheet else csv.writer

    def chunks() -> Generator[str, None, None]:
        with store.posts(rows) as db:
            yield from variant.run(db, new_writer=new_writer, **options_for(variant, batch=batch))

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
