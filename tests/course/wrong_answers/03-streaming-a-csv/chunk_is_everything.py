# grows, out of memory
"""Stream the rows from the database, and never empty the buffer."""

import csv
from io import StringIO

from sqlalchemy import select

from lab.data.models import Author, Post


def export(db):
    query = (
        select(Post.id, Post.title, Author.name, Post.view_count, Post.created_at)
        .outerjoin(Post.author)
        .order_by(Post.id)
    )
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(("id", "title", "author", "views", "created_at"))
    for id_, title, author, views, created in db.execute(
        query, execution_options={"yield_per": 500}
    ):
        writer.writerow([id_, title, author or "", views, created.isoformat()])
    yield buffer.getvalue()
