"""How do I export rows as CSV: one string, a yield per row, or chunks of a useful size?

A list of objects and one big string cost memory for every row. The generator that tutorials show
is flat, and slow twice over: it sends a statement for nearly every row's author, and makes a
chunk, which is a trip through the server's thread pool, of every row. Joined columns, gathered
into chunks of about 64 KiB, are flat and many times as fast. What is left is the price of a Python
object for every value; with COPY the server writes the text, and nothing of it becomes one.
"""

import csv
from collections.abc import Callable, Generator, Iterable, Iterator
from io import StringIO
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from sqlalchemy import ColumnElement, Select, Text, case, cast, func, literal, select
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session, joinedload

from lab.copying import copied
from lab.data.models import Author, Post
from lab.data.worlds import posts, posts_ready
from lab.digest import Digest
from lab.pattern import CROWDS, O, Outcome, Pattern, Request, Variant
from lab.routes import Batch, Posts, Rows, endpoint, options_for
from lab.streams import OwningResponse
from lab.units import doubling

HEADER = ("id", "title", "author", "views", "created_at")


def one_string(db: Session, spreadsheet: bool = False) -> Iterator[str]:
    """Load every post, with its author, into a list and write them all into one string."""
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
    """Stream posts, ask for each author when it is touched, and yield every row by itself.

    This is the lesson's export. Each ``post.author`` that is not in memory sends a SELECT, and
    with `yield_per` the authors are forgotten together with the batch that needed them.
    """
    yield _as_csv(HEADER, spreadsheet)
    query = select(Post).order_by(Post.id)
    for post in db.scalars(query, execution_options={"yield_per": batch}):
        author = post.author.name if post.author else ""
        row = (post.id, post.title, author, post.view_count, post.created_at.isoformat())
        yield _as_csv(row, spreadsheet)


def joined_chunks(
    db: Session, batch: int = 250, chunk: int = 65_536, spreadsheet: bool = False
) -> Iterator[str]:
    """Stream joined columns from one statement, and yield them in chunks of about 64 KiB.

    The database writes the times as text, so that a row goes to `csv` as it is. A batch of 250 is
    used up before the garbage collector looks at it, which it does every 700 objects or so; one of
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
    """Have the server write the CSV with COPY, and pass it on in chunks of 64 KiB."""
    query = joined_columns(without_formula if spreadsheet else as_it_is)
    return copied(db.connection(), query, "format csv, header, encoding 'UTF8'", chunk)


TextInSQL = Any
"""A column, or what is made of one; SQLAlchemy has no one name for the two."""


def as_it_is(text: TextInSQL) -> TextInSQL:
    """Leave a text alone."""
    return text


def without_formula(text: TextInSQL) -> TextInSQL:
    """Do in SQL what `SheetWriter` does."""
    return case((func.left(text, 1).in_(FORMULA), literal("'").concat(text)), else_=text)


def joined_columns(
    shown: Callable[[TextInSQL], TextInSQL] = as_it_is,
) -> Select[int, str | None, str | None, int, str]:
    """Select what the export shows, with each author's name joined in.

    What is empty is NULL: that is nothing between two commas for `csv` and for COPY, which writes
    an empty text as ``""``.
    """
    return (
        select(
            Post.id,
            func.nullif(shown(Post.title), "").label("title"),
            func.nullif(shown(Author.name), "").label("author"),
            Post.view_count.label("views"),
            utc_text(Post.created_at).label("created_at"),
        )
        .join_from(Post, Author, isouter=True)
        .order_by(Post.id)
    )


def utc_text(moment: Any) -> ColumnElement[Any]:
    """Write a moment in UTC as `isoformat` does, a fraction of a second only if there is one.

    The cast to text takes half as long as `to_char`, but leaves out a fraction's last zeros.
    """
    utc = func.timezone("UTC", moment, type_=TIMESTAMP())
    written = func.replace(cast(utc, Text), " ", "T")
    with_fraction = func.to_char(utc, 'YYYY-MM-DD"T"HH24:MI:SS.US')
    whole = utc == cast(utc, TIMESTAMP(precision=0))
    return case((whole, written), else_=with_fraction).concat("+00:00")


def csv_writer(file: StringIO, spreadsheet: bool = False) -> Any:
    """Return a writer of rows, made harmless for a spreadsheet if that is asked for."""
    return SheetWriter(file) if spreadsheet else csv.writer(Lines(file))


class Lines:
    r"""A file for `csv.writer`, in which lines end with ``\n``, as COPY ends them.

    Told to end them so itself, `csv` before Python 3.13 no longer quotes a ``\r`` in a text.
    """

    def __init__(self, file: StringIO) -> None:
        self._file = file

    def write(self, line: str) -> int:
        r"""Write a line that ends with ``\r\n``."""
        return self._file.write(line[:-2] + "\n")


def _as_csv(row: tuple[Any, ...], spreadsheet: bool) -> str:
    buffer = StringIO()
    csv_writer(buffer, spreadsheet).writerow(row)
    return buffer.getvalue()


FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class SheetWriter:
    """Write CSV in which a spreadsheet finds no formula.

    Text that begins with ``=``, ``+``, ``-``, ``@``, a tab or a line end is given an apostrophe in
    front: it is shown and not run, and it is no longer the same text. So this is a choice of
    whoever asks for the file, and never the default (OWASP, "CSV injection").
    """

    def __init__(self, file: StringIO) -> None:
        self._writer = csv.writer(Lines(file))

    def writerow(self, row: Iterable[Any]) -> None:
        """Write one row, its texts made harmless."""
        self._writer.writerow([self._harmless(cell) for cell in row])

    @staticmethod
    def _harmless(cell: Any) -> Any:
        runs = isinstance(cell, str) and cell.startswith(FORMULA)
        return f"'{cell}" if runs else cell


def digest_text(chunks: Iterator[str | bytes], db: Session) -> Outcome:
    """Receive the export chunk by chunk; the answer is its text, wherever it was cut."""
    digest, count, size = Digest(), 0, 0
    for chunk in chunks:
        encoded = chunk.encode() if isinstance(chunk, str) else chunk
        digest.update(encoded)
        count += 1
        size += len(encoded)
    return Outcome(digest.hex(), {"bytes": size, "chunks": count, **db.info["counts"]})


PATTERN = Pattern(
    name="csv_export",
    world=posts,
    prepare=posts_ready,
    outcome=digest_text,
    # Below some 500 rows a batch is smaller than the chunk that is being built.
    axes={
        "rows": doubling(16_000, 256_000),
        "batch": doubling(500, 8_000),
        "clients": CROWDS,
    },
    fixed={"rows": 32_000},
    request=Request("GET /posts/export.csv?rows={rows}", {"rows": 8_000}, posts_ready),
    variants=(
        # Nearly 19 MB on CPython 3.11, and up to 22 MB on 3.13.
        Variant(one_string, role="naive", peak=O("rows", per_client="26 MB")),
        Variant(
            row_by_row,
            role="trap",
            peak=O("batch"),
            springs="statements",
            why="Nearly every row sends a SELECT of its own for its author (N+1).",
        ),
        Variant(joined_chunks, role="streaming", peak=O("batch", per_client="1.2 MB")),
        Variant(copy_chunks, role="tuned", peak=O(1, per_client="620 kB")),
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
