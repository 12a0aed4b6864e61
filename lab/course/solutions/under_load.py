"""Export posts as CSV to many clients at once, in small batches and small chunks."""

import csv
from collections.abc import Iterator
from io import StringIO

from sqlalchemy import select
from sqlalchemy.orm import Session

from lab.data.models import Post
from lab.streams import gather

BATCH = 50
"""Rows of over half a kilobyte, in memory twice: as the driver received them, and as objects."""

CHUNK = 16 * 1024
"""Characters: little text for each waiting client, but enough to be worth one send."""


def export(db: Session, first: int, last: int) -> Iterator[str]:
    """Yield the posts from the first to the last id as CSV, with their bodies."""
    yield from gather(lines(db, first, last), CHUNK)


def lines(db: Session, first: int, last: int) -> Iterator[str]:
    """Yield the lines one by one; the rows are fetched in batches."""
    query = (
        select(Post.id, Post.title, Post.body).where(Post.id.between(first, last)).order_by(Post.id)
    )
    yield as_line(("id", "title", "body"))
    for row in db.execute(query, execution_options={"yield_per": BATCH}):
        yield as_line(row)


def as_line(row: tuple[object, ...]) -> str:
    """Return a row as a line of CSV."""
    line = StringIO()
    csv.writer(line, lineterminator="\n").writerow(row)
    return line.getvalue()
