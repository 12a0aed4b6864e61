"""Export every post as CSV, in chunks of about 64 KiB."""

import csv
from collections.abc import Iterator
from io import StringIO

from sqlalchemy import select
from sqlalchemy.orm import Session

from lab.data.models import Author, Post

HEADER = ("id", "title", "author", "views", "created_at")


def export(db: Session) -> Iterator[str]:
    """Yield the posts as CSV, by id; the field of a missing author is empty."""
    query = (
        select(Post.id, Post.title, Author.name, Post.view_count, Post.created_at)
        .outerjoin(Post.author)
        .order_by(Post.id)
    )
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(HEADER)
    for id_, title, author, views, created in db.execute(
        query, execution_options={"yield_per": 500}
    ):
        writer.writerow([id_, title, author or "", views, created.isoformat()])
        if buffer.tell() > 65_536:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()
